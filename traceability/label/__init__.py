"""Labels: issued, printed, scanned, recalled, inspected; the passport."""
