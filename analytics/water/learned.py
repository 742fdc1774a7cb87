"""A detector that learns from somebody's labels: gradient boosting over the signs.

Its features of an instant are the signs of every channel and what they were in the last hour, so
it sees no more than the rest does. What it says is brought to the common scale on the labelled
rows themselves, by folds of time: 0.5 is where it would give 0.05 false episodes a day.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.water.events import count_false, count_near, stretches
from analytics.water.watch import Scored
from greenwater.kernel.reading import DAY_MS, HOUR_MS

Floats = NDArray[np.float64]
WIDTH: Final = 8
FOLDS: Final = 4
LEAST: Final = 20
"""Labelled rows of each sort that learning needs."""
BUDGET: Final = 0.05
CODES: Final = 254
"""So many quantiles of a feature are told apart."""
MOST_GOOD: Final = 3000
"""Good rows that a model learns from, about: more are more of the same."""


class Learned(NamedTuple):
    """Scores of all rows, None if nothing could be learned; ``note`` says how it went."""

    scores: Floats | None
    note: str


def features(one: Scored) -> tuple[float, ...]:
    """Return the features of one reading: its signs, its own score, its value."""
    signs = one.signs
    value = np.nan if one.value is None else one.value
    return (
        value,
        one.score,
        signs.jump,
        signs.burst,
        signs.held,
        float(min(signs.repeats, 1000)),
        signs.step,
        float(signs.is_dead or signs.is_lost),
    )


def learn(
    times_ms: NDArray[np.int64],
    rows: Floats,
    labels: Floats,
    until_ms: int,
    plain: Floats,
) -> Learned:
    """Return scores of all rows from labels before ``until_ms``; NaN: not labelled.

    ``plain`` are the scores without labels: if they recall as many labelled episodes, on
    the labelled rows and by folds, they are relied on, and no scores are returned.
    """
    is_known = (times_ms < until_ms) & ~np.isnan(labels)
    bad, good = int((labels[is_known] == 1).sum()), int((labels[is_known] == 0).sum())
    if min(bad, good) < LEAST:
        return Learned(
            None,
            f"{bad} rows labelled 1 and {good} labelled 0 before --train-until, "
            f"{LEAST} of each are needed",
        )
    known = np.flatnonzero(is_known)
    at, truth = times_ms[known], stretches(times_ms[known], labels[known] == 1)
    without = count_near(truth, stretches(at, plain[known] >= 0.5))
    if without == len(truth):
        return Learned(
            None, f"the score without labels recalls all {without} labelled episodes"
        )
    wide = _with_past(rows)
    held_out = _held_out(wide[known], labels[known])
    bound = _bound(at, held_out, labels[known])
    recalled = count_near(truth, stretches(at, held_out >= bound))
    if recalled <= without:
        return Learned(
            None,
            f"of {len(truth)} labelled episodes the learner recalls {recalled}, "
            f"the score without labels {without}",
        )
    scores = _scaled(_fitted(wide[known], labels[known]).said(wide), bound)
    return Learned(
        scores,
        f"learned from {len(known)} labelled rows ({bad} of them 1); threshold "
        f"{bound:.3f} by {FOLDS} folds of time",
    )


def _with_past(rows: Floats) -> Floats:
    """Return the features with the largest of the last four instants beside them.

    A column without any value is made 0: the learner has no use for it.
    """
    wide = rows.copy()
    wide[:, np.isnan(rows).all(axis=0)] = 0.0
    past = [wide]
    signs = np.nan_to_num(wide)
    top = signs.copy()
    for back in range(1, 5):
        top[back:] = np.maximum(top[back:], signs[:-back])
    past.append(top)
    steps = np.zeros_like(wide[:, ::WIDTH])
    steps[4:] = wide[4:, ::WIDTH] - wide[:-4, ::WIDTH]
    past.append(np.nan_to_num(steps))
    return np.hstack(past)


class _Fitted(NamedTuple):
    """A model of codes: each value is the number of edges below it.

    scikit-learn, left to find its own bins, takes a weighted percentile for each of them: twenty
    thousand sorts, minutes where others work too.
    """

    model: HistGradientBoostingClassifier
    edges: Floats

    def said(self, rows: Floats) -> Floats:
        """Return the probability of being labelled 1, row by row."""
        with threadpool_limits(1):
            found = self.model.predict_proba(_coded(rows, self.edges))
        return np.asarray(found[:, 1], np.float64)


def _coded(rows: Floats, edges: Floats) -> Floats:
    codes = np.empty_like(rows)
    for column in range(rows.shape[1]):
        codes[:, column] = np.searchsorted(edges[:, column], rows[:, column])
    codes[np.isnan(rows)] = np.nan
    return codes


def _edges_of(rows: Floats) -> Floats:
    """Return CODES quantiles of each column; infinite where it has no value."""
    shares = np.linspace(0, 1, CODES)
    edges = np.full((CODES, rows.shape[1]), np.inf)
    for column in range(rows.shape[1]):
        values = rows[:, column]
        values = values[~np.isnan(values)]
        if len(values):
            edges[:, column] = np.quantile(values, shares, method="lower")
    return edges


def _fitted(rows: Floats, labels: Floats) -> _Fitted:
    """Return a model of all bad rows and of enough good ones, evenly through time."""
    good = np.flatnonzero(labels != 1)
    every = max(len(good) // MOST_GOOD, 1)
    weights = _weights(labels)
    weights[good] *= every
    is_used = labels == 1
    is_used[good[::every]] = True
    edges = _edges_of(rows[is_used])
    model = HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.15,
        max_leaf_nodes=12,
        min_samples_leaf=10,
        l2_regularization=1.0,
        random_state=7,
    )
    with threadpool_limits(1):  # more wait for each other where others work too
        model.fit(
            _coded(rows[is_used], edges),
            labels[is_used].astype(int),
            sample_weight=weights[is_used],
        )
    return _Fitted(model, edges)


def _weights(labels: Floats) -> Floats:
    """Return weights that give each labelled episode a day's, however long it is."""
    is_bad = labels == 1
    runs = np.cumsum(np.diff(is_bad.astype(int), prepend=0) != 0)
    lengths = np.bincount(runs)[runs]
    weights = np.ones(len(labels))
    weights[is_bad] = 24.0 / lengths[is_bad]
    return weights


