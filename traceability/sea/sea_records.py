"""Checking what is entered in a vessel's book: pure."""

import datetime as dt
import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from greenwater.kernel.errors import InputError, MissingError
from greenwater.reference.species import get_species
from greenwater.reference.vessel_records import (
    CHOICES,
    VesselField,
    VesselFieldType,
    get_vessel_kind,
)
from traceability.records import MAX_TEXT, FieldError

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
    odd = sorted(set(fields) - set(known))
    if odd:
        raise InputError(
            f"a record {kind} has no field {odd[0]!r}: {', '.join(known)}", "form_old"
        )
    kept = {}
    for name, field in known.items():
        value = fields.get(name)
        if value is not None and value not in ("", [], {}):
            kept[name] = _CHECKS[field.type](kind, field, value)
        elif field.is_required:
            raise FieldError(
                name, f"{kind}: {name} is missing; enter it", "field_empty", field=name
            )
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


def _text(kind: str, field: VesselField, value: Any) -> str:
    text = unicodedata.normalize("NFC", str(value)).strip()
    if not text or len(text) > MAX_TEXT or any(ord(one) < 32 for one in text):
        raise FieldError(
            field.name,
            f"{kind}: {field.name} is empty, longer than {MAX_TEXT} characters, or has "
            "control characters in it",
            "field_long",
            field=field.name,
            most=MAX_TEXT,
        )
    return text


def _number(kind: str, field: VesselField, value: Any) -> float:
    low = -math.inf if field.minimum is None else field.minimum
    high = math.inf if field.maximum is None else field.maximum
    number = _float(kind, field.name, value)
    if not low <= number <= high:
        raise FieldError(
            field.name,
            f"{kind}: {field.name} {number:g} is not from {low:g} to {high:g} "
            f"{field.unit}".rstrip(),
            "field_range",
            field=field.name,
            low=low,
            high=high,
            unit=field.unit,
        )
    if field.is_whole and number != int(number):
        raise FieldError(
            field.name,
            f"{kind}: {field.name} {number:g} is no whole number",
            "field_whole",
            field=field.name,
        )
    return int(number) if number == int(number) else number


def _float(kind: str, name: str, value: Any) -> float:
    try:
        number = float(str(value).replace(" ", "").replace(",", "."))
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise FieldError(
            name,
            f"{kind}: {name} {str(value)[:40]!r} is not a number",
            "field_number",
            field=name,
            typed=str(value)[:40],
        )
    return number


def _instant(kind: str, field: VesselField, value: Any) -> int:
    number = _float(kind, field.name, value)
    if not _EARLIEST_MS <= number <= _LATEST_MS:
        raise FieldError(
            field.name,
            f"{kind}: {field.name} is no possible time",
            "field_time",
            field=field.name,
        )
    return int(number)


def _day(kind: str, field: VesselField, value: Any) -> str:
    try:
        return dt.date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise FieldError(
            field.name,
            f"{kind}: {field.name} {str(value)[:40]!r} is no day",
            "field_day",
            field=field.name,
        ) from None


def _choice(kind: str, field: VesselField, value: Any) -> str:
    if value not in CHOICES[field.list]:
        raise FieldError(
            field.name,
            f"{kind}: {field.name} {str(value)[:40]!r} is not one of "
            f"{', '.join(CHOICES[field.list])}",
            "field_choice",
            field=field.name,
        )
    return str(value)


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
    kg = _float(kind, "lines", 0 if value in (None, "") else value)
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
    VesselFieldType.TEXT: _text,
    VesselFieldType.NUMBER: _number,
    VesselFieldType.INSTANT: _instant,
    VesselFieldType.DAY: _day,
    VesselFieldType.CHOICE: _choice,
    VesselFieldType.LINES: _lines,
    VesselFieldType.COVERS: _covers,
}
