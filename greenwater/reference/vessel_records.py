"""What a vessel's book holds: kinds of records and their fields, as data."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.reference.isscfg import GEAR_CODES
from greenwater.reference.ports import PORTS
from greenwater.reference.tables import read_table
from greenwater.reference.vessel_rules import RULES


class VesselFieldType(StrEnum):
    """What is typed into a field."""

    TEXT = "text"
    NUMBER = "number"
    INSTANT = "instant"
    DAY = "day"
    CHOICE = "choice"
    LINES = "lines"
    COVERS = "covers"


class VesselField(Struct, frozen=True, forbid_unknown_fields=True):
    """One field; numbers have a unit and inclusive limits, choices a list by name."""

    name: str
    type: VesselFieldType
    unit: str = ""
    list: str = ""
    is_required: bool = False
    is_whole: bool = False
    has_discards: bool = False
    minimum: float | None = None
    maximum: float | None = None


class VesselRecordKind(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of record."""

    fields: tuple[VesselField, ...]


VESSEL_KINDS: Final[Mapping[str, VesselRecordKind]] = read_table(
    "vessel_records.toml", dict[str, VesselRecordKind]
)
CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "ports": tuple(port.code for port in PORTS.port),
    "gears": tuple(GEAR_CODES),
    "passages": ("out", "in"),
    "means": ("phone", "radio", "app", "counter"),
    "directions": ("given", "taken"),
    "papers": tuple(RULES.papers),
    "findings": ("passing", "position_wrong", "permitted", "upheld"),
}
"""What may be chosen. A violation is ``upheld`` where it was one; all others settle it."""


def get_vessel_kind(kind: str) -> VesselRecordKind:
    """Return a kind of record.

    Raises:
        InputError: there is none of that name.
    """
    try:
        return VESSEL_KINDS[kind]
    except KeyError:
        raise InputError(
            f"record kind {kind!r} is not one of {', '.join(VESSEL_KINDS)}",
            "kind_unknown",
        ) from None
