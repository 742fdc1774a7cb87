"""Crops, records, lots and the ledger of trace events."""
