"""Readings kept on the box until the platform has stored them.

The law of this module:

1. What ``commit`` has returned for is **confirmed**: it survives a power cut.
2. A row of ``pack`` is a batch and its rowid is the batch's number. Rows are written
   once: a payload is never changed, a number never given twice (AUTOINCREMENT). Joining
   small batches and thinning write new rows, under new numbers, and delete the old ones
   in the same transaction. So a number names the same bytes for ever, and every
   confirmed reading is at every moment in a waiting row, in an acknowledged one, or
   covered by a gap record in a waiting row.
3. Order is ``place``, the order of commits; never a clock's.
4. Acknowledged batches stay while there is room, as they are, so that a platform
   restored from a backup can ask again. They are the first to go.
5. Then the oldest water is thinned: the oldest half of what waits loses every second
   instant of each probe, from the oldest on, again and again, so that the newest half is
   whole and the past fades evenly. The box's own power comes next; positions, currents
   and contacts last. What is on its way to the platform is left alone until nothing
   else is left. A gap record says what went.
6. A start on a full disk has the room that ``edge.ballast`` kept for it.
7. Damage is never silent (``edge.opening``): what can be read of a bad file is saved
   under a new outbox id, and gap records say what may be missing.

Whoever owns the outbox calls from one thread. ``handed`` are the numbers of batches that
are on their way to the platform.
"""

import contextlib
import os
import random
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from edge.ballast import Ballast
from edge.opening import Owner, open_file
from edge.outbox_file import Mark, lock
from edge.pack_table import Numbers, PackTable
from edge.packs import packs_of
from edge.room import Room
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import DeviceId, OutboxId, ProbeId
from greenwater.kernel.reading import Gap, Reading

log = structlog.get_logger()

KEEP_ACKED_MS: Final = 7 * 24 * 3600 * 1000
FORGET_AT_ONCE: Final = 200


class Waiting(NamedTuple):
    """A batch to send: its number names these bytes for ever."""

    batch: int
    readings: int
    payload: bytes


class Figures(NamedTuple):
    """What is in the outbox. ``waiting``, ``confirmed`` and ``thinned`` are readings;
    ``thinned`` is since the start."""

    packs: int
    waiting: int
    waiting_bytes: int
    confirmed: int
    thinned: int
    used_bytes: int
    budget_bytes: int
    newest_ms: int


