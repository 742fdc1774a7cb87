"""What the model sees of one vessel at one fix: only that fix and those before it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray
from pandas.api.indexers import BaseIndexer

Floats = NDArray[np.float64]
GEARS: Final = ("trawl", "purse", "longlin", "troll")
"""Beginnings of words for gears that the shared vessels show; others have no say."""
_WINDOWS: Final = ("20min", "1h", "3h", "12h", "24h")
_APART_MS: Final = 25 * 3_600_000.0
"""Longer than the longest window: how far apart vessels are laid, and no gap is longer."""
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


class _FromStart(BaseIndexer):  # type: ignore[misc]  # pandas tells no types
    """Windows from the first fix of each vessel to the one that is looked at."""

    def __init__(self, starts: NDArray[np.int64]) -> None:
        super().__init__()
        self._starts = starts

    def get_window_bounds(
        self,
        num_values: int = 0,
        min_periods: int | None = None,
        center: bool | None = None,
        closed: str | None = None,
        step: int | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where each window begins, and one past its end."""
        return self._starts, np.arange(1, num_values + 1, dtype=np.int64)


def features(track: Track) -> Floats:
    """Return one row a fix (n, features), each from rows up to its own."""
    return features_of([track])


def features_of(tracks: Sequence[Track]) -> Floats:
    """Return the rows of many vessels' fixes, one vessel after the other.

    Each row is exactly what ``features`` says of its vessel alone: the vessels are laid
    behind each other in time, further apart than any window reaches, so that the windows
    are rolled once for all of them.
    """
    counts = [len(one.times_ms) for one in tracks]
    firsts = np.cumsum([0, *counts[:-1]])
    first = np.repeat(firsts, counts)
    gaps_ms = np.diff(_joined(tracks, "times_ms"), prepend=0).astype(np.float64)
    gaps_ms[firsts] = np.nan
    laid_ms = np.where(np.isnan(gaps_ms), _APART_MS, np.minimum(gaps_ms, _APART_MS))
    at = pd.DatetimeIndex(
        pd.to_datetime(np.cumsum(laid_ms).astype(np.int64), unit="ms")
    )
    speed = pd.Series(_joined(tracks, "speed_kn"), at)
    turns = np.minimum(np.abs(_joined(tracks, "course_change_deg")), 180.0)
    turn = pd.Series(turns, at)
    parts = [speed, turn, np.log(np.maximum(gaps_ms / 1000, 5.0))]
    slow = ((speed > 0.8) & (speed < 5.5)).astype(float)
    fast, still = (speed >= 7).astype(float), (speed <= 0.5).astype(float)
    for window in _WINDOWS:
        rolling = speed.rolling(window)
        parts += [rolling.mean(), rolling.std(), rolling.max(), rolling.min()]
        parts += [each.rolling(window).mean() for each in (slow, fast, still)]
        parts.append(turn.rolling(window, min_periods=1).mean())
    parts.append(speed.rolling(_FromStart(first), min_periods=1).quantile(0.95))
    parts.append(np.minimum(_joined(tracks, "shore_km"), 300.0))
    columns = [np.asarray(part, dtype=np.float64) for part in parts]
    words = np.repeat([_words(one.gear) for one in tracks], counts, axis=0)
    return np.column_stack([*columns, words])


def _joined(tracks: Sequence[Track], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(one, name) for one in tracks])


def _words(gear: str) -> list[float]:
    known = [float(one in gear.lower()) for one in GEARS]
    return [*known, float(not any(known))]
