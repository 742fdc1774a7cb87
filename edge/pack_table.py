"""The table of batches: its rows, written once, and how many of them wait.

A row's number is its rowid. ``place`` says where it stands in the order of commits; a
row made of others takes the place of the first. ``is_sealed`` rows have been
acknowledged before: they are never joined with others, so that they can be sent again as
they were.
"""

import contextlib
import sqlite3
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from edge.outbox_file import OutboxFile
from edge.packs import Pack, Rank
from greenwater.kernel.errors import UnavailableError

COLUMNS: Final = (
    *("place", "rank", "readings", "first_ms", "last_ms"),
    *("size", "is_sealed", "crc", "payload"),
)
"""What makes a row, beside its number and when it was acknowledged."""

_INSERT: Final = (
    f"INSERT INTO pack ({', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ROWS: Final = (
    "SELECT number, place, readings, is_sealed FROM pack INDEXED BY pack_waiting "
    "WHERE acked_ms IS NULL AND place > ? AND place < ? AND rank IN ({ranks}) "
    "ORDER BY place LIMIT ?"
)
_END: Final = 2**62
UNDATED_MS: Final = _END - 1
"""Acknowledged, and nobody knows when: the box's clock was not set."""
ROW_BYTES: Final = 80
"""What a row takes beside its payload, in the table and the index."""

Numbers = Collection[int]


RESEND_MARGIN_MS: Final = 3_600_000


class Row(NamedTuple):
    """A waiting batch, without its payload."""

    number: int
    place: int
    readings: int
    is_sealed: int


def crc_of(
    rank: int, readings: int, first_ms: int, last_ms: int, payload: bytes
) -> int:
    """Return the checksum kept in a row: what it says of itself, and the payload."""
    head = b"%d %d %d %d" % (rank, readings, first_ms, last_ms)
    return zlib.crc32(payload, zlib.crc32(head))


def insert(db: sqlite3.Connection, pack: Pack, place: int | None = None) -> int:
    """Write a row; return its number, which is also its place unless one is given."""
    rank, readings, first_ms, last_ms, payload = pack
    crc = crc_of(*pack)
    if place is None:
        place = last_number(db) + 1
    cursor = db.execute(
        _INSERT,
        (place, rank, readings, first_ms, last_ms, len(payload), 0, crc, payload),
    )
    return int(cursor.lastrowid or 0)


