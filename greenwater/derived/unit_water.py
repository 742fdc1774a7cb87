"""What the water of a unit held, of what its probes told: the one place to ask of the past.

    what probes told, as it is stored ─┬─► oxygen put right for salt ─┬─► charts, exports,
                                       └─► what a probe does not send ┘   forecasts, evidence

The store keeps what was told; the rest is worked out when it is asked for. Means of
stretches are worked out of means of at most ``FINE_MS``. The newest readings of a unit, for
pages and alarms, go by the same rules one by one (``compensating``, ``following``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from math import gcd
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace

from greenwater.derived.ammonia import SALINITY_MS
from greenwater.derived.compensating import SALT_MS, needs_salt
from greenwater.derived.following import SOURCES
from greenwater.derived.lines import (
    Around,
    Instants,
    follows,
    salt_factor,
)
from greenwater.derived.stretches import (
    Stretches,
    Told,
    instants,
    points_of,
    series_of,
)
from greenwater.kernel.channels import SENT, Channel
from greenwater.kernel.reading import Reading
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.telemetry.ports import Bucket, Span
from greenwater.storage.telemetry.retention import HOUR_MS, merged

MINUTE_MS: Final = 60_000
FINE_MS: Final = 10 * MINUTE_MS
BLOCK_MS: Final = 6 * HOUR_MS
"""Readings of so long are worked out together."""
INPUTS: Final = frozenset(
    {Channel.TEMPERATURE, *SOURCES, *(one for some in SOURCES.values() for one in some)}
)
_ORDER: Final = {channel: at for at, channel in enumerate(Channel)}


class Made(StrEnum):
    """How a value came to be: as its probe told it, put right for salt, or worked out."""

    TOLD = "told"
    SALTED = "salted"
    DERIVED = "derived"


class Past(NamedTuple):
    """The roll-ups of one channel, and how they, or some of them, came to be."""

    buckets: Sequence[Bucket]
    made: Made


class Held(NamedTuple):
    """One reading as the water held it; ``told`` is what its probe said, None: nothing."""

    reading: Reading
    told: float | None
    made: Made


class UnitWater:
    """One unit's water. ``hung`` are the probes that hung there, a week around as well.

    ``newest`` are the unit's newest readings, if somebody has them: the store need not be
    asked then for a salinity that was told long ago.
    """

    def __init__(
        self,
        told: Told,
        hung: Iterable[Deployed],
        newest: Iterable[Reading] = (),
    ) -> None:
        self._told, self._stretches = told, Stretches(told, hung, newest)

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """Return non-empty buckets in time order, as the store does of what was told.

        Raises:
            UnavailableError: the store did not answer.
        """
        return self.past(span, channel, every_ms).buckets

    def past(self, span: Span, channel: Channel, every_ms: int) -> Past:
        """Return one channel's buckets and how they were made.

        Raises:
            UnavailableError: the store did not answer.
        """
        told: Sequence[Bucket] = ()
        last_ms = span.start_ms
        if channel in SOURCES:  # what it never sent need not be looked for
            last_ms = self._stretches.sent(span.series).get(channel, -1)
        if last_ms >= span.start_ms:
            told = self._told.downsample(span, channel, every_ms)
        if channel is Channel.DISSOLVED_OXYGEN and told:
            return self._salted(span, told, every_ms)
        if told or channel not in SOURCES:
            return Past(told, _made(channel))
        if span.start_ms <= last_ms < span.end_ms:  # it sends it, badly
            return Past([], Made.TOLD)
        found = self._stretches.following(span, channel, gcd(every_ms, FINE_MS))
        if not found:
            return Past([], Made.TOLD)
        return Past(merged(found, every_ms), Made.DERIVED)

    def read(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Reading]:
        """Yield what the water held at the instants of a probe's readings, in their order.

        Raises:
            UnavailableError: the store did not answer.
        """
        return (one.reading for one in self.held(span, channels))

    def held(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Held]:
        """Yield the same with what the probe told.

        What is worked out stands at the instant of what it was worked out of.
        """
        wanted = frozenset(Channel if channels is None else channels)
        asked = None if channels is None else wanted
        if asked is not None and wanted & SOURCES.keys():
            asked = wanted | INPUTS
        readings = self._told.read(span, asked)
        for _, some in groupby(readings, key=lambda one: one.taken_ms // BLOCK_MS):
            yield from self._block([*some], wanted)

    def salted(self, readings: Iterable[Reading]) -> list[Reading]:
        """Return readings of the unit's probes with their oxygen put right for salt.

        Raises:
            UnavailableError: the store did not answer.
        """
        found = [*readings]
        for series in {series_of(one) for one in found if needs_salt(one)}:
            own = [one for one in found if series_of(one) == series]
            right = self._put_right(own)
            found = [
                right.get(one.taken_ms, one)
                if needs_salt(one) and series_of(one) == series
                else one
                for one in found
            ]
        return found

    def _salted(self, span: Span, told: Sequence[Bucket], every_ms: int) -> Past:
        """Return oxygen as the salt water has it, where its probe took it for fresh."""
        fresh = {one.start_ms: one for one in self._told.uncompensated(span, every_ms)}
        if not fresh:
            return Past(told, Made.TOLD)
        times = instants(one.start_ms for one in told)
        around = self._stretches.around(span, every_ms, times, SALT_MS)
        factors = salt_factor(times, around)
        found = []
        for one, factor in zip(told, map(float, factors), strict=True):
            its = fresh.get(one.start_ms)
            if its is None:
                found.append(one)
            elif its.number == one.number:
                low, mean, high = one.minimum, one.mean, one.maximum
                values = (low * factor, mean * factor, high * factor)
                found.append(Bucket(one.start_ms, one.number, *values))
            else:  # the probe was set otherwise within it
                found.append(self._reading_by_reading(span, one, every_ms))
        is_right = bool((factors != 1.0).any())
        return Past(found, Made.SALTED if is_right else Made.TOLD)

    def _reading_by_reading(self, span: Span, told: Bucket, every_ms: int) -> Bucket:
        start_ms, end_ms = told.start_ms, told.start_ms + every_ms
        part = span._replace(
            start_ms=max(start_ms, span.start_ms), end_ms=min(end_ms, span.end_ms)
        )
        readings = self.read(part, [Channel.DISSOLVED_OXYGEN])
        values = [one.value for one in readings if one.value is not None]
        if len(values) < told.number:  # the others are given up: nobody can say
            return told
        mean = sum(values) / len(values)
        return Bucket(start_ms, len(values), min(values), mean, max(values))

    def _block(
        self, readings: Sequence[Reading], wanted: frozenset[Channel]
    ) -> list[Held]:
        """Return what is wanted of some readings of one probe."""
        right: dict[int, Reading] = {}
        if Channel.DISSOLVED_OXYGEN in wanted and any(map(needs_salt, readings)):
            right = self._put_right(readings)
        found = [_held(one, right) for one in readings if one.channel in wanted]
        sent, count = {one.channel for one in readings}, len(found)
        for channel in wanted & SOURCES.keys() - sent:
            if not sent.isdisjoint(SOURCES[channel]):
                found += self._following_readings(readings, channel)
        if len(found) > count:
            found.sort(
                key=lambda one: (one.reading.taken_ms, _ORDER[one.reading.channel])
            )
        return found

    def _put_right(self, own: Sequence[Reading]) -> dict[int, Reading]:
        """Return by its instant what one probe told as of fresh water, put right.

        What nobody can put right, not knowing the salinity, is not in it.
        """
        wrong = [one for one in own if needs_salt(one)]
        times = instants(one.taken_ms for one in wrong)
        factors = salt_factor(times, self._around_readings(own, times, SALT_MS))
        return {
            one.taken_ms: replace(
                one, value=round(one.value * factor, 4), is_compensated=True
            )
            for one, factor in zip(wrong, map(float, factors), strict=True)
            if one.value is not None and factor != 1.0
        }

    def _following_readings(
        self, own: Sequence[Reading], channel: Channel
    ) -> list[Held]:
        """Return a channel that a probe does not send, of its readings."""
        device, probe = series_of(own[0])
        for source in SOURCES[channel]:
            told = points_of(own, source)
            if not len(told.times_ms):
                continue
            is_fresh = np.zeros(len(told.times_ms), np.bool_)
            if source is Channel.DISSOLVED_OXYGEN:
                fresh = [one.taken_ms for one in own if needs_salt(one)]
                is_fresh = np.isin(told.times_ms, fresh)
            around = Around(warmth=points_of(own, Channel.TEMPERATURE))
            if channel is not Channel.SALINITY:
                around = self._around_readings(own, told.times_ms, SALINITY_MS)
            values = follows(channel, source, told, is_fresh, around)
            found = [
                Held(
                    Reading(device, probe, channel, at_ms, value),
                    None,
                    Made.DERIVED,
                )
                for at_ms, value in zip(
                    told.times_ms.tolist(), values.tolist(), strict=True
                )
                if value == value  # NaN: it is not known
            ]
            if found:
                return found
        return []

    def _around_readings(
        self, own: Sequence[Reading], times: Instants, reach_ms: int
    ) -> Around:
        """Return what is known around some readings of a probe, they themselves first."""
        span = Span(series_of(own[0]), int(times.min()), int(times.max()) + 1)
        salt = points_of(own, Channel.SALINITY)
        if not len(salt.times_ms):
            held = self._following_readings(own, Channel.SALINITY)
            salt = points_of([one.reading for one in held], Channel.SALINITY)
        here = Around(salt, points_of(own, Channel.TEMPERATURE))
        return self._stretches.around(span, MINUTE_MS, times, reach_ms).and_also(here)


def _made(channel: Channel) -> Made:
    """Return how a stored value came to be: what is never sent was worked out (ADR 17)."""
    return Made.TOLD if channel in SENT else Made.DERIVED


def _held(one: Reading, right: Mapping[int, Reading]) -> Held:
    """Return a reading, or what it was put right as, with what was told."""
    if right and needs_salt(one):
        now = right.get(one.taken_ms, one)
        return Held(now, one.value, Made.TOLD if now is one else Made.SALTED)
    made = _made(one.channel)
    return Held(one, one.value if made is Made.TOLD else None, made)
