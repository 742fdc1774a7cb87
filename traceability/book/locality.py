"""Where a farm is, as anybody may know it: its commune, and a square that is no address."""

import math
from typing import Final

from msgspec import Struct

from greenwater.storage.registry.places import SiteInfo

TENTHS: Final = 10
"""A square's side is a tenth of a degree, about 11 km: a pond is not found by it."""

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees."""


class Locality(Struct, frozen=True):
    """A farm's place. ``commune`` is its code, empty where it is not known; ``box`` None:
    nobody entered where it is."""

    commune: str
    box: Box | None


def locality_of(site: SiteInfo) -> Locality:
    """Return where a site is, no finer than anybody may know."""
    if site.latitude is None or site.longitude is None:
        return Locality(site.commune or "", None)
    south = math.floor(site.latitude * TENTHS)
    west = math.floor(site.longitude * TENTHS)
    box = (south, west, south + 1, west + 1)
    return Locality(site.commune or "", _degrees(box))


def _degrees(tenths: tuple[int, int, int, int]) -> Box:
    south, west, north, east = (round(one / TENTHS, 1) for one in tenths)
    return south, west, north, east
