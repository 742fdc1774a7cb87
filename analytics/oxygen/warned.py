"""Warnings counted as people live them: so many calls, so many crashes.

Rows are easy to count and say little: an hour of warning is four of them, and a probe that
lies low for days is hundreds of "crashes" that nobody needs to be told of. Here a warning
is one run of rows at or above a chance (gaps of QUIET_H are no end), begun while nothing
was low for QUIET_H, and it is right if a crash begins within the horizon of its beginning.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analytics.oxygen.crash import LOOK_BACK_H, QUIET_H, RECALL, onsets_of
from analytics.oxygen.grid import Floats, Grid
from analytics.oxygen.rolling import Run

Rows = NDArray[np.int64]
NEVER: Final = np.iinfo(np.int64).max


class Warned(Struct, frozen=True):
    """What warnings at one chance came to.

    ``crashes`` had a forecast in the horizon before them, ``caught`` of them a warning in
    force there. ``warnings`` were given, ``right`` of them followed by a crash within the
    horizon, ``right_in_12_h`` within LOOK_BACK_H.
    """

    warn_at: float
    crashes: int
    caught: int
    warnings: int
    right: int
    right_in_12_h: int

    @property
    def precision(self) -> float:
        """The share of warnings that were right; NaN without any."""
        return self.right / self.warnings if self.warnings else float("nan")

    @property
    def precision_in_12_h(self) -> float:
        """The share that a crash followed within twelve hours."""
        return self.right_in_12_h / self.warnings if self.warnings else float("nan")

    @property
    def recall(self) -> float:
        """The share of crashes that were warned of; NaN without any."""
        return self.caught / self.crashes if self.crashes else float("nan")


class Events(Struct, frozen=True):
    """A run's crashes and calm rows, ready to be asked at any chance.

    ``onsets`` are the first rows of crashes, ``peaks`` the highest chance in the horizon
    before each, ``calm`` the rows at which a warning could begin or go on.
    """

    grid: Grid
    hours: int
    chance: Floats
    below: Rows
    onsets: Rows
    peaks: Floats
    calm: Rows


def events_of(grid: Grid, run: Run, threshold: float) -> Events:
    """Return the crashes that had a forecast before them, and what was warned."""
    issued = ~np.isnan(run.forecast) & (grid.oxygen >= threshold)
    chance = np.where(issued, run.chance, -1.0)
    horizon = grid.steps(run.target.hours)
    onsets = onsets_of(grid, threshold)
    peaks = np.array(
        [chance[max(0, one - horizon) : one].max(initial=-1.0) for one in onsets]
    )
    return Events(
        grid=grid,
        hours=run.target.hours,
        chance=chance,
        below=np.flatnonzero(grid.oxygen < threshold),
        onsets=onsets[peaks >= 0],
        peaks=peaks[peaks >= 0],
        calm=np.flatnonzero(chance >= 0),
    )


def half_of(events: Events, half: int) -> Events:
    """Return the first (0) or second (1) half of the time between forecasts."""
    calm = events.calm
    if not len(calm):
        return events
    middle = (calm[0] + calm[-1]) // 2

    def is_in(rows: Rows) -> NDArray[np.bool_]:
        later: NDArray[np.bool_] = rows > middle
        return later if half else ~later

    kept = is_in(events.onsets)
    return Events(
        grid=events.grid,
        hours=events.hours,
        chance=events.chance,
        below=events.below,
        onsets=events.onsets[kept],
        peaks=events.peaks[kept],
        calm=calm[is_in(calm)],
    )


def chance_to_catch(events: Events, recall: float = RECALL) -> float:
    """Return the highest chance to warn at that warns of so many crashes; NaN of none."""
    if not len(events.peaks):
        return float("nan")
    ordered = np.sort(events.peaks)[::-1]
    return float(ordered[int(np.ceil(recall * len(ordered))) - 1])


def warned_at(events: Events, warn_at: float) -> Warned:
    """Return what warnings at a chance came to."""
    grid = events.grid
    quiet = grid.steps(QUIET_H)
    rows = events.calm[events.chance[events.calm] >= warn_at]
    starts = rows[np.diff(rows, prepend=-grid.steps(24)) > quiet]
    padded = np.concatenate([[-grid.steps(24)], events.below, [NEVER]])
    following = np.searchsorted(padded, starts)
    fresh = starts - padded[following - 1] > quiet
    waits = padded[following[fresh]] - starts[fresh]
    return Warned(
        warn_at=warn_at,
        crashes=len(events.onsets),
        caught=int((events.peaks >= warn_at).sum()),
        warnings=len(waits),
        right=int((waits <= grid.steps(events.hours)).sum()),
        right_in_12_h=int((waits <= grid.steps(LOOK_BACK_H)).sum()),
    )
