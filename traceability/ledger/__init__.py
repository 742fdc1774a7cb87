"""The ledger of trace events: made, chained, its daily root."""
