"""GS1 Digital Links in and out, by URI Syntax 1.6: one key and its qualifiers in the path,
in order, attributes in the query.

Refused are numbers that are no AI, names for AIs (``/gtin/``), GTINs of fewer than 14
digits, qualifiers in the query, AIs twice, and whatever the elements' own rules refuse.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.reference.identifiers import IDENTIFIERS
from traceability.gs1.elements import (
    LONGEST,
    Element,
    check_together,
    make_element,
    to_scanned,
)
from traceability.gs1.values import get_identifier

CANONICAL: Final = "https://id.gs1.org"
_ALLOWED: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*", re.ASCII)
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SPLIT: Final = re.compile(
    r"(?P<origin>(?:https?|HTTPS?)://(?P<host>[^/?#]+))(?P<path>/[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.DOTALL,
)
_HOST: Final = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.\-]+)(?::(?P<port>[0-9]{0,5}))?", re.ASCII
)
_STEM: Final = re.compile(r"[^?#]*")


class DigitalLink(Struct, frozen=True):
    """A Digital Link, taken apart.

    ``stem`` is what stands before the key, ``path`` the key and its qualifiers,
    ``attributes`` the elements of the query, ``others`` its parameters that are no AIs.
    """

    stem: str
    path: tuple[Element, ...]
    attributes: tuple[Element, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def elements(self) -> tuple[Element, ...]:
        """The elements, as they stand in the link."""
        return self.path + self.attributes

    @property
    def scanned(self) -> str:
        """The element string, ``^`` for FNC1."""
        return to_scanned(self.elements)

    @property
    def canonical(self) -> str:
        """The one spelling that all links of these elements share."""
        return make_link(self.elements)

    def get(self, ai: str) -> str | None:
        """Return the value of an AI, if it is there."""
        return next((one.value for one in self.elements if one.ai == ai), None)


def parse_link(text: str) -> DigitalLink:
    """Return a Digital Link, taken apart.

    Raises:
        InputError: it is none; the sentence names the AI and the value, if it is one's.
    """
    origin, path, query = _split(text)
    stem, found = _split_path(path)
    elements = tuple(make_element(ai, _decoded(ai, raw)) for ai, raw in found)
    attributes, others = _split_query(query)
    _check_sequence(elements)
    for one in attributes:
        _check_attribute(elements, one)
    _check_once(elements + attributes)
    check_together(elements + attributes)
    return DigitalLink(origin + stem, elements, attributes, others)


def _split(text: str) -> tuple[str, str, str]:
    """Return scheme with host, path, query."""
    if len(text) > LONGEST:
        raise InputError(f"an address of {len(text)} characters is no Digital Link")
    if not _ALLOWED.fullmatch(text) or _BAD_PERCENT.search(text):
        raise InputError(f"{text[:100]!r} is no address: a character is not allowed")
    parts = _SPLIT.fullmatch(text)
    if parts is None:
        raise InputError(f"{text[:100]!r} is no Digital Link: https://host/AI/value")
    _check_host(parts["host"])
    return parts["origin"], parts["path"], parts["query"] or ""


def _check_host(host: str) -> None:
    found = _HOST.fullmatch(host)
    if found is None or int(found["port"] or 0) > 65535:
        raise InputError(f"{host[:100]!r} is no host of a Digital Link")


def _split_path(path: str) -> tuple[str, list[tuple[str, str]]]:
    """Return what stands before the key, and the pairs from the key on.

    The key is the last one: what looks like one further left belongs to the stem.
    """
    steps = path.split("/")
    for at in range(len(steps) - 2, 0, -2):
        identifier = IDENTIFIERS.get(steps[at])
        if identifier is None:
            break
        if identifier.sequences is not None:
            pairs = list(zip(steps[at::2], steps[at + 1 :: 2], strict=True))
            return "/".join(steps[:at]), pairs
    raise InputError(f"{path[:100]!r} has no key of GS1 with its value")


def _decoded(ai: str, raw: str) -> str:
    if not raw:
        raise InputError(f"({ai}) has no value")
    # Every byte stays one character, so that none passes as another.
    return unquote_to_bytes(raw).decode("latin-1")


def _split_query(query: str) -> tuple[tuple[Element, ...], tuple[str, ...]]:
    found, others = [], []
    for one in query.split("&"):
        name, equals, raw = one.partition("=")
        if equals and re.fullmatch(r"[0-9]+", name, re.ASCII):
            get_identifier(name)
            found.append(make_element(name, _decoded(name, raw.replace("+", " "))))
        elif one:
            others.append(one)
    return tuple(found), tuple(others)


def _is_sequence(ais: Sequence[str]) -> bool:
    """Return whether these stand in a path so: a key, then qualifiers in order."""
    sequences = IDENTIFIERS[ais[0]].sequences or ()
    return any(_is_part(ais[1:], sequence) for sequence in sequences)


def _is_part(ais: Sequence[str], sequence: Sequence[str]) -> bool:
    places = [sequence.index(ai) if ai in sequence else -1 for ai in ais]
    return -1 not in places and sorted(set(places)) == places


def _check_sequence(elements: Sequence[Element]) -> None:
    key, *qualifiers = (one.ai for one in elements)
    if not _is_sequence([key, *qualifiers]):
        named = "".join(f"({ai})" for ai in qualifiers)
        raise InputError(f"({key}) cannot have {named} behind it in a path, so")


def _check_attribute(path: Sequence[Element], one: Element) -> None:
    if not get_identifier(one.ai).is_attribute:
        raise InputError(f"({one.ai}) {one.value!r} cannot stand in the query")
    ais = [element.ai for element in path]
    for at in range(1, len(ais) + 1):
        if _is_sequence([*ais[:at], one.ai, *ais[at:]]):
            raise InputError(
                f"({one.ai}) {one.value!r} belongs in the path, behind ({ais[at - 1]})"
            )


def _check_once(elements: Sequence[Element]) -> None:
    seen: set[str] = set()
    for one in elements:
        if one.ai in seen:
            raise InputError(f"({one.ai}) {one.value!r} stands twice")
        seen.add(one.ai)


def make_link(elements: Sequence[Element], stem: str = CANONICAL) -> str:
    """Return elements as a Digital Link behind a stem.

    The first element that can be a key is; attributes follow in the order given, those of
    told length first.

    Raises:
        InputError: no element is a key, they cannot be together or in one link, or the
            stem is no address.
    """
    for one in elements:
        make_element(one.ai, one.value)
    check_together(elements)
    values = {one.ai: one.value for one in elements}
    path = _path_of(list(values))
    rest = [ai for ai in values if ai not in path]
    for ai in rest:
        if not IDENTIFIERS[ai].is_attribute:
            raise InputError(f"({ai}) {values[ai]!r} has no place behind ({path[0]})")
    rest.sort(key=lambda ai: not IDENTIFIERS[ai].is_fixed)
    steps = "".join(f"/{ai}/{quote(values[ai], safe='')}" for ai in path)
    query = "&".join(f"{ai}={quote(values[ai], safe='')}" for ai in rest)
    return f"{_checked_stem(stem)}{steps}{'?' if query else ''}{query}"


def _path_of(ais: Sequence[str]) -> list[str]:
    """Return the AIs that stand in the path: the key, and as many qualifiers as may."""
    key = next((ai for ai in ais if IDENTIFIERS[ai].sequences is not None), None)
    if key is None:
        raise InputError(f"none of {', '.join(ais)} can be the key of a Digital Link")
    choices = (
        [ai for ai in sequence if ai in ais]
        for sequence in IDENTIFIERS[key].sequences or ()
    )
    return [key, *max(choices, key=len)]


def _checked_stem(stem: str) -> str:
    plain = stem.removesuffix("/")
    _split(f"{plain}/")
    if not _STEM.fullmatch(plain):
        raise InputError(f"{stem[:100]!r} has a query: no stem of a Digital Link")
    return plain
