"""What would have fitted, said beside msgspec's refusal of a key or a word.

``Invalid enum value 'stucked' - at `$.faults[0].kind``` becomes a sentence that ends with
the kinds there are; a misspelt key, with the key that is meant.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import inspect

_PLACE: Final = re.compile(r" - at `\$(.*)`$")
_STEP: Final = re.compile(r"\.([^.\[]+)|\[[^]]*\]")
_KEY: Final = re.compile(r"unknown field `([^`]+)`")


def misfit(error: msgspec.ValidationError, kind: Any) -> str:
    """Return what a refusal says, and what there is in the place of what was given.

    ``kind`` is the type that was to be filled.
    """
    said = str(error)
    place = _PLACE.search(said)
    steps = [found[1] for found in _STEP.finditer(place[1])] if place else []
    key = _KEY.search(said)
    if key is not None:
        known = _fields(_at(kind, steps))
        near = difflib.get_close_matches(key[1], known, 1)
        return f"{said}; is `{near[0]}` meant?" if near else f"{said}{_list(known)}"
    if said.startswith(("Invalid enum value", "Invalid value")):
        *above, last = steps or [""]
        return f"{said}{_list([*_words(_at(kind, steps)), *_tags(_at(kind, above), last)])}"
    return said


def _list(known: Iterable[str]) -> str:
    words = list(dict.fromkeys(known))
    return f"; there are: {', '.join(words)}" if words else ""


def _at(kind: Any, steps: Iterable[str | None]) -> list[inspect.Type]:
    """Return the types that may stand behind ``steps``: field names, None for an item."""
    types = list(_plain(inspect.type_info(kind)))
    for step in steps:
        types = [
            found
            for one in types
            for inner in (_items(one) if step is None else _named(one, step))
            for found in _plain(inner)
        ]
    return types


def _plain(one: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(one, inspect.UnionType):
        for inner in one.types:
            yield from _plain(inner)
    elif isinstance(one, inspect.Metadata):
        yield from _plain(one.type)
    else:
        yield one


def _items(one: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(one, inspect.CollectionType):
        yield one.item_type
    elif isinstance(one, inspect.TupleType):
        yield from one.item_types
    elif isinstance(one, inspect.DictType):
        yield one.value_type


def _named(one: inspect.Type, name: str) -> Iterator[inspect.Type]:
    if isinstance(one, inspect.StructType):
        yield from (field.type for field in one.fields if field.encode_name == name)


def _fields(types: Iterable[inspect.Type]) -> list[str]:
    return [
        field.encode_name
        for one in types
        if isinstance(one, inspect.StructType)
        for field in one.fields
    ]


def _words(types: Iterable[inspect.Type]) -> Iterator[str]:
    for one in types:
        if isinstance(one, inspect.EnumType):
            yield from (str(word.value) for word in one.cls)
        elif isinstance(one, inspect.LiteralType):
            yield from map(str, one.values)


def _tags(types: Iterable[inspect.Type], name: str | None) -> Iterator[str]:
    for one in types:
        if isinstance(one, inspect.StructType) and one.tag_field == name:
            yield str(one.tag)
