"""The oxygen forecast on the shared recordings: ``python -m benchmarks.evaluate.oxygen``,
or with the beginnings of some recordings' names behind it.

Every recording is forecast from its third day on by what its own past had taught by then,
so all forecasts are of water not trained on. All come twice: as the probes answered, and
with nothing, neither input nor truth, that a person rejected afterwards. Tables are
markdown, for docs.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from msgspec import Struct, structs
from numpy.typing import NDArray

from analytics.oxygen.crash import CRASH_MG_L, crash_skill
from analytics.oxygen.grid import DAY_MS, Grid
from analytics.oxygen.prior import Prior
from analytics.oxygen.rolling import Run, run_all
from analytics.oxygen.skill import Skill, skill_of
from analytics.oxygen.warned import (
    Events,
    Warned,
    chance_to_catch,
    events_of,
    half_of,
    warned_at,
)
from analytics.score.oxygen import grid_of
from analytics.score.table import Table, read_table
from benchmarks.evaluate.oxygen_nights import nights_table
from benchmarks.evaluate.oxygen_prior import taught_without

DATA: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
RECORDINGS: Final = {
    "Cat Point (estuary)": "sondes/apalachicola_cat_point_2012_2013.csv.gz",
    "Dry Bar (estuary)": "sondes/apalachicola_dry_bar_2012_2013.csv.gz",
    "Blacksmith Fork (river)": "technician_labels/logan_river_blacksmithfork2015.csv.gz",
    "Franklin Basin (river)": "technician_labels/logan_river_franklinbasin2014.csv.gz",
    "Tony Grove (river)": "technician_labels/logan_river_tonygrove2014.csv.gz",
}

SOUND: Final = ("<0>", "<1>")
"""Codes of the sondes' owners: passed, and suspect. All others are rejected or missing."""


