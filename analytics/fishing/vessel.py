"""One vessel, position by position: trips, hauls, time in zones, fishing where it may not.

``VesselState`` is all that is remembered (msgspec keeps it). ``take`` uses a position and
those before it; the same positions cut into other pieces give the same changes, whose ids
are made from what happened.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from analytics.fishing.hauls import (
    HOUR_MS,
    MAX_GAP_MS,
    MEMORY_MS,
    Closed,
    Fix,
    HaulState,
    Run,
    Work,
    distance_nm,
    is_long,
)
from analytics.fishing.live import Asked, Seen, asked_of, chances_of
from analytics.fishing.trips import TripState
from greenwater.kernel.trips import Haul, Trip, Violation
from greenwater.reference.closed_areas import AREAS, CLOSED, closed_area_at
from greenwater.reference.gears import GEARS, Gear, gear_of
from greenwater.reference.ports import port_at
from greenwater.reference.vessels import VesselClass
from greenwater.reference.zones import ALLOWED, SERVED, ZONES, is_closed_to, zone_at

__all__ = ["Changes", "Haul", "Position", "Trip", "VesselState", "Violation"]

TOLD_AFTER_MIN: Final = 30.0
"""Work in closed waters for this long is told. Practice."""
MAX_KN: Final = 30.0
"""No fishing vessel is faster: a position further away is the receiver's mistake."""
MAX_JUMPS: Final = 3
"""After so many positions out of reach in a row, the vessel is where they say."""


class Position(Struct, frozen=True):
    """A vessel's position (°); ``speed_kn`` None: taken from the way since the last."""

    time_ms: int
    latitude: float
    longitude: float
    speed_kn: float | None = None


class Changes(Struct, frozen=True):
    """What positions changed, each as it is now; the last of an id counts."""

    trips: list[Trip] = []
    hauls: list[Haul] = []
    violations: list[Violation] = []


