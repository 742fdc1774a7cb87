"""What is usual at a time of the year or of the day, and learning it from the past.

By the parameters of ``QualityLimits.climate``, as ``ioos_qc.qartod.climatology_test``
says it; months and hours are UTC's.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.qc.digits import FAIL, GOOD, SUSPECT, UNKNOWN
from greenwater.kernel.reading import DAY_MS, HOUR_MS, instant
from greenwater.reference.limits import Bounds
from greenwater.reference.quality import ClimateSpan

LEAST_DAYS: Final = 14
"""Fewer days of a site's own past say nothing of what is usual there."""


def climate_flag(at_ms: int, value: float, spans: Sequence[ClimateSpan]) -> int:
    """Return the flag of one value; 2 where no span holds the instant."""
    at = instant(at_ms)
    for span in reversed(spans):
        now = at.month if span.period == "month" else at.hour
        if span.first <= now <= span.last:
            if span.fail is not None and not span.fail.holds(value):
                return FAIL
            return GOOD if span.usual.holds(value) else SUSPECT
    return UNKNOWN


def climate_flags(
    times_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    spans: Sequence[ClimateSpan],
) -> NDArray[np.uint8]:
    """Return the flags of many values at once (those of NaN mean nothing)."""
    flags = np.full(len(times_ms), UNKNOWN, np.uint8)
    months = times_ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    now = {"month": months % 12 + 1, "hour": times_ms // HOUR_MS % 24}
    for span in spans:
        is_now = (now[span.period] >= span.first) & (now[span.period] <= span.last)
        flags[is_now] = np.where(_outside(values, span.usual), SUSPECT, GOOD)[is_now]
        if span.fail is not None:
            flags[is_now & _outside(values, span.fail)] = FAIL
    return flags


def learned(
    times_ms: NDArray[np.int64], values: NDArray[np.float64], width: float = 4.0
) -> tuple[ClimateSpan, ...]:
    """Return what is usual by hour of the day, from a site's own past alone.

    The median of each hour and ``width`` times the half of its middle 80 %, to both
    sides; nothing from less than ``LEAST_DAYS`` different days. Values that other tests
    refused should be left out before.
    """
    is_there = np.isfinite(values)
    times_ms, values = times_ms[is_there], values[is_there]
    if len(np.unique(times_ms // DAY_MS)) < LEAST_DAYS:
        return ()
    hours = times_ms // HOUR_MS % 24
    spans = []
    for hour in np.unique(hours):
        low, middle, high = np.quantile(values[hours == hour], (0.1, 0.5, 0.9))
        half = width * max(high - middle, middle - low)
        usual = Bounds(float(middle - half), float(middle + half))
        spans.append(ClimateSpan("hour", int(hour), int(hour), usual))
    return tuple(spans)


def _outside(values: NDArray[np.float64], bounds: Bounds) -> NDArray[np.bool_]:
    outside = np.zeros(len(values), bool)
    if bounds.low is not None:
        outside |= values < bounds.low
    if bounds.high is not None:
        outside |= values > bounds.high
    return outside