class Recording(Struct, frozen=True):
    """One recording, forecast."""

    name: str
    grid: Grid
    runs: list[Run]
    seconds: float

    def days(self, first: float, last: float) -> NDArray[np.bool_]:
        """Return which rows lie between two days of the recording."""
        day = np.arange(len(self.grid)) * self.grid.step_ms / DAY_MS
        return (day >= first) & (day < last)

    def months(self, wanted: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return which rows lie in some months of the year."""
        months = pd.DatetimeIndex(pd.to_datetime(self.grid.times_ms, unit="ms")).month
        return np.isin(months, wanted)

    def points(self) -> list[Run]:
        """Return the runs of oxygen at a horizon, without the lowest until then."""
        return [run for run in self.runs if not run.target.is_minimum]


def sound_only(table: Table) -> Table:
    """Return a table without the values that its owners rejected (sondes) or a technician
    labelled as faulty (rivers); columns nobody judged stay."""
    numbers = {
        name: np.where(_is_sound(table, name), values, np.nan)
        for name, values in table.numbers.items()
    }
    return structs.replace(table, numbers=numbers)


def _is_sound(table: Table, name: str) -> NDArray[np.bool_]:
    if f"{name}_qc" in table.texts:
        codes = table.texts[f"{name}_qc"]
        return np.array([str(code).startswith(SOUND) for code in codes])
    if f"{name}_label" in table.numbers:
        return np.isnan(table.numbers[f"{name}_label"])
    return np.ones(len(table.numbers[name]), dtype=bool)


def forecast_recording(name: str, table: Table, prior: Prior) -> Recording:
    """Return a recording with forecasts from its third day on."""
    began = time.process_time()
    grid = grid_of(table)
    first_row = grid.row_at(grid.start_ms + 2 * DAY_MS)
    runs = run_all(grid, first_row, threshold=CRASH_MG_L, prior=prior)
    return Recording(name, grid, runs, time.process_time() - began)


def recordings(wanted: tuple[str, ...] = ("",)) -> Iterator[Recording]:
    """Yield every recording whose name begins so, and once more without what people
    rejected. Each is judged with a prior that the others taught."""
    tables = {name: read_table(DATA / file) for name, file in RECORDINGS.items()}
    grids = {name: grid_of(table) for name, table in tables.items()}
    for name, table in tables.items():
        if name.startswith(wanted):
            prior = taught_without(name, grids)
            yield forecast_recording(name, table, prior)
            yield forecast_recording(f"{name}, sound only", sound_only(table), prior)


def skill_tables(forecast: list[Recording]) -> Iterator[str]:
    """Yield the skill from the third week on, then by age of the model and by season."""
    yield (
        "| recording, from day 15 | horizon | forecast | persistence | yesterday | "
        "(blend) | skill | of squares | in the 90 % band |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in forecast:
        for run in one.points():
            yield _skill_row(one.name, skill_of(one.grid, run, one.days(15, 1e6)))
    yield ""
    yield "| recording | rows | 1 h | 3 h | 6 h | 12 h | 24 h |"
    yield "|---|---|---|---|---|---|---|"
    for one in forecast:
        parts = {
            "days 3-7": one.days(2, 7),
            "days 8-14": one.days(7, 14),
            "days 15-45": one.days(14, 45),
            "winter": one.months((12, 1, 2)) & one.days(14, 1e6),
            "spring": one.months((3, 4, 5)) & one.days(14, 1e6),
            "summer": one.months((6, 7, 8)) & one.days(14, 1e6),
            "autumn": one.months((9, 10, 11)) & one.days(14, 1e6),
        }
        for what, rows in parts.items():
            found = [skill_of(one.grid, run, rows) for run in one.points()]
            if found[0].count > 300:
                cells = " | ".join(f"{each.skill:.2f}" for each in found)
                yield f"| {one.name} | {what} | {cells} |"


def _skill_row(name: str, one: Skill) -> str:
    return (
        f"| {name} | {one.hours} h | {one.forecast:.3f} | {one.persistence:.3f} | "
        f"{one.yesterday:.3f} | {one.blend:.3f} | {one.skill:.2f} | "
        f"{one.square_skill:.2f} | {100 * one.inside:.1f} % |"
    )


def crash_table(forecast: list[Recording]) -> Iterator[str]:
    """Yield how warnings of oxygen below CRASH_MG_L did, where it fell there."""
    yield (
        "| recording, from day 15 | within | crashes | precision at recall .8 | while "
        "still above | median lead | false in 30 days | warned | its median lead |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in forecast:
        for run in one.runs:
            if not run.target.is_minimum:
                continue
            run.forecast[~one.days(15, 1e6)] = np.nan
            found = crash_skill(one.grid, run)
            if found.rows:
                yield (
                    f"| {one.name} | {found.hours} h | {found.crashes} | "
                    f"{found.precision:.2f} | {found.precision_onset:.2f} | "
                    f"{found.lead_h:.1f} h | {found.budget_false_per_30_days:.1f} | "
                    f"{found.budget_caught} | {found.budget_lead_h:.1f} h |"
                )


def warned_table(forecast: list[Recording]) -> Iterator[str]:
    """Yield the same by warnings and crashes: the chance chosen on all of it, then on the
    first half and judged on the second. ``crash_table`` has left out the first fortnight."""
    yield (
        "| recording, from day 15 | within | chosen on | crashes warned of | warnings | "
        "right | right within 12 h |"
    )
    yield "|---|---|---|---|---|---|---|"
    for one in forecast:
        for run in one.runs:
            if run.target.is_minimum:
                events = events_of(one.grid, run, CRASH_MG_L)
                for what, found in _chosen(events):
                    yield (
                        f"| {one.name} | {run.target.hours} h | {what} | {found.caught} of "
                        f"{found.crashes} | {found.warnings} | {found.precision:.2f} | "
                        f"{found.precision_in_12_h:.2f} |"
                    )


def _chosen(events: Events) -> Iterator[tuple[str, Warned]]:
    if not len(events.onsets):
        return
    yield "what is judged", warned_at(events, chance_to_catch(events))
    before, after = half_of(events, 0), half_of(events, 1)
    if len(before.onsets) and len(after.onsets):
        yield "the first half", warned_at(after, chance_to_catch(before))


def main(wanted: tuple[str, ...] = ("",)) -> int:
    """Print the tables, of recordings whose names begin so; 1 where there are none."""
    if not DATA.is_dir():
        print(f"no recordings in {DATA}")
        return 1
    forecast = list(recordings(wanted))
    tables = (
        *(*skill_tables(forecast), "", *crash_table(forecast), ""),
        *(*warned_table(forecast), ""),
        *(*nights_table((one.name, one.grid, one.runs) for one in forecast), ""),
    )
    for line in tables:
        print(line, flush=True)
    for one in forecast:
        readings = int((~np.isnan(one.grid.oxygen)).sum())
        made = int(sum((~np.isnan(run.forecast)).sum() for run in one.points()))
        took = f"{one.seconds:.0f} s"
        print(
            f"{one.name}: {readings} readings, {made} forecasts in {took} of one core",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or ("",)))
