"""Reserved: lots, farm records, VietGAP rules, trace events, signed labels, their API.

Nothing is here yet. The room is kept so that import rules and packaging hold from the
first day; it will write to the registry and take evidence from the telemetry store.
"""
