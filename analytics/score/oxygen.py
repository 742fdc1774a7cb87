"""`greenwater score oxygen`: forecasts on anyone's recording, as they would have been made.

One row a forecast: ``time`` is its origin, the reading's own time at which it was made,
and what it is for is ``time`` plus ``horizon_h`` hours. ``naive`` is the naive forecast
that was best until then, ``used`` says what made ``forecast``: ``model``, or the simple
forecast that was relied on instead.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from analytics.oxygen.crash import CRASH_MG_L, CrashSkill, crash_skill
from analytics.oxygen.grid import DAY_MS, Grid, gridded
from analytics.oxygen.rolling import Run, run_all
from analytics.oxygen.skill import Skill, skill_of
from analytics.oxygen.warned import Warned, chance_to_catch, events_of, warned_at
from analytics.score.names import is_verdict, looks_like_oxygen
from analytics.score.table import (
    Floats,
    Table,
    canonical,
    format_instants,
    parse_instant,
    read_table,
    write_frame,
)
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError

PAUSE_MS: Final = 366 * DAY_MS
COMPANY: Final = 48
"""So few rows, more than a year from all others, are a wrong clock."""


def score_oxygen(
    file: Path, out: Path, *, train_until: str, progress: Callable[[int, int], None]
) -> str:
    """Write forecasts from ``train_until`` on; return the summary to print.

    Raises:
        InputError: the file is no such recording, or nothing is left to forecast.
    """
    first_ms = parse_instant(train_until, "--train-until")
    table = one_stretch(read_table(file), first_ms)
    grid = grid_of(table)
    first_row = grid.row_at(first_ms)
    if np.isnan(grid.oxygen[first_row:]).all():
        raise InputError(
            f"--train-until {train_until} leaves no oxygen to forecast from: the last "
            f"reading is at {format_instants(table.times_ms[-1:])[0]}"
        )
    runs = run_all(grid, first_row, threshold=CRASH_MG_L, told=progress)
    write_forecasts(grid, [run for run in runs if not run.target.is_minimum], out)
    return summary_of(grid, runs, table.notes)


def one_stretch(table: Table, first_ms: int) -> Table:
    """Return the rows without a pause of over a year among them, up to which to forecast.

    One wrong clock in a file would make decades of empty cells; and of what was before so long
    a pause nothing is told. The stretch is that of the first row from ``first_ms`` on that
    has company, or the last one.
    """
    edges = np.flatnonzero(np.diff(table.times_ms) > PAUSE_MS) + 1
    stretches = np.split(np.arange(len(table)), edges)
    wide = [rows for rows in stretches if len(rows) >= COMPANY] or stretches
    rows = next((one for one in wide if table.times_ms[one[-1]] >= first_ms), wide[-1])
    if len(rows) == len(table):
        return table
    at = slice(int(rows[0]), int(rows[-1]) + 1)
    left = len(table) - len(rows)
    return Table(
        table.times_ms[at],
        {name: values[at] for name, values in table.numbers.items()},
        {name: cells[at] for name, cells in table.texts.items()},
        table.lines[at],
        [*table.notes, f"{left} rows more than a year apart from the rest: left aside"],
    )


def grid_of(table: Table) -> Grid:
    """Return a recording on its even step; all its other numbers are inputs.

    Raises:
        InputError: it has no column of oxygen, or hardly a value in it.
    """
    name_of_oxygen = str(Channel.DISSOLVED_OXYGEN)
    values_of_oxygen = _oxygen_of(table)
    inputs = {
        name: values
        for name, values in table.inputs().items()
        if name != name_of_oxygen and not is_verdict(name)
    }
    return gridded(table.times_ms, values_of_oxygen, inputs)


def _oxygen_of(table: Table) -> Floats:
    """Return the first column of oxygen.

    Raises:
        InputError: there is none, or only one of another unit.
    """
    try:
        return table.column(str(Channel.DISSOLVED_OXYGEN))
    except InputError as exc:
        names = [one for one in table.numbers if not is_verdict(one)]
        names.sort(key=lambda one: canonical(one) in set(Channel))
        other = next((one for one in names if looks_like_oxygen(one)), None)
        if other is None:
            raise
        raise InputError(
            f"{exc}. Oxygen is needed in mg/L: is {other!r} in another unit? "
            "Convert it and call it dissolved_oxygen_mg_l"
        ) from exc


def write_forecasts(grid: Grid, runs: Sequence[Run], out: Path) -> None:
    """Write one row a forecast, by time and horizon."""
    parts = []
    for run in runs:
        rows = np.flatnonzero(~np.isnan(run.forecast))
        part = pd.DataFrame(
            {
                "row": rows,
                "time": format_instants(grid.times_ms[rows]),
                "horizon_h": run.target.hours,
                "forecast": run.forecast[rows],
                "low": run.low[rows],
                "high": run.high[rows],
                "naive": run.naive[rows],
                "used": [run.used(int(row)) for row in rows],
            }
        )
        parts.append(part)
    whole = pd.concat(parts).sort_values(["row", "horizon_h"], kind="stable")
    write_frame(whole.drop(columns="row"), out, "%.3f")


def summary_of(grid: Grid, runs: Sequence[Run], notes: Sequence[str]) -> str:
    """Return the printed page: skill by horizon, then warnings of a crash."""
    skills = [skill_of(grid, run) for run in runs if not run.target.is_minimum]
    lows = [run for run in runs if run.target.is_minimum]
    crashes = [(crash_skill(grid, run), _warned(grid, run)) for run in lows]
    return "\n".join(
        [
            *(f"note: {note}" for note in notes),
            *_skill_lines(skills),
            "",
            *_crash_lines(crashes),
        ]
    )


def _skill_lines(skills: Sequence[Skill]) -> list[str]:
    lines = [
        "RMSE in mg/L; skill = 1 - RMSE / RMSE of the better of persistence and same time "
        "yesterday",
        "horizon      n  forecast  persistence  yesterday  (blend)  skill  of squares"
        "  in 90 % band  by model",
    ]
    lines += [
        f"{one.hours:5d} h {one.count:6d} {one.forecast:9.3f} {one.persistence:12.3f} "
        f"{one.yesterday:10.3f} {one.blend:8.3f} {one.skill:6.2f} "
        f"{one.square_skill:11.2f} {100 * one.inside:11.1f} % "
        f"{100 * one.by_model:7.0f} %"
        if one.count
        else f"{one.hours:5d} h      0  nothing came true yet that could be judged"
        for one in skills
    ]
    return lines


def _warned(grid: Grid, run: Run) -> Warned:
    events = events_of(grid, run, CRASH_MG_L)
    return warned_at(events, chance_to_catch(events))


def _crash_lines(crashes: Sequence[tuple[CrashSkill, Warned]]) -> list[str]:
    lines = []
    for one, warned in crashes:
        if not one.rows:
            lines.append(f"no oxygen below {CRASH_MG_L:g} mg/L within {one.hours} h")
            continue
        if not one.crashes:
            lines.append(
                f"oxygen below {CRASH_MG_L:g} mg/L within {one.hours} h, but never a crash "
                "from above it: nothing to warn of"
            )
            continue
        lines.append(
            f"below {CRASH_MG_L:g} mg/L within {one.hours} h ({one.crashes} crashes): "
            f"precision {one.precision:.2f} at recall .8 "
            f"({one.precision_onset:.2f} while still above), "
            f"median lead {one.lead_h:.1f} h; "
            f"at {one.budget_false_per_30_days:.1f} false warnings in 30 days "
            f"{one.budget_caught} of {one.crashes} warned, "
            f"median lead {one.budget_lead_h:.1f} h"
        )
        if warned.crashes:
            lines.append(
                f"  by warnings: {warned.warnings} given to catch {warned.caught} of "
                f"{warned.crashes}; {warned.right} were followed by one within "
                f"{one.hours} h, {warned.right_in_12_h} within 12 h"
            )
    return lines
