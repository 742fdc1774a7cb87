"""The shared recordings changed, the labels still true: what another river might look like.

Livelier and calmer water, fainter faults, other probes (offset, noise, resolution, units,
channels), other loggers (intervals, lost rows), other beginnings. Nothing is drawn without a
fixed seed. Pure but for reading the files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.score.table import Floats, Instants, Table, canonical
from greenwater.derived.chemistry import oxygen_percent

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
WEEK: Final = 7 * 96
SEED: Final = 7
GRAIN: Final = {
    "temperature": 0.01,
    "specific_conductivity_us_cm": 0.1,
    "ph": 0.01,
    "dissolved_oxygen": 0.01,
}
"""What the rivers' loggers wrote; others 0.01."""
NOISE: Final = {"temperature": 0.02, "ph": 0.01, "dissolved_oxygen": 0.03}
"""Standard deviation of a plausible probe; others NOISE_SHARE of the usual value."""
NOISE_SHARE: Final = 0.003
COARSE: Final = {
    "temperature": 0.1,
    "specific_conductivity_us_cm": 1.0,
    "ph": 0.1,
    "dissolved_oxygen": 0.1,
}
"""What national networks publish; others 0.1."""
OFFSET: Final = {
    "temperature": 12.0,
    "specific_conductivity_us_cm": 400.0,
    "ph": -0.7,
    "dissolved_oxygen": -2.0,
}
STORM: Final = {
    "temperature": (1.0, -0.8),
    "specific_conductivity_us_cm": (0.6, 0.0),
    "ph": (1.0, -0.25),
    "dissolved_oxygen": (1.0, -0.5),
    "turbidity": (1.0, 150.0),
}
"""What the heaviest shower does: times, and plus."""
AIR: Final = 0.05
"""The share of the usual value under which a number is air's, and stays what it is."""


class Marked(NamedTuple):
    """A recording by channel, and what a person marked in it; ``step_ms`` between rows."""

    times_ms: Instants
    values: Mapping[str, Floats]
    labels: Mapping[str, NDArray[np.bool_]]
    step_ms: int = 15 * MINUTE_MS

    def table(self) -> Table:
        """Return it as it would have been read from a file."""
        return Table(self.times_ms, self.values, {}, np.arange(len(self.times_ms)), [])

    def rows(self, kept: NDArray[np.bool_]) -> "Marked":
        """Return some of its rows."""
        return self._replace(
            times_ms=self.times_ms[kept],
            values={name: one[kept] for name, one in self.values.items()},
            labels={name: one[kept] for name, one in self.labels.items()},
        )

    def only(self, names: Sequence[str]) -> "Marked":
        """Return some of its channels."""
        return self._replace(
            values={name: self.values[name] for name in names},
            labels={name: self.labels[name] for name in names},
        )


Stretches = Iterator[Marked]
Change = Callable[[Marked], Stretches]
"""A changed recording, in one or several stretches, each begun anew."""


def _usual(one: Marked, name: str) -> tuple[Floats, Floats]:
    """Return the water under what was marked, and its median of a week around."""
    values = one.values[name]
    is_sound = ~one.labels[name] & ~np.isnan(values)
    rows = np.arange(len(values))
    water = np.interp(rows, rows[is_sound], values[is_sound])
    week = pd.Series(water).rolling(WEEK, center=True, min_periods=1).median()
    return water, week.to_numpy(np.float64)


def _each(
    one: Marked, change: Callable[[str, Floats], Floats], *, is_fresh: bool = False
) -> Marked:
    """Return it with every channel changed, as that channel's instrument would write it.

    Air stays air, and what was held stays held. ``is_fresh``: only where a person marked
    the row or a value is missing beside, since sound water that rests is measured anew.
    """
    marked = _marked(one)
    values = {}
    for name, before in one.values.items():
        new = _written(name, change(name, before))
        is_held = _is_held(before)
        if is_fresh:
            is_held &= marked
        begun = np.maximum.accumulate(np.where(is_held, 0, np.arange(len(before))))
        if canonical(name) != "temperature":
            new = np.where(before >= 0, np.maximum(new, 0), new)
        values[name] = np.where(_is_air(one, name), before, new[begun])
    return one._replace(values=values)


def _marked(one: Marked) -> NDArray[np.bool_]:
    """Return the rows in which anything was marked, or is missing."""
    marked: NDArray[np.bool_] = np.any([*one.labels.values()], axis=0)
    marked |= np.any(np.isnan([*one.values.values()]), axis=0)
    return marked


def _is_held(values: Floats) -> NDArray[np.bool_]:
    is_held: NDArray[np.bool_] = np.concatenate([[False], values[1:] == values[:-1]])
    return is_held


