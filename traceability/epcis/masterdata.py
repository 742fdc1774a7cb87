"""Master data in the header of a document: what its elements are, what lies in them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from greenwater.storage.registry.trace_events.epcis_kept import Attribute
from traceability.epcis.hashing import namespaces
from traceability.epcis.naming import name_of

MAX_TEXT: Final = 500
MOST: Final = 20_000
"""The most attributes that are kept of one document."""


def attributes_of(raw: Mapping[str, Any]) -> list[Attribute]:
    """Return the master data of a document that was checked, each attribute once.

    An attribute is kept under its name as written and, where a namespace is declared,
    under the whole one too; so it is found by either.
    """
    header = raw.get("epcisHeader") or {}
    spaces = namespaces(raw.get("@context"))
    lists = (header.get("epcisMasterData") or {}).get("vocabularyList") or []
    found = dict.fromkeys(
        one
        for vocabulary in lists
        for element in vocabulary.get("vocabularyElementList") or []
        for one in _of_element(element, spaces)
    )
    return list(found)[:MOST]


def _of_element(
    element: Mapping[str, Any], spaces: Mapping[str, str]
) -> Iterator[Attribute]:
    about = name_of(element["id"])
    for child in element.get("children") or []:
        yield Attribute(about, "", name_of(child))
    for one in element.get("attributes") or []:
        text = _text(one.get("attribute"))
        if text is not None:
            for name in _names(one["id"], spaces):
                yield Attribute(about, name, text[:MAX_TEXT])


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _names(name: str, spaces: Mapping[str, str]) -> Iterator[str]:
    yield name
    space, _, local = name.partition(":")
    if space in spaces:
        yield f"{spaces[space].rstrip('#')}#{local}"
