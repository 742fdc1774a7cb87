"""The outbox's file: SQLite, its schema and versions, and the mark that tells of losses.

* WAL and ``synchronous=FULL``: a transaction that returned survives a power cut.
* ``PRAGMA user_version`` is the version on disk. An older file is brought up to date in
  one transaction; a newer one is refused, untouched.
* SQLite takes a damaged write-ahead log for a short one, drops its end in silence, and
  may lay what is left of it over newer pages. So every transaction counts itself and the
  readings that wait after it, in ``box`` and in the **mark**, 80 bytes beside the file
  that are written after it. A file whose batches are not what ``box`` says is damaged;
  one that counts fewer transactions than the mark has lost some.
* A page that SQLite cannot read stops the agent; ``suspect`` makes the next start save
  what can be read (``edge.rescue``).
* One agent per file: the ``lock`` beside it is held until the process ends, however.
"""

import contextlib
import fcntl
import os
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from greenwater.kernel.errors import ConfigError, InvariantError, UnavailableError

PAGE_BYTES: Final = 4096
WAL_PAGES: Final = 512
"""The write-ahead log is emptied into the file at 2 MiB."""
CHECKED_BYTES: Final = 32 * 2**20
"""Files up to this size are checked whole at every start; it takes a second on a Pi."""

_BAD_FILE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

