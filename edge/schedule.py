"""When to sample, when to try again, whom to leave alone for a while. Pure."""

import random
from dataclasses import dataclass

CONNECT_FIRST_S = 1.0
CONNECT_CAP_S = 60.0
RESEND_FIRST_S = 60.0
RESEND_CAP_S = 900.0


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
