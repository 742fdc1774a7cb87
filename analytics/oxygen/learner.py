"""One target (oxygen in so many hours, or its lowest until then), learnt day by day."""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analytics.oxygen.bands import Band
from analytics.oxygen.grid import Floats
from analytics.oxygen.mixing import Mixture, both_ways, pooled, youth_of
from analytics.oxygen.naive import NAIVE, SIMPLE
from analytics.oxygen.ridge import Ridge, sums_of
from analytics.oxygen.trees import Trees

MODEL: Final = "model"
RIDGE_ROWS: Final = 3000.0
EARLY_EASE: Final = 0.05
"""The young model may have had a mean square this much above the naive one's."""
SOFT: Final = 0.05
"""Its share goes from nothing to all while its mean square falls by this much."""
HOPE: Final = 0.9
"""Its mean square in naive ones before any trial."""
EARLY_HOPE_DAYS: Final = 30.0
HOPE_DAYS: Final = 1.0
"""How many days of trials that hope is worth: at a young place, and at a grown one."""
HOPEFUL_DAYS: Final = 45.0
"""Trials after which a place is grown in this."""
HABIT_DAYS: Final = 2.0
STICKY: Final = 0.9
"""The usual naive forecast is left for one whose mean square is this much smaller."""
PERSISTS: Final = {1: 0.8, 3: 0.5}
"""Persistence's share of the usual naive forecast, by hours; else yesterday has it all."""
PRIOR: Final = "prior"
DAYS: Final = "days"
"""Yesterday, and how other waters say that the next day differs from the last."""
DAYS_FROM_H: Final = 6
"""Nearer, the hours just past tell more than another day."""
LEARNED: Final = ("ridge", "recent", "trees")


class Target(Struct, frozen=True):
    """What is forecast: oxygen ``hours`` ahead, or the lowest in those hours."""

    hours: int
    is_minimum: bool = False

    @property
    def asks_days(self) -> bool:
        """Whether DAYS is one of its forecasts."""
        return self.hours >= DAYS_FROM_H and not self.is_minimum

    @property
    def fixed(self) -> tuple[str, ...]:
        """Its forecasts that need no fit at the place, in order."""
        return (*SIMPLE, PRIOR, DAYS) if self.asks_days else (*SIMPLE, PRIOR)

    @property
    def experts(self) -> tuple[str, ...]:
        """All its forecasts, in order: what the mixture weighs."""
        return (*self.fixed, *LEARNED)


