"""How good the analytics are, on recordings they were not tuned on: ``make evaluate``."""
