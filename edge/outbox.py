"""Readings kept on the box until the platform has stored them.

The law of this module:

1. ``commit`` returns when its readings would survive a power cut (WAL,
   ``synchronous=FULL``). They are then *confirmed*.
2. A batch's number names its content for ever: the number is given, durably, before the
   first send, and the text it stands for is never touched again. Thinning takes the
   number away; a number taken away is never used again.
3. Order is the order of commits (a rowid), never a clock's.
4. What is acknowledged stays a while, so that a platform restored from a backup can ask
   again; it is the first to go when space is short. Then the oldest water readings are
   thinned, every second commit of them, again and again; positions and what tells of
   power and alarms go last. Every thinning leaves a gap record that says what was lost.
5. A torn file is moved aside, what is readable in it is saved into a new outbox with a
   new id, and a gap record says so.

A commit's readings are kept as the inside of a SenML array; a pack is several of them
joined, since each begins with its own base labels.
"""

import contextlib
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from greenwater.kernel.channels import SPECS, Measurement
from greenwater.kernel.errors import ConfigError, UnavailableError
from greenwater.kernel.ids import OutboxId
from greenwater.kernel.reading import Gap, Reading
from greenwater.kernel.wire.encode import encode

log = structlog.get_logger()

SCHEMA_VERSION = 1
PACK_READINGS = 1_000
PACK_BYTES = 128 * 1024
KEEP_ACKED_MS = 7 * 24 * 3600 * 1000
THIN_LEVELS = 6
THIN_CHUNKS = 200
ROW_BYTES = 96  # what a row costs beside its text, index entries included

WATER, POWER, POSITION, GAP = 0, 1, 2, 3
_KINDS = {
    Measurement.WATER: WATER,
    Measurement.POWER: POWER,
    Measurement.POSITION: POSITION,
}

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunk (id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL,
    readings INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    probes TEXT NOT NULL, text BLOB NOT NULL, batch INTEGER, level INTEGER NOT NULL,
    is_acked INTEGER NOT NULL);
CREATE INDEX chunk_batch ON chunk (batch);
CREATE INDEX chunk_open ON chunk (is_acked, id);
CREATE INDEX chunk_thin ON chunk (is_acked, kind, level, id);
CREATE TABLE untimed (id INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL,
    mono_ms INTEGER NOT NULL, probe TEXT NOT NULL, channel TEXT NOT NULL, value REAL,
    compensated INTEGER);
CREATE TABLE done_command (id TEXT PRIMARY KEY, is_done INTEGER NOT NULL,
    message TEXT NOT NULL) WITHOUT ROWID;
