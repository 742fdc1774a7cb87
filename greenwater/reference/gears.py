"""Fishing gears: how fast a vessel goes while its gear works. Practice, not verified."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from greenwater.reference.tables import read_table


class Gear(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of gear; speeds in knots over ground, times in hours.

    ``serves``: it is none, but what a vessel does that serves others.
    """

    name: str
    codes: Sequence[str]
    words: Sequence[str]
    work_kn: tuple[float, float]
    least_h: float
    bridge_h: float
    set_kn: tuple[float, float] | None = None
    set_least_h: float = 0.0
    serves: bool = False


class Gears(Struct, frozen=True, forbid_unknown_fields=True):
    """All kinds; the last is for what is not told. ``serving`` is apart from them."""

    basis: str
    source: str
    verified: bool
    serving: Gear
    gear: Sequence[Gear]


GEARS: Final = read_table("gears.toml", Gears)


def gear_of(text: str | None) -> Gear:
    """Return the kind of gear of an ISSCFG abbreviation or free text, or the last."""
    word = (text or "").strip().lower().replace("_", " ")
    for gear in GEARS.gear:
        if word.upper() in gear.codes or any(each in word for each in gear.words):
            return gear
    return GEARS.gear[-1]
