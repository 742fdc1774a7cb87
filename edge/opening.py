"""Opening an outbox, whatever state its file is in: new, whole, shortened or damaged.

A new id is taken wherever a number that is free now may have been sent before: then the
same number under the old id would name other bytes.
"""

import random
import sqlite3
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from edge.outbox_file import (
    CHECKED_BYTES,
    DamagedError,
    Mark,
    OutboxFile,
    read_mark,
)
from edge.pack_table import insert, last_number
from edge.packs import MAX_GAP_MS, packs_of
from edge.rescue import Loss, finish, rescue
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Gap

log = structlog.get_logger()

ALPHABET: Final = string.digits + string.ascii_lowercase
DEVICE: Final = "=device"
"""Under this name of the overlay, which no probe and no command has, stands whose it is."""


class Owner(NamedTuple):
    """Whose outbox it is: the probes are those whose readings may be missing in it."""

    device: DeviceId
    probes: Sequence[ProbeId]
    rng: random.Random


def new_id(rng: random.Random) -> str:
    """Return an outbox id."""
    return "".join(rng.choice(ALPHABET) for _ in range(16))


def open_file(path: Path, owner: Owner, now_ms: int) -> OutboxFile:
    """Return the file, with its row in ``box`` and gap records for what it lost.

    Raises:
        ConfigError: a newer agent wrote the file, or it is another device's.
        UnavailableError: it cannot be opened now.
    """
    finish(path)
    mark = read_mark(path)
    try:
        return _opened(path, owner, mark)
    except DamagedError as exc:
        log.error("outbox.damaged", path=str(path), why=str(exc))
    rescue(
        path,
        mark,
        box=(new_id(owner.rng), _secret(owner.rng)),
        tell=lambda fresh, loss: _tell(fresh, owner, loss),
        now_ms=now_ms,
    )
    return _opened(path, owner, None)


def _opened(path: Path, owner: Owner, mark: Mark | None) -> OutboxFile:
    file = OutboxFile(path)
    try:
        with file.writing(is_opening=True) as db:
            _take_up(file, db, owner, mark)
    except BaseException:
        file.close()
        raise
    return file


def _secret(rng: random.Random) -> str:
    return f"{rng.getrandbits(128):032x}"


def _refuse_others(file: OutboxFile, db: sqlite3.Connection, owner: Owner) -> None:
    """Refuse a file that was filled under another name; one without a name gets ours.

    Its readings would arrive as this device's: packs name probes only.
    """
    row = db.execute("SELECT value FROM overlay WHERE name = ?", (DEVICE,)).fetchone()
    if row is None:
        db.execute("INSERT INTO overlay VALUES (?, ?)", (DEVICE, owner.device))
    elif row[0] != owner.device:
        raise ConfigError(
            f"the outbox {file.path} is {row[0]}'s, and this is {owner.device}: give "
            "it a file of its own (nothing in the other one was changed)"
        )


def _take_up(
    file: OutboxFile, db: sqlite3.Connection, owner: Owner, mark: Mark | None
) -> None:
    _refuse_others(file, db, owner)
    row = db.execute(
        "SELECT id, confirmed, newest_ms, changes, waiting FROM box"
    ).fetchone()
    if row is None:
        if last_number(db):
            raise DamagedError("it holds batches and does not say whose")
        db.execute(
            "INSERT INTO box VALUES (1, ?, ?, 0, 0, 0, 0)",
            (new_id(owner.rng), _secret(owner.rng)),
        )
        if mark is not None and mark.waiting:  # there was a file here
            log.error("outbox.vanished", path=str(file.path), lost=mark.waiting)
            end_ms = max(mark.newest_ms, mark.oldest_ms) + 1
            _tell(file, owner, Loss(mark.waiting, mark.oldest_ms, end_ms))
        return
    outbox, confirmed, newest_ms, changes, waiting = row
    _check(db, waiting, is_large=file.path.stat().st_size > CHECKED_BYTES)
    if mark is not None and mark.outbox == outbox:
        if mark.changes <= changes:  # fewer: killed before the mark was written
            return
        lost = mark.confirmed - confirmed
        log.error("outbox.shortened", path=str(file.path), lost=lost)
        end_ms = max(mark.newest_ms, newest_ms) + 1
        _tell(file, owner, Loss(lost, min(newest_ms, end_ms - 1), end_ms))
    if last_number(db):
        db.execute("UPDATE box SET id = ?", (new_id(owner.rng),))


def _check(db: sqlite3.Connection, expected: int, *, is_large: bool) -> None:
    ways = ["INDEXED BY pack_waiting", "NOT INDEXED"]
    for index in ways[:1] if is_large else ways:
        (waiting,) = db.execute(
            f"SELECT coalesce(sum(readings), 0) FROM pack {index} WHERE acked_ms IS NULL"
        ).fetchone()
        if waiting != expected:
            raise DamagedError(f"{waiting} readings wait in it, and should {expected}")


def _tell(file: OutboxFile, owner: Owner, loss: Loss) -> None:
    """Leave gap records for readings that may be lost."""
    probes = owner.probes or (ProbeId("outbox"),)
    # Whose they were is not known, unless there is only one.
    count = loss.readings if len(probes) == 1 else 0
    start_ms = max(loss.start_ms, loss.end_ms - MAX_GAP_MS)
    gaps = [
        Gap(owner.device, probe, start_ms, loss.end_ms, count, "torn")
        for probe in probes
    ]
    with file.writing() as db:
        for pack in packs_of((), gaps):
            insert(db, pack)
