"""Telemetry in one SQLite file (ADR 9). How it lies there: ``sqlite_file``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.quality import Flag, Flagged
from greenwater.kernel.reading import LARGEST, ClockQuality, Gap, Reading
from greenwater.storage.telemetry.ports import Bucket, Intake, Series, Span
from greenwater.storage.telemetry.sqlite_file import LAST_MS, SqliteFile, held
from greenwater.storage.telemetry.sqlite_findings import SqliteFindings
from greenwater.storage.telemetry.sqlite_intake import SqliteIntake
from greenwater.storage.telemetry.sqlite_rolled import SqliteRolled
from greenwater.storage.telemetry.sqlite_rollups import SqliteRollups

PAGE_ROWS: Final = 5_000
MAX_IDS_KEPT: Final = 50_000

# Numbers in the file: they may be added to, never changed.
_QUALITY_CODES: Final = {
    ClockQuality.GPS: 0,
    ClockQuality.NTP: 1,
    ClockQuality.RTC: 2,
    ClockQuality.UNSYNCED: 3,
    ClockQuality.RETIMED: 4,
}
_QUALITIES: Final = {code: quality for quality, code in _QUALITY_CODES.items()}
_CLOCK_CODES: Final = {
    Measurement.WATER: -1,
    Measurement.POSITION: -2,
    Measurement.POWER: -3,
}
_CLOCK_CODE_OF: Final = {c: _CLOCK_CODES[spec.measurement] for c, spec in SPECS.items()}
_ORDER: Final = {channel: at for at, channel in enumerate(Channel)}

_PUT_READING: Final = """
INSERT INTO reading (series, taken_ms, channel, value, compensated)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    value = excluded.value, compensated = coalesce(excluded.compensated, compensated)
WHERE value IS NOT excluded.value
   OR excluded.compensated IS NOT NULL AND compensated IS NOT excluded.compensated
