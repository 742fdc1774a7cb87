"""Checking what is entered in the book: pure."""

import hashlib
import math
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from greenwater.kernel.errors import InputError
from greenwater.reference.records import Field, FieldType, get_kind

MAX_TEXT: Final = 500


class FieldError(InputError):
    """A field cannot be as it was entered; ``field`` names it, for the form."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def checked_fields(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's fields as they are kept; empty optional ones are left out.

    Raises:
        FieldError: one is missing, or cannot be.
        InputError: the kind, or a field, does not exist.
    """
    known = {field.name: field for field in get_kind(kind).fields}
    odd = sorted(set(fields) - set(known))
    if odd:
        raise InputError(f"a record {kind} has no field {odd[0]!r}: {', '.join(known)}")
    kept = {}
    for name, field in known.items():
        value = _checked(kind, field, fields.get(name))
        if value is not None:
            kept[name] = value
        elif field.is_required:
            raise FieldError(name, f"{kind}: {name} is missing; enter it")
    return kept


def _checked(kind: str, field: Field, value: Any) -> Any:
    text = unicodedata.normalize("NFC", str(value)).strip() if value is not None else ""
    if not text:
        return None
    if field.type is FieldType.TEXT:
        if len(text) > MAX_TEXT or any(ord(one) < 32 for one in text):
            raise FieldError(
                field.name,
                f"{kind}: {field.name} is longer than {MAX_TEXT} characters, or has "
                "control characters in it; shorten it",
            )
        return text
    return _number(kind, field, text)


def _number(kind: str, field: Field, text: str) -> float | int:
    what = f"{kind}: {field.name} {text!r}"
    try:
        number = float(text.replace(" ", "").replace(",", "."))
    except ValueError:
        raise FieldError(field.name, f"{what} is not a number such as 12,5") from None
    low = -math.inf if field.minimum is None else field.minimum
    high = math.inf if field.maximum is None else field.maximum
    if not (math.isfinite(number) and low <= number <= high):
        raise FieldError(
            field.name, f"{what} is not from {low:g} to {high:g} {field.unit}".rstrip()
        )
    if field.is_whole and number != int(number):
        raise FieldError(field.name, f"{what} is not a whole number")
    return int(number) if number == int(number) else number


def canonical(document: Any) -> str:
    """Return JSON text that is the same for the same content: keys sorted, no spaces."""
    return msgspec.json.encode(document, order="sorted").decode()


def digest(document: Any) -> str:
    """Return the SHA-256 of a document's canonical text, in hex."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()
