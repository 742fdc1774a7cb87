"""A watcher goes on after a restart as if there had been none, whatever comes first."""

from collections.abc import Sequence

import msgspec
import pytest

from analytics.oddities import Oddities
from analytics.watching import Kept
from greenwater.kernel.ids import WorkerId
from greenwater.kernel.reading import MINUTE_MS, Reading
from greenwater.storage.telemetry.ports import Intake
from tests.unit.ponds import BOX, a_store, hung, oxygen, places

CRASHED = 34
"""Batches that were taken in before the restart."""


def kept_of(oddities: Oddities, batches: Sequence[Sequence[Reading]]) -> bytes:
    """Take batches in, a pass each; return what is kept of the probe at the end."""
    states = dict[str, bytes]()
    for batch in batches:
        last_ms = batch[-1].taken_ms
        row = Intake(
            WorkerId("w"), 1, BOX, "o", 1, 1, len(batch), 0, 0, 0,
            batch[0].taken_ms, last_ms, last_ms + MINUTE_MS,
        )  # fmt: skip
        oddities.take(row, batch, places(hung("top")))
        states |= oddities.taken()
    (kept,) = states.values()
    return kept


@pytest.mark.parametrize("news", [0, 1], ids=["seen before", "and some of it new"])
def test_what_comes_first_after_a_restart_loses_nothing(news: int) -> None:
    every = oxygen(*(6.5 + n % 5 / 10 for n in range(60)), every_ms=10 * MINUTE_MS)
    batches = [[one] for one in every]
    with a_store() as store:
        store.write(every)
        whole = kept_of(Oddities(store, {}), batches)
        kept = kept_of(Oddities(store, {}), batches[:CRASHED])
        newest_ms = msgspec.json.decode(kept, type=Kept).newest_ms
        assert newest_ms < every[CRASHED - 1].taken_ms, "all that was taken was kept"
        again = Oddities(store, {"water/box/top": kept})
        first = [every[CRASHED - 5], *every[CRASHED : CRASHED + news]]
        assert kept_of(again, [first, *batches[CRASHED + news :]]) == whole
