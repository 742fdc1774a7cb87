"""Records and their fields, as the pages show them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.reading import milliseconds
from greenwater.reference.records import KINDS, Field, FieldType, When, get_kind
from greenwater.reference.substances import TABLES, find_ban, find_limits
from greenwater.storage.registry.books import Record
from traceability.corrections import families
from traceability.records import FieldError, is_back_dated
from web.views.formats import exact, happened_text, moment, unit_words
from web.views.refused import refused
from web.words import WORDS, Lang, say


@dataclass(frozen=True)
class FieldView:
    """One field of a form; ``choices`` are (value, words)."""

    name: str
    label: str
    unit: str
    type: str
    is_number: bool
    is_required: bool
    value: str
    trouble: str
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RecordView:
    """One entry; ``text`` is its fields in a line, ``alarms`` what must be seen first."""

    id: str
    kind: str
    name: str
    text: str
    happened: str
    entered: str
    by: str
    is_back_dated: bool
    is_corrected: bool
    is_hand: bool
    href: str
    alarms: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class KindGroup:
    """Kinds of records that are written equally often: (kind, words)."""

    title: str
    kinds: tuple[tuple[str, str], ...]
    is_open: bool


def kind_groups(lang: Lang, places: Collection[str] | None = None) -> list[KindGroup]:
    """Return the kinds of records by how often they are written; the usual ones open.

    ``places`` keeps those that belong to one of them.
    """
    return [
        KindGroup(
            say(lang, f"when_{when}"),
            tuple(
                (kind, say(lang, f"record_{kind}"))
                for kind, about in KINDS.items()
                if about.when is when and (places is None or about.place in places)
            ),
            when in (When.DAILY, When.CROP),
        )
        for when in When
    ]


def record_view(
    lang: Lang,
    record: Record,
    now_ms: int,
    names: Mapping[str, str],
    corrected: Collection[str],
) -> RecordView:
    """Return an entry as the book shows it: when it happened, and when it was entered."""
    parts = [f"{label}: {text}" for label, text in field_texts(lang, record)]
    alarms, notes = substance_texts(lang, record)
    return RecordView(
        record.id,
        record.kind,
        say(lang, f"record_{record.kind}"),
        " · ".join(parts),
        happened_text(lang, record.happened_ms, record.entered_ms, now_ms),
        moment(lang, record.entered_ms, now_ms),
        by_whom(lang, record, names),
        is_back_dated(record.happened_ms, record.entered_ms),
        record.id in corrected,
        record.source == "hand",
        f"/records/{record.id}",
        alarms,
        notes,
    )


def replaced(records: Sequence[Record]) -> frozenset[str]:
    """Return the ids of the records that do not count: others stand for them."""
    found = families(records)
    chosen = {one.chosen.id for one in found}
    return frozenset(one.id for one in records) - chosen


def writers_of(records: Iterable[Record]) -> set[str | None]:
    """Return the people whose names ``record_view`` says of these entries."""
    return {one for record in records for one in (record.entered_by, record.behalf_of)}


def by_whom(lang: Lang, record: Record, names: Mapping[str, str]) -> str:
    """Return who entered a record, and for whom."""
    by = names.get(record.entered_by, record.entered_by)
    if record.behalf_of is None:
        return by
    person = names.get(record.behalf_of, record.behalf_of)
    return say(lang, "record_by_for", by=by, person=person)


def field_texts(lang: Lang, record: Record) -> list[tuple[str, str]]:
    """Return a record's fields as (label, value with its unit)."""
    return [
        (
            say(lang, f"field_{field.name}"),
            shown(lang, field, record.fields[field.name]),
        )
        for field in get_kind(record.kind).fields
        if record.fields.get(field.name) is not None
    ]


def shown(lang: Lang, field: Field, value: Any) -> str:
    """Return a field's value with its unit."""
    if field.type is FieldType.CHOICE:
        return say(lang, f"choice_{value}")
    if field.type is FieldType.DATE:
        return "/".join(reversed(str(value).split("-")))
    if field.type is FieldType.TEXT:
        return str(value)
    if field.name == "birth_year":
        return str(value)
    text = exact(lang, float(value))
    return f"{text} {unit_words(lang, field.unit)}".strip()


def substance_texts(
    lang: Lang, record: Record
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the lists say of a record's substance: bans, and limits."""
    substance = str(record.fields.get("substance", ""))
    if not substance:
        return (), ()
    ban = find_ban(substance)
    if ban is not None:
        return (say(lang, "record_banned", instrument=ban.instrument),), ()
    return (), tuple(
        say(
            lang,
            "record_limited",
            name=one.name,
            limit=exact(lang, one.limit_ppb),
            instrument=TABLES.limited.instrument,
        )
        for one in find_limits(substance)
    )


def field_views(
    lang: Lang, kind: str, values: Mapping[str, str], field: str, trouble: str
) -> list[FieldView]:
    """Return the fields of a form, with what was typed and what is wrong with one."""
    return [
        FieldView(
            one.name,
            say(lang, f"field_{one.name}"),
            unit_words(lang, one.unit),
            one.type.value,
            one.type is FieldType.NUMBER,
            one.is_required,
            values.get(one.name, ""),
            trouble if one.name == field else "",
            tuple((choice, say(lang, f"choice_{choice}")) for choice in one.choices),
        )
        for one in get_kind(kind).fields
    ]


def typed_fields(lang: Lang, record: Record) -> dict[str, str]:
    """Return a record's fields as somebody would type them, for a correction's form."""
    found = {}
    for field in get_kind(record.kind).fields:
        value = record.fields.get(field.name)
        if value is None:
            continue
        text = str(value)
        is_decimal = field.type is FieldType.NUMBER and lang is Lang.VI
        found[field.name] = text.replace(".", ",") if is_decimal else text
    return found


def parse_local(text: str) -> int:
    """Return what a form's date and time field says, in ms since 1970.

    Raises:
        FieldError: it says none.
    """
    try:
        at = datetime.fromisoformat(text)
        return milliseconds(at.replace(tzinfo=at.tzinfo or VIETNAM))
    except (ValueError, OverflowError):
        raise FieldError(
            "happened", f"{text[:40]!r} is no date and time", "time_wrong"
        ) from None


def field_trouble(lang: Lang, error: FieldError, typed: str) -> str:
    """Return a field's trouble in the page's words, with what to do."""
    if typed.strip():
        return say(lang, "not_saved", reason=refused(lang, error))
    name = (
        say(lang, f"field_{error.field}")
        if f"field_{error.field}" in WORDS[lang]
        else say(lang, "happened_at")
    )
    return say(lang, "field_missing", name=name)
