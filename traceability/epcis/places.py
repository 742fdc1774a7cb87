"""Our places as EPCIS names them: province → commune → site → unit. Pure.

``urn:greenwater:province:56`` (or ``khanh-hoa``), ``urn:greenwater:commune:22411`` (a code
or a name, of today or of before the merger), ``urn:greenwater:site:…``,
``urn:greenwater:unit:…``, ``urn:greenwater:vessel:…``.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote

from greenwater.reference.communes import TABLE, Commune, find_commune
from greenwater.storage.registry.epcis_kept import Attribute
from greenwater.storage.registry.places import SiteInfo, UnitInfo

_HEAD: Final = "urn:greenwater"
PROVINCE: Final = frozenset({"56", "khanh-hoa", "khánh hòa", "tỉnh khánh hòa"})
"""What Khánh Hòa is called in these names; its communes are reference data."""

_BY_CODE: Final = {one.code: one for one in TABLE.communes if one.code}


def commune_of(text: str) -> Commune | None:
    """Return the commune of today that a code or a name, old or new, stands for."""
    return _BY_CODE.get(text.strip()) or find_commune(text).commune


def places_within(
    place: str, sites: Sequence[SiteInfo], units: Sequence[UnitInfo]
) -> list[str]:
    """Return the sites and units that lie in one of our places, itself not."""
    kind, _, name = place.removeprefix(f"{_HEAD}:").partition(":")
    if not place.startswith(f"{_HEAD}:") or kind not in ("province", "commune", "site"):
        return []
    held = [one for one in sites if _is_in(one, kind, unquote(name))]
    ids = {one.id for one in held}
    return [
        *(f"{_HEAD}:site:{one.id}" for one in held if kind != "site"),
        *(f"{_HEAD}:unit:{one.id}" for one in units if one.site in ids),
    ]


def _is_in(site: SiteInfo, kind: str, name: str) -> bool:
    if kind == "site":
        return site.id == name
    if site.commune is None:
        return False
    lies_in = commune_of(site.commune)
    if kind == "province":
        is_named = "khánh hòa" in site.commune.lower()
        return name.lower() in PROVINCE and (is_named or lies_in is not None)
    asked = commune_of(name)
    return site.commune == name or (asked is not None and lies_in == asked)


def own_attributes(
    sites: Sequence[SiteInfo], units: Sequence[UnitInfo]
) -> Iterator[Attribute]:
    """Yield what is known of our places, as attributes of master data (``gw:…``)."""
    for site in sites:
        facts = {"name": site.name, "kind": site.kind, "commune": site.commune}
        yield from _attributes(f"{_HEAD}:site:{site.id}", facts)
    for unit in units:
        more = {"name": unit.name, "kind": unit.kind, "species": unit.species}
        yield from _attributes(f"{_HEAD}:unit:{unit.id}", more)


def _attributes(element: str, facts: dict[str, str | None]) -> Iterator[Attribute]:
    for name, text in facts.items():
        if text:
            yield Attribute(element, f"gw:{name}", text)
            yield Attribute(element, f"https://greenwater.example/ns/#{name}", text)
