"""What each broker must be told so that a device touches only its own branch."""
