"""One target (oxygen in so many hours, or its lowest until then), learnt day by day."""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analytics.oxygen.bands import Band
from analytics.oxygen.grid import Floats
from analytics.oxygen.mixing import Mixture
from analytics.oxygen.naive import NAIVE, SIMPLE
from analytics.oxygen.ridge import Ridge, sums_of
from analytics.oxygen.trees import Trees

MODEL: Final = "model"
RIDGE_ROWS: Final = 3000.0
MARGIN: Final = 0.03
"""The model is relied on when its mean square was this much below the best naive one's."""
NEARLY: Final = 1.1
FAR_BETTER: Final = 0.7
LEARNED: Final = ("ridge", "recent", "trees")
EXPERTS: Final = (*SIMPLE, *LEARNED)


class Target(Struct, frozen=True):
    """What is forecast: oxygen ``hours`` ahead, or the lowest in those hours."""

    hours: int
    is_minimum: bool = False


class Learner:
    """Everything learnt of one target. Rows are taken in once, in order."""

    def __init__(self, target: Target, width: int, unrest_width: int, day: int) -> None:
        self.target, self.day = target, day
        self.ridges = [
            Ridge(width, half_life_rows=None, strength=RIDGE_ROWS),
            Ridge(width, half_life_rows=45.0 * day, strength=RIDGE_ROWS),
        ]
        self.trees = Trees(day)
        self.mixture = Mixture(len(EXPERTS), 30.0 * day)
        self.band = Band(unrest_width, day, target.hours)
        self.tried = 0
        self.issued_square = 0.0
        self.issued_naive: Floats = np.zeros(len(SIMPLE))
        self.simple_square: Floats = np.zeros(len(SIMPLE))

    def learn_changes(
        self, features: NDArray[np.float32], changes: Floats, simple: Floats, rows: int
    ) -> None:
        """Take in what came of ``rows`` cells; those given are the finite ones."""
        sums = sums_of(features, changes)
        for ridge in self.ridges:
            ridge.decay(rows)
            ridge.add(*sums)
        self.simple_square *= 0.5 ** (rows / (14.0 * self.day))
        self.simple_square += np.square(simple - changes[:, None]).sum(axis=0)

    def learn_errors(
        self, experts: Floats, mixed: Floats, changes: Floats, rows: int
    ) -> None:
        """Take in how forecasts made at those rows did."""
        factor = 0.5 ** (rows / (14.0 * self.day))
        errors = experts - changes[:, None]
        self.mixture.learn(errors, rows)
        self.tried += len(changes)
        self.issued_square *= factor
        self.issued_square += float(np.square(mixed - changes).sum())
        self.issued_naive *= factor
        self.issued_naive += np.square(errors[:, : len(SIMPLE)]).sum(axis=0)

    def solve(self) -> None:
        """Make the linear forecasts of what was taken in."""
        for ridge in self.ridges:
            ridge.solve()

    def experts(self, features: NDArray[np.float32], simple: Floats) -> Floats:
        """Return each forecast's change at each row (rows x EXPERTS)."""
        ridges = [ridge.predict(features) for ridge in self.ridges]
        trees = self.trees.predict(features) if self.trees.model else ridges[0]
        return np.column_stack([simple, *ridges, trees])

    @property
    def naive_method(self) -> int:
        """The naive forecast that was best of late, an index of SIMPLE."""
        return int(np.argmin(self.simple_square[: len(NAIVE)]))

    @property
    def method(self) -> int:
        """What to go by now: -1 the model, else the simple forecast best of late."""
        if self.tried < self.day * (1 + self.target.hours / 12):
            return _steady(self.simple_square)
        best = float(self.issued_naive[: len(NAIVE)].min())
        is_better = self.issued_square < (1 - MARGIN) * best
        return -1 if is_better else _steady(self.issued_naive)

    @property
    def skill(self) -> float:
        """1 - RMSE / RMSE of the best naive forecast, of late; NaN before any."""
        best = float(self.issued_naive[: len(NAIVE)].min())
        if best <= 0:
            return float("nan")
        return float(1.0 - (self.issued_square / best) ** 0.5)


def _steady(squares: Floats) -> int:
    """Return the simple forecast to go by: the better naive one, or their blend unless it
    was clearly worse; any other only if far better, since it can be far worse."""
    naive, blend = int(np.argmin(squares[: len(NAIVE)])), SIMPLE.index("blend")
    plain = blend if squares[blend] < NEARLY * squares[naive] else naive
    best = int(np.argmin(squares))
    return best if squares[best] < FAR_BETTER * squares[plain] else plain
