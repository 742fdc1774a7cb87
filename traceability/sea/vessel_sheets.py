"""Sheets made of a trip's book: eCDT of a trip, EU CATCH of a consignment. Pure.

None is a submission (*không phải bản nộp*): they say what the book holds, in the order in
which the forms ask, and what is missing. Which forms are in force is to be checked
(TT 81/2025/TT-BNNMT is unread; fields: domain.md §3.4).
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from greenwater.reference.isscfg import GEAR_CODES
from greenwater.reference.vessel_rules import RULES
from greenwater.storage.registry.books import Lot, Product
from greenwater.storage.registry.vessel_books import CatchPaper
from traceability.gdst.rules import NOT_APPLICABLE
from traceability.sea.catch_evidence import CatchEvidence
from traceability.sea.trip_book import Standing
from traceability.sea.trip_case import TripView
from traceability.sea.vessel_papers import PaperState

IS_SUBMISSION: Final = False


class Form(StrEnum):
    """How a value is written for people."""

    TEXT = "text"
    INSTANT = "instant"
    DAY = "day"
    PORT = "port"
    GEAR = "gear"
    KILOGRAMS = "kilograms"
    PASSAGE = "passage"
    NUMBER = "number"


class Row(Struct, frozen=True):
    """One field; ``value`` None: it is missing."""

    key: str
    value: Any
    form: Form = Form.TEXT
    is_optional: bool = False


class Section(Struct, frozen=True):
    """Fields that belong together; ``number`` of several alike, from 1."""

    key: str
    rows: tuple[Row, ...]
    number: int | None = None


class Sheet(Struct, frozen=True):
    """A sheet; ``missing`` are its empty fields, as section and field."""

    kind: str
    about: str
    sections: tuple[Section, ...]
    missing: tuple[tuple[str, str], ...]
    is_submission: bool = IS_SUBMISSION


def _sheet(kind: str, about: str, sections: Sequence[Section]) -> Sheet:
    missing = tuple(
        (section.key, row.key)
        for section in sections
        for row in section.rows
        if row.value in (None, "", {}) and not row.is_optional
    )
    return Sheet(kind, about, tuple(sections), missing)


def ecdt_sheet(
    view: TripView, owner: str, skipper: str, receipts: Sequence[CatchPaper]
) -> Sheet:
    """Return a trip's declarations of leaving and entering port, logbook and landing."""
    sections = [
        _vessel(view, owner, skipper),
        *_notices(view),
        _trip(view),
        *_hauls(view),
        *_transshipments(view),
        *_landings(view, receipts),
    ]
    return _sheet("ecdt", view.trip, sections)


def _number(papers: Sequence[PaperState], kind: str) -> tuple[str, str | None]:
    found = next((one for one in papers if one.paper == kind), None)
    return ("", None) if found is None else (found.number, found.until_day)


def _vessel(view: TripView, owner: str, skipper: str) -> Section:
    licence, until = _number(view.papers, "licence")
    vms, _ = _number(view.papers, "vms")
    return Section(
        "vessel",
        (
            Row("registration", view.vessel.id),
            Row("vessel_name", view.vessel.name),
            Row("owner", owner),
            Row("skipper", skipper),
            Row("length_m", view.vessel.length_m, Form.NUMBER),
            Row("licence", licence),
            Row("licence_until", until, Form.DAY),
            Row("vms_number", vms, is_optional=True),
        ),
    )


def _notices(view: TripView) -> Iterator[Section]:
    for passage in ("out", "in"):
        told = [
            one.record
            for one in view.book.notices
            if one.record.fields["passage"] == passage
        ]
        newest = max(told, key=lambda one: one.happened_ms, default=None)
        fields: Mapping[str, Any] = {} if newest is None else newest.fields
        yield Section(
            f"notice_{passage}",
            (
                Row("port", fields.get("port"), Form.PORT),
                Row("planned", fields.get("planned_ms"), Form.INSTANT),
                Row(
                    "told_at",
                    None if newest is None else newest.happened_ms,
                    Form.INSTANT,
                ),
                Row("told_to", fields.get("told_to"), is_optional=True),
            ),
        )


def _trip(view: TripView) -> Section:
    fields = {} if view.book.trip is None else view.book.trip.record.fields
    return Section(
        "logbook",
        (
            Row("trip_number", fields.get("number"), is_optional=True),
            Row("departure_port", fields.get("departure_port"), Form.PORT),
            Row("departure", fields.get("departure_ms"), Form.INSTANT),
            Row("return_port", fields.get("return_port"), Form.PORT),
            Row("return", fields.get("return_ms"), Form.INSTANT),
            Row("gear", fields.get("gear"), Form.GEAR),
            Row("crew", fields.get("crew"), Form.NUMBER),
            Row("hauls", len(view.book.catches), Form.NUMBER),
            Row("total", view.book.caught, Form.KILOGRAMS),
        ),
    )


