"""Drift and fouling: a probe against another in the same water, or a hand meter. Pure.

What counts is not the distance but its change: two probes may always differ a little. The first
day says by how much, and how restless the distance is; from then on the slow mean of the
distance is held to that, and to what the channel's probes may differ by at all.
"""

from typing import Final

from msgspec import Struct

from analytics.water.peaks import DAY_MS, HOUR_MS
from greenwater.kernel.channels import Channel
from greenwater.reference.quality import QUALITY

SLOW_MS: Final = 6 * HOUR_MS
RESTLESS: Final = 6.0
"""How many usual distances from its first day's one the slow distance may be."""
SHARE_OF_NEIGHBOR: Final = 0.4
HANDS: Final = 3
"""Hand readings that make a drift."""
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
    rate = min(passed / SLOW_MS, 1.0)
    state.slow += rate * (distance - state.slow)
    if at_ms - state.since_ms <= DAY_MS:
        state.first += (distance - state.first) / state.count
        off = abs(distance - state.first)
        state.restless += (off - state.restless) / state.count
        return 0.0
    allowed = max(RESTLESS * state.restless, _least(channel))
    return (state.slow - state.first) / allowed


def hand_share(state: DriftState, channel: str, value: float, hand: float) -> float:
    """Return how far a probe is from the last hand readings over what is unusual; signed.

    A single hand reading proves little: the mean of ``HANDS`` does.
    """
    state.count = min(state.count + 1, HANDS)
    state.slow += (value - hand - state.slow) / state.count
    share = state.slow / _least(channel)
    return share if state.count >= HANDS else share / 2


def drift_cause(channel: str, share: float) -> str:
    """Return the cause of a drift: what growth does to oxygen, or just a drift."""
    return "fouled" if channel in BELOW and share < 0 else "drift"


def _least(channel: str) -> float:
    limits = next((one for key, one in QUALITY.items() if key == channel), None)
    if limits is None or limits.neighbor_suspect is None:
        return 1e-6
    return SHARE_OF_NEIGHBOR * limits.neighbor_suspect
