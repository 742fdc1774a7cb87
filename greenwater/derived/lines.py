"""What follows from whole stretches of readings at once: arrays in, arrays out. Pure.

The rules are those of single readings (``compensating``, ``following``); a test holds the
two to each other. A value that is not known is NaN.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from greenwater.derived.ammonia import HOUR_MS, SALINITY_MS, TEMPERATURE_MS
from greenwater.derived.chemistry import (
    oxygen_saturation_mg_l,
    salinity_of_specific,
    salinity_psu,
)
from greenwater.derived.compensating import (
    MOST_C,
    MOST_PSU,
    SALT_MS,
    USUAL_C,
    WARM_MS,
)
from greenwater.derived.following import BESIDE_MS, DECIMALS
from greenwater.kernel.channels import Channel
from greenwater.reference.quality import QUALITY

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]


class Line(NamedTuple):
    """One channel in order of time: instants in ms since 1970, values in its own unit."""

    times_ms: Instants
    values: Floats


NOTHING: Final = Line(np.array([], np.int64), np.array([], np.float64))


class Around(NamedTuple):
    """Salinity (PSU) and temperature (°C): the probe's own, and those of its unit."""

    salt: Line = NOTHING
    warmth: Line = NOTHING
    salt_there: Line = NOTHING
    warmth_there: Line = NOTHING

    def psu(self, at_ms: Instants, longest_ms: int, *, is_told: bool = False) -> Floats:
        """Return the salinity at some instants, the probe's own where it is known.

        ``is_told``: what was told until then, and nothing that came afterwards.
        """
        ahead_ms = 0 if is_told else longest_ms
        own = as_of(self.salt, at_ms, longest_ms, ahead_ms)
        there = as_of(self.salt_there, at_ms, longest_ms, ahead_ms)
        return np.where(np.isnan(own), there, own).clip(0.0, None)

    def celsius(self, at_ms: Instants, longest_ms: int) -> Floats:
        """Return the temperature at some instants, the probe's own where it is known."""
        own = as_of(self.warmth, at_ms, longest_ms, longest_ms)
        there = as_of(self.warmth_there, at_ms, longest_ms, longest_ms)
        return np.where(np.isnan(own), there, own)

    def outside(self, start_ms: int, end_ms: int) -> "Around":
        """Return what is known from before or after ``[start, end)``."""
        return Around(*(_outside(one, start_ms, end_ms) for one in self))

    def and_also(self, other: "Around") -> "Around":
        """Return what both know."""
        return Around(*(joined(pair) for pair in zip(self, other, strict=True)))


def line_of(channel: Channel, points: Iterable[tuple[int, float]]) -> Line:
    """Return points in order of time without what no sound probe can say."""
    some = [*points]
    times = np.array([at for at, _ in some], np.int64)
    values = np.array([value for _, value in some], np.float64)
    good = possible(channel, values)
    return Line(times[good], values[good])


def joined(lines: Sequence[Line]) -> Line:
    """Return several lines as one; of one instant the highest value is the last."""
    there = [one for one in lines if len(one.times_ms)]
    if len(there) < 2:
        return there[0] if there else NOTHING
    times = np.concatenate([one.times_ms for one in there])
    values = np.concatenate([one.values for one in there])
    order = np.lexsort((values, times))
    return Line(times[order], values[order])


def saltiest(lines: Sequence[Line]) -> Line:
    """Return a water's salinity of what several probes told (``compensating.saltiest``)."""
    there = [one for one in lines if len(one.times_ms)]
    if len(there) < 2:
        return joined(there)
    times = np.unique(np.concatenate([one.times_ms for one in there]))
    known = [as_of(one, times, HOUR_MS, 0) for one in there]
    return Line(times, np.fmax.reduce(known))


def as_of(line: Line, at_ms: Instants, longest_ms: int, ahead_ms: int) -> Floats:
    """Return what was known at some instants: the newest until then, else the next.

    Not what is longer ago than ``longest_ms``, or further ahead than ``ahead_ms``.
    """
    times, values = line
    if not len(times):
        return np.full(len(at_ms), np.nan)
    before = np.searchsorted(times, at_ms, side="right") - 1
    after = np.minimum(before + 1, len(times) - 1)
    is_old = (before < 0) | (at_ms - times[before] > longest_ms)
    until_ms = times[after] - at_ms
    is_near = (until_ms >= 0) & (until_ms <= ahead_ms)
    return np.where(is_old, np.where(is_near, values[after], np.nan), values[before])


def possible(channel: Channel, values: Floats) -> NDArray[np.bool_]:
    """Return which values a sound probe can say at all (``is_possible``)."""
    limits, good = QUALITY.get(channel), ~np.isnan(values)
    if limits is not None and limits.fail.low is not None:
        good &= values >= limits.fail.low
    if limits is not None and limits.fail.high is not None:
        good &= values <= limits.fail.high
    return good


def salt_factor(at_ms: Instants, around: Around) -> Floats:
    """Return what to multiply mg/L of a probe left at salinity 0 by; 1: nobody knows."""
    psu = around.psu(at_ms, SALT_MS).clip(None, MOST_PSU)
    celsius = around.celsius(at_ms, WARM_MS).clip(0.0, MOST_C)
    warm = np.where(np.isnan(celsius), USUAL_C, celsius)
    fresh = np.asarray(oxygen_saturation_mg_l(warm, 0.0))
    factor = np.asarray(oxygen_saturation_mg_l(warm, psu)) / fresh
    return np.where(np.isnan(factor), 1.0, factor)


def follows(
    channel: Channel,
    source: Channel,
    told: Line,
    is_fresh: NDArray[np.bool_],
    around: Around,
) -> Floats:
    """Return a channel that follows from what was told of its source (``SOURCES``).

    ``is_fresh``: oxygen in mg/L of a probe that took the water for fresh.
    """
    found = _worked_out(channel, source, told, is_fresh, around)
    found = found.round(DECIMALS[channel])
    good = possible(source, told.values) & possible(channel, found)
    return np.where(good, found, np.nan)


def _worked_out(
    channel: Channel,
    source: Channel,
    told: Line,
    is_fresh: NDArray[np.bool_],
    around: Around,
) -> Floats:
    at_ms, values = told
    if source is Channel.CONDUCTIVITY:
        warm = as_of(around.warmth, at_ms, BESIDE_MS, BESIDE_MS)
        return np.asarray(salinity_psu(values.clip(0.0, None), warm))
    if source is Channel.SPECIFIC_CONDUCTIVITY:
        return np.asarray(salinity_of_specific(values.clip(0.0, None)))
    celsius = around.celsius(at_ms, TEMPERATURE_MS)
    psu = around.psu(at_ms, SALINITY_MS)
    if channel is Channel.OXYGEN_SATURATION:
        psu = np.where(is_fresh, 0.0, psu)
        return np.asarray(100 * values / oxygen_saturation_mg_l(celsius, psu))
    whole = oxygen_saturation_mg_l(celsius, np.nan_to_num(psu, nan=0.0))
    return np.asarray(values / 100 * whole)


def _outside(line: Line, start_ms: int, end_ms: int) -> Line:
    there = (line.times_ms < start_ms) | (line.times_ms >= end_ms)
    return Line(line.times_ms[there], line.values[there])
