"""What all labels of a lot share, kept for a minute: the next label of it is shown sooner.

Two things of different freshness. The passport's story is a minute old at most. What must be
seen at once (recalls, keys, certificates, inspections) is held no longer than the stamp of
the lot is the same (``kept_pages``), which is asked for each page.
"""

import threading
import time
from collections import OrderedDict
from typing import Any, Final, NamedTuple

from greenwater.kernel.clock import Clock
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.change_marks import Stamp
from traceability.book.asked_once import asked_once
from traceability.label.passport import Passport, lot_passport

KEPT_S: Final = 60.0
MOST: Final = 1_000

STAMPED: Final = frozenset(
    {
        "find_lot",
        "signing_keys",
        "operator_alarms",
        "recalls_upon",
        "inspections",
        "claims",
        "offices",
        "get_certificate",
        "certificate_acts",
    }
)
"""What is asked of the registry for every label of a lot, and cannot change while the
stamp of the lot is the same; names of offices may be a minute old."""


class _Seen(NamedTuple):
    """The registry as it stood at a stamp, and until when it is held."""

    until_s: float
    stamp: tuple[int, ...]
    registry: Registry


def _tidy(kept: OrderedDict[str, Any], now_s: float) -> None:
    """Give up what is over, and what nobody has asked for the longest beyond ``MOST``."""
    while kept and (len(kept) > MOST or next(iter(kept.values())).until_s <= now_s):
        kept.popitem(last=False)


class _Made(NamedTuple):
    """A passport, and until when it is shown."""

    until_s: float
    passport: Passport


class KeptPassports:
    """Passports of lots; any thread may ask."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Made] = OrderedDict()
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def of(self, lot: Lot) -> Passport:
        """Return a lot's passport, at most a minute old.

        Raises:
            UnavailableError: the database did not answer.
        """
        with self._lock:
            known = self._kept.get(lot.id)
        now_s = time.monotonic()
        if known is not None and now_s < known.until_s:
            return known.passport
        until_s = now_s + self._clock.real_seconds(KEPT_S)
        made = _Made(until_s, lot_passport(self._registry, lot))
        with self._lock:
            self._kept[lot.id] = made
            self._kept.move_to_end(lot.id)
            _tidy(self._kept, now_s)
        return made.passport

    def seen(self, lot: str, stamp: Stamp) -> Registry:
        """Return the registry for a page of a lot whose stamp was just taken."""
        now_s = time.monotonic()
        with self._lock:
            known = self._seen.get(lot)
            if known is None or known.stamp != stamp.lot or now_s >= known.until_s:
                until_s = now_s + self._clock.real_seconds(KEPT_S)
                fresh = asked_once(self._registry, STAMPED)
                known = self._seen[lot] = _Seen(until_s, stamp.lot, fresh)
            self._seen.move_to_end(lot)
            _tidy(self._seen, now_s)
        return known.registry
