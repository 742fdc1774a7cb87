"""Oxygen of a probe that took salt water for fresh, as the water has it. Pure.

A probe left at salinity 0 reads about 20 % high in the sea: 7.83 mg/L where 28 °C and 33 PSU
hold 6.51 (domain §2.5). What it told stays in the store as it is; people, lights and alarms
are given this. Never twice: what a probe has compensated, or nobody knows of, stays.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import structs

from greenwater.derived.ammonia import HOUR_MS, Known, psu_among
from greenwater.derived.chemistry import compensated_oxygen_mg_l
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import Reading
from greenwater.reference.quality import is_possible

SALT_MS: Final = 7 * 24 * HOUR_MS
"""A week-old salinity is nearer the truth than none: without any it would be fresh water."""
WARM_MS: Final = 24 * HOUR_MS
USUAL_C: Final = 28.0
"""Where nobody knows the temperature: ten degrees beside it change the result by 1 %."""
MOST_C: Final = 40.0
MOST_PSU: Final = 45.0
"""The formulae's end; water beyond it is taken for this."""


def needs_salt(one: Reading) -> bool:
    """Return whether a reading is oxygen that its probe did not compensate."""
    return (
        one.is_compensated is False  # true of few: asked first, of very many readings
        and one.channel is Channel.DISSOLVED_OXYGEN
        and one.value is not None
    )


def compensated(
    one: Reading, salinity: Known | None, temperature: Known | None
) -> Reading:
    """Return the reading as the salt water has it; as it is where no salinity is known.

    ``salinity`` (PSU) and ``temperature`` (°C) are the unit's newest.
    """
    psu = _near(salinity, one.taken_ms, SALT_MS)
    if one.value is None or not needs_salt(one) or psu is None:
        return one
    celsius = _near(temperature, one.taken_ms, WARM_MS)
    value = compensated_oxygen_mg_l(
        one.value,
        USUAL_C if celsius is None else min(max(celsius, 0.0), MOST_C),
        min(max(psu, 0.0), MOST_PSU),
        is_compensated=False,
    )
    return structs.replace(one, value=round(float(value), 4), is_compensated=True)


def nearest(
    at_ms: int, own: Known | None, there: Known | None, longest_ms: int
) -> Known | None:
    """Return what a probe itself knows, where that is not too old; else what its unit does.

    Water lies in layers: what the other end of the pond says comes second.
    """
    return there if _near(own, at_ms, longest_ms) is None else own


def saltiest(some: Iterable[Known]) -> Known | None:
    """Return a unit's salinity of what its probes told: the highest within an hour of the newest.

    There oxygen is lowest; and of two that speak in turn it is always the same one's.
    """
    known = [*some]
    newest_ms = max((one.taken_ms for one in known), default=0)
    young = (one for one in known if newest_ms - one.taken_ms <= HOUR_MS)
    return max(young, key=lambda one: (one.value, one.taken_ms), default=None)


def newest_water(readings: Iterable[Reading]) -> tuple[Known | None, Known | None]:
    """Return the newest salinity (``saltiest``) and temperature among a unit's readings.

    What no sound probe can say is left out, as alarms leave it out.
    """
    told: dict[tuple[str, str, int], dict[Channel, float]] = {}
    for one in readings:
        if one.value is not None and is_possible(one.channel, one.value):
            at = one.device, one.probe, one.taken_ms
            told.setdefault(at, {})[one.channel] = one.value
    salts: list[Known] = []
    warms: list[Known] = []
    for (_, _, at_ms), values in told.items():
        if (psu := psu_among(values)) is not None:
            salts.append(Known(at_ms, psu))
        if (celsius := values.get(Channel.TEMPERATURE)) is not None:
            warms.append(Known(at_ms, celsius))
    return saltiest(salts), max(warms, default=None)


def _near(known: Known | None, at_ms: int, longest_ms: int) -> float | None:
    if known is None or abs(at_ms - known.taken_ms) > longest_ms:
        return None
    return known.value
