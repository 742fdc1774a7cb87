"""Boats that sail trips: positions and activity as functions of time, seed and plan."""
