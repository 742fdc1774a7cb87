"""Protected areas and closed seasons: waters where no gear, or not every gear, may work.

Source: domain.md §3.6. Nothing is verified, and no official outline was found: a belt
around an island stands for it, and a row without a place closes nothing (its gap says
why). Passing through is allowed; within the buffer of an edge nothing is told.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from shapely import MultiPoint, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import InvariantError
from greenwater.kernel.reading import instant
from greenwater.reference.gears import Gear
from greenwater.reference.tables import read_table

_DAY: Final = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_ROUND: Final = 12
"""Segments of a quarter of a circle."""

Place = tuple[float, float]
"""Latitude and longitude in degrees."""


class ClosedArea(Struct, frozen=True, forbid_unknown_fields=True):
    """One area: its place (``core`` and the belt around it), when and for what gears.

    The gap says what was not found; without a ``core`` the area closes nothing.
    """

    code: str
    vi: str
    en: str
    instrument_vi: str
    instrument_en: str
    dated: str
    source: str
    core: Sequence[Place] = ()
    belt_nm: float = 0.0
    season: tuple[str, str] | None = None
    gears: Sequence[str] = ()
    gap_vi: str = ""
    gap_en: str = ""
    verified: bool = False

    def is_closed(self, at_ms: int, gear: Gear) -> bool:
        """Return whether it is closed to a gear on the day of an instant (Vietnam's)."""
        if self.gears and not set(self.gears) & set(gear.codes):
            return False
        if self.season is None:
            return True
        first, last = self.season
        day = instant(at_ms).astimezone(VIETNAM).strftime("%m-%d")
        return first <= day <= last if first <= last else day >= first or day <= last


class ClosedAreas(Struct, frozen=True, forbid_unknown_fields=True):
    """All areas, the buffer (nm) and how long work in one is told after (minutes)."""

    datum: str
    basis: str
    buffer_nm: float
    told_after_min: float
    area: Sequence[ClosedArea]


class Waters:
    """An area's waters on a plane whose unit is a nautical mile."""

    def __init__(self, area: ClosedArea) -> None:
        self.area = area
        middle = sum(latitude for latitude, _ in area.core) / len(area.core)
        self._squeeze = math.cos(math.radians(middle))
        core = _core([self._flat(*place) for place in area.core])
        self.waters = (
            core.buffer(area.belt_nm, quad_segs=_ROUND) if area.belt_nm else core
        )
        west, south, east, north = self.waters.bounds
        self.frame = south / 60, north / 60, *(
            each / 60 / self._squeeze for each in (west, east)
        )  # fmt: skip

    def _flat(self, latitude: float, longitude: float) -> Place:
        return longitude * 60 * self._squeeze, latitude * 60

    def is_within(self, latitude: float, longitude: float) -> bool:
        """Whether a place is in it by more than the buffer."""
        south, north, west, east = self.frame
        if not (south <= latitude <= north and west <= longitude <= east):
            return False
        here = Point(self._flat(latitude, longitude))
        if not self.waters.contains(here):
            return False
        return bool(self.waters.boundary.distance(here) > CLOSED.buffer_nm)

    def ring(self) -> list[Place]:
        """Its edge."""
        edge = (
            self.waters.convex_hull
            if self.waters.geom_type != "Polygon"
            else self.waters
        )
        assert isinstance(edge, Polygon)
        return [
            (round(y / 60, 4), round(x / 60 / self._squeeze, 4))
            for x, y in edge.exterior.coords
        ]


def _core(places: Sequence[Place]) -> BaseGeometry:
    if len(places) == 1:
        return Point(places[0])
    if len(places) == 2:
        return box(*MultiPoint(places).bounds)
    return Polygon(places)


def read_closed_areas(table: ClosedAreas) -> ClosedAreas:
    """Return a table of areas, checked.

    Raises:
        InvariantError: a row has a place without waters, no day, or neither place nor gap.
    """
    for one in table.area:
        if one.core and len(one.core) < 3 and one.belt_nm <= 0:
            raise InvariantError(
                f"closed area {one.code}: give it an outline or a belt_nm"
            )
        if not one.core and not (one.gap_vi and one.gap_en):
            raise InvariantError(
                f"closed area {one.code}: give it a core, or say its gap"
            )
        if any(_DAY.fullmatch(day) is None for day in one.season or ()):
            raise InvariantError(
                f"closed area {one.code}: write season days like 04-01"
            )
    return table


CLOSED: Final = read_closed_areas(read_table("closed_areas.toml", ClosedAreas))
AREAS: Final[Mapping[str, ClosedArea]] = {one.code: one for one in CLOSED.area}


def waters_of(areas: Iterable[ClosedArea]) -> tuple[Waters, ...]:
    """Return the waters of those areas that have a place."""
    return tuple(Waters(one) for one in areas if one.core)


_WATERS: Final = waters_of(CLOSED.area)
OUTLINES: Final[Mapping[str, Sequence[Place]]] = {
    one.area.code: one.ring() for one in _WATERS
}
"""Edges of the areas that have a place, for maps."""


def closed_area_at(
    latitude: float,
    longitude: float,
    at_ms: int,
    gear: Gear,
    waters: Sequence[Waters] = _WATERS,
) -> ClosedArea | None:
    """Return the area that a place is clearly in and that is closed to a gear then.

    The first of the table counts where several hold the place.
    """
    for shape in waters:
        if shape.is_within(latitude, longitude) and shape.area.is_closed(at_ms, gear):
            return shape.area
    return None


def bounds() -> tuple[float, float, float, float]:
    """Return south, west, north, east (°) of all areas that have a place."""
    frames = [one.frame for one in _WATERS]
    return (
        min(one[0] for one in frames),
        min(one[2] for one in frames),
        max(one[1] for one in frames),
        max(one[3] for one in frames),
    )
