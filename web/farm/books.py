"""One crop's book: its entries, the gate in words, what it took to grow it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import InputError
from greenwater.reference.records import Place
from greenwater.storage.registry.books import Crop, Record
from greenwater.storage.registry.overrides import Override
from traceability.book.gate import crop_subject
from traceability.book.green import (
    GreenFigures,
    aerator_hours,
    figures_of_crop,
)
from traceability.corrections import families, in_force
from traceability.gate.harvest import GateRefusedError
from traceability.gate.overriding import LIFTABLE, Asked, Overriding
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import day, moment
from web.views.green import figure_views
from web.views.records import (
    kind_groups,
    record_view,
    replaced,
    writers_of,
)
from web.views.refused import refusal_texts, refused
from web.words import say


@dataclass(frozen=True)
class OverrideView:
    """An override of the gate that was asked for."""

    id: str
    what: str
    reason: str
    by: str
    second: str
    may_agree: bool


class BookPages:
    """The book of a crop."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._books = services.books
        self._overriding = Overriding(services.registry, services.clock)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/crops/{crop}", response_class=HTMLResponse)(self.crop_page)
        routes.post("/crops/{crop}/end")(self.end_crop)
        routes.post("/crops/{crop}/lots")(self.make_lot)
        routes.post("/crops/{crop}/overrides")(self.ask_override)
        routes.post("/crops/{crop}/overrides/{override}")(self.agree)
        return routes

    def crop_page(self, request: Request, crop: str) -> HTMLResponse:
        """One crop: its book, and whether a label could be issued."""
        return self._crop_page(request, crop)

    def _crop_page(
        self, request: Request, crop: str, trouble: str = ""
    ) -> HTMLResponse:
        mine, lang = self._doors.mine(request), lang_of(request)
        found = mine.seen.get_crop(crop)
        everything = mine.seen.records(crop=crop)
        lots = mine.seen.lots(crop=crop)
        waiting = _without_lot(everything, {one.harvest or "" for one in lots})
        held = self._books.withheld(crop)
        asked = waiting[-1].id if waiting else None
        # Where every harvest has its lot, that there is none to sell is no fault.
        refusals = [
            one
            for one in self._books.gate(found, harvest=asked)
            if not lots or one.code != "no_harvest"
        ]
        gone = replaced(everything)
        names = self._services.registry.names(writers_of(everything))
        return self._render.page(
            request,
            "crop.html",
            status=422 if trouble else 200,
            trouble=trouble,
            may_act=self._doors.may_act(request),
            crop=found,
            unit=mine.seen.get_unit(found.unit),
            records=[
                record_view(lang, one, self._services.now_ms(), names, gone)
                for one in reversed(everything)
            ],
            withheld="" if held is None else day(held.until_ms),
            refusals=refusal_texts(lang, refusals),
            liftable=[one.code for one in refusals if one.code in LIFTABLE],
            overrides=self._override_views(request, found),
            harvest=asked,
            lots=lots,
            groups=kind_groups(lang, (Place.CROP, Place.UNIT, Place.SITE)),
            started=day(found.started_ms),
            ended="" if found.ended_ms is None else day(found.ended_ms),
            green=figure_views(lang, self._green(found)),
        )

    def _green(self, crop: Crop) -> GreenFigures:
        registry = self._services.registry
        ran = aerator_hours(
            registry,
            self._services.telemetry,
            crop.unit,
            crop.started_ms,
            crop.ended_ms or self._services.now_ms(),
        )
        return figures_of_crop(registry, crop, ran)

    def _override_views(self, request: Request, crop: Crop) -> list[OverrideView]:
        mine, lang = self._doors.mine(request), lang_of(request)
        names, now_ms = self._services.registry.names(), self._services.now_ms()
        visitor = self._doors.known(request)

        def view(one: Override) -> OverrideView:
            return OverrideView(
                one.id,
                say(lang, f"crop_lift_{one.code}"),
                one.reason,
                say(
                    lang,
                    "crop_override_by",
                    name=names.get(one.person, one.person),
                    time=moment(lang, one.at_ms, now_ms),
                ),
                ""
                if one.second is None
                else say(
                    lang,
                    "crop_override_second",
                    name=names.get(one.second, one.second),
                    time=moment(lang, one.agreed_ms or one.at_ms, now_ms),
                ),
                one.second is None
                and visitor.keeps_books
                and visitor.person not in (None, one.person),
            )

        return [view(one) for one in mine.seen.overrides(subject=crop_subject(crop.id))]

    def end_crop(
        self, request: Request, crop: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """End a crop: its pond is free for the next one, its book stays open for proofs."""
        self._doors.check_form(request, csrf)
        person, mine = self._doors.writer(request), self._doors.mine(request)
        mine.seen.get_crop(crop)
        try:
            self._books.end_crop(person, crop)
        except InputError as exc:
            return self._crop_page(request, crop, refused(lang_of(request), exc))
        return RedirectResponse(f"/crops/{crop}", 303)

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

    def ask_override(
        self,
        request: Request,
        crop: str,
        csrf: Annotated[str, Form()],
        reason: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
    ) -> Response:
        """Ask that a refusal be lifted; a second person has to agree."""
        self._doors.check_form(request, csrf)
        person, mine = self._doors.writer(request), self._doors.mine(request)
        found = mine.seen.get_crop(crop)
        asked = Asked(
            id=str(uuid.uuid4()),
            organisation=found.organisation,
            subject=crop_subject(crop),
            code=code,
            reason=reason,
        )
        try:
            self._overriding.ask(person, asked)
        except InputError:
            return self._crop_page(
                request, crop, say(lang_of(request), "crop_override_needs_reason")
            )
        return RedirectResponse(f"/crops/{crop}#gate", 303)

    def agree(
        self,
        request: Request,
        crop: str,
        override: str,
        csrf: Annotated[str, Form()],
    ) -> Response:
        """Agree as the second person to what another one asked for."""
        self._doors.check_form(request, csrf)
        person, mine = self._doors.writer(request), self._doors.mine(request)
        mine.seen.get_crop(crop)
        mine.seen.get_override(override)
        self._overriding.agree(person, override, agreement=str(uuid.uuid4()))
        return RedirectResponse(f"/crops/{crop}#gate", 303)


def _without_lot(records: Sequence[Record], harvests: set[str]) -> list[Record]:
    """Return the harvests that count and have no lot, in any of their versions."""
    had = {
        one.chosen.id
        for one in families(records)
        if any(member.id in harvests for member in one.members)
    }
    return [
        one for one in in_force(records) if one.kind == "harvest" and one.id not in had
    ]
