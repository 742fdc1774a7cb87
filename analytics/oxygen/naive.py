"""The forecasts that anybody can make, as changes from the last value.

``persistence`` and ``yesterday`` are the naive forecasts that skill is measured against.
``blend`` (half of each), ``diel`` (yesterday's change again), ``week`` (the mean change of seven days) and ``boyd``
(the evening's slope carried on to dawn; Boyd, in domain.md §2.4) help the mixture, and
``boyd`` is what a pond with two days of history has.
"""

from typing import Final

import numpy as np
import pandas as pd

from analytics.oxygen.grid import Floats, Grid, carried, lagged

NAIVE: Final = ("persistence", "yesterday")
SIMPLE: Final = (*NAIVE, "blend", "diel", "week", "boyd")


def naive_changes(grid: Grid, hours: int, *, is_minimum: bool = False) -> Floats:
    """Return each simple forecast's change over ``hours``: cells x SIMPLE.

    With ``is_minimum`` it is the change to the lowest value of those hours. Where a
    forecast cannot be made it is persistence: a change of zero. Rows with no oxygen in
    the last hour are NaN.
    """
    oxygen = carried(grid.oxygen, max(1, grid.steps(1)))
    ahead, day = grid.steps(hours), grid.steps(24)
    seen = lowest_of(oxygen, ahead) if is_minimum else oxygen
    days = np.stack(
        [
            lagged(seen, one * day - ahead) - lagged(oxygen, one * day)
            for one in range(1, 8)
        ]
    )
    known = ~np.isnan(days)
    week = np.where(known, days, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    yesterday = lagged(seen, day - ahead) - oxygen
    found = (
        np.zeros(len(grid)),
        yesterday,
        yesterday / 2,
        days[0],
        week,
        boyd_change(grid, oxygen, ahead),
    )
    changes: Floats = np.nan_to_num(np.column_stack(found))
    changes[np.isnan(oxygen)] = np.nan
    return changes


def lowest_of(oxygen: Floats, cells: int) -> Floats:
    """Return the lowest of each cell and those before it, ``cells`` in all.

    NaN where fewer than half of them are known.
    """
    window = pd.Series(oxygen).rolling(cells, min_periods=max(1, cells // 2))
    return np.asarray(window.min(), dtype=np.float64)


def boyd_change(grid: Grid, oxygen: Floats, ahead: int) -> Floats:
    """Return the change if the evening's slope lasts till yesterday's hour of the low.

    The slope is of the last two and a half hours; in hours when oxygen rose yesterday,
    or with no yesterday, it is NaN. Never below zero mg/L.
    """
    slope_steps, day = max(1, grid.steps(2.5)), grid.steps(24)
    slope = (oxygen - lagged(oxygen, slope_steps)) / slope_steps
    since_low = _since_low(oxygen, day)
    to_dawn = day - since_low
    falling = (slope < 0) & (to_dawn >= 1) & (to_dawn <= day * 0.6)
    change = slope * np.minimum(ahead, to_dawn)
    return np.where(falling, np.maximum(change, -oxygen), np.nan)


def _since_low(oxygen: Floats, day: int) -> Floats:
    """Return how many cells ago the lowest of the last day was; NaN with no full day."""
    ages = np.full(len(oxygen), np.nan)
    if len(oxygen) < day:
        return ages
    windows = np.lib.stride_tricks.sliding_window_view(
        np.where(np.isnan(oxygen), np.inf, oxygen), day
    )
    ages[day - 1 :] = day - 1 - np.argmin(windows, axis=1)
    return ages
