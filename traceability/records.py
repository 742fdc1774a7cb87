"""Checking what is entered in the book: pure."""

import datetime as dt
import hashlib
import math
import unicodedata
import uuid
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from greenwater.kernel.errors import InputError
from greenwater.kernel.letters import has_odd
from greenwater.reference.records import Field, FieldType, get_kind

MAX_TEXT: Final = 500
MAX_NUMBER: Final = 1e12


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
    odd = sorted(set(fields) - set(known))
    if odd:
        raise InputError(
            f"a record {kind} has no field {odd[0]!r}: {', '.join(known)}", "form_old"
        )
    kept = {}
    for name, field in known.items():
        value = _checked(kind, field, fields.get(name))
        if value is not None:
            kept[name] = value
        elif field.is_required:
            raise FieldError(
                name, f"{kind}: {name} is missing; enter it", "field_empty", field=name
            )
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
    text = unicodedata.normalize("NFC", str(value)).strip() if value is not None else ""
    if not text:
        return None
    if field.type is FieldType.NUMBER:
        return _number(kind, field, text)
    if field.type is FieldType.DATE:
        return _date(kind, field, text)
    if field.type is FieldType.CHOICE:
        if text not in field.choices:
            raise FieldError(
                field.name,
                f"{kind}: {field.name} {text[:40]!r} is not one of "
                f"{', '.join(field.choices)}",
                "field_choice",
                field=field.name,
            )
        return text
    return _text(kind, field, text)


def _text(kind: str, field: Field, text: str) -> str:
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


def _date(kind: str, field: Field, text: str) -> str:
    """Return a day as ISO writes it; ``23/11/2026`` is read as well."""
    try:
        parts = text.split("/")
        if len(parts) == 3:
            day, month, year = map(int, parts)
            found = dt.date(year, month, day)
        else:
            found = dt.date.fromisoformat(text)
    except ValueError:
        raise FieldError(
            field.name,
            f"{kind}: {field.name} {text[:40]!r} is not a day: 2026-11-23",
            "field_day",
            field=field.name,
        ) from None
    if not 1900 <= found.year <= 2200:
        raise FieldError(
            field.name,
            f"{kind}: {field.name} {text[:40]!r} is not of this time",
            "field_day",
            field=field.name,
        )
    return found.isoformat()


def _number(kind: str, field: Field, text: str) -> float | int:
    what = f"{kind}: {field.name} {text[:40]!r}"
    try:
        number = float(text.replace(" ", "").replace(",", "."))
    except ValueError:
        raise FieldError(
            field.name,
            f"{what} is not a number such as 12,5",
            "field_number",
            field=field.name,
            typed=text[:40],
        ) from None
    low = -MAX_NUMBER if field.minimum is None else field.minimum
    high = MAX_NUMBER if field.maximum is None else field.maximum
    if not (math.isfinite(number) and low <= number <= high):
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
