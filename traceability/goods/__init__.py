"""Lots and what is done to them: mass balance, descent, events."""