def _hauls(view: TripView) -> Iterator[Section]:
    found = {} if view.found is None else {one.id: one for one in view.found.hauls}
    for number, one in enumerate(view.book.catches, 1):
        fields = one.record.fields
        haul = found.get(str(fields.get("haul", "")))
        set_at = haul.set_at if haul is not None else None
        worked_at = haul.began_at if haul is not None else _place(fields)
        set_ms = fields.get("set_ms") or (None if haul is None else haul.set_ms)
        yield Section(
            "haul",
            (
                Row("set_at", set_ms, Form.INSTANT, is_optional=True),
                Row("set_place", _degrees(set_at), is_optional=True),
                Row("hauled_at", one.record.happened_ms, Form.INSTANT),
                Row("hauled_place", _degrees(worked_at)),
                Row("catch", one.kilograms, Form.KILOGRAMS),
                Row("discards", _discards(fields), Form.KILOGRAMS, is_optional=True),
            ),
            number,
        )


def _place(fields: Mapping[str, Any]) -> tuple[float, float] | None:
    if "latitude" not in fields:
        return None
    return fields["latitude"], fields["longitude"]


def _degrees(at: tuple[float, float] | None) -> str | None:
    return None if at is None else f"{at[0]:.4f}, {at[1]:.4f}"


def _discards(fields: Mapping[str, Any]) -> dict[str, float]:
    lines: Sequence[Mapping[str, Any]] = fields.get("lines", ())
    return {
        line["species"]: line["discards_kg"]
        for line in lines
        if line.get("discards_kg")
    }


def _transshipments(view: TripView) -> Iterator[Section]:
    for number, one in enumerate(view.book.transshipments, 1):
        fields = one.record.fields
        yield Section(
            "transshipment",
            (
                Row("direction", fields["direction"], Form.PASSAGE),
                Row("other_vessel", fields["other_vessel"]),
                Row("other_licence", fields.get("other_licence")),
                Row("at", one.record.happened_ms, Form.INSTANT),
                Row("place", _degrees(_place(fields))),
                Row("catch", one.kilograms, Form.KILOGRAMS),
            ),
            number,
        )


def _landings(view: TripView, receipts: Sequence[CatchPaper]) -> Iterator[Section]:
    for number, one in enumerate(view.book.landings, 1):
        ours = [paper for paper in receipts if paper.landing == one.root]
        yield _landing(one, ours, number)


def _landing(one: Standing, receipts: Sequence[CatchPaper], number: int) -> Section:
    fields = one.record.fields
    return Section(
        "landing",
        (
            Row("port", fields["port"], Form.PORT),
            Row("at", one.record.happened_ms, Form.INSTANT),
            Row("receiver", fields["receiver"]),
            Row("weighed_by", fields.get("weighed_by"), is_optional=True),
            Row("weighed", one.kilograms, Form.KILOGRAMS),
            Row("receipts", ", ".join(paper.number for paper in receipts)),
        ),
        number,
    )


def catch_sheet(
    lot: Lot,
    product: Product,
    evidence: CatchEvidence,
    *,
    owner: str,
    papers: Sequence[CatchPaper],
) -> Sheet:
    """Return what EU CATCH asks of a consignment, as far as the book knows it.

    Small Vietnamese boats have no IMO number: said to be not applicable, not made up.
    """
    certificates = [one.number for one in papers if one.kind == "cc"]
    sections = [
        Section(
            "document",
            (
                Row("document_number", ", ".join(certificates)),
                Row("authority", None),
                Row("exporter", owner),
                Row("importer", None),
                Row("transport", None),
            ),
        ),
        _caught_by(evidence),
        _fishing(evidence),
        _goods(lot, product, evidence),
    ]
    return _sheet("catch", lot.code, sections)


def _caught_by(evidence: CatchEvidence) -> Section:
    licence, until = _number(evidence.papers, "licence")
    return Section(
        "vessel",
        (
            Row("vessel_name", evidence.vessel),
            Row("registration", evidence.registration),
            Row("flag", RULES.flag),
            Row("home_port", None),
            Row("call_sign", None),
            Row("imo", NOT_APPLICABLE),
            Row("length_m", evidence.length_m, Form.NUMBER),
            Row("licence", licence),
            Row("licence_until", until, Form.DAY),
            Row("contact", None),
        ),
    )


def _fishing(evidence: CatchEvidence) -> Section:
    gear = evidence.gear if evidence.gear in GEAR_CODES else None
    return Section(
        "fishing",
        (
            Row("catch_from", evidence.departure_ms, Form.INSTANT),
            Row("catch_to", evidence.return_ms, Form.INSTANT),
            Row("gear", gear, Form.GEAR),
            Row("catch_area", f"FAO {evidence.fao_area}"),
            Row("coordinates", _square(evidence)),
            Row("transshipped", "yes" if evidence.transshipped else "no"),
        ),
    )


def _goods(lot: Lot, product: Product, evidence: CatchEvidence) -> Section:
    return Section(
        "goods",
        (
            Row("description", product.name_en or product.name_vi),
            Row("species", product.species),
            Row("product_code", None),
            Row("live_weight", None),
            Row("landed_weight", {product.species: lot.kg}, Form.KILOGRAMS),
            Row("landing_port", evidence.landing_port, Form.PORT),
            Row("landing_at", evidence.landing_ms, Form.INSTANT),
            Row("measures", None),
        ),
    )


def _square(evidence: CatchEvidence) -> str | None:
    if evidence.square is None:
        return None
    south, west, side = evidence.square
    return f"{south:g}–{south + side:g}° N, {west:g}–{west + side:g}° E"
