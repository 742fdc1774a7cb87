"""The production telemetry store: InfluxDB 1.x, 2.x and 3.x behind one code path.

Measurements ``water``, ``position`` and ``power``; tags ``device`` and ``probe``; see
``lines`` for the fields. Reads are InfluxQL. Ids match ``kernel.ids``, so they are safe
inside quotes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Gap, Reading
from greenwater.storage.telemetry import lines
from greenwater.storage.telemetry.influx_http import (
    InfluxHttp,
    InfluxUrl,
    missing_database,
)
from greenwater.storage.telemetry.ports import Bucket, Intake, Series, Span
from greenwater.storage.telemetry.retention import DAY_MS, HOUR_MS, merged

PAGE = 5_000
QUERY_CHARS = 6_000
RECENT_ROWS = 50
ALL = ", ".join(Measurement)


class InfluxTelemetry:
    """``Telemetry`` over HTTP. Any thread may call."""

    def __init__(self, url: InfluxUrl, *, read_ms: int = 30_000) -> None:
        self._http = InfluxHttp(url, read_ms=read_ms)

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def prepare(self) -> None:
        """Create the database where it is missing (1.x; in 2 and 3 an operator does).

        Raises:
            UnavailableError: the server does not answer.
        """
        if self._http.version() < (2, 0):
            self._http.command(f'CREATE DATABASE "{self._http.url.database}"')

    def write(self, readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> None:
        """See ``Telemetry.write``."""
        text = lines.reading_lines(readings)
        self._write(text + lines.gap_lines(gaps) if gaps else text)

    def replace(self, readings: Sequence[Reading]) -> None:
        """See ``Telemetry.replace``."""
        self._write(lines.reading_lines(readings, replacing=True))

    def _write(self, text: list[str]) -> None:
        if not text:
            return
        try:
            self._http.write(text)
        except UnavailableError as exc:
            if missing_database(exc):  # made anew, for instance after a restore
                self.prepare()
            raise

    def read(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Reading]:
        """See ``Telemetry.read``."""
        wanted = set(Channel) if channels is None else set(channels)
        start_ms = span.start_ms
        while start_ms < span.end_ms:
            rows = self._rows(span.series, start_ms, span.end_ms)
            rows.sort(key=lambda row: row["time"])
            # A page may end inside an instant that other measurements share.
            full = len(rows) >= PAGE
            last_ms = rows[-1]["time"] if full else span.end_ms
            page = [row for row in rows if row["time"] < last_ms] if full else rows
            for reading in _in_order(span.series, page):
                if reading.channel in wanted:
                    yield reading
            if not full:
                return
            start_ms = int(last_ms)

    def _rows(self, series: Series, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
        """Return rows of all measurements; complete up to the earliest full page's end."""
        where = _where(series, start_ms, end_ms)
        results = self._http.query(
            *(f"SELECT * FROM {m} {where} LIMIT {PAGE}" for m in Measurement)
        )
        rows: list[dict[str, Any]] = []
        complete_ms = end_ms
        for result in results:
            page = list(_dicts(result))
            if len(page) >= PAGE:
                complete_ms = min(complete_ms, int(page[-1]["time"]))
            rows += page
        if complete_ms < end_ms:
            rows = [row for row in rows if row["time"] <= complete_ms]
        return rows

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """See ``Telemetry.read_many``."""
        found: list[Reading] = []
        statements = [
            (span.series, f"SELECT * FROM {ALL} {_where(*span)}") for span in spans
        ]
        for group in _by_length(statements):
            results = self._http.query(*(text for _, text in group))
            for (series, _), result in zip(group, results, strict=True):
                for row in _dicts(result):
                    found += lines.readings_of(series, row)
        return found

    def newest(self, series: Sequence[Series]) -> Mapping[Series, int]:
        """See ``Telemetry.newest``."""
        found: dict[Series, int] = {}
        conditions = [
            (one, f"(device='{one[0]}' AND probe='{one[1]}')") for one in series
        ]
        for group in _by_length(conditions):
            either = " OR ".join(text for _, text in group)
            (result,) = self._http.query(
                f"SELECT * FROM {ALL} WHERE {either} GROUP BY device, probe "
                "ORDER BY time DESC LIMIT 1"
            )
            for part in result:
                one = _series(part)
                newest_ms = int(part["values"][0][0])
                found[one] = max(newest_ms, found.get(one, newest_ms))
        return found

    def latest(self, device: DeviceId) -> Sequence[Reading]:
        """See ``Telemetry.latest``."""
        (result,) = self._http.query(
            f"SELECT * FROM {ALL} WHERE device='{device}' GROUP BY probe "
            f"ORDER BY time DESC LIMIT {RECENT_ROWS}"
        )
        found: dict[tuple[ProbeId, Channel], Reading] = {}
        for part in result:
            series = Series(device, ProbeId(part["tags"]["probe"]))
            for row in _dicts([part]):
                for reading in lines.readings_of(series, row):
                    found.setdefault((reading.probe, reading.channel), reading)
        return sorted(
            found.values(), key=lambda r: (r.probe, list(Channel).index(r.channel))
        )

    def series(self) -> Sequence[Series]:
        """See ``Telemetry.series``."""
        (result,) = self._http.query(
            f"SELECT * FROM {ALL} GROUP BY device, probe LIMIT 1"
        )
        return sorted({_series(part) for part in result})

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """See ``Telemetry.downsample``."""
        where = _where(*span)
        kind = SPECS[channel].measurement
        raw, bad, oldest, rolled = self._http.query(
            f'SELECT count("{channel}"), min("{channel}"), mean("{channel}"), '
            f'max("{channel}") FROM {kind} {where} GROUP BY time({every_ms}ms) fill(none)',
            f'SELECT count("{channel}_bad") FROM {kind} {where} AND "{channel}_bad" = 1',
            f'SELECT first("{channel}") FROM {kind} {_where(span.series)}',
            f'SELECT "{channel}_n", "{channel}_min", "{channel}_mean", "{channel}_max" '
            f"FROM rollup {where}",
        )
        buckets = [_bucket(v) for part in raw for v in part["values"] if v[1]]
        if bad:  # a value that a bad answer replaced still stands in its field
            buckets = _bucketed(self.read(span, [channel]), every_ms)
        first_ms = oldest[0]["values"][0][0] // HOUR_MS * HOUR_MS if oldest else 2**62
        hours = [
            _bucket(values)
            for part in rolled
            for values in part["values"]
            if values[1] and values[0] < first_ms
        ]
        return merged(hours, buckets, every_ms)

    def gaps(self, span: Span) -> Sequence[Gap]:
        """See ``Telemetry.gaps``."""
        where = _where(span.series, 0, span.end_ms)
        (result,) = self._http.query(
            f"SELECT end_ms, lost, reason FROM gap {where} AND end_ms > {span.start_ms}"
        )
        return [
            Gap(
                *span.series,
                int(row["time"]),
                row["end_ms"],
                row["lost"],
                row["reason"],
            )
            for row in _dicts(result)
        ]

    def record(self, rows: Sequence[Intake]) -> None:
        """See ``Telemetry.record``."""
        self._write(lines.intake_lines(rows))

    def intake_after(
        self, cursor: Mapping[WorkerId, int], limit: int
    ) -> Sequence[Intake]:
        """See ``Telemetry.intake_after``."""
        found: list[Intake] = []
        for worker in self._workers():
            (result,) = self._http.query(
                f"SELECT row FROM intake WHERE worker='{worker}' "
                f"AND time > {cursor.get(worker, 0)}ms LIMIT {max(limit - len(found), 1)}"
            )
            found += _intake(worker, result)
        return found[:limit]

    def _workers(self) -> list[WorkerId]:
        (result,) = self._http.query('SHOW TAG VALUES FROM intake WITH KEY = "worker"')
        return sorted(WorkerId(v[1]) for part in result for v in part["values"])

    def intake_recent(self, limit: int) -> Iterator[Intake]:
        """See ``Telemetry.intake_recent``."""
        found: list[Intake] = []
        for worker in self._workers():
            before = 2**53
            wanted = limit
            while wanted > 0:
                (result,) = self._http.query(
                    f"SELECT row FROM intake WHERE worker='{worker}' "
                    f"AND time < {before}ms ORDER BY time DESC LIMIT {min(wanted, 10_000)}"
                )
                page = _intake(worker, result)
                found += page
                if len(page) < min(wanted, 10_000):
                    break
                wanted -= len(page)
                before = page[-1].sequence
        found.sort(key=lambda row: (row.recorded_ms, row.sequence))
        return iter(found[-limit:])

    def last_sequence(self, worker: WorkerId) -> int:
        """See ``Telemetry.last_sequence``."""
        (result,) = self._http.query(
            f"SELECT row FROM intake WHERE worker='{worker}' ORDER BY time DESC LIMIT 1"
        )
        return int(result[0]["values"][0][0]) if result else 0

    def trim_intake(self, worker: WorkerId, below: int) -> None:
        """See ``Telemetry.trim_intake``."""
        self._http.delete("intake", below, f"worker='{worker}'")

    def roll_up(self, measurement: Measurement, from_ms: int, until_ms: int) -> int:
        """See ``Telemetry.roll_up``. A day at a time."""
        channels = [c for c, spec in SPECS.items() if spec.measurement is measurement]
        count = 0
        first, end = from_ms // HOUR_MS * HOUR_MS, until_ms // HOUR_MS * HOUR_MS
        for start in range(first, end, DAY_MS):
            stop = min(start + DAY_MS, end)
            results = self._http.query(
                *(
                    f'SELECT count("{c}"), min("{c}"), mean("{c}"), max("{c}") '
                    f"FROM {measurement} WHERE time >= {start}ms AND time < {stop}ms "
                    "GROUP BY time(1h), device, probe fill(none)"
                    for c in channels
                )
            )
            text = [
                line
                for channel, result in zip(channels, results, strict=True)
                for part in result
                for line in lines.rollup_lines(
                    measurement,
                    _series(part),
                    {channel: [_bucket(v) for v in part["values"] if v[1]]},
                )
            ]
            self._write(text)
            count += len(text)
        return count

    def retain(self, measurement: Measurement, from_ms: int) -> None:
        """See ``Telemetry.retain``."""
        self._http.delete(measurement, from_ms // HOUR_MS * HOUR_MS)


def _where(series: Series, start_ms: int | None = None, end_ms: int = 0) -> str:
    text = f"WHERE device='{series.device}' AND probe='{series.probe}'"
    if start_ms is None:
        return text
    return f"{text} AND time >= {start_ms}ms AND time < {end_ms}ms"


def _series(part: dict[str, Any]) -> Series:
    tags = part["tags"]
    return Series(DeviceId(tags["device"]), ProbeId(tags["probe"]))


def _dicts(result: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for part in result:
        columns = part["columns"]
        for values in part["values"]:
            yield dict(zip(columns, values, strict=True))


def _bucket(values: Sequence[Any]) -> Bucket:
    start, number, low, mean, high = values
    return Bucket(int(start), int(number), float(low), float(mean), float(high))


def _bucketed(readings: Iterable[Reading], every_ms: int) -> list[Bucket]:
    single = [
        Bucket(r.taken_ms // every_ms * every_ms, 1, r.value, r.value, r.value)
        for r in readings
        if r.value is not None
    ]
    return merged([], single, every_ms)


def _intake(worker: WorkerId, result: Iterable[dict[str, Any]]) -> list[Intake]:
    return [
        lines.intake_row(worker, int(sequence), text)
        for part in result
        for sequence, text in part["values"]
    ]


def _in_order(series: Series, rows: Sequence[dict[str, Any]]) -> list[Reading]:
    order = {channel: at for at, channel in enumerate(Channel)}
    readings = [one for row in rows for one in lines.readings_of(series, row)]
    readings.sort(key=lambda one: (one.taken_ms, order[one.channel]))
    return readings


def _by_length(
    items: Sequence[tuple[Series, str]],
) -> Iterator[list[tuple[Series, str]]]:
    """Yield groups of texts that together fit a query string."""
    group: list[tuple[Series, str]] = []
    length = 0
    for item in items:
        if group and length + len(item[1]) > QUERY_CHARS:
            yield group
            group, length = [], 0
        group.append(item)
        length += len(item[1]) + 4
    if group:
        yield group
