"""Our parties, places and goods in GDST's URNs: the one place that tells the spelling. Pure.

Out go ``urn:gdst:{domain}:party:…``, ``:location:loc:…``, ``:product:lot:class:…`` and
``:lpn:obj:…``, for what has no GLN, GTIN or SSCC. Before, ``urn:greenwater:{kind}:{id}``
was written; ledgers are append-only, so both stand in them. Both have one name by which
they are found (``name_of``), the older one, as the index of old entries holds it.
"""

import re
from typing import Final

from traceability.epcis.epcs import to_link

DOMAIN: Final = "greenwater.example"
"""Whose names these are; the demo's domain until somebody runs it under another."""

HEAD: Final = "urn:greenwater"
_GDST: Final = f"urn:gdst:{DOMAIN}"
_PLACES: Final = "organisation|port|site|unit|vessel"
_OURS: Final = re.compile(
    rf"{re.escape(_GDST)}:(?:"
    r"party:(?P<outsider>outsider)\.(?=[0-9a-f-]{36}\Z)|"
    r"(?P<organisation>party):|"
    rf"location:loc:(?P<place>{_PLACES})\.|"
    r"product:lot:class:(?P<crop>crop)\.|"
    r"lpn:obj:(?P<package>package)\."
    r")(?P<id>.*)",
    re.DOTALL,
)
_GOODS: Final = {
    "crop": f"{_GDST}:product:lot:class:crop.",
    "package": f"{_GDST}:lpn:obj:package.",
}


def party_uri(organisation: str) -> str:
    """Return an organisation as trace events name it."""
    return f"{_GDST}:party:{organisation}"


def outsider_uri(mark: str) -> str:
    """Return who is none of ours, known by a UUID made of his name and place."""
    return f"{_GDST}:party:outsider.{mark}"


def place_uri(kind: str, id_: str) -> str:
    """Return a place: a ``unit``, ``site``, ``vessel``, ``port``, or the premises of an
    ``organisation``."""
    return f"{_GDST}:location:loc:{kind}.{id_}"


def crop_class(crop: str) -> str:
    """Return what grows in a crop, before it is a lot with a GTIN."""
    return f"{_GOODS['crop']}{crop}"


def vessel_thing(registration: str) -> str:
    """Return a vessel as the thing an event is about; GDST has no name for such."""
    return f"{HEAD}:vessel:{registration}"


def name_of(text: str) -> str:
    """Return the one name by which a thing, place or party is found.

    An EPC URN's is its Digital Link, ours in either spelling the older; others are as
    they are.
    """
    link = to_link(text)
    found = _OURS.fullmatch(link)
    if found is None:
        return link
    kind = found["place"] or ("organisation" if found["organisation"] else "")
    return f"{HEAD}:{kind or found['outsider'] or found['crop'] or found['package']}:{found['id']}"


def party_spellings(organisation: str) -> tuple[str, ...]:
    """Return all that an index may hold for an organisation."""
    return spellings(party_uri(organisation))


def spellings(text: str) -> tuple[str, ...]:
    """Return the names under which an index may hold something.

    Catches have named their parties by GDST's URN all along, and were indexed so.
    """
    name = name_of(text)
    kind, _, id_ = name.removeprefix(f"{HEAD}:").partition(":")
    if kind != "organisation" or not name.startswith(f"{HEAD}:"):
        return (name,)
    return name, party_uri(id_)


def goods_uri(text: str) -> str:
    """Return a crop or a package as events spell it today; others as they are."""
    return _written(text, _GOODS)


def goods_starts(stem: str) -> list[str]:
    """Return with what the names of our goods begin that are spelt beginning so."""
    name = name_of(stem)
    if name != stem:
        return [name]
    return [f"{HEAD}:{kind}:" for kind, head in _GOODS.items() if head.startswith(stem)]


def place_spelt(text: str) -> str:
    """Return a place of an index as events spell it today; others as they are."""
    heads = {one: place_uri(one, "") for one in _PLACES.split("|")}
    return _written(text, heads)


def _written(text: str, heads: dict[str, str]) -> str:
    kind, _, id_ = text.removeprefix(f"{HEAD}:").partition(":")
    if not text.startswith(f"{HEAD}:") or kind not in heads:
        return text
    return f"{heads[kind]}{id_}"
