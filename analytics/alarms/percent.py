"""Oxygen in mg/L for alarms, where a probe sends per cent only. Pure; nothing is stored."""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from analytics.alarms.levels import Levels
from analytics.alarms.tracked import Watched
from greenwater.derived.ammonia import Known
from greenwater.derived.compensating import saltiest
from greenwater.derived.following import mg_l_of
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS, HOUR_MS, Reading
from greenwater.reference.quality import is_possible

WARM_MS: Final = HOUR_MS
SALT_MS: Final = DAY_MS


def oxygen_of(
    watched: Watched, reading: Reading, unit: str, levels: Levels
) -> Iterator[Reading]:
    """Yield the mg/L that follows from a reading, if its probe sends none itself."""
    if reading.channel is Channel.DISSOLVED_OXYGEN:
        watched.oxygenated.add(reading.probe)
    is_share = reading.channel is Channel.OXYGEN_SATURATION
    warm = watched.warmth.get(reading.probe)
    if not is_share or warm is None or reading.probe in watched.oxygenated:
        return
    at_ms, celsius = warm
    if reading.value is None or abs(reading.taken_ms - at_ms) > WARM_MS:
        return
    value = mg_l_of(reading.value, celsius, _salinity(reading, unit, levels))
    if is_possible(Channel.DISSOLVED_OXYGEN, value):
        yield replace(reading, channel=Channel.DISSOLVED_OXYGEN, value=value)


def _salinity(reading: Reading, unit: str, levels: Levels) -> float | None:
    """Return what its probe says, else its unit."""
    own = f"{reading.probe}/{Channel.SALINITY}"
    known = {
        (device, key): Known(tracked.taken_ms, tracked.value)
        for device, key, tracked in levels.at(unit, Channel.SALINITY)
        if abs(reading.taken_ms - tracked.taken_ms) <= SALT_MS
    }
    found = known.get((reading.device, own)) or saltiest(known.values())
    return None if found is None else found.value
