"""Unionised ammonia of a unit, from its newest total ammonia and what the probes say. Pure.

For every pH reading: with the newest total ammonia (TAN) of the unit that is not older
than 72 h, temperature and salinity at the same instant by the same probe, or the unit's
newest. The result is told at the pH reading's identity, as NH3-N in mg/L; nothing is told
where something is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from msgspec import Struct

from greenwater.derived.chemistry import (
    salinity_of_specific,
    salinity_psu,
    unionised_share,
)
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import Reading

HOUR_MS: Final = 3_600_000
TAN_MS: Final = 72 * HOUR_MS
"""A farmer tests once or twice a week; an older test says nothing (domain §2.3)."""

TEMPERATURE_MS: Final = HOUR_MS
SALINITY_MS: Final = 24 * HOUR_MS
TANS_KEPT: Final = 64
INPUTS: Final = frozenset(
    {
        Channel.PH,
        Channel.TEMPERATURE,
        Channel.SALINITY,
        Channel.CONDUCTIVITY,
        Channel.SPECIFIC_CONDUCTIVITY,
        Channel.AMMONIA_TOTAL,
    }
)


class Known(NamedTuple):
    """A value and its instant."""

    taken_ms: int
    value: float


class Beside(Struct):
    """What one probe said last of the water that another value needs."""

    temperature: Known | None = None
    salinity: Known | None = None


class Water(Struct):
    """What is remembered of a unit: its tests of total ammonia, its newest readings."""

    tans: list[Known] = []
    temperature: Known | None = None
    salinity: Known | None = None
    probes: dict[str, Beside] = {}
    """What each probe said last, by ``device/probe``."""

    def learn(self, readings: Iterable[Reading]) -> list[Known]:
        """Take in tests of total ammonia; return those that are new or were corrected."""
        known, news = dict(self.tans), []
        for one in readings:
            if one.channel is Channel.AMMONIA_TOTAL and one.value is not None:
                if known.get(one.taken_ms) != one.value:
                    news.append(Known(one.taken_ms, one.value))
                known[one.taken_ms] = one.value
        self.tans = [Known(*one) for one in sorted(known.items())][-TANS_KEPT:]
        return news

    def tan_at(self, at_ms: int) -> float | None:
        """Return the newest test at an instant, None if it is too old."""
        found = [one for one in self.tans if at_ms - TAN_MS <= one.taken_ms <= at_ms]
        return found[-1].value if found else None


def derived(water: Water, readings: Sequence[Reading]) -> list[Reading]:
    """Return unionised ammonia for every pH reading for which it can be told.

    ``readings`` are of one unit, in order of time. ``water`` comes to know what is newer.
    """
    found = []
    for at_ms, some in groupby(readings, key=lambda one: one.taken_ms):
        now = [one for one in some if one.value is not None]
        by_probe: dict[str, dict[Channel, float]] = {}
        for one in now:
            if one.value is not None:
                probe = by_probe.setdefault(f"{one.device}/{one.probe}", {})
                probe[one.channel] = one.value
        for name, values in by_probe.items():
            _remember(water, at_ms, values)
            _remember(water.probes.setdefault(name, Beside()), at_ms, values)
        for one in now:
            if one.channel is Channel.PH and one.value is not None:
                values = by_probe[f"{one.device}/{one.probe}"]
                tan = water.tan_at(at_ms)
                share = None if tan is None else _share(water, at_ms, one.value, values)
                if share is not None and tan is not None:
                    channel, value = Channel.AMMONIA_UNIONISED, round(tan * share, 6)
                    found.append(Reading(one.device, one.probe, channel, at_ms, value))
    return found


def _share(
    water: Water, at_ms: int, ph: float, values: Mapping[Channel, float]
) -> float | None:
    celsius = values.get(Channel.TEMPERATURE)
    if celsius is None:
        celsius = _fresh(water.temperature, at_ms, TEMPERATURE_MS)
    psu = psu_among(values)
    if psu is None:
        psu = _fresh(water.salinity, at_ms, SALINITY_MS)
    if celsius is None or psu is None or not 0 <= ph <= 14 or not 0 <= celsius <= 50:
        return None
    return float(unionised_share(celsius, ph, max(psu, 0.0)))


def psu_among(values: Mapping[Channel, float]) -> float | None:
    """Return the salinity that one probe told at one instant, or its conductivity tells."""
    psu = values.get(Channel.SALINITY)
    if psu is not None:
        return psu
    conductivity = values.get(Channel.CONDUCTIVITY)
    celsius = values.get(Channel.TEMPERATURE)
    if conductivity is not None and celsius is not None and conductivity >= 0:
        return float(salinity_psu(conductivity, celsius))
    specific = values.get(Channel.SPECIFIC_CONDUCTIVITY)
    if specific is None or specific < 0:
        return None
    return float(salinity_of_specific(specific))


def _remember(
    water: Water | Beside, at_ms: int, values: Mapping[Channel, float]
) -> None:
    celsius, psu = values.get(Channel.TEMPERATURE), psu_among(values)
    if celsius is not None and _is_newer(at_ms, water.temperature):
        water.temperature = Known(at_ms, celsius)
    if psu is not None and _is_newer(at_ms, water.salinity):
        water.salinity = Known(at_ms, psu)


def _is_newer(at_ms: int, known: Known | None) -> bool:
    return known is None or at_ms >= known.taken_ms


def _fresh(known: Known | None, at_ms: int, longest_ms: int) -> float | None:
    if known is None or not at_ms - longest_ms <= known.taken_ms <= at_ms:
        return None
    return known.value