class Outbox:
    """The outbox in one file; see the law above.

    ``probes`` are those whose readings may be missing where a file is damaged.

    Raises:
        ConfigError: a newer agent wrote the file, or another agent has it open.
        UnavailableError: it cannot be opened now.
    """

    def __init__(
        self,
        path: Path,
        *,
        device: DeviceId,
        budget_bytes: int,
        rng: random.Random,
        now_ms: int,
        probes: Sequence[ProbeId] = (),
    ) -> None:
        self._budget, self._depth = budget_bytes, 0
        self._ballast = Ballast(path)
        self._lock = lock(path)
        owner = Owner(device, probes, rng)
        try:
            try:
                self._open(path, owner, now_ms)
            except UnavailableError as exc:
                if not self._ballast.release():
                    raise self._ballast.explained(exc) from exc
                log.warning("outbox.ballast_released", why=str(exc))
                self._open(path, owner, now_ms)
        except BaseException:
            os.close(self._lock)
            raise
        self._ballast.keep()

    def _open(self, path: Path, owner: Owner, now_ms: int) -> None:
        self.file = open_file(path, owner, now_ms)
        try:
            with self.file.translated():
                self._table = PackTable(self.file)
                outbox, self.secret = self.file.db.execute(
                    "SELECT id, secret FROM box"
                ).fetchone()
            self.id = OutboxId(outbox)
            self._room = Room(
                self.file, self._table, device=owner.device, budget_bytes=self._budget
            )
            self._learn()
            with self.together():  # leaves the mark
                pass
        except BaseException:
            self.file.close()
            raise

    def _learn(self) -> None:
        with self.file.translated():
            self._confirmed, self._newest_ms, self._changes = self.file.db.execute(
                "SELECT confirmed, newest_ms, changes FROM box"
            ).fetchone()

    def close(self) -> None:
        """Release the files."""
        self.file.close()
        os.close(self._lock)

    @contextlib.contextmanager
    def together(self) -> Iterator[sqlite3.Connection]:
        """Make one transaction of several calls: all of them, or none.

        Raises:
            UnavailableError: the disk is full or failing; nothing was changed.
        """
        if self._depth:
            yield self.file.db
            return
        self._depth = 1
        try:
            with self.file.writing() as db:
                yield db
                mark = self._mark(db)
        except BaseException:
            self._learn()
            with self.file.translated():
                self._table.recount()
            raise
        finally:
            self._depth = 0
        self.file.write_mark(mark)

    def _mark(self, db: sqlite3.Connection) -> Mark:
        self._changes += 1
        waiting = self._table.tally().readings
        db.execute("UPDATE box SET changes = ?, waiting = ?", (self._changes, waiting))
        oldest_ms = self._table.oldest_ms()
        return Mark(
            self.id,
            self._changes,
            self._confirmed,
            waiting,
            self._newest_ms if oldest_ms is None else oldest_ms,
            self._newest_ms,
        )

    def commit(
        self,
        readings: Sequence[Reading],
        gaps: Sequence[Gap] = (),
        *,
        handed: Numbers = (),
    ) -> list[Waiting]:
        """Keep readings and gap records; return the batches they are.

        A batch that is not sent now may later be joined with others or thinned.

        Raises:
            UnavailableError: the disk is full or failing; nothing was kept.
        """
        with self.together() as db:
            written = [
                Waiting(self._table.add(pack), pack.readings, pack.payload)
                for pack in packs_of(readings, gaps)
            ]
            if readings:
                self._confirmed += len(readings)
                newest_ms = max(reading.taken_ms for reading in readings)
                self._newest_ms = max(self._newest_ms, newest_ms)
                db.execute(
                    "UPDATE box SET confirmed = ?, newest_ms = ?",
                    (self._confirmed, self._newest_ms),
                )
            new = {one.batch for one in written}
            self._room.fit(new.union(handed), new)
        return written

    def backlog(self, limit: int, handed: Numbers) -> list[Waiting]:
        """Return the oldest waiting batches that are not handed out yet.

        Small ones are joined first, durably; what is handed out stays as it is. Works on
        a full disk too, for what is sent makes room.
        """
        if not self._table.tally().packs:
            return []
        with contextlib.suppress(UnavailableError), self.together():
            self._room.join_oldest(limit, handed)
        with self.file.translated():
            rows = self._table.rows(limit + len(handed))
            free = [row.number for row in rows if row.number not in handed]
            return [
                Waiting(number, pack.readings, pack.payload)
                for number in free[:limit]
                for pack in [self._table.get(number)]
            ]

    def settle(self, numbers: Numbers, now_ms: int | None) -> None:
        """Note that batches are stored, or rest in quarantine. Unknown ones are harmless.

        None where the time is not known: the seven days count from when it is.

        Raises:
            UnavailableError: the disk is full or failing; note them again later.
        """
        with self.together():
            self._table.settle(numbers, now_ms)

    def resend(self, since_ms: int) -> int:
        """Queue again what was acknowledged since an instant; return how many readings.

        A platform restored from a backup has lost what it acknowledged since then,
        however long ago it was taken: a backlog may be weeks old. Whole batches, under
        their own numbers, as they were.
        """
        with self.together():
            return self._table.requeue(since_ms)

    def forget(self, now_ms: int | None) -> None:
        """Give up what was acknowledged more than seven days ago, a little at a time.

        None where the time is in doubt: a clock that has jumped a year ahead must not
        take with it what a restored platform may ask for.
        """
        self._ballast.keep()
        if now_ms is None:
            return
        with self.together():
            self._table.date(now_ms)
            self._table.drop_acked(FORGET_AT_ONCE, before_ms=now_ms - KEEP_ACKED_MS)

    def tidy(self, handed: Numbers) -> bool:
        """Do one small piece of work that keeps the file small; return whether there was any.

        Joining makes a backlog three to five times smaller; room made now delays no
        commit later.
        """
        with self.together():
            return self._room.ease(handed) or self._room.join_some(handed)

    def make_room_on_disk(self) -> None:
        """Give back what can be spared where the disk, not the budget, is full.

        Nothing that waits is touched. Raises nothing: the next commit will tell.
        """
        for attempt in (self.file.shrink_log, self._drop_some_acked):
            with contextlib.suppress(UnavailableError):
                attempt()

    def _drop_some_acked(self) -> None:
        with self.together():
            self._table.drop_acked(FORGET_AT_ONCE)

    def figures(self) -> Figures:
        """Return how much waits, how much was ever confirmed, and how full it is."""
        with self.file.translated():
            used_bytes = self.file.used_bytes()
        return Figures(
            *self._table.tally(),
            self._confirmed,
            self._room.thinned,
            used_bytes,
            self._budget,
            self._newest_ms,
        )
