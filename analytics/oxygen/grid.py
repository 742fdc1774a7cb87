"""Readings on an even step: what everything in this package computes on.

A cell holds the last reading in it, NaN if there is none; nothing is interpolated here.
Values that no water has (a probe's error code) are left out; low oxygen never is.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from msgspec import Struct, structs
from numpy.typing import NDArray

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
FINEST_STEP_MS: Final = HOUR_MS // 4
COARSEST_STEP_MS: Final = HOUR_MS
MOST_INPUTS: Final = 8
FEWEST_READINGS: Final = 10
FEWEST_H: Final = 12
FEWEST_SETTLED: Final = 3
STRAY: Final = 3.0
"""Spreads from the last hour's median; a reading further off is left aside for now."""
LEAST_SPREAD: Final = 0.1
"""mg/L; stiller water is asked about as if it moved this much."""
OXYGEN_RANGE: Final = (0.0, 40.0)
"""mg/L; sensor range of optical probes is 0-50, supersaturated ponds reach 30."""

_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    Channel.TEMPERATURE: (-3.0, 50.0),
    Channel.OXYGEN_SATURATION: (0.0, 500.0),
    Channel.SALINITY: (0.0, 80.0),
    Channel.PH: (0.1, 14.0),
}


class Grid(Struct, frozen=True):
    """One place's water in even steps; ``rows`` are the cells that hold oxygen.

    ``times_ms`` are the cells' own reading times (the cell's start where it is empty),
    ``oxygen`` mg/L, ``inputs`` the other channels, by name, of the same length.
    """

    start_ms: int
    step_ms: int
    times_ms: Instants
    oxygen: Floats
    inputs: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.oxygen)

    def steps(self, hours: float) -> int:
        """Return how many cells that many hours are, rounded."""
        return round(hours * HOUR_MS / self.step_ms)

    def row_at(self, at_ms: int) -> int:
        """Return the first cell that begins at an instant or after it."""
        return max(0, -((self.start_ms - at_ms) // self.step_ms))


def gridded(
    times_ms: Instants,
    oxygen: Floats,
    inputs: Mapping[str, Floats],
    *,
    step_ms: int | None = None,
) -> Grid:
    """Return readings, in order of time, on an even step of 15 to 60 minutes.

    Without ``step_ms`` it is the median interval of the first 200 readings of oxygen, so
    that a file cut short has the same. A reading goes to the nearest cell, the last of
    several wins.

    Raises:
        InputError: fewer than ten readings of oxygen.
    """
    oxygen = _within(oxygen, OXYGEN_RANGE)
    held = np.flatnonzero(~np.isnan(oxygen))
    if len(held) < FEWEST_READINGS:
        raise InputError(
            f"{len(held)} readings of oxygen are too few to forecast from: "
            f"{FEWEST_READINGS} are needed"
        )
    step = step_ms or _usual_step_ms(times_ms[held[:200]])
    start = int(times_ms[0] + step // 2) // step * step
    cells = (times_ms - start + step // 2) // step
    size = int(cells[-1]) + 1
    own_times = start + step * np.arange(size, dtype=np.int64)
    own_times[cells[held]] = times_ms[held]
    return Grid(
        start_ms=start,
        step_ms=step,
        times_ms=own_times,
        oxygen=_placed(cells, oxygen, size),
        inputs={
            name: _placed(cells, _within(inputs[name], _RANGES.get(name)), size)
            for name in _chosen(inputs)
        },
    )


def _usual_step_ms(times_ms: Instants) -> int:
    """Return the median interval in whole minutes, within what a grid may have."""
    intervals = np.diff(times_ms)
    intervals = intervals[intervals > 0]
    usual = round(float(np.median(intervals)) / 60_000) if len(intervals) else 0
    return int(np.clip(usual * 60_000, FINEST_STEP_MS, COARSEST_STEP_MS))


def _chosen(inputs: Mapping[str, Floats]) -> list[str]:
    """Known channels first; more than MOST_INPUTS would only slow the fit."""
    known = [name for name in inputs if name in set(Channel)]
    return (known + [name for name in inputs if name not in known])[:MOST_INPUTS]


def _placed(cells: Instants, values: Floats, size: int) -> Floats:
    placed = np.full(size, np.nan)
    held = ~np.isnan(values)
    placed[cells[held]] = values[held]
    return placed


def _within(values: Floats, limits: tuple[float, float] | None) -> Floats:
    if limits is None:
        return values
    return np.where((values >= limits[0]) & (values <= limits[1]), values, np.nan)


def carried(values: Floats, most: int) -> Floats:
    """Return values with holes of up to ``most`` cells filled by the last value."""
    rows = np.arange(len(values))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows))
    fresh = (last >= 0) & (rows - last <= most)
    return np.where(fresh, values[np.maximum(last, 0)], np.nan)


def lagged(values: Floats, lag: int) -> Floats:
    """Return the value ``lag`` cells before each; NaN where there is none.

    A negative lag would be a look ahead and is only for targets.
    """
    moved = np.full(len(values), np.nan)
    if 0 <= lag < len(values):
        moved[lag:] = values[: len(values) - lag]
    elif -len(values) < lag < 0:
        moved[:lag] = values[-lag:]
    return moved


def mean_known(days: Floats) -> Floats:
    """Return each cell's mean of what is known (days x cells); NaN where nothing is."""
    known = ~np.isnan(days)
    count = known.sum(axis=0)
    total = np.where(known, days, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def settled(grid: Grid) -> Grid:
    """Return a grid in which a reading that fits nothing of its last hour is that hour's median.

    A probe's zero between two sound readings tells nothing of what comes, now or a day
    later. What lasts longer than half of the hour is believed.
    """
    oxygen = grid.oxygen
    width = max(FEWEST_SETTLED, grid.steps(1) + 1)
    hour = pd.Series(oxygen).rolling(width, min_periods=FEWEST_SETTLED).median()
    usual = np.asarray(hour, dtype=np.float64)
    strays = np.abs(oxygen - usual) > STRAY * spread_of(grid)
    return structs.replace(grid, oxygen=np.where(strays, usual, oxygen))


def spread_of(grid: Grid) -> Floats:
    """Return the standard deviation of each cell's last week, mg/L, as far as it is known;
    NaN in a place's first half day."""
    oxygen = carried(grid.oxygen, max(1, grid.steps(1)))
    week = pd.Series(oxygen).rolling(
        grid.steps(168), min_periods=max(2, grid.steps(FEWEST_H))
    )
    return np.maximum(np.asarray(week.std(), dtype=np.float64), LEAST_SPREAD)
