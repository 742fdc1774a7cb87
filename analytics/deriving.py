"""Derived readings of the units: worked out as their inputs come in, and written.

Writing them again changes nothing, so that a pass done again has one effect. A test of
total ammonia that is typed in late, or corrected, changes what was derived after it: that
is worked out anew from the stored readings.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from analytics.flagging import is_believable
from analytics.places import Places
from analytics.ports import Telemetry
from greenwater.derived.ammonia import INPUTS, TAN_MS, Beside, Known, Water, derived
from greenwater.derived.compensating import (
    SALT_MS,
    WARM_MS,
    compensated,
    nearest,
    needs_salt,
    saltiest,
)
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Series, Span

log = structlog.get_logger()

DERIVED: Final = "derived/"


class Deriving:
    """What is remembered of every unit's chemistry. Used by one thread."""

    def __init__(self, telemetry: Telemetry, states: Mapping[str, bytes]) -> None:
        self._telemetry = telemetry
        self._waters = {
            name.removeprefix(DERIVED): msgspec.json.decode(document, type=Water)
            for name, document in states.items()
            if name.startswith(DERIVED)
        }
        self._changed: set[str] = set()

    def take(self, readings: Iterable[Reading], places: Places) -> list[Reading]:
        """Return what follows from a batch's readings; it is stored already.

        What the store refuses is told and left out: it would refuse it at every start,
        and no alarm of anybody would be looked at again.

        Raises:
            UnavailableError: the store did not answer.
        """
        found: list[Reading] = []
        for unit, some in _by_unit(readings, places).items():
            water = self._waters.setdefault(unit, Water())
            for test in water.learn(some):
                found += self._anew(unit, water, test, places)
            found += derived(water, some)
            self._changed.add(unit)
        try:
            if found:
                self._telemetry.write(found)
        except InputError as exc:
            log.error("telemetry.finding_refused", error=str(exc))
            return []
        return found

    def in_salt_water(
        self, readings: Sequence[Reading], places: Places
    ) -> Sequence[Reading]:
        """Return readings with oxygen as the salt water has it (``compensating``)."""
        if not any(map(needs_salt, readings)):
            return readings
        return [
            self._compensated(one, places) if needs_salt(one) else one
            for one in readings
        ]

    def _compensated(self, one: Reading, places: Places) -> Reading:
        unit = _unit_of(one, places)
        water = None if unit is None else self._waters.get(unit)
        if water is None:
            return one
        own = water.probes.get(f"{one.device}/{one.probe}", Beside())
        told = (beside.salinity for beside in water.probes.values())
        there = saltiest(filter(None, told)) or water.salinity
        return compensated(
            one,
            nearest(one.taken_ms, own.salinity, there, SALT_MS),
            nearest(one.taken_ms, own.temperature, water.temperature, WARM_MS),
        )

    def taken(self) -> dict[str, bytes]:
        """Return the states that changed since this was asked last."""
        changed, self._changed = self._changed, set()
        return {
            DERIVED + unit: msgspec.json.encode(self._waters[unit])
            for unit in sorted(changed)
        }

    def _anew(
        self, unit: str, water: Water, test: Known, places: Places
    ) -> list[Reading]:
        """Return what follows, in the stored readings, from one test of total ammonia."""
        spans = [
            Span(series, test.taken_ms, test.taken_ms + TAN_MS + 1)
            for series in places.probes_in(unit)
        ]
        stored = [
            one
            for span in spans
            for one in self._telemetry.read(span, INPUTS)
            if is_believable(one) and _unit_of(one, places) == unit
        ]
        stored.sort(key=lambda one: (one.taken_ms, one.device, one.probe))
        return derived(Water(tans=water.tans), stored)


def _by_unit(
    readings: Iterable[Reading], places: Places
) -> Mapping[str, Sequence[Reading]]:
    """Return what derivation needs and may believe, by unit, in order of time."""
    found: defaultdict[str, list[Reading]] = defaultdict(list)
    where: dict[tuple[str, str, int], str | None] = {}
    for one in readings:
        if one.channel in INPUTS and is_believable(one):
            key = one.device, one.probe, one.taken_ms
            if key not in where:
                where[key] = _unit_of(one, places)
            unit = where[key]
            if unit is not None:
                found[unit].append(one)
    return found


def _unit_of(one: Reading, places: Places) -> str | None:
    place = places.at(Series(one.device, one.probe), one.taken_ms)
    return None if place is None else place.unit
