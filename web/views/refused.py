"""What a page says of a refusal: its words in the page's language, never the core's English."""

from collections.abc import Mapping
from typing import Any, Final

from greenwater.kernel.errors import PlatformError
from web.views.formats import exact
from web.views.seawords import day_time, species_name
from web.words import WORDS, Lang, say

_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "field": ("field_{}", "sea_field_{}"),
    "kind": ("record_{}", "sea_kind_{}"),
}
"""Facts that are names of ours, and the words of such names."""


def refused(lang: Lang, error: PlatformError) -> str:
    """Return the sentence of a refusal; of one without words no more than that it is one."""
    if not error.key and lang is Lang.EN:
        return str(error)
    return refused_text(lang, error.key, error.facts)


def refused_text(lang: Lang, key: str, facts: Mapping[str, object]) -> str:
    """Return the sentence of a key and its facts."""
    if not key:
        return say(lang, "refused_plain")
    told = {name: _told(lang, name, value) for name, value in facts.items()}
    return say(lang, f"refused_{key}", **told).strip()


def _told(lang: Lang, name: str, value: Any) -> object:
    if name == "species":
        return species_name(lang, str(value))
    if name.endswith("_ms"):
        return day_time(int(value))
    if isinstance(value, float):
        return exact(lang, value)
    for pattern in _NAMED.get(name, ()):
        key = pattern.format(value)
        if key in WORDS[lang]:
            return say(lang, key)
    return value
