"""The embedded telemetry store: one SQLite file, several processes at once.

Clustered by (series, time, channel), WAL, ``synchronous=FULL``. Writers begin
``IMMEDIATE`` (a deferred BEGIN gave busy errors when two wrote); readers fetch in pages,
so that no snapshot is held long and the WAL stays small.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.errors import ConfigError, InputError, UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import ClockQuality, Gap, Reading
from greenwater.storage.telemetry.ports import Bucket, Intake, Series, Span
from greenwater.storage.telemetry.retention import HOUR_MS, merged

SCHEMA_VERSION = 1
BUSY_S = 30.0
PAGE = 5_000
MAX_VARIABLES = 400

_SCHEMA = """
CREATE TABLE series (id INTEGER PRIMARY KEY, device TEXT NOT NULL, probe TEXT NOT NULL,
    UNIQUE (device, probe));
CREATE TABLE reading (series INTEGER NOT NULL, taken_ms INTEGER NOT NULL,
    channel INTEGER NOT NULL, value REAL, clock TEXT, compensated INTEGER,
    PRIMARY KEY (series, taken_ms, channel)) WITHOUT ROWID;
CREATE TABLE gap (series INTEGER NOT NULL, start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL, reason TEXT NOT NULL, lost INTEGER NOT NULL,
    PRIMARY KEY (series, start_ms)) WITHOUT ROWID;
CREATE TABLE rollup (series INTEGER NOT NULL, channel INTEGER NOT NULL,
    start_ms INTEGER NOT NULL, number INTEGER NOT NULL, minimum REAL NOT NULL,
    total REAL NOT NULL, maximum REAL NOT NULL,
    PRIMARY KEY (series, channel, start_ms)) WITHOUT ROWID;
CREATE TABLE intake (worker TEXT NOT NULL, sequence INTEGER NOT NULL,
    device TEXT NOT NULL, outbox TEXT NOT NULL, batch INTEGER NOT NULL,
    digest INTEGER NOT NULL, stored INTEGER NOT NULL, repeated INTEGER NOT NULL,
    overwritten INTEGER NOT NULL, quarantined INTEGER NOT NULL, min_ms INTEGER NOT NULL,
    max_ms INTEGER NOT NULL, recorded_ms INTEGER NOT NULL,
    PRIMARY KEY (worker, sequence)) WITHOUT ROWID;
