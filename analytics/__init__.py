"""Reserved: quality flags, anomalies, oxygen forecasts, alarms to people, fishing trips.

Nothing is here yet. The room is kept so that import rules and packaging hold from the
first day; it will read the telemetry store through its intake, never the broker.
"""
