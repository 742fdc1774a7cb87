"""Instruments: one file per protocol. A new probe model is a profile, not code."""
