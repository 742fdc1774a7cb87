"""The simulated world, and the device side of the wire.

Waters, boats and faults are pure functions of time and seed; the servers that speak
Modbus and NMEA for them are in ``devices``. The world is plain functions; the rim is
asyncio (servers) or one selectors loop (``fleet``). Nothing here shares a register table
or an encoder with what it tests (docs/adr/0007).
"""
