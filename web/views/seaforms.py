"""Forms of a vessel's book: fields as they are shown, and as they were meant."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import milliseconds
from greenwater.reference.species import SPECIES
from greenwater.reference.vessel_records import (
    CHOICES,
    VesselField,
    VesselFieldType,
    get_vessel_kind,
)
from traceability.records import FieldError
from web.views.formats import (
    form_degrees,
    form_number,
    form_time,
    typed_degrees,
    typed_number,
    unit_words,
)
from web.views.seawords import DEGREES, choice_name, species_name
from web.words import Lang, say

ROWS: Final = 6
"""Species that fit into a form, but for a correction of more."""

SEA_SPECIES: Final = tuple(
    code
    for code, _ in sorted(SPECIES.items(), key=lambda pair: pair[1].vi)
    if code not in ("PNV", "GIT", "KQE", "OYG", "YJA")
)
"""What is caught; what is only ever farmed is left out."""

_LINE: Final = re.compile(r"(species|kg|discards)_\d{1,3}")
_INPUTS: Final[Mapping[VesselFieldType, str]] = {
    VesselFieldType.INSTANT: "datetime-local",
    VesselFieldType.DAY: "date",
}


@dataclass(frozen=True)
class LineView:
    """One row of species and kilograms as it was typed."""

    number: int
    species: str = ""
    kg: str = ""
    discards: str = ""


@dataclass(frozen=True)
class SeaFieldView:
    """One field of a form; ``kind`` is what HTML makes of it, ``rows`` are in sight."""

    name: str
    label: str
    kind: str
    unit: str
    value: str
    is_required: bool
    trouble: str
    options: Sequence[tuple[str, str]] = ()
    lines: Sequence[LineView] = ()
    rows: int = 2
    has_discards: bool = False


@dataclass(frozen=True)
class SeaForm:
    """A form as it was filled in, and what is wrong with it."""

    kind: str
    trip: str
    record: str
    happened: str
    values: Mapping[str, str] = field(default_factory=dict)
    behalf: str = ""
    corrects: str = ""
    field: str = ""
    trouble: str = ""


def sea_field_views(lang: Lang, form: SeaForm) -> list[SeaFieldView]:
    """Return the fields of a kind's form."""
    return [_view(lang, one, form) for one in get_vessel_kind(form.kind).fields]


def _view(lang: Lang, one: VesselField, form: SeaForm) -> SeaFieldView:
    options: list[tuple[str, str]] = []
    if one.type is VesselFieldType.CHOICE:
        options = [
            (value, choice_name(lang, one.list, value)) for value in CHOICES[one.list]
        ]
    lines: list[LineView] = []
    if one.type is VesselFieldType.LINES:
        options = [(code, species_name(lang, code)) for code in SEA_SPECIES]
        lines = [
            LineView(
                number,
                form.values.get(f"species_{number}", ""),
                form.values.get(f"kg_{number}", ""),
                form.values.get(f"discards_{number}", ""),
            )
            for number in range(1, max(ROWS, _last_line(form.values)) + 1)
        ]
    is_degrees = one.name in DEGREES
    return SeaFieldView(
        one.name,
        say(lang, f"sea_field_{one.name}"),
        "degrees"
        if is_degrees
        else "select"
        if options and not lines
        else one.type.value,
        say(lang, f"sea_like_{one.name}") if is_degrees else unit_words(lang, one.unit),
        form.values.get(one.name, ""),
        one.is_required,
        form.trouble if form.field == one.name else "",
        options,
        lines,
        max(2, _last_line(form.values)),
        one.has_discards,
    )


def _last_line(values: Mapping[str, str]) -> int:
    """Return the number of the last row in which something stands."""
    filled = (name for name, text in values.items() if text and _LINE.fullmatch(name))
    return max((int(name.rpartition("_")[2]) for name in filled), default=0)


def input_type(kind: str) -> str:
    """Return HTML's type of an input for a field."""
    return {one.value: told for one, told in _INPUTS.items()}.get(kind, "text")


def meant_fields(lang: Lang, kind: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form says, as the book takes it.

    Raises:
        FieldError: a time or a weight is none.
    """
    found: dict[str, Any] = {}
    for one in get_vessel_kind(kind).fields:
        text = form.get(f"f_{one.name}", "").strip()
        if one.type is VesselFieldType.LINES:
            found[one.name] = _lines(lang, form)
        elif not text:
            continue
        elif one.type is VesselFieldType.INSTANT:
            found[one.name] = local_ms(one.name, text)
        elif one.name in DEGREES:
            found[one.name] = typed_degrees(text)
        elif one.type is VesselFieldType.NUMBER:
            found[one.name] = typed_number(lang, text)
        else:
            found[one.name] = text
    return found


def local_ms(name: str, text: str) -> int:
    """Return what a date and time field says, in ms since 1970.

    Raises:
        FieldError: it says none.
    """
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise FieldError(
            name, f"{text[:40]!r} is no date and time", "time_wrong"
        ) from None
    return milliseconds(at.replace(tzinfo=at.tzinfo or VIETNAM))


def _lines(lang: Lang, form: Mapping[str, str]) -> list[dict[str, str]]:
    found = []
    for number in range(1, _last_line(typed_values(form)) + 1):
        typed = {
            name: form.get(f"f_{name}_{number}", "").strip()
            for name in ("species", "kg", "discards")
        }
        if not any(typed.values()):
            continue
        line = {"species": typed["species"], "kg": typed_number(lang, typed["kg"])}
        if typed["discards"]:
            line["discards_kg"] = typed_number(lang, typed["discards"])
        found.append(line)
    return found


def typed_values(form: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, to be shown again."""
    return {key[2:]: value for key, value in form.items() if key.startswith("f_")}


def values_of(lang: Lang, kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Return a record's fields as its form shows them, for a correction.

    Whoever sends the form as it is sends the same values.
    """
    found: dict[str, str] = {}
    for one in get_vessel_kind(kind).fields:
        value = fields.get(one.name)
        if value is None:
            continue
        if one.type is VesselFieldType.LINES:
            found |= _values_of_lines(lang, value)
        else:
            found[one.name] = _value_of(lang, one, value)
    return found


def _value_of(lang: Lang, one: VesselField, value: Any) -> str:
    if one.type is VesselFieldType.INSTANT:
        return form_time(value)
    if one.name in DEGREES:
        return form_degrees(lang, value)
    return (
        form_number(lang, value) if one.type is VesselFieldType.NUMBER else str(value)
    )


def _values_of_lines(lang: Lang, lines: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found = {}
    for number, line in enumerate(lines, 1):
        found[f"species_{number}"] = line["species"]
        found[f"kg_{number}"] = form_number(lang, line["kg"])
        if line.get("discards_kg"):
            found[f"discards_{number}"] = form_number(lang, line["discards_kg"])
    return found


def weight(lang: Lang, text: str) -> float:
    """Return kilograms as they were typed.

    Raises:
        InputError: that is no weight.
    """
    try:
        return float(typed_number(lang, text))
    except ValueError:
        raise InputError(
            f"{text[:40]!r} is no weight in kg, such as 12,5", "kg_number"
        ) from None
