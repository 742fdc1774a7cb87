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
STILL_KN: Final = 0.75
"""Slower than this a vessel lies."""
PAST_KN: Final = (2.0, 3.0, 4.0, 5.5, 7.0, 9.0)
"""How much of its way's fixes a vessel was slower than each of these, so far: its trade."""
STILL: Final = 3 + 8 * len(_WINDOWS) + 1
"""Column of how much of its fixes so far a vessel lay."""
SHORE: Final = slice(STILL + 1 + len(PAST_KN), STILL + 1 + len(PAST_KN) + 6)
"""Columns that need the distance to shore."""
_MOST_KM: Final = 300.0
_NEAR_KM: Final = 2.0
"""Within this of the shore a vessel may have been in port. Practice."""
_SINCE_H: Final = (0.1, 240.0)


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
    parts += _past(speed.to_numpy(), first)
    parts += _shores(tracks, speed, np.repeat(firsts, counts))
    columns = [np.asarray(part, dtype=np.float64) for part in parts]
    words = np.repeat([_words(one.gear) for one in tracks], counts, axis=0)
    return np.column_stack([*columns, words])


def _past(speed_kn: Floats, first: NDArray[np.int64]) -> list[Floats]:
    """Return how much of its fixes a vessel lay, and under way was slower than each of ``PAST_KN``."""
    with np.errstate(invalid="ignore"):
        is_still, is_under_way = speed_kn < STILL_KN, speed_kn >= STILL_KN
        slower = [is_under_way & (speed_kn < kn) for kn in PAST_KN]
    still, under_way = _so_far(is_still, first), _so_far(is_under_way, first)
    return [
        _share(still, still + under_way),
        *(_share(_so_far(each, first), under_way) for each in slower),
    ]


def _so_far(is_so: NDArray[np.bool_], first: NDArray[np.int64]) -> Floats:
    counted = np.concatenate([[0.0], np.cumsum(is_so)])
    return np.asarray(counted[1:] - counted[first], dtype=np.float64)


def _share(some: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, some / np.maximum(whole, 1.0), np.nan)


def _shores(
    tracks: Sequence[Track], speed: "pd.Series[float]", first: NDArray[np.int64]
) -> list[Any]:
    """Return the distance to shore, its bounds in a day and span in three hours (km); where the vessel lies.

    Last, the log of the hours since it was last near the shore, or first seen.
    """
    shore = pd.Series(np.minimum(_joined(tracks, "shore_km"), _MOST_KM), speed.index)
    times_ms = _joined(tracks, "times_ms").astype(np.float64)
    since = np.where(shore <= _NEAR_KM, np.arange(len(shore)), -1)
    since = np.maximum(np.maximum.accumulate(since), first)
    hours = np.clip((times_ms - times_ms[since]) / 3_600_000, *_SINCE_H)
    day, three = shore.rolling("24h"), shore.rolling("3h")
    return [
        shore,
        day.min(),
        day.max(),
        three.max() - three.min(),
        shore.where(speed < STILL_KN),
        np.where(shore.isna(), np.nan, np.log(hours)),
    ]


def _joined(tracks: Sequence[Track], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(one, name) for one in tracks])


def _words(gear: str) -> list[float]:
    known = [float(one in gear.lower()) for one in GEARS]
    return [*known, float(not any(known))]