def last_number(db: sqlite3.Connection) -> int:
    """Return the highest number ever given."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'pack'").fetchone()
    return 0 if row is None else int(row[0])


class Tally(NamedTuple):
    """How much waits."""

    packs: int = 0
    readings: int = 0
    bytes: int = 0

    def plus(self, sign: int, readings: int, size: int) -> "Tally":
        """Return the tally with one batch more (1) or less (-1)."""
        return Tally(
            self.packs + sign,
            self.readings + sign * readings,
            self.bytes + sign * (size + ROW_BYTES),
        )


class PackTable:
    """Rows in, rows out, within the caller's transaction; and the tally of what waits."""

    def __init__(self, file: OutboxFile) -> None:
        self._file, self._db = file, file.db
        self._tally: dict[Rank, Tally] = {}
        self.recount()

    def recount(self) -> None:
        """Count anew; to be called where a transaction was undone."""
        self._tally = dict.fromkeys(Rank, Tally())
        for rank, *sums in self._db.execute(
            "SELECT rank, count(*), sum(readings), sum(size + ?) FROM pack "
            "INDEXED BY pack_waiting WHERE acked_ms IS NULL GROUP BY rank",
            (ROW_BYTES,),
        ):
            self._tally[Rank(rank)] = Tally(*sums)

    def tally(self) -> Tally:
        """Return how much waits."""
        packs, readings, size = zip(*self._tally.values(), strict=True)
        return Tally(sum(packs), sum(readings), sum(size))

    def packs(self, rank: Rank) -> int:
        """Return how many batches of a rank wait."""
        return self._tally[rank].packs

    def _count(self, rank: int, sign: int, readings: int, size: int) -> None:
        self._tally[Rank(rank)] = self._tally[Rank(rank)].plus(sign, readings, size)

    def add(self, pack: Pack, place: int | None = None) -> int:
        """Write a batch; return its number."""
        self._count(pack.rank, 1, pack.readings, len(pack.payload))
        return insert(self._db, pack, place)

    def get(self, number: int) -> Pack:
        """Return a batch.

        Raises:
            InvariantError: it is not what was written; the next start sees to it.
        """
        rank, readings, first_ms, last_ms, crc, payload = self._db.execute(
            "SELECT rank, readings, first_ms, last_ms, crc, payload FROM pack "
            "WHERE number = ?",
            (number,),
        ).fetchone()
        if crc_of(rank, readings, first_ms, last_ms, payload) != crc:
            raise self._file.damaged(f"batch {number} is not what was written")
        return Pack(Rank(rank), readings, first_ms, last_ms, payload)

    def remove(self, number: int, pack: Pack) -> None:
        """Delete a waiting batch."""
        self._count(pack.rank, -1, pack.readings, len(pack.payload))
        self._db.execute("DELETE FROM pack WHERE number = ?", (number,))

    def rows(
        self,
        limit: int,
        *,
        after: int = -1,
        before: int = _END,
        ranks: Iterable[Rank] = Rank,
    ) -> list[Row]:
        """Return waiting batches in their order, with places between the two."""
        query = _ROWS.format(ranks=", ".join(str(int(rank)) for rank in ranks))
        return [Row(*row) for row in self._db.execute(query, (after, before, limit))]

    def place_at(self, rank: Rank, offset: int) -> int:
        """Return the place of the batch that so many others of its rank stand before."""
        row = self._db.execute(
            "SELECT place FROM pack INDEXED BY pack_waiting WHERE acked_ms IS NULL "
            "AND rank = ? ORDER BY place LIMIT 1 OFFSET ?",
            (rank, offset),
        ).fetchone()
        return _END if row is None else int(row[0])

    def oldest_ms(self) -> int | None:
        """Return the time of the first reading in the batch that has waited longest."""
        row = self._db.execute(
            "SELECT first_ms FROM pack INDEXED BY pack_waiting WHERE acked_ms IS NULL "
            "ORDER BY place LIMIT 1"
        ).fetchone()
        return None if row is None else int(row[0])

    def settle(self, numbers: Numbers, now_ms: int | None) -> None:
        """Note that these are done; what is not waiting is passed over.

        Without a time they count as done after all others, until ``date`` is called.
        """
        acked_ms = UNDATED_MS if now_ms is None else now_ms
        for number in numbers:
            for row in self._db.execute(
                "UPDATE pack SET acked_ms = ?, is_sealed = 1 WHERE number = ? "
                "AND acked_ms IS NULL RETURNING rank, readings, size",
                (acked_ms, number),
            ).fetchall():
                self._count(row[0], -1, *row[1:])

    def requeue(self, since_ms: int) -> int:
        """Let batches wait again that were acknowledged, or reach, beyond an instant.

        What matters to a platform that was restored is when it had acknowledged, not
        when a reading was taken: a backlog of last week may have been stored since its
        backup. An hour of margin covers batches under way at the backup, and clocks
        that differ; what it holds already it takes as repeated.
        """
        rows = self._db.execute(
            "UPDATE pack SET acked_ms = NULL WHERE acked_ms IS NOT NULL "
            "AND max(acked_ms, last_ms) >= ? RETURNING rank, readings, size",
            (since_ms - RESEND_MARGIN_MS,),
        ).fetchall()
        for row in rows:
            self._count(row[0], 1, *row[1:])
        return sum(row[1] for row in rows)

    def date(self, now_ms: int) -> None:
        """Let what was acknowledged at no known time, or later than now, be of now."""
        self._db.execute(
            "UPDATE pack SET acked_ms = ? WHERE acked_ms IS NOT NULL AND acked_ms > ?",
            (now_ms, now_ms),
        )

    def drop_acked(self, limit: int, *, before_ms: int | None = None) -> int:
        """Delete what was acknowledged first; return how many batches went."""
        return self._db.execute(
            "DELETE FROM pack WHERE number IN (SELECT number FROM pack "
            "WHERE acked_ms IS NOT NULL AND acked_ms < coalesce(?, ?) "
            "ORDER BY acked_ms, number LIMIT ?)",
            (before_ms, _END, limit),
        ).rowcount


class Kept(NamedTuple):
    """Batches of one rank that wait, or are kept though they are acknowledged."""

    rank: Rank
    is_acked: bool
    batches: int
    readings: int
    bytes: int
    first_ms: int
    last_ms: int


def inspect(path: Path) -> list[Kept]:
    """Return what an outbox file holds; works while the agent runs.

    Raises:
        UnavailableError: it cannot be read, or is none.
    """
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        ) as db:
            rows = db.execute(
                "SELECT rank, acked_ms IS NOT NULL, count(*), sum(readings), sum(size), "
                "min(first_ms), max(last_ms) FROM pack GROUP BY 1, 2 ORDER BY 2, 1"
            ).fetchall()
    except sqlite3.Error as exc:
        raise UnavailableError(f"outbox {path}: {exc}") from exc
    return [Kept(Rank(rank), bool(acked), *sums) for rank, acked, *sums in rows]
