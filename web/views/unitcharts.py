"""A unit's charts: each channel's lines with all that belongs beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Final

from greenwater.derived.flags import flags_of
from greenwater.derived.following import SOURCES
from greenwater.derived.unit_water import UnitWater
from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.findings import Episode, Forecast
from greenwater.kernel.quality import Flag, Flagged
from greenwater.kernel.reading import HOUR_MS, Source
from greenwater.reference.aerators import MONITOR
from greenwater.reference.causes import CAUSES
from greenwater.reference.own_limits import (
    LEVELS,
    SIDES,
    OwnLimits,
    limits_at,
    on_side,
    own_of,
    unit_limits,
)
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.registry.places import UnitInfo
from greenwater.storage.telemetry.ports import Span
from web.ports import Services
from web.views import series
from web.views.cards import FIRST, POSITIONS, WANTED, by_rank
from web.views.chartmarks import (
    AheadMark,
    Doubt,
    HandMark,
    LimitMark,
    Marks,
    OddMark,
    doubts_of,
    joined_limits,
)
from web.views.charts import Line, Window
from web.views.drawn import chart_view
from web.views.episodes import is_worth_it
from web.views.facts import Facts, Hanging
from web.views.formats import limit_amount
from web.views.outlooks import SHOWN_MS
from web.views.shown import ChartView
from web.words import Lang, say

DOUBTED_H: Final = 24
"""Longer charts leave doubts out: nearly every bucket of half an hour has a reading of some."""
BOARD_HOURS: Final = 24


@dataclass(frozen=True)
class UnitChart:
    """One channel at a unit: its lines, and what stands beside them."""

    channel: Channel
    window: Window
    lines: Sequence[Line]
    marks: Marks


class UnitCharts:
    """The charts of one unit over one window; each series is asked for its flags once."""

    def __init__(
        self,
        services: Services,
        unit: UnitInfo,
        window: Window,
        lang: Lang,
        now_ms: int,
        newest: Sequence[Hanging] = (),
    ) -> None:
        self._services, self._unit, self._lang = services, unit, lang
        self._window, self._now_ms = window, now_ms
        around = series.deployments_around(
            services, unit.id, window.start_ms, window.end_ms
        )
        self._water = UnitWater(services.telemetry, around, series.newest_of(newest))
        hung = [one for one in around if _touches(one, window)]
        known = {(one.device, one.id): one for one in services.seen.list_probes()}
        self._profiles = {key: one.profile for key, one in known.items()}
        meters = {key for key, one in known.items() if one.source is Source.HAND}
        self._probes = [one for one in hung if (one.device, one.probe) not in meters]
        self._meters = [one for one in hung if (one.device, one.probe) in meters]
        self._flags: dict[Span, Sequence[Flagged]] = {}

    def channels_then(self) -> list[Channel]:
        """Return the channels of what hung there then, most wanted first."""
        hung = (*self._probes, *self._meters)
        probes = {(one.device, one.probe) for one in hung}
        sent = {
            reading.channel
            for device in {one.device for one in hung}
            for reading in self._services.telemetry.latest(device)
            if (device, reading.probe) in probes
        }
        follow = {one for one in SOURCES.keys() - sent if self._lines(one)}
        return [one for one in WANTED if one in (sent | follow) - POSITIONS]

    def chart(self, channel: Channel) -> UnitChart:
        """Return one channel's chart."""
        lines = self._lines(channel)
        marks = Marks(
            self._limits(channel),
            self._doubts(channel, lines),
            self._by_hand(channel),
            self._odd(channel, lines),
            self._ahead(channel, lines),
        )
        return UnitChart(channel, self._window, lines, marks)

    def view(self, channel: Channel) -> ChartView:
        """Return one channel's chart as a page shows it."""
        found = self.chart(channel)
        place = ("unit", self._unit.id)
        is_mains = channel is Channel.CONTACT and {MONITOR} == {
            self._profiles.get((one.span.series.device, one.span.series.probe))
            for one in found.lines
            if one.span is not None
        }
        return chart_view(
            self._lang,
            place,
            channel,
            found.lines,
            self._window,
            marks=found.marks,
            name=say(self._lang, "mains_chart") if is_mains else "",
        )

    def _lines(self, channel: Channel) -> list[Line]:
        return series.lines_of(
            self._services,
            self._water,
            self._probes,
            channel,
            self._window,
            self._lang,
            self._profiles,
        )

    def _limits(self, channel: Channel) -> list[LimitMark]:
        """Return the levels that people acted on, each as long as it held."""
        changes = [one for one in self._limits_set if one.channel is channel]
        start_ms, end_ms = self._window.start_ms, self._window.end_ms
        turns = {one.set_ms for one in changes if start_ms < one.set_ms < end_ms}
        edges = [None, *sorted(turns), None]
        return joined_limits(
            replace(mark, from_ms=from_ms, to_ms=to_ms)
            for from_ms, to_ms in pairwise(edges)
            for mark in self._levels(channel, limits_at(changes, from_ms or start_ms))
        )

    @cached_property
    def _limits_set(self) -> Sequence[OwnLimits]:
        """What the unit's people ever set, the oldest first."""
        changes = self._services.seen.limit_changes(self._unit.id)
        return [one.became for one in reversed(changes)]

    def _levels(
        self, channel: Channel, own: Sequence[OwnLimits]
    ) -> Iterator[LimitMark]:
        species = self._unit.species
        limits, ours = unit_limits(species, own, channel), own_of(own, species, channel)
        for severity in LEVELS:
            for side in SIDES:
                bounds = None if limits is None else limits.bounds(severity)
                value = on_side(bounds, side)
                if value is not None:
                    is_own = ours is not None and ours.level(severity, side) is not None
                    key = f"limit_{'own_' if is_own else ''}{severity}"
                    told = limit_amount(self._lang, channel, value)
                    yield LimitMark(severity, value, say(self._lang, key, value=told))

    def _doubts(self, channel: Channel, lines: Sequence[Line]) -> list[Doubt]:
        if self._window.end_ms - self._window.start_ms > DOUBTED_H * HOUR_MS:
            return []
        found = []
        for line in lines:
            if line.span is not None:
                flags = flags_of(
                    self._services.telemetry,
                    self._flags_of(line.span),
                    (*self._probes, *self._meters),
                    line.span,
                    channel,
                    line.made,
                )
                found += doubts_of(line, flags, self._window.every_ms)
        return found

    def _flags_of(self, span: Span) -> Sequence[Flagged]:
        if span not in self._flags:
            self._flags[span] = self._services.telemetry.flags(span)
        return self._flags[span]

    def quality(self, hung: Deployed) -> tuple[int, int] | None:
        """Return how many of a probe's readings were judged, and how many of them good.

        Of the window's; None for a window that is too long to ask.
        """
        if self._window.end_ms - self._window.start_ms > DOUBTED_H * HOUR_MS:
            return None
        flags = self._flags_of(series.span_of(hung, self._window))
        judged = [one for one in flags if one.flag is not Flag.NOT_EVALUATED]
        return len(judged), sum(one.flag is Flag.GOOD for one in judged)

    def _by_hand(self, channel: Channel) -> list[HandMark]:
        spans = [series.span_of(one, self._window) for one in self._meters]
        return [
            HandMark(reading.taken_ms, reading.value)
            for span in spans
            for reading in self._services.telemetry.read(span, [channel])
            if reading.value is not None
        ]

    def _odd(self, channel: Channel, lines: Sequence[Line]) -> list[OddMark]:
        found = {
            one.id: one
            for line in lines
            if line.span is not None
            for one in self._services.telemetry.findings.episodes(line.span)
            if channel in one.channels and is_worth_it(one)
        }
        return [self._odd_mark(one) for one in found.values()]

    def _odd_mark(self, one: Episode) -> OddMark:
        cause = CAUSES.get(one.cause)
        words = one.cause if cause is None else getattr(cause, self._lang)
        kind = say(self._lang, f"episode_{one.kind}")
        end_ms = self._window.end_ms if one.is_open else one.end_ms
        is_sensor = str(one.kind) == "sensor"
        return OddMark(one.start_ms, end_ms, is_sensor, f"{kind} {words}")

    def _ahead(self, channel: Channel, lines: Sequence[Line]) -> list[AheadMark]:
        """Return what is forecast, on a chart of a day that ends now."""
        length_ms = self._window.end_ms - self._window.start_ms
        is_now = self._window.end_ms > self._now_ms
        if not is_now or length_ms > DOUBTED_H * HOUR_MS:
            return []
        found = []
        for index, line in enumerate(lines):
            made = self._forecast(channel, line)
            if made is not None:
                found.append(AheadMark(index, _points(made, line)))
        return found

    def _forecast(self, channel: Channel, line: Line) -> Forecast | None:
        if line.span is None or line.span.end_ms < self._now_ms:
            return None
        span = Span(line.span.series, self._now_ms - SHOWN_MS, self._now_ms + 1)
        made = self._services.telemetry.findings.newest_forecast(span)
        fits = made is not None and made.channel is channel and made.outlooks
        return made if fits else None


