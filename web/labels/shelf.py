"""What all labels of a lot share, kept for a minute: the next label of it is shown sooner.

Nothing that must be seen at once is in it: verdict, recall, certificate and inspections
are asked for each page (``keeping``).
"""

import threading
import time
from collections import OrderedDict
from typing import Final

from greenwater.kernel.clock import Clock
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from traceability.label.passport import Passport, lot_passport

KEPT_S: Final = 60.0
MOST: Final = 1_000


class Shelf:
    """Passports of lots; any thread may ask."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, Passport]] = OrderedDict()

    def of(self, lot: Lot) -> Passport:
        """Return a lot's passport, at most a minute old.

        Raises:
            UnavailableError: the database did not answer.
        """
        with self._lock:
            until_s, known = self._kept.get(lot.id, (0.0, None))
        now_s = time.monotonic()
        if known is not None and now_s < until_s:
            return known
        made = lot_passport(self._registry, lot)
        with self._lock:
            self._kept[lot.id] = now_s + self._clock.real_seconds(KEPT_S), made
            self._kept.move_to_end(lot.id)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return made
