"""A new place's first forty days, begun at many dates: ``python -m benchmarks.evaluate.oxygen_pieces``.

Cuts pieces out of every shared recording and forecasts each as if the probe had been put
there that day, with a prior that the other recordings taught. Prints, for several windows
of days and all horizons, how often skill came out below zero, and how far at worst.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from analytics.oxygen.crash import CRASH_MG_L
from analytics.oxygen.features import HORIZONS_H
from analytics.oxygen.grid import DAY_MS, Floats, Grid
from analytics.oxygen.learner import Target
from analytics.oxygen.prior import Prior
from analytics.oxygen.rolling import run_all
from analytics.oxygen.skill import skill_of
from benchmarks.evaluate.oxygen import DATA, RECORDINGS
from benchmarks.evaluate.oxygen_prior import shared_grids, taught_by

DAYS: Final = 40
STARTS: Final = (0.0, 0.25, 0.5)
"""Shares of a recording; the later ones are moved some hours, so that days begin anywhere."""
MOVED_ROWS: Final = 37
WINDOWS: Final = ((2, 7), (7, 14), (14, 20), (2, 20), (2, 40), (14, 40))
FEWEST: Final = 150
NEARLY_ZERO: Final = -0.005
TARGETS: Final = tuple(Target(hours) for hours in HORIZONS_H)


def pieces(grid: Grid) -> Iterator[Grid]:
    """Yield pieces of DAYS with oxygen in most cells."""
    rows = DAYS * grid.steps(24)
    last = len(grid) - rows
    for number, share in enumerate(STARTS):
        start = max(0, min(int(last * share) + number * MOVED_ROWS, last))
        cut = slice(start, start + rows)
        piece = Grid(
            start_ms=grid.start_ms + grid.step_ms * start,
            step_ms=grid.step_ms,
            times_ms=grid.times_ms[cut],
            oxygen=grid.oxygen[cut],
            inputs={name: values[cut] for name, values in grid.inputs.items()},
        )
        if np.isfinite(piece.oxygen).mean() > 0.6:
            yield piece


def skills_of(piece: Grid, prior: Prior) -> Floats:
    """Return skill by window and horizon; NaN where too little came true."""
    first = piece.row_at(piece.start_ms + 2 * DAY_MS)
    runs = run_all(piece, first, threshold=CRASH_MG_L, targets=TARGETS, prior=prior)
    day = np.arange(len(piece)) * piece.step_ms / DAY_MS
    found = np.full((len(WINDOWS), len(runs)), np.nan)
    for row, (since, until) in enumerate(WINDOWS):
        for column, run in enumerate(runs):
            one = skill_of(piece, run, (day >= since) & (day < until))
            if one.count >= FEWEST:
                found[row, column] = one.skill
    return found


def table(skills: Sequence[Floats]) -> Iterator[str]:
    """Yield a row a window: over all pieces and horizons."""
    yield "| days | cells | below zero | worst | mean skill |"
    yield "|---|---|---|---|---|"
    for row, (since, until) in enumerate(WINDOWS):
        held = np.concatenate([one[row] for one in skills])
        held = held[np.isfinite(held)]
        yield (
            f"| {since + 1}-{until} | {len(held)} | {np.mean(held < NEARLY_ZERO):.0%} | "
            f"{held.min():.2f} | {held.mean():.3f} |"
        )


def main() -> int:
    """Print the table with the prior of the other sites; 1 where there are no recordings."""
    if not DATA.is_dir():
        print(f"no recordings in {DATA}")
        return 1
    grids = dict(shared_grids(DATA, RECORDINGS))
    skills = []
    for name, grid in grids.items():
        others = [one for other, one in grids.items() if other != name]
        prior = taught_by(others, TARGETS)
        for piece in pieces(grid):
            skills.append(skills_of(piece, prior))
            print(f"{name}: {np.round(skills[-1][3], 2)}", file=sys.stderr, flush=True)
    for line in table(skills):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
