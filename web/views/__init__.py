"""What pages show, as words, numbers and drawings: pure, and knows no request."""
