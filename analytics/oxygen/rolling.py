"""Forecasts from every instant of a recording, each from what was known then.

Time is cut into blocks of a day (of six hours in the first fortnight). At the start of a
block the learner takes in what has come true since; the block's forecasts are made with
what it has learnt so far and the features of their own rows. Nothing else looks at time,
so cutting a recording short changes no forecast made before the cut.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.oxygen.features import HORIZONS_H, features_of
from analytics.oxygen.grid import Floats, Grid, carried, lagged, settled
from analytics.oxygen.learner import MODEL, Learner, Target
from analytics.oxygen.naive import NAIVE, SIMPLE, lowest_of, naive_changes
from analytics.oxygen.prior import EVERY, Prior, shipped

WARM_UP_DAYS: Final = 45
"""Forecasts are tried on that many days before the first that is wanted."""

TARGETS: Final = (
    *(Target(hours) for hours in HORIZONS_H),
    Target(3, is_minimum=True),
    Target(6, is_minimum=True),
)


class Run(Struct, frozen=True):
    """Forecasts of one target at every cell of a grid; NaN where none was made.

    ``naive`` is the naive forecast that was best of late, ``method`` what ``forecast``
    is: -1 the model, else an index of SIMPLE. ``truth`` is what came. All mg/L but
    ``chance``, the probability that it comes below the threshold.
    """

    target: Target
    forecast: Floats
    low: Floats
    high: Floats
    naive: Floats
    method: NDArray[np.int8]
    chance: Floats
    truth: Floats

    def used(self, row: int) -> str:
        """Return the name of what made the forecast at a row."""
        at = int(self.method[row])
        return MODEL if at < 0 else SIMPLE[at]


class Known(Struct, frozen=True):
    """What all targets share: features, the signs of unrest that widen a band, and what
    other waters taught. What is learnt from is ``calm``, the grid without strays."""

    grid: Grid
    calm: Grid
    features: NDArray[np.float32]
    unrest: NDArray[np.float32]
    prior: Prior

    def fixed(self, target: Target, rows: slice = EVERY) -> Floats:
        """Return the changes that need no fit (rows x target.fixed); NaN without oxygen."""
        hours, is_minimum = target.hours, target.is_minimum
        naive = naive_changes(self.grid, hours, is_minimum=is_minimum)[rows]
        simple = naive_changes(self.calm, hours, is_minimum=is_minimum)[rows]
        taught = self.prior.changes(self.calm, hours, is_minimum=is_minimum, rows=rows)
        taught = np.where(np.isnan(simple[:, 0]), np.nan, np.nan_to_num(taught))
        fixed = [simple, taught]
        if target.asks_days:
            yesterday = simple[:, SIMPLE.index("yesterday")]
            fixed.append(yesterday + self.prior.differences(self.calm, hours, rows))
        found = np.column_stack(fixed) + np.nan_to_num(self.stray[rows])[:, None]
        found[:, : len(NAIVE)] = naive[:, : len(NAIVE)]
        return found

    @property
    def stray(self) -> Floats:
        """How far the calm grid is from the last value of each cell, mg/L: nearly always 0."""
        return self.calm.oxygen - self.grid.oxygen


def known_of(grid: Grid, prior: Prior | None = None) -> Known:
    """Return the features of a grid, with the shipped prior unless another is given."""
    calm = settled(grid)
    return Known(grid, calm, features_of(calm), unrest_of(grid), prior or shipped())


def unrest_of(grid: Grid) -> NDArray[np.float32]:
    """Return how restless oxygen has been, its level and the hour: a row a cell."""
    oxygen = carried(grid.oxygen, max(1, grid.steps(1)))
    hours = (grid.start_ms + grid.step_ms * np.arange(len(grid))) / 3_600_000
    quick = np.abs(oxygen - lagged(oxygen, max(1, grid.steps(1))))
    quick = _smoothed(quick, grid.steps(6))
    day = np.abs(oxygen - lagged(oxygen, grid.steps(24)))
    columns = [
        quick,
        _smoothed(day, grid.steps(24)),
        np.abs(oxygen - _smoothed(oxygen, grid.steps(24))),
        oxygen - 7.0,
        np.sin(2 * np.pi * hours / 24),
        np.cos(2 * np.pi * hours / 24),
    ]
    unrest: NDArray[np.float32] = np.nan_to_num(np.column_stack(columns)).astype(
        np.float32
    )
    return unrest


def _smoothed(values: Floats, cells: int) -> Floats:
    """Return the mean of the last ``cells`` known values of each row."""
    known = ~np.isnan(values)
    total = np.cumsum(np.where(known, values, 0.0))
    count = np.cumsum(known)
    total[cells:] = total[cells:] - total[:-cells].copy()
    count[cells:] = count[cells:] - count[:-cells].copy()
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def truth_of(grid: Grid, target: Target) -> Floats:
    """Return what came true of each row's target; NaN where nobody knows."""
    ahead = grid.steps(target.hours)
    seen = lowest_of(grid.oxygen, ahead) if target.is_minimum else grid.oxygen
    return lagged(seen, -ahead)


