"""Readings taken while the clock could not be believed: kept, and timed later.

Their ``taken_ms`` is milliseconds of the boot's monotonic clock until they are timed. What
another boot left can never be timed; a gap says so, from the newest reading that was
timed before until now.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from edge.outbox import Outbox
from edge.pack_table import Numbers
from edge.packs import MAX_GAP_MS, merged_gaps
from greenwater.kernel.reading import ClockQuality, Gap, Reading

AT_ONCE: Final = 20
MOST_READINGS: Final = 200_000
"""Some 20 MB. What is beyond is given up, oldest first; a gap says so."""

_body = msgspec.json.Decoder(list[Reading])


class Present(NamedTuple):
    """Now, by a clock to be believed and by the boot's monotonic one."""

    now_ms: int
    boot: str
    mono_ms: int


class Kept(NamedTuple):
    """Readings of one commit, timed by a boot's monotonic clock alone.

    ``after_ms`` is the newest reading that had a time when they were kept.
    """

    boot: str
    after_ms: int
    readings: list[Reading]


def timed(kept: Kept, present: Present) -> tuple[list[Reading], list[Gap]]:
    """Return what kept readings turn out to be. Pure."""
    if kept.boot == present.boot:
        offset_ms = present.now_ms - present.mono_ms
        return [
            msgspec.structs.replace(
                reading,
                taken_ms=reading.taken_ms + offset_ms,
                clock=ClockQuality.RETIMED,
            )
            for reading in kept.readings
        ], []
    return [], lost(kept, present.now_ms)


def lost(kept: Kept, now_ms: int) -> list[Gap]:
    """Return the gaps that say that kept readings are given up. Pure."""
    start_ms = max(min(kept.after_ms, now_ms - 1), now_ms - MAX_GAP_MS)
    return merged_gaps(
        Gap(reading.device, reading.probe, start_ms, now_ms, 1, "clock")
        for reading in kept.readings
    )


class Untimed:
    """The untimed readings in the outbox's file; see ``Outbox``'s thread."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.readings = 0
        self.recount()

    def recount(self) -> None:
        """Count anew; to be called where a transaction was undone."""
        with self._outbox.file.translated():
            (count,) = self._outbox.file.db.execute(
                "SELECT coalesce(sum(readings), 0) FROM untimed"
            ).fetchone()
        self.readings = int(count)

    def keep(self, boot: str, after_ms: int, readings: Sequence[Reading]) -> None:
        """Keep readings, durably.

        Raises:
            UnavailableError: the disk is full or failing; nothing was kept.
        """
        body = msgspec.json.encode(readings)
        with self._outbox.together() as db:
            db.execute(
                "INSERT INTO untimed (boot, after_ms, readings, body) VALUES (?, ?, ?, ?)",
                (boot, after_ms, len(readings), body),
            )
        self.readings += len(readings)

    def time_some(self, present: Present, *, handed: Numbers) -> list[Reading]:
        """Time the oldest, in one transaction; return those that have a time now.

        Raises:
            UnavailableError: the disk is full or failing; nothing was changed.
        """
        return self._replace(lambda kept: timed(kept, present), handed)

    def give_up_some(self, now_ms: int, *, handed: Numbers) -> None:
        """Give up the oldest where there are too many; a gap says so."""
        if self.readings > MOST_READINGS:
            self._replace(lambda kept: ([], lost(kept, now_ms)), handed)

    def _replace(
        self, by: Callable[[Kept], tuple[list[Reading], list[Gap]]], handed: Numbers
    ) -> list[Reading]:
        readings: list[Reading] = []
        gaps: list[Gap] = []
        with self._outbox.together() as db:
            rows = db.execute(
                "SELECT id, boot, after_ms, readings, body FROM untimed ORDER BY id LIMIT ?",
                (AT_ONCE,),
            ).fetchall()
            for _, boot, after_ms, _, body in rows:
                some, others = by(Kept(boot, after_ms, _read(body)))
                readings += some
                gaps += others
            if rows:
                db.execute("DELETE FROM untimed WHERE id <= ?", (rows[-1][0],))
            self._outbox.commit(readings, merged_gaps(gaps), handed=handed)
        self.readings -= sum(row[3] for row in rows)
        return readings


def _read(body: bytes) -> list[Reading]:
    try:
        return _body.decode(body)
    except msgspec.MsgspecError:  # a damaged file that was saved: nothing to be had
        return []
