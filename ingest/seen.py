"""Which batches are stored already, from memory; rebuilt from intake at each start.

The digests of the latest batches are kept, bounded in number. A batch that has been
forgotten is treated as new: merging compares its values with the stored ones, so that
nothing is counted twice and no value is replaced unseen.
"""

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
