"""Telemetry in InfluxDB 1.x, 2 or 3 (ADR 9). How it lies there: ``lines``."""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from greenwater.kernel.channels import Channel, Measurement
from greenwater.kernel.ids import DeviceId, WorkerId
from greenwater.kernel.quality import Flagged
from greenwater.kernel.reading import Gap, Reading
from greenwater.storage.telemetry import influxql as ql
from greenwater.storage.telemetry.influx_findings import InfluxFindings
from greenwater.storage.telemetry.influx_flags import InfluxFlags
from greenwater.storage.telemetry.influx_intake import InfluxIntake
from greenwater.storage.telemetry.influx_rolled import InfluxRolled
from greenwater.storage.telemetry.influx_rollups import InfluxRollups
from greenwater.storage.telemetry.influx_server import InfluxServer
from greenwater.storage.telemetry.lines import (
    Identity,
    gap_lines,
    identity,
    reading_lines,
)
from greenwater.storage.telemetry.ports import Bucket, Intake, Series, Span
from greenwater.storage.telemetry.urls import InfluxUrl

T = TypeVar("T")

PAGE_ROWS: Final = 5_000
SERIES_PER_STATEMENT: Final = 200
STATEMENTS_PER_QUERY: Final = 300


class InfluxTelemetry:
    """The port ``Telemetry`` on one database or bucket."""

    def __init__(self, url: InfluxUrl) -> None:
        self._server = InfluxServer(url)
        self._rollups = InfluxRollups(self._server)
        self.rolled = InfluxRolled(self._server, self._rollups)
        self._intake = InfluxIntake(self._server)
        self._flags = InfluxFlags(self._server)
        self.findings = InfluxFindings(self._server)

    def connect(self) -> None:
        """Reach the server now; otherwise the first call does.

        Raises:
            ConfigError: credentials or names are wrong, or the database would forget.
            UnavailableError: the server does not answer; a later call may succeed.
        """
        self._server.version()

    def close(self) -> None:
        """Release connections."""
        self._server.close()

    def write(self, readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> None:
        """Store readings and gaps (see the port)."""
        bad = [reading for reading in readings if reading.value is None]
        voided = self._replacing(bad) if bad else frozenset()
        self._server.write(reading_lines(readings, voided))
        if gaps:
            self._server.write(gap_lines(gaps), precision="ns")

    def replace(self, readings: Sequence[Reading]) -> None:
        """Store readings known to replace others (see the port): nothing to ask."""
        voided = {identity(one) for one in readings if one.value is None}
        self._server.write(reading_lines(readings, voided))

    def _replacing(self, bad: Sequence[Reading]) -> Collection[Identity]:
        """Return which of these bad answers take the place of a stored value."""
        times: dict[Series, list[int]] = {}
        for reading in bad:
            series = Series(reading.device, reading.probe)
            times.setdefault(series, []).append(reading.taken_ms)
        spans = [Span(one, min(at), max(at) + 1) for one, at in times.items()]
        stored = self.read_many(spans)
        return {identity(reading) for reading in stored if reading.value is not None}

    def read(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Reading]:
        """Yield the readings of one series (see the port), a page at a time."""
        wanted = ql.by_measurement(channels)
        if not wanted or span.start_ms >= span.end_ms:
            return
        first: dict[int, ql.Row] = {}
        statements = [self._page(m, some, span) for m, some in wanted.items()]
        for at, row in self._server.query(statements):
            _extend(first, at, row)
        streams = [
            self._paged(measurement, wanted[measurement], span, first[at])
            for at, measurement in enumerate(wanted)
            if at in first
        ]
        yield from heapq.merge(*streams, key=ql.order)

    def _page(
        self, measurement: Measurement, channels: Sequence[Channel], span: Span
    ) -> str:
        return (
            f"SELECT {ql.everything(channels)} FROM {self._server.from_(measurement)} "
            f"WHERE {ql.of_series(span.series)} "
            f"AND {ql.within(span.start_ms, span.end_ms)} LIMIT {PAGE_ROWS}"
        )

    def _paged(
        self,
        measurement: Measurement,
        channels: Sequence[Channel],
        span: Span,
        page: ql.Row,
    ) -> Iterator[Reading]:
        while True:
            is_last = len(page.values) < PAGE_ROWS
            next_ms = page.values[-1][0] + 1
            # Channel order within an instant: the columns are in that order already.
            yield from ql.readings_of(page, span.series)
            if is_last:
                return
            pages: dict[int, ql.Row] = {}
            rest = Span(span.series, next_ms, span.end_ms)
            for at, row in self._server.query(
                [self._page(measurement, channels, rest)]
            ):
                _extend(pages, at, row)
            if not pages:
                return
            page = pages[0]

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return the readings of many spans (see the port)."""
        windows = ql.spans_by_series(spans)
        found: list[Reading] = []
        statements = [
            f"SELECT {ql.values_and_salt(channels)} FROM {self._server.from_(measurement)} "
            f"WHERE {ql.within(start_ms, end_ms)} AND {ql.any_of(some)} "
            'GROUP BY "device","probe"'
            for start_ms, end_ms, series in ql.clusters(spans)
            for some in _parts(sorted(set(series)), SERIES_PER_STATEMENT)
            for measurement, channels in ql.CHANNELS.items()
        ]
        seen: set[Identity] = set()
        for part in _parts(statements, STATEMENTS_PER_QUERY):
            for _, row in self._server.query(part):
                series = row.series
                for reading in ql.readings_of(row, series):
                    at = reading.taken_ms
                    if any(a <= at < b for a, b in windows.get(series, ())):
                        key = identity(reading)
                        if key not in seen:
                            seen.add(key)
                            found.append(reading)
        return found

    def newest(self, series: Sequence[Series]) -> Mapping[Series, int]:
        """Return the newest reading's time of each series (see the port)."""
        statements = [
            f"SELECT {ql.values_and_bad(channels)} FROM {self._server.from_(measurement)} "
            f'WHERE {ql.any_of(some)} GROUP BY "device","probe" '
            "ORDER BY time DESC LIMIT 1"
            for some in _parts(sorted(set(series)), SERIES_PER_STATEMENT)
            for measurement, channels in ql.CHANNELS.items()
        ]
        found: dict[Series, int] = {}
        for part in _parts(statements, STATEMENTS_PER_QUERY):
            for _, row in self._server.query(part):
                at = row.values[0][0]
                found[row.series] = max(at, found.get(row.series, at))
        return found

    def latest(
        self, device: DeviceId, before_ms: int | None = None
    ) -> Sequence[Reading]:
        """Return the newest reading of each channel (see the port).

        Each channel is asked for by itself, its bad answers too: ``last(*)`` has no time.
        """
        until = "" if before_ms is None else f" AND time < {before_ms}ms"
        statements = [
            f'SELECT last("{asked}") AS "{asked}",{beside} '
            f"FROM {self._server.from_(measurement)} "
            f'WHERE "device"={ql.string(device)}{until} GROUP BY "device","probe"'
            for measurement, channels in ql.CHANNELS.items()
            for channel in channels
            for asked, other in (
                (f"{channel}", f"{channel}_bad"),
                (f"{channel}_bad", f"{channel}"),
            )
            for beside in (f'"{other}","{channel}_compensated","clock"',)
        ]
        found: dict[tuple[Series, Channel], Reading] = {}
        for _, row in self._server.query(statements):
            for reading in ql.readings_of(row, row.series):
                key = (row.series, reading.channel)
                if key not in found or found[key].taken_ms < reading.taken_ms:
                    found[key] = reading
        return sorted(found.values(), key=lambda one: (one.probe, ql.order(one)[1]))

    def series(self) -> Sequence[Series]:
        """Return every series that has readings, in order."""
        statements = [
            f"SELECT {ql.values_and_bad(channels)} FROM {self._server.from_(measurement)} "
            'GROUP BY "device","probe" LIMIT 1'
            for measurement, channels in ql.CHANNELS.items()
        ]
        return sorted({row.series for _, row in self._server.query(statements)})

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """Return the buckets of one channel (see the port)."""
        return self._rollups.downsample(span, channel, every_ms)

    def uncompensated(self, span: Span, every_ms: int) -> Sequence[Bucket]:
        """Return the buckets of oxygen told as of fresh water (see the port)."""
        return self._rollups.uncompensated(span, every_ms)

    def roll_up(self, measurement: Measurement, from_ms: int, until_ms: int) -> int:
        """Make the hourly roll-ups anew (see the port)."""
        return self._rollups.roll_up(measurement, from_ms, until_ms)

    def retain(
        self,
        measurement: Measurement,
        from_ms: int,
        rollups_from_ms: int | None = None,
    ) -> None:
        """Give up raw readings, and roll-ups if asked (see the port)."""
        self._rollups.retain(measurement, from_ms, rollups_from_ms)

    def write_flags(self, flags: Sequence[Flagged]) -> None:
        """Store quality flags (see the port)."""
        self._flags.write(flags)

    def flags(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Sequence[Flagged]:
        """Return the flags of one series' readings (see the port)."""
        return self._flags.read(span, channels)

    def gaps(self, span: Span) -> Sequence[Gap]:
        """Return the gaps that touch the span, in order of their start."""
        statement = (
            f'SELECT "end","count","reason" FROM {self._server.from_("gap")} '
            f"WHERE {ql.of_series(span.series)} "
            f"AND {ql.within(-ql.FURTHEST_MS, span.end_ms)}"
        )
        rows = self._server.query([statement], epoch="ns")
        found = [gap for _, row in rows for gap in ql.gaps_of(row, span)]
        return sorted(found, key=lambda gap: (gap.start_ms, gap.end_ms, gap.reason))

    def record(self, rows: Sequence[Intake]) -> None:
        """Store intake rows (see the port)."""
        self._intake.record(rows)

    def intake_after(
        self, cursor: Mapping[WorkerId, int], limit: int
    ) -> Sequence[Intake]:
        """Return rows beyond the cursor (see the port)."""
        return self._intake.after(cursor, limit)

    def intake_recent(self, limit: int) -> Iterator[Intake]:
        """Yield the newest rows over all workers, oldest first (see the port)."""
        return self._intake.recent(limit)

    def last_sequence(self, worker: WorkerId) -> int:
        """Return the worker's highest recorded sequence, 0 if it has none."""
        return self._intake.last_sequence(worker)

    def trim_intake(self, worker: WorkerId, below_sequence: int) -> None:
        """Give up the worker's rows below a sequence (its last row always stays)."""
        self._intake.trim(worker, below_sequence)


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _extend(rows: dict[int, ql.Row], at: int, row: ql.Row) -> None:
    """Put together the pieces of a chunked answer."""
    if at in rows:
        rows[at].values.extend(row.values)
    else:
        rows[at] = row