def _points(made: Forecast, line: Line) -> tuple[tuple[int, float, float, float], ...]:
    before = [one for one in line.buckets if one.start_ms <= made.made_ms]
    value = before[-1].mean if before else made.outlooks[0].value
    hours = [
        (
            made.made_ms + round(one.horizon_h * HOUR_MS),
            one.value,
            max(one.low, 0.0),
            one.high,
        )
        for one in made.outlooks
    ]
    return ((made.made_ms, value, value, value), *hours)


def _touches(one: Deployed, window: Window) -> bool:
    is_over = one.to_ms is not None and one.to_ms <= window.start_ms
    return one.from_ms < window.end_ms and not is_over


def channels_at(facts: Facts, unit: UnitInfo) -> list[Channel]:
    """Return the channels that are measured at a unit, most wanted first."""
    hanging = facts.in_units.get(unit.id, ())
    readings = by_rank(series.newest_of(hanging))
    channels = dict.fromkeys(r.channel for r in readings)
    return [c for c in channels if c not in POSITIONS]


def main_channel(facts: Facts, unit: UnitInfo) -> Channel | None:
    """Return the channel that matters most at a unit, if any of the water is measured."""
    channels = channels_at(facts, unit)
    water = [c for c in channels if SPECS[c].measurement is Measurement.WATER]
    return next((c for c in FIRST if c in water), water[0] if water else None)


def main_chart(
    services: Services, facts: Facts, unit: UnitInfo, lang: Lang
) -> ChartView | None:
    """Return the chart of the channel that matters most at a unit, if it has one."""
    channel = main_channel(facts, unit)
    if channel is None:
        return None
    return charts_of(services, facts, unit, lang, BOARD_HOURS).view(channel)


def charts_of(
    services: Services, facts: Facts, unit: UnitInfo, lang: Lang, hours: int
) -> UnitCharts:
    """Return the charts of a unit over the last hours."""
    window = Window.until(facts.now_ms, hours)
    newest = facts.in_units.get(unit.id, ())
    return UnitCharts(services, unit, window, lang, facts.now_ms, newest)
