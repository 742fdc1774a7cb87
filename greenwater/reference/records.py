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
    CHOICE = "choice"
    DATE = "date"


class Place(StrEnum):
    """What a record belongs to, the narrowest first."""

    CROP = "crop"
    UNIT = "unit"
    SITE = "site"
    ORGANISATION = "organisation"


class When(StrEnum):
    """How often a kind of record is written."""

    DAILY = "daily"
    CROP = "crop"
    YEARLY = "yearly"
    INCIDENT = "incident"


class Standard(StrEnum):
    """Who asks for records."""

    VIETGAP = "V"
    ASC = "A"
    GLOBALGAP = "G"
    BAP = "B"


class Field(Struct, frozen=True, forbid_unknown_fields=True):
    """One field of a record; numbers have a unit and inclusive limits.

    ``asked_by`` names who asks for the field, where not all do who ask for the record.
    """

    name: str
    type: FieldType
    unit: str = ""
    is_required: bool = False
    is_whole: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    asked_by: tuple[Standard, ...] = ()


class RecordKind(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of record; at least one of ``one_of`` is filled in, where it names any.

    ``may_precede``: it may have happened before its crop began.
    """

    fields: tuple[Field, ...]
    place: Place
    when: When
    standards: tuple[Standard, ...]
    one_of: tuple[str, ...] = ()
    may_precede: bool = False


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
            f"record kind {kind!r} is not one of {', '.join(KINDS)}", "kind_unknown"
        ) from None
