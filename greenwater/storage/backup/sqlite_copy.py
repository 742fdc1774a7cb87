"""One consistent copy of a SQLite file while others write to it."""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

from greenwater.kernel.errors import ConfigError, UnavailableError
from greenwater.storage.backup.archive import Told, sync_folder

PAGES_AT_ONCE: Final = 4_096
BUSY_S: Final = 30.0


def put_sqlite(part: Path, path: Path) -> None:
    """Put a whole file in a database's place, at once; nobody has it open."""
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    os.replace(part, path)
    sync_folder(path.parent)


def copy_sqlite(source: Path, to: Path, told: Told, name: str) -> None:
    """Copy a file as it is at one instant; writers go on meanwhile.

    One snapshot is held from beginning to end: without, every commit of somebody else
    would make the copy begin anew, and a busy file would never be done.

    Raises:
        ConfigError: there is no such file, or it is no database.
        UnavailableError: it cannot be read now, or the copy cannot be written.
    """
    if not source.exists():
        raise ConfigError(f"there is no {name} at {source}: nothing to back up")
    to.unlink(missing_ok=True)
    try:
        with (
            contextlib.closing(sqlite3.connect(source, timeout=BUSY_S)) as reading,
            contextlib.closing(sqlite3.connect(to)) as writing,
        ):
            reading.isolation_level = None
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            reading.backup(
                writing,
                pages=PAGES_AT_ONCE,
                progress=lambda _, left, total: told(f"{name}, pages", total - left),
            )
            # One file, without a log beside it.
            writing.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as exc:
        if isinstance(exc, sqlite3.OperationalError):
            raise UnavailableError(f"cannot copy the {name} {source}: {exc}") from exc
        raise ConfigError(f"the {name} {source} is no sound database: {exc}") from exc
