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
    DamagedError,
    Mark,
    OutboxFile,
    read_mark,
)
from edge.pack_table import insert, last_number
from edge.packs import packs_of
from edge.rescue import Loss, finish, rescue
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Gap

log = structlog.get_logger()

ALPHABET: Final = string.digits + string.ascii_lowercase
MAX_GAP_MS: Final = 10**12  # the wire's limit, thirty years


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
        ConfigError: a newer agent wrote the file.
        UnavailableError: it cannot be opened now.
    """
    finish(path)
    try:
        file = OutboxFile(path)
    except DamagedError as exc:
        log.error("outbox.damaged", path=str(path), why=str(exc))
        rescue(
            path,
            box=(new_id(owner.rng), _secret(owner.rng)),
            tell=lambda fresh, loss: _tell(fresh, owner, loss),
            now_ms=now_ms,
        )
        file = OutboxFile(path)
    try:
        with file.writing() as db:
            _take_up(file, db, owner, read_mark(path))
    except BaseException:
        file.close()
        raise
    return file


def _secret(rng: random.Random) -> str:
    return f"{rng.getrandbits(128):032x}"


def _take_up(
    file: OutboxFile, db: sqlite3.Connection, owner: Owner, mark: Mark | None
) -> None:
    row = db.execute("SELECT id, confirmed, newest_ms FROM box").fetchone()
    if row is None:
        db.execute(
            "INSERT INTO box VALUES (1, ?, ?, 0, 0)",
            (new_id(owner.rng), _secret(owner.rng)),
        )
        return
    outbox, confirmed, newest_ms = row
    number = last_number(db)
    if number == 0 or (
        mark is not None
        and mark.outbox == outbox
        and mark.confirmed <= confirmed
        and mark.number <= number
    ):
        return
    if mark is not None and mark.outbox == outbox and mark.confirmed > confirmed:
        lost = mark.confirmed - confirmed
        log.error("outbox.shortened", path=str(file.path), lost=lost)
        end_ms = max(mark.newest_ms, newest_ms) + 1
        _tell(file, owner, Loss(lost, min(newest_ms, end_ms - 1), end_ms))
    db.execute("UPDATE box SET id = ?", (new_id(owner.rng),))


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
