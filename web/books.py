"""The farmer's book: crops, records, the gate in words."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import milliseconds
from greenwater.reference.records import KINDS, Field, FieldType, get_kind
from greenwater.reference.species import get_species
from greenwater.storage.registry.books import Crop, Record
from traceability.books import BACK_DATED_MS, Books, NewRecord
from traceability.gate import GateRefusedError, Refusal
from traceability.records import FieldError
from traceability.withdrawal import in_force
from web.doors import Doors
from web.formats import day, exact, local, moment, typed_number
from web.pages import Renderer, lang_of
from web.ports import Services
from web.words import WORDS, Lang, say


@dataclass(frozen=True)
class FieldView:
    """One field of a form."""

    name: str
    label: str
    unit: str
    is_number: bool
    is_required: bool
    value: str
    trouble: str


@dataclass(frozen=True)
class RecordView:
    """One entry; ``text`` is its fields in a line."""

    id: str
    kind: str
    name: str
    text: str
    happened: str
    entered: str
    by: str
    is_back_dated: bool
    is_corrected: bool
    is_hand: bool


@dataclass(frozen=True)
class CropView:
    """One crop with what stands in its way to a label."""

    id: str
    name: str
    unit: str
    species: str
    since: str
    is_open: bool
    href: str


def record_view(
    lang: Lang,
    record: Record,
    now_ms: int,
    names: Mapping[str, str],
    corrected: frozenset[str],
) -> RecordView:
    """Return an entry as the book shows it: when it happened, and when it was entered."""
    parts = []
    for field in get_kind(record.kind).fields:
        value = record.fields.get(field.name)
        if value is not None:
            parts.append(
                f"{say(lang, f'field_{field.name}')}: {shown(lang, field, value)}"
            )
    return RecordView(
        record.id,
        record.kind,
        say(lang, f"record_{record.kind}"),
        " · ".join(parts),
        moment(lang, record.happened_ms, now_ms),
        moment(lang, record.entered_ms, now_ms),
        names.get(record.entered_by, record.entered_by),
        record.entered_ms - record.happened_ms > BACK_DATED_MS,
        record.id in corrected,
        record.source == "hand",
    )


def shown(lang: Lang, field: Field, value: Any) -> str:
    """Return a field's value with its unit."""
    if field.type is FieldType.TEXT:
        return str(value)
    text = exact(lang, float(value))
    unit = (
        say(lang, f"unit_{field.unit}")
        if f"unit_{field.unit}" in WORDS[lang]
        else field.unit
    )
    return f"{text} {unit}".strip()


def refusal_texts(lang: Lang, refusals: Sequence[Refusal]) -> list[tuple[str, str]]:
    """Return the gate's refusals in words, each with the page that cures it."""
    found = []
    for one in refusals:
        facts = dict(one.facts)
        if "until_ms" in facts:
            facts["until"] = day(int(facts["until_ms"]))
        for name, value in facts.items():
            if name == "kg" or name.endswith("_kg"):
                facts[name] = exact(lang, float(value))
        if "species" in facts:
            species = get_species(str(facts["species"]))
            facts["species"] = species.vi if lang is Lang.VI else species.en
        found.append((say(lang, f"gate_{one.code}", **facts), one.cure))
    return found


