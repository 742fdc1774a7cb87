"""Weights for several forecasts, from how they erred together so far.

The weights are those, none negative, summing to one, whose mixture would have had the
least squared error; a prior keeps them near the simple forecasts until errors are known.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.oxygen.grid import Floats

PRIOR_ROWS: Final = 200.0
EASE: Final = 0.02
"""Share of the mean square added to each forecast's own: weights do not chase noise."""


class Mixture:
    """Sums of products of errors, forgotten with a half life."""

    def __init__(self, learned: NDArray[np.bool_], half_life_rows: float) -> None:
        self.half_life_rows = half_life_rows
        self.learned = learned
        self.products: Floats = np.zeros((len(learned), len(learned)))
        self.count = 0.0

    def learn(self, errors: Floats, rows: int) -> None:
        """Take in errors (rows x forecasts), all finite, of ``rows`` cells of time."""
        factor = 0.5 ** (rows / self.half_life_rows)
        self.products = self.products * factor + errors.T @ errors
        self.count = self.count * factor + len(errors)

    def weights(self) -> Floats:
        """Return one weight a forecast."""
        usual = float(np.diag(self.products)[0]) / max(self.count, 1.0) or 1.0
        prior = np.where(self.learned, 3.0, 1.0) * usual * PRIOR_ROWS
        total = self.products + np.diag(prior)
        total = total / (self.count + PRIOR_ROWS)
        total += np.eye(len(total)) * EASE * usual
        return least_weights(total)


def least_weights(products: Floats) -> Floats:
    """Return w >= 0 with sum 1 that makes w' P w small: a pass of active sets."""
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
