"""The owner of the outbox: the one thread that reads and writes it.

Readings come from the samplers' threads and are confirmed together, at most
``commit_every_s`` after the first of them. Acknowledgements and requests for more come
from the uplink. A full disk keeps readings in memory, bounded, and tries again; nothing
confirmed is touched. In between, small pieces of tidying.

The order for every commit: the outbox, then the ledger, then the uplink.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from edge.outbox import Figures, Outbox, Waiting
from edge.packs import RANKS, sound, thinned
from edge.timekeeper import Timekeeper
from edge.untimed import Untimed
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.reading import ClockQuality, Gap, Reading

log = structlog.get_logger()

MEMORY_READINGS: Final = 40_000
COMMIT_MOST: Final = 5_000
HAND_OUT_MOST: Final = 16
"""Joining small commits into so many batches delays the next commit by 0.1 s at most."""
DISK_PAUSE_S: Final = 2.0
HOUSEKEEPING_S: Final = 1.0
FORGET_S: Final = 600.0


class Outlet(Protocol):
    """Where batches go: the uplink."""

    def takes_live(self) -> bool:
        """Return whether a batch committed now would go out at once."""
        ...

    def offer(self, batches: Sequence[Waiting], *, is_live: bool) -> None:
        """Take batches to send; they are kept until they are reported done."""
        ...


@dataclass
class Deeds:
    """What the keeper has done, for status and benchmarks. Times in milliseconds."""

    commits: int = 0
    written_bytes: int = 0
    slowest_ms: float = 0.0
    recent_ms: deque[float] = field(default_factory=lambda: deque(maxlen=1_000))
    disk_error: str | None = None
    dropped: int = 0
    in_memory: int = 0


class Keeper:
    """Takes readings, confirms them, hands batches out, notes what is done."""

    def __init__(
        self,
        outbox: Outbox,
        timekeeper: Timekeeper,
        *,
        commit_every_s: float,
        on_confirmed: Callable[[Sequence[Reading], Sequence[Gap]], None],
    ) -> None:
        self._outbox, self._timekeeper = outbox, timekeeper
        self._untimed = Untimed(outbox)
        self._commit_every_s, self._on_confirmed = commit_every_s, on_confirmed
        self.outlet: Outlet | None = None
        self._bell = threading.Condition()
        self._taken: list[Reading] = []
        self._first_s: float | None = None
        self._done: set[int] = set()
        self._wanted = 0
        self._asked: deque[Callable[[], None]] = deque()
        self._lost: list[Gap] = []  # of ``_taken``
        self._pending: list[Reading] = []
        self._gaps: list[Gap] = []  # of ``_pending``
        self._handed: set[int] = set()
        self._not_before_s = self._housekept_s = self._forgot_s = 0.0
        self._may_tidy = False
        self.deeds = Deeds()
        self.figures: Figures = outbox.figures()
        self.untimed = self._untimed.readings
        timekeeper.newest_ms = self.figures.newest_ms

    def take(self, readings: Sequence[Reading]) -> None:
        """Take readings just read; from any thread, never waits."""
        with self._bell:
            self._began()
            self._taken.extend(sound(readings))
            if len(self._taken) > MEMORY_READINGS:  # the disk takes very long
                self._taken, self._lost, dropped = bounded(
                    self._taken, self._lost, MEMORY_READINGS
                )
                self.deeds.dropped += dropped
            if len(self._taken) >= COMMIT_MOST:
                self._bell.notify()

    def _began(self) -> None:
        """Start the time that a commit may take to come."""
        if self._first_s is None:
            self._first_s = time.monotonic()
            self._bell.notify()

    def settle(self, batches: Collection[int]) -> None:
        """Note that batches are done; from the uplink's thread."""
        with self._bell:
            self._done.update(batches)
            self._began()

    def want(self, batches: int) -> None:
        """Ask for more of the backlog, for ``Outlet.offer``; from the uplink's thread."""
        with self._bell:
            self._wanted = batches
            self._bell.notify()

    def ask(self, act: Callable[[], None]) -> None:
        """Have something done in the owner's thread."""
        with self._bell:
            self._asked.append(act)
            self._bell.notify()

    def run(self, stop: threading.Event) -> None:
        """Own the outbox until ``stop`` is set and all that was taken is confirmed.

        With the disk full at the end, what is in memory is given up: it was never
        confirmed.
        """
        while True:
            is_ending = stop.is_set()
            asked, wanted, is_due = self._wait(is_ending)
            if is_due or asked or is_ending:
                self._commit()  # what was acknowledged before a "resend" goes again
            for act in asked:
                act()
            if wanted:
                self._hand_out(wanted)
            if is_ending:
                return
            self._keep_house()

    def _wait(self, is_ending: bool) -> tuple[list[Callable[[], None]], int, bool]:
        """Wait until there is something to do; return requests, and whether to commit."""
        with self._bell:
            if not (is_ending or self._asked or self._wanted):
                self._bell.wait(self._pause_s())
            asked, self._asked = list(self._asked), deque()
            wanted, self._wanted = self._wanted, 0
            now_s = time.monotonic()
            is_due = now_s >= self._not_before_s and (
                len(self._taken) >= COMMIT_MOST
                or bool(self._pending)
                or (
                    self._first_s is not None
                    and now_s - self._first_s >= self._commit_every_s
                )
            )
            return asked, wanted, is_due

    def _pause_s(self) -> float:
        now_s = time.monotonic()
        if self._may_tidy:
            return 0.0
        if self._pending:
            return max(0.0, self._not_before_s - now_s)
        if self._first_s is None:
            return HOUSEKEEPING_S
        return max(0.0, self._first_s + self._commit_every_s - now_s)

    def _commit(self) -> None:
        with self._bell:
            self._pending += self._taken
            self._gaps += self._lost
            self._taken, self._lost, self._first_s = [], [], None
            done = set(self._done)
        while self._pending or done or self._gaps:
            some = self._pending[:COMMIT_MOST]
            began_s = time.monotonic()
            try:
                written = self._committed(some, done)
            except UnavailableError as exc:
                self._disk_failed(str(exc))
                return
            self._pending = self._pending[COMMIT_MOST:]
            self._note(began_s, written)
            self._settled(done)
            done = set()
            self._tell()  # before it can arrive: nobody may think that all has
            if self.outlet is not None and self.outlet.takes_live():
                self._give(self.outlet, written, is_live=True)
        self._may_tidy = True

    def _tell(self) -> None:
        """Leave figures where other threads may look."""
        self.figures = self._outbox.figures()
        self.untimed = self._untimed.readings
        self.deeds.in_memory = len(self._pending)
        self._timekeeper.newest_ms = self.figures.newest_ms

    def _committed(self, some: list[Reading], done: set[int]) -> list[Waiting]:
        timed = [r for r in some if r.clock is not ClockQuality.UNSYNCED]
        untimed = [r for r in some if r.clock is ClockQuality.UNSYNCED]
        gaps = self._gaps
        with self._outbox.together():
            self._outbox.settle(done, self._timekeeper.known_ms())
            if untimed:
                self._untimed.keep(
                    self._timekeeper.boot, self.figures.newest_ms, untimed
                )
            written = self._outbox.commit(timed, gaps, handed=self._handed)
        self._gaps = []
        if timed or gaps:
            self._on_confirmed(timed, gaps)
        return written

    def _note(self, began_s: float, written: Sequence[Waiting]) -> None:
        took_ms = (time.monotonic() - began_s) * 1000
        self.deeds.written_bytes += sum(len(one.payload) for one in written)
        self.deeds.commits += 1
        self.deeds.slowest_ms = max(self.deeds.slowest_ms, took_ms)
        self.deeds.recent_ms.append(took_ms)
        if self.deeds.disk_error is not None:
            log.info("outbox.writable_again", readings=len(self._pending))
        self.deeds.disk_error = None

    def _settled(self, done: set[int]) -> None:
        self._handed -= done
        with self._bell:
            self._done -= done

    def _give(
        self, outlet: Outlet, batches: Sequence[Waiting], *, is_live: bool
    ) -> None:
        self._handed.update(one.batch for one in batches)
        outlet.offer(batches, is_live=is_live)

    def _disk_failed(self, why: str) -> None:
        if self.deeds.disk_error is None:
            log.error("outbox.unwritable", why=why, in_memory=len(self._pending))
        self.deeds.disk_error = why
        self._untimed.recount()
        self._outbox.make_room_on_disk()
        self._pending, self._gaps, dropped = bounded(
            self._pending, self._gaps, MEMORY_READINGS
        )
        with self._bell:  # ``take`` counts too
            self.deeds.dropped += dropped
        self._not_before_s = time.monotonic() + DISK_PAUSE_S

    def _hand_out(self, wanted: int) -> None:
        if self.outlet is not None:
            batches = self._outbox.backlog(min(wanted, HAND_OUT_MOST), self._handed)
            self._give(self.outlet, batches, is_live=False)

    def _keep_house(self) -> None:
        self._may_tidy = self._may_tidy and self._tidied()
        now_s = time.monotonic()
        if now_s - self._housekept_s < HOUSEKEEPING_S:
            return
        self._housekept_s = now_s
        self._timekeeper.watch()
        with contextlib.suppress(UnavailableError):  # the next commit tells
            self._time_some()
            if now_s - self._forgot_s > FORGET_S:
                self._forgot_s = now_s
                self._outbox.forget(self._timekeeper.sure_ms())
        self._tell()

    def _tidied(self) -> bool:
        try:
            return self._outbox.tidy(self._handed)
        except UnavailableError:
            return False

    def _time_some(self) -> None:
        self._untimed.give_up_some(self.figures.newest_ms + 1, handed=self._handed)
        present = self._timekeeper.present()
        if present is None:
            return
        while self._untimed.readings:
            readings = self._untimed.time_some(present, handed=self._handed)
            self._on_confirmed(readings, ())
            log.info("readings.retimed", count=len(readings))


def bounded(
    readings: list[Reading], gaps: list[Gap], most: int
) -> tuple[list[Reading], list[Gap], int]:
    """Thin the older half of readings in memory until there are at most so many. Pure.

    What has no time yet can be in no gap record: it goes last, and is only counted.
    """
    dropped = 0
    while len(readings) > most:
        half = readings[: len(readings) // 2]
        timed = [r for r in half if r.clock is not ClockQuality.UNSYNCED]
        rest = [r for r in half if r.clock is ClockQuality.UNSYNCED]
        if not timed:
            readings, dropped = readings[len(half) :], dropped + len(half)
            continue
        rank = min(RANKS[reading.channel] for reading in timed)
        left = thinned(timed, gaps, rank, all_of_it=False)
        if not left.given_up:
            left = thinned(timed, gaps, rank, all_of_it=True)
        readings = [*rest, *left.readings, *readings[len(half) :]]
        gaps, dropped = left.gaps, dropped + left.given_up
    return readings, gaps, dropped
