"""Fishing gears by FAO's ISSCFG, as papers and labels name them (GS1's AI 7009 too)."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

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
