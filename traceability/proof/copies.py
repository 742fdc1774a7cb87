"""Which labels look copied, by where and how often they were scanned. Pure.

Two packages with one serial show when the serial is seen in two places too far apart for
the time between, or more often than one package is ever looked at. Scans know the hour
and, if somebody told it, the province: nothing finer is kept. The thresholds are our own
practice (``greenwater/reference/copies.toml``): what is found is a reason to look.
"""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import combinations
from typing import Final

from msgspec import Struct

from greenwater.kernel.reading import DAY_MS, HOUR_MS
from greenwater.reference.limits import Basis
from greenwater.reference.provinces import PROVINCES
from greenwater.reference.tables import read_table
from greenwater.storage.registry.scans import LotScans, Scan

EARTH_KM: Final = 6371.0
MOST_PAIRS: Final = 200
"""Of a label scanned in more hours and places than this, the last ones are compared."""


class Thresholds(Struct, frozen=True, forbid_unknown_fields=True):
    """When a suspicion begins."""

    basis: Basis
    source: str
    verified: bool
    fastest_kmh: float
    slack_km: float
    scans_a_day: int
    scans_ever: int
    scans_a_label: int
    least_scans: int
    judged_days: int
    kept_days: int


THRESHOLDS: Final = read_table("copies.toml", Thresholds)


class Why(StrEnum):
    """Why something is suspected."""

    FAR = "far"
    OFTEN = "often"
    LOT_OFTEN = "lot_often"


class Suspicion(Struct, frozen=True):
    """One suspicion of a label (its serial), or of a lot (its id)."""

    why: Why
    subject: str
    count: int = 0
    places: tuple[str, ...] = ()
    hours: int = 0
    km: int = 0


def hour_of(at_ms: int) -> int:
    """Return the hour in which an instant lies, by its beginning."""
    return at_ms - at_ms % HOUR_MS


def parse_place(text: str) -> str:
    """Return a place as scans keep it: a province, or '12.2,109.2' to a tenth of a degree.

    What is neither becomes '': nothing finer, and nothing else, is kept.
    """
    plain = text.strip()
    if plain in PROVINCES:
        return plain
    latitude, comma, longitude = plain.partition(",")
    try:
        at = (float(latitude), float(longitude)) if comma else (math.nan, math.nan)
    except ValueError:
        return ""
    if not (abs(at[0]) <= 90 and abs(at[1]) <= 180):
        return ""
    return f"{at[0]:.1f},{at[1]:.1f}"


def where(place: str) -> tuple[float, float] | None:
    """Return latitude and longitude of a place as it is kept; None: it was not told."""
    if place in PROVINCES:
        return PROVINCES[place].at
    latitude, comma, longitude = place.partition(",")
    return (float(latitude), float(longitude)) if comma else None


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the way over the ground between two positions."""
    (a, b), (c, d) = (tuple(map(math.radians, at)) for at in (one, other))
    half = math.sin((c - a) / 2) ** 2
    half += math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, half)))


def suspicions_of(
    scans: Sequence[Scan], rules: Thresholds = THRESHOLDS
) -> list[Suspicion]:
    """Return what speaks against one label, by all its scans."""
    return [*_far(scans, rules), *_often(scans, rules)]


def _far(scans: Sequence[Scan], rules: Thresholds) -> Iterable[Suspicion]:
    """Yield the pair of scans that is furthest beyond what can be travelled."""
    placed = [one for one in scans if where(one.place) is not None][-MOST_PAIRS:]
    worst: Suspicion | None = None
    excess = 0.0
    for one, other in combinations(placed, 2):
        # Both may lie anywhere in their hour, so that there was up to an hour more.
        hours = abs(other.hour_ms - one.hour_ms) // HOUR_MS + 1
        km = _apart_km(one.place, other.place)
        beyond = km - rules.slack_km - rules.fastest_kmh * hours
        if beyond > excess:
            excess = beyond
            places = (one.place, other.place)
            worst = Suspicion(
                Why.FAR, one.label, places=places, hours=hours, km=round(km)
            )
    if worst is not None:
        yield worst


def _apart_km(one: str, other: str) -> float:
    here, there = where(one), where(other)
    return 0.0 if here is None or there is None else distance_km(here, there)


def _often(scans: Sequence[Scan], rules: Thresholds) -> Iterable[Suspicion]:
    if not scans:
        return
    total = sum(one.count for one in scans)
    busiest = max(_in_a_day(scans, one.hour_ms) for one in scans)
    if total > rules.scans_ever or busiest > rules.scans_a_day:
        yield Suspicion(Why.OFTEN, scans[0].label, count=max(total, busiest))


def _in_a_day(scans: Sequence[Scan], from_ms: int) -> int:
    return sum(s.count for s in scans if from_ms <= s.hour_ms < from_ms + DAY_MS)


def lots_suspected(
    lots: Iterable[LotScans], rules: Thresholds = THRESHOLDS
) -> list[Suspicion]:
    """Return lots whose labels were scanned more often than so many labels are."""
    return [
        Suspicion(Why.LOT_OFTEN, one.lot, count=one.scans)
        for one in lots
        if one.scans >= rules.least_scans
        and one.scans > one.labels * rules.scans_a_label
    ]