class VesselState(Struct):
    """One vessel's memory. ``kind`` None: its length is not told, no zone is closed.

    ``catches`` False: it carries or supplies for others. Its trips are followed, and nothing
    it does is a haul; where it lies in waters that are not for its class is told.
    ``caught`` is the same of the work that goes on.

    ``told`` is what was told of the work that goes on: closed areas by their code, the
    zone as "". ``inside`` is the closed area or zone of the last fix.
    """

    vessel: str
    gear: str = ""
    kind: VesselClass | None = None
    catches: bool = True
    caught: bool = True
    trips: TripState = field(default_factory=lambda: TripState(""))
    gear_state: HaulState = field(default_factory=HaulState)
    seen: Seen = field(default_factory=Seen)
    trip: Trip | None = None
    last: Fix | None = None
    jumps: int = 0
    told: list[str] = field(default_factory=list)
    inside: str = ""
    inside_ms: int = 0

    def take(self, positions: Iterable[Position]) -> Changes:
        """Take positions in order of time; those not newer than the last are passed over."""
        changes = Changes([], [], [])
        fixes: list[Fix] = []
        asked: dict[int, Asked] = {}
        for one in positions:
            fix = self._fix(one)
            if fix is None:
                continue
            self.last = fix
            fixes.append(fix)
            to_ask = self._see(fix)
            if to_ask is not None:
                asked[fix.time_ms] = to_ask
        chances = chances_of(asked)
        for fix in fixes:
            self._take(fix, chances.get(fix.time_ms), changes)
        return changes

    def going_on(self) -> set[str]:
        """Return the ids of violations that were told and are not over."""
        work = self.gear_state.work
        if work is None:
            return set()
        return {self._violation_id(work, area) for area in self.told}

    def _see(self, fix: Fix) -> Asked | None:
        """Remember a fix; return what the model is to judge, where its gear may work."""
        if not self.catches:
            return None
        if port_at(*fix.at) is not None:
            self.seen.forget()
            return None
        is_new, (low, high) = self.seen.note(fix), gear_of(self.gear).work_kn
        if not is_new or not low <= fix.speed_kn <= high:
            return None
        return asked_of(self.seen, self.gear)

    def _fix(self, one: Position) -> Fix | None:
        last = self.last
        if last is None:
            speed_kn = one.speed_kn or 0.0
            return Fix(one.time_ms, one.latitude, one.longitude, speed_kn)
        if one.time_ms <= last.time_ms:
            return None
        hours = (one.time_ms - last.time_ms) / HOUR_MS
        implied_kn = distance_nm(last.at, (one.latitude, one.longitude)) / hours
        if implied_kn > MAX_KN and self.jumps < MAX_JUMPS:
            self.jumps += 1
            return None
        self.jumps = 0
        speed_kn = implied_kn if one.speed_kn is None else one.speed_kn
        return Fix(one.time_ms, one.latitude, one.longitude, speed_kn)

    def _take(self, fix: Fix, chance: float | None, changes: Changes) -> None:
        hauls = self.gear_state
        if hauls.work is None:
            self.caught = self.catches
        gear = self._gear()
        ended = self.trips.take(fix.time_ms, *fix.at, fix.speed_kn)
        is_done = ended is not None or self.caught is not self.catches
        if is_done or port_at(*fix.at) is not None:
            worked = hauls.stop(gear)
        else:
            worked = hauls.take(fix, gear, self.kind, chance)
        if self.trips.is_at_sea and self.trip is None:
            self._depart(changes)
        if worked is not None and not worked.is_doubted:
            if self.caught:
                self._haul(worked, changes)
            self._closed(worked, changes)
        if worked is not None or hauls.work is None:
            self.told = []
        self._tell(changes)
        self._pass(fix, changes)
        if ended is not None and self.trip is not None:
            self._land(ended.landing_ms, ended.port, changes)

    def _gear(self) -> Gear:
        """Return the gear of the work that goes on."""
        return gear_of(self.gear) if self.caught else GEARS.serving

    def _depart(self, changes: Changes) -> None:
        from_ms = self.trips.last_in_port_ms or 0
        self.trip = Trip(
            id=_id(self.vessel, "trip", from_ms),
            vessel=self.vessel,
            departure_ms=from_ms,
            departure_port=self.trips.last_port,
        )
        changes.trips.append(self.trip)

    def _land(self, at_ms: int, port: str, changes: Changes) -> None:
        assert self.trip is not None
        changes.trips.append(replace(self.trip, landing_ms=at_ms, landing_port=port))
        self.trip = None

    def _haul(self, work: Work, changes: Changes) -> None:
        trip, was_set = self.trip, self._set_before(work)
        number = 1 if trip is None else trip.hauls + 1
        changes.hauls.append(
            Haul(
                id=_id(self.vessel, "haul", work.began_ms),
                vessel=self.vessel,
                trip=None if trip is None else trip.id,
                number=number,
                gear=self.gear,
                set_ms=None if was_set is None else was_set.began_ms,
                set_at=None if was_set is None else was_set.began_at,
                began_ms=work.began_ms,
                began_at=work.began_at,
                ended_ms=work.last_ms,
                ended_at=work.last_at,
                minutes=_rounded(work.minutes),
                probability=work.probability,
                rule_share=work.rule_share,
            )
        )
        self.gear_state.was_set = None
        if trip is not None:
            minutes = dict(trip.minutes)
            for zone, more in work.minutes.items():
                minutes[zone] = round(minutes.get(zone, 0.0) + more, 1)
            self.trip = replace(trip, hauls=number, minutes=minutes)
            changes.trips.append(self.trip)

    def _closed(self, work: Work, changes: Changes) -> None:
        """Tell of work in closed waters that has ended."""
        changes.violations.extend(
            self._violation(work, area, is_over=True) for area in _broken(work)
        )

    def _set_before(self, work: Work) -> Run | None:
        run = self.gear_state.was_set
        if run is None or not 0 <= work.began_ms - run.last_ms <= MEMORY_MS:
            return None
        return run

    def _tell(self, changes: Changes) -> None:
        """Tell once of work in closed waters that goes on."""
        work = self.gear_state.work
        if work is None or not is_long(work, self._gear()) or work.is_doubted:
            return
        for area in _broken(work):
            if area not in self.told:
                self.told.append(area)
                changes.violations.append(self._violation(work, area, is_over=False))

    def _pass(self, fix: Fix, changes: Changes) -> None:
        """Log minutes in closed waters on a trip, whatever the vessel does there."""
        trip = self.trip
        before, self.inside = self.inside, "" if trip is None else self._closed_at(fix)
        since_ms, self.inside_ms = fix.time_ms - self.inside_ms, fix.time_ms
        if trip is None or not before:
            return
        if before == self.inside and since_ms <= MAX_GAP_MS:
            minutes = round(trip.passed.get(before, 0.0) + since_ms / 60_000, 1)
            self.trip = replace(trip, passed={**trip.passed, before: minutes})
        elif before != self.inside:
            changes.trips.append(trip)

    def _closed_at(self, fix: Fix) -> str:
        """Return the closed area that a fix is in, or the zone closed to the class; "": none."""
        area = closed_area_at(*fix.at, fix.time_ms, gear_of(self.gear))
        if area is not None:
            return area.code
        serves = not self.catches
        is_closed = self.kind is not None and is_closed_to(
            self.kind, *fix.at, serves=serves
        )
        return str(zone_at(*fix.at)) if is_closed else ""

    def _violation_id(self, work: Work, area: str) -> str:
        return _id(self.vessel, f"area/{area}" if area else "closed", work.began_ms)

    def _violation(self, work: Work, area: str, *, is_over: bool) -> Violation:
        """Return the candidate of work in a closed area; "": in a zone closed to the class."""
        closed = work.areas[area] if area else work.closed
        assert closed is not None
        kind = "" if self.kind is None else str(self.kind)
        may = (
            ()
            if area or self.kind is None
            else (ALLOWED if self.caught else SERVED)[self.kind]
        )
        return Violation(
            id=self._violation_id(work, area),
            vessel=self.vessel,
            trip=None if self.trip is None else self.trip.id,
            zone=closed.zone,
            allowed=" ".join(may),
            kind=kind,
            gear=self.gear,
            began_ms=closed.began_ms,
            until_ms=closed.last_ms,
            is_over=is_over,
            minutes=round(closed.minutes, 1),
            fixes=closed.fixes,
            mean_kn=round(closed.sum_kn / closed.fixes, 2),
            first_at=closed.first_at,
            source=AREAS[area].source if area else ZONES.source,
            is_verified=AREAS[area].verified if area else ZONES.verified,
            probability=work.probability,
            rule_share=work.rule_share if self.caught else None,
            area=area or None,
            serves=not self.caught,
        )


def _broken(work: Work) -> list[str]:
    """Return the closed areas in which a gear worked for long enough to tell; "": the zone."""
    found = [""] if _is_longer(work.closed, TOLD_AFTER_MIN) else []
    return found + [
        code
        for code, closed in work.areas.items()
        if _is_longer(closed, CLOSED.told_after_min)
    ]


def _is_longer(closed: Closed | None, minutes: float) -> bool:
    return closed is not None and closed.minutes >= minutes


def _rounded(minutes: dict[str, float]) -> dict[str, float]:
    return {zone: round(each, 1) for zone, each in minutes.items()}


def _id(vessel: str, what: str, at_ms: int) -> str:
    return sha256(f"{vessel}/{what}/{at_ms}".encode()).hexdigest()[:24]
