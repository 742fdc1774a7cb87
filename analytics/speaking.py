"""Making the bulletins when their hour has come (``bulletins`` says what is in them)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import structlog

from analytics.bulletins import (
    EVENING,
    Lowest,
    Registry,
    copies_of,
    evening,
    hour_of_bulletin,
    morning,
    night_of,
    on_watch,
)
from analytics.oxygen.evening import Tonight
from analytics.places import Places
from greenwater.derived.stretches import Told
from greenwater.derived.unit_water import UnitWater
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import MINUTE_MS
from greenwater.storage.registry.bulletins import Bulletin
from greenwater.storage.telemetry.ports import Span

log = structlog.get_logger()

STEP_MS: Final = 10 * MINUTE_MS


class Night(NamedTuple):
    """What is expected of a unit tonight."""

    organisation: str
    expected: Tonight


class Speaker:
    """Makes each bulletin once. Used by one thread."""

    def __init__(self, registry: Registry, telemetry: Told) -> None:
        self._registry, self._telemetry = registry, telemetry

    def speak(self, nights: Mapping[str, Night], places: Places, now_ms: int) -> int:
        """Make what is to be said now and was not; return how many sentences.

        A unit whose forecast comes after the evening's message went out has its
        sentence on its page.

        Raises:
            UnavailableError: a database does not answer; nothing was said.
        """
        hour = hour_of_bulletin(now_ms)
        if hour is None:
            return 0
        kind, day = hour
        known = self._registry.bulletins(from_ms=night_of(day)[0])
        said = {one.unit for one in known if (one.kind, one.day) == hour}
        if kind == EVENING:
            found = self._evenings(nights, said, day, now_ms)
        else:
            found = [
                morning(one, self._lowest(one, places), now_ms)
                for one in known
                if (one.kind, one.day) == (EVENING, day) and one.unit not in said
            ]
        if found:
            copies = copies_of(found, self._registry.contacts(), now_ms)
            self._registry.save_bulletins(found, copies)
            log.info("bulletin.made", kind=kind, day=day, units=len(found))
        return len(found)

    def _evenings(
        self, nights: Mapping[str, Night], said: set[str], day: str, now_ms: int
    ) -> list[Bulletin]:
        waiting = {unit: one for unit, one in nights.items() if unit not in said}
        if not waiting:
            return []
        contacts, names = self._registry.contacts(), self._registry.names()
        return [
            evening(
                one.organisation,
                unit,
                one.expected,
                day=day,
                watch=on_watch(contacts, one.organisation, names, day),
                now_ms=now_ms,
            )
            for unit, one in sorted(waiting.items())
        ]

    def _lowest(self, before: Bulletin, places: Places) -> Lowest | None:
        """Return how low a unit's oxygen came in the night after an evening.

        As its water held it: so it was forecast.
        """
        end_ms = night_of(before.day)[1]
        water = UnitWater(self._telemetry, places.hung_in(before.unit))
        lows = [
            Lowest(bucket.minimum, bucket.start_ms)
            for series in places.probes_in(before.unit)
            for bucket in water.downsample(
                Span(series, before.made_ms, end_ms), Channel.DISSOLVED_OXYGEN, STEP_MS
            )
            if (place := places.at(series, bucket.start_ms)) is not None
            and place.unit == before.unit
            and bucket.minimum >= 0  # less is a probe out of water
        ]
        return min(lows, key=lambda one: (one.value, one.at_ms), default=None)
