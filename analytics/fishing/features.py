"""What the model sees of one vessel at one fix: only that fix and those before it."""

from typing import Final

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GEARS: Final = ("trawl", "purse", "longlin", "troll")
"""Beginnings of words for gears that the shared vessels show; others have no say."""
_WINDOWS: Final = ("20min", "1h", "3h", "12h", "24h")
TURNS: Final = tuple(range(10, 3 + 8 * len(_WINDOWS), 8))
"""Columns of turns in each window."""


class Track(Struct, frozen=True):
    """One vessel's fixes in order of time; NaN where a file has no value.

    ``course_change_deg`` is the turn since the fix before, within ±180.
    """

    times_ms: NDArray[np.int64]
    speed_kn: Floats
    course_change_deg: Floats
    shore_km: Floats
    gear: str


def features(track: Track) -> Floats:
    """Return one row a fix (n, features), each from rows up to its own."""
    at = pd.DatetimeIndex(pd.to_datetime(track.times_ms, unit="ms"))
    speed = pd.Series(track.speed_kn, at)
    turn = pd.Series(np.minimum(np.abs(track.course_change_deg), 180.0), at)
    gap_s = np.diff(track.times_ms, prepend=np.nan) / 1000
    parts = [speed, turn, np.log(np.maximum(gap_s, 5.0))]
    slow = ((speed > 0.8) & (speed < 5.5)).astype(float)
    fast, still = (speed >= 7).astype(float), (speed <= 0.5).astype(float)
    for window in _WINDOWS:
        rolling = speed.rolling(window)
        parts += [rolling.mean(), rolling.std(), rolling.max(), rolling.min()]
        parts += [each.rolling(window).mean() for each in (slow, fast, still)]
        parts.append(turn.rolling(window, min_periods=1).mean())
    parts.append(speed.expanding().quantile(0.95))
    parts.append(np.minimum(track.shore_km, 300.0))
    word = track.gear.lower()
    known = [float(gear in word) for gear in GEARS]
    known.append(float(not any(known)))
    columns = [np.asarray(part, dtype=np.float64) for part in parts]
    columns += [np.full(len(at), flag) for flag in known]
    return np.column_stack(columns)
