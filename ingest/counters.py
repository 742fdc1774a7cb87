"""The closed vocabulary of what ingest counts, for Prometheus and for the ledger.

``received = stored + repeated + quarantined`` holds at every moment between two groups.
"""

import threading
from typing import Literal, get_args

Name = Literal[
    "received",  # records that arrived; an unreadable payload counts as one
    "stored",  # readings and gaps that are in the store now and were not before
    "repeated",  # were there already, or gave way to a later value of their batch
    "quarantined",  # rest in quarantine
    "overwritten",  # of the stored: replaced another value
    "batches",  # payloads taken in
    "groups",  # writes to the store
    "contradicted",  # batches whose number stood for other bytes
    "unauthorised",  # payloads of unknown or revoked devices
    "shed",  # payloads dropped unread because the queue was full; the box sends again
    "retries",  # times a group had to be done again
    "statuses",
    "replies",
]
NAMES: tuple[Name, ...] = get_args(Name)


class Counters:
    """Counts; safe to read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Name, int] = dict.fromkeys(NAMES, 0)

    def add(self, **counts: int) -> None:
        """Add to several at once, so that their sum is never seen half done."""
        with self._lock:
            for name, count in counts.items():
                self._counts[name] += count  # type: ignore[index]  # KeyError names a typo

    def snapshot(self) -> dict[Name, int]:
        """Return all counts of one moment."""
        with self._lock:
            return dict(self._counts)
