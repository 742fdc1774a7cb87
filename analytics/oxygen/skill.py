"""How good forecasts were, beside the naive ones: the figures that are printed.

Skill is 1 - RMSE / RMSE of the best naive forecast, where the best is chosen afterwards, on
the very rows that are judged: the hardest comparison there is. Zero is as good as it.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analytics.oxygen.grid import Floats, Grid
from analytics.oxygen.naive import NAIVE, naive_changes
from analytics.oxygen.rolling import Run


class Skill(Struct, frozen=True):
    """Figures of one horizon: RMSEs in mg/L over ``count`` verified forecasts.

    ``blend`` is half persistence, half yesterday: no naive forecast any more, yet cheap.
    ``inside`` is the share of readings within the band, ``by_model`` of forecasts that
    are the model's.
    """

    hours: int
    count: int
    forecast: float
    persistence: float
    yesterday: float
    blend: float
    inside: float
    by_model: float

    @property
    def naive(self) -> float:
        """RMSE of the better naive forecast."""
        return min(self.persistence, self.yesterday)

    @property
    def skill(self) -> float:
        """1 - RMSE / RMSE of the better naive forecast."""
        return 1 - self.forecast / self.naive if self.naive > 0 else 0.0

    @property
    def square_skill(self) -> float:
        """The same of mean squares, as many papers have it: always further from 0."""
        return 1 - (self.forecast / self.naive) ** 2 if self.naive > 0 else 0.0


def skill_of(grid: Grid, run: Run, rows: NDArray[np.bool_] | None = None) -> Skill:
    """Return the figures of a run over verified forecasts, of ``rows`` only if given."""
    simple = naive_changes(grid, run.target.hours)
    held = ~np.isnan(run.forecast) & ~np.isnan(run.truth)
    if rows is not None:
        held &= rows
    came = run.truth[held]

    def rmse(forecast: Floats) -> float:
        if not len(came):
            return float("nan")
        return float(np.sqrt(np.mean(np.square(forecast[held] - came))))

    yesterday = grid.oxygen + simple[:, NAIVE.index("yesterday")]
    inside = (came >= run.low[held]) & (came <= run.high[held])
    return Skill(
        hours=run.target.hours,
        count=len(came),
        forecast=rmse(run.forecast),
        persistence=rmse(grid.oxygen),
        yesterday=rmse(yesterday),
        blend=rmse((grid.oxygen + yesterday) / 2),
        inside=float(np.mean(inside)) if len(came) else float("nan"),
        by_model=float(np.mean(run.method[held] < 0)) if len(came) else float("nan"),
    )