"""

_UPSERT = """INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, clock = excluded.clock,
    compensated = excluded.compensated WHERE value IS NOT excluded.value"""

# A channel's code is its place in the enumeration: append new channels at the end.
_CODES: dict[Channel, int] = {channel: code for code, channel in enumerate(Channel)}
_CHANNELS: tuple[Channel, ...] = tuple(Channel)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn sqlite3's errors into ours: a full or busy disk may be better later."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError) as exc:
        raise InputError(f"telemetry: {exc}") from exc
    except sqlite3.Error as exc:
        raise UnavailableError(f"telemetry: {exc}") from exc


class SqliteTelemetry:
    """``Telemetry`` in one file. Any thread may call; each has its own connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._ids: dict[Series, int] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        with _translated():
            self._migrate()

    def _migrate(self) -> None:
        with self._writing() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise ConfigError(
                    f"{self._path} was written by a newer Greenwater "
                    f"(version {version}, this one knows {SCHEMA_VERSION}): upgrade"
                )
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(
                self._path,
                timeout=BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            self._local.db = db
            with self._lock:
                self._all.append(db)
        return db

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        db = self._db()
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            # After "disk full" SQLite may have rolled back by itself.
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def close(self) -> None:
        """Release every thread's connection."""
        with self._lock:
            for db in self._all:
                db.close()
            self._all.clear()

    def _series_ids(
        self, db: sqlite3.Connection, wanted: Iterable[Series], *, make: bool
    ) -> dict[Series, int]:
        found = {}
        for one in wanted:
            known = self._ids.get(one)
            if known is None:
                if make:
                    db.execute(
                        "INSERT OR IGNORE INTO series (device, probe) VALUES (?, ?)",
                        one,
                    )
                row = db.execute(
                    "SELECT id FROM series WHERE device = ? AND probe = ?", one
                ).fetchone()
                if row is None:
                    continue
                known = int(row[0])
                if not make:  # remembered only once it is surely committed
                    self._ids[one] = known
            found[one] = known
        return found

    def write(self, readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> None:
        """See ``Telemetry.write``."""
        with _translated(), self._writing() as db:
            wanted = {Series(r.device, r.probe) for r in readings}
            wanted |= {Series(g.device, g.probe) for g in gaps}
            ids = self._series_ids(db, wanted, make=True)
            codes = _CODES
            db.executemany(
                _UPSERT,
                [
                    (
                        ids[Series(r.device, r.probe)],
                        r.taken_ms,
                        codes[r.channel],
                        r.value,
                        r.clock,
                        r.is_compensated,
                    )
                    for r in readings
                ],
            )
            db.executemany(
                "INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        ids[Series(g.device, g.probe)],
                        g.start_ms,
                        g.end_ms,
                        g.reason,
                        g.count,
                    )
                    for g in gaps
                ],
            )

    def replace(self, readings: Sequence[Reading]) -> None:
        """See ``Telemetry.replace``: here it is what ``write`` does."""
        self.write(readings)

    def read(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Reading]:
        """See ``Telemetry.read``."""
        wanted = None if channels is None else {_CODES[channel] for channel in channels}
        series_id, at = self._id(span.series), (span.start_ms, -1)
        while series_id is not None:
            with _translated():
                rows = (
                    self._db()
                    .execute(
                        "SELECT taken_ms, channel, value, clock, compensated FROM reading "
                        "WHERE series = ? AND (taken_ms, channel) > (?, ?) "
                        "AND taken_ms < ? ORDER BY taken_ms, channel LIMIT ?",
                        (series_id, *at, span.end_ms, PAGE),
                    )
                    .fetchall()
                )
            for row in rows:
                if wanted is None or row[1] in wanted:
                    yield _reading(span.series, row)
            if len(rows) < PAGE:
                return
            at = rows[-1][:2]

    def _id(self, series: Series) -> int | None:
        with _translated():
            return self._series_ids(self._db(), [series], make=False).get(series)

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """See ``Telemetry.read_many``."""
        return [reading for span in spans for reading in self.read(span)]

    def newest(self, series: Sequence[Series]) -> Mapping[Series, int]:
        """See ``Telemetry.newest``."""
        found = {}
        with _translated():
            db = self._db()
            for one, series_id in self._series_ids(db, series, make=False).items():
                (newest,) = db.execute(
                    "SELECT max(taken_ms) FROM reading WHERE series = ?", (series_id,)
                ).fetchone()
                if newest is not None:
                    found[one] = int(newest)
        return found

    def latest(self, device: DeviceId) -> Sequence[Reading]:
        """See ``Telemetry.latest``."""
        found = []
        with _translated():
            db = self._db()
            rows = db.execute(
                "SELECT id, probe FROM series WHERE device = ?", (device,)
            )
            for series_id, probe in rows.fetchall():
                for code in range(len(_CHANNELS)):
                    row = self._latest_of(db, series_id, code)
                    if row is not None:
                        found.append(_reading(Series(device, probe), row))
        return found

    def _latest_of(
        self, db: sqlite3.Connection, series_id: int, code: int
    ) -> tuple[Any, ...] | None:
        # The newest instant nearly always has every channel, so this looks at few rows;
        # a channel the probe never had would scan the series, hence the bound.
        rows = db.execute(
            "SELECT taken_ms, channel, value, clock, compensated FROM reading "
            "WHERE series = ? AND channel = ? AND taken_ms >= "
            "(SELECT max(taken_ms) - 604800000 FROM reading WHERE series = ?) "
            "ORDER BY taken_ms DESC LIMIT 1",
            (series_id, code, series_id),
        ).fetchall()
        return rows[0] if rows else None

    def series(self) -> Sequence[Series]:
        """See ``Telemetry.series``."""
        with _translated():
            rows = self._db().execute(
                "SELECT device, probe FROM series WHERE EXISTS "
                "(SELECT 1 FROM reading WHERE reading.series = series.id) ORDER BY 1, 2"
            )
            return [Series(DeviceId(d), ProbeId(p)) for d, p in rows.fetchall()]

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """See ``Telemetry.downsample``."""
        series_id = self._id(span.series)
        if series_id is None:
            return []
        with _translated():
            raw = (
                self._db()
                .execute(
                    "SELECT taken_ms / ? * ?, count(*), min(value), avg(value), max(value) "
                    "FROM reading WHERE series = ? AND channel = ? AND value IS NOT NULL "
                    "AND taken_ms >= ? AND taken_ms < ? GROUP BY 1 ORDER BY 1",
                    (every_ms, every_ms, series_id, _CODES[channel], *span[1:]),
                )
                .fetchall()
            )
            oldest = self._oldest(series_id)
            rolled = (
                self._db()
                .execute(
                    "SELECT start_ms, number, minimum, total / number, maximum FROM rollup "
                    "WHERE series = ? AND channel = ? AND start_ms >= ? AND start_ms < ? "
                    "ORDER BY start_ms",
                    (
                        series_id,
                        _CODES[channel],
                        span.start_ms,
                        min(span.end_ms, oldest),
                    ),
                )
                .fetchall()
            )
        return merged([Bucket(*r) for r in rolled], [Bucket(*r) for r in raw], every_ms)

    def _oldest(self, series_id: int) -> int:
        """Return the first whole hour from which raw readings are there."""
        (oldest,) = (
            self._db()
            .execute("SELECT min(taken_ms) FROM reading WHERE series = ?", (series_id,))
            .fetchone()
        )
        return 2**62 if oldest is None else int(oldest) // HOUR_MS * HOUR_MS

    def gaps(self, span: Span) -> Sequence[Gap]:
        """See ``Telemetry.gaps``."""
        series_id = self._id(span.series)
        with _translated():
            rows = self._db().execute(
                "SELECT start_ms, end_ms, lost, reason FROM gap WHERE series = ? "
                "AND start_ms < ? AND end_ms > ? ORDER BY start_ms, end_ms",
                (series_id, span.end_ms, span.start_ms),
            )
            return [Gap(*span.series, *row) for row in rows.fetchall()]

    def record(self, rows: Sequence[Intake]) -> None:
        """See ``Telemetry.record``."""
        marks = ", ".join("?" * 13)
        with _translated(), self._writing() as db:
            db.executemany(
                f"INSERT OR REPLACE INTO intake VALUES ({marks})",
                [
                    tuple(getattr(row, name) for name in Intake.__struct_fields__)
                    for row in rows
                ],
            )

    def intake_after(
        self, cursor: Mapping[WorkerId, int], limit: int
    ) -> Sequence[Intake]:
        """See ``Telemetry.intake_after``."""
        found: list[Intake] = []
        with _translated():
            db = self._db()
            for (worker,) in db.execute(
                "SELECT DISTINCT worker FROM intake"
            ).fetchall():
                rows = db.execute(
                    "SELECT * FROM intake WHERE worker = ? AND sequence > ? "
                    "ORDER BY sequence LIMIT ?",
                    (worker, cursor.get(worker, 0), limit - len(found)),
                )
                found += [Intake(*row) for row in rows.fetchall()]
        return found

    def intake_recent(self, limit: int) -> Iterator[Intake]:
        """See ``Telemetry.intake_recent``."""
        with _translated():
            rows = (
                self._db()
                .execute(
                    "SELECT * FROM (SELECT * FROM intake ORDER BY recorded_ms DESC, "
                    "sequence DESC LIMIT ?) ORDER BY recorded_ms, sequence",
                    (limit,),
                )
                .fetchall()
            )
        return iter([Intake(*row) for row in rows])

    def last_sequence(self, worker: WorkerId) -> int:
        """See ``Telemetry.last_sequence``."""
        with _translated():
            (last,) = (
                self._db()
                .execute(
                    "SELECT coalesce(max(sequence), 0) FROM intake WHERE worker = ?",
                    (worker,),
                )
                .fetchone()
            )
            return int(last)

    def trim_intake(self, worker: WorkerId, below: int) -> None:
        """See ``Telemetry.trim_intake``."""
        with _translated(), self._writing() as db:
            db.execute(
                "DELETE FROM intake WHERE worker = ? AND sequence < ?", (worker, below)
            )

    def roll_up(self, measurement: Measurement, from_ms: int, until_ms: int) -> int:
        """See ``Telemetry.roll_up``."""
        first, end = from_ms // HOUR_MS * HOUR_MS, until_ms // HOUR_MS * HOUR_MS
        codes = ", ".join(str(code) for code in _codes_of(measurement))
        with _translated(), self._writing() as db:
            return db.execute(
                "INSERT OR REPLACE INTO rollup SELECT series, channel, "
                f"taken_ms / {HOUR_MS} * {HOUR_MS}, count(*), min(value), sum(value), "
                "max(value) FROM reading WHERE taken_ms >= ? AND taken_ms < ? "
                f"AND channel IN ({codes}) AND value IS NOT NULL GROUP BY 1, 2, 3",
                (first, end),
            ).rowcount

    def retain(self, measurement: Measurement, from_ms: int) -> None:
        """See ``Telemetry.retain``. Deletes in pages, so that writers get their turn."""
        cut = from_ms // HOUR_MS * HOUR_MS
        codes = ", ".join(str(code) for code in _codes_of(measurement))
        with _translated():
            ids = self._db().execute("SELECT id FROM series").fetchall()
            for (series_id,) in ids:
                deleted = PAGE
                while deleted >= PAGE:
                    with self._writing() as db:
                        deleted = db.execute(
                            "DELETE FROM reading WHERE (series, taken_ms, channel) IN "
                            "(SELECT series, taken_ms, channel FROM reading WHERE "
                            f"series = ? AND taken_ms < ? AND channel IN ({codes}) LIMIT ?)",
                            (series_id, cut, PAGE),
                        ).rowcount


def _codes_of(measurement: Measurement) -> list[int]:
    return [
        code
        for channel, code in _CODES.items()
        if SPECS[channel].measurement is measurement
    ]


def _reading(series: Series, row: tuple[Any, ...]) -> Reading:
    taken_ms, code, value, clock, compensated = row
    return Reading(
        series.device,
        series.probe,
        _CHANNELS[code],
        taken_ms,
        value,
        None if clock is None else ClockQuality(clock),
        None if compensated is None else bool(compensated),
    )
