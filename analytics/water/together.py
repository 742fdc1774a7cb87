"""Whether a probe's channels moved together as they do. scikit-learn's MinCovDet.

Each instant is the vector of the channels' steps off their course, in usual steps. A robust
covariance is fitted to a sample of the last weeks and fitted anew every week of data; the
distance from it is held to the highest peaks of its own past, as all signs are. While a
channel is not there, the others are held to what the fit says of them alone; a new one is
part of it once it was there for half of the sample.
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
LEAST: Final = 3
"""Of fewer channels none can be told from the others."""


class TogetherState(Struct):
    """The sample and the last fit.

    ``names`` are the fit's channels, in the order of ``middle`` and ``inverse``. ``steps``
    holds the sample by channel, None where an instant had none of it.
    """

    names: list[str] = field(default_factory=list)
    steps: dict[str, list[float | None]] = field(default_factory=dict)
    sampled_ms: int = -(10**15)
    fitted_ms: int = 0
    middle: list[float] = field(default_factory=list)
    inverse: list[list[float]] = field(default_factory=list)
    peaks: Peaks = field(default_factory=lambda: Peaks(12.0))


def together_share(
    state: TogetherState, at_ms: int, found: Mapping[str, Signs]
) -> tuple[str, float]:
    """Return the channel that fits the others least, and its share of the threshold."""
    if len(found) < LEAST:
        return "", 0.0
    for one in found.values():
        if one.is_dead or one.is_lost:
            return "", 0.0
    if not state.fitted_ms:
        state.peaks.since_ms = state.fitted_ms = at_ms
    steps = {name: min(max(one.step, -CLIPPED), CLIPPED) for name, one in found.items()}
    odd_one, share = _held_to_fit(state, at_ms, steps)
    if at_ms - state.sampled_ms >= HOUR_MS:
        state.sampled_ms = at_ms
        _remember(state, steps)
        if at_ms - state.fitted_ms >= ANEW_MS:
            _fit(state, at_ms)
    return odd_one, share


def _held_to_fit(
    state: TogetherState, at_ms: int, steps: Mapping[str, float]
) -> tuple[str, float]:
    names, middle, inverse = state.names, state.middle, state.inverse
    here = [place for place, name in enumerate(names) if name in steps]
    if not middle or len(here) < LEAST:
        return "", 0.0
    if len(here) < len(names):
        names, middle = [names[one] for one in here], [middle[one] for one in here]
        spread = np.linalg.pinv(np.array(inverse))
        inverse = np.linalg.pinv(spread[np.ix_(here, here)]).tolist()
    # A handful of numbers: lists are faster than arrays made anew.
    off = list(map(sub, map(steps.__getitem__, names), middle))
    weighed = [sum(map(mul, row, off)) for row in inverse]
    parts = list(map(mul, off, weighed))
    distance = max(sum(parts), 0.0) ** 0.5
    share = distance / state.peaks.threshold(at_ms)
    state.peaks.take(at_ms, distance)
    return names[parts.index(max(parts))], share


def _remember(state: TogetherState, steps: Mapping[str, float]) -> None:
    before = max(map(len, state.steps.values()), default=0)
    for name in steps:
        if name not in state.steps:
            state.steps[name] = [None] * before
    for name, column in state.steps.items():
        column.append(steps.get(name))
        del column[:-KEPT]


def _fit(state: TogetherState, at_ms: int) -> None:
    state.fitted_ms = at_ms
    there = {
        name: number
        for name, column in state.steps.items()
        if (number := len(column) - column.count(None))
    }
    state.steps = {name: state.steps[name] for name in there}
    names = [name for name in there if 2 * there[name] >= len(state.steps[name])]
    whole = [
        row
        for row in zip(*(state.steps[name] for name in names), strict=True)
        if None not in row
    ]
    if len(names) < LEAST or len(whole) < 20 * len(names):
        return
    rows: NDArray[np.float64] = np.array(whole)
    rows = rows + np.random.default_rng(7).normal(0, 0.1, rows.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Two seconds of imports that no start should wait for.
        from sklearn.covariance import MinCovDet

        fitted = MinCovDet(random_state=7, support_fraction=0.8).fit(rows)
    state.names, state.middle = names, fitted.location_.tolist()
    state.inverse = np.linalg.pinv(
        fitted.covariance_ + 0.05 * np.eye(rows.shape[1])
    ).tolist()
