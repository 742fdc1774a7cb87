"""Trips between port calls, fix by fix: hysteresis at the fence, gaps and all."""

from msgspec import Struct

from greenwater.reference.ports import port_at

OUT_FIXES = 2
"""A vessel has left after so many fixes outside a fence in a row. Practice."""
LANDED_KN = 2.0
"""Slower than this inside a fence, a vessel has landed. Practice."""


class Trip(Struct, frozen=True):
    """From leaving a port to landing; ``port`` is where it landed."""

    vessel: str
    departure_ms: int
    landing_ms: int
    port: str


class TripState(Struct):
    """What is remembered of one vessel between fixes."""

    vessel: str
    is_at_sea: bool = False
    last_in_port_ms: int | None = None
    last_port: str = ""
    outside: int = 0

    def take(
        self, time_ms: int, latitude: float, longitude: float, speed_kn: float
    ) -> Trip | None:
        """Take the next fix; return the trip that it ends, if it ends one.

        A trip whose departure was not seen is none.
        """
        port = port_at(latitude, longitude)
        if port is None:
            self.outside += 1
            is_seen = self.last_in_port_ms is not None
            self.is_at_sea = self.is_at_sea or (is_seen and self.outside >= OUT_FIXES)
            return None
        self.outside = 0
        if self.is_at_sea and speed_kn >= LANDED_KN:
            return None
        ended = None
        if self.is_at_sea and self.last_in_port_ms is not None:
            ended = Trip(self.vessel, self.last_in_port_ms, time_ms, port.code)
        self.is_at_sea, self.last_in_port_ms = False, time_ms
        self.last_port = port.code
        return ended
