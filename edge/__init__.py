"""The agent on a farm gateway or vessel box: probes in, confirmed readings out.

Threads: one per bus or stream, one that owns the outbox's commits, one for the uplink.
A thread that dies takes the process down; the supervisor (or systemd) starts it again.
"""
