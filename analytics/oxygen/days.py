"""How this day differs from the last one: what is asked to see how the next will.

A river's day to come is its weather, and weather lasts. What oxygen, and the oxygen that
saturated water of this temperature would hold, did until now unlike yesterday tells some of
it. No clock, no level: only differences between days, divided by the place's own spread.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.oxygen.grid import Floats, Grid, carried, lagged, mean_known, spread_of
from greenwater.derived.chemistry import oxygen_saturation_mg_l
from greenwater.kernel.channels import Channel

MOST_DAYS: Final = 4.0
"""Spreads; a difference further than this counts as this far."""
QUESTIONS: Final = 14
"""Asked of oxygen, and again of saturated water."""
_WEEK: Final = range(1, 8)


def asked_of_days(grid: Grid, hours: int) -> NDArray[np.float32]:
    """Return differences between days in spreads of the place: cells x 2 QUESTIONS, those of
    oxygen, then those of saturated water.

    What is unknown is zero: no temperature, no difference.
    """
    hold = max(1, grid.steps(1))
    oxygen = carried(grid.oxygen, hold)
    saturated = np.full(len(grid), np.nan)
    if Channel.TEMPERATURE in grid.inputs:
        temperature = carried(grid.inputs[Channel.TEMPERATURE], hold)
        saturated = np.asarray(oxygen_saturation_mg_l(temperature, 0.0))
    columns = [
        *_differences(grid, oxygen, hours),
        *_differences(grid, saturated, hours),
    ]
    asked = np.nan_to_num(np.column_stack(columns) / spread_of(grid)[:, None])
    return np.clip(asked, -MOST_DAYS, MOST_DAYS).astype(np.float32)


def _differences(grid: Grid, values: Floats, hours: int) -> Iterator[Floats]:
    """Yield day against day: now, at the hour that is forecast, of means, swings and slopes."""
    day, ahead = grid.steps(24), grid.steps(hours)

    def ago(days: int) -> Floats:
        return lagged(values, days * day)

    def then(days: int) -> Floats:
        return lagged(values, days * day - ahead)

    yield from (ago(days) - ago(days + 1) for days in range(3))
    yield then(1) - then(2)
    yield then(1) - mean_known(np.stack([then(days) for days in _WEEK]))
    rolled = pd.Series(values).rolling(day, min_periods=max(2, day // 4))
    mean = np.asarray(rolled.mean(), dtype=np.float64)
    swing = np.asarray(rolled.max() - rolled.min(), dtype=np.float64)
    yield from (mean - lagged(mean, days * day) for days in (1, 3, 7))
    yield from (swing - lagged(swing, days * day) for days in (1, 3))
    for lag in (1, 3, 6, 12):
        slope = values - lagged(values, max(1, grid.steps(lag)))
        yield slope - lagged(slope, day)
