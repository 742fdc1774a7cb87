"""Checking what is entered in a book: the farm's here, the vessel's with the same checks. Pure."""

import datetime as dt
import hashlib
import math
import unicodedata
import uuid
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from greenwater.kernel.errors import InputError
from greenwater.kernel.letters import has_odd
from greenwater.kernel.reading import DAY_MS
from greenwater.reference.records import Field, FieldType, get_kind
from greenwater.reference.vessel_records import VesselField

MAX_TEXT: Final = 500
MAX_NUMBER: Final = 1e12

BACK_DATED_MS: Final = DAY_MS
AnyField = Field | VesselField
"""A field of either book."""


class FieldError(InputError):
    """A field cannot be as it was entered; ``field`` names it, for the form."""

    def __init__(
        self, field: str, sentence: str, key: str = "", /, **facts: object
    ) -> None:
        super().__init__(sentence, key, **facts)
        self.field = field


def checked_fields(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's fields as they are kept; empty optional ones are left out.

    Raises:
        FieldError: one is missing, or cannot be.
        InputError: the kind, or a field, does not exist.
    """
    about = get_kind(kind)
    known = {field.name: field for field in about.fields}
    refuse_unknown(kind, fields, known)
    kept = {}
    for name, field in known.items():
        value = _checked(kind, field, fields.get(name))
        if value is not None:
            kept[name] = value
        elif field.is_required:
            raise missing(kind, field)
    if about.one_of and not any(name in kept for name in about.one_of):
        raise FieldError(
            about.one_of[0],
            f"{kind}: enter at least one of {', '.join(about.one_of)}",
            "field_one_of",
            field=about.one_of[0],
        )
    return kept


def _checked(kind: str, field: Field, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise FieldError(
            field.name,
            f"{kind}: {field.name} is neither text nor number",
            "field_odd",
            field=field.name,
        )
    text = tidy(value) if value is not None else ""
    if not text:
        return None
    if field.type is FieldType.NUMBER:
        return checked_number(kind, field, text)
    if field.type is FieldType.DATE:
        return checked_day(kind, field, text)
    if field.type is FieldType.CHOICE:
        return checked_choice(kind, field, text, field.choices)
    return checked_text(kind, field, text)


def refuse_unknown(
    kind: str, fields: Mapping[str, Any], known: Collection[str]
) -> None:
    """Let fields through that a kind of record has.

    Raises:
        InputError: one does not exist.
    """
    odd = sorted(set(fields) - set(known))
    if odd:
        raise InputError(
            f"a record {kind} has no field {odd[0]!r}: {', '.join(known)}", "form_old"
        )


def missing(kind: str, field: AnyField) -> FieldError:
    """Return what is wrong with an empty field that must be filled in."""
    name = field.name
    return FieldError(
        name, f"{kind}: {name} is missing; enter it", "field_empty", field=name
    )


def tidy(value: object) -> str:
    """Return what was typed in the one spelling that is kept: composed, no blanks around it."""
    return unicodedata.normalize("NFC", str(value)).strip()


def checked_choice(
    kind: str, field: AnyField, text: str, choices: Collection[str]
) -> str:
    """Return a word that may be chosen. Raises: FieldError: it may not."""
    if text not in choices:
        raise FieldError(
            field.name,
            f"{kind}: {field.name} {text[:40]!r} is not one of {', '.join(choices)}",
            "field_choice",
            field=field.name,
        )
    return text


def checked_text(kind: str, field: AnyField, text: str) -> str:
    """Return a text that may be kept. Raises: FieldError: too long, or odd letters in it."""
    if len(text) > MAX_TEXT or has_odd(text):
        raise FieldError(
            field.name,
            f"{kind}: {field.name} is longer than {MAX_TEXT} characters, or has "
            "control characters in it; shorten it",
            "field_long",
            field=field.name,
            most=MAX_TEXT,
        )
    return text


def checked_day(kind: str, field: AnyField, text: str) -> str:
    """Return a day as ISO writes it; ``23/11/2026`` is read as well.

    Raises:
        FieldError: it is none, or of another age.
    """
    try:
        parts = text.split("/")
        if len(parts) == 3:
            day, month, year = map(int, parts)
            found = dt.date(year, month, day)
        else:
            found = dt.date.fromisoformat(text)
        if not 1900 <= found.year <= 2200:
            raise ValueError("not of this time")
    except ValueError:
        raise FieldError(
            field.name,
            f"{kind}: {field.name} {text[:40]!r} is not a day of this time: 2026-11-23",
            "field_day",
            field=field.name,
        ) from None
    return found.isoformat()


def parsed_number(kind: str, name: str, text: str) -> float:
    """Return a number as people write it, ``12,5`` or ``12.5``. Raises: FieldError: it is none."""
    try:
        number = float(text.replace(" ", "").replace(",", "."))
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise FieldError(
            name,
            f"{kind}: {name} {text[:40]!r} is not a number such as 12,5",
            "field_number",
            field=name,
            typed=text[:40],
        )
    return number


def checked_number(kind: str, field: AnyField, text: str) -> float | int:
    """Return a number within its field's limits. Raises: FieldError: it is not."""
    number = parsed_number(kind, field.name, text)
    what = f"{kind}: {field.name} {text[:40]!r}"
    low = -MAX_NUMBER if field.minimum is None else field.minimum
    high = MAX_NUMBER if field.maximum is None else field.maximum
    if not low <= number <= high:
        raise FieldError(
            field.name,
            f"{what} is not from {low:g} to {high:g} {field.unit}".rstrip(),
            "field_range",
            field=field.name,
            low=low,
            high=high,
            unit=field.unit,
        )
    if field.is_whole and number != int(number):
        raise FieldError(
            field.name, f"{what} is not a whole number", "field_whole", field=field.name
        )
    return int(number) if number == int(number) else number


def is_back_dated(happened_ms: int, entered_ms: int) -> bool:
    """Return whether a record was entered so long after it happened that pages say so."""
    return entered_ms - happened_ms > BACK_DATED_MS


def canonical(document: Any) -> str:
    """Return JSON text that is the same for the same content: keys sorted, no spaces."""
    return msgspec.json.encode(document, order="sorted").decode()


def digest(document: Any) -> str:
    """Return the SHA-256 of a document's canonical text, in hex."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def check_uuid(what: str, text: str) -> None:
    """Let a device's id through.

    Raises:
        InputError: it is no UUID.
    """
    try:
        uuid.UUID(text)
    except ValueError:
        raise InputError(f"{what} id {text!r} is not a UUID", "form_old") from None
