"""Fishing ports: where a vessel is in port. Positions are reference values, not verified."""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from greenwater.reference.tables import read_table


class Port(Struct, frozen=True, forbid_unknown_fields=True):
    """A port; without a position where none is published. ``is_rough``: not its own."""

    code: str
    name: str
    latitude: float | None = None
    longitude: float | None = None
    is_rough: bool = False
    note: str = ""


class Ports(Struct, frozen=True, forbid_unknown_fields=True):
    """All ports, with the radius (km) within which a vessel is in one."""

    fence_km: float
    datum: str
    source: str
    basis: str
    verified: bool
    port: Sequence[Port]


PORTS: Final = read_table("ports.toml", Ports)


def port_at(latitude: float, longitude: float) -> Port | None:
    """Return the nearest port whose fence holds this position (°, WGS84), or None."""
    near: tuple[Port | None, float] = (None, PORTS.fence_km)
    for port in PORTS.port:
        if port.latitude is None or port.longitude is None:
            continue
        north = (latitude - port.latitude) * 111.195
        if abs(north) > near[1]:
            continue
        east = (longitude - port.longitude) * 111.195 * math.cos(math.radians(latitude))
        away_km = math.hypot(north, east)
        if away_km <= near[1]:
            near = port, away_km
    return near[0]
