"""A lot's whole story, and labels that can be believed: books, lots, rules, trace events.

It writes to the registry and takes evidence from the telemetry store; it is no process:
the site's pages and the command line call it. Rooms are listed in docs/architecture.md.
"""
