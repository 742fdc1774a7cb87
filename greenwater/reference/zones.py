"""Coastal, inshore and offshore waters, and whose they are to work in. Not verified.

Source: domain.md §3.1 and §3.2. No national boundary is held here or drawn.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from shapely import LineString, Point, Polygon, prepare

from greenwater.reference.ports import PORTS
from greenwater.reference.tables import read_table
from greenwater.reference.vessels import VesselClass


class Zone(StrEnum):
    """Waters by the two lines, and by distance to islands beyond them."""

    COASTAL = "coastal"
    INSHORE = "inshore"
    OFFSHORE = "offshore"


class Island(Struct, frozen=True, forbid_unknown_fields=True):
    """An island seaward of the coastal line, as a circle about its centre (°, nm).

    ``slack_nm`` is how far its shore may lie from that circle: nothing is alarmed there.
    """

    name: str
    latitude: float
    longitude: float
    radius_nm: float = 0.0
    slack_nm: float = 0.0


class Zones(Struct, frozen=True, forbid_unknown_fields=True):
    """The two lines (latitude, longitude), the islands' belt and the buffer in nm."""

    datum: str
    basis: str
    source: str
    verified: bool
    island_nm: float
    buffer_nm: float
    coastal_line: Sequence[tuple[float, float]]
    inshore_line: Sequence[tuple[float, float]]
    island: tuple[Island, ...]


ZONES: Final = read_table("zones.toml", Zones)

ALLOWED: Final[Mapping[VesselClass, Sequence[Zone]]] = {
    VesselClass.UNDER_6: (Zone.COASTAL,),
    VesselClass.FROM_6: (Zone.COASTAL,),
    VesselClass.FROM_12: (Zone.INSHORE,),
    VesselClass.FROM_15: (Zone.OFFSHORE,),
    VesselClass.FROM_24: (Zone.OFFSHORE,),
}
"""Where a catching vessel of a class may fish; elsewhere it may only pass."""

SERVED: Final[Mapping[VesselClass, Sequence[Zone]]] = {
    VesselClass.UNDER_6: (Zone.COASTAL,),
    VesselClass.FROM_6: (Zone.COASTAL,),
    VesselClass.FROM_12: (Zone.COASTAL, Zone.INSHORE),
    VesselClass.FROM_15: tuple(Zone),
    VesselClass.FROM_24: tuple(Zone),
}
"""Where a vessel of a class may serve others; elsewhere it may only pass."""

_INLAND: Final = ((16.0, 104.5), (21.8, 107.0))
"""Two places on land, to close an area landward of a line. No boundary."""
_ISLANDS: Final = (
    *ZONES.island,
    *(
        Island(port.name, port.latitude, port.longitude)
        for port in PORTS.port
        if port.latitude is not None and port.longitude is not None
        if port.longitude > 111
    ),
)
"""Those of the table, and Trường Sa's, each where its port is."""


def _landward(line: Sequence[tuple[float, float]]) -> Polygon:
    return Polygon([(lon, lat) for lat, lon in (*line, *_INLAND)])


_COASTAL: Final = _landward(ZONES.coastal_line)
_INSHORE: Final = _landward(ZONES.inshore_line)
prepare([_COASTAL, _INSHORE])
_EDGES: Final = {
    line[0]: LineString([(lon, lat) for lat, lon in line])
    for line in (ZONES.coastal_line, ZONES.inshore_line)
}
"""Each line by its first point, in degrees."""


def zone_at(latitude: float, longitude: float) -> Zone:
    """Return the zone of a position (°); on a line it is the seaward one."""
    if any(nm <= ZONES.island_nm for nm, _ in _islands_nm(latitude, longitude)):
        return Zone.COASTAL
    here = Point(longitude, latitude)
    if _COASTAL.contains(here):
        return Zone.COASTAL
    return Zone.INSHORE if _INSHORE.contains(here) else Zone.OFFSHORE


def _least_nm(
    latitude: float, longitude: float, line: Sequence[tuple[float, float]]
) -> float:
    """Return what the distance to a line is at least, quickly: most places are far off."""
    degrees = Point(longitude, latitude).distance(_EDGES[line[0]])
    return 60 * math.cos(math.radians(latitude)) * float(degrees)


def is_near_edge(latitude: float, longitude: float) -> bool:
    """Return whether an edge of zones is within the buffer: nothing is alarmed here."""
    scale = 60 * math.cos(math.radians(latitude))
    here = Point(longitude * scale, latitude * 60)
    edges = (
        here.distance(LineString([(lon * scale, lat * 60) for lat, lon in line]))
        for line in (ZONES.coastal_line, ZONES.inshore_line)
        if _least_nm(latitude, longitude, line) <= ZONES.buffer_nm
    )
    belts = (
        abs(nm - ZONES.island_nm) - one.slack_nm
        for nm, one in _islands_nm(latitude, longitude)
    )
    return any(nm <= ZONES.buffer_nm for nm in (*edges, *belts))


def is_closed_to(
    kind: VesselClass, latitude: float, longitude: float, *, serves: bool = False
) -> bool:
    """Return whether work here is clearly outside the waters of a vessel's class.

    The work is fishing, or (``serves``) serving others.
    """
    if zone_at(latitude, longitude) in (SERVED if serves else ALLOWED)[kind]:
        return False
    return not is_near_edge(latitude, longitude)


def _islands_nm(latitude: float, longitude: float) -> list[tuple[float, Island]]:
    """Return how far each island's shore is, as its circle says (nm)."""
    scale = math.cos(math.radians(latitude))
    return [
        (
            60
            * math.hypot(latitude - one.latitude, (longitude - one.longitude) * scale)
            - one.radius_nm,
            one,
        )
        for one in _ISLANDS
    ]
