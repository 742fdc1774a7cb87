"""Hauls, fix by fix: stretches at the speed at which a gear works, and what they touched.

A haul is known when it has ended: its gear worked for long enough, then for long enough
it did not (``reference/gears.toml``). With fixes further apart than the gear's breaks,
hauls that follow each other are one. Zones are noted while the gear works, not in transit.
"""

import math
from typing import Final

from msgspec import Struct, field

from greenwater.reference.closed_areas import closed_area_at
from greenwater.reference.gears import Gear
from greenwater.reference.vessels import VesselClass
from greenwater.reference.zones import is_closed_to, zone_at

HOUR_MS: Final = 3_600_000
MAX_GAP_MS: Final = 4 * HOUR_MS
"""Nothing is claimed across a longer silence. Practice."""
LEAST_JUDGED: Final = 3
DOUBTED: Final = 0.5
"""Below this mean probability what a gear's speed shows is no haul. Practice."""
SLOW_KN: Final = (0.8, 5.5)
"""The speed rule: fishing is between these speeds. Ours, practice."""
SET_BREAK_MS: Final = HOUR_MS // 3
MEMORY_MS: Final = 16 * HOUR_MS
"""A setting longer ago than this belongs to no haul. Practice."""

Point = tuple[float, float]
"""Latitude and longitude in degrees."""


class Fix(Struct, frozen=True):
    """Where a vessel was and how fast over ground (kn)."""

    time_ms: int
    latitude: float
    longitude: float
    speed_kn: float

    @property
    def at(self) -> Point:
        """Its place."""
        return self.latitude, self.longitude


class Run(Struct):
    """A stretch without too long a break, still open."""

    began_ms: int
    began_at: Point
    last_ms: int
    last_at: Point


class Closed(Struct):
    """Work of the gear in waters closed to the vessel's class or in a closed area: the evidence."""

    zone: str
    began_ms: int
    last_ms: int
    minutes: float
    fixes: int
    first_at: Point
    sum_kn: float


class Work(Run):
    """The gear at work: minutes by zone, those in waters closed to the class, and in areas.

    ``judged`` fixes have a probability of fishing by the model, ``chances`` in sum;
    ``slow`` of all ``fixes`` are fishing by the speed rule.
    """

    minutes: dict[str, float] = field(default_factory=dict)
    closed: Closed | None = None
    areas: dict[str, Closed] = field(default_factory=dict)
    judged: int = 0
    chances: float = 0.0
    fixes: int = 0
    slow: int = 0

    @property
    def probability(self) -> float | None:
        """The model's mean probability of fishing; None: too few fixes to be asked."""
        enough = self.judged >= LEAST_JUDGED
        return round(self.chances / self.judged, 3) if enough else None

    @property
    def rule_share(self) -> float:
        """The share of fixes at which the speed rule alone says fishing."""
        return round(self.slow / max(self.fixes, 1), 3)

    @property
    def is_doubted(self) -> bool:
        """Whether the model is sure that this was no fishing."""
        chance = self.probability
        return chance is not None and chance < DOUBTED


class HaulState(Struct):
    """What is remembered of one vessel's gear between fixes."""

    work: Work | None = None
    setting: Run | None = None
    was_set: Run | None = None

    def take(
        self,
        fix: Fix,
        gear: Gear,
        kind: VesselClass | None,
        chance: float | None = None,
    ) -> Work | None:
        """Take the next fix; return the work that it shows to have ended, if long enough.

        ``chance``: the model's probability of fishing at it, if it may be asked.
        ``was_set`` is then the run in which the gear was set, where it has one.
        """
        ended = self._break(fix, gear)
        self._note_setting(fix, gear)
        if gear.work_kn[0] <= fix.speed_kn <= gear.work_kn[1]:
            self._go_on(fix, gear, kind)
            self._judge(fix, chance)
        return ended

    def stop(self, gear: Gear) -> Work | None:
        """End what is open, in port for example; return it if it was long enough."""
        work, self.work = self.work, None
        self.setting = None
        return work if work is not None and is_long(work, gear) else None

    def _break(self, fix: Fix, gear: Gear) -> Work | None:
        if self.work is None:
            return None
        is_working = gear.work_kn[0] <= fix.speed_kn <= gear.work_kn[1]
        silent_ms = fix.time_ms - self.work.last_ms
        if silent_ms > MAX_GAP_MS or (
            not is_working and silent_ms > gear.bridge_h * HOUR_MS
        ):
            return self._ended(gear)
        return None

    def _ended(self, gear: Gear) -> Work | None:
        work, self.work = self.work, None
        return work if work is not None and is_long(work, gear) else None

    def _go_on(self, fix: Fix, gear: Gear, kind: VesselClass | None) -> None:
        work = self.work
        if work is None:
            self.work = work = Work(fix.time_ms, fix.at, fix.time_ms, fix.at)
        minutes = (fix.time_ms - work.last_ms) / 60_000
        zone = str(zone_at(*fix.at))
        work.minutes[zone] = work.minutes.get(zone, 0.0) + minutes
        work.last_ms, work.last_at = fix.time_ms, fix.at
        if kind is not None and is_closed_to(kind, *fix.at, serves=gear.serves):
            work.closed = _closed(work.closed, fix, zone, minutes)
        area = closed_area_at(*fix.at, fix.time_ms, gear)
        if area is not None and not gear.serves:
            before = work.areas.get(area.code)
            work.areas[area.code] = _closed(before, fix, zone, minutes)

    def _judge(self, fix: Fix, chance: float | None) -> None:
        work = self.work
        assert work is not None
        work.fixes += 1
        work.slow += is_slow(fix.speed_kn)
        if chance is not None:
            work.judged, work.chances = work.judged + 1, work.chances + chance

    def _note_setting(self, fix: Fix, gear: Gear) -> None:
        if gear.set_kn is None:
            return
        run = self.setting
        if run is not None and fix.time_ms - run.last_ms > SET_BREAK_MS:
            if run.last_ms - run.began_ms >= gear.set_least_h * HOUR_MS:
                self.was_set = run
            self.setting = run = None
        if not gear.set_kn[0] <= fix.speed_kn <= gear.set_kn[1]:
            return
        if run is None:
            self.setting = Run(fix.time_ms, fix.at, fix.time_ms, fix.at)
        else:
            run.last_ms, run.last_at = fix.time_ms, fix.at


def _closed(closed: Closed | None, fix: Fix, zone: str, minutes: float) -> Closed:
    """Return evidence with one fix more, ``minutes`` after the one before."""
    if closed is None:
        closed = Closed(zone, fix.time_ms, fix.time_ms, 0.0, 0, fix.at, 0.0)
    closed.last_ms, closed.fixes = fix.time_ms, closed.fixes + 1
    closed.minutes += minutes if closed.fixes > 1 else 0.0
    closed.sum_kn += fix.speed_kn
    return closed


def is_slow(speed_kn: float) -> bool:
    """Return whether the speed rule alone says fishing."""
    return SLOW_KN[0] < speed_kn < SLOW_KN[1]


def is_long(work: Work, gear: Gear) -> bool:
    """Return whether a gear worked for long enough to be a haul."""
    return work.last_ms - work.began_ms >= gear.least_h * HOUR_MS


def distance_nm(a: Point, b: Point) -> float:
    """Return the distance of two places, good to a per cent over a hundred miles."""
    shrink = math.cos(math.radians((a[0] + b[0]) / 2))
    return 60 * math.hypot(a[0] - b[0], (a[1] - b[1]) * shrink)
