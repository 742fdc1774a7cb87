"""Opening an outbox whatever state its file is in; saving what can be read of a bad one.

The new file is built complete beside the old one; renaming it to ``.rescued-N`` is the
point of no return. From there on ``finish`` does the rest, as often as it takes: move
the old files aside as ``.torn-N``, put the new one in their place. A power cut before
that point leaves the damaged file, and the rescue begins again; after it, ``finish``
goes on.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from edge.outbox_file import (
    Mark,
    OutboxFile,
    beside,
)
from edge.pack_table import COLUMNS, crc_of

log = structlog.get_logger()

_OLD = ("", "-wal", "-shm", ".mark", ".suspect")
_SIDE_TABLES = {
    "untimed": ("boot", "after_ms", "readings", "body"),
    "command": ("id", "is_done", "message", "answered_ms"),
    "overlay": ("name", "value"),
}
_AT_ONCE = 500
_RANKS = range(4)

Row = Sequence[Any]


class Saved(NamedTuple):
    """What was saved: readings that wait, and the span of their times.

    ``is_clean`` says that every page could be read: then nothing was saved twice, in a
    batch of its own and in one that it was joined into.
    """

    readings: int = 0
    first_ms: int = 0
    last_ms: int = 0
    is_clean: bool = False


def finish(path: Path) -> None:
    """Complete a rescue that was cut short after its point of no return."""
    for rescued in path.parent.glob(f"{path.name}.rescued-*"):
        aside = beside(path, f".torn-{rescued.name.rpartition('-')[2]}")
        for ending in _OLD:
            old = beside(path, ending)
            if old.exists():
                os.replace(old, beside(aside, ending))
        os.replace(rescued, path)
        _sync_folder(path)


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Loss(NamedTuple):
    """What a damaged file cost: readings (0: not known), taken within ``[start, end)``."""

    readings: int
    start_ms: int
    end_ms: int


def rescue(
    path: Path,
    mark: Mark | None,
    *,
    box: tuple[str, str],
    tell: Callable[[OutboxFile, Loss], None],
    now_ms: int,
) -> None:
    """Build a new outbox from what can be read of the old one, and put it in place.

    What was acknowledged is not saved: the platform has it. Numbers begin anew, under
    the new id in ``box``. ``tell`` writes into the new file what was lost, if anything was.

    Raises:
        UnavailableError: the disk is full or failing; the old files are untouched.
    """
    fresh = beside(path, ".new")
    for ending in ("", "-wal", "-shm"):
        beside(fresh, ending).unlink(missing_ok=True)
    file = OutboxFile(fresh)
    try:
        with file.writing() as into:
            into.execute("INSERT INTO box VALUES (1, ?, ?, 0, 0, 0, 0)", box)
        saved = _copied(path, file)
        loss = _loss(mark, saved, now_ms)
        if loss is not None:
            tell(file, loss)
        file.shrink_log()
    finally:
        file.close()
    number = 1
    while beside(path, f".torn-{number}").exists():
        number += 1
    fresh.rename(beside(path, f".rescued-{number}"))
    _sync_folder(path)
    finish(path)
    log.error(
        "outbox.rescued",
        saved=saved.readings,
        lost=loss and (loss.readings or "unknown"),
        moved_to=str(beside(path, f".torn-{number}")),
    )


def _loss(mark: Mark | None, saved: Saved, now_ms: int) -> Loss | None:
    if mark is None:
        end_ms = saved.last_ms + 1 if saved.readings else now_ms
        return Loss(0, saved.first_ms or end_ms - 1, end_ms)
    lost = mark.waiting - saved.readings
    if lost == 0 and saved.is_clean:
        return None
    end_ms = max(mark.newest_ms, mark.oldest_ms) + 1
    is_exact = saved.is_clean or not saved.readings
    return Loss(max(lost, 0) if is_exact else 0, mark.oldest_ms, end_ms)


def _copied(path: Path, into: OutboxFile) -> Saved:
    try:
        old = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    except sqlite3.Error:
        return Saved()
    with contextlib.closing(old):
        for table, columns in _SIDE_TABLES.items():
            with into.writing() as db:
                _insert(db, table, columns, _readable(old, table, columns))
        saved = Saved()
        packs = _Packs(old)
        rows = (row for row in packs if _is_sound(row))
        while some := list(islice(rows, _AT_ONCE)):
            saved = _with(saved, some)
            with into.writing() as db:
                _insert(db, "pack", COLUMNS, some)
                db.execute(
                    "UPDATE box SET confirmed = ?, newest_ms = ?, waiting = ?",
                    (saved.readings, saved.last_ms, saved.readings),
                )
    return saved._replace(is_clean=packs.is_clean)


def _insert(
    db: sqlite3.Connection, table: str, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    marks = ", ".join("?" * len(columns))
    db.executemany(
        f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows
    )


def _is_sound(row: Row) -> bool:
    *numbers, payload = row
    if not isinstance(payload, bytes) or not all(type(n) is int for n in numbers):
        return False
    _, rank, readings, first_ms, last_ms, _, _, crc = numbers
    return rank in _RANKS and crc_of(rank, readings, first_ms, last_ms, payload) == crc


def _with(saved: Saved, rows: Sequence[Row]) -> Saved:
    firsts, lasts = [row[3] for row in rows], [row[4] for row in rows]
    return Saved(
        saved.readings + sum(row[2] for row in rows),
        min(firsts if saved == Saved() else [saved.first_ms, *firsts]),
        max([saved.last_ms, *lasts]),
    )


def _readable(old: sqlite3.Connection, table: str, columns: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    with contextlib.suppress(sqlite3.Error):  # what came before the bad page is good
        for row in old.execute(f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED"):
            rows.append(row)
    return [row for row in rows if None not in row]


class _Packs:
    """The waiting packs that can be read: in one go and then, past a bad page, singly."""

    def __init__(self, old: sqlite3.Connection) -> None:
        self._old = old
        self.is_clean = True

    def __iter__(self) -> Iterator[Row]:
        query = f"SELECT number, {', '.join(COLUMNS)} FROM pack NOT INDEXED "
        last = 0
        try:
            for row in self._old.execute(
                f"{query} WHERE acked_ms IS NULL ORDER BY number"
            ):
                last = row[0]
                yield row[1:]
            return
        except sqlite3.Error:
            self.is_clean = False
        for number in range(last + 1, _highest(self._old, last) + 1):
            try:
                found = self._old.execute(
                    f"{query} WHERE number = ? AND acked_ms IS NULL", (number,)
                ).fetchone()
            except sqlite3.Error:
                continue
            if found is not None:
                yield found[1:]


def _highest(old: sqlite3.Connection, last: int) -> int:
    highest = last + 100_000
    with contextlib.suppress(sqlite3.Error):
        (highest,) = old.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'pack'"
        ).fetchone() or (highest,)
    return int(highest)
