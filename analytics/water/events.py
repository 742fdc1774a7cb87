"""When an episode that was said counts as a true one: the definition behind our figures.

True episodes are stretches of labelled rows with no pause over an hour, those said are
stretches of scores of at least 0.5 with no pause over an hour. A true one is *recalled* when
one said comes within an hour of it; one said is *false* when it comes within an hour of
none. Sensor-days are the channel's rows with a value over 96 (15 min). Pure.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from greenwater.kernel.reading import HOUR_MS


class Span(NamedTuple):
    """From its first instant to its last."""

    start_ms: int
    end_ms: int


def stretches(
    times_ms: NDArray[np.int64], is_in: NDArray[np.bool_], pause_ms: int = HOUR_MS
) -> list[Span]:
    """Return the stretches of rows that are in, joined over pauses up to ``pause_ms``."""
    at = times_ms[is_in]
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > pause_ms)
    starts = at[np.concatenate([[0], breaks + 1])]
    ends = at[np.concatenate([breaks, [len(at) - 1]])]
    return [Span(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


def count_near(
    these: Sequence[Span], others: Sequence[Span], near_ms: int = HOUR_MS
) -> int:
    """Return how many of these come within ``near_ms`` of one of the others."""
    starts = np.array([one.start_ms for one in others], np.int64)
    ends = np.array([one.end_ms for one in others], np.int64)
    return sum(
        bool(
            ((starts <= one.end_ms + near_ms) & (ends >= one.start_ms - near_ms)).any()
        )
        for one in these
    )


def count_false(
    said: Sequence[Span], true: Sequence[Span], near_ms: int = HOUR_MS
) -> int:
    """Return how many of those said are near no true one."""
    return len(said) - count_near(said, true, near_ms)
