"""The device side of the wire: virtual probes, waters and boats, faults, fleets.

An independent implementation: it shares no register table and no encoder with what it
tests (docs/adr/0007). asyncio at the rim, pure functions of time behind it.
"""
