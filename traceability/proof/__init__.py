"""What can be proved offline: keys, seals, signed links, codes, verdicts."""
