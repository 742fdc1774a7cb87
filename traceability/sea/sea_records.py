"""Checking what is entered in a vessel's book: pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from greenwater.kernel.errors import MissingError
from greenwater.reference.species import get_species
from greenwater.reference.vessel_records import (
    CHOICES,
    VesselField,
    VesselFieldType,
    get_vessel_kind,
)
from traceability.records import (
    FieldError,
    checked_choice,
    checked_day,
    checked_number,
    checked_text,
    missing,
    parsed_number,
    refuse_unknown,
    tidy,
)

MOST_LINES: Final = 40
MOST_KG: Final = 1_000_000.0
_EARLIEST_MS: Final = 946_684_800_000
"""2000: nobody enters what is older."""
_LATEST_MS: Final = 4_102_444_800_000


def checked_sea_fields(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's fields as they are kept; empty optional ones are left out.

    Raises:
        FieldError: one is missing, or cannot be.
        InputError: the kind, or a field, does not exist.
    """
    known = {field.name: field for field in get_vessel_kind(kind).fields}
    refuse_unknown(kind, fields, known)
    kept = {}
    for name, field in known.items():
        value = fields.get(name)
        value = tidy(value) if isinstance(value, str) else value
        if value is not None and value not in ("", [], {}):
            kept[name] = _CHECKS[field.type](kind, field, value)
        elif field.is_required:
            raise missing(kind, field)
    _agree(kind, kept)
    return kept


def _agree(kind: str, kept: Mapping[str, Any]) -> None:
    """Hold fields against each other."""
    if kind == "trip" and ("return_ms" in kept) != ("return_port" in kept):
        raise FieldError(
            "return_port",
            "trip: a return has a time and a port; enter both, or none",
            "return_both",
        )
    if kind == "trip" and kept.get("return_ms", math.inf) <= kept["departure_ms"]:
        raise FieldError(
            "return_ms", "trip: it cannot end before it began", "trip_ends_early"
        )
    if kind == "paper" and kept.get("until_day", "9999") < kept["from_day"]:
        raise FieldError(
            "until_day", "paper: it cannot end before it begins", "paper_ends_early"
        )
    if ("latitude" in kept) != ("longitude" in kept):
        raise FieldError(
            "longitude",
            f"{kind}: a position has a latitude and a longitude",
            "position_both",
        )


def _instant(kind: str, field: VesselField, value: Any) -> int:
    number = parsed_number(kind, field.name, str(value))
    if not _EARLIEST_MS <= number <= _LATEST_MS:
        raise FieldError(
            field.name,
            f"{kind}: {field.name} is no possible time",
            "field_time",
            field=field.name,
        )
    return int(number)


def _lines(kind: str, field: VesselField, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise FieldError(field.name, f"{kind}: {field.name} is no list", "form_old")
    if len(value) > MOST_LINES:
        raise FieldError(
            field.name,
            f"{kind}: more than {MOST_LINES} species",
            "lines_many",
            most=MOST_LINES,
        )
    found: dict[str, dict[str, Any]] = {}
    for one in value:
        line = _line(kind, field, one)
        if line["species"] in found:
            raise FieldError(
                field.name,
                f"{kind}: {line['species']} stands there twice; add it up",
                "line_twice",
                species=line["species"],
            )
        found[line["species"]] = line
    return [found[species] for species in sorted(found)]


def _line(kind: str, field: VesselField, one: Any) -> dict[str, Any]:
    allowed = {"species", "kg"} | ({"discards_kg"} if field.has_discards else set())
    if not isinstance(one, Mapping) or not set(one) <= allowed:
        raise FieldError(
            field.name, f"{kind}: a line has {', '.join(sorted(allowed))}", "form_old"
        )
    species = str(one.get("species", ""))
    try:
        get_species(species)
    except MissingError as exc:
        raise FieldError(field.name, f"{kind}: {exc}", "line_species") from None
    made: dict[str, Any] = {"species": species, "kg": _kg(kind, one.get("kg"))}
    if one.get("discards_kg") not in (None, "", 0):
        made["discards_kg"] = _kg(kind, one["discards_kg"])
    if not made["kg"] and not made.get("discards_kg"):
        raise FieldError(
            field.name,
            f"{kind}: {species} has no kilograms",
            "line_no_kg",
            species=species,
        )
    return made


def _kg(kind: str, value: Any) -> float:
    kg = parsed_number(kind, "lines", "0" if value in (None, "") else str(value))
    if not 0 <= kg <= MOST_KG:
        raise FieldError(
            "lines",
            f"{kind}: {kg:g} kg is not from 0 to {MOST_KG:g} kg",
            "kg_wrong",
            kg=kg,
        )
    return round(kg, 3)


def _covers(kind: str, field: VesselField, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not value:
        raise FieldError(field.name, f"{kind}: it covers no records", "form_old")
    return {str(key): str(value[key]) for key in sorted(value)}


_CHECKS: Final[Mapping[VesselFieldType, Callable[[str, VesselField, Any], Any]]] = {
    VesselFieldType.TEXT: lambda kind, field, value: checked_text(
        kind, field, tidy(value)
    ),
    VesselFieldType.NUMBER: lambda kind, field, value: checked_number(
        kind, field, str(value)
    ),
    VesselFieldType.INSTANT: _instant,
    VesselFieldType.DAY: lambda kind, field, value: checked_day(
        kind, field, str(value)
    ),
    VesselFieldType.CHOICE: lambda kind, field, value: checked_choice(
        kind, field, str(value), CHOICES[field.list]
    ),
    VesselFieldType.LINES: _lines,
    VesselFieldType.COVERS: _covers,
}
