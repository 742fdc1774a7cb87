"""The wire, version 1: what travels between a box and the platform (docs/wire.md).

``encode`` is what the edge sends with, ``decode`` what ingest reads with, ``messages``
the small JSON documents around them. The simulator shares none of it.
"""
