"""How far the oxygen forecast goes: ``make evaluate PARTS=oxygen_perturbed``.

Forty-five days of every shared recording, changed in ways that leave the task the same
(``oxygen_changed``), are forecast from their third day on with a prior that the others
taught. Nothing is chosen here. Printed, by change: mean skill, how many fortnights came out
worse than naive and how far, between what shares the 90 % bands held, and what it took.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from analytics.oxygen.crash import CRASH_MG_L
from analytics.oxygen.features import features_of
from analytics.oxygen.grid import DAY_MS, Floats, Grid
from analytics.oxygen.learner import Target
from analytics.oxygen.prior import Prior
from analytics.oxygen.rolling import run_all
from analytics.oxygen.skill import skill_of
from analytics.score.oxygen import grid_of
from analytics.score.table import read_table
from benchmarks.evaluate.oxygen import DATA, RECORDINGS
from benchmarks.evaluate.oxygen_changed import (
    CHANGES,
    Change,
    later,
    piece,
    unmarked,
)
from benchmarks.evaluate.oxygen_prior import taught_without
from benchmarks.evaluate.water_changed import Marked

DAYS: Final = 45
SHARE: Final = 0.35
HOURS: Final = (1, 6, 24)
TARGETS: Final = tuple(Target(hours) for hours in HOURS)
FORTNIGHTS: Final = ((2, 16), (16, 30), (30, 45))
NEARLY_ZERO: Final = -0.005


class Found(Struct, frozen=True):
    """What came of one changed piece: skill by fortnight and horizon, over all its days by
    horizon, the share in the band from day 16 on by horizon, and seconds of one core."""

    fortnights: Floats
    whole: Floats
    inside: Floats
    seconds: float


def found_of(one: Marked, prior: Prior) -> Found:
    """Forecast a changed piece and return its figures.

    Raises:
        AssertionError: an input of the learners changes when what comes after it is left out.
    """
    began = time.process_time()
    grid = grid_of(one.table())
    runs = run_all(
        grid,
        grid.row_at(grid.start_ms + 2 * DAY_MS),
        threshold=CRASH_MG_L,
        targets=TARGETS,
        prior=prior,
    )
    seconds = time.process_time() - began
    assert_no_look_ahead(grid, grid_of(one.rows(~later(one)).table()))
    day = np.arange(len(grid)) * grid.step_ms / DAY_MS

    def skills(since: float, until: float) -> list[float]:
        rows = (day >= since) & (day < until)
        return [skill_of(grid, run, rows).skill for run in runs]

    late = [skill_of(grid, run, day >= FORTNIGHTS[1][0]).inside for run in runs]
    return Found(
        np.array([skills(*days) for days in FORTNIGHTS]),
        np.array(skills(FORTNIGHTS[0][0], DAYS)),
        np.array(late),
        seconds,
    )


def assert_no_look_ahead(grid: Grid, cut: Grid) -> None:
    """Compare the inputs of a recording and of its beginning."""
    assert grid.step_ms == cut.step_ms, "the step of a file hangs on its end"
    whole = features_of(grid)[: len(cut)]
    np.testing.assert_allclose(features_of(cut), whole, atol=1e-4)


def print_changes(
    pieces: Mapping[str, Marked],
    priors: Mapping[str, Prior],
    changes: Mapping[str, Change] = CHANGES,
) -> None:
    """Print a row a change."""
    hours = " | ".join(f"{one} h" for one in HOURS)
    print(f"| change | {hours} | fortnights below zero | worst | in the band | s |")
    print("|---|" + "---|" * (len(HOURS) + 4))
    for what, change in changes.items():
        found = {
            name: found_of(change(one), priors[name]) for name, one in pieces.items()
        }
        print(row_of(what, found), flush=True)


def row_of(what: str, found: Mapping[str, Found]) -> str:
    """Return a change's row of the table, of all recordings together."""
    means = np.mean([one.whole for one in found.values()], axis=0)
    cells = np.stack([one.fortnights for one in found.values()])
    at = np.unravel_index(np.argmin(cells), cells.shape)
    name = list(found)[at[0]]
    where = f"{cells[at]:.2f}: {name}, {HOURS[at[2]]} h, days {_days(int(at[1]))}"
    inside = 100 * np.stack([one.inside for one in found.values()])
    texts = [
        what,
        *(f"{one:.2f}" for one in means),
        f"{(cells < NEARLY_ZERO).sum()} of {cells.size}",
        where,
        f"{inside.min():.0f}-{inside.max():.0f} %",
        f"{sum(one.seconds for one in found.values()):.0f}",
    ]
    return f"| {' | '.join(texts)} |"


def _days(number: int) -> str:
    since, until = FORTNIGHTS[number]
    return f"{since + 1}-{until}"


def main(wanted: Sequence[str] = ("",)) -> int:
    """Print the table of recordings whose names begin so; 1 where there are none."""
    if not DATA.is_dir():
        print(f"no recordings in {DATA}")
        return 1
    tables = {name: read_table(DATA / file) for name, file in RECORDINGS.items()}
    grids = {name: grid_of(table) for name, table in tables.items()}
    wanted_too = [name for name in tables if name.startswith(tuple(wanted))]
    priors = {name: taught_without(name, grids) for name in wanted_too}
    pieces = {name: piece(unmarked(tables[name]), SHARE, DAYS) for name in wanted_too}
    print_changes(pieces, priors)
    return 0


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or ("",)))
