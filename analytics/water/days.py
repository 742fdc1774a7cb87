"""Drift and fouling of a probe that hangs alone: its days against its own days before. Pure.

Of each day two values are kept: the highest, where what is made and what is breathed balance
(oxygen of mixed water is then near saturation, the same day after day), and the lowest, which the
night reaches. Fouling lowers the first for days on end; a drift moves both the same way;
growth that slows a probe's answer draws both together. The last three days, all of them, are held
to the usual of the four weeks before. Weather moves them too: how much is in those weeks.
"""

from collections.abc import Mapping
from math import log
from statistics import median
from typing import Final, NamedTuple

from msgspec import Struct, field

from greenwater.derived.chemistry import oxygen_percent
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS, HOUR_MS, MINUTE_MS

OFFSET_MS: Final = 7 * HOUR_MS
"""A day begins at midnight of this country: neither the top nor the low is cut in two."""
EVERY_MS: Final = 9 * MINUTE_MS
"""Readings that follow sooner add nothing to a day."""
SMOOTH_MS: Final = 30 * MINUTE_MS
LOST_MS: Final = 2 * HOUR_MS
LEAST_HOURS: Final = 16
"""Hours of a day that must have a reading for it to count."""
DAYS: Final = 3
USUAL: Final = 28
LEAST_USUAL: Final = 6
FROZEN: Final = 28
"""Days for which odd ones do not become usual."""
UNUSUAL: Final = 3.5
"""How many usual spreads from the usual is a share of 1."""
DULL: Final = 4.0
"""The same of how far a day goes up and down, as a logarithm."""
SHRUNK: Final = log(1.6)
LEAST_LOG: Final = 0.2
AT_CALM: Final = 105.0
OFF_CALM: Final = 0.25
_SPREAD: Final = 1.48
_LEAST: Final = {
    str(Channel.OXYGEN_SATURATION): 3.0,
    str(Channel.DISSOLVED_OXYGEN): 0.25,
    str(Channel.PH): 0.05,
}
"""Channels whose days are alike, and the least spread that is taken for theirs."""
GROWN: Final = (str(Channel.OXYGEN_SATURATION), str(Channel.DISSOLVED_OXYGEN))
WATCHED: Final = frozenset(_LEAST)
MOST_C: Final = 45.0
MOST_PSU: Final = 45.0


class DayState(Struct, array_like=True):
    """The day that goes on, the last whole ones, and the usual ones: (top, low)."""

    day: int = -(10**9)
    top: float = 0.0
    low: float = 0.0
    hours: int = 0
    smooth: float = 0.0
    last_ms: int = -(10**15)
    lately: list[tuple[float, float]] = field(default_factory=list)
    usual: list[tuple[float, float]] = field(default_factory=list)
    frozen: int = 0


class DaysSaid(NamedTuple):
    """What the last days say: ``share`` 1 is as odd as may be; ``grounds`` are figures."""

    share: float
    cause: str
    grounds: str


def percent_of(
    oxygen_mg_l: float, values: Mapping[str, float | None]
) -> tuple[str, float] | None:
    """Return oxygen in per cent, by its temperature and salinity; None without the first."""
    celsius = values.get(Channel.TEMPERATURE)
    salinity = values.get(Channel.SALINITY) or 0.0
    if celsius is None or not 0 < celsius < MOST_C:
        return None
    if not 0 <= salinity < MOST_PSU:
        salinity = 0.0
    percent = oxygen_percent(oxygen_mg_l, celsius, salinity, is_compensated=True)
    return str(Channel.OXYGEN_SATURATION), float(percent)


def is_due(state: DayState, at_ms: int) -> bool:
    """Return whether a reading would add anything."""
    return at_ms - state.last_ms >= EVERY_MS


def day_taken(
    state: DayState, meaning: str, value: float, at_ms: int
) -> DaysSaid | None:
    """Take a reading; if a day is over with it, return what the last days say."""
    day = (at_ms + OFFSET_MS) // DAY_MS
    said = None
    if day != state.day:
        said = _closed(state, meaning)
        if day - state.day > 2 * DAYS:
            state.lately = []
        state.day, state.hours = day, 0
    passed = at_ms - state.last_ms
    if passed > LOST_MS:
        state.smooth = value
    else:
        state.smooth += passed / (passed + SMOOTH_MS) * (value - state.smooth)
    state.last_ms = at_ms
    smooth = state.smooth
    state.top = smooth if state.hours == 0 else max(state.top, smooth)
    state.low = smooth if state.hours == 0 else min(state.low, smooth)
    state.hours |= 1 << (at_ms // HOUR_MS % 24)
    return said


def _closed(state: DayState, meaning: str) -> DaysSaid | None:
    """End the day; None if it, or what came before, is too little to say anything."""
    if state.hours.bit_count() < LEAST_HOURS:
        return None
    state.lately.append((round(state.top, 4), round(state.low, 4)))
    if len(state.lately) > DAYS:
        state.usual = [*state.usual[1 - USUAL :], state.lately.pop(0)]
    if len(state.lately) < DAYS or len(state.usual) < LEAST_USUAL:
        return None
    said = _said(state, meaning)
    if said.share >= 1 and state.frozen < FROZEN:
        # What is odd now must not be what is usual later.
        state.frozen += 1
        del state.lately[0]
    elif said.share < 0.6:
        state.frozen = 0
    return said


def _said(state: DayState, meaning: str) -> DaysSaid:
    least = _LEAST[meaning]
    tops, lows = ([day[n] for day in state.lately] for n in (0, 1))
    top, top_spread = _usual([day[0] for day in state.usual], least)
    low, low_spread = _usual([day[1] for day in state.usual], least)
    fell = (top - max(tops)) / top_spread
    if meaning not in GROWN:
        fell = min(fell, (low - max(lows)) / low_spread)
    rose = min((min(tops) - top) / top_spread, (min(lows) - low) / low_spread)
    shares = {
        "fell": max(fell / UNUSUAL, _uncalm(state, max(tops), meaning)),
        "rose": rose / UNUSUAL,
        "dull": _dull(state, least) / DULL,
    }
    how = max(shares, key=shares.__getitem__)
    is_grown = how == "dull" or (how == "fell" and meaning in GROWN)
    return DaysSaid(
        shares[how],
        "fouled" if is_grown else "drift",
        f"{max(tops):.4g}/{min(lows):.4g} in {DAYS} days, usually {top:.4g}/{low:.4g}",
    )


def _uncalm(state: DayState, top: float, meaning: str) -> float:
    """Return how far the best of the last days is from saturated water, over what may be.

    Water that mixes comes near saturation once a day; on a mountain that is less than
    100 %, so it is held to the better of the usual days, and to no more than AT_CALM.
    """
    if meaning != Channel.OXYGEN_SATURATION:
        return 0.0
    better = sorted(day[0] for day in state.usual)[3 * len(state.usual) // 4]
    return (1 - top / max(min(better, AT_CALM), 1.0)) / OFF_CALM


def _dull(state: DayState, least: float) -> float:
    """Return by how many usual spreads days go up and down less; 0 unless much less."""
    lately = [log(max(top - low, least)) for top, low in state.lately]
    usual, spread = _usual(
        [log(max(top - low, least)) for top, low in state.usual], LEAST_LOG
    )
    shrunk = usual - max(lately)
    return shrunk / spread if shrunk >= SHRUNK else 0.0


def _usual(values: list[float], least: float) -> tuple[float, float]:
    middle = median(values)
    spread = _SPREAD * median(abs(one - middle) for one in values)
    return middle, max(spread, least)