def _held_out(rows: Floats, labels: Floats) -> Floats:
    """Return what a model that has not seen a quarter of the time says of it."""
    said = np.full(len(labels), np.nan)
    folds = np.arange(len(labels)) * FOLDS // len(labels)
    for fold in range(FOLDS):
        is_out = folds == fold
        if len(set(labels[~is_out].tolist())) < 2:
            continue
        model = _fitted(rows[~is_out], labels[~is_out])
        said[is_out] = model.said(rows[is_out])
    said[np.isnan(said)] = 0.0
    return said


def _bound(times_ms: NDArray[np.int64], said: Floats, labels: Floats) -> float:
    """Return the lowest threshold that keeps to the budget of false episodes."""
    days = max(len(times_ms) * _step_ms(times_ms) / DAY_MS, 1.0)
    truth = stretches(times_ms, labels == 1)
    for bound in np.geomspace(0.02, 0.98, 40):
        false = count_false(stretches(times_ms, said >= bound), truth, HOUR_MS)
        if false <= BUDGET * days:
            return float(bound)
    return 0.98


def _step_ms(times_ms: NDArray[np.int64]) -> float:
    return float(np.median(np.diff(times_ms))) if len(times_ms) > 1 else 0.0


def _scaled(said: Floats, bound: float) -> Floats:
    """Return probabilities moved, in log odds, so that ``bound`` becomes 0.5."""
    clipped = np.clip(said, 1e-6, 1 - 1e-6)
    odds: Floats = np.log(clipped / (1 - clipped)) - np.log(bound / (1 - bound))
    scores: Floats = np.asarray(1.0 / (1.0 + np.exp(-odds)), np.float64)
    return scores