class Learner:
    """Everything learnt of one target. Rows are taken in once, in order."""

    def __init__(self, target: Target, width: int, unrest_width: int, day: int) -> None:
        self.target, self.day = target, day
        self.ridges = [
            Ridge(width, half_life_rows=None, strength=RIDGE_ROWS),
            Ridge(width, half_life_rows=45.0 * day, strength=RIDGE_ROWS),
        ]
        self.trees = Trees(day)
        self.mixture = Mixture(30.0 * day, habit_of(target), HABIT_DAYS * day)
        self.band = Band(unrest_width, day, target.hours)
        self.tried = 0
        self.recent = 0.0
        self.issued_square: Floats = np.zeros(2)
        self.issued_naive: Floats = np.zeros((2, len(NAIVE)))
        self.simple_square: Floats = np.zeros((2, len(NAIVE)))

    def learn_changes(
        self,
        features: NDArray[np.float32],
        changes: Floats,
        stray: Floats,
        simple: Floats,
        rows: int,
    ) -> None:
        """Take in what came of ``rows`` cells; those given are the finite ones.

        ``stray``: how far what is learnt from is from the last value, mg/L.
        """
        sums = sums_of(features, changes - stray)
        for ridge in self.ridges:
            ridge.decay(rows)
            ridge.add(*sums)
        squares = _naive_squares(simple - changes[:, None])
        self.simple_square *= 0.5 ** (rows / (14.0 * self.day))
        if len(changes):
            self.simple_square += both_ways(squares, squares / len(changes))

    def learn_errors(
        self, experts: Floats, mixed: Floats, changes: Floats, rows: int
    ) -> None:
        """Take in how forecasts made at those rows, one at least, did."""
        factor = 0.5 ** (rows / (14.0 * self.day))
        errors = experts - changes[:, None]
        squares = _naive_squares(errors)
        level = squares / len(changes)
        self.mixture.learn(errors, level, rows)
        self.tried += len(changes)
        self.recent = self.recent * factor + len(changes)
        mixture_square = np.square(mixed - changes).sum()
        self.issued_square *= factor
        self.issued_square += both_ways(mixture_square, level)
        self.issued_naive *= factor
        self.issued_naive += both_ways(squares, level)

    def solve(self) -> None:
        """Make the linear forecasts of what was taken in."""
        for ridge in self.ridges:
            ridge.solve()

    def experts(
        self, features: NDArray[np.float32], stray: Floats, fixed: Floats
    ) -> Floats:
        """Return each forecast's change at each row (rows x experts), of the fixed ones."""
        learned = [ridge.predict(features) for ridge in self.ridges]
        learned.append(self.trees.predict(features) if self.trees.model else learned[0])
        return np.column_stack([fixed, *(one + stray for one in learned)])

    def mixed(self, experts: Floats) -> Floats:
        """Return the mixture of forecasts (rows x experts)."""
        return np.asarray(experts @ self.mixture.weights(self.youth))

    def issued(self, experts: Floats, mixed: Floats) -> Floats:
        """Return what is said: the mixture, as far as it is relied on."""
        share = self.share
        return share * mixed + (1 - share) * experts[:, self.naive_method]

    @property
    def youth(self) -> float:
        """1 for a place hardly tried, 0 for a grown one."""
        return youth_of(self.tried / self.day)

    @property
    def naive_method(self) -> int:
        """The naive forecast to go by, an index of SIMPLE: the usual one of the horizon
        unless the other was clearly better of late."""
        usual = int(PERSISTS.get(self.target.hours, 0.0) < 0.5)
        least = self.simple_square.min(axis=1)
        squares = pooled(self.simple_square, least, self.youth)
        return 1 - usual if squares[1 - usual] < STICKY * squares[usual] else usual

    @property
    def share(self) -> float:
        """How far the mixture is relied on, 0 to 1, by what came of it of late."""
        least = self.issued_naive.min(axis=1)
        early = youth_of(self.tried / self.day, grown=HOPEFUL_DAYS)
        hope = (HOPE_DAYS + early * (EARLY_HOPE_DAYS - HOPE_DAYS)) * self.day
        ratio = HOPE
        if least.min() > 0:
            naive = pooled(self.issued_naive, least, self.youth).min()
            found = float(pooled(self.issued_square, least, self.youth) / naive)
            ratio = (found * self.recent + HOPE * hope) / (self.recent + hope)
        return float(np.clip((1 + EARLY_EASE * self.youth - ratio) / SOFT, 0, 1))

    @property
    def method(self) -> int:
        """What is gone by now: -1 the model, at least in part, else an index of SIMPLE."""
        return -1 if self.share > 0 else self.naive_method

    @property
    def skill(self) -> float:
        """1 - RMSE / RMSE of the best naive forecast, of late; NaN before any."""
        best = float(self.issued_naive[1].min())
        if best <= 0:
            return float("nan")
        return float(1.0 - (self.issued_square[1] / best) ** 0.5)


def habit_of(target: Target) -> Floats:
    """Return the weights before any trial: half the prior, half the usual naive one."""
    experts = target.experts
    weights: Floats = np.zeros(len(experts))
    persists = PERSISTS.get(target.hours, 0.0)
    weights[experts.index("persistence")] = persists / 2
    weights[experts.index("yesterday")] = (1 - persists) / 2
    weights[experts.index(PRIOR)] = 0.5
    return weights


def _naive_squares(errors: Floats) -> Floats:
    """Return the sums of squares of the naive forecasts, the first of all columns."""
    return np.asarray(np.square(errors[:, : len(NAIVE)]).sum(axis=0))
