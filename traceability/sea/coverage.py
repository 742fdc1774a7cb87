"""How much of a trip positions cover, and where they came from: pure and streaming."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from greenwater.kernel.reading import HOUR_MS
from greenwater.reference.vessel_rules import RULES

HOLD_MS: Final = round(RULES.hold.value * HOUR_MS)
"""A position stands for the time until the next one, for so long at the most."""


class Coverage(Struct, frozen=True):
    """Share of a trip that positions cover (0…1), the longest hole, and by source.

    ``by_source``: the share that each source alone would cover (``vms``, ``box``, …).
    """

    share: float
    longest_gap_ms: int
    by_source: Mapping[str, float]
    positions: int


def coverage(
    times_by_source: Mapping[str, Iterable[int]], from_ms: int, until_ms: int
) -> Coverage:
    """Return how positions taken at these instants (ms, any order) cover a trip."""
    kept = {
        source: sorted({one for one in times if from_ms <= one <= until_ms})
        for source, times in times_by_source.items()
    }
    whole_ms = max(1, until_ms - from_ms)
    every = sorted({one for times in kept.values() for one in times})
    held_ms, longest_ms = _held(every, from_ms, until_ms)
    return Coverage(
        round(held_ms / whole_ms, 4),
        longest_ms,
        {
            source: round(_held(times, from_ms, until_ms)[0] / whole_ms, 4)
            for source, times in sorted(kept.items())
            if times
        },
        len(every),
    )


def _held(times: list[int], from_ms: int, until_ms: int) -> tuple[int, int]:
    """Return for how long times (in order) hold, and the longest hole, in ms."""
    held, longest, covered_ms = 0, 0, from_ms
    for at in times:
        longest = max(longest, at - covered_ms)
        ends_ms = min(at + HOLD_MS, until_ms)
        held += max(0, ends_ms - max(at, covered_ms))
        covered_ms = max(covered_ms, ends_ms)
    return held, max(longest, until_ms - covered_ms)
