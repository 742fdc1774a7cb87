"""What a page says of a file of records: what it would do, what is wrong, what was done. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from traceability.book.tables import Names, Number, Trial, Trouble, decoded, plain
from web.views.formats import typed_number, unit_words
from web.views.refused import refused, refused_text
from web.words import WORDS, Lang, say

SHOWN: Final = 200
"""Bad rows that are told at once."""


@dataclass(frozen=True)
class TroubleView:
    """A bad row in words."""

    where: str
    reason: str


@dataclass(frozen=True)
class ImportView:
    """A file that was tried: its text, to be sent again, and what it would do; or its end."""

    text: str = ""
    trial: Trial[Any] | None = None
    troubles: Sequence[TroubleView] = ()
    trouble: str = ""
    done: str = ""


NO_FILE: Final = ImportView()


class Book(Struct, frozen=True):
    """A book that takes files in; ``try_out`` takes the text, names and how numbers are typed."""

    names: Names
    try_out: Callable[[str, Names, Number], Trial[Any]]
    take_in: Callable[[Trial[Any]], int]


def import_view(
    lang: Lang, asked: Mapping[str, str], raw: bytes | None, book: Book
) -> ImportView:
    """Try a file out, ``raw`` or the text of one that was tried; with ``sure`` keep its rows."""
    try:
        point = "." if lang is Lang.EN else ","
        text = asked.get("text", "") if raw is None else decoded(raw, point=point)
        trial = book.try_out(text, book.names, lambda cell: typed_number(lang, cell))
    except InputError as exc:
        return ImportView(trouble=refused(lang, exc))
    if not asked.get("sure"):
        troubles = [_trouble_view(lang, one) for one in trial.troubles[:SHOWN]]
        return ImportView(text, trial, troubles)
    count = book.take_in(trial)
    return ImportView(done=say(lang, "import_done", count=count, there=trial.there))


def _trouble_view(lang: Lang, one: Trouble) -> TroubleView:
    column = one.column or "–"
    where = say(lang, "import_row", row=one.row, column=column, value=one.value)
    reason = refused_text(lang, one.key, one.facts) if one.key else one.reason
    return TroubleView(where, reason)


def names_by(lang: Lang, heads: Collection[str]) -> dict[str, str]:
    """Return what the words of keys with these heads name, in both languages; ``lang`` wins."""
    return {
        plain(words): key.removeprefix(head)
        for one in (lang.other, lang)
        for head in heads
        for key, words in WORDS[one].items()
        if key.startswith(head)
    }


def column_title(lang: Lang, heads: Sequence[str], column: str, unit: str) -> str:
    """Return a column's title: the words of the first head that has some, with its unit."""
    *own, last = heads
    for head in own:
        if f"{head}{column}" in WORDS[lang]:
            return say(lang, f"{head}{column}")
    title, words = say(lang, f"{last}{column}"), unit_words(lang, unit)
    return f"{title} ({words})" if words else title
