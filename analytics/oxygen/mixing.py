"""Weights for several forecasts, from how they erred together so far.

The weights are those, none negative, summing to one, whose mixture would have had the
least squared error. Few errors say little of how two forecasts err together, so their
products are shrunk towards "independently", where each weighs by its own mean square.

Errors are summed twice: as they are, and with every block of time counting alike, divided
by how hard it was. A place that is young goes by the second, for a burst of a probe's
faults would outweigh all that follows it.
"""

from typing import Final

import numpy as np

from analytics.oxygen.grid import Floats

SHRINK_ROWS: Final = 400.0
"""So many errors are believed half; neighbours in time are hardly two."""
EASE: Final = 0.03
"""Share of the best forecast's mean square added to each one's: no chasing of noise."""


LEAST_LEVEL: Final = 4e-4
"""(mg/L)^2; no block of time is called easier than this."""
FARTHEST: Final = 100.0
"""So many times its level a naive forecast's mean square may be."""
YOUNG_DAYS: Final = 7.0
GROWN_DAYS: Final = 21.0


def youth_of(days: float, grown: float = GROWN_DAYS) -> float:
    """Return how young a place is: 1 until YOUNG_DAYS of trials, 0 from ``grown`` on."""
    share = (grown - days) / (grown - YOUNG_DAYS)
    return float(min(max(share, 0.0), 1.0))


def both_ways(squares: Floats, naive: Floats) -> Floats:
    """Return sums of squares of one block twice: each block counting alike, and as it is.

    ``naive`` are the mean squares of the naive forecasts on it: the lesser is its level, unless
    the other is far above. An hour of a stuck probe would else weigh for weeks, since
    persistence has no trouble with it.
    """
    level = max(float(naive.min()), float(naive.max()) / FARTHEST, LEAST_LEVEL)
    return np.stack([squares / level, squares])


def pooled(sums: Floats, least: Floats, youth: float) -> Floats:
    """Return one of both ways, each first divided by its ``least``."""
    even, plain = (one / max(by, 1e-12) for one, by in zip(sums, least, strict=True))
    return np.asarray(youth * even + (1 - youth) * plain)


class Mixture:
    """Sums of products of errors, both ways, forgotten with a half life.

    ``habit`` are the weights before there are errors, worth ``habit_rows`` of them.
    """

    def __init__(self, half_life_rows: float, habit: Floats, habit_rows: float) -> None:
        width = len(habit)
        self.half_life_rows = half_life_rows
        self.habit, self.habit_rows = habit, habit_rows
        self.products: Floats = np.zeros((2, width, width))
        self.count = 0.0

    def learn(self, errors: Floats, naive: Floats, rows: int) -> None:
        """Take in errors (rows x forecasts), all finite, of ``rows`` cells of time.

        ``naive`` are the mean squares of the naive forecasts on them.
        """
        factor = 0.5 ** (rows / self.half_life_rows)
        self.products = self.products * factor + both_ways(errors.T @ errors, naive)
        self.count = self.count * factor + len(errors)

    def weights(self, youth: float) -> Floats:
        """Return one weight a forecast; ``habit`` before there are errors."""
        if self.count < 1:
            return self.habit
        least = np.array([np.diag(one).min() for one in self.products])
        squares = pooled(self.products, least, youth)
        own = np.maximum(np.diag(squares), 1e-6)
        share = SHRINK_ROWS / (self.count + SHRINK_ROWS)
        total = squares * (1 - share) + np.diag(own * share)
        found = least_weights(total + np.eye(len(own)) * EASE * own.min())
        trust = self.count / (self.count + self.habit_rows)
        return trust * found + (1 - trust) * self.habit


def least_weights(products: Floats) -> Floats:
    """Return w >= 0 with sum 1 that makes w' P w small, for P positive definite.

    One pass of active sets: forecasts with a negative weight are left out, one round
    after another.
    """
    active = np.ones(len(products), dtype=np.bool_)
    while True:
        part = np.linalg.solve(products[np.ix_(active, active)], np.ones(active.sum()))
        part = part / part.sum()
        if (part >= -1e-12).all():
            weights: Floats = np.zeros(len(products))
            weights[active] = np.maximum(part, 0.0)
            weights /= weights.sum()
            return weights
        rows = np.flatnonzero(active)
        active[rows[part < 0]] = False
