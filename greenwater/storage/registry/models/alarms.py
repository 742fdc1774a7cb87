"""Alarms, what people do to them, what they are told; analytics' own state."""
