"""What follows from a probe's newest readings, to be shown beside them. Pure; never stored.

Salinity where a probe sends conductivity alone, oxygen in per cent where it sends mg/L
alone, and in mg/L where it sends per cent alone. What a probe sends itself, even badly, is not told a second time. Nothing bears an
instant later than any reading that it was made of, but for the water's salinity, which
may be a day old; nothing is told where something is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from greenwater.derived.ammonia import SALINITY_MS, TEMPERATURE_MS, Known
from greenwater.derived.chemistry import (
    oxygen_percent,
    oxygen_saturation_mg_l,
    salinity_of_specific,
    salinity_psu,
)
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import Reading
from greenwater.reference.quality import is_possible

BESIDE_MS: Final = 15 * 60 * 1000
"""For how long a probe's temperature may stand beside its conductivity."""

SOURCES: Final[Mapping[Channel, Sequence[Channel]]] = {
    Channel.SALINITY: (Channel.CONDUCTIVITY, Channel.SPECIFIC_CONDUCTIVITY),
    Channel.DISSOLVED_OXYGEN: (Channel.OXYGEN_SATURATION,),
    Channel.OXYGEN_SATURATION: (Channel.DISSOLVED_OXYGEN,),
}
"""Of which channels each follows, the first that is there."""

DECIMALS: Final[Mapping[Channel, int]] = {
    Channel.SALINITY: 3,
    Channel.DISSOLVED_OXYGEN: 3,
    Channel.OXYGEN_SATURATION: 2,
}

Told = Mapping[Channel, Reading]


def following(
    own: Sequence[Reading], salinity: Known | None, temperature: Known | None
) -> Sequence[Reading]:
    """Return the salinity (PSU), saturation (%) and oxygen (mg/L) that a probe does not send.

    ``own`` is its newest reading of each channel, as it told them; ``salinity`` (PSU) and
    ``temperature`` (°C) are the unit's newest. Per cent is at one atmosphere.
    """
    told = {one.channel: one for one in own}
    salt = _salinity(told)
    salts = [salt or _known(told.get(Channel.SALINITY)), salinity]
    warms = [_known(told.get(Channel.TEMPERATURE)), temperature]
    found = {
        Channel.SALINITY: salt,
        Channel.OXYGEN_SATURATION: _saturation(told, salts, warms),
        Channel.DISSOLVED_OXYGEN: _oxygen(told, salts, warms),
    }
    return [
        Reading(own[0].device, own[0].probe, channel, one.taken_ms, one.value)
        for channel, one in found.items()
        if one is not None and is_possible(channel, one.value)
    ]


def _salinity(told: Told) -> Known | None:
    """Return salinity by what is in the water, else by what was turned to 25 °C."""
    if Channel.SALINITY in told:
        return None
    warm = _known(told.get(Channel.TEMPERATURE))
    raw = _known(told.get(Channel.CONDUCTIVITY))
    if raw and warm and abs(raw.taken_ms - warm.taken_ms) <= BESIDE_MS:
        psu = float(salinity_psu(max(raw.value, 0.0), warm.value))
        psu = round(psu, DECIMALS[Channel.SALINITY])
        return Known(min(raw.taken_ms, warm.taken_ms), psu)
    turned = _known(told.get(Channel.SPECIFIC_CONDUCTIVITY))
    if turned is None:
        return None
    psu = float(salinity_of_specific(max(turned.value, 0.0)))
    return Known(turned.taken_ms, round(psu, DECIMALS[Channel.SALINITY]))


def _saturation(
    told: Told, salts: Iterable[Known | None], warms: Iterable[Known | None]
) -> Known | None:
    """Return oxygen in per cent; a probe that knows nothing of salt needs none of it."""
    oxygen = told.get(Channel.DISSOLVED_OXYGEN)
    value = _known(oxygen)
    if oxygen is None or value is None or Channel.OXYGEN_SATURATION in told:
        return None
    warm = _near(warms, value.taken_ms, TEMPERATURE_MS)
    salt = _near(salts, value.taken_ms, SALINITY_MS)
    is_compensated = oxygen.is_compensated is not False
    if warm is None or (salt is None and is_compensated):
        return None
    psu = 0.0 if salt is None else max(salt.value, 0.0)
    percent = float(
        oxygen_percent(value.value, warm.value, psu, is_compensated=is_compensated)
    )
    percent = round(percent, DECIMALS[Channel.OXYGEN_SATURATION])
    return Known(min(value.taken_ms, warm.taken_ms), percent)


def _oxygen(
    told: Told, salts: Iterable[Known | None], warms: Iterable[Known | None]
) -> Known | None:
    share = _known(told.get(Channel.OXYGEN_SATURATION))
    if share is None or Channel.DISSOLVED_OXYGEN in told:
        return None
    warm = _near(warms, share.taken_ms, TEMPERATURE_MS)
    salt = _near(salts, share.taken_ms, SALINITY_MS)
    if warm is None:
        return None
    value = mg_l_of(share.value, warm.value, salt and salt.value)
    return Known(min(share.taken_ms, warm.taken_ms), value)


def mg_l_of(percent: float, celsius: float, psu: float | None) -> float:
    """Return oxygen in mg/L of a share of saturation; without a salinity of fresh water.

    A guess, but the only one that leaves no pond without oxygen to judge.
    """
    salinity = 0.0 if psu is None else max(psu, 0.0)
    whole = float(oxygen_saturation_mg_l(celsius, salinity))
    return round(percent / 100 * whole, DECIMALS[Channel.DISSOLVED_OXYGEN])


def _known(one: Reading | None) -> Known | None:
    """Return what a sound probe can have said; None: it did not."""
    if one is None or one.value is None or not is_possible(one.channel, one.value):
        return None
    return Known(one.taken_ms, one.value)


def _near(some: Iterable[Known | None], at_ms: int, longest_ms: int) -> Known | None:
    return next(
        (one for one in some if one and abs(at_ms - one.taken_ms) <= longest_ms), None
    )
