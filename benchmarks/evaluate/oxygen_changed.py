"""The shared recordings changed, their oxygen still what somebody would want forecast.

Other loggers, probes and faults than those that were recorded; where ``water_changed`` has
a change already, that one. Nothing is drawn without a fixed seed. Pure.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.score.names import is_verdict
from analytics.score.table import Floats, Table, canonical
from benchmarks.evaluate import water_changed as water
from benchmarks.evaluate.water_changed import DAY_MS, HOUR_MS, MINUTE_MS, SEED, Marked
from greenwater.kernel.channels import Channel

Change = Callable[[Marked], Marked]

SPIKES: Final = 0.01
"""The share of rows that are spikes."""
OFTEN_H: Final = 60.0
"""Hours between beginnings of stuck stretches, in the mean."""
VISIT_DAYS: Final = 21
"""Days between cleanings of a fouled probe."""
FOULED: Final = 0.25
"""The share of oxygen that it no longer shows by then."""
OCEAN: Final = 0.82
"""What sea water holds of what fresh water would: a probe left at salinity 0 reads more."""


def unmarked(table: Table) -> Marked:
    """Return a recording's raw channels, nothing marked."""
    values = {
        name: column for name, column in table.numbers.items() if not is_verdict(name)
    }
    nothing = np.zeros(len(table), dtype=np.bool_)
    return Marked(table.times_ms, values, dict.fromkeys(values, nothing))


def piece(one: Marked, share: float, days: int) -> Marked:
    """Return so many days of it, from so far along."""
    span_ms = int(one.times_ms[-1] - one.times_ms[0]) - days * DAY_MS
    start_ms = int(one.times_ms[0]) + int(span_ms * share) // HOUR_MS * HOUR_MS
    return one.rows(
        (one.times_ms >= start_ms) & (one.times_ms < start_ms + days * DAY_MS)
    )


def _whole(change: water.Change) -> Change:
    """Return a change of the watchers' that leaves one stretch."""

    def changed(one: Marked) -> Marked:
        (part,) = change(one)
        return part

    return changed


def _oxygen(one: Marked) -> str:
    return next(
        name for name in one.values if canonical(name) == Channel.DISSOLVED_OXYGEN
    )


def _with_oxygen(one: Marked, oxygen: Floats) -> Marked:
    held: Floats = np.maximum(oxygen, 0.0)
    return one._replace(values={**one.values, _oxygen(one): held.round(2)})


def _as_written(change: Callable[[Floats], Floats]) -> Change:
    """Return a change of oxygen alone."""
    return lambda one: _with_oxygen(one, change(one.values[_oxygen(one)]))


def louder(times: float) -> Change:
    """Return oxygen that goes so many times as far from its own mean."""

    def change(oxygen: Floats) -> Floats:
        mean = float(np.nanmean(oxygen))
        return mean + times * (oxygen - mean)

    return _as_written(change)


def noise(mg_l: float) -> Change:
    """Return oxygen with that much white noise (standard deviation)."""

    def change(oxygen: Floats) -> Floats:
        return oxygen + np.random.default_rng(SEED).normal(0, mg_l, len(oxygen))

    return _as_written(change)


def spiked(one: Marked) -> Marked:
    """Return it with a row in a hundred that is zero or far too much."""
    chance = np.random.default_rng(SEED)
    oxygen = one.values[_oxygen(one)].copy()
    struck = (chance.random(len(oxygen)) < SPIKES) & ~np.isnan(oxygen)
    oxygen[struck] = chance.choice([0.0, 18.0], struck.sum())
    return _with_oxygen(one, oxygen)


def stuck(one: Marked) -> Marked:
    """Return it with stretches of two hours to a day that repeat their first value."""
    chance = np.random.default_rng(SEED)
    oxygen = one.values[_oxygen(one)].copy()
    at = 0
    while (at := at + int(chance.exponential(OFTEN_H * 4))) < len(oxygen):
        length = int(chance.integers(8, 96))
        oxygen[at : at + length] = oxygen[at]
        at += length
    return _with_oxygen(one, oxygen)


def fouled(one: Marked) -> Marked:
    """Return it by a probe that fouls steadily and is cleaned every three weeks."""
    days = (one.times_ms - one.times_ms[0]) / DAY_MS
    lost = FOULED * (days % VISIT_DAYS) / VISIT_DAYS
    return _with_oxygen(one, one.values[_oxygen(one)] * (1 - lost))


