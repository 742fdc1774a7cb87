"""May it be labelled? The gate of a harvest, and what two people may lift."""
