"""How a channel has been going lately, and how often its probe speaks. Pure.

A card is well only while its number is young: three of the probe's own intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import HOUR_MS, MINUTE_MS
from greenwater.storage.telemetry.ports import Bucket
from web.views.cards import STALE_MS

EVERY_MS: Final = 10 * MINUTE_MS
PAST_MS: Final = 90 * MINUTE_MS
INTERVALS: Final = 3
LEAST_STALE_MS: Final = 5 * MINUTE_MS
"""A probe that speaks each minute may be late by a poor network."""

MOST_STALE_MS: Final = HOUR_MS
LEAST_BUCKETS: Final = 4

STEADY: Final = {
    Channel.DISSOLVED_OXYGEN: 0.1,
    Channel.TEMPERATURE: 0.2,
    Channel.SALINITY: 0.3,
    Channel.PH: 0.05,
}
"""Changes an hour that are none, in the channel's unit. Ours: about a probe's own noise."""


@dataclass(frozen=True)
class Trend:
    """How much an hour, in the channel's unit; ``way`` is falling, rising or steady."""

    per_h: float
    way: str

    @property
    def mark(self) -> str:
        """The shape that stands with the word."""
        return {"falling": "↘", "rising": "↗", "steady": "→"}[self.way]


def trend_of(channel: Channel, buckets: Sequence[Bucket]) -> Trend | None:
    """Return the slope of the last hours' means; None: too few of them to say."""
    if len(buckets) < LEAST_BUCKETS:
        return None
    hours = [one.start_ms / HOUR_MS for one in buckets]
    middle = sum(hours) / len(hours)
    mean = sum(one.mean for one in buckets) / len(buckets)
    spread = sum((at - middle) ** 2 for at in hours)
    shared = sum(
        (at - middle) * (one.mean - mean)
        for at, one in zip(hours, buckets, strict=True)
    )
    per_h = shared / spread
    least = STEADY.get(channel, 0.0)
    way = "falling" if per_h <= -least else "rising" if per_h >= least else "steady"
    return Trend(per_h, way)


def stale_after_ms(buckets: Sequence[Bucket]) -> int:
    """Return how old a number may be: three of the intervals that it came at lately."""
    count = sum(one.number for one in buckets)
    if count < INTERVALS:
        return STALE_MS
    # A bucket that is only half over, or half full, must not make the interval longer.
    busiest = max(one.number for one in buckets)
    interval_ms = EVERY_MS / busiest
    if busiest == 1 and len(buckets) > 1:
        interval_ms = (buckets[-1].start_ms - buckets[0].start_ms) / (len(buckets) - 1)
    return round(min(max(INTERVALS * interval_ms, LEAST_STALE_MS), MOST_STALE_MS))
