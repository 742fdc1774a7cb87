"""Ranges of many windows over one array. Pure numpy; NaN is left out."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Places = NDArray[np.intp]

_STEP: Final = 4096


def windowed_ranges(
    values: Values, first: Places, last: Places, tolerance: float
) -> Values:
    """Return the range of ``values[first : last + 1]`` for each pair.

    Exact where it is below ``tolerance``, infinite where it is not: windows whose both
    ends are apart by more are not looked at. Each window ends at a value.
    """
    found = np.full(len(first), np.inf)
    ends = values[last]
    middle = (first + last) // 2
    is_close = np.ones(len(first), bool)
    for inner in (first, middle, (first + middle) // 2, (middle + last) // 2):
        apart = np.abs(ends - values[inner])
        is_close &= ~(apart >= tolerance)
    asked = np.flatnonzero(is_close)
    if not len(asked):
        return found
    first, last = first[asked], last[asked]
    found[asked] = _doubled(values, first, last)
    found[found >= tolerance] = np.inf
    return found


def _doubled(values: Values, first: Places, last: Places) -> Values:
    """Return exact ranges, by minima and maxima over 1, 2, 4, 8… values."""
    found = np.empty(len(first))
    lengths = last - first + 1
    levels = np.frexp(lengths.astype(np.float64))[1] - 1
    lows = np.where(np.isnan(values), np.inf, values)
    highs = np.where(np.isnan(values), -np.inf, values)
    for level in range(int(levels.max()) + 1):
        if level:
            half = 1 << (level - 1)
            lows = np.minimum(lows[:-half], lows[half:])
            highs = np.maximum(highs[:-half], highs[half:])
        now = np.flatnonzero(levels == level)
        if len(now):
            start, end = first[now], last[now] - (1 << level) + 1
            low = np.minimum(lows[start], lows[end])
            found[now] = np.maximum(highs[start], highs[end]) - low
    return found


def ends_within(values: Values, tolerance: float) -> int:
    """Return where the longest end of an array begins whose range is below a tolerance."""
    end = len(values)
    low, high = np.inf, -np.inf
    while end > 0:
        start = max(0, end - _STEP)
        piece = values[start:end][::-1]
        lows = np.minimum(np.minimum.accumulate(piece), low)
        highs = np.maximum(np.maximum.accumulate(piece), high)
        far = np.flatnonzero(highs - lows >= tolerance)
        if len(far):
            return end - int(far[0])
        low, high, end = float(lows[-1]), float(highs[-1]), start
    return 0
