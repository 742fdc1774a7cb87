"""Weights for several forecasts, from how they erred together so far.

The weights are those, none negative, summing to one, whose mixture would have had the
least squared error. Few errors say little of how two forecasts err together, so their
products are shrunk towards "independently", where each weighs by its own mean square.
"""

from typing import Final

import numpy as np

from analytics.oxygen.grid import Floats

SHRINK_ROWS: Final = 400.0
"""So many errors are believed half; neighbours in time are hardly two."""
EASE: Final = 0.03
"""Share of the best forecast's mean square added to each one's: no chasing of noise."""


class Mixture:
    """Sums of products of errors, forgotten with a half life."""

    def __init__(self, width: int, half_life_rows: float) -> None:
        self.half_life_rows = half_life_rows
        self.products: Floats = np.zeros((width, width))
        self.count = 0.0

    def learn(self, errors: Floats, rows: int) -> None:
        """Take in errors (rows x forecasts), all finite, of ``rows`` cells of time."""
        factor = 0.5 ** (rows / self.half_life_rows)
        self.products = self.products * factor + errors.T @ errors
        self.count = self.count * factor + len(errors)

    def weights(self) -> Floats:
        """Return one weight a forecast; equal ones before there are errors."""
        width = len(self.products)
        if self.count < 1:
            return np.full(width, 1 / width)
        squares = self.products / self.count
        own = np.maximum(np.diag(squares), 1e-6)
        share = SHRINK_ROWS / (self.count + SHRINK_ROWS)
        total = squares * (1 - share) + np.diag(own * share)
        return least_weights(total + np.eye(width) * EASE * own.min())


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
