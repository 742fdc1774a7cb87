"""How long to wait before the next try at the door. Kept in memory: a restart forgives."""

import threading
from collections import OrderedDict
from typing import Final

MOST_KEPT: Final = 10_000
FORGET_MS: Final = 3600 * 1000
FREE_TRIES: Final = 4
FREE_TRIES_AN_ADDRESS: Final = 30
"""A whole village may stand behind one address of the telephone company."""

FIRST_WAIT_MS: Final = 30_000
LONGEST_WAIT_MS: Final = 3600 * 1000


def wait_after(failures: int, free: int = FREE_TRIES) -> int:
    """Return how long to wait after so many wrong tries, in ms."""
    if failures < free:
        return 0
    return min(FIRST_WAIT_MS << min(failures - free, 12), LONGEST_WAIT_MS)


class Patience:
    """Wrong tries by what they have in common. Thread-safe.

    Numbers that nobody has are counted as accounts are, so that the wait does not tell
    which numbers there are.
    """

    def __init__(self, free: int = FREE_TRIES) -> None:
        self._free = free
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def wait_ms(self, key: str, now_ms: int) -> int:
        """Return how long this one has to wait still."""
        with self._lock:
            failures, last_ms = self._known.get(key, (0, 0))
        return max(0, last_ms + wait_after(failures, self._free) - now_ms)

    def failed(self, key: str, now_ms: int) -> int:
        """Note a wrong try; return how long to wait before the next."""
        with self._lock:
            failures, last_ms = self._known.pop(key, (0, now_ms))
            if now_ms - last_ms > FORGET_MS + wait_after(failures, self._free):
                failures = 0
            self._known[key] = (failures + 1, now_ms)
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        return wait_after(failures + 1, self._free)

    def forget(self, key: str) -> None:
        """Forgive: the right one came."""
        with self._lock:
            self._known.pop(key, None)