STEPS: Final = (
    """
    CREATE TABLE box (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL,
        secret TEXT NOT NULL, confirmed INTEGER NOT NULL,
        newest_ms INTEGER NOT NULL, changes INTEGER NOT NULL,
        waiting INTEGER NOT NULL);
    CREATE TABLE pack (number INTEGER PRIMARY KEY AUTOINCREMENT, place INTEGER NOT NULL,
        rank INTEGER NOT NULL, readings INTEGER NOT NULL, first_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL, size INTEGER NOT NULL, is_sealed INTEGER NOT NULL,
        acked_ms INTEGER, crc INTEGER NOT NULL, payload BLOB NOT NULL);
    CREATE INDEX pack_waiting ON pack (place, rank, readings, size, is_sealed)
        WHERE acked_ms IS NULL;
    CREATE INDEX pack_acked ON pack (acked_ms) WHERE acked_ms IS NOT NULL;
    """,
    """
    CREATE TABLE untimed (id INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL,
        after_ms INTEGER NOT NULL, readings INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE command (id TEXT PRIMARY KEY, is_done INTEGER NOT NULL,
        message TEXT NOT NULL, answered_ms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE overlay (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
)
"""Step ``n`` brings a file of version ``n`` to ``n + 1``; they are never edited."""
SCHEMA_VERSION: Final = len(STEPS)


class DamagedError(Exception):
    """The file holds pages that SQLite cannot read. Stays inside the outbox's modules."""


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error says that the file itself is bad."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _BAD_FILE


class Mark(NamedTuple):
    """What the outbox was after its last transaction."""

    outbox: str
    changes: int
    confirmed: int
    waiting: int
    oldest_ms: int
    newest_ms: int


_MARK = struct.Struct("<4sI16sqqqqq")
_MAGIC = b"gwm1"


def packed_mark(mark: Mark) -> bytes:
    """Return a mark as the bytes of its file."""
    outbox, *numbers = mark
    body = _MARK.pack(_MAGIC, 0, outbox.encode(), *numbers)
    return body + struct.pack("<I", zlib.crc32(body))


def parse_mark(raw: bytes) -> Mark | None:
    """Return the mark in a file's bytes, or None: there is none, or it is torn."""
    if len(raw) != _MARK.size + 4:
        return None
    body, (crc,) = raw[:-4], struct.unpack("<I", raw[-4:])
    if zlib.crc32(body) != crc or not body.startswith(_MAGIC):
        return None
    _, _, outbox, changes, confirmed, waiting, oldest_ms, newest_ms = _MARK.unpack(body)
    return Mark(outbox.decode(), changes, confirmed, waiting, oldest_ms, newest_ms)


def read_mark(path: Path) -> Mark | None:
    """Return what the last process to write an outbox left, or None."""
    try:
        return parse_mark(beside(path, ".mark").read_bytes())
    except OSError:
        return None


def beside(path: Path, ending: str) -> Path:
    """Return the file of this ending that belongs to an outbox."""
    return path.with_name(path.name + ending)


def lock(path: Path) -> int:
    """Return the handle of the lock that keeps a second agent out; close it at the end.

    Raises:
        ConfigError: another agent has this outbox open.
        UnavailableError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(beside(path, ".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as exc:
        raise UnavailableError(f"outbox {path}: {exc.strerror}") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(handle)
        raise ConfigError(
            f"another agent uses the outbox {path}: stop it, or give this one its own"
        ) from exc
    return handle


class OutboxFile:
    """One connection. One thread at a time uses it.

    Raises:
        ConfigError: a newer agent wrote the file.
        UnavailableError: it cannot be opened now.
        DamagedError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._depth = 0
        self._mark: int | None = None
        self.db = self._opened()

    def _opened(self) -> sqlite3.Connection:
        if beside(self.path, ".suspect").exists():
            raise DamagedError("a page could not be read while the agent ran")
        with self.translated(is_opening=True):
            db = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, timeout=5.0
            )
        try:
            with self.translated(is_opening=True):
                self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise ConfigError(
                f"{self.path} is an outbox of version {version}, written by a newer "
                f"agent; this one knows {SCHEMA_VERSION}. Nothing was changed: upgrade"
            )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cache_size = -1000")
        db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {4 * WAL_PAGES * PAGE_BYTES}")
        if self.path.stat().st_size <= CHECKED_BYTES:
            (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise DamagedError(str(verdict))
        if version < SCHEMA_VERSION:
            steps = "".join(STEPS[version:])
            db.executescript(
                f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )

    @contextlib.contextmanager
    def translated(self, *, is_opening: bool = False) -> Iterator[None]:
        """Turn SQLite's errors into the families."""
        try:
            yield
        except sqlite3.Error as exc:
            if not is_damage(exc):
                raise UnavailableError(f"outbox {self.path}: {exc}") from exc
            if is_opening:
                raise DamagedError(str(exc)) from exc
            raise self.damaged(str(exc)) from exc

    @contextlib.contextmanager
    def writing(self, *, is_opening: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction; inside another one, part of it.

        Raises:
            UnavailableError: the disk is full or failing; nothing was changed.
        """
        if self._depth:
            yield self.db
            return
        with self.translated(is_opening=is_opening):
            self.db.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0

    def damaged(self, what: str) -> InvariantError:
        """Return the error to stop with; the next start saves what can be read."""
        with contextlib.suppress(OSError):  # without it, the check at start tells
            beside(self.path, ".suspect").touch()
        return InvariantError(
            f"outbox {self.path} is damaged ({what}); the next start saves what can be read"
        )

    def used_bytes(self) -> int:
        """Return how many bytes of the file hold something."""
        (pages,) = self.db.execute("PRAGMA page_count").fetchone()
        (free,) = self.db.execute("PRAGMA freelist_count").fetchone()
        return int(pages - free) * PAGE_BYTES

    def shrink_log(self) -> None:
        """Empty the write-ahead log, which makes room on a full disk.

        Raises:
            UnavailableError: that did not work either.
        """
        with self.translated():
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def write_mark(self, mark: Mark) -> None:
        """Leave what the last commit made of the outbox. Never fails: it is a witness."""
        with contextlib.suppress(OSError):
            if self._mark is None:
                self._mark = os.open(
                    beside(self.path, ".mark"), os.O_RDWR | os.O_CREAT, 0o644
                )
            os.pwrite(self._mark, packed_mark(mark), 0)

    def close(self) -> None:
        """Release the files."""
        if self._mark is not None:
            os.close(self._mark)
            self._mark = None
        self.db.close()
