"""Roll-ups and retention in InfluxDB, which has no transactions.

Roll-ups are in ``<measurement>_hourly``. How far raw readings have been given up is one
field of one point of ``retention``: ``given_up,deleting``. Roll-ups answer below the
first; raw readings from ``deleting`` up to it do not count, since a delete may be under
way there. So at every moment each reading counts once, whatever dies between the steps:
roll up, say so, delete, say so.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import structlog

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.storage.telemetry import influxql as ql
from greenwater.storage.telemetry.influx_server import InfluxServer
from greenwater.storage.telemetry.lines import VOID, rollup_line
from greenwater.storage.telemetry.ports import Bucket, Series, Span
from greenwater.storage.telemetry.retention import DAY_MS, HOUR_MS, hour_of, merged

log = structlog.get_logger()

STEP_MS: Final = 7 * DAY_MS
ROWS_WANTED: Final = 100_000
LINES_KEPT: Final = 2_000
_NOT_VOID: Final = f"> -1{'0' * 299}.0"
"""InfluxQL has no exponents."""
_FRESH: Final = f'AND "{Channel.DISSOLVED_OXYGEN}_compensated" = false '


class State(NamedTuple):
    """How far readings of a measurement were given up, and from where they are deleted."""

    given_up_ms: int
    deleting_ms: int


_NOTHING: Final = State(-ql.FURTHEST_MS, -ql.FURTHEST_MS)


class InfluxRollups:
    """What of the port ``Telemetry`` speaks of hours and of letting go."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server

    def downsample(self, span: Span, channel: Channel, every_ms: int) -> list[Bucket]:
        """Return the buckets of one channel."""
        state = self.state(SPECS[channel].measurement)
        parts = [*self._before(span, channel, state)]
        for start_ms, end_ms in _around(span, state):
            parts += self._raw(Span(span.series, start_ms, end_ms), channel, every_ms)
        return merged(parts, every_ms)

    def uncompensated(self, span: Span, every_ms: int) -> list[Bucket]:
        """Return the buckets of oxygen that was told as of fresh water."""
        channel = Channel.DISSOLVED_OXYGEN
        state = self.state(SPECS[channel].measurement)
        parts = [
            bucket
            for start_ms, end_ms in _around(span, state)
            for bucket in self._raw(
                Span(span.series, start_ms, end_ms), channel, every_ms, _FRESH
            )
        ]
        if span.start_ms < state.given_up_ms and self._is_fresh_after(span, state):
            parts += self._before(span, channel, state)
        return merged(parts, every_ms)

    def _before(self, span: Span, channel: Channel, state: State) -> Iterator[Bucket]:
        """Yield the hours of a span whose readings were given up."""
        if span.start_ms < state.given_up_ms:
            end_ms = min(span.end_ms, state.given_up_ms)
            yield from self._rolled(Span(span.series, span.start_ms, end_ms), channel)

    def _is_fresh_after(self, span: Span, state: State) -> bool:
        """Return whether the oldest oxygen that is kept was told as of fresh water."""
        name = ql.name(Channel.DISSOLVED_OXYGEN)
        told = ql.name(f"{Channel.DISSOLVED_OXYGEN}_compensated")
        statement = (
            f"SELECT {name},{told} FROM {self._server.from_(Measurement.WATER)} "
            f"WHERE {ql.of_series(span.series)} AND time >= {ql.at_ms(state.given_up_ms)} "
            f"AND {name} {_NOT_VOID} LIMIT 1"
        )
        rows = [row for _, row in self._server.query([statement])]
        return bool(rows) and rows[0].values[0][2] is False

    def roll_up(self, measurement: Measurement, from_ms: int, until_ms: int) -> int:
        """Make roll-ups anew; return how many hours of channels."""
        state = self.state(measurement)
        start_ms = max(hour_of(from_ms), state.given_up_ms)
        return self._roll(measurement, start_ms, hour_of(until_ms))

    def retain(
        self, measurement: Measurement, from_ms: int, rollups_from_ms: int | None
    ) -> None:
        """Give up raw readings, and roll-ups if asked; a week at a time."""
        if self._server.version()[0] >= 3:
            # It offers no delete; its operator sets the database's retention instead.
            log.warning("retention.left_to_server", measurement=measurement.value)
            return
        state = self.state(measurement)
        if state.deleting_ms < state.given_up_ms:
            self._delete(measurement, state)
        end_ms = hour_of(from_ms)
        start_ms = state.given_up_ms
        while (first := self._first(measurement, start_ms, end_ms)) is not None:
            deleting_ms = max(start_ms, hour_of(first))
            start_ms = min(deleting_ms + STEP_MS, end_ms)
            self._roll(measurement, deleting_ms, start_ms)
            state = State(start_ms, deleting_ms)
            self.say(measurement, state)
            self._delete(measurement, state)
        if rollups_from_ms is not None:
            hourly = f"{measurement}_hourly"
            self._server.delete(hourly, -ql.FURTHEST_MS, hour_of(rollups_from_ms), {})

    def _delete(self, measurement: Measurement, state: State) -> None:
        self._server.delete(measurement, state.deleting_ms, state.given_up_ms, {})
        self.say(measurement, State(state.given_up_ms, state.given_up_ms))

    def state(self, measurement: Measurement) -> State:
        """Return how far its readings were given up."""
        statement = (
            f'SELECT "state" FROM {self._server.from_("retention")} '
            f"WHERE \"measurement\"='{measurement}' LIMIT 1"
        )
        for _, row in self._server.query([statement]):
            given_up, deleting = row.values[0][1].split(",")
            return State(int(given_up), int(deleting))
        return _NOTHING

    def say(self, measurement: Measurement, state: State) -> None:
        """Keep how far its readings were given up."""
        text = f"{state.given_up_ms},{state.deleting_ms}"
        self._server.write([f'retention,measurement={measurement} state="{text}" 0'])

    def _rolled(self, span: Span, channel: Channel) -> Iterator[Bucket]:
        fields = ",".join(
            f'"{channel}_{what}"' for what in ("count", "min", "sum", "max")
        )
        hourly = self._server.from_(f"{SPECS[channel].measurement}_hourly")
        statement = (
            f"SELECT {fields} FROM {hourly} WHERE {ql.of_series(span.series)} "
            f"AND {ql.within(span.start_ms, span.end_ms)}"
        )
        for _, row in self._server.query([statement]):
            for hour_ms, count, low, total, high in row.values:
                yield Bucket(hour_ms, count, float(low), total / count, float(high))

    def _raw(
        self, span: Span, channel: Channel, every_ms: int, only: str = ""
    ) -> list[Bucket]:
        buckets = self._buckets(span, channel, every_ms, only)
        if any(bucket.minimum == VOID for bucket in buckets):
            only = f'{only}AND "{channel}" {_NOT_VOID} '
            buckets = self._buckets(span, channel, every_ms, only)
        return buckets

    def _buckets(
        self, span: Span, channel: Channel, every_ms: int, only: str
    ) -> list[Bucket]:
        name = ql.name(channel)
        statement = (
            f"SELECT count({name}),min({name}),mean({name}),max({name}) "
            f"FROM {self._server.from_(SPECS[channel].measurement)} "
            f"WHERE {ql.of_series(span.series)} "
            f"AND {ql.within(span.start_ms, span.end_ms)} {only}"
            f"GROUP BY time({every_ms}ms) fill(none)"
        )
        return [
            Bucket(start_ms, number, float(low), float(mean), float(high))
            for _, row in self._server.query([statement])
            for start_ms, number, low, mean, high in row.values
            if number
        ]

    def _first(
        self, measurement: Measurement, start_ms: int, end_ms: int
    ) -> int | None:
        """Return the time of the first reading in ``[start, end)``."""
        if start_ms >= end_ms:
            return None
        statements = [
            f'SELECT first("{field}") FROM {self._server.from_(measurement)} '
            f"WHERE {ql.within(start_ms, end_ms)}"
            for channel in ql.CHANNELS[measurement]
            for field in (f"{channel}", f"{channel}_bad")
        ]
        times = [row.values[0][0] for _, row in self._server.query(statements)]
        return min(times, default=None)

    def _roll(self, measurement: Measurement, start_ms: int, end_ms: int) -> int:
        """Roll up hour by hour, several at once while they are few rows."""
        count, hours = 0, 24
        while (first := self._first(measurement, start_ms, end_ms)) is not None:
            start_ms = max(start_ms, hour_of(first))
            stop_ms = min(start_ms + hours * HOUR_MS, end_ms)
            rows = 0
            lines: list[str] = []
            for row in self._hours(measurement, start_ms, stop_ms):
                rows += len(row.values)
                for sums in self._sums(measurement, row):
                    count += len(sums[1])
                    lines.append(rollup_line(measurement, row.tags, *sums))
                if len(lines) >= LINES_KEPT:
                    self._server.write(lines)
                    lines.clear()
            self._server.write(lines)
            start_ms = stop_ms
            hours = max(1, hours // 2) if rows > ROWS_WANTED else min(hours * 2, 720)
        return count

    def _hours(
        self, measurement: Measurement, start_ms: int, end_ms: int
    ) -> Iterator[ql.Row]:
        asked = ",".join(
            f'count("{c}"),min("{c}"),sum("{c}"),max("{c}")'
            for c in ql.CHANNELS[measurement]
        )
        statement = (
            f"SELECT {asked} FROM {self._server.from_(measurement)} "
            f"WHERE {ql.within(start_ms, end_ms)} "
            f'GROUP BY time({HOUR_MS}ms),"device","probe" fill(none)'
        )
        for _, row in self._server.query([statement]):
            yield row

    def _sums(
        self, measurement: Measurement, row: ql.Row
    ) -> Iterator[tuple[int, dict[str, tuple[int, float, float, float]]]]:
        """Yield each hour of a row with the sums of the channels that were read."""
        for hour_ms, *values in row.values:
            sums: dict[str, tuple[int, float, float, float]] = {}
            for at, channel in enumerate(ql.CHANNELS[measurement]):
                count, low, total, high = values[4 * at : 4 * at + 4]
                if count and float(low) == VOID:
                    again = self._without_void(row.series, channel, hour_ms)
                    if again is not None:
                        sums[channel] = again
                elif count:
                    sums[channel] = (count, float(low), float(total), float(high))
            if sums:
                yield hour_ms, sums

    def _without_void(
        self, series: Series, channel: Channel, hour_ms: int
    ) -> tuple[int, float, float, float] | None:
        span = Span(series, hour_ms, hour_ms + HOUR_MS)
        for bucket in self._raw(span, channel, HOUR_MS):
            total = bucket.mean * bucket.number
            return bucket.number, bucket.minimum, total, bucket.maximum
        return None


def _around(span: Span, state: State) -> Iterator[tuple[int, int]]:
    """Yield the parts of a span in which raw readings count."""
    before = min(span.end_ms, state.deleting_ms)
    after = max(span.start_ms, state.given_up_ms)
    if state.deleting_ms >= state.given_up_ms:
        yield span.start_ms, span.end_ms
        return
    if span.start_ms < before:
        yield span.start_ms, before
    if after < span.end_ms:
        yield after, span.end_ms
