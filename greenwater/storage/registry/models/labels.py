"""Products, signing keys, labels, recalls."""
