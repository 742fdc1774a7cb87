"""A forecast by boosted trees, for what is not linear: learnt now and then.

In one thread each time: several wait for each other, twenty times as long where others work too.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.oxygen.grid import Floats

MOST_ROWS: Final = 8000
"""Rows learnt from; neighbours in time say nearly the same, more would only take longer."""
FEW_ROWS: Final = 3000
FEWEST_DAYS: Final = 14
GROWTH: Final = 0.5
"""Learnt again when there is this much more than at the last time."""


class Trees:
    """Boosted trees on a change; zero until there are FEWEST_DAYS."""

    def __init__(self, day: int) -> None:
        self.day = day
        self.learnt_rows = 0
        self.model: Any = None

    def is_due(self, rows: int) -> bool:
        """Return whether so many verified rows are worth a fit."""
        enough = max(FEWEST_DAYS * self.day, self.learnt_rows * (1 + GROWTH))
        return rows >= enough

    def fit(self, features: NDArray[np.float32], changes: Floats, rows: int) -> None:
        """Learn from finite rows, thinned evenly."""
        thin = -(-len(features) // MOST_ROWS)
        self.learnt_rows = rows
        if len(features) < 200:
            return
        # Two seconds of imports that no start should wait for.
        from sklearn.ensemble import HistGradientBoostingRegressor

        model = HistGradientBoostingRegressor(
            max_iter=120 if len(features) > FEW_ROWS else 60,
            learning_rate=0.06,
            max_leaf_nodes=12,
            min_samples_leaf=40,
            l2_regularization=1.0,
            max_features=0.3,
            early_stopping=False,
            random_state=0,
        )
        with threadpool_limits(1):
            self.model = model.fit(features[::thin], changes[::thin])

    def predict(self, features: NDArray[np.float32]) -> Floats:
        """Return the change expected at each row."""
        if self.model is None:
            return np.zeros(len(features))
        with threadpool_limits(1):
            return np.asarray(self.model.predict(features), dtype=np.float64)
