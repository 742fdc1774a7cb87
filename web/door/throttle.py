"""How long to wait before the next try at the door. Kept in memory: a restart forgives."""

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from greenwater.kernel.reading import HOUR_MS

MOST_KEPT: Final = 10_000
FORGET_MS: Final = HOUR_MS
FREE_TRIES: Final = 4
FREE_TRIES_AN_ADDRESS: Final = 30
"""A whole village may stand behind one address of the telephone company."""

FIRST_WAIT_MS: Final = 30_000
LONGEST_WAIT_MS: Final = HOUR_MS


def wait_after(failures: int, free: int = FREE_TRIES) -> int:
    """Return how long to wait after so many wrong tries, in ms."""
    if failures < free:
        return 0
    return min(FIRST_WAIT_MS << min(failures - free, 12), LONGEST_WAIT_MS)


FORGIVEN_AT_ONCE: Final = 4
"""How many wrong tries at an address somebody who came in there makes up for."""


class Turn(NamedTuple):
    """Whether a try may be, and how long to wait: still, or after it if it was wrong."""

    may: bool
    wait_ms: int


class Throttle:
    """Wrong tries by what they have in common. Thread-safe.

    Numbers that nobody has are counted as accounts are, so that the wait does not tell
    which numbers there are.
    """

    def __init__(self, free: int = FREE_TRIES) -> None:
        self._free = free
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._forgave: OrderedDict[tuple[str, str], int] = OrderedDict()

    def begin(self, key: str, now_ms: int) -> Turn:
        """Count a try as wrong before it is known, so that many at once are not more.

        ``undo`` takes it back.
        """
        with self._lock:
            failures, last_ms = self._known.get(key, (0, 0))
            left_ms = last_ms + wait_after(failures, self._free) - now_ms
            if failures and left_ms > 0:
                return Turn(False, left_ms)
            return Turn(True, self._count(key, now_ms))

    def undo(self, key: str, count: int = 1) -> None:
        """Take back so many wrong tries."""
        with self._lock:
            failures, last_ms = self._known.get(key, (0, 0))
            if failures > count:
                self._known[key] = (failures - count, last_ms)
            else:
                self._known.pop(key, None)

    def make_up(self, key: str, by: str, now_ms: int) -> None:
        """Forgive some tries at a key for somebody who came in: once an hour by each.

        Else whoever has one account could try all others from there for ever.
        """
        with self._lock:
            before_ms = self._forgave.get((key, by))
            if before_ms is not None and now_ms - before_ms < FORGET_MS:
                return
            self._forgave.pop((key, by), None)
            self._forgave[key, by] = now_ms
            while len(self._forgave) > MOST_KEPT:
                self._forgave.popitem(last=False)
        self.undo(key, FORGIVEN_AT_ONCE)

    def _count(self, key: str, now_ms: int) -> int:
        failures, last_ms = self._known.pop(key, (0, now_ms))
        if now_ms - last_ms > FORGET_MS + wait_after(failures, self._free):
            failures = 0
        self._known[key] = (failures + 1, now_ms)
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return wait_after(failures + 1, self._free)
