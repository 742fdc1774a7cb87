"""Which channels of a probe were lost lately, since when and how. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from analytics.water.days import percent_of
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import HOUR_MS

FRESH_MS: Final = 2 * HOUR_MS
WELL_MS: Final = 6 * HOUR_MS
"""A channel that is lost tells of the others only if it was well so long before."""
NEVER: Final = -(10**15)
AIR_PERCENT: Final = 7.0
"""Oxygen so near to 100 % may be the air's: weather and calibration move it so far."""


class Gone(Struct, array_like=True):
    """When a channel was last lost, and since when; ``onset_ms`` after being well.

    ``none_ms``: when it last had no value at all, not even zero. ``dry_ms``: when it last
    said that the probe is in the air.
    """

    last_ms: int = NEVER
    onset_ms: int = NEVER
    none_ms: int = NEVER
    dry_ms: int = NEVER


def remember_gone(gone: Gone, at_ms: int, *, is_none: bool) -> None:
    """Remember that a channel is lost now."""
    if at_ms - gone.last_ms > WELL_MS:
        gone.onset_ms = at_ms
    gone.last_ms = at_ms
    if is_none:
        gone.none_ms = at_ms


def fresh_gone(known: Mapping[str, Gone], at_ms: int) -> list[str]:
    """Return the channels that were lost in the last hour, and not for long."""
    return [
        name
        for name, gone in known.items()
        if at_ms - gone.last_ms <= HOUR_MS and at_ms - gone.onset_ms <= FRESH_MS
    ]


def is_lifted(
    known: Mapping[str, Gone], name: str, fresh: Sequence[str], at_ms: int
) -> bool:
    """Return whether another channel has just had no value.

    One that reads zero was measured: that is a fault of its own, nobody's visit.
    """
    return any(at_ms - known[one].none_ms <= HOUR_MS for one in fresh if one != name)


def stays_dry(
    salts: Sequence[Gone], at_ms: int, values: Mapping[str, float | None]
) -> bool:
    """Return whether a probe that was in the air still is, hours after salt went.

    A cell of conductivity that broke looks the same, but for oxygen: in the air that is
    the air's all the time. ``values`` are what the probe says now, by channel.
    """
    was_dry = any(at_ms - one.dry_ms <= HOUR_MS for one in salts)
    return was_dry and _is_the_airs(values)


def _is_the_airs(values: Mapping[str, float | None]) -> bool:
    percent = values.get(Channel.OXYGEN_SATURATION)
    oxygen = values.get(Channel.DISSOLVED_OXYGEN)
    if percent is None and oxygen is not None:
        celsius = values.get(Channel.TEMPERATURE)
        said = percent_of(oxygen, {Channel.TEMPERATURE: celsius})
        percent = None if said is None else said[1]
    return percent is not None and abs(percent - 100) <= AIR_PERCENT