"""


class Waiting(NamedTuple):
    """A batch ready to send."""

    batch: int
    readings: int
    payload: bytes


class Figures(NamedTuple):
    """What is in the outbox: readings and bytes not acknowledged, and bytes in all."""

    readings: int
    waiting_bytes: int
    bytes: int
    acked_bytes: int


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise UnavailableError(f"outbox: {exc}") from exc


class Outbox:
    """The file. Any thread may call; one at a time gets in."""

    def __init__(
        self, path: Path, *, new_id: Callable[[], str], budget_bytes: int
    ) -> None:
        self._path, self._new_id, self._budget = path, new_id, budget_bytes
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.was_torn = False
        self.reordered = 0
        try:
            self._db = self._opened()
        except sqlite3.DatabaseError as exc:
            if isinstance(exc, sqlite3.OperationalError) and "malformed" not in str(
                exc
            ):
                raise UnavailableError(f"outbox {path}: {exc}") from exc
            self._db = self._rescued(str(exc))
        with _translated():
            self.id = OutboxId(self._meta("id", self._new_id))
            self._next = int(self._meta("next_batch", lambda: "1"))
            self._count()

    def _opened(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=10
        )
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise ConfigError(
                    f"{self._path} was written by a newer agent (version {version}, this "
                    f"one knows {SCHEMA_VERSION}): upgrade, nothing was changed"
                )
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA cache_size = -2000")
            if version == 0:
                db.executescript(
                    f"BEGIN IMMEDIATE; {_SCHEMA} "
                    f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
                )
            (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(f"malformed: {verdict}")
        except BaseException:
            db.close()
            raise
        return db

    def _meta(self, key: str, default: Callable[[], str]) -> str:
        row = self._db.execute(
            "SELECT value FROM meta WHERE key = ?", (key,)
        ).fetchone()
        if row is not None:
            return str(row[0])
        value = default()
        self._db.execute("INSERT INTO meta VALUES (?, ?)", (key, value))
        return value

    def _count(self) -> None:
        open_readings, open_bytes = self._db.execute(
            "SELECT coalesce(sum(readings), 0), coalesce(sum(length(text) + ?), 0) "
            "FROM chunk WHERE is_acked = 0",
            (ROW_BYTES,),
        ).fetchone()
        (acked_bytes,) = self._db.execute(
            "SELECT coalesce(sum(length(text) + ?), 0) FROM chunk WHERE is_acked = 1",
            (ROW_BYTES,),
        ).fetchone()
        self._readings, self._open_bytes = int(open_readings), int(open_bytes)
        self._acked_bytes = int(acked_bytes)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._count()
                raise
            self._db.execute("COMMIT")

    def commit(
        self, readings: Sequence[Reading], gaps: Sequence[Gap] = (), *, is_live: bool
    ) -> int | None:
        """Keep readings; return the number of the batch they are, if they are live.

        A live commit is a batch at once, to be sent now; others wait to be joined into
        larger ones.

        Raises:
            UnavailableError: the disk is full or failing; nothing was kept.
        """
        with self._writing() as db:
            batch = self._number(db) if is_live else None
            for kind in (WATER, POWER, POSITION):
                some = [
                    r for r in readings if _KINDS[SPECS[r.channel].measurement] == kind
                ]
                if some:
                    self._keep(db, kind, some, batch)
            for gap in gaps:
                self._keep_gap(db, gap, batch)
            self._make_room(db)
            if is_live and batch is not None and not self._holds(db, batch):
                batch = None  # thinned at birth
        return batch

    def _number(self, db: sqlite3.Connection) -> int:
        number, self._next = self._next, self._next + 1
        db.execute("UPDATE meta SET value = ? WHERE key = 'next_batch'", (self._next,))
        return number

    def _keep(
        self,
        db: sqlite3.Connection,
        kind: int,
        readings: Sequence[Reading],
        batch: int | None,
    ) -> None:
        # Records of one probe and instant stand together, so that base labels pay.
        ordered = sorted(readings, key=lambda r: (r.taken_ms, r.probe))
        for at in range(0, len(ordered), PACK_READINGS):
            part = ordered[at : at + PACK_READINGS]
            text = encode(part, deflate=False)[1:-1]
            probes: dict[str, int] = {}
            for reading in part:
                probes[reading.probe] = probes.get(reading.probe, 0) + 1
            packed = ",".join(f"{probe}={count}" for probe, count in probes.items())
            self._insert(
                db,
                kind,
                len(part),
                part[0].taken_ms,
                part[-1].taken_ms,
                packed,
                text,
                batch,
            )

    def _keep_gap(self, db: sqlite3.Connection, gap: Gap, batch: int | None) -> None:
        text = encode((), [gap], deflate=False)[1:-1]
        self._insert(
            db, GAP, 1, gap.start_ms, gap.end_ms, f"{gap.probe}=1", text, batch
        )

    def _insert(
        self,
        db: sqlite3.Connection,
        kind: int,
        readings: int,
        first_ms: int,
        last_ms: int,
        probes: str,
        text: bytes,
        batch: int | None,
    ) -> None:
        db.execute(
            "INSERT INTO chunk (kind, readings, first_ms, last_ms, probes, text, batch, "
            "level, is_acked) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)",
            (kind, readings, first_ms, last_ms, probes, text, batch),
        )
        self._readings += readings
        self._open_bytes += len(text) + ROW_BYTES

    def _holds(self, db: sqlite3.Connection, batch: int) -> bool:
        row = db.execute(
            "SELECT 1 FROM chunk WHERE batch = ? LIMIT 1", (batch,)
        ).fetchone()
        return row is not None

    def figures(self) -> Figures:
        """Return how much is waiting and how much is there in all."""
        with self._lock:
            in_all = self._open_bytes + self._acked_bytes
            return Figures(self._readings, self._open_bytes, in_all, self._acked_bytes)

    def backlog(self, after: int, limit: int) -> tuple[list[int], int]:
        """Return numbers of unacknowledged batches beyond a position, and the new position.

        ``reordered`` changes when something before a position waits again: begin anew.
        Joins commits that have no number yet into batches, durably, before it names
        them. Positions are the outbox's own; begin at 0.
        """
        with self._lock, _translated():
            rows = self._db.execute(
                "SELECT id, batch, readings, length(text) FROM chunk "
                "WHERE is_acked = 0 AND id > ? ORDER BY id LIMIT ?",
                (after, limit * 50),
            ).fetchall()
        if not rows:
            return [], after
        return self._join(rows, limit)

    def _join(
        self, rows: Sequence[tuple[int, int | None, int, int]], limit: int
    ) -> tuple[list[int], int]:
        numbers: dict[int, None] = {}
        position, open_number, room = 0, 0, (0, 0)
        with self._writing() as db:
            for chunk, batch, readings, size in rows:
                if batch is None:
                    fits = readings <= room[0] and size <= room[1]
                    if not open_number or not fits:
                        if len(numbers) >= limit:
                            break
                        open_number = self._number(db)
                        room = (PACK_READINGS, PACK_BYTES)
                    batch = open_number
                    room = (room[0] - readings, room[1] - size)
                    db.execute(
                        "UPDATE chunk SET batch = ? WHERE id = ?", (batch, chunk)
                    )
                elif batch not in numbers and len(numbers) >= limit:
                    break
                numbers[batch] = None
                position = chunk
        return list(numbers), position

    def get(self, batch: int) -> Waiting | None:
        """Return a batch's payload, or None if nothing of it is waiting any more."""
        with self._lock, _translated():
            rows = self._db.execute(
                "SELECT readings, text FROM chunk WHERE batch = ? AND is_acked = 0 "
                "ORDER BY id",
                (batch,),
            ).fetchall()
        if not rows:
            return None
        text = b"[" + b",".join(row[1] for row in rows) + b"]"
        packed = zlib.compress(text, 6)
        payload = packed if len(packed) < len(text) else text
        return Waiting(batch, sum(row[0] for row in rows), payload)

    def settle(self, ranges: Sequence[tuple[int, int]]) -> int:
        """Note that batches are stored (or rest in quarantine); return the readings freed.

        They stay as acknowledged, as long as there is room and time. Unknown numbers
        are harmless.
        """
        freed = 0
        with self._writing() as db:
            for first, last in ranges:
                readings, size = db.execute(
                    "SELECT coalesce(sum(readings), 0), coalesce(sum(length(text) + ?), 0) "
                    "FROM chunk WHERE batch BETWEEN ? AND ? AND is_acked = 0",
                    (ROW_BYTES, first, last),
                ).fetchone()
                db.execute(
                    "UPDATE chunk SET is_acked = 1 "
                    "WHERE batch BETWEEN ? AND ? AND is_acked = 0",
                    (first, last),
                )
                freed += readings
                self._readings -= readings
                self._open_bytes -= size
                self._acked_bytes += size
        return freed

    def forget_older(self, before_ms: int) -> None:
        """Give up acknowledged readings taken before an instant."""
        with self._writing() as db:
            db.execute(
                "DELETE FROM chunk WHERE id IN (SELECT id FROM chunk WHERE is_acked = 1 "
                "AND last_ms < ? ORDER BY id LIMIT 5000)",
                (before_ms,),
            )
            self._count()

    def resend(self, since_ms: int) -> int:
        """Queue acknowledged readings taken since an instant again; return how many.

        Whole batches, under their own numbers, with their own bytes.
        """
        with self._writing() as db:
            db.execute(
                "UPDATE chunk SET is_acked = 0 WHERE is_acked = 1 AND batch IN "
                "(SELECT batch FROM chunk WHERE is_acked = 1 AND last_ms >= ?)",
                (since_ms,),
            )
            before = self._readings
            self._count()
            self.reordered += 1
            return self._readings - before

    def _make_room(self, db: sqlite3.Connection) -> None:
        while self._open_bytes + self._acked_bytes > self._budget:
            if not (self._drop_acked(db) or self._thin(db)):
                return

    def _drop_acked(self, db: sqlite3.Connection) -> bool:
        if self._acked_bytes <= 0:
            return False
        rows = db.execute(
            "SELECT id, length(text) FROM chunk WHERE is_acked = 1 ORDER BY id LIMIT 500"
        ).fetchall()
        if not rows:
            self._acked_bytes = 0
            return False
        db.execute("DELETE FROM chunk WHERE is_acked = 1 AND id <= ?", (rows[-1][0],))
        self._acked_bytes -= sum(size + ROW_BYTES for _, size in rows)
        return True

    def _thin(self, db: sqlite3.Connection) -> bool:
        """Drop every second of the oldest commits of the least precious kind."""
        for kind in (WATER, POWER, POSITION):
            for level in range(THIN_LEVELS):
                if self._thin_at(db, kind, level):
                    return True
            if self._thin_at(db, kind, THIN_LEVELS, drop_all=True):
                return True
        return False

    def _thin_at(
        self, db: sqlite3.Connection, kind: int, level: int, *, drop_all: bool = False
    ) -> bool:
        rows = db.execute(
            "SELECT id, readings, first_ms, last_ms, probes, length(text), batch FROM chunk "
            "WHERE is_acked = 0 AND kind = ? AND level = ? ORDER BY id LIMIT ?",
            (kind, level, THIN_CHUNKS),
        ).fetchall()
        if not rows or (len(rows) < 2 and not drop_all):
            return False
        dropped = rows if drop_all else rows[1::2]
        kept = [] if drop_all else rows[0::2]
        # What is left of a batch that lost something needs a new number.
        touched = sorted({row[6] for row in dropped if row[6] is not None})
        db.executemany("DELETE FROM chunk WHERE id = ?", [(row[0],) for row in dropped])
        db.executemany(
            "UPDATE chunk SET batch = NULL WHERE batch = ?", [(b,) for b in touched]
        )
        db.executemany(
            "UPDATE chunk SET level = ? WHERE id = ?",
            [(level + 1, row[0]) for row in kept],
        )
        self._readings -= sum(row[1] for row in dropped)
        self._open_bytes -= sum(row[5] + ROW_BYTES for row in dropped)
        self.reordered += bool(touched)
        for gap in _lost(dropped):
            self._keep_gap(db, gap, None)
        return True

    def _rescued(self, why: str) -> sqlite3.Connection:
        """Move a torn file aside, begin anew, and save what can be read of the old one."""
        self.was_torn = True
        number = 1
        while self._aside(number).exists():
            number += 1
        aside = self._aside(number)
        for suffix in ("", "-wal", "-shm"):
            part = self._path.with_name(self._path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        db = self._opened()
        saved, last_ms = _salvage(aside, db)
        log.error("outbox.torn", why=why, moved_to=str(aside), saved_commits=saved)
        if last_ms:
            self._readings = self._open_bytes = 0
            db.execute("BEGIN IMMEDIATE")
            self._keep_gap(db, Gap("", "outbox", last_ms, last_ms, 0, "torn"), None)  # type: ignore[arg-type]
            db.execute("COMMIT")
        return db

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.torn-{number}")

    def remember_command(self, command: str, is_done: bool, message: str) -> None:
        """Keep what became of a command, so that it is carried out once."""
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO done_command VALUES (?, ?, ?)",
                (command, is_done, message),
            )

    def recall_command(self, command: str) -> tuple[bool, str] | None:
        """Return what became of a command, if it came before."""
        with self._lock, _translated():
            row = self._db.execute(
                "SELECT is_done, message FROM done_command WHERE id = ?", (command,)
            ).fetchone()
        return None if row is None else (bool(row[0]), str(row[1]))

    def keep_untimed(self, boot: str, readings: Sequence[tuple[int, Reading]]) -> None:
        """Keep readings taken while the clock was wrong: (monotonic ms, reading)."""
        with self._writing() as db:
            db.executemany(
                "INSERT INTO untimed (boot, mono_ms, probe, channel, value, compensated) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (boot, mono, r.probe, r.channel, r.value, r.is_compensated)
                    for mono, r in readings
                ],
            )

    def untimed(self, limit: int) -> list[tuple[int, str, int, Reading]]:
        """Return (row, boot, monotonic ms, reading timed 0), oldest first."""
        from greenwater.kernel.channels import Channel
        from greenwater.kernel.ids import DeviceId, ProbeId

        with self._lock, _translated():
            rows = self._db.execute(
                "SELECT id, boot, mono_ms, probe, channel, value, compensated "
                "FROM untimed ORDER BY id LIMIT ?",
                (limit,),
            ).fetchall()
        return [
            (
                row[0],
                row[1],
                row[2],
                Reading(
                    DeviceId(""),
                    ProbeId(row[3]),
                    Channel(row[4]),
                    0,
                    row[5],
                    None,
                    None if row[6] is None else bool(row[6]),
                ),
            )
            for row in rows
        ]

    def commit_timed(
        self, last_row: int, readings: Sequence[Reading], gaps: Sequence[Gap]
    ) -> None:
        """Replace the untimed rows up to ``last_row`` by what they turned out to be."""
        with self._writing() as db:
            for kind in (WATER, POWER, POSITION):
                some = [
                    r for r in readings if _KINDS[SPECS[r.channel].measurement] == kind
                ]
                if some:
                    self._keep(db, kind, some, None)
            for gap in gaps:
                self._keep_gap(db, gap, None)
            db.execute("DELETE FROM untimed WHERE id <= ?", (last_row,))
            self._make_room(db)


