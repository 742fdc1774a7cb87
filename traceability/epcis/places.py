"""Our places as queries find them: province → commune → site → unit. Pure.

``urn:greenwater:province:56`` (or ``khanh-hoa``), ``urn:greenwater:commune:22411`` (a code
or a name, of today or of before the merger), ``urn:greenwater:site:…``,
``urn:greenwater:unit:…``, ``urn:greenwater:vessel:…``. Events spell those that are points
in GDST's way (``naming``).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import unquote

from greenwater.reference.communes import TABLE, Commune, find_commune
from greenwater.storage.registry.places import SiteInfo, UnitInfo
from greenwater.storage.registry.trace_events.epcis_kept import Attribute
from traceability.epcis.naming import HEAD

PROVINCE: Final = frozenset({"56", "khanh-hoa", "khánh hòa", "tỉnh khánh hòa"})
"""What Khánh Hòa is called in these names; its communes are reference data."""

_BY_CODE: Final = {one.code: one for one in TABLE.communes if one.code}


def commune_of(text: str) -> Commune | None:
    """Return the commune of today that a code or a name, old or new, stands for."""
    return _BY_CODE.get(text.strip()) or find_commune(text).commune


def sites_within(
    place: str, sites: Iterable[tuple[str, str | None]]
) -> Sequence[str] | None:
    """Return which sites (id and commune) are, or lie in, one of our places; None: it is
    none of ours that holds sites."""
    kind, _, name = place.removeprefix(f"{HEAD}:").partition(":")
    if not place.startswith(f"{HEAD}:") or kind not in ("province", "commune", "site"):
        return None
    name = unquote(name)
    if kind == "site":
        return [site for site, _ in sites if site == name]
    is_in = _in_commune(name) if kind == "commune" else _in_province(name)
    return [site for site, commune in sites if commune is not None and is_in(commune)]


def _in_commune(name: str) -> Callable[[str], bool]:
    asked = commune_of(name)

    def is_in(commune: str) -> bool:
        return commune == name or (asked is not None and commune_of(commune) == asked)

    return is_in


def _in_province(name: str) -> Callable[[str], bool]:
    def is_in(commune: str) -> bool:
        is_named = "khánh hòa" in commune.lower() or commune_of(commune) is not None
        return name.lower() in PROVINCE and is_named

    return is_in


def uris_of(place: str, sites: Sequence[str], units: Sequence[str]) -> list[str]:
    """Return sites and units by the names they are found by, without the place itself."""
    named = [f"{HEAD}:site:{one}" for one in sites]
    return [
        *(one for one in named if one != place),
        *(f"{HEAD}:unit:{one}" for one in units),
    ]


def own_attributes(
    sites: Sequence[SiteInfo], units: Sequence[UnitInfo]
) -> Iterator[Attribute]:
    """Yield what is known of our places, as attributes of master data (``gw:…``)."""
    for site in sites:
        facts = {"name": site.name, "kind": site.kind, "commune": site.commune}
        yield from _attributes(f"{HEAD}:site:{site.id}", facts)
    for unit in units:
        more = {"name": unit.name, "kind": unit.kind, "species": unit.species}
        yield from _attributes(f"{HEAD}:unit:{unit.id}", more)


def _attributes(element: str, facts: dict[str, str | None]) -> Iterator[Attribute]:
    for name, text in facts.items():
        if text:
            yield Attribute(element, f"gw:{name}", text)
            yield Attribute(element, f"https://greenwater.example/ns/#{name}", text)
