"""Fishing gears by FAO's ISSCFG, as papers and labels name them (GS1's AI 7009 too)."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.reference.tables import read_table


class GearCode(Struct, frozen=True, forbid_unknown_fields=True):
    """One gear: its number on FAO's list, and its names."""

    number: str
    vi: str
    en: str
    is_towed: bool = False


GEAR_CODES: Final[Mapping[str, GearCode]] = read_table(
    "isscfg.toml", dict[str, GearCode]
)
"""By abbreviation, such as ``LLD``."""


def get_gear(code: str) -> GearCode:
    """Return a gear by its abbreviation.

    Raises:
        InputError: it is not on the list.
    """
    try:
        return GEAR_CODES[code]
    except KeyError:
        raise InputError(
            f"gear {code!r} is not one of {', '.join(GEAR_CODES)} (ISSCFG)",
            "gear_unknown",
        ) from None