def _lost(rows: Sequence[tuple[int, int, int, int, str, int, int | None]]) -> list[Gap]:
    """Return one gap per probe for commits that are given up."""
    spans: dict[str, tuple[int, int, int]] = {}
    for _, _, first_ms, last_ms, probes, _, _ in rows:
        for part in probes.split(","):
            probe, _, count = part.rpartition("=")
            start, end, lost = spans.get(probe, (first_ms, last_ms + 1, 0))
            spans[probe] = (
                min(start, first_ms),
                max(end, last_ms + 1),
                lost + int(count),
            )
    return [
        Gap("", probe, start, end, lost, "thinned")  # type: ignore[arg-type]
        for probe, (start, end, lost) in spans.items()
    ]


def _salvage(aside: Path, into: sqlite3.Connection) -> tuple[int, int]:
    """Copy the readable, unacknowledged commits; return how many, and the newest time."""
    saved, last_ms = 0, 0
    columns = "kind, readings, first_ms, last_ms, probes, text"
    try:
        old = sqlite3.connect(f"file:{aside}?mode=ro", uri=True)
    except sqlite3.Error:
        return 0, 0
    into.execute("BEGIN IMMEDIATE")
    with contextlib.closing(old):
        try:
            (highest,) = old.execute("SELECT max(id) FROM chunk").fetchone()
        except sqlite3.Error:
            highest = None
        for chunk in range(1, (highest or 0) + 1):
            try:
                row = old.execute(
                    f"SELECT {columns} FROM chunk WHERE id = ? AND is_acked = 0",
                    (chunk,),
                ).fetchone()
            except sqlite3.Error:
                continue
            if row is not None and isinstance(row[5], bytes):
                into.execute(
                    f"INSERT INTO chunk ({columns}, batch, level, is_acked) "
                    "VALUES (?, ?, ?, ?, ?, ?, NULL, 0, 0)",
                    row,
                )
                saved, last_ms = saved + 1, max(last_ms, row[3])
    into.execute("COMMIT")
    return saved, last_ms
