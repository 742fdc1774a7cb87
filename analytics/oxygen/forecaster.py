"""The forecast of one place for the running platform: fit now and then, forecast often.

Both are pure. ``fit`` runs the rolling forecast of ``rolling`` over a history and keeps
what it learnt; ``forecast`` goes by that from the last reading of a newer history, which
needs to reach back MEMORY_DAYS only.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from analytics.oxygen.crash import (
    CRASH_MG_L,
    FALSE_PER_30_DAYS,
    chance_for_budget,
)
from analytics.oxygen.features import MEMORY_DAYS
from analytics.oxygen.grid import DAY_MS, HOUR_MS, Floats, Grid, Instants, gridded
from analytics.oxygen.learner import MODEL, Learner, Target
from analytics.oxygen.naive import SIMPLE
from analytics.oxygen.rolling import TARGETS, Known, can_forecast, known_of, run_target

STALE_H = 1.0
"""From a last reading older than this no forecast is made."""


class History(Struct, frozen=True):
    """Readings of one place in order of time: oxygen mg/L and other channels by name."""

    times_ms: Instants
    oxygen: Floats
    inputs: Mapping[str, Floats]


class Forecast(Struct, frozen=True):
    """One forecast, mg/L; made at ``made_ms`` for ``hours`` later.

    With ``is_minimum`` it is the lowest until then. ``low`` and ``high`` are a 90 %
    band, ``naive`` the naive forecast best of late, ``used`` what made ``value``
    (``model`` or a simple forecast's name). ``skill`` is 1 - RMSE / RMSE of the best naive
    forecast on what was forecast and came true in the last weeks; None before that.
    ``chance`` is the probability of coming below the model's threshold, ``is_warning``
    whether that is high enough to call somebody (of the lowest until then only).
    """

    made_ms: int
    hours: int
    is_minimum: bool
    value: float
    low: float
    high: float
    naive: float
    used: str
    skill: float | None
    chance: float
    is_warning: bool

    @property
    def for_ms(self) -> int:
        """The instant it is for."""
        return self.made_ms + self.hours * HOUR_MS


class Model(Struct, frozen=True):
    """What was learnt of one place; a newer history is put on the same step.

    ``fitted_ms`` is the last reading it saw, ``threshold`` mg/L what ``chance`` is of;
    ``warn_at`` is, by horizon, the chance that kept false warnings within their budget.
    """

    fitted_ms: int
    step_ms: int
    channels: tuple[str, ...]
    threshold: float
    warn_at: Mapping[int, float]
    learners: Sequence[Learner]


def fit(
    history: History,
    *,
    threshold: float = CRASH_MG_L,
    targets: Sequence[Target] = TARGETS,
) -> Model:
    """Learn a place from its history: the longer the better, ten readings at least.

    Raises:
        InputError: there are fewer.
    """
    grid = gridded(history.times_ms, history.oxygen, history.inputs)
    known = known_of(grid)
    wanted = [target for target in targets if can_forecast(grid, target)]
    learners, warn_at = [], {}
    for target in wanted:
        run, learner = run_target(
            known, target, len(grid), threshold=threshold, keeps_warm_up=True
        )
        learners.append(learner)
        if target.is_minimum:
            warn_at[target.hours] = chance_for_budget(
                grid, run, threshold, FALSE_PER_30_DAYS
            )
    return Model(
        fitted_ms=int(grid.times_ms[-1]),
        step_ms=grid.step_ms,
        channels=tuple(grid.inputs),
        threshold=threshold,
        warn_at=warn_at,
        learners=learners,
    )


def forecast(model: Model, history: History, now_ms: int) -> list[Forecast]:
    """Return a forecast a target from the last reading; none if it is STALE_H old.

    Nothing after ``now_ms`` is looked at. Channels that the history lacks are taken as
    dead, and those that the model does not know are left aside.

    Raises:
        InputError: the history holds fewer than ten readings.
    """
    grid = _recent(model, history, now_ms)
    held = np.flatnonzero(~np.isnan(grid.oxygen))
    row = int(held[-1])
    if now_ms - grid.times_ms[row] > STALE_H * HOUR_MS:
        return []
    known = known_of(grid)
    with threadpool_limits(1):  # more wait for each other where others work too
        return [_one(model, learner, known, row) for learner in model.learners]


def _one(model: Model, learner: Learner, known: Known, row: int) -> Forecast:
    grid, at = known.grid, slice(row, row + 1)
    target, band = learner.target, learner.band
    fixed = known.fixed(target, at)
    experts = learner.experts(known.features[at], known.stray[at], fixed)
    method, last = learner.method, float(grid.oxygen[row])
    change = learner.issued(experts, learner.mixed(experts))[0]
    value = max(last + float(change), 0.0)
    scale = band.scales_of(known.unrest[at])
    low, high = band.quantiles()
    chance = float(band.chance_below((model.threshold - value) / scale)[0])
    return Forecast(
        made_ms=int(grid.times_ms[row]),
        hours=target.hours,
        is_minimum=target.is_minimum,
        value=value,
        low=max(value + low * float(scale[0]), 0.0),
        high=value + high * float(scale[0]),
        naive=last + float(experts[0, learner.naive_method]),
        used=MODEL if method < 0 else SIMPLE[method],
        skill=None if np.isnan(learner.skill) else learner.skill,
        chance=chance,
        is_warning=target.is_minimum and chance >= model.warn_at[target.hours],
    )


def _recent(model: Model, history: History, now_ms: int) -> Grid:
    """Return the last MEMORY_DAYS of a history, with the model's channels in order."""
    since = np.searchsorted(history.times_ms, now_ms - MEMORY_DAYS * DAY_MS)
    until = np.searchsorted(history.times_ms, now_ms, side="right")
    part = slice(int(since), int(until))
    dead = np.full(len(history.times_ms), np.nan)
    return gridded(
        history.times_ms[part],
        history.oxygen[part],
        {name: history.inputs.get(name, dead)[part] for name in model.channels},
        step_ms=model.step_ms,
    )