def can_forecast(grid: Grid, target: Target) -> bool:
    """Return whether the step is fine enough for the target."""
    return grid.step_ms <= target.hours * 3_600_000


def run_target(
    known: Known,
    target: Target,
    first_row: int,
    *,
    threshold: float,
    keeps_warm_up: bool = False,
    told: Callable[[int], None] = lambda row: None,
) -> tuple[Run, Learner]:
    """Forecast one target from every cell with oxygen, ``first_row`` on.

    ``threshold`` mg/L is what ``chance`` is about; with ``keeps_warm_up`` the forecasts
    that were only tried, before ``first_row``, are returned too; ``told`` hears how far it is.
    Returns the forecasts, and the learner as it stands at the end.
    """
    grid, size = known.grid, len(known.grid)
    day = grid.steps(24)
    rolling = _Rolling(known, target, threshold)
    begin = max(0, min(first_row, size) - WARM_UP_DAYS * day)
    with threadpool_limits(1):  # more wait for each other where others work too
        for start, stop in blocks(size, begin, first_row, day):
            rolling.take_in(start, is_forecasting=start >= begin)
            if start >= begin:
                rolling.forecast(start, stop)
            told(stop)
        rolling.take_in(size, is_forecasting=True)
    return rolling.run(0 if keeps_warm_up else first_row), rolling.learner


