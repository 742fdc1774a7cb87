"""What is told of stretches of a unit's water: salinity and warmth around a probe, and what
follows from roll-ups of what it sends."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from greenwater.derived.ammonia import SALINITY_MS
from greenwater.derived.following import SOURCES
from greenwater.derived.lines import (
    NOTHING,
    Around,
    Floats,
    Instants,
    Line,
    follows,
    joined,
    line_of,
    saltiest,
)
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Reading
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.telemetry.ports import Bucket, Series, Span
from greenwater.storage.telemetry.retention import DAY_MS, HOUR_MS

WEEK_MS: Final = 7 * DAY_MS


class Told(Protocol):
    """What is asked of the telemetry store."""

    def read(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Reading]:
        """Yield the readings of one series in time order."""
        ...

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """Return non-empty buckets in time order."""
        ...

    def latest(self, device: DeviceId) -> Sequence[Reading]:
        """Return the newest reading of each channel of each probe of one device."""
        ...

    def uncompensated(self, span: Span, every_ms: int) -> Sequence[Bucket]:
        """Return those of oxygen that was told as of fresh water."""
        ...


class Stretches:
    """The probes of one unit (``UnitWater`` says what is given)."""

    def __init__(
        self, told: Told, hung: Iterable[Deployed], newest: Iterable[Reading]
    ) -> None:
        self._told, self._hung = told, [*hung]
        self._known_newest = sorted(newest, key=lambda one: one.taken_ms)
        self._lines: dict[tuple[Span, Channel, int], Line] = {}
        self._latest: dict[DeviceId, Mapping[Series, Mapping[Channel, int]]] = {}

    def sent(self, series: Series) -> Mapping[Channel, int]:
        """Return the channels that a probe ever sent, and when it did so last."""
        if series.device not in self._latest:
            found: dict[Series, dict[Channel, int]] = {}
            for one in self._told.latest(series.device):
                found.setdefault(series_of(one), {})[one.channel] = one.taken_ms
            self._latest[series.device] = found
        return self._latest[series.device].get(series, {})

    def following(self, span: Span, channel: Channel, step_ms: int) -> list[Bucket]:
        """Return a channel worked out of the first of its sources that says enough."""
        for source in SOURCES[channel]:
            if source not in self.sent(span.series):
                continue
            told = self._told.downsample(span, source, step_ms)
            if not told:
                continue
            times = instants(one.start_ms for one in told)
            fresh: Iterable[Bucket] = ()
            if source is Channel.DISSOLVED_OXYGEN:
                fresh = self._told.uncompensated(span, step_ms)
            is_fresh = np.isin(times, [one.start_ms for one in fresh])
            around = Around()
            if source is Channel.CONDUCTIVITY:
                around = Around(warmth=self._known(span, Channel.TEMPERATURE, step_ms))
            elif channel is not Channel.SALINITY:
                around = self.around(span, step_ms, times, SALINITY_MS)
            low, mean, high = (
                follows(channel, source, Line(times, values), is_fresh, around)
                for values in _columns(told)
            )
            found = [
                Bucket(one.start_ms, one.number, *map(float, values))
                for one, *values in zip(told, low, mean, high, strict=True)
                if not np.isnan(values).any()
            ]
            if found:
                return found
        return []

    def around(
        self, span: Span, step_ms: int, times: Instants, reach_ms: int
    ) -> Around:
        """Return salinity and temperature around a stretch of one probe.

        What is further away than an hour is asked for where it is needed, hour by hour
        and in whole weeks: so that the next stretch need not ask again.
        """
        near = span._replace(start_ms=span.start_ms - HOUR_MS)
        found = self._there(near, min(step_ms, HOUR_MS)).and_also(self._newest(span))
        for first_ms, last_ms in (
            (near.start_ms - reach_ms, near.start_ms - 1),
            (near.end_ms, near.end_ms + reach_ms),
        ):
            if np.isnan(found.psu(times, reach_ms, is_told=True)).any():
                for week in range(first_ms // WEEK_MS, last_ms // WEEK_MS + 1):
                    far = Span(span.series, week * WEEK_MS, (week + 1) * WEEK_MS)
                    there = self._there(far, HOUR_MS)
                    found = found.and_also(there.outside(near.start_ms, near.end_ms))
        return found

    def _newest(self, span: Span) -> Around:
        """Return what is known to be a probe's, and the unit's, newest, from elsewhere."""
        salt, warm = Channel.SALINITY, Channel.TEMPERATURE
        own = [one for one in self._known_newest if series_of(one) == span.series]
        singly = [points_of([one], salt) for one in self._known_newest]
        return Around(
            points_of(own, salt),
            points_of(own, warm),
            saltiest(singly),
            points_of(self._known_newest, warm),
        )

    def _there(self, span: Span, step_ms: int) -> Around:
        """Return salinity and temperature in a stretch, of all probes of the unit."""
        here = [
            Span(series, max(one.from_ms, span.start_ms), min(end_ms, span.end_ms))
            for one in self._hung
            for series in (Series(one.device, one.probe),)
            for end_ms in (span.end_ms if one.to_ms is None else one.to_ms,)
        ]
        own = [one for one in here if one.series == span.series]
        others = [one for one in here if one.series != span.series]
        if not own:  # nobody says where it hangs: it is its own water
            own = [span]
        salt, warm = Channel.SALINITY, Channel.TEMPERATURE
        return Around(
            joined([self._known(one, salt, step_ms) for one in own]),
            joined([self._known(one, warm, step_ms) for one in own]),
            saltiest([self._known(one, salt, step_ms) for one in others]),
            joined([self._known(one, warm, step_ms) for one in others]),
        )

    def _known(self, span: Span, channel: Channel, step_ms: int) -> Line:
        """Return a line of what one probe told, or what follows from it."""
        if span.start_ms >= span.end_ms:
            return NOTHING
        key = (span, channel, step_ms)
        if key not in self._lines:
            buckets: Sequence[Bucket] = ()
            if channel in self.sent(span.series):
                buckets = self._told.downsample(span, channel, step_ms)
            if not buckets and channel is Channel.SALINITY:
                buckets = self.following(span, channel, step_ms)
            points = ((one.start_ms, one.mean) for one in buckets)
            self._lines[key] = line_of(channel, points)
        return self._lines[key]


def series_of(one: Reading) -> Series:
    """Return the probe that a reading is of."""
    return Series(one.device, one.probe)


def points_of(readings: Iterable[Reading], channel: Channel) -> Line:
    """Return one channel of readings in order of time; bad answers left out."""
    return line_of(
        channel,
        (
            (one.taken_ms, one.value)
            for one in readings
            if one.channel is channel and one.value is not None
        ),
    )


def instants(times: Iterable[int]) -> Instants:
    """Return instants in ms as an array."""
    return np.fromiter(times, np.int64)


def _columns(buckets: Sequence[Bucket]) -> Iterator[Floats]:
    for at in (2, 3, 4):
        yield np.array([one[at] for one in buckets], np.float64)
