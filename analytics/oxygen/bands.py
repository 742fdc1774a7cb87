"""How far a forecast may be off: conformal bands, from how far it was.

Errors are divided by the size expected of them at that hour and unrest, kept for two
months, and their quantiles are the band, wider while there are few days of errors. The share
outside is watched, and where it is too much the quantiles are moved until it is right
(adaptive conformal inference, Gibbs and Candès 2021); hardly ever inwards, since a band that
was too wide for a while tells nothing of the next change of weather.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.oxygen.grid import Floats
from analytics.oxygen.ridge import Ridge, sums_of

OUTSIDE: Final = 0.10
"""A 90 % band."""
KEPT_DAYS: Final = 60
FEWEST: Final = 96
SMALLEST_MG_L: Final = 0.02
LEAST_OUTSIDE: Final = 0.02
MOST_OUTSIDE: Final = 0.12
ADAPT: Final = 0.04
STUDENT: Final = 0.93
"""How much wider Student's t is than the normal at 95 %, times its degrees of freedom: the
first term, (1.645^2 + 1) / 4. A day of errors counts as one, for neighbours err alike."""
UNTRIED_SD_MG_L: Final = 0.8
"""Practice: the error of one hour's forecast before anything was verified; grows with the
square root of time up to 6 h."""


class Band:
    """The spread of one target's errors."""

    def __init__(self, width: int, day: int, hours: int) -> None:
        self.day, self.kept = day, KEPT_DAYS * day
        self.sizes = Ridge(width, half_life_rows=KEPT_DAYS * day, strength=day)
        self.pool: Floats = np.zeros(0)
        self.outside = OUTSIDE
        self.usual = UNTRIED_SD_MG_L * min(hours, 6) ** 0.5
        self.is_sized = False
        self.seen = 0

    def learn(
        self, unrest: NDArray[np.float32], errors: Floats, scales: Floats, rows: int
    ) -> None:
        """Take in errors (what came minus what was forecast) of verified forecasts."""
        self.sizes.decay(rows)
        self.sizes.add(*sums_of(unrest, np.abs(errors)))
        self.sizes.solve()
        low, high = self.quantiles()
        if len(self.pool) >= FEWEST and len(errors):
            ratio = errors / scales
            missed = float(np.mean((ratio < low) | (ratio > high)))
            moved = self.outside + ADAPT * (OUTSIDE - missed)
            self.outside = float(np.clip(moved, LEAST_OUTSIDE, MOST_OUTSIDE))
        self.pool = np.concatenate([self.pool, errors / scales])[-self.kept :]
        self.seen += len(errors)
        if self.is_tried:
            before = self.usual
            self.usual = max(self.sizes.offset, SMALLEST_MG_L)
            self.pool *= 1.0 if self.is_sized else before / self.usual
            self.is_sized = True

    @property
    def is_tried(self) -> bool:
        """Whether there were errors enough to tell their size."""
        return self.seen >= 4 * FEWEST

    def scales_of(self, unrest: NDArray[np.float32]) -> Floats:
        """Return the size of error expected at each row, mg/L, above zero."""
        if not self.is_sized:
            return np.full(len(unrest), self.usual)
        low, high = 0.4 * self.usual, 4 * self.usual
        return np.clip(self.sizes.predict(unrest), low, high)

    def quantiles(self) -> tuple[float, float]:
        """Return the band's two ends, in sizes."""
        if len(self.pool) < FEWEST:
            return -1.7, 1.7
        ends = np.quantile(self.pool, [self.outside / 2, 1 - self.outside / 2])
        ends *= 1 + STUDENT * self.day / len(self.pool)
        return min(float(ends[0]), 0.0), max(float(ends[1]), 0.0)

    def chance_below(self, room: Floats) -> Floats:
        """Return the probability that an error is below ``room`` (in sizes)."""
        pool = np.sort(self.pool) if len(self.pool) >= FEWEST else _NORMAL
        below = np.searchsorted(pool, room)
        return np.asarray((below + 0.5) / (len(pool) + 1), dtype=np.float64)


_NORMAL: Final = 1.25 * np.sort(np.random.default_rng(0).normal(size=500))
