"""Which batches are stored already, from memory; rebuilt from intake at each start.

Two questions: is this batch stored, and with which digest? Numbers are kept as ranges
per outbox (a box numbers its batches one after another, so a year of them is a few
ranges); digests of the latest batches in a bounded map. A batch that is known by number
but whose digest has been forgotten is treated as new: merging compares its values with
the stored ones, and nothing is counted twice.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from enum import Enum, auto

from greenwater.storage.telemetry.ports import Intake

DIGESTS_KEPT = 200_000


class Verdict(Enum):
    """What is known of a batch."""

    NEW = auto()
    REPEATED = auto()
    CONTRADICTED = auto()  # the same number stood for other bytes


class Ranges:
    """A set of whole numbers, kept as inclusive ranges."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def add(self, number: int) -> None:
        """Add one number; joins the ranges it touches."""
        at = bisect_right(self._firsts, number) - 1
        if at >= 0 and number <= self._lasts[at] + 1:
            self._lasts[at] = max(number, self._lasts[at])
        else:
            at += 1
            self._firsts.insert(at, number)
            self._lasts.insert(at, number)
        if at + 1 < len(self._firsts) and self._firsts[at + 1] <= self._lasts[at] + 1:
            self._lasts[at] = max(self._lasts[at], self._lasts.pop(at + 1))
            del self._firsts[at + 1]

    def pairs(self) -> list[tuple[int, int]]:
        """Return the ranges in order, as (first, last)."""
        return list(zip(self._firsts, self._lasts, strict=True))


class Seen:
    """The batches this worker knows to be stored."""

    def __init__(self, digests_kept: int = DIGESTS_KEPT) -> None:
        self._digests: OrderedDict[tuple[str, int], int] = OrderedDict()
        self._kept = digests_kept

    def load(self, rows: Iterable[Intake]) -> int:
        """Learn from stored intake rows, oldest first; return how many there were."""
        count = 0
        for row in rows:
            self.add(row.outbox, row.batch, row.digest)
            count += 1
        return count

    def look(self, outbox: str, batch: int, digest: int) -> Verdict:
        """Return what is known of a batch with this digest."""
        known = self._digests.get((outbox, batch))
        if known is None:
            return Verdict.NEW
        return Verdict.REPEATED if known == digest else Verdict.CONTRADICTED

    def add(self, outbox: str, batch: int, digest: int) -> None:
        """Note that a batch is stored."""
        digests = self._digests
        digests[(outbox, batch)] = digest
        if len(digests) > self._kept:
            digests.popitem(last=False)

    def forget(self) -> None:
        """Forget all: after a restore, what was stored may be gone."""
        self._digests.clear()
