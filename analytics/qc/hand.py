"""A farmer's own meter as a check of the probe beside it. Pure.

Each hand reading is held to what the probe said then; how far they may be apart is what
both instruments can say (``quality.toml``, ``[[hand]]``). One difference is a difference:
a slip of the pen, a cold bucket. Two on the same side, or one that is twice as far, are
the probe.
"""

from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Final, NamedTuple

from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel
from greenwater.reference.quality import HAND

BESIDE_MS: Final = 20 * 60_000
"""A probe's reading further away from a hand reading than this is not compared."""

DAY_MS: Final = 86_400_000


class Check(NamedTuple):
    """One hand reading and what the probe said then: probe minus hand."""

    taken_ms: int
    hand: float
    probe: float
    difference: float
    is_beyond: bool


class Drift(NamedTuple):
    """What the checks come to: the newest difference, how fast it grows, whether to act.

    ``per_day`` is the median of the slopes between all pairs (Theil-Sen), None while
    there are not two checks on different days.
    """

    checks: Sequence[Check]
    difference: float
    per_day: float | None
    is_significant: bool


def checked(channel: Channel, hand: Point, probe: Sequence[Point]) -> Check | None:
    """Return a hand reading held to the probe's, which are in order of time.

    Between two readings the probe is taken on a straight line. None where the channel
    has no tolerance, or the probe said nothing near enough.
    """
    tolerance = HAND.get(channel)
    if tolerance is None or hand.value is None:
        return None
    value = _at(hand.taken_ms, probe)
    if value is None:
        return None
    difference = value - hand.value
    is_beyond = abs(difference) > tolerance
    return Check(hand.taken_ms, hand.value, value, difference, is_beyond)


def drifting(channel: Channel, checks: Sequence[Check]) -> Drift | None:
    """Return what checks since the last cleaning come to, the newest last; None: none."""
    if not checks:
        return None
    last = checks[-1]
    is_far = abs(last.difference) > 2 * HAND[channel]
    is_again = len(checks) > 1 and _is_same_side(checks[-2], last)
    slopes = [
        (b.difference - a.difference) / (b.taken_ms - a.taken_ms) * DAY_MS
        for a, b in combinations(checks, 2)
        if b.taken_ms - a.taken_ms >= DAY_MS / 2
    ]
    return Drift(
        checks,
        last.difference,
        median(slopes) if slopes else None,
        last.is_beyond and (is_far or is_again),
    )


def _is_same_side(a: Check, b: Check) -> bool:
    return a.is_beyond and b.is_beyond and (a.difference > 0) == (b.difference > 0)


def _at(at_ms: int, points: Sequence[Point]) -> float | None:
    there = [
        (one.taken_ms, one.value)
        for one in points
        if one.value is not None and abs(one.taken_ms - at_ms) <= BESIDE_MS
    ]
    before = [one for one in there if one[0] <= at_ms]
    after = [one for one in there if one[0] >= at_ms]
    if before and after and after[0][0] > before[-1][0]:
        (a_ms, a), (b_ms, b) = before[-1], after[0]
        return a + (b - a) * (at_ms - a_ms) / (b_ms - a_ms)
    nearest = before[-1:] or after[:1]
    return nearest[0][1] if nearest else None
