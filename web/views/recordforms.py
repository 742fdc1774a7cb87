"""Forms of the book: as they were filled in, where a record may be written for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from greenwater.reference.records import FieldType, Place, get_kind
from greenwater.storage.registry.naming import units_of
from traceability.book.recording import NewRecord
from traceability.book.stock import Stock
from web.ports import Services
from web.views.formats import exact, typed_number
from web.views.records import parse_local
from web.words import Lang, say

PLACES = ("crop", "unit", "site")


@dataclass(frozen=True)
class Where:
    """A place that a record may be written for: the query that says so, and its name."""

    query: str
    name: str


@dataclass(frozen=True)
class FormState:
    """A form as it was filled in, and what is wrong with it."""

    kind: str
    place: Mapping[str, str]
    values: Mapping[str, str]
    record: str
    happened: str = ""
    corrects: str = ""
    behalf: str = ""
    field: str = ""
    trouble: str = ""


def checked_place(mine: Services, asked: Mapping[str, str]) -> dict[str, str]:
    """Return a place that was asked for, if the visitor may see it.

    Raises:
        MissingError: there is no such crop, unit or site, or it is not his.
    """
    if asked.get("crop"):
        mine.seen.get_crop(asked["crop"])
    if asked.get("unit"):
        mine.seen.get_unit(asked["unit"])
    if asked.get("site"):
        mine.seen.get_site(asked["site"])
    return {name: asked.get(name, "") for name in PLACES}


def needs_place(kind: str) -> bool:
    """Return whether a record of this kind belongs to more than the organisation."""
    return get_kind(kind).place is not Place.ORGANISATION


def wheres_of(mine: Services, place: Place) -> list[Where]:
    """Return the places of a kind that the visitor may write for, by name."""
    units = units_of(mine.seen)
    if place is Place.CROP:
        return [
            Where(
                f"crop={crop.id}",
                f"{crop.name} – {units[crop.unit].name}"
                if crop.unit in units
                else crop.name,
            )
            for crop in mine.seen.crops()
            if crop.ended_ms is None
        ]
    if place is Place.UNIT:
        in_use = (one for one in units.values() if one.is_open)
        return [Where(f"unit={one.id}", one.name) for one in in_use]
    if place is Place.SITE:
        return [Where(f"site={one.id}", one.name) for one in mine.seen.sites()]
    return []


def where_words(
    mine: Services, lang: Lang, place: Mapping[str, str]
) -> tuple[str, str]:
    """Return a place's name and the page to go back to."""
    if place["crop"]:
        crop = mine.seen.get_crop(place["crop"])
        return crop.name, f"/crops/{crop.id}"
    if place["unit"]:
        return mine.seen.get_unit(place["unit"]).name, f"/units/{place['unit']}"
    if place["site"]:
        return mine.seen.get_site(place["site"]).name, "/records"
    return say(lang, "record_whole_farm"), "/records"


def meant(lang: Lang, state: FormState) -> NewRecord:
    """Return the record that a form means.

    Raises:
        FieldError: its time is none.
    """
    fields = {
        one.name: typed_number(lang, state.values[one.name])
        if one.type is FieldType.NUMBER
        else state.values[one.name]
        for one in get_kind(state.kind).fields
    }
    return NewRecord(
        id=state.record,
        kind=state.kind,
        happened_ms=parse_local(state.happened),
        fields=fields,
        crop=state.place["crop"] or None,
        unit=state.place["unit"] or None,
        site=state.place["site"] or None,
        corrects=state.corrects or None,
        behalf_of=state.behalf or None,
    )


def troubled(state: FormState, words: str, field: str = "") -> FormState:
    """Return the form with what is wrong with it."""
    return replace(state, trouble=words, field=field)


def is_field_trouble(state: FormState) -> bool:
    """Return whether what is wrong is told beside a field."""
    return state.field in {one.name for one in get_kind(state.kind).fields}


def stock_texts(lang: Lang, stocks: Sequence[Stock]) -> list[tuple[str, str]]:
    """Return what is left of each product, and what is odd about it."""
    return [
        (
            say(
                lang,
                "stock_left",
                product=one.product,
                bought=f"{exact(lang, one.bought)} {one.unit}",
                used=f"{exact(lang, one.used)} {one.unit}",
                left=f"{exact(lang, one.left)} {one.unit}",
            ),
            say(lang, "stock_negative") if one.is_negative else "",
        )
        for one in stocks
    ]