def parse_local(text: str) -> int:
    """Return what a form's date and time field says, in ms since 1970.

    Raises:
        FieldError: it says none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise FieldError("happened", f"{text!r} is no date and time") from None
    return milliseconds(at.replace(tzinfo=at.tzinfo or VIETNAM))


class BookPages:
    """The book of a farm."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services = services
        self._render = render
        self._doors = doors
        self._books = Books(services.registry, services.telemetry, services.clock)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/records", response_class=HTMLResponse)(self.records_page)
        routes.get("/crops/{crop}", response_class=HTMLResponse)(self.crop_page)
        routes.get("/records/new", response_class=HTMLResponse)(self.new_page)
        routes.post("/records")(self.enter)
        routes.post("/crops/{crop}/lots")(self.make_lot)
        return routes

    def _now_ms(self) -> int:
        return milliseconds(self._services.clock.now())

    def records_page(self, request: Request) -> HTMLResponse:
        """Every crop, and what was entered last."""
        mine, lang = self._doors.mine(request), lang_of(request)
        units = {unit.id: unit.name for unit in mine.seen.units()}
        crops = [
            CropView(
                crop.id,
                crop.name,
                units.get(crop.unit, crop.unit),
                crop.species,
                day(crop.started_ms),
                crop.ended_ms is None,
                f"/crops/{crop.id}",
            )
            for crop in mine.seen.crops()
        ]
        everything = mine.seen.records()
        corrected = frozenset(one.corrects for one in everything if one.corrects)
        newest = sorted(everything, key=lambda one: one.entered_ms, reverse=True)[:20]
        return self._render.page(
            request,
            "records.html",
            may_act=self._doors.may_act(request),
            now_ms=self._now_ms(),
            is_simulated=self._services.is_demo,
            crops=crops,
            records=[
                record_view(
                    lang,
                    one,
                    self._now_ms(),
                    self._services.registry.names(),
                    corrected,
                )
                for one in newest
            ],
        )

    def crop_page(self, request: Request, crop: str) -> HTMLResponse:
        """One crop: its book, and whether a label could be issued."""
        mine, lang = self._doors.mine(request), lang_of(request)
        found = mine.seen.get_crop(crop)
        everything = mine.seen.records(crop=crop)
        corrected = frozenset(one.corrects for one in everything if one.corrects)
        made = {lot.harvest: lot for lot in mine.seen.lots(crop=crop)}
        book = in_force(everything)
        waiting = [one for one in book if one.kind == "harvest" and one.id not in made]
        held = self._books.withheld(crop)
        asked = waiting[-1].id if waiting else None
        # Where every harvest has its lot, that there is none to sell is no fault.
        refusals = [
            one
            for one in self._books.gate(found, harvest=asked)
            if not made or one.code != "no_harvest"
        ]
        return self._render.page(
            request,
            "crop.html",
            now_ms=self._now_ms(),
            is_simulated=self._services.is_demo,
            crop=found,
            unit=mine.seen.get_unit(found.unit),
            records=[
                record_view(
                    lang,
                    one,
                    self._now_ms(),
                    self._services.registry.names(),
                    corrected,
                )
                for one in reversed(everything)
            ],
            withheld="" if held is None else day(held.until_ms),
            refusals=refusal_texts(lang, refusals),
            harvest=asked,
            lots=list(made.values()),
            kinds=_kinds(lang),
            started=day(found.started_ms),
        )

    def new_page(self, request: Request, crop: str, kind: str) -> HTMLResponse:
        """A form for one kind of record."""
        mine = self._doors.mine(request)
        found = mine.seen.get_crop(crop)
        return self._form(request, found, kind, {}, str(uuid.uuid4()), "", "")

    def _form(
        self,
        request: Request,
        crop: Crop,
        kind: str,
        values: Mapping[str, str],
        record: str,
        field: str,
        trouble: str,
        *,
        happened: str = "",
    ) -> HTMLResponse:
        lang = lang_of(request)
        return self._render.page(
            request,
            "record.html",
            status=422 if trouble else 200,
            now_ms=self._now_ms(),
            is_simulated=self._services.is_demo,
            crop=crop,
            kind=kind,
            kind_name=say(lang, f"record_{kind}"),
            record=record,
            happened=happened or local(self._now_ms()).strftime("%Y-%m-%dT%H:%M"),
            trouble=trouble if field in ("", "happened") else "",
            fields=[
                FieldView(
                    one.name,
                    say(lang, f"field_{one.name}"),
                    one.unit,
                    one.type is FieldType.NUMBER,
                    one.is_required,
                    values.get(one.name, ""),
                    trouble if one.name == field else "",
                )
                for one in get_kind(kind).fields
            ],
        )

    async def enter(self, request: Request) -> Response:
        """Enter a record; typed wrong, the form comes back with what was typed."""
        form = {key: str(value) for key, value in (await request.form()).items()}
        return await run_in_threadpool(self._enter, request, form)

    def _enter(self, request: Request, form: Mapping[str, str]) -> Response:
        self._doors.check_form(request, form.get("csrf", ""))
        person, mine = self._doors.writer(request), self._doors.mine(request)
        crop = mine.seen.get_crop(form.get("crop", ""))
        kind = form.get("kind", "")
        fields = {
            one.name: form.get(f"f_{one.name}", "") for one in get_kind(kind).fields
        }
        meant = {
            one.name: typed_number(lang_of(request), fields[one.name])
            if one.type is FieldType.NUMBER
            else fields[one.name]
            for one in get_kind(kind).fields
        }
        try:
            self._books.record(
                person,
                NewRecord(
                    id=form.get("id", ""),
                    crop=crop.id,
                    kind=kind,
                    happened_ms=parse_local(form.get("happened", "")),
                    fields=meant,
                    corrects=form.get("corrects") or None,
                ),
            )
        except FieldError as exc:
            words = _said(lang_of(request), exc, fields.get(exc.field, ""))
            return self._form(
                request, crop, kind, fields, form.get("id", ""), exc.field, words,
                happened=form.get("happened", ""),
            )  # fmt: skip
        except InputError as exc:
            return self._form(
                request, crop, kind, fields, form.get("id", ""), "", str(exc),
                happened=form.get("happened", ""),
            )  # fmt: skip
        return RedirectResponse(f"/crops/{crop.id}", 303)

    def make_lot(
        self,
        request: Request,
        crop: str,
        harvest: Annotated[str, Form()],
        csrf: Annotated[str, Form()],
    ) -> Response:
        """Make the lot of a harvest; refused, the crop's page says why."""
        self._doors.check_form(request, csrf)
        person, mine = self._doors.writer(request), self._doors.mine(request)
        mine.seen.get_crop(crop)
        try:
            lot = self._books.make_lot(person, harvest=harvest)
        except GateRefusedError:
            return RedirectResponse(f"/crops/{crop}#gate", 303)
        return RedirectResponse(f"/lots/{lot.id}", 303)


def _kinds(lang: Lang) -> list[tuple[str, str]]:
    return [(kind, say(lang, f"record_{kind}")) for kind in KINDS]


def _said(lang: Lang, error: FieldError, typed: str) -> str:
    """Return a field's trouble in the page's words, with what to do."""
    name = (
        say(lang, f"field_{error.field}")
        if error.field != "happened"
        else say(lang, "happened_at")
    )
    key = "field_missing" if not typed.strip() else "field_wrong"
    return say(lang, key, name=name, typed=typed)
