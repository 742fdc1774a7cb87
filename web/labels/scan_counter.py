"""Scans of kept pages, counted together: nobody waits for the disk to count his scan."""

import threading
from collections import Counter
from typing import Final

import structlog

from greenwater.kernel.errors import PlatformError
from traceability.label.scanning import Scanning

log = structlog.get_logger()

EVERY_S: Final = 0.5
"""How long scans are gathered. A process that is killed loses those of so long."""


class ScanCounter:
    """Gathers scans and writes them, from a thread of its own; any thread may count."""

    def __init__(self, scanning: Scanning) -> None:
        self._scanning, self._lock = scanning, threading.Lock()
        self._waiting: Counter[str] = Counter()

    def note(self, label: str) -> None:
        """Count a scan of a label, soon."""
        with self._lock:
            is_first = not self._waiting
            self._waiting[label] += 1
        if is_first:
            threading.Timer(EVERY_S, self.write).start()

    def write(self) -> None:
        """Write what was gathered."""
        with self._lock:
            counts, self._waiting = self._waiting, Counter()
        try:
            if counts:
                self._scanning.note_many(counts)
        except PlatformError as exc:
            log.warning("scan.not_counted", error=str(exc))
