"""The six areas of the offshore zone (*vùng khơi*). Law as read by others, not verified."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from greenwater.kernel.trips import Haul, Point
from greenwater.reference.tables import read_table
from greenwater.reference.zones import Zone, zone_at

STEPS: Final = 20
"""So many places of a haul's way are asked where its ends lie in different areas."""


class OffshoreArea(Struct, frozen=True, forbid_unknown_fields=True):
    """One area by its sides (°); a side that is not given is open."""

    number: int
    south: float = -90.0
    west: float = -180.0
    east: float = 180.0

    def holds(self, latitude: float, longitude: float) -> bool:
        """Return whether a place is in it."""
        return latitude >= self.south and self.west <= longitude < self.east


class OffshoreAreas(Struct, frozen=True, forbid_unknown_fields=True):
    """All of them; the first that holds a place counts."""

    basis: str
    source: str
    verified: bool
    area: Sequence[OffshoreArea]


OFFSHORE: Final = read_table("offshore_areas.toml", OffshoreAreas)


def offshore_area_at(latitude: float, longitude: float) -> int:
    """Return the area (1 to 6) of a place (°) that lies in the offshore zone."""
    return next(one.number for one in OFFSHORE.area if one.holds(latitude, longitude))


def offshore_minutes(
    minutes: Mapping[str, float], began_at: Point, ended_at: Point
) -> dict[int, float]:
    """Return a haul's minutes in the offshore zone by area; empty: it had none there.

    Where its ends lie in different areas the minutes are shared out along the straight way
    between them: of a haul the way itself is not kept.
    """
    offshore = minutes.get(Zone.OFFSHORE, 0.0)
    if not offshore:
        return {}
    ends = offshore_area_at(*began_at), offshore_area_at(*ended_at)
    if ends[0] == ends[1]:
        return {ends[0]: offshore}
    way = [_between(began_at, ended_at, step / STEPS) for step in range(STEPS + 1)]
    way = [at for at in way if zone_at(*at) is Zone.OFFSHORE] or way
    found = [offshore_area_at(*at) for at in way]
    return {
        area: round(offshore * found.count(area) / len(found), 1)
        for area in sorted(set(found))
    }


def added_minutes(hauls: Iterable[Haul]) -> dict[int, float]:
    """Return minutes of work in the offshore zone by area, of many hauls."""
    found: dict[int, float] = defaultdict(float)
    for one in hauls:
        areas = offshore_minutes(one.minutes, one.began_at, one.ended_at)
        for area, minutes in areas.items():
            found[area] += minutes
    return dict(sorted(found.items()))


def _between(a: Point, b: Point, part: float) -> Point:
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part