def _is_air(one: Marked, name: str) -> NDArray[np.bool_]:
    values = one.values[name]
    is_air: NDArray[np.bool_] = np.abs(values) < AIR * abs(float(np.nanmedian(values)))
    if canonical(name) == "temperature":
        is_air = (values == 0) & one.labels[name]  # freezing water is none
    return is_air


def _written(name: str, values: Floats, grains: Mapping[str, float] = GRAIN) -> Floats:
    grain = _of(name, grains, 0.1 if grains is COARSE else 0.01)
    written: Floats = np.round(np.round(values / grain) * grain, 4)
    return written


def _of(name: str, known: Mapping[str, float], other: float) -> float:
    return known.get(name, known.get(canonical(name), other))


def as_is(one: Marked) -> Stretches:
    """Return the recording itself."""
    yield one


def livelier(times: float) -> Change:
    """Return water and faults together farther from (nearer to) their week's median."""

    def change(one: Marked) -> Stretches:
        def scaled(name: str, values: Floats) -> Floats:
            week = _usual(one, name)[1]
            return week + times * (values - week)

        yield _each(one, scaled)

    return change


def rougher(times: float) -> Change:
    """Return the water alone farther from its week's median, the faults as large as they were."""

    def change(one: Marked) -> Stretches:
        def scaled(name: str, values: Floats) -> Floats:
            water, week = _usual(one, name)
            return values + (times - 1) * (water - week)

        yield _each(one, scaled)

    return change


def fainter(times: float) -> Change:
    """Return the faults alone smaller; what is missing stays missing."""

    def change(one: Marked) -> Stretches:
        def scaled(name: str, values: Floats) -> Floats:
            water = _usual(one, name)[0]
            return np.where(one.labels[name], water + times * (values - water), values)

        yield _each(one, scaled)

    return change


def stormy(one: Marked) -> Stretches:
    """Return it with a shower a week: thinner and dirtier within an hour or two, for half a day.

    Mixing rounds its beginning (half a cosine), and it wears off by itself.
    """
    chance = np.random.default_rng(SEED)
    hours = (one.times_ms - one.times_ms[0]) / HOUR_MS
    much: Floats = np.zeros(len(hours))
    at = 0.0
    while (at := at + float(chance.exponential(7 * 24))) < hours[-1]:
        comes, stays = chance.uniform(0.75, 2.0), chance.uniform(4, 12)
        passed = np.clip((hours - at) / comes, 0, 1)
        rise = (1 - np.cos(np.pi * passed)) / 2
        gone = np.exp(-np.clip(hours - at - comes, 0, None) / stays)
        much = np.maximum(much, chance.uniform(0.2, 1.0) * rise * gone)

    def rained(name: str, values: Floats) -> Floats:
        by, more = STORM.get(canonical(name), (1.0, 0.0))
        return values * by**much + more * much

    yield _each(one, rained, is_fresh=True)


def offset(one: Marked) -> Stretches:
    """Return warmer, saltier, sourer water with less oxygen."""
    yield _each(one, lambda name, values: values + _of(name, OFFSET, 0.0))


def noisier(one: Marked) -> Stretches:
    """Return it as a cheaper probe would have measured it."""
    chance = np.random.default_rng(SEED)

    def noisy(name: str, values: Floats) -> Floats:
        spread = _of(name, NOISE, NOISE_SHARE * float(np.nanmedian(values)))
        return values + chance.normal(0, spread, len(values))

    yield _each(one, noisy, is_fresh=True)


def coarser(one: Marked) -> Stretches:
    """Return it in the figures that a national network writes."""
    values = {name: _written(name, two, COARSE) for name, two in one.values.items()}
    yield one._replace(values=values)


def every(minutes: int) -> Change:
    """Return a reading every so often, on the hour: 5, or more than 15."""

    def seldom(one: Marked) -> Stretches:
        kept = one.times_ms % (minutes * MINUTE_MS) == 0
        part = one.rows(kept)._replace(step_ms=minutes * MINUTE_MS)
        marked = _marked(one)
        values = {}
        for name, was in one.values.items():
            # A logger that repeats its last value repeats the last it wrote.
            is_held = marked & _is_held(was) & ~_is_air(one, name)
            is_begun = ~is_held[kept]
            rows = np.where(is_begun, np.arange(len(is_begun)), 0)
            values[name] = part.values[name][np.maximum.accumulate(rows)]
        yield part._replace(values=values)

    def often(one: Marked) -> Stretches:
        times = 15 // minutes
        rows = np.arange((len(one.times_ms) - 1) * times + 1)
        before, part = rows // times, (rows % times) / times
        after = np.minimum(before + 1, len(one.times_ms) - 1)
        marked = _marked(one)
        values = {}
        for name, was in one.values.items():
            # A fault comes at once: where a row is marked the value stays until the next.
            is_smooth = ~marked[before] & ~marked[after] & ~np.isnan(was[after])
            water = was[before] + part * np.where(
                is_smooth, was[after] - was[before], 0
            )
            values[name] = _written(name, water)
        yield Marked(
            one.times_ms[before]
            + (part * (one.times_ms[after] - one.times_ms[before])).astype(np.int64),
            values,
            {name: is_in[before] for name, is_in in one.labels.items()},
            minutes * MINUTE_MS,
        )

    return often if minutes < 15 else seldom


