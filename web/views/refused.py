"""What a page says of a refusal: its words in the page's language, never the core's English."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from greenwater.kernel.errors import InputError, PlatformError
from traceability.gate.harvest import Refusal
from traceability.records import FieldError
from web.views.formats import exact
from web.views.seawords import day_time, gate_facts, species_name
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


def wrong(lang: Lang, error: InputError) -> str:
    """Return what is wrong with a form: the words of its field, or of the refusal."""
    key = f"wrong_{error.field}" if isinstance(error, FieldError) else ""
    return say(lang, key) if key in WORDS[lang] else refused(lang, error)


def refusal_texts(lang: Lang, refusals: Sequence[Refusal]) -> list[tuple[str, str]]:
    """Return the gate's refusals or warnings in words, each with the page that cures it."""
    return [
        (say(lang, f"gate_{one.code}", **gate_facts(lang, one.facts)), one.cure)
        for one in refusals
    ]


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
