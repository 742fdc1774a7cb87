"""When to sample, when to try again, whom to leave alone for a while. Pure."""

import random
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

CONNECT_FIRST_S: Final = 1.0
CONNECT_CAP_S: Final = 60.0
RESEND_FIRST_S: Final = 60.0
RESEND_CAP_S: Final = 900.0


def next_slot_ms(now_ms: int, interval_ms: int) -> int:
    """Return the next multiple of the interval after an instant (00:00, 00:15, …)."""
    return (now_ms // interval_ms + 1) * interval_ms


def connect_pause_s(attempt: int, rng: random.Random) -> float:
    """Return how long to wait before connecting again: 1 s doubling to 60 s, jittered.

    Jitter over the upper half: five thousand boxes that lose a mast together must not
    come back together.
    """
    ceiling = min(CONNECT_CAP_S, CONNECT_FIRST_S * 2.0 ** min(attempt, 10))
    return rng.uniform(ceiling / 2, ceiling)


def resend_pause_s(sends: int) -> float:
    """Return how long to wait for an acknowledgement: 60 s doubling to 15 min."""
    return min(RESEND_CAP_S, RESEND_FIRST_S * 2.0 ** min(max(sends - 1, 0), 10))


class Act(Enum):
    """What to do with a probe."""

    WAKE = auto()
    READ = auto()


class Next(NamedTuple):
    """What is to be done with a probe, and when on the clock."""

    act: Act
    at_ms: int


@dataclass
class Turns:
    """When one probe is woken and read: at multiples of its interval on the clock.

    A probe that must warm up is woken that much before. A slot that has passed by is
    missed and counted; late readings do not bunch. An interval of 0 reads at every step
    of a clock that moves in steps, once a step; nobody can tell there when to wake.
    """

    interval_ms: int
    warmup_ms: int = 0
    missed: int = 0
    _slot_ms: int | None = None
    _awake_ms: int | None = None

    def next(self, now_ms: int) -> Next:
        """Return what is next; it is due when its instant is not after now."""
        slot_ms = self._slot(now_ms)
        if not self.warmup_ms:
            return Next(Act.READ, slot_ms)
        if self._awake_ms is None:
            return Next(Act.WAKE, slot_ms - self._lead_ms)
        return Next(Act.READ, max(slot_ms, self._awake_ms + self._lead_ms))

    @property
    def _lead_ms(self) -> int:
        return self.warmup_ms if self.interval_ms else 0

    def _slot(self, now_ms: int) -> int:
        slot_ms = self._slot_ms
        if slot_ms is None or slot_ms - now_ms > max(self.interval_ms, 1):
            # the first of all, or the clock was set back
            slot_ms = (
                next_slot_ms(now_ms, self.interval_ms) if self.interval_ms else now_ms
            )
        self._slot_ms = slot_ms
        return slot_ms

    def woken(self, now_ms: int) -> None:
        """Note that the probe was told to measure."""
        self._awake_ms = now_ms

    def done(self, now_ms: int, *, is_read: bool) -> None:
        """Note that the slot is over, with a reading or without."""
        slot_ms = self._slot(now_ms)
        self._awake_ms = None
        if not self.interval_ms:
            self._slot_ms = now_ms + 1
            self.missed += not is_read
            return
        passed = max(0, now_ms - slot_ms) // self.interval_ms
        self.missed += passed + (not is_read)
        self._slot_ms = next_slot_ms(max(now_ms, slot_ms), self.interval_ms)

    def set_interval(self, interval_ms: int) -> None:
        """Sample that often from now on."""
        self.interval_ms, self._slot_ms, self._awake_ms = interval_ms, None, None


@dataclass
class Breaker:
    """Leaves a silent unit alone for growing pauses, so that it never delays others.

    Times are monotonic seconds. After ``patience`` failures in a row it opens for
    ``first_s``, doubling to ``cap_s``; one try is let through after each pause.
    """

    patience: int = 3
    first_s: float = 5.0
    cap_s: float = 300.0
    failures: int = 0
    blocked_until_s: float = 0.0

    def lets(self, now_s: float) -> bool:
        """Return whether to try now."""
        return now_s >= self.blocked_until_s

    def succeeded(self) -> None:
        """Note an answer, of whatever kind."""
        self.failures, self.blocked_until_s = 0, 0.0

    def failed(self, now_s: float) -> None:
        """Note silence."""
        self.failures += 1
        if self.failures >= self.patience:
            exponent = min(self.failures - self.patience, 10)
            self.blocked_until_s = now_s + min(self.cap_s, self.first_s * 2.0**exponent)

    @property
    def is_open(self) -> bool:
        """Whether the unit is being left alone."""
        return self.failures >= self.patience
