"""Joining small batches, and making room when the box is full.

What is given up first, and how, is the law of ``edge.outbox``. All of it happens within
the caller's transaction.
"""

from typing import Final

import structlog

from edge.outbox_file import OutboxFile
from edge.pack_table import Numbers, PackTable, Row
from edge.packs import Pack, Rank, merged_gaps, packs_of, thinned, unpack
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Gap, Reading

log = structlog.get_logger()

JOIN_READINGS: Final = 1_000
JOIN_PACKS: Final = 200
STRETCH_READINGS: Final = 2_000
STRETCH_PACKS: Final = 400
ACKED_AT_ONCE: Final = 64
FIT_STEPS: Final = 20
"""Steps within one commit; more would delay it. ``ease`` does the rest in between."""
HEADROOM: Final = 0.97
_FADING: Final = (Rank.WATER, Rank.POWER, Rank.PRECIOUS)


class Room:
    """Keeps a table of batches within a budget of bytes."""

    def __init__(
        self, file: OutboxFile, table: PackTable, *, device: DeviceId, budget_bytes: int
    ) -> None:
        self._file, self._table, self._device = file, table, device
        self._budget = budget_bytes
        self._joined_to = -1
        self._sweeps = dict.fromkeys(_FADING, -1)
        self.thinned = 0

    def fit(self, protected: Numbers, new: Numbers) -> None:
        """Come under the budget; what is protected goes last, what is new stays."""
        for _ in range(FIT_STEPS):
            if self._file.used_bytes() <= self._budget:
                return
            if not (self._give_up(protected) or self._give_up(new)):
                return

    def ease(self, protected: Numbers) -> bool:
        """Make a little room ahead of time; return whether there was need."""
        if self._file.used_bytes() <= self._budget * HEADROOM:
            return False
        return self._give_up(protected)

    def _give_up(self, protected: Numbers) -> bool:
        if self._table.drop_acked(ACKED_AT_ONCE):
            return True
        for rank in _FADING:
            stretch = self._stretch(rank, protected)
            if stretch:
                self._thin(rank, stretch)
                return True
        return False

    def _stretch(self, rank: Rank, protected: Numbers) -> list[Row]:
        """Return the next batches to thin, in the oldest half of this rank's."""
        half = self._table.place_at(rank, self._table.packs(rank) // 2)
        for after, before in ((self._sweeps[rank], half), (-1, half), (-1, None)):
            bounds = {} if before is None else {"before": before}
            rows = self._table.rows(
                STRETCH_PACKS + len(protected), after=after, ranks=(rank,), **bounds
            )
            stretch: list[Row] = []
            for row in rows:
                if sum(one.readings for one in stretch) >= STRETCH_READINGS:
                    break
                if row.number not in protected:
                    stretch.append(row)
            if stretch:
                self._sweeps[rank] = stretch[-1].place
                return stretch
        return []

    def _thin(self, rank: Rank, stretch: list[Row]) -> None:
        readings, gaps = self._taken(stretch)
        left = thinned(readings, gaps, rank, all_of_it=False)
        if not left.given_up:
            left = thinned(readings, gaps, rank, all_of_it=True)
        self.thinned += left.given_up
        for pack in packs_of(left.readings, left.gaps):
            self._table.add(pack, stretch[0].place)

    def _taken(self, rows: list[Row]) -> tuple[list[Reading], list[Gap]]:
        """Remove batches; return what was in them."""
        readings: list[Reading] = []
        gaps: list[Gap] = []
        for row in rows:
            pack = self._table.get(row.number)
            self._table.remove(row.number, pack)
            try:
                some, others = unpack(pack.payload, self._device)
            except InputError as exc:
                some, others = [], [self._unreadable(pack, str(exc))]
            readings += some
            gaps += others
        return readings, merged_gaps(gaps)

    def _unreadable(self, pack: Pack, why: str) -> Gap:
        # Only a pack that some other version of the wire wrote can be whole and unreadable.
        log.error("pack.unreadable", readings=pack.readings, why=why)
        self.thinned += pack.readings
        return Gap(
            self._device,
            ProbeId("outbox"),
            pack.first_ms,
            pack.last_ms + 1,
            pack.readings,
            "torn",
        )

    def join_oldest(self, limit: int, handed: Numbers) -> None:
        """Join what waits first, so that the next ``limit`` batches are full ones."""
        after = -1
        for _ in range(limit):
            run, after = self._run(after, handed, is_eager=True)
            if not run:
                return
            self._join(run)

    def join_some(self, handed: Numbers) -> bool:
        """Join one run that makes a full batch; return whether there was one."""
        run, self._joined_to = self._run(self._joined_to, handed, is_eager=False)
        if run:
            self._join(run)
        return bool(run)

    def _run(
        self, after: int, handed: Numbers, *, is_eager: bool
    ) -> tuple[list[Row], int]:
        """Return the next small neighbours to join, and the place to go on after."""
        run: list[Row] = []
        for row in self._table.rows(2 * JOIN_PACKS + len(handed), after=after):
            is_small = row.readings <= JOIN_READINGS // 2
            is_free = is_small and not row.is_sealed and row.number not in handed
            total = sum(one.readings for one in run) + row.readings
            if is_free and total <= JOIN_READINGS and len(run) < JOIN_PACKS:
                run.append(row)
                continue
            if _is_worth_it(run, is_eager):
                return run, run[-1].place
            after = row.place if not is_free else after
            run = [row] if is_free else []
        return (run, run[-1].place) if _is_worth_it(run, is_eager) else ([], after)

    def _join(self, run: list[Row]) -> None:
        readings, gaps = self._taken(run)
        for pack in packs_of(readings, gaps):
            self._table.add(pack, run[0].place)


def _is_worth_it(run: list[Row], is_eager: bool) -> bool:
    if is_eager:
        return len(run) > 1
    readings = sum(row.readings for row in run)
    return len(run) >= JOIN_PACKS or readings > JOIN_READINGS * 3 // 4
