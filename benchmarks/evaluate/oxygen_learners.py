"""Would another learner do better? ``python -m benchmarks.evaluate.oxygen_learners``, 15 minutes.

Sound readings of the sondes; each half of a recording is judged by what the other half
taught, the later one too, which is more than anybody has who sees the past only.

First the value 1 and 3 hours ahead by five kinds of learners, their mean, and the weights
that afterwards turn out to be the best. Then crashes of Cat Point by a classifier that is
told what nobody knows in advance.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from analytics.oxygen.crash import CRASH_MG_L
from analytics.oxygen.features import features_of
from analytics.oxygen.grid import Floats, Grid, lagged
from analytics.oxygen.naive import lowest_of
from analytics.score.oxygen import grid_of
from analytics.score.table import read_table
from benchmarks.evaluate.oxygen import DATA, RECORDINGS, sound_only
from greenwater.kernel.channels import Channel

RECALL: Final = 0.8
GROWTH: Final = {
    "min_samples_leaf": 40,
    "max_leaf_nodes": 16,
    "max_features": 0.3,
    "early_stopping": False,
    "random_state": 0,
}


def _scaled(*steps: Any) -> Any:
    """Return the steps behind inputs that are cut off at four spreads."""
    cut = FunctionTransformer(np.clip, kw_args={"a_min": -4, "a_max": 4})
    return make_pipeline(StandardScaler(), cut, *steps)


def _perceptron() -> Any:
    return MLPRegressor(
        hidden_layer_sizes=(64, 32), alpha=10, max_iter=12, random_state=0
    )


LEARNERS: Final[Mapping[str, Callable[[], Any]]] = {
    "linear": lambda: _scaled(Ridge(alpha=700)),
    "boosted trees": lambda: HistGradientBoostingRegressor(
        max_iter=250, learning_rate=0.04, **GROWTH
    ),
    "extra trees": lambda: ExtraTreesRegressor(
        200, min_samples_leaf=10, max_features=0.3, random_state=0
    ),
    "perceptron": lambda: _scaled(_perceptron()),
    "kernel": lambda: _scaled(
        RBFSampler(gamma=0.0005, n_components=1500, random_state=0), Ridge(alpha=3)
    ),
}


def halves(
    grid: Grid, rows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (taught, judged) rows, each half once, with a day between."""
    half, day = len(grid) // 2, grid.steps(24)
    yield rows[rows < half - day], rows[rows >= half]
    yield rows[rows >= half + day], rows[rows < half]


def learners_row(name: str, grid: Grid, hours: int) -> str:
    """Return a row of the table: the skill of each learner, of their mean, and at best."""
    ahead, day = grid.steps(hours), grid.steps(24)
    change = lagged(grid.oxygen, -ahead) - grid.oxygen
    yesterday = lagged(grid.oxygen, day - ahead) - grid.oxygen
    rows = np.flatnonzero(~np.isnan(change) & ~np.isnan(yesterday))
    known = features_of(grid)
    said = np.full((len(grid), len(LEARNERS)), np.nan)
    for taught, judged in halves(grid, rows):
        for at, learner in enumerate(LEARNERS.values()):
            model = learner().fit(known[taught][::2], change[taught][::2])
            said[judged, at] = model.predict(known[judged])
            print(f"{name}, {hours} h: {list(LEARNERS)[at]}", file=sys.stderr)
    truth, said = change[rows], said[rows]
    naive = min(_rms(truth), _rms(yesterday[rows] - truth))
    best = said @ np.linalg.lstsq(said, truth, rcond=None)[0]
    skills = [
        1 - _rms(one - truth) / naive for one in (*said.T, said.mean(axis=1), best)
    ]
    return f"| {name} | {hours} h | {' | '.join(f'{one:.2f}' for one in skills)} |"


def _rms(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def crash_rows(name: str, grid: Grid) -> Iterator[str]:
    """Yield a row for each thing that is known in advance, at 3 and 6 hours."""
    known = features_of(grid)
    for hours in (3, 6):
        told = {
            "nothing": [],
            "oxygen in an hour": [_coming(grid, grid.oxygen, 1)],
            "all but oxygen and pH, in an hour and then": [
                _coming(grid, values, ahead)
                for channel, values in grid.inputs.items()
                if channel not in (Channel.PH, Channel.OXYGEN_SATURATION)
                for ahead in (1, hours)
            ],
        }
        for what, columns in told.items():
            shown = np.nan_to_num(np.column_stack([known, *columns]))
            precision = _precision(grid, shown, hours)
            yield f"| {name} | {hours} h | {what} | {precision:.2f} |"


def _coming(grid: Grid, values: Floats, hours: float) -> Floats:
    return lagged(values, -grid.steps(hours)) - values


def _precision(grid: Grid, shown: NDArray[Any], hours: int) -> float:
    """Return the share of right quarter-hours at the chance that finds RECALL of them."""
    lowest = lagged(lowest_of(grid.oxygen, grid.steps(hours)), -grid.steps(hours))
    is_crash = lowest < CRASH_MG_L
    rows = np.flatnonzero(~np.isnan(lowest) & ~np.isnan(grid.oxygen))
    chance = np.full(len(grid), np.nan)
    for taught, judged in halves(grid, rows):
        model = HistGradientBoostingClassifier(
            max_iter=200, learning_rate=0.05, **GROWTH
        ).fit(shown[taught], is_crash[taught])
        chance[judged] = model.predict_proba(shown[judged])[:, 1]
    found = np.cumsum(is_crash[rows][np.argsort(-chance[rows])])
    warned = int(np.searchsorted(found, RECALL * found[-1]))
    return float(found[warned] / (warned + 1))


def main() -> int:
    """Print both tables; 1 where there are no recordings."""
    if not DATA.is_dir():
        print(f"no recordings in {DATA}")
        return 1
    tables = {
        name: read_table(DATA / file)
        for name, file in RECORDINGS.items()
        if "sondes" in file
    }
    names = " | ".join((*LEARNERS, "their mean", "best weights afterwards"))
    print(f"| sonde | ahead | {names} |\n|{'---|' * (len(LEARNERS) + 4)}")
    for name, table in tables.items():
        for hours in (1, 3):
            print(learners_row(name, grid_of(sound_only(table)), hours), flush=True)
    print("\n| sonde | within | told in advance | precision at recall .8 |")
    print("|---|---|---|---|")
    for name, table in list(tables.items())[:1]:
        kinds = {name: table, f"{name}, sound only": sound_only(table)}
        for kind, one in kinds.items():
            for line in crash_rows(kind, grid_of(one)):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
