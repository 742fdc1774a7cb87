"""What a farm's book holds: kinds of records and their fields, as data."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.reference.tables import read_table


class FieldType(StrEnum):
    """What is typed into a field."""

    TEXT = "text"
    NUMBER = "number"


class Field(Struct, frozen=True, forbid_unknown_fields=True):
    """One field of a record; numbers have a unit and inclusive limits."""

    name: str
    type: FieldType
    unit: str = ""
    is_required: bool = False
    is_whole: bool = False
    minimum: float | None = None
    maximum: float | None = None


class RecordKind(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of record."""

    fields: tuple[Field, ...]


KINDS: Final[Mapping[str, RecordKind]] = read_table(
    "records.toml", dict[str, RecordKind]
)


def get_kind(kind: str) -> RecordKind:
    """Return a kind of record.

    Raises:
        InputError: there is none of that name.
    """
    try:
        return KINDS[kind]
    except KeyError:
        raise InputError(
            f"record kind {kind!r} is not one of {', '.join(KINDS)}"
        ) from None
