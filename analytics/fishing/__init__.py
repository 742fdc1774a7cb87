"""What vessels do at sea: fishing or not, trips between ports."""
