"""Drift and fouling: a probe against another in the same water, or a hand meter. Pure.

What counts is not the distance but its change: two probes may always differ a little. The first
day says by how much, and how restless the distance is; from then on the slow mean of the
distance is held to that, and to what the channel's probes may differ by at all.
"""

from typing import Final

from msgspec import Struct

from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS, HOUR_MS
from greenwater.reference.quality import HAND, quality_of

SLOW_MS: Final = 6 * HOUR_MS
RESTLESS: Final = 6.0
"""How many usual distances from its first day's one the slow distance may be."""
SHARE_OF_NEIGHBOR: Final = 0.4
FASTEST: Final = 2.0
"""What counts most of one distance, in what is allowed: two hours in the air are no drift."""
FORGIVEN_MS: Final = 30 * DAY_MS
"""How slowly another usual distance is accepted: a calibration is no fault for ever."""
BELOW: Final = (Channel.DISSOLVED_OXYGEN, Channel.OXYGEN_SATURATION)
"""Channels that growth makes read low: the lower of two probes is the fouled one."""


class DriftState(Struct, array_like=True):
    """The distance to one reference: its first day's mean, its restlessness, its slow mean."""

    since_ms: int = 0
    last_ms: int = 0
    count: int = 0
    first: float = 0.0
    restless: float = 0.0
    slow: float = 0.0
    by: str = ""


def drift_share(
    state: DriftState, channel: str, at_ms: int, value: float, other: float
) -> float:
    """Return how far a probe has drifted from another over what is unusual; signed."""
    distance = value - other
    if state.count == 0:
        state.since_ms, state.last_ms = at_ms, at_ms
        state.first = state.slow = distance
    passed = max(at_ms - state.last_ms, 0)
    state.last_ms = at_ms
    state.count += 1
    allowed = max(RESTLESS * state.restless, _least(channel))
    off = min(max(distance - state.slow, -FASTEST * allowed), FASTEST * allowed)
    state.slow += min(passed / SLOW_MS, 1.0) * off
    if at_ms - state.since_ms <= DAY_MS:
        state.first += (distance - state.first) / state.count
        off = abs(distance - state.first)
        state.restless += (off - state.restless) / state.count
        return 0.0
    state.first += min(passed / FORGIVEN_MS, 1.0) * (distance - state.first)
    return (state.slow - state.first) / allowed


def hand_share(
    state: DriftState, channel: str, at_ms: int, value: float, hand: float
) -> float:
    """Return how far a probe is from a hand meter over what both can say; signed.

    One hand reading counts half (a slip of the pen, a cold bucket), two on the same side
    count whole. 0 where the channel has no tolerance (``quality.toml``, ``[[hand]]``).
    """
    apart = HAND.get(channel)
    if apart is None:
        return 0.0
    share, before = (value - hand) / apart, state.slow
    is_again = state.count > 0 and min(abs(share), abs(before)) > 1
    state.last_ms, state.count, state.slow = at_ms, state.count + 1, share
    if is_again and (share > 0) == (before > 0):
        return (share + before) / 2
    return share / 2


def drift_cause(channel: str, share: float) -> str:
    """Return the cause of a drift: what growth does to oxygen, or just a drift."""
    return "fouled" if channel in BELOW and share < 0 else "drift"


def _least(channel: str) -> float:
    limits = quality_of(channel)
    if limits is None or limits.neighbor_suspect is None:
        return 1e-6
    return SHARE_OF_NEIGHBOR * limits.neighbor_suspect
