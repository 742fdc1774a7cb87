"""One box's outbox, as numbers: what is sent, unacknowledged, settled. Pure.

The law is docs/wire.md, Delivery: a batch is sent again after a reconnect, on a new
platform epoch, and after a wait that doubles to 15 min; it is settled when it is stored
or refused.
"""

from collections import deque
from typing import Final, NamedTuple

from msgspec import Struct

from firmware_sim.fleet.ledger import Entry, Ranges

LONGEST_WAIT_S: Final = 900.0


class RefusedBatch(Struct, frozen=True):
    """A batch that rests in quarantine."""

    batch: int
    reason: str = ""


class AckMessage(Struct, frozen=True):
    """What comes down on ``ack``."""

    outbox: str
    stored: tuple[tuple[int, int], ...] = ()
    refused: tuple[RefusedBatch, ...] = ()


class PlatformMessage(Struct, frozen=True):
    """What comes down on ``platform``."""

    epoch: str


class _Flight(NamedTuple):
    first_s: float
    due_s: float
    wait_s: float


class Box:
    """The bookkeeping of one device. Instants are monotonic seconds."""

    __slots__ = (
        "_again",
        "_epoch",
        "_flights",
        "_last",
        "_resend_s",
        "device",
        "next_batch",
        "number",
        "outbox",
        "refused",
        "resent",
        "stored",
    )

    def __init__(
        self,
        number: int,
        device: str,
        outbox: str,
        *,
        resend_s: float,
        last: int | None,
    ) -> None:
        self.number, self.device, self.outbox = number, device, outbox
        self.next_batch, self.resent = 0, 0
        self.stored, self.refused = Ranges(), dict[int, str]()
        self._flights: dict[int, _Flight] = {}
        self._again: deque[int] = deque()
        self._resend_s, self._last = resend_s, last
        self._epoch: str | None = None

    @property
    def in_flight(self) -> int:
        """Batches sent and not settled."""
        return len(self._flights)

    def has_work(self, window: int, *, may_begin: bool) -> bool:
        """Return whether ``take`` would give a batch."""
        if self._again:
            return True
        is_left = self._last is None or self.next_batch < self._last
        return may_begin and is_left and len(self._flights) < window

    def take(self, now_s: float) -> int:
        """Return the batch to send now: one to send again, else the next new one."""
        while self._again:
            batch = self._again.popleft()
            flight = self._flights.get(batch)
            if flight is not None:
                wait_s = min(flight.wait_s * 2, LONGEST_WAIT_S)
                self._flights[batch] = _Flight(flight.first_s, now_s + wait_s, wait_s)
                self.resent += 1
                return batch
        batch = self.next_batch
        self.next_batch += 1
        self._flights[batch] = _Flight(now_s, now_s + self._resend_s, self._resend_s)
        return batch

    def settle(self, ack: AckMessage, now_s: float) -> list[float]:
        """Take an ack; return how long each batch it settles has taken.

        An ack for another outbox, or for what is settled already, changes nothing.
        """
        if ack.outbox != self.outbox:
            return []
        taken = []
        for first, last in ack.stored:
            for batch in range(first, min(last, self.next_batch - 1) + 1):
                flight = self._flights.pop(batch, None)
                if flight is not None:
                    self.stored.add(batch)
                    taken.append(now_s - flight.first_s)
        for refused in ack.refused:
            if self._flights.pop(refused.batch, None) is not None:
                self.refused[refused.batch] = refused.reason
        return taken

    def lost_connection(self) -> None:
        """Send everything unsettled again."""
        self._again = deque(self._flights)

    def learn_epoch(self, epoch: str) -> None:
        """Send everything unsettled again if this epoch is another than the last."""
        if self._epoch not in (None, epoch):
            self.lost_connection()
        self._epoch = epoch

    def check_overdue(self, now_s: float) -> None:
        """Send again what was due before now."""
        late = [n for n, flight in self._flights.items() if flight.due_s <= now_s]
        if late:
            self._again.extend(n for n in late if n not in self._again)

    def entry(self) -> Entry:
        """Return what became of its batches."""
        return Entry(
            self.device,
            self.number,
            self.outbox,
            self.next_batch,
            tuple(self.stored),
            dict(self.refused),
        )
