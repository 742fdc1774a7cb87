"""What anybody sees of a label: passport, resolver, scans; and labels on paper."""
