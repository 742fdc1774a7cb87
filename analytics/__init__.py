"""Analytics: what came in is watched; people are told of alarms.

It reads the telemetry store through its intake, never the broker, and meets the other
services in the two databases alone.
"""
