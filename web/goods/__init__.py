"""Pages of goods on their way and of lots, and the same for programs."""
