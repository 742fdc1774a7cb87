"""The farm's book: entries, corrections, imports, evidence of water."""
