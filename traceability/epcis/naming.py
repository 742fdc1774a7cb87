"""Our parties, places and goods in GDST's URNs: the one place that tells the spelling.

Out go ``urn:gdst:{domain}:party:…``, ``:location:loc:…``, ``:product:lot:class:…`` and
``:lpn:obj:…``, for what has no GLN, GTIN or SSCC. Before, ``urn:greenwater:{kind}:{id}``
was written, and under other domains; ledgers are append-only, so all stand in them. All
have one name by which they are found (``name_of``), the oldest, as the index of old entries
holds it: no domain is in it.

Pure, but for the domains. A process has one platform, which is told once, where the
platform's folder is opened (``name_under``).
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from greenwater.kernel.errors import ConfigError
from traceability.epcis.epcs import to_link

EXAMPLE: Final = "greenwater.example"
"""Whose names these are until an operator says under which domain he runs it."""

HEAD: Final = "urn:greenwater"
_PLACES: Final = "organisation|port|site|unit|vessel"
_GOODS: Final = {"crop": "product:lot:class:crop.", "package": "lpn:obj:package."}
_DOMAIN: Final = re.compile(
    r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


class _Known(NamedTuple):
    """Domains with names of ours: the first is written, all are found."""

    domains: tuple[str, ...]
    ours: re.Pattern[str]


def _known(domains: tuple[str, ...]) -> _Known:
    pattern = (
        rf"urn:gdst:(?:{'|'.join(map(re.escape, domains))}):(?:"
        r"party:(?P<outsider>outsider)\.(?=[0-9a-f-]{36}\Z)|"
        r"(?P<organisation>party):|"
        rf"location:loc:(?P<place>{_PLACES})\.|"
        r"product:lot:class:(?P<crop>crop)\.|"
        r"lpn:obj:(?P<package>package)\."
        r")(?P<id>.*)"
    )
    return _Known(domains, re.compile(pattern, re.DOTALL))


_told: list[_Known] = [_known((EXAMPLE,))]


def name_under(domains: Sequence[str]) -> None:
    """Write names under the first domain from now on, and find those under any of them.

    What was written under ``EXAMPLE`` is found always.

    Raises:
        ConfigError: one is no domain.
    """
    for one in domains:
        if not _DOMAIN.fullmatch(one):
            raise ConfigError(
                f"GREENWATER_NAME_DOMAINS: {one!r} is no domain: write it small and "
                "bare, as in ca.khanhhoa.example"
            )
    _told[0] = _known(tuple(dict.fromkeys((*domains, EXAMPLE))))


def written_under() -> str:
    """Return the domain under which names are written."""
    return _told[0].domains[0]


def _head() -> str:
    return f"urn:gdst:{written_under()}"


def party_uri(organisation: str) -> str:
    """Return an organisation as trace events name it."""
    return f"{_head()}:party:{organisation}"


def outsider_uri(mark: str) -> str:
    """Return who is none of ours, known by a UUID made of his name and place."""
    return f"{_head()}:party:outsider.{mark}"


def place_uri(kind: str, id_: str) -> str:
    """Return a place: a ``unit``, ``site``, ``vessel``, ``port``, or the premises of an
    ``organisation``."""
    return f"{_head()}:location:loc:{kind}.{id_}"


def crop_class(crop: str) -> str:
    """Return what grows in a crop, before it is a lot with a GTIN."""
    return f"{_head()}:{_GOODS['crop']}{crop}"


def vessel_thing(registration: str) -> str:
    """Return a vessel as the thing an event is about; GDST has no name for such."""
    return f"{HEAD}:vessel:{registration}"


def name_of(text: str) -> str:
    """Return the one name by which a thing, place or party is found.

    An EPC URN's is its Digital Link, ours in any spelling the oldest; others are as
    they are.
    """
    link = to_link(text)
    found = _told[0].ours.fullmatch(link)
    if found is None:
        return link
    kind = found["place"] or ("organisation" if found["organisation"] else "")
    return f"{HEAD}:{kind or found['outsider'] or found['crop'] or found['package']}:{found['id']}"


def party_spellings(organisation: str) -> tuple[str, ...]:
    """Return all that an index may hold for an organisation."""
    return spellings(party_uri(organisation))


def spellings(text: str) -> tuple[str, ...]:
    """Return the names under which an index may hold something.

    Catches have named their parties by GDST's URN all along, and were indexed so once.
    """
    name = name_of(text)
    kind, _, id_ = name.removeprefix(f"{HEAD}:").partition(":")
    if kind != "organisation" or not name.startswith(f"{HEAD}:"):
        return (name,)
    return name, *(f"urn:gdst:{one}:party:{id_}" for one in _told[0].domains)


def goods_uri(text: str) -> str:
    """Return a crop or a package as events spell it today; others as they are."""
    return _written(text, {kind: f"{_head()}:{rest}" for kind, rest in _GOODS.items()})


def goods_starts(stem: str) -> list[str]:
    """Return with what the names of our goods begin that are spelt beginning so."""
    name = name_of(stem)
    if name != stem:
        return [name]
    heads = [f"urn:gdst:{one}:" for one in _told[0].domains]
    return [
        f"{HEAD}:{kind}:"
        for kind, rest in _GOODS.items()
        if any(f"{head}{rest}".startswith(stem) for head in heads)
    ]


def place_spelt(text: str) -> str:
    """Return a place of an index as events spell it today; others as they are."""
    heads = {one: place_uri(one, "") for one in _PLACES.split("|")}
    return _written(text, heads)


def _written(text: str, heads: dict[str, str]) -> str:
    kind, _, id_ = text.removeprefix(f"{HEAD}:").partition(":")
    if not text.startswith(f"{HEAD}:") or kind not in heads:
        return text
    return f"{heads[kind]}{id_}"
