"""Salinity for alarms, where a probe sends conductivity only, and salt that is air's. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from analytics.alarms.tracked import Watched
from greenwater.derived.chemistry import salinity_of_specific, salinity_psu
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import MINUTE_MS, Reading
from greenwater.reference.quality import is_possible

FRESH_MS: Final = 15 * MINUTE_MS
"""For how long a probe's temperature may stand beside its conductivity."""

IN_AIR_PSU: Final = 0.02
"""No water is so fresh: rivers and rain have more salt. Ours, by field practice."""

SALTY_PSU: Final = 2.0
"""Water of so much salt does not lose all of it from one reading to the next."""

WARMED: Final = frozenset({Channel.CONDUCTIVITY, Channel.OXYGEN_SATURATION})
"""Channels from which nothing follows without a temperature."""


def warm_first(readings: Sequence[Reading]) -> Sequence[Reading]:
    """Return readings in order of time, of one instant temperature first.

    A box that measures more seldom than ``FRESH_MS`` would have no temperature beside
    its conductivity, or per cent of oxygen, which stand before it by the alphabet.
    """
    if not any(one.channel in WARMED for one in readings):
        return readings
    return sorted(
        readings,
        key=lambda one: (one.taken_ms, one.channel is not Channel.TEMPERATURE),
    )


def with_salinity(watched: Watched, reading: Reading) -> Iterator[Reading]:
    """Yield a reading, and the salinity that follows from it if its probe sends none.

    None of it where it is air's: a probe that is lifted out of the sea is no flood.
    """
    if not _is_of_air(watched, reading):
        yield reading
    salinity = _salinity(watched, reading)
    if salinity is None or reading.probe in watched.salted:
        return
    if is_possible(Channel.SALINITY, salinity):
        made = replace(reading, channel=Channel.SALINITY, value=round(salinity, 3))
        if not _is_of_air(watched, made):
            yield made


def _is_of_air(watched: Watched, reading: Reading) -> bool:
    """Return whether salt water would have had to lose all its salt at once.

    A flood passes through what is between, and fresh water is no change.
    """
    before = watched.tracked.get(f"{reading.probe}/{Channel.SALINITY}")
    return (
        reading.channel is Channel.SALINITY
        and reading.value is not None
        and reading.value <= IN_AIR_PSU
        and before is not None
        and before.value >= SALTY_PSU
    )


def _salinity(watched: Watched, reading: Reading) -> float | None:
    value, probe = reading.value, reading.probe
    if value is None:
        return None
    if reading.channel is Channel.SALINITY:
        watched.salted.add(probe)
    elif reading.channel is Channel.TEMPERATURE:
        watched.warmth[probe] = (reading.taken_ms, value)
    elif reading.channel is Channel.SPECIFIC_CONDUCTIVITY:
        return float(salinity_of_specific(max(value, 0.0)))
    elif reading.channel is Channel.CONDUCTIVITY and probe in watched.warmth:
        taken_ms, celsius = watched.warmth[probe]
        if abs(reading.taken_ms - taken_ms) <= FRESH_MS:
            return float(salinity_psu(max(value, 0.0), celsius))
    return None
