"""Element strings: AIs with their values, in brackets or as a scanner gives them.

A scanner's FNC1 is ``^`` here, or the group separator that it is sent as.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.reference.identifiers import longest_ai
from traceability.gs1.values import check_value, get_identifier

MOST: Final = 64
LONGEST: Final = 8000
_OPENING: Final = re.compile(r"\(([^)]{0,20})\)")
_NEXT: Final = re.compile(r"(?<!\\)\(")
_SERIAL_KEYS: Final = {"253": 13, "255": 13, "8003": 14}
"""Keys whose serial a signature (8030) needs, and how long they are without it."""


class Element(Struct, frozen=True):
    """One AI and its value, both checked."""

    ai: str
    value: str


def make_element(ai: str, value: str) -> Element:
    """Return an element.

    Raises:
        InputError: there is no such AI, or it cannot have that value.
    """
    check_value(ai, value)
    return Element(ai, value)


def check_together(elements: Sequence[Element]) -> None:
    """Refuse elements that cannot be of one thing.

    Raises:
        InputError: an AI stands twice with two values, lacks what it needs, or stands
            beside what excludes it.
    """
    if len(elements) > MOST:
        raise InputError(f"{len(elements)} elements are more than {MOST}")
    values: dict[str, str] = {}
    for one in elements:
        if values.setdefault(one.ai, one.value) != one.value:
            raise InputError(
                f"({one.ai}) stands twice, as {values[one.ai]!r} and {one.value!r}"
            )
    for ai in values:
        _check_company(ai, values)
    for key, length in _SERIAL_KEYS.items():
        if "8030" in values and len(values.get(key, " " * 99)) <= length:
            raise InputError(f"(8030) needs a serial in ({key}) {values[key]!r}")


def _check_company(ai: str, present: Collection[str]) -> None:
    identifier = get_identifier(ai)
    for choice in identifier.needs:
        if not any(_has_all(one, ai, present) for one in choice):
            raise InputError(f"({ai}) needs {' or '.join(map(_named, choice))} with it")
    for pattern in identifier.without:
        for other in _matching(pattern, ai, present):
            raise InputError(f"({ai}) and ({other}) cannot stand together")


def _has_all(choice: str, ai: str, present: Collection[str]) -> bool:
    return all(any(_matching(one, ai, present)) for one in choice.split("+"))


def _matching(pattern: str, ai: str, present: Collection[str]) -> Iterator[str]:
    compiled = re.compile(pattern.replace("n", "[0-9]"), re.ASCII)
    return (one for one in present if one != ai and compiled.fullmatch(one))


def _named(choice: str) -> str:
    return " and ".join(f"({one})" for one in choice.split("+"))


def parse_bracketed(text: str) -> tuple[Element, ...]:
    """Return the elements of ``(01)…(10)…``; a ``(`` within a value is written ``\\(``.

    Raises:
        InputError: it is not written so, an element is wrong, or they cannot be together.
    """
    if not 0 < len(text) <= LONGEST:
        raise InputError(f"an element string of {len(text)} characters")
    found, at = [], 0
    while at < len(text):
        opening = _OPENING.match(text, at)
        if opening is None:
            raise InputError(f"{text[at : at + 20]!r} does not begin with an AI in ()")
        following = _NEXT.search(text, opening.end())
        at = len(text) if following is None else following.start()
        value = text[opening.end() : at].replace("\\(", "(")
        found.append(make_element(opening[1], value))
    check_together(found)
    return tuple(found)


def to_bracketed(elements: Sequence[Element]) -> str:
    """Return elements for people to read: ``(01)…(10)…``."""
    return "".join(
        "({}){}".format(one.ai, one.value.replace("(", "\\(")) for one in elements
    )


def parse_scanned(text: str) -> tuple[Element, ...]:
    """Return the elements of what a scanner read, FNC1 first.

    Raises:
        InputError: it has no FNC1 first, an element is wrong, or they cannot be together.
    """
    plain = re.sub(r"^\](?:C1|e0|d2|Q3|J1)", "^", text[: LONGEST + 1])
    plain = plain.replace("\x1d", "^")
    if not plain.startswith("^") or len(plain) < 2 or len(text) > LONGEST:
        raise InputError(f"{text[:40]!r} is no element string: FNC1 comes first")
    found, rest = [], plain[1:]
    while rest:
        one, rest = _first(rest)
        found.append(one)
    check_together(found)
    return tuple(found)


def _first(text: str) -> tuple[Element, str]:
    ai = text[: longest_ai(text[:2]) or 2]
    identifier = get_identifier(ai)
    value, _, rest = text[len(ai) :].partition("^")
    if identifier.is_fixed:
        end = len(ai) + identifier.longest
        value, rest = text[len(ai) : end], text[end:].removeprefix("^")
    return make_element(ai, value), rest


def to_scanned(elements: Sequence[Element]) -> str:
    """Return elements as a scanner gives them, ``^`` for FNC1."""
    parts, is_apart = [], True
    for one in elements:
        parts.append(f"{'^' if is_apart else ''}{one.ai}{one.value}")
        is_apart = not get_identifier(one.ai).is_fixed
    return "".join(parts)
