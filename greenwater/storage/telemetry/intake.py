"""The order of intake rows over several workers: pure, for both adapters.

Within a worker the sequence is the order. Between workers it is when a row was recorded,
which never changes a worker's own order (a clock may step back).
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from greenwater.kernel.ids import WorkerId
from greenwater.storage.telemetry.ports import Intake

FIRST: Final = -1
"""The cursor of a worker that nobody has read."""

Tail = Sequence[tuple[int, int]]
"""(sequence, recorded_ms) of a worker's newest rows, newest first."""


def interleaved(streams: Iterable[Iterable[Intake]]) -> Iterator[Intake]:
    """Yield the rows of several workers, the earliest recorded first."""
    return heapq.merge(*streams, key=lambda row: row.recorded_ms)


def starts(tails: Mapping[WorkerId, Tail], limit: int) -> dict[WorkerId, int]:
    """Return for each worker the sequence of its first row among the newest ``limit``."""
    newest_first = heapq.merge(
        *(
            [(recorded_ms, worker, sequence) for sequence, recorded_ms in tail]
            for worker, tail in tails.items()
        ),
        key=lambda row: -row[0],
    )
    first: dict[WorkerId, int] = {}
    for _, worker, sequence in islice(newest_first, max(0, limit)):
        first[worker] = min(first.get(worker, sequence), sequence)
    return first
