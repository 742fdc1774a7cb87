"""Checks of single values and of lists and objects made of them: small, combined."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import milliseconds
from traceability.epcis.faults import Walk, shown, step
from traceability.epcis.vocabulary import MEASUREMENT, WITHDRAWN, Vocabulary, bare

Check = Callable[[Any, Walk, str], None]
"""Notes what is wrong with a value that stands at a pointer."""

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`\x00-\x20]+")
_CBV: Final = re.compile(
    r"(?:cbv:|https?://ref\.gs1\.org/cbv/)(?:BizStep|Disp|BTT|SDT|ER|Comp)-"
)
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def is_uri(value: Any) -> bool:
    """Return whether it is a URI, URN or CURIE: a scheme, a colon, no white space."""
    return isinstance(value, str) and _URI.fullmatch(value) is not None


def parse_time(text: Any) -> int:
    """Return an RFC 3339 time with a zone as milliseconds since 1970.

    Raises:
        InputError: it is none.
    """
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InputError(
            f"{shown(text)} is no time with a zone, such as 2026-11-23T07:00:00+07:00"
        )
    day, clock, fraction, zone = found.groups()
    zone = "+00:00" if zone in "Zz" else zone
    if clock.endswith(":60"):  # a leap second is the second before it
        clock = f"{clock[:-2]}59"
    try:
        at = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '')[:3]:0<3}{zone}")
        return milliseconds(at)
    except (ValueError, OverflowError, InputError):
        raise InputError(f"{shown(text)} is no time that can be") from None


def uri(value: Any, walk: Walk, at: str) -> None:
    """An absolute URI, URN or CURIE."""
    if not is_uri(value):
        walk.fault(at, f"{shown(value)} is no URI: it needs a scheme or namespace")


def text(value: Any, walk: Walk, at: str) -> None:
    """Any text."""
    if not isinstance(value, str):
        walk.fault(at, f"{shown(value)} is no text")


def number(value: Any, walk: Walk, at: str) -> None:
    """A finite number; true and "5" are none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (isinstance(value, float) and not math.isfinite(value)):
        walk.fault(at, f"{shown(value)} is no number")


def boolean(value: Any, walk: Walk, at: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        walk.fault(at, f"{shown(value)} is neither true nor false")


def moment(value: Any, walk: Walk, at: str) -> None:
    """A date-time with a zone."""
    try:
        parse_time(value)
    except InputError as exc:
        walk.fault(at, str(exc))


def matching(pattern: str, what: str) -> Check:
    """Return a check of text against a whole pattern."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: Any, walk: Walk, at: str) -> None:
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            walk.fault(at, f"{shown(value)} is no {what}")

    return check


def word(vocabulary: Vocabulary, what: str) -> Check:
    """Return a check of a word: the vocabulary's bare name, or others' as a URI."""

    def check(value: Any, walk: Walk, at: str) -> None:
        if not isinstance(value, str):
            walk.fault(at, f"{shown(value)} is no {what}: it is no text")
            return
        if value in vocabulary.words:
            return
        if vocabulary is MEASUREMENT and value in WITHDRAWN:
            walk.warn(at, f"{value!r} is today {WITHDRAWN[value]!r} in CBV 2.0")
            return
        if not is_uri(value):
            walk.fault(
                at,
                f"{shown(value)} is no {what} of CBV 2.0; a word of your own must be "
                "a URI",
            )
        else:
            _spelt(vocabulary, value, what, walk, at)

    return check


def _spelt(vocabulary: Vocabulary, value: str, what: str, walk: Walk, at: str) -> None:
    """Note a word of GS1's that is spelt as JSON does not, or that there is not."""
    if value.startswith("urn:epcglobal:cbv:") or "//ns.gs1.org/cbv/" in value:
        name = bare(vocabulary, value)
        hint = f"write {name!r}" if name != value else "CBV has no such word"
        walk.fault(at, f"{shown(value)}: JSON takes the bare name; {hint}")
    elif re.match(r"https?://(www\.)?gs1\.org/voc/", value):
        _gs1_word(vocabulary, value, walk, at)
    elif _CBV.match(value) and bare(vocabulary, value) == value:
        walk.fault(at, f"{shown(value)} is no {what}: CBV has no such word")


def _gs1_word(vocabulary: Vocabulary, value: str, walk: Walk, at: str) -> None:
    if vocabulary.web:
        return
    name = bare(vocabulary, value)
    hint = f"write {name!r}" if name != value else "GS1 has no such word"
    walk.fault(at, f"{shown(value)}: JSON takes the bare name; {hint}")


def items(check: Check, *, least: int = 0, unique: bool = False) -> Check:
    """Return a check of a list."""

    def checked(value: Any, walk: Walk, at: str) -> None:
        if not isinstance(value, list):
            walk.fault(at, f"{shown(value)} is no list")
            return
        if len(value) < least:
            walk.fault(at, f"the list needs at least {least}")
        for index, one in enumerate(value):
            check(one, walk, step(at, index))
        if unique and all(isinstance(one, str) for one in value):
            for index, one in enumerate(value):
                if value.index(one) != index:
                    walk.fault(step(at, index), f"{shown(one)} stands there twice")

    return checked


def either(first: Check, second: Check, is_first: Callable[[Any], bool]) -> Check:
    """Return a check that takes one of two forms."""

    def check(value: Any, walk: Walk, at: str) -> None:
        (first if is_first(value) else second)(value, walk, at)

    return check


def extension(key: str, walk: Walk, at: str) -> None:
    """The name of a field that is not the standard's: it carries a namespace."""
    if not is_uri(key):
        walk.fault(
            at,
            f"field {shown(key)} is not known here; a field of your own needs a "
            f"namespace that @context declares, such as example:{shown(key)[1:-1]}",
        )
        return
    prefix = key.split(":", 1)[0]
    is_whole = key.split(":", 1)[1].startswith("//") or prefix == "urn"
    if not is_whole and prefix not in walk.prefixes:
        walk.warn(at, f"namespace {prefix!r} is declared in no @context")


def _anything(_value: Any, _walk: Walk, _at: str) -> None:
    """Whatever it is, under any name."""


def _name(at: str) -> str:
    return at.rsplit("/", 1)[1].replace("~1", "/").replace("~0", "~")


def _own(_value: Any, walk: Walk, at: str) -> None:
    extension(_name(at), walk, at)


def _closed(fields: Mapping[str, Check]) -> Check:
    def refuse(_value: Any, walk: Walk, at: str) -> None:
        walk.fault(at, f"{shown(_name(at))} is not one of {', '.join(fields)}")

    return refuse


def shape(
    fields: Mapping[str, Check],
    *required: str,
    is_open: bool = True,
    is_free: bool = False,
) -> Check:
    """Return a check of an object; an open one may have extensions beside ``fields``.

    A free one may have anything beside them.
    """

    other = _anything if is_free else _own if is_open else _closed(fields)

    def check(value: Any, walk: Walk, at: str) -> None:
        if not isinstance(value, dict):
            walk.fault(at, f"{shown(value)} is no object")
            return
        before = walk.prefixes
        walk.prefixes = before | prefixes_of(value.get("@context"))
        for name in required:
            if name not in value:
                walk.fault(at, f"{name} is missing")
        for key, one in value.items():
            fields.get(key, other)(one, walk, step(at, key))
        walk.prefixes = before

    return check


def prefixes_of(context: Any) -> frozenset[str]:
    """Return the prefixes that a JSON-LD context declares."""
    parts = context if isinstance(context, list) else [context]
    return frozenset(key for part in parts if isinstance(part, dict) for key in part)
