"""Warnings of a crash: the chance that oxygen falls below a threshold within hours.

Whoever acts on a warning pays for false ones, so the chance to warn at is chosen by a
budget of false warnings, from forecasts whose outcome is known. A fitted model warns by
its own past; the figures of a recording choose on the recording that they judge.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analytics.oxygen.grid import Floats, Grid
from analytics.oxygen.rolling import Run

CRASH_MG_L: Final = 2.0
"""Practice: below it fish and shrimp die within hours (hypoxia, as estuaries count it)."""
RECALL: Final = 0.8
FALSE_PER_30_DAYS: Final = 4.0
"""Practice: about one false call a week is what a farmer will bear in crash season."""
LEAST_PERCENT: Final = 20
"""Nobody is called for a chance lower than this, in per cent."""
QUIET_H: Final = 6.0
"""Crashes with less than that between them are one; so are warnings."""
LOOK_BACK_H: Final = 12.0


class CrashSkill(Struct, frozen=True):
    """How warnings of one horizon did.

    ``crashes`` counts crashes with a forecast before them, ``rows`` the instants
    before which oxygen fell below the threshold within the horizon. ``lead_h`` is the median
    from the first warning of the last twelve hours to the crash, 0 for a missed one.
    """

    hours: int
    rows: int
    crashes: int
    precision: float
    precision_onset: float
    warn_at: float
    lead_h: float
    budget_warn_at: float
    budget_caught: int
    budget_lead_h: float
    budget_false_per_30_days: float


def crash_skill(grid: Grid, run: Run, threshold: float = CRASH_MG_L) -> CrashSkill:
    """Return the figures of a run that forecasts the lowest oxygen in so many hours."""
    held = ~np.isnan(run.chance) & ~np.isnan(run.truth) & ~np.isnan(run.forecast)
    came = run.truth[held] < threshold
    chance = run.chance[held]
    is_onset = grid.oxygen[held] >= threshold
    warn_at, precision = at_recall(chance, came, RECALL)
    onset_precision = at_recall(chance[is_onset], came[is_onset], RECALL)[1]
    budget_at = chance_for_budget(grid, run, threshold, FALSE_PER_30_DAYS)
    leads = leads_h(grid, run, threshold, warn_at)
    budget_leads = leads_h(grid, run, threshold, budget_at)
    return CrashSkill(
        hours=run.target.hours,
        rows=int(came.sum()),
        crashes=len(leads),
        precision=precision,
        precision_onset=onset_precision,
        warn_at=warn_at,
        lead_h=_median(leads),
        budget_warn_at=budget_at,
        budget_caught=int((budget_leads > 0).sum()),
        budget_lead_h=_median(budget_leads),
        budget_false_per_30_days=false_per_30_days(grid, run, threshold, budget_at),
    )


def at_recall(
    chance: Floats, came: NDArray[np.bool_], recall: float
) -> tuple[float, float]:
    """Return the highest chance to warn at that finds ``recall`` of what came.

    And the share of the warnings that were right. NaN where nothing came.
    """
    if not came.any():
        return float("nan"), float("nan")
    wanted = np.sort(chance[came])[::-1]
    warn_at = float(wanted[int(np.ceil(recall * len(wanted))) - 1])
    warned = chance >= warn_at
    return warn_at, float(came[warned].mean())


def onsets_of(grid: Grid, threshold: float) -> NDArray[np.int64]:
    """Return the first rows of crashes: below, after QUIET_H without."""
    below = np.flatnonzero(grid.oxygen < threshold)
    if not len(below):
        return below
    before = np.diff(below, prepend=-grid.steps(24))
    return below[before > grid.steps(QUIET_H)]


def leads_h(grid: Grid, run: Run, threshold: float, warn_at: float) -> Floats:
    """Return the hours between warning and crash, 0 for a missed one; one a crash.

    Only crashes before which there was a forecast, above the threshold, count.
    """
    back, found = grid.steps(LOOK_BACK_H), []
    for onset in onsets_of(grid, threshold):
        rows = np.arange(max(0, onset - back), onset)
        rows = rows[~np.isnan(run.forecast[rows])]
        if not len(rows):
            continue
        warned = rows[run.chance[rows] >= warn_at]
        lead = (onset - warned[0]) * grid.step_ms / 3_600_000 if len(warned) else 0.0
        found.append(float(lead))
    return np.array(found)


def false_per_30_days(grid: Grid, run: Run, threshold: float, warn_at: float) -> float:
    """Return how many warnings in 30 days had no crash within LOOK_BACK_H after them.

    Warnings less than QUIET_H apart are one warning.
    """
    issued = ~np.isnan(run.forecast)
    warned = np.flatnonzero(issued & (run.chance >= warn_at))
    days = issued.sum() / grid.steps(24)
    if not len(warned) or not days:
        return 0.0
    starts = warned[np.diff(warned, prepend=-grid.steps(24)) > grid.steps(QUIET_H)]
    below = np.flatnonzero(grid.oxygen < threshold)
    following = np.searchsorted(below, starts)
    is_right = np.zeros(len(starts), dtype=np.bool_)
    some = following < len(below)
    is_right[some] = below[following[some]] - starts[some] <= grid.steps(LOOK_BACK_H)
    return float((~is_right).sum() / days * 30)


def chance_for_budget(
    grid: Grid, run: Run, threshold: float, budget_per_30_days: float
) -> float:
    """Return the lowest chance to warn at that keeps false warnings within a budget."""
    for percent in range(LEAST_PERCENT, 100, 5):
        if false_per_30_days(grid, run, threshold, percent / 100) <= budget_per_30_days:
            return percent / 100
    return 1.0


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else float("nan")