"""
_PUT_FLAG: Final = """
UPDATE reading SET flag = ?, tests = ? WHERE series = ? AND taken_ms = ? AND channel = ?
"""


class SqliteTelemetry:
    """The port ``Telemetry`` on one file that several processes may use at once."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path)
        self._ids: dict[Series, int] = {}
        self._pairs: set[tuple[int, int]] = set()
        self._codes = self._channel_codes()
        self._intake = SqliteIntake(self._file)
        self.findings = SqliteFindings(self._file)
        self._rollups = SqliteRollups(self._file, self._codes, _CLOCK_CODES)
        self.rolled = SqliteRolled(self._file, self._codes)
        self._names = {code: channel for channel, code in self._codes.items()}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def write(self, readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> None:
        """Store readings and gaps, all or nothing (see the port)."""
        for reading in readings:
            value = reading.value
            # SQLite would keep NaN as NULL, which means "answered badly".
            if value is not None and not -LARGEST <= value <= LARGEST:
                raise InputError(reading.fault)
        series = {Series(one.device, one.probe) for one in readings}
        series |= {Series(gap.device, gap.probe) for gap in gaps}
        if not series:
            return
        with self._file.change() as connection:
            ids = self._series_ids(connection, series)
            rows = self._rows(readings, ids)
            connection.executemany(_PUT_READING, rows)
            pairs = {(row[0], row[2]) for row in rows} - self._pairs
            connection.executemany(
                "INSERT OR IGNORE INTO series_channel VALUES (?, ?)", pairs
            )
            connection.executemany(
                "INSERT OR IGNORE INTO gap VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        ids[Series(gap.device, gap.probe)],
                        gap.start_ms,
                        gap.end_ms,
                        gap.count,
                        gap.reason,
                    )
                    for gap in gaps
                ],
            )
        self._remember(ids, pairs)

    def replace(self, readings: Sequence[Reading]) -> None:
        """Store readings known to replace others (see the port)."""
        self.write(readings)

    def _rows(
        self, readings: Iterable[Reading], ids: Mapping[Series, int]
    ) -> list[tuple[int, int, int, float | None, bool | None]]:
        codes = self._codes
        rows: list[tuple[int, int, int, float | None, bool | None]] = []
        device = probe = None
        series = 0
        for one in readings:
            if one.probe != probe or one.device != device:
                device, probe = one.device, one.probe
                series = ids[Series(device, probe)]
            code, value, compensated = codes[one.channel], one.value, one.is_compensated
            rows.append((series, one.taken_ms, code, value, compensated))
            if one.clock is not None:
                quality = float(_QUALITY_CODES[one.clock])
                code = _CLOCK_CODE_OF[one.channel]
                rows.append((series, one.taken_ms, code, quality, None))
        return rows

    def _channel_codes(self) -> dict[Channel, int]:
        """Return the file's number of each channel, given to those that have none."""
        asked = "SELECT name, id FROM channel"
        found = dict(self._file.ask(asked))
        missing = [(channel.value,) for channel in Channel if channel not in found]
        if missing:
            with self._file.change() as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO channel (name) VALUES (?)", missing
                )
            found = dict(self._file.ask(asked))
        return {channel: found[channel.value] for channel in Channel}

    def _series_ids(
        self, connection: Connection, series: Iterable[Series]
    ) -> dict[Series, int]:
        """Return the ids, made where there are none; known to all once committed."""
        ids: dict[Series, int] = {}
        for one in series:
            known = self._ids.get(one)
            if known is None:
                connection.execute(
                    "INSERT OR IGNORE INTO series (device, probe) VALUES (?, ?)", one
                )
                (known,) = connection.execute(
                    "SELECT id FROM series WHERE device = ? AND probe = ?", one
                ).fetchone()
            ids[one] = known
        return ids

    def _remember(
        self, ids: Mapping[Series, int], pairs: Iterable[tuple[int, int]] = ()
    ) -> None:
        """Know these, now that they are committed; forget all rather than grow."""
        if len(self._ids) > MAX_IDS_KEPT:
            self._ids = {}
        if len(self._pairs) > 10 * MAX_IDS_KEPT:
            self._pairs = set()
        self._ids.update(ids)
        self._pairs.update(pairs)

    def _id(self, series: Series) -> int | None:
        known = self._ids.get(series)
        if known is None:
            rows = self._file.ask(
                "SELECT id FROM series WHERE device = ? AND probe = ?", series
            )
            if not rows:
                return None
            known = int(rows[0][0])
            self._remember({series: known})
        return known

    def read(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Reading]:
        """Yield the readings of one series (see the port), a page at a time."""
        series = self._id(span.series)
        if series is None:
            return
        wanted = None if channels is None else set(channels)
        start_ms = span.start_ms
        while start_ms < span.end_ms:
            rows = self._file.ask(
                "SELECT taken_ms, channel, value, compensated FROM reading "
                "WHERE series = ? AND taken_ms >= ? AND taken_ms < ? "
                "ORDER BY taken_ms, channel LIMIT ?",
                (series, held(start_ms), held(span.end_ms), PAGE_ROWS),
            )
            is_last = len(rows) < PAGE_ROWS
            if not is_last:
                # The last instant may go on behind the page: the next begins with it.
                start_ms = rows[-1][0]
                while rows[-1][0] == start_ms:
                    rows.pop()
            yield from self._readings(span.series, rows, wanted)
            if is_last:
                return

    def _readings(
        self,
        series: Series,
        rows: Sequence[tuple[Any, ...]],
        wanted: set[Channel] | None,
    ) -> Iterator[Reading]:
        device, probe = series
        clocks: dict[tuple[int, int], ClockQuality] = {}
        found: list[Reading] = []
        for taken_ms, code, value, compensated in rows:
            if code < 0:
                clocks[taken_ms, code] = _QUALITIES[int(value)]
                continue
            channel = self._names.get(code)
            if channel is None or (wanted is not None and channel not in wanted):
                continue
            quality = clocks.get((taken_ms, _CLOCK_CODE_OF[channel]))
            is_compensated = None if compensated is None else bool(compensated)
            found.append(
                Reading(
                    device, probe, channel, taken_ms, value, quality, is_compensated
                )
            )
        found.sort(key=lambda one: (one.taken_ms, _ORDER[one.channel]))
        return iter(found)

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return the readings of many spans (see the port)."""
        return list({one: None for span in spans for one in self.read(span)})

    def newest(self, series: Sequence[Series]) -> Mapping[Series, int]:
        """Return the newest reading's time of each series (see the port)."""
        found = {}
        for one in series:
            known = self._id(one)
            rows = self._file.ask(
                "SELECT max(taken_ms) FROM reading WHERE series = ?", (known,)
            )
            if rows[0][0] is not None:
                found[one] = rows[0][0]
        return found

    def latest(
        self, device: DeviceId, before_ms: int | None = None
    ) -> Sequence[Reading]:
        """Return the newest reading of each channel (see the port)."""
        found: list[Reading] = []
        for series, probe in self._file.ask(
            "SELECT id, probe FROM series WHERE device = ? ORDER BY probe", (device,)
        ):
            rows = self._latest_rows(series, before_ms or LAST_MS)
            one = Series(device, ProbeId(probe))
            by_channel = {r.channel: r for r in self._readings(one, rows, None)}
            found += sorted(by_channel.values(), key=lambda r: _ORDER[r.channel])
        return found

    def _latest_rows(self, series: int, before_ms: int) -> list[tuple[Any, ...]]:
        """Return the instants, oldest first, that hold each channel's newest reading.

        Walks back from the newest until every channel the series ever had is met.
        """
        rows: list[tuple[Any, ...]] = []
        missing = {
            code
            for (code,) in self._file.ask(
                "SELECT channel FROM series_channel WHERE series = ?", (series,)
            )
            if code > 0
        }
        while missing:
            newest = self._file.ask(
                "SELECT taken_ms FROM reading WHERE series = ? AND taken_ms < ? "
                f"AND channel IN ({', '.join(map(str, missing))}) "
                "ORDER BY taken_ms DESC LIMIT 1",
                (series, before_ms),
            )
            if not newest:
                break
            before_ms = newest[0][0]
            instant = self._file.ask(
                "SELECT taken_ms, channel, value, compensated FROM reading "
                "WHERE series = ? AND taken_ms = ? ORDER BY channel",
                (series, before_ms),
            )
            rows = [r for r in instant if r[1] < 0 or r[1] in missing] + rows
            missing -= {row[1] for row in instant}
        return rows

    def series(self) -> Sequence[Series]:
        """Return every series that has readings, in order."""
        rows = self._file.ask(
            "SELECT device, probe FROM series "
            "WHERE EXISTS (SELECT 1 FROM reading WHERE series = series.id) "
            "ORDER BY device, probe"
        )
        return [Series(DeviceId(device), ProbeId(probe)) for device, probe in rows]

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """Return the buckets of one channel (see the port)."""
        series = self._id(span.series)
        if series is None:
            return []
        return self._rollups.downsample(series, span, channel, every_ms)

    def uncompensated(self, span: Span, every_ms: int) -> Sequence[Bucket]:
        """Return the buckets of oxygen told as of fresh water (see the port)."""
        series = self._id(span.series)
        if series is None:
            return []
        return self._rollups.uncompensated(series, span, every_ms)

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
        """Store quality flags, all or nothing (see the port)."""
        rows = [
            (int(one.flag), one.tests, series, one.taken_ms, self._codes[one.channel])
            for one in flags
            if (series := self._id(Series(one.device, one.probe))) is not None
        ]
        if rows:
            with self._file.change() as connection:
                connection.executemany(_PUT_FLAG, rows)

    def flags(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Sequence[Flagged]:
        """Return the flags of one series' readings (see the port)."""
        wanted = set(Channel if channels is None else channels)
        rows = self._file.ask(
            "SELECT taken_ms, channel, flag, tests FROM reading WHERE series = ? "
            "AND taken_ms >= ? AND taken_ms < ? AND flag IS NOT NULL AND channel > 0",
            (self._id(span.series), held(span.start_ms), held(span.end_ms)),
        )
        found = [
            Flagged(*span.series, channel, taken_ms, Flag(flag), tests)
            for taken_ms, code, flag, tests in rows
            if (channel := self._names.get(code)) in wanted and channel is not None
        ]
        return sorted(found, key=lambda one: (one.taken_ms, _ORDER[one.channel]))

    def gaps(self, span: Span) -> Sequence[Gap]:
        """Return the gaps that touch the span, in order of their start."""
        rows = self._file.ask(
            "SELECT start_ms, end_ms, count, reason FROM gap WHERE series = ? "
            "AND start_ms < ? AND (end_ms > ? OR start_ms >= ?) "
            "ORDER BY start_ms, end_ms, reason",
            (self._id(span.series), held(span.end_ms), *(held(span.start_ms),) * 2),
        )
        return [Gap(*span.series, *row) for row in rows]

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
