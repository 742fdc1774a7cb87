"""A linear forecast that learns day by day and forgets slowly.

It keeps sums only (a Gram matrix), so that a day more of readings costs a few
milliseconds and a year of them no memory.
"""

import numpy as np
from numpy.typing import NDArray

from analytics.oxygen.grid import Floats

CLIP_SD = 4.0
"""An input further than this from its mean counts as this far: a spike moves nothing."""


class Ridge:
    """Ridge regression of a change on features, with exponential forgetting.

    ``strength`` is the penalty in rows: how many rows it takes to be believed half.
    """

    def __init__(
        self, width: int, *, half_life_rows: float | None, strength: float
    ) -> None:
        self.half_life_rows = half_life_rows
        self.strength = strength
        self.gram: Floats = np.zeros((width + 1, width + 1))
        self.moment: Floats = np.zeros(width + 1)
        self.mean: Floats = np.zeros(width)
        self.weight: Floats = np.zeros(width)
        self.limit: Floats = np.zeros(width)
        self.offset = 0.0

    def decay(self, rows: int) -> None:
        """Let that many rows of time pass."""
        if self.half_life_rows is not None:
            factor = 0.5 ** (rows / self.half_life_rows)
            self.gram *= factor
            self.moment *= factor

    def add(self, gram: Floats, moment: Floats) -> None:
        """Take in rows by their sums (``sums_of``)."""
        self.gram += gram
        self.moment += moment

    def solve(self) -> None:
        """Find the weights that fit what was taken in."""
        count = self.gram[0, 0]
        if count < 2:
            return
        mean = self.gram[0] / count
        sd = np.sqrt(np.maximum(np.diag(self.gram) / count - mean**2, 0.0))
        live = sd > 1e-4
        live[0] = False
        spread = self.gram[np.ix_(live, live)] / count
        spread = spread - np.outer(mean[live], mean[live])
        scale = sd[live]
        spread = spread / np.outer(scale, scale)
        target = (self.moment[live] - mean[live] * self.moment[0]) / count / scale
        penalty = np.eye(len(scale)) * (self.strength / count + 1e-6)
        self.mean = mean[1:]
        self.weight = np.zeros(len(mean) - 1)
        self.weight[live[1:]] = np.linalg.solve(spread + penalty, target) / scale
        self.offset = float(self.moment[0] / count)
        self.limit = CLIP_SD * sd[1:]

    def predict(self, features: NDArray[np.float32]) -> Floats:
        """Return the change expected at each row."""
        if not self.weight.any():
            return np.zeros(len(features))
        away = np.clip(features - self.mean, -self.limit, self.limit)
        return np.asarray(self.offset + away @ self.weight, dtype=np.float64)


def sums_of(features: NDArray[np.float32], changes: Floats) -> tuple[Floats, Floats]:
    """Return the Gram matrix and the moment of rows; all must be finite."""
    padded = np.column_stack([np.ones(len(features)), features]).astype(np.float64)
    return padded.T @ padded, padded.T @ changes
