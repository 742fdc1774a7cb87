"""Ponds and sea cages with physics: two layers of water under a sky.

Pure and synchronous. Units are in the names; time is seconds since 1970.
"""
