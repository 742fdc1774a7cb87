"""What a unit is called for somebody of several farms: with its farm's name."""

from collections.abc import Iterable

from msgspec.structs import replace

from greenwater.storage.registry.places import SiteInfo, UnitInfo
from greenwater.storage.registry.scope import Scope


def told_apart(
    units: Iterable[UnitInfo], sites: Iterable[SiteInfo]
) -> dict[str, UnitInfo]:
    """Return units by id; where they stand at several sites, each is named with its own.

    "Ao 1" alone is enough for whoever has one farm, and nobody else.
    """
    listed = list(units)
    if len({one.site for one in listed}) < 2:
        return {one.id: one for one in listed}
    names = {one.id: one.name for one in sites}
    return {
        one.id: replace(one, name=f"{one.name} – {names[one.site]}")
        if one.site in names
        else one
        for one in listed
    }


def units_of(seen: Scope) -> dict[str, UnitInfo]:
    """Return all units that somebody sees by id, told apart."""
    return told_apart(seen.units(), seen.sites())
