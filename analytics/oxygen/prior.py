"""What other waters teach: a forecast that needs no more of a place than two days.

All it looks at are changes of oxygen divided by the place's own spread, so that a calm
river and a rough estuary are asked the same question; neither the clock nor any other
channel. A second forecast, of how the next day will differ from the last (``days``), looks
at temperature too. Both are in the mixture, which trusts each as far as it does well.
The numbers in ``prior.npz`` are made by ``benchmarks.evaluate.oxygen_prior``.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import IO, Final

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from analytics.oxygen.days import QUESTIONS, asked_of_days
from analytics.oxygen.grid import Floats, Grid, carried, lagged, mean_known, spread_of
from analytics.oxygen.naive import lowest_of

DEPTH: Final = 6
"""No tree asks more questions than this, one after another."""
TREE_SHARE: Final = 0.6
"""Of trees, in the mean of trees and a linear forecast."""
EVERY: Final = slice(None)
MOST: Final = 8.0
MOST_LINEAR: Final = 4.0
_LAGS_H: Final = (0.25, 0.5, 1, 2, 3, 6, 12, 18, 21, 24, 25)
_LUNAR_DAY_H: Final = 24.8412


class Taught(Struct, frozen=True):
    """What was learnt of one target: nodes of trees (trees x nodes), and linear weights.

    A leaf leads to itself. Values and weights give the change in spreads; ``day``, one
    weight a question of ``days``, how far it will differ from yesterday's: with temperature,
    and without (no weights where the target does not ask).
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    value: NDArray[np.float32]
    weight: NDArray[np.float32]
    offset: NDArray[np.float32]
    day: NDArray[np.float32]

    def changes(self, asked: NDArray[np.float32]) -> Floats:
        """Return the change, in spreads, at each row."""
        rows = np.arange(len(asked))
        total: Floats = np.zeros(len(asked))
        for tree in range(len(self.feature)):
            node = np.zeros(len(asked), dtype=np.int16)
            for _ in range(DEPTH):
                goes_left = (
                    asked[rows, self.feature[tree][node]] <= self.threshold[tree][node]
                )
                node = np.where(
                    goes_left, self.left[tree][node], self.right[tree][node]
                )
            total += self.value[tree][node]
        held = np.clip(asked, -MOST_LINEAR, MOST_LINEAR)
        linear = held @ self.weight + self.offset[0]
        changes: Floats = (
            TREE_SHARE * (total + self.offset[1]) + (1 - TREE_SHARE) * linear
        )
        return changes


class Prior(Struct, frozen=True):
    """What was learnt elsewhere, by (hours, whether it is the lowest until then)."""

    taught: Mapping[tuple[int, bool], Taught]

    def changes(
        self,
        grid: Grid,
        hours: int,
        *,
        is_minimum: bool = False,
        rows: slice = EVERY,
    ) -> Floats:
        """Return the change expected at those rows, mg/L; NaN where nothing was taught."""
        one = self.taught.get((hours, is_minimum))
        if one is None:
            return np.full(len(grid), np.nan)[rows]
        asked, spread = asked_of(grid, hours, is_minimum=is_minimum)
        return one.changes(asked[rows]) * spread[rows]

    def differences(self, grid: Grid, hours: int, rows: slice = EVERY) -> Floats:
        """Return how far it will differ from the same time a day before, mg/L; zero where
        nothing was taught or too little is known."""
        one = self.taught.get((hours, False))
        if one is None:
            return np.zeros(len(grid))[rows]
        spread = spread_of(grid)[rows]
        asked = asked_of_days(grid, hours)[rows].astype(np.float64)
        is_blind = ~asked[:, QUESTIONS:].any(axis=1)
        differing = np.where(is_blind, asked @ one.day[1], asked @ one.day[0])
        return np.asarray(np.nan_to_num(differing * spread), dtype=np.float64)


NOTHING: Final = Prior({})


@cache
def shipped() -> Prior:
    """Return what was learnt of all shared recordings."""
    with (resources.files("analytics.oxygen") / "prior.npz").open("rb") as file:
        return read(file)


def read(file: IO[bytes] | Path) -> Prior:
    """Return what ``write`` wrote: plain numbers, nothing that could run."""
    taught = {}
    with np.load(file, allow_pickle=False) as held:
        for hours, is_minimum in held["targets"]:
            parts = {
                name: held[_key(int(hours), bool(is_minimum), name)]
                for name in Taught.__struct_fields__
            }
            taught[int(hours), bool(is_minimum)] = Taught(**parts)
    return Prior(taught)


def write(prior: Prior, path: Path) -> None:
    """Write a prior as compressed arrays."""
    arrays: dict[str, NDArray[np.generic]] = {
        _key(*target, name): getattr(one, name)
        for target, one in prior.taught.items()
        for name in Taught.__struct_fields__
    }
    targets = np.array([[hours, int(low)] for hours, low in prior.taught])
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, targets=targets, **arrays)


def _key(hours: int, is_minimum: bool, name: str) -> str:
    return f"{'low' if is_minimum else 'at'}{hours}_{name}"


def asked_of(
    grid: Grid, hours: int, *, is_minimum: bool = False
) -> tuple[NDArray[np.float32], Floats]:
    """Return what is asked of each cell (cells x questions) and ``spread_of`` it."""
    oxygen, spread = carried(grid.oxygen, max(1, grid.steps(1))), spread_of(grid)
    seen = lowest_of(oxygen, grid.steps(hours)) if is_minimum else oxygen
    columns = [*_of_late(grid, oxygen), *_of_days(grid, oxygen, seen, hours)]
    asked = np.nan_to_num(np.column_stack(columns) / spread[:, None])
    return np.clip(asked, -MOST, MOST).astype(np.float32), spread


def _of_late(grid: Grid, oxygen: Floats) -> Iterator[Floats]:
    for lag in _LAGS_H:
        yield oxygen - lagged(oxygen, max(1, grid.steps(lag)))
    series = pd.Series(oxygen)

    def rolled(hours: float, what: str) -> Floats:
        width = max(2, grid.steps(hours))
        window = series.rolling(width, min_periods=max(2, width // 4))
        return np.asarray(getattr(window, what)(), dtype=np.float64)

    for hours in (1, 3, 6, 12.5, 24, 72, 168):
        yield oxygen - rolled(hours, "mean")
    yield rolled(3, "std")
    yield rolled(24, "std")
    yield oxygen - rolled(24, "min")
    yield oxygen - rolled(24, "max")
    quick = pd.Series(np.abs(oxygen - lagged(oxygen, max(1, grid.steps(0.25)))))
    yield np.asarray(quick.rolling(grid.steps(24), min_periods=4).mean())


def _of_days(grid: Grid, oxygen: Floats, seen: Floats, hours: int) -> Iterator[Floats]:
    """Yield what the same hours did on the last seven days and a lunar day ago."""
    ahead, day = grid.steps(hours), grid.steps(24)
    then = np.stack([lagged(seen, one * day - ahead) for one in range(1, 8)])
    before = np.stack([lagged(oxygen, one * day) for one in range(1, 8)])
    yield from (then - before)[:3]
    yield mean_known(then - before)
    lunar = grid.steps(_LUNAR_DAY_H)
    yield lagged(seen, max(0, lunar - ahead)) - lagged(oxygen, lunar)
    yield oxygen - mean_known(then)