def blocks(
    size: int, begin: int, first_row: int, day: int
) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) that cover a grid, broken at ``begin`` and ``first_row``."""
    start = 0
    while start < size:
        length = day // 4 if start < 14 * day else day
        stops = [one for one in (begin, first_row, size) if one > start]
        stop = min([start + max(1, length), *stops])
        yield start, stop
        start = stop


class _Rolling:
    """The arrays of one target, filled block by block."""

    def __init__(self, known: Known, target: Target, threshold: float) -> None:
        grid = known.grid
        self.known, self.target, self.threshold = known, target, threshold
        self.ahead = grid.steps(target.hours)
        self.fixed = known.fixed(target)
        self.truth = truth_of(grid, target)
        self.change = self.truth - grid.oxygen
        self.stray = known.stray
        self.learner = Learner(
            target, known.features.shape[1], known.unrest.shape[1], grid.steps(24)
        )
        size = len(grid)
        self.experts = np.full((size, len(target.experts)), np.nan)
        self.mixed, self.issued, self.scale, self.low, self.high, self.naive = (
            np.full(size, np.nan) for _ in range(6)
        )
        self.chance = np.full(size, np.nan)
        self.method = np.zeros(size, dtype=np.int8)
        self.done = 0

    def take_in(self, now: int, *, is_forecasting: bool) -> None:
        """Learn from the rows whose outcome lies before the row ``now``."""
        stop = max(self.done, now - self.ahead)
        rows = slice(self.done, stop)
        passed, self.done = stop - self.done, stop
        held = self.done_rows(rows)
        if passed:
            self.learner.learn_changes(
                self.known.features[held],
                self.change[held],
                self.stray[held],
                self.fixed[held],
                passed,
            )
            self._learn_errors(held, passed)
        if is_forecasting and passed:
            self.learner.solve()
            self._grow_trees()

    def done_rows(self, rows: slice) -> NDArray[np.int64]:
        """Return those of the rows whose outcome is known."""
        held: NDArray[np.int64] = np.flatnonzero(~np.isnan(self.change[rows]))
        return held + int(rows.start)

    def _learn_errors(self, held: NDArray[np.int64], passed: int) -> None:
        tried = held[~np.isnan(self.issued[held])]
        if len(tried):
            self.learner.learn_errors(
                self.experts[tried], self.mixed[tried], self.change[tried], passed
            )
            self.learner.band.learn(
                self.known.unrest[tried],
                self.change[tried] - self.issued[tried],
                self.scale[tried],
                passed,
            )

    def _grow_trees(self) -> None:
        if self.learner.trees.is_due(self.done):
            held = self.done_rows(slice(0, self.done))
            self.learner.trees.fit(
                self.known.features[held],
                self.change[held] - self.stray[held],
                self.done,
            )

    def forecast(self, start: int, stop: int) -> None:
        """Forecast from the rows of a block that hold oxygen."""
        oxygen = self.known.grid.oxygen
        rows = np.flatnonzero(~np.isnan(oxygen[start:stop])) + start
        if not len(rows):
            return
        learner = self.learner
        experts = learner.experts(
            self.known.features[rows], self.stray[rows], self.fixed[rows]
        )
        self.experts[rows] = experts
        self.mixed[rows] = learner.mixed(experts)
        self.method[rows] = learner.method
        self.issued[rows] = learner.issued(experts, self.mixed[rows])
        self.naive[rows] = oxygen[rows] + experts[:, learner.naive_method]
        self._bound(rows)

    def _bound(self, rows: NDArray[np.int64]) -> None:
        band, oxygen = self.learner.band, self.known.grid.oxygen[rows]
        scale = band.scales_of(self.known.unrest[rows])
        forecast = np.maximum(oxygen + self.issued[rows], 0.0)
        self.issued[rows] = forecast - oxygen
        low, high = band.quantiles()
        self.scale[rows] = scale
        self.low[rows] = np.maximum(forecast + low * scale, 0.0)
        self.high[rows] = forecast + high * scale
        self.chance[rows] = band.chance_below((self.threshold - forecast) / scale)

    def run(self, first_row: int) -> Run:
        """Return what was forecast from ``first_row`` on."""
        self.issued[:first_row] = np.nan
        return Run(
            target=self.target,
            forecast=self.known.grid.oxygen + self.issued,
            low=self.low,
            high=self.high,
            naive=self.naive,
            method=self.method,
            chance=self.chance,
            truth=self.truth,
        )


def run_all(
    grid: Grid,
    first_row: int,
    *,
    threshold: float,
    targets: Sequence[Target] = TARGETS,
    prior: Prior | None = None,
    told: Callable[[int, int], None] = lambda done, whole: None,
) -> list[Run]:
    """Forecast every target that the grid's step allows, ``first_row`` on.

    ``prior`` is what other waters taught, the shipped one unless another is given.
    """
    known = known_of(grid, prior)
    wanted = [target for target in targets if can_forecast(grid, target)]
    whole = len(wanted) * len(grid)
    runs = []
    for number, target in enumerate(wanted):

        def heard(row: int, before: int = number * len(grid)) -> None:
            told(before + row, whole)

        runs.append(
            run_target(known, target, first_row, threshold=threshold, told=heard)[0]
        )
    return runs
