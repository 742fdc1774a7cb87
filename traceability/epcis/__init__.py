"""EPCIS 2.0: documents and events checked, normalised, hashed, and asked for."""
