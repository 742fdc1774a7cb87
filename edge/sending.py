"""What to send next: live batches first, the backlog behind, as far as credit goes. Pure.

The law of this module:

1. At most ``window`` batches are in the air: sent over this connection and neither
   stored nor refused. PUBACK says nothing.
2. Live batches go first. The backlog has a credit of its own, a part of the window, that
   grows while acknowledgements come within a second and shrinks when they take longer:
   over a slow link little of the backlog lies in front of the next live batch.
3. What was sent stays here, as it was sent, until it is acknowledged; a new connection or
   a new epoch sends it again, within the same credit. While much of that is due, as with
   a network that comes and goes before a platform that is down, nothing new is taken:
   memory is bounded, and what stays in the outbox may still be joined or thinned.
4. What is not acknowledged is sent again after 60 s, doubling to 15 min. If nothing at
   all is acknowledged for long, the connection itself is not to be trusted.

Times are monotonic seconds.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from edge.outbox import Waiting
from edge.schedule import resend_pause_s

BACKLOG_SHARE: Final = 0.75
FIRST_CREDIT: Final = 4.0
QUICK_S: Final = 1.0
SLOW_S: Final = 2.0
STUCK_FIRST_S: Final = 300.0
STUCK_CAP_S: Final = 3600.0
ASK_AGAIN_S: Final = 0.5
AGAIN_MOST: Final = 2
"""Windows of batches that may be due again, beyond which live ones wait in the outbox."""

Ranges = Sequence[tuple[int, int]]


@dataclass
class Flight:
    """A batch and what became of it."""

    waiting: Waiting
    is_live: bool
    sends: int = 0
    sent_s: float = 0.0


@dataclass
class Sending:
    """Batches on their way to the platform."""

    window: int
    air: dict[int, Flight] = field(default_factory=dict)
    credit: float = FIRST_CREDIT
    _live: deque[Flight] = field(default_factory=deque)
    _backlog: deque[Flight] = field(default_factory=deque)
    _again: deque[Flight] = field(default_factory=deque)
    _asked_s: float | None = None
    _slowed_s: float = 0.0
    _progress_s: float = 0.0
    _stuck_after_s: float = STUCK_FIRST_S

    def takes_live(self) -> bool:
        """Return whether a batch just committed could go out at once."""
        if len(self._again) >= AGAIN_MOST * self.window:
            return False
        return len(self._live) + len(self.air) < self.window

    def offer_live(self, batches: Sequence[Waiting]) -> None:
        """Take batches just committed."""
        self._live.extend(Flight(one, is_live=True) for one in batches)

    def offer_backlog(self, batches: Sequence[Waiting]) -> None:
        """Take batches that were asked for."""
        self._backlog.extend(Flight(one, is_live=False) for one in batches)
        if batches:
            self._asked_s = None

    def wants(self, now_s: float) -> int:
        """Return how many batches of the backlog to ask for now."""
        room = int(self.credit) + 1 - len(self._backlog) - len(self._again)
        is_waiting = self._asked_s is not None and now_s - self._asked_s < ASK_AGAIN_S
        if room <= 0 or is_waiting:
            return 0
        self._asked_s = now_s
        return max(room, int(self.credit))

    def connected(self, now_s: float) -> None:
        """Send what was in the air again, over a new connection."""
        self.send_all_again()
        # A slow line that was cut is slow when it is back: what was learnt of it stays.
        self.credit = min(self.credit, FIRST_CREDIT)
        self._progress_s = now_s

    def send_all_again(self) -> None:
        """Queue what is in the air, oldest first."""
        flights = sorted(self.air.values(), key=lambda one: one.waiting.batch)
        self._again.extendleft(reversed(flights))
        self.air.clear()

    def next(self, now_s: float) -> Waiting | None:
        """Return the batch to publish now; it counts as sent."""
        flight = self._chosen(now_s)
        if flight is None:
            return None
        flight.sends += 1
        flight.sent_s = now_s
        self.air[flight.waiting.batch] = flight
        return flight.waiting

    def _chosen(self, now_s: float) -> Flight | None:
        if self._live and len(self.air) < self.window:
            return self._live.popleft()
        late = self._late(now_s)
        if late is not None:
            return late
        if not self._has_credit():
            return None
        if self._again:
            return self._again.popleft()
        return self._backlog.popleft() if self._backlog else None

    def _has_credit(self) -> bool:
        behind = sum(not one.is_live for one in self.air.values())
        return behind < int(self.credit) and len(self.air) < self.window

    def _late(self, now_s: float) -> Flight | None:
        for flight in self.air.values():
            if now_s - flight.sent_s >= resend_pause_s(flight.sends):
                return flight
        return None

    def acked(self, ranges: Ranges, now_s: float) -> list[int]:
        """Note what is done; return the numbers, of batches that were sent only."""
        done = [batch for batch in self._sent() if _holds(ranges, batch)]
        for batch in done:
            flight = self.air.pop(batch, None)
            if flight is not None and not flight.is_live and flight.sends == 1:
                self._adapt(now_s - flight.sent_s, now_s)
        if done:
            finished = set(done)
            self._again = deque(
                one for one in self._again if one.waiting.batch not in finished
            )
            self._progress_s, self._stuck_after_s = now_s, STUCK_FIRST_S
        return done

    def _sent(self) -> list[int]:
        return [*self.air, *(one.waiting.batch for one in self._again)]

    def _adapt(self, took_s: float, now_s: float) -> None:
        if took_s <= QUICK_S:
            self.credit = min(self.window * BACKLOG_SHARE, self.credit + 0.5)
        elif took_s > SLOW_S and now_s - self._slowed_s > SLOW_S:
            self.credit, self._slowed_s = max(1.0, self.credit / 2), now_s

    def is_stuck(self, now_s: float) -> bool:
        """Return whether the connection should be given up: long without any progress.

        It may be the platform that is down, so each time it takes twice as long.
        """
        if not self.air or now_s - self._progress_s < self._stuck_after_s:
            return False
        self._stuck_after_s = min(STUCK_CAP_S, self._stuck_after_s * 2)
        return True

    def next_due_s(self, now_s: float) -> float:
        """Return in how many seconds something may be due though nothing happens."""
        pauses = (
            one.sent_s + resend_pause_s(one.sends) - now_s for one in self.air.values()
        )
        return max(0.0, min([ASK_AGAIN_S, *pauses]))


def _holds(ranges: Ranges, batch: int) -> bool:
    return any(first <= batch <= last for first, last in ranges)
