"""How well could oxygen be forecast an hour ahead? ``python -m benchmarks.evaluate.oxygen_bounds``.

Trees are shown things that nobody knows in advance: what salinity, temperature, conductivity
and depth, then pH too, will do in the coming hour. Learnt on the first half of a sonde's sound
readings, judged on the second. What they still miss, no forecast of tide or current can give.

And half a day and a day ahead in a river: trees and a linear forecast that learn from every
other fortnight, those after as well, are judged on the fortnights between; then they are
told the temperature that comes.
"""

import math
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from analytics.oxygen.features import features_of
from analytics.oxygen.grid import Floats, Grid, carried, lagged
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


def river_bounds(name: str, grid: Grid) -> Iterator[str]:
    """Yield a row for each horizon and each thing known in advance, of hourly readings."""
    past, day = features_of(grid), grid.steps(24)
    warmth = carried(grid.inputs[str(Channel.TEMPERATURE)], 1)
    for hours in (12, 24):
        ahead = grid.steps(hours)
        change = lagged(grid.oxygen, -ahead) - grid.oxygen
        usual = lagged(carried(grid.oxygen, 1), day - ahead) - grid.oxygen
        coming = [
            _coming(warmth, ahead),
            lagged(warmth, -ahead) - lagged(warmth, day - ahead),
        ]
        for what, columns in {"nothing": [], "temperature then": coming}.items():
            known = np.nan_to_num(np.column_stack([past, *columns]))
            ridge, trees = (
                _between(known, change, usual, day, model)
                for model in (_linear, _boosted)
            )
            yield f"| {name} | {hours} h | {what} | {ridge:.2f} | {trees:.2f} |"


def _between(
    known: NDArray[np.float32],
    change: Floats,
    usual: Floats,
    day: int,
    model: Callable[[], Any],
) -> float:
    """Return 1 - RMSE / RMSE of yesterday, each fortnight by what the others taught."""
    is_odd = np.arange(len(change)) // (14 * day) % 2 == 1
    is_there = ~np.isnan(change) & ~np.isnan(usual)
    is_there[: 8 * day] = False
    said = np.full(len(change), np.nan)
    for is_judged in (is_odd, ~is_odd):
        near = np.convolve(is_judged.astype(float), np.ones(2 * day + 1), "same") > 0.5
        taught = np.flatnonzero(is_there & ~near)
        asked = np.flatnonzero(is_there & is_judged)
        said[asked] = model().fit(known[taught], change[taught]).predict(known[asked])
    errors, naive = (said - change)[is_there], (usual - change)[is_there]
    return float(1 - np.sqrt(np.mean(errors**2) / np.mean(naive**2)))


def _linear() -> Any:
    return make_pipeline(
        StandardScaler(),
        FunctionTransformer(partial(np.clip, a_min=-4, a_max=4)),
        Ridge(alpha=700),
    )


def _boosted() -> Any:
    return HistGradientBoostingRegressor(
        max_iter=150,
        learning_rate=0.05,
        max_leaf_nodes=12,
        min_samples_leaf=30,
        l2_regularization=1.0,
        max_features=0.3,
        early_stopping=False,
        random_state=0,
    )


def _hourly(grid: Grid) -> Grid:
    every = grid.steps(1)
    return Grid(
        grid.start_ms,
        grid.step_ms * every,
        grid.times_ms[::every],
        grid.oxygen[::every],
        {name: values[::every] for name, values in grid.inputs.items()},
    )


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
    """Print the tables; 0, or 1 where there are no recordings."""
    if not DATA.is_dir():
        print(f"no recordings in {DATA}")
        return 1
    print(
        "| river | ahead | shown in advance | linear | trees |\n|---|---|---|---|---|"
    )
    for name, file in RECORDINGS.items():
        if "sondes" not in file:
            for line in river_bounds(name, _hourly(grid_of(read_table(DATA / file)))):
                print(line, flush=True)
    print()
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
