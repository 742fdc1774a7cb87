"""The rule "tonight's lowest is below critical", counted as people live it: calls, nights.

Every forecast of a recording goes through the code that claims and raises alarms, hour by
hour, beside the readings themselves. A call is *right* if oxygen comes below the critical
level within twelve hours; it is no call where a low oxygen stood already. The chance of a
crash, the other rule, is left out: its budget holds by its own making.

The instants are moved so that night falls when it does in Vietnam, whose hours the rule
goes by: the sondes' are UTC, the rivers' those of their place.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from analytics.alarms.replaying import DEVICE, PROBE, a_place
from analytics.alarms.watch import Watch
from analytics.forecasting import crash_claim
from analytics.oxygen.crash import LOOK_BACK_H, QUIET_H
from analytics.oxygen.forecaster import Forecast
from analytics.oxygen.grid import DAY_MS, HOUR_MS, Grid
from analytics.oxygen.rolling import Run
from analytics.places import Places
from benchmarks.evaluate.alarms import QUANTILES
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import Reading
from greenwater.reference.limits import Bounds, species_limits
from greenwater.reference.own_limits import OwnLimits
from greenwater.storage.telemetry.ports import Series

OXYGEN: Final = Channel.DISSOLVED_OXYGEN
BEFORE_DAYS: Final = 14
LEARN: Final = 0.3
"""A river's own limits are quantiles of so much of it, as where alarms are replayed."""

ESTUARY_H: Final = -13
"""From UTC to the sun of Apalachicola, and from there to Vietnam's hours."""
RIVER_H: Final = -7


class Nights(NamedTuple):
    """What a recording's nights came to.

    ``calls`` were made by forecasts, ``right`` of them followed by a low; ``lows`` began
    at any hour of the day, ``warned`` are those with a call before them.
    """

    days: float
    calls: int
    right: int
    lows: int
    warned: int

    @property
    def false_in_30_days(self) -> float:
        """How many calls in 30 days nothing came of."""
        return (self.calls - self.right) / self.days * 30 if self.days else 0.0


def nights_table(forecast: Iterable[tuple[str, Grid, Sequence[Run]]]) -> Iterator[str]:
    """Yield the nights of each recording, of the sondes by the limits of two species."""
    yield (
        "| recording, from day 15 | critical below | days | calls | in 30 days | right | "
        "false in 30 days | lows, at any hour | with a call before |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, grid, runs in forecast:
        for critical, places in _waters(name, grid):
            hours = RIVER_H if "river" in name else ESTUARY_H
            one = nights_of(grid, runs, places, critical, hours * HOUR_MS)
            often = one.calls / one.days * 30
            yield (
                f"| {name} | {critical:.1f} mg/L | {one.days:.0f} | {one.calls} | "
                f"{often:.1f} | {one.right} | {one.false_in_30_days:.1f} | {one.lows} | "
                f"{one.warned} |"
            )


def _waters(name: str, grid: Grid) -> Iterator[tuple[float, Places]]:
    """Yield critical levels, each with a place where it holds."""
    if "river" not in name:
        for species in ("PNV", "NUR"):
            limits = species_limits(species, OXYGEN)
            if limits and limits.critical and limits.critical.low is not None:
                yield limits.critical.low, a_place(species)
        return
    learnt = grid.oxygen[: int(LEARN * len(grid))]
    low = {
        severity: round(float(np.nanquantile(learnt, share)), 2)
        for severity, (share, _) in QUANTILES.items()
    }
    own = OwnLimits(
        channel=OXYGEN,
        warn=Bounds(low=low["warn"]),
        critical=Bounds(low=low["critical"]),
    )
    yield low["critical"], a_place("PNV", (own,))


def nights_of(
    grid: Grid, runs: Sequence[Run], places: Places, critical: float, moved_ms: int
) -> Nights:
    """Return what the rule's calls came to from the third week on; mg/L."""
    watch, raised = Watch({}, ()), list[int]()
    first, hour = grid.steps(24 * BEFORE_DAYS), grid.steps(1)
    for row in range(first, len(grid)):
        value, at_ms = float(grid.oxygen[row]), grid.start_ms + grid.step_ms * row
        now_ms = at_ms + moved_ms
        if np.isnan(value):
            continue
        watch.take([Reading(DEVICE, PROBE, OXYGEN, now_ms, value)], now_ms, places)
        place = places.at(Series(DEVICE, PROBE), now_ms)
        if row % hour == 0 and place is not None:
            claim = crash_claim(place, expected(runs, row, now_ms), now_ms)
            watch.claim([] if claim is None else [claim], places)
        watch.tick(now_ms, 0, places, is_up_to_date=False)
        changes = watch.taken()
        raised += [row for one, _, _ in changes.calls if one.kind == "forecast"]
    return _judged(grid, raised, first, critical)


def expected(runs: Sequence[Run], row: int, now_ms: int) -> list[Forecast]:
    """Return what the running platform would be told at a row of oxygen at horizons."""
    return [
        Forecast(
            made_ms=now_ms,
            hours=run.target.hours,
            is_minimum=False,
            value=float(run.forecast[row]),
            low=float(run.low[row]),
            high=float(run.high[row]),
            naive=float(run.naive[row]),
            used=run.used(row),
            skill=None,
            chance=0.0,
            is_warning=False,
        )
        for run in runs
        if not run.target.is_minimum and not np.isnan(run.forecast[row])
    ]


def _judged(grid: Grid, raised: list[int], first: int, critical: float) -> Nights:
    """Return calls and lows counted; calls of one QUIET_H are one."""
    quiet, ahead = grid.steps(QUIET_H), grid.steps(LOOK_BACK_H)
    calls = [
        row
        for before, row in zip([-grid.steps(24), *raised], raised, strict=False)
        if row - before > quiet
    ]
    below = np.flatnonzero(grid.oxygen < critical)
    below = below[below >= first]
    onsets = below[np.diff(below, prepend=-grid.steps(24)) > quiet]
    right = sum(bool(((below >= one) & (below <= one + ahead)).any()) for one in calls)
    warned = sum(any(one - ahead <= call < one for call in calls) for one in onsets)
    days = float((~np.isnan(grid.oxygen[first:])).sum() * grid.step_ms / DAY_MS)
    return Nights(days, len(calls), right, len(onsets), warned)
