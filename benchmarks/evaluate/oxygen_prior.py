"""Teach the shipped prior of oxygen: ``python -m benchmarks.evaluate.oxygen_prior``.

Learns changes, in spreads of the place, from every shared recording alike, and writes
``analytics/oxygen/prior.npz``. ``taught_without`` is what the evaluation goes by: the same
learnt without the recording that is judged, so that nothing was trained on it.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from analytics.oxygen.days import MOST_DAYS, QUESTIONS, asked_of_days
from analytics.oxygen.grid import DAY_MS, Floats, Grid, lagged, spread_of
from analytics.oxygen.learner import Target
from analytics.oxygen.prior import (
    DEPTH,
    MOST_LINEAR,
    Prior,
    Taught,
    asked_of,
    write,
)
from analytics.oxygen.rolling import TARGETS, can_forecast, truth_of
from analytics.score.oxygen import grid_of
from analytics.score.table import read_table

ROWS_EACH: Final = 8000
MOST_CHANGE: Final = 4.0
"""Spreads; further is a probe's fault, learnt as this far."""
DAY_PENALTY: Final = 0.02
"""Square spreads of each question's, added to a recording's own."""
SHIPPED: Final = (
    Path(__file__).resolve().parents[2] / "analytics" / "oxygen" / "prior.npz"
)

Lesson = tuple[NDArray[np.float32], Floats]


def taught_by(grids: Sequence[Grid], targets: Sequence[Target] = TARGETS) -> Prior:
    """Return what recordings teach together, each with as many rows."""
    taught = {}
    for target in targets:
        lessons = [lesson_of(one, target) for one in grids if can_forecast(one, target)]
        asked = np.concatenate([one for one, _ in lessons])
        change = np.concatenate([one for _, one in lessons])
        day = np.zeros((2, 0), dtype=np.float32)
        if target.asks_days:
            day = _day_learnt([day_of(one, target) for one in grids])
        taught[target.hours, target.is_minimum] = _learnt(asked, change, day)
    return Prior(taught)


def taught_without(name: str, grids: Mapping[str, Grid]) -> Prior:
    """Return what all recordings but one teach."""
    return taught_by([grid for other, grid in grids.items() if other != name])


def lesson_of(grid: Grid, target: Target) -> Lesson:
    """Return questions and answers from the third day on, thinned evenly."""
    asked, spread = asked_of(grid, target.hours, is_minimum=target.is_minimum)
    change = (truth_of(grid, target) - grid.oxygen) / spread
    is_late = np.arange(len(grid)) * grid.step_ms > 2 * DAY_MS
    rows = np.flatnonzero(np.isfinite(change) & is_late)
    rows = rows[:: max(1, len(rows) // ROWS_EACH)]
    return asked[rows], np.clip(change[rows], -MOST_CHANGE, MOST_CHANGE)


def day_of(grid: Grid, target: Target) -> Lesson:
    """Return questions about days, and how much it differed from yesterday, from the tenth
    day on, thinned evenly."""
    asked, truth = asked_of_days(grid, target.hours), truth_of(grid, target)
    differed = (truth - lagged(truth, grid.steps(24))) / spread_of(grid)
    is_late = np.arange(len(grid)) * grid.step_ms > 9 * DAY_MS
    rows = np.flatnonzero(np.isfinite(differed) & is_late)
    rows = rows[:: max(1, len(rows) // ROWS_EACH)]
    return asked[rows], np.clip(differed[rows], -MOST_DAYS, MOST_DAYS)


def _day_learnt(lessons: Sequence[Lesson]) -> NDArray[np.float32]:
    """Return the weights of linear forecasts without an offset, of all questions and of
    oxygen's only; recordings count alike."""
    grams = [asked.T @ asked / len(asked) for asked, _ in lessons]
    moments = [asked.T @ differed / len(asked) for asked, differed in lessons]
    gram, moment = np.mean(grams, axis=0), np.mean(moments, axis=0)
    gram = gram + DAY_PENALTY * np.eye(len(moment))
    weights = np.zeros((2, len(moment)), dtype=np.float32)
    for row, asked in enumerate((slice(None), slice(QUESTIONS))):
        weights[row, asked] = np.linalg.solve(gram[asked, asked], moment[asked])
    return weights


def _learnt(
    asked: NDArray[np.float32], change: Floats, day: NDArray[np.float32]
) -> Taught:
    boosted = HistGradientBoostingRegressor(
        max_iter=100,
        learning_rate=0.08,
        max_leaf_nodes=12,
        max_depth=DEPTH,
        min_samples_leaf=60,
        l2_regularization=1.0,
        max_features=0.4,
        early_stopping=False,
        random_state=0,
    ).fit(asked, change)
    linear = Ridge(alpha=300.0).fit(np.clip(asked, -MOST_LINEAR, MOST_LINEAR), change)
    trees = [one[0].nodes for one in boosted._predictors]  # no public way to the nodes
    base = float(np.ravel(boosted._baseline_prediction)[0])
    return _with_nodes(
        trees,
        weight=linear.coef_.astype(np.float32),
        offset=np.array([linear.intercept_, base], dtype=np.float32),
        day=day,
    )


def _with_nodes(
    trees: Sequence[NDArray[np.void]],
    *,
    weight: NDArray[np.float32],
    offset: NDArray[np.float32],
    day: NDArray[np.float32],
) -> Taught:
    """Return nodes as arrays, trees x the most nodes; a leaf leads to itself."""
    shape = (len(trees), max(len(one) for one in trees))
    feature, left, right = (np.zeros(shape, dtype=np.int16) for _ in range(3))
    threshold, value = (np.zeros(shape, dtype=np.float32) for _ in range(2))
    for row, nodes in enumerate(trees):
        at, is_leaf = slice(0, len(nodes)), nodes["is_leaf"].astype(np.bool_)
        own = np.arange(len(nodes))
        feature[row, at] = np.where(is_leaf, 0, nodes["feature_idx"])
        threshold[row, at] = np.where(is_leaf, 0, nodes["num_threshold"])
        left[row, at] = np.where(is_leaf, own, nodes["left"])
        right[row, at] = np.where(is_leaf, own, nodes["right"])
        value[row, at] = np.where(is_leaf, nodes["value"], 0)
    return Taught(feature, threshold, left, right, value, weight, offset, day)


def shared_grids(data: Path, files: Mapping[str, str]) -> Iterator[tuple[str, Grid]]:
    """Yield recordings by name, on their even steps."""
    for name, file in files.items():
        yield name, grid_of(read_table(data / file))


def main() -> int:
    """Write the shipped prior; 0, or 1 where there are no recordings."""
    from benchmarks.evaluate.oxygen import DATA, RECORDINGS

    if not DATA.is_dir():
        print(f"no recordings in {DATA}")
        return 1
    prior = taught_by([grid for _, grid in shared_grids(DATA, RECORDINGS)])
    write(prior, SHIPPED)
    print(f"{SHIPPED.name}: {SHIPPED.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
