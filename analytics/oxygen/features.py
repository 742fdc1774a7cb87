"""What is known of the water at each instant, as a matrix with zeros for the unknown.

Nearly everything is a difference, so that zero means "no change known" and a dead channel
is a column of zeros. Every value uses its own row and rows before it only.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.oxygen.grid import Floats, Grid, carried, lagged, mean_known
from greenwater.kernel.channels import Channel

HORIZONS_H: Final = (1, 3, 6, 12, 24)
MEMORY_DAYS: Final = 29
"""No feature looks further back than this."""

LUNAR_DAY_H: Final = 24.8412
"""Tides repeat after this (2 x M2)."""
_OXYGEN_LAGS_H: Final = (
    *(0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 12.5, 15),
    *(18, 20, 21, 22, 23, 24, 24.5, 25, 26),
)
_INPUT_LAGS_H: Final = (0.5, 1, 3, 6, 12, 24, 24.8412)
_PERIODS_H: Final = (12.4206, 23.9345, 25.8193, 12.0, 24 * 14.7653)
"""Tidal constituents M2, K1, O1, S2 and Mf (fortnight), hours."""
_USUAL: Final = {
    Channel.TEMPERATURE: 20.0,
    Channel.OXYGEN_SATURATION: 90.0,
    Channel.SALINITY: 15.0,
    Channel.PH: 8.0,
    Channel.DEPTH: 1.5,
}
"""What a level is measured from; any number would do, a near one conditions better."""


def features_of(grid: Grid) -> NDArray[np.float32]:
    """Return one row a cell; all finite."""
    hold = max(1, grid.steps(1))
    columns = [
        *_of_oxygen(grid, carried(grid.oxygen, hold)),
        *_of_the_clock(grid, carried(grid.oxygen, hold)),
    ]
    for name, values in grid.inputs.items():
        columns += _of_input(grid, name, carried(values, hold))
    matrix = np.column_stack(columns).astype(np.float32)
    return np.nan_to_num(matrix, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def _of_oxygen(grid: Grid, oxygen: Floats) -> Iterator[Floats]:
    yield oxygen - 7.0
    for lag in sorted({max(1, grid.steps(hours)) for hours in _OXYGEN_LAGS_H}):
        yield oxygen - lagged(oxygen, lag)
    series = pd.Series(oxygen)
    for hours in (1, 3, 6, 12.5, 24, 24.8412, 72, 168):
        yield oxygen - _rolled(grid, series, hours, "mean")
    for hours in (3, 24, 168):
        yield _rolled(grid, series, hours, "std")
    for hours in (6, 24):
        yield oxygen - _rolled(grid, series, hours, "min")
        yield oxygen - _rolled(grid, series, hours, "max")
    for ahead in HORIZONS_H:
        days = [_change_then(grid, oxygen, 24 * day, ahead) for day in range(1, 8)]
        yield from days[: 3 if ahead < 24 else 2]
        yield _change_then(grid, oxygen, LUNAR_DAY_H, ahead)
        yield mean_known(np.stack(days))


def _change_then(grid: Grid, oxygen: Floats, hours: float, ahead: int) -> Floats:
    """Return the change over ``ahead`` hours that began ``hours`` ago, as far as seen."""
    later = max(0, grid.steps(hours) - grid.steps(ahead))
    return lagged(oxygen, later) - lagged(oxygen, grid.steps(hours))


def _of_the_clock(grid: Grid, oxygen: Floats) -> Iterator[Floats]:
    hours = (grid.start_ms + grid.step_ms * np.arange(len(grid))) / 3_600_000
    swing = oxygen - _rolled(grid, pd.Series(oxygen), 24, "mean")
    for cycles in (1, 2, 3):
        phase = 2 * np.pi * cycles * hours / 24
        yield np.sin(phase)
        yield np.cos(phase)
        if cycles == 1:
            yield np.sin(phase) * swing
            yield np.cos(phase) * swing
            yield np.sin(phase) * (oxygen - 7.0)
            yield np.cos(phase) * (oxygen - 7.0)
    for period in (*_PERIODS_H, 365.25 * 24):
        yield np.sin(2 * np.pi * hours / period)
        yield np.cos(2 * np.pi * hours / period)


def _of_input(grid: Grid, name: str, values: Floats) -> Iterator[Floats]:
    series = pd.Series(values)
    if name in _USUAL:
        yield values - _USUAL[Channel(name)]
    for lag in sorted({max(1, grid.steps(hours)) for hours in _INPUT_LAGS_H}):
        yield values - lagged(values, lag)
    for hours in (24, 24 * 7, 24 * 28):
        yield values - _rolled(grid, series, hours, "mean")
    if name in (Channel.DEPTH, Channel.WATER_LEVEL):
        for ahead in HORIZONS_H[:-1]:
            yield _change_then(grid, values, LUNAR_DAY_H, ahead)
            yield _change_then(grid, values, 2 * LUNAR_DAY_H, ahead)


def _rolled(grid: Grid, series: pd.Series, hours: float, what: str) -> Floats:
    width = max(2, grid.steps(hours))
    window = series.rolling(width, min_periods=max(2, width // 4))
    return np.asarray(getattr(window, what)(), dtype=np.float64)
