"""A farmer's own meter beside a probe: what the probe said when he measured. Pure.

Whether a difference is the probe's fault, ``analytics.water.drift.hand_share`` says.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import MINUTE_MS
from greenwater.reference.quality import HAND

BESIDE_MS: Final = 20 * MINUTE_MS
"""A probe's reading further away from a hand reading than this is not compared."""


class Check(NamedTuple):
    """One hand reading, and what the probe said then."""

    taken_ms: int
    hand: float
    probe: float


def checked(channel: Channel, hand: Point, probe: Sequence[Point]) -> Check | None:
    """Return a hand reading beside the probe's, which are in order of time.

    Between two readings the probe is taken on a straight line. None where the channel
    has no tolerance (``quality.toml``, ``[[hand]]``), or the probe said nothing near enough.
    """
    if channel not in HAND or hand.value is None:
        return None
    value = _at(hand.taken_ms, probe)
    return None if value is None else Check(hand.taken_ms, hand.value, value)


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
