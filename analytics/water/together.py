"""Whether a probe's channels moved together as they do. scikit-learn's MinCovDet.

Each instant is the vector of the channels' steps off their course, in usual steps. A robust
covariance is fitted to a sample of the last weeks and fitted anew every week of data; the
distance from it is held to the highest peaks of its own past, as all signs are.
"""

import warnings
from collections.abc import Mapping
from operator import mul, sub
from typing import Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from analytics.water.peaks import Peaks
from analytics.water.signs import Signs
from greenwater.kernel.reading import DAY_MS, HOUR_MS

KEPT: Final = 336
"""Hourly instants that a fit sees: two weeks."""
ANEW_MS: Final = 7 * DAY_MS
CLIPPED: Final = 30.0


class TogetherState(Struct):
    """The sample and the last fit. ``names`` are the channels, in the vectors' order."""

    names: list[str] = field(default_factory=list)
    sample: list[list[float]] = field(default_factory=list)
    sampled_ms: int = -(10**15)
    fitted_ms: int = 0
    middle: list[float] = field(default_factory=list)
    inverse: list[list[float]] = field(default_factory=list)
    peaks: Peaks = field(default_factory=lambda: Peaks(12.0))


def together_share(
    state: TogetherState, at_ms: int, found: Mapping[str, Signs]
) -> tuple[str, float]:
    """Return the channel that fits the others least, and its share of the threshold."""
    if len(found) < 3:
        return "", 0.0
    for one in found.values():
        if one.is_dead or one.is_lost:
            return "", 0.0
    names = list(found)
    if names != state.names:
        state.names, state.sample, state.middle = names, [], []
        state.peaks.since_ms, state.fitted_ms = at_ms, at_ms
    steps = [min(max(one.step, -CLIPPED), CLIPPED) for one in found.values()]
    share, odd_one = 0.0, 0
    if state.middle:
        # A handful of numbers: lists are faster than arrays made anew.
        off = list(map(sub, steps, state.middle))
        weighed = [sum(map(mul, row, off)) for row in state.inverse]
        parts = list(map(mul, off, weighed))
        distance = max(sum(parts), 0.0) ** 0.5
        share = distance / state.peaks.threshold(at_ms)
        state.peaks.take(at_ms, distance)
        odd_one = parts.index(max(parts))
    if at_ms - state.sampled_ms >= HOUR_MS:
        state.sampled_ms = at_ms
        state.sample = [*state.sample[1 - KEPT :], steps]
        if at_ms - state.fitted_ms >= ANEW_MS:
            _fit(state, at_ms)
    return names[odd_one], share


def _fit(state: TogetherState, at_ms: int) -> None:
    state.fitted_ms = at_ms
    rows: NDArray[np.float64] = np.array(state.sample)
    if len(rows) < 20 * rows.shape[1]:
        return
    rows = rows + np.random.default_rng(7).normal(0, 0.1, rows.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Two seconds of imports that no start should wait for.
        from sklearn.covariance import MinCovDet

        fitted = MinCovDet(random_state=7, support_fraction=0.8).fit(rows)
    state.middle = fitted.location_.tolist()
    state.inverse = np.linalg.pinv(
        fitted.covariance_ + 0.05 * np.eye(rows.shape[1])
    ).tolist()