def dead(*channels: str) -> Change:
    """Return it with some channels, or all but oxygen, that say nothing from the middle on."""

    def change(one: Marked) -> Marked:
        late = np.arange(len(one.times_ms)) >= len(one.times_ms) // 2
        gone = [
            name
            for name in one.values
            if name != _oxygen(one) and (canonical(name) in channels or not channels)
        ]
        dying = {name: np.where(late, np.nan, one.values[name]) for name in gone}
        return one._replace(values={**one.values, **dying})

    return change


def in_zeros(one: Marked) -> Marked:
    """Return it with all other channels at zero from the middle on: a cut cable."""
    died = dead()(one)
    return died._replace(
        values={
            name: values if name == _oxygen(one) else np.nan_to_num(values)
            for name, values in died.values.items()
        }
    )


def alone(one: Marked) -> Marked:
    """Return oxygen only."""
    return one.only([_oxygen(one)])


def paused(days: int) -> Change:
    """Return it with nothing for so many days after a third of it."""

    def change(one: Marked) -> Marked:
        start_ms = int(one.times_ms[len(one.times_ms) // 3])
        return one.rows(
            (one.times_ms < start_ms) | (one.times_ms >= start_ms + days * DAY_MS)
        )

    return change


def irregular(one: Marked) -> Marked:
    """Return rows a quarter of an hour to an hour and a quarter apart, off the quarters."""
    chance = np.random.default_rng(SEED)
    kept = np.unique(np.cumsum(chance.integers(1, 6, len(one.times_ms))))
    kept = kept[kept < len(one.times_ms)]
    off_ms = chance.integers(0, 8, len(kept)) * MINUTE_MS
    part = one.rows(np.isin(np.arange(len(one.times_ms)), kept))
    return part._replace(times_ms=part.times_ms + off_ms)


def repeated(one: Marked) -> Marked:
    """Return it with every tenth row twice, the second a little otherwise."""
    rows = np.sort(
        np.concatenate(
            [np.arange(len(one.times_ms)), np.arange(0, len(one.times_ms), 10)]
        )
    )
    is_second = np.concatenate([[False], np.diff(rows) == 0])
    part = Marked(
        one.times_ms[rows],
        {name: values[rows] for name, values in one.values.items()},
        {name: labels[rows] for name, labels in one.labels.items()},
    )
    oxygen = part.values[_oxygen(one)]
    return _with_oxygen(part, oxygen + 0.05 * is_second)


def moved(hours: float) -> Change:
    """Return it by a clock so many hours off: another zone, another meridian."""
    return lambda one: one._replace(times_ms=one.times_ms + int(hours * HOUR_MS))


CHANGES: Final[Mapping[str, Change]] = {
    "as it is": lambda one: one,
    "every 5 min": _whole(water.every(5)),
    "every 30 min": _whole(water.every(30)),
    "every 60 min": _whole(water.every(60)),
    "irregular, 15 to 75 min": irregular,
    "a tenth lost, in days": _whole(water.holed),
    "nothing for ten days": paused(10),
    "rows twice": repeated,
    "clock 7 h off": moved(7),
    "half a year and half a day off": _whole(water.turned),
    "oxygen × 0.5 from its mean": louder(0.5),
    "oxygen × 1.5 from its mean": louder(1.5),
    "a probe left at salinity 0": _as_written(lambda oxygen: oxygen / OCEAN),
    "noise of 0.3 mg/L": noise(0.3),
    "figures of 0.1": _whole(water.coarser),
    "spikes in a row of 100": spiked,
    "stuck stretches": stuck,
    "fouled, cleaned every 21 days": fouled,
    "oxygen alone": alone,
    "others dead from the middle": dead(),
    "temperature dead from the middle": dead(Channel.TEMPERATURE),
    "others zero from the middle": in_zeros,
}


def later(one: Marked) -> NDArray[np.bool_]:
    """Return which rows come after two thirds of its time."""
    split = one.times_ms[0] + (one.times_ms[-1] - one.times_ms[0]) * 2 // 3
    after: NDArray[np.bool_] = one.times_ms > split
    return after
