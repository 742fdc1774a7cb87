"""One SQLite file used by several processes and threads at once: opening, locking.

* WAL with ``synchronous=FULL``: a commit survives a power cut, readers never block.
* Writes take the lock at BEGIN (``IMMEDIATE``): a deferred one fails with "busy" when
  it turns from reading to writing behind another's back.
* Reads are whole statements fetched at once: a snapshot that stays open makes the WAL
  grow by gigabytes.
"""

import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from greenwater.kernel.errors import ConfigError, UnavailableError

LAST_MS: Final = 2**63 - 1
BUSY_S: Final = 30.0
APPLICATION_ID: Final = 0x67770001  # "gw", 1: telemetry
MAX_IDLE_READERS: Final = 8
WAL_KEPT_BYTES: Final = 64 * 2**20

STEPS: Final = (
    """
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    probe TEXT NOT NULL,
    UNIQUE (device, probe)
) STRICT;
-- Which channels a series has ever had.
CREATE TABLE series_channel (
    series INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    PRIMARY KEY (series, channel)
) WITHOUT ROWID, STRICT;
CREATE TABLE channel (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
-- A channel below 0 is an instant's clock quality. A NULL value is a bad answer.
CREATE TABLE reading (
    series INTEGER NOT NULL,
    taken_ms INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    value REAL,
    compensated INTEGER,
    flag INTEGER,
    tests INTEGER,
    PRIMARY KEY (series, taken_ms, channel)
) WITHOUT ROWID, STRICT;
CREATE TABLE gap (
    series INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (series, start_ms, end_ms, count, reason)
) WITHOUT ROWID, STRICT;
CREATE TABLE intake (
    worker TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    device TEXT NOT NULL,
    outbox TEXT NOT NULL,
    batch INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    overwritten INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    min_ms INTEGER NOT NULL,
    max_ms INTEGER NOT NULL,
    recorded_ms INTEGER NOT NULL,
    PRIMARY KEY (worker, sequence)
) WITHOUT ROWID, STRICT;
CREATE TABLE hourly (
    series INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    hour_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    minimum REAL NOT NULL,
    total REAL NOT NULL,
    maximum REAL NOT NULL,
    PRIMARY KEY (series, channel, hour_ms)
) WITHOUT ROWID, STRICT;
-- Raw readings below given_up_ms are gone, but for those that came later.
CREATE TABLE retention (
    series INTEGER NOT NULL,
    measurement TEXT NOT NULL,
    given_up_ms INTEGER NOT NULL,
    PRIMARY KEY (series, measurement)
) WITHOUT ROWID, STRICT;
""",
    """
CREATE TABLE forecast (
    device TEXT NOT NULL,
    probe TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (device, probe, made_ms)
) WITHOUT ROWID, STRICT;
CREATE TABLE episode (
    device TEXT NOT NULL,
    probe TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    id TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (device, probe, start_ms, id)
) WITHOUT ROWID, STRICT;
""",
)
"""Step ``n`` brings a file of version ``n`` to ``n + 1``; they are never edited."""
VERSION: Final = len(STEPS)


class SqliteFile:
    """The file, with one connection that writes and a few that read; thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._open()
        except (OSError, sqlite3.Error) as exc:
            raise ConfigError(f"cannot open the telemetry file {path}: {exc}") from exc
        self._prepare()

    def ask(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of one statement; its snapshot is closed when this returns.

        Raises:
            UnavailableError: the file cannot be read now.
        """
        with _translated(self.path), self._reader() as connection:
            return connection.execute(sql, values).fetchall()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Return a connection inside a transaction; durable when the block ends.

        Raises:
            UnavailableError: nothing was stored.
        """
        with self._lock, _translated(self.path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close all connections."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                break
        self._writer.close()

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._open()
        try:
            yield connection
        finally:
            if self._idle.qsize() < MAX_IDLE_READERS:
                self._idle.put(connection)
            else:
                connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA journal_size_limit={WAL_KEPT_BYTES}")
        return connection

    def _prepare(self) -> None:
        """Make the tables, once among all processes, or refuse a file not ours."""
        try:
            self._refuse_strangers()
            if self._number("user_version") < VERSION:
                self._turn_on_wal()
                self._make_tables()
        except BaseException as exc:
            self._writer.close()
            if isinstance(exc, sqlite3.Error):
                raise ConfigError(
                    f"cannot use {self.path} as the telemetry file: {exc}"
                ) from exc
            raise

    def _make_tables(self) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        self._refuse_strangers()
        known = self._number("user_version")
        if known < VERSION:
            for statement in ";".join(STEPS[known:]).split(";"):
                self._writer.execute(statement)
            self._writer.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._writer.execute(f"PRAGMA user_version={VERSION}")
        self._writer.execute("COMMIT")

    def _turn_on_wal(self) -> None:
        # The change to WAL answers "locked" at once, whatever the timeout: try again
        # while another process that opens the same new file makes it.
        pause = threading.Event()
        for attempts_left in range(int(BUSY_S / 0.05), -1, -1):
            try:
                (mode,) = self._writer.execute("PRAGMA journal_mode=WAL").fetchone()
            except sqlite3.OperationalError as exc:
                if "locked" not in str(exc) or not attempts_left:
                    raise
                pause.wait(0.05)
                continue
            if mode != "wal":
                raise ConfigError(
                    f"{self.path} is on a file system without shared memory (WAL gives "
                    f"{mode!r}): put the telemetry file on a local disk"
                )
            return

    def _refuse_strangers(self) -> None:
        version = self._number("user_version")
        if version > VERSION:
            raise ConfigError(
                f"{self.path} has version {version}, made by a newer Greenwater; "
                f"this one knows up to {VERSION}: update Greenwater"
            )
        (tables,) = self._writer.execute(
            "SELECT count(*) FROM sqlite_schema"
        ).fetchone()
        if tables and self._number("application_id") != APPLICATION_ID:
            raise ConfigError(f"{self.path} is a SQLite file, but not telemetry")

    def _number(self, pragma: str) -> int:
        (number,) = self._writer.execute(f"PRAGMA {pragma}").fetchone()
        return int(number)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn sqlite3's exceptions into the one thing a caller can do: try later.

    A full disk, a busy or a damaged file: in none of them is a reading to blame.
    """
    try:
        yield
    except sqlite3.ProgrammingError as exc:
        if "closed" not in str(exc):
            raise
        raise UnavailableError(f"the telemetry file {path} is closed") from exc
    except sqlite3.Error as exc:
        raise UnavailableError(f"the telemetry file {path}: {exc}") from exc


def held(ms: int) -> int:
    """Return a time that fits 64 bits."""
    return max(-LAST_MS, min(ms, LAST_MS))
