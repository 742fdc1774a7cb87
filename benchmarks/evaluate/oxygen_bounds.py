"""How well could oxygen be forecast an hour ahead? ``python -m benchmarks.evaluate.oxygen_bounds``.

Trees are shown things that nobody knows in advance: what salinity, temperature, conductivity
and depth, then pH too, will do in the coming hour. Learnt on the first half of a sonde's sound
readings, judged on the second. What they still miss, no forecast of tide or current can give.
"""

import math
import sys
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from analytics.oxygen.features import features_of
from analytics.oxygen.grid import Floats, Grid, lagged
from analytics.score.oxygen import grid_of
from analytics.score.table import read_table
from benchmarks.evaluate.oxygen import DATA, RECORDINGS, sound_only
from greenwater.kernel.channels import Channel

WATER: Final = tuple(
    str(one)
    for one in (
        Channel.TEMPERATURE,
        Channel.SALINITY,
        Channel.SPECIFIC_CONDUCTIVITY,
        Channel.DEPTH,
    )
)


def bounds(name: str, grid: Grid) -> Iterator[str]:
    """Yield a row of the table for each thing that is known in advance."""
    hour = grid.steps(1)
    change = lagged(grid.oxygen, -hour) - grid.oxygen
    past = features_of(grid)
    water = [_coming(grid.inputs[one], hour) for one in WATER]
    acid = _coming(grid.inputs[str(Channel.PH)], hour)
    shown = {
        "nothing": [],
        "temperature, salinity, conductivity, depth in an hour": water,
        "those and pH in an hour": [*water, acid],
        "oxygen in a quarter of an hour": [_coming(grid.oxygen, 1)],
    }
    for what, columns in shown.items():
        skill = _skill(np.column_stack([past, *columns]), change, grid.steps(24))
        yield f"| {name} | {what} | {skill:.2f} | {1 - (1 - skill) ** 2:.2f} |"


def _coming(values: Floats, steps: int) -> Floats:
    return lagged(values, -steps) - values


def _skill(known: NDArray[np.float32], change: Floats, day: int) -> float:
    """Return 1 - RMSE / RMSE of persistence on the second half."""
    rows = np.flatnonzero(~np.isnan(change))
    half = len(change) // 2
    taught, judged = rows[rows < half][::2], rows[rows >= half + day]
    model = HistGradientBoostingRegressor(
        max_iter=200,
        learning_rate=0.06,
        max_leaf_nodes=16,
        min_samples_leaf=40,
        max_features=0.4,
        early_stopping=False,
        random_state=0,
    ).fit(known[taught], change[taught])
    errors = model.predict(known[judged]) - change[judged]
    return float(1 - np.sqrt(np.mean(errors**2) / np.mean(change[judged] ** 2)))


def roughness(name: str, grid: Grid) -> str:
    """Return how persistence errs with time, and what the own past could take off that.

    The structure function grows as hours to the power 2H; of a fractional Brownian motion
    all the past explains no more than this of an hour's change (Gripenberg and Norros 1996).
    """
    quarter, hour = (
        float(np.nanmean(np.square(grid.oxygen - lagged(grid.oxygen, steps))))
        for steps in (1, grid.steps(1))
    )
    power = math.log(hour / quarter) / math.log(grid.steps(1)) / 2
    off = math.pi * (power - 0.5)
    ratio = math.sin(off) / off if off else 1.0
    left = ratio * math.gamma(1.5 - power) ** 2 / math.gamma(2 - 2 * power)
    return (
        f"{name}: persistence {quarter**0.5:.3f} mg/L after 15 min, {hour**0.5:.3f} after "
        f"1 h; H = {power:.2f}; the past alone, of squares: {1 - left:.2f}"
    )


def main() -> int:
    """Print the table; 0, or 1 where there are no recordings."""
    if not DATA.is_dir():
        print(f"no recordings in {DATA}")
        return 1
    print("| sonde | shown in advance | skill | of squares |\n|---|---|---|---|")
    grids = {
        name: grid_of(sound_only(read_table(DATA / file)))
        for name, file in RECORDINGS.items()
        if "sondes" in file
    }
    for name, grid in grids.items():
        for line in bounds(name, grid):
            print(line, flush=True)
    print()
    for name, grid in grids.items():
        print(roughness(name, grid))
    return 0


if __name__ == "__main__":
    sys.exit(main())