def thinned(one: Marked) -> Stretches:
    """Return it without a tenth of its rows, here and there."""
    yield one.rows(np.random.default_rng(SEED).random(len(one.times_ms)) >= 0.1)


def holed(one: Marked) -> Stretches:
    """Return it without a tenth of its rows, half a day to two days at a time."""
    chance = np.random.default_rng(SEED)
    kept = np.ones(len(one.times_ms), bool)
    while kept.mean() > 0.9:
        start, length = chance.integers(len(kept)), chance.integers(48, 192)
        kept[start : start + length] = False
    yield one.rows(kept)


def unsteady(one: Marked) -> Stretches:
    """Return it by a clock that is up to two minutes off at each reading."""
    off = np.random.default_rng(SEED).integers(-120, 121, len(one.times_ms)) * 1000
    yield one._replace(times_ms=one.times_ms + off)


def begun_anew(days: int) -> Change:
    """Return stretches of so many days, each the first that is known; two weeks at least."""

    def change(one: Marked) -> Stretches:
        start_ms = int(one.times_ms[0])
        while start_ms < one.times_ms[-1]:
            end_ms = start_ms + days * DAY_MS
            part = one.rows((one.times_ms >= start_ms) & (one.times_ms < end_ms))
            if len(part.times_ms) * one.step_ms >= 14 * DAY_MS:
                yield part
            start_ms = end_ms

    return change


def turned(one: Marked) -> Stretches:
    """Return it half a year and half a day off: the other half of the globe."""
    yield one._replace(times_ms=one.times_ms + 182 * DAY_MS + DAY_MS // 2)


def without(*gone: str) -> Change:
    """Return it without some channels."""

    def change(one: Marked) -> Stretches:
        yield one.only([name for name in one.values if canonical(name) not in gone])

    return change


def both(first: Change, then: Change) -> Change:
    """Return one change made after another."""

    def change(one: Marked) -> Stretches:
        for part in first(one):
            yield from then(part)

    return change


def alone(one: Marked) -> Stretches:
    """Return every channel as a recording of its own."""
    for name in one.values:
        yield one.only([name])


def in_percent(one: Marked) -> Stretches:
    """Return oxygen in % of saturation in place of mg/L."""
    was = next(name for name in one.values if canonical(name) == "dissolved_oxygen")
    warm = next(name for name in one.values if canonical(name) == "temperature")
    if PERCENT not in one.values:
        celsius = np.clip(_usual(one, warm)[0], 0.0, 40.0)

        def percent(name: str, values: Floats) -> Floats:
            if name != was:
                return values
            found = oxygen_percent(values, celsius, 0.0, is_compensated=True)
            return np.round(found, 1)

        made = _each(one, percent, is_fresh=True)
        one = made._replace(
            values={**one.values, PERCENT: made.values[was]},
            labels={**one.labels, PERCENT: one.labels[was]},
        )
    yield one.only([name for name in one.values if name != was])


PERCENT: Final = "oxygen_saturation_pct"

CHANGES: Final[Mapping[str, Change]] = {
    "as it is": as_is,
    "all × 0.6": livelier(0.6),
    "all × 1.6": livelier(1.6),
    "water × 0.6": rougher(0.6),
    "water × 1.6": rougher(1.6),
    "faults × 0.6": fainter(0.6),
    "showers": stormy,
    "showers, no turbidity": both(stormy, without("turbidity")),
    "another level": offset,
    "more noise": noisier,
    "coarse figures": coarser,
    "every 5 min": every(5),
    "every 30 min": every(30),
    "every 60 min": every(60),
    "a tenth of rows lost": thinned,
    "a tenth lost, in days": holed,
    "clock ± 2 min": unsteady,
    "quarters, each anew": begun_anew(91),
    "months, each anew": begun_anew(30),
    "other hemisphere": turned,
    "no temperature": without("temperature"),
    "no turbidity": without("turbidity"),
    "channels alone": alone,
    "oxygen in %": in_percent,
}
