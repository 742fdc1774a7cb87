"""Whether anybody's alarms changed: asked once for all open pages, not once for each.

While the registry's mark stays the same nothing is asked at all; when it has changed, one
query brings the open alarms of everybody, and each page is told of its own.
"""

import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool

from greenwater.storage.registry import Registry
from greenwater.storage.registry.alarms import Alarm

EVERY_S: Final = 0.25
Marks = tuple[str, str]
"""One of the alarms' states, one of their values."""


class Pulses:
    """Marks of the open alarms of each organisation, a quarter of a second old."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._lock = registry, threading.Lock()
        self._due_s, self._mark = 0.0, ""
        self._of: dict[str, Marks] = {}

    async def now(self, organisations: frozenset[str] | None) -> Marks:
        """Return the marks of what these organisations see; None: of all.

        Raises:
            UnavailableError: the database did not answer.
        """
        if time.monotonic() >= self._due_s:
            await run_in_threadpool(self.ask)
        return self.of(organisations)

    def ask(self) -> None:
        """Ask the registry, if nobody else is doing so.

        Raises:
            UnavailableError: the database did not answer.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._due_s = time.monotonic() + EVERY_S
            mark = self._registry.mark()
            if mark != self._mark:
                self._of = _by_organisation(self._registry.open_alarms())
                self._mark = mark
        finally:
            self._lock.release()

    def of(self, organisations: frozenset[str] | None) -> Marks:
        """Return the marks of what these organisations see; None: of all."""
        known = self._of
        seen = known if organisations is None else organisations & known.keys()
        found = sorted((one, known[one]) for one in seen)
        return (
            _mark([(one, state) for one, (state, _) in found]),
            _mark([(one, value) for one, (_, value) in found]),
        )


def _by_organisation(alarms: Sequence[Alarm]) -> dict[str, Marks]:
    held: dict[str, list[Alarm]] = defaultdict(list)
    for one in alarms:
        held[one.organisation].append(one)
    return {name: _marks(ours) for name, ours in held.items()}


def _marks(alarms: Sequence[Alarm]) -> Marks:
    states = [
        (a.id, a.state, a.severity, a.acknowledged_ms, a.shelved_until_ms, a.hidden)
        for a in alarms
    ]
    values = [a.taken_ms for a in alarms if a.is_active]
    return _mark(states), _mark(values)


def _mark(what: object) -> str:
    return hashlib.blake2b(repr(what).encode(), digest_size=6).hexdigest()
