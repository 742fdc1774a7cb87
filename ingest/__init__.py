"""MQTT to the telemetry store: record first, acknowledge second.

Threads: paho's network thread fills a bounded queue; one thread decodes; one thread
merges, writes, and acknowledges. Nothing is acknowledged, to box or broker, before the
store has it.
"""
