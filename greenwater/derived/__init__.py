"""What follows from what was measured, by formulae with test vectors. Never sent."""
