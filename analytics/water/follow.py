"""As what a probe's value is held to what kills, where it does not send that itself. Pure.

Salt that goes is told of by conductivity, oxygen that is gone by its per cent.
"""

from collections.abc import Collection, Mapping
from typing import Final

from greenwater.derived.ammonia import psu_among
from greenwater.derived.following import mg_l_of
from greenwater.kernel.channels import Channel
from greenwater.reference.quality import is_possible

FOLLOWED: Final[Mapping[str, Channel]] = {
    Channel.CONDUCTIVITY: Channel.SALINITY,
    Channel.SPECIFIC_CONDUCTIVITY: Channel.SALINITY,
    Channel.OXYGEN_SATURATION: Channel.DISSOLVED_OXYGEN,
}
WARM_C: Final = 30.0
SEA_PSU: Final = 35.0
"""Where nobody measured them: warm sea water holds least, so no crash is missed."""
_INPUTS: Final = (Channel.TEMPERATURE, Channel.SALINITY, *map(Channel, FOLLOWED))


def judged_as(
    meaning: str,
    value: float,
    values: Mapping[str, float | None],
    sent: Collection[str],
) -> tuple[str, float]:
    """Return the channel and the value to judge: themselves, or what follows from them.

    ``values`` is what the probe said at that instant by channel, ``sent`` every channel it
    ever sent.
    """
    asked = FOLLOWED.get(meaning)
    if asked is None or asked in sent:
        return meaning, value
    known = {
        channel: one
        for channel in _INPUTS
        if (one := values.get(channel)) is not None and is_possible(channel, one)
    }
    if asked is Channel.SALINITY:
        found = psu_among(
            {**_only(known, Channel.TEMPERATURE), Channel(meaning): value}
        )
    else:
        psu = psu_among(known)
        if Channel.TEMPERATURE not in known and psu is None:
            psu = SEA_PSU
        found = mg_l_of(value, known.get(Channel.TEMPERATURE, WARM_C), psu)
    if found is None or not is_possible(asked, found):
        return meaning, value
    return asked, found


def _only(known: Mapping[Channel, float], channel: Channel) -> dict[Channel, float]:
    return {channel: known[channel]} if channel in known else {}
