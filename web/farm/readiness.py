"""How ready a crop is for VietGAP, calibrations, and the way to an application."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import day_of, milliseconds
from greenwater.reference.procedures import procedures_on
from greenwater.storage.registry import random_id
from greenwater.storage.registry.books import Crop
from traceability.book.evidence import Evidence
from traceability.book.water import evidence_of
from traceability.records import FieldError
from traceability.vietgap.applications import Applications
from traceability.vietgap.certifying import Certifying
from traceability.vietgap.crop_readiness import end_of, readiness_of
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.evidence import evidence_views
from web.views.formats import day, form_time
from web.views.readiness import readiness_view
from web.views.records import parse_local
from web.views.refused import wrong
from web.words import Lang, say

MOST_KEPT: Final = 64


@dataclass(frozen=True)
class ProcedureView:
    """A procedure that may be applied for here, and the offices to choose from."""

    id: str
    name: str
    terms: str
    offices: Sequence[tuple[str, str]]


class Waters:
    """The evidence of crops' water until the last midnight, kept: a season is long to
    look through (2 s for 160 000 readings). What is submitted is looked through anew."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept: dict[tuple[str, int], Evidence] = {}

    def of(self, crop: Crop, now_ms: int) -> Evidence:
        """Return how the water of a crop was until midnight, or its end before that."""
        midnight = datetime.combine(day_of(now_ms), time(), VIETNAM)
        until_ms = end_of(crop, milliseconds(midnight))
        if until_ms <= crop.started_ms:
            until_ms = end_of(crop, now_ms)
        key = (crop.id, until_ms)
        found = self._kept.get(key)
        if found is None:
            found = evidence_of(
                self._services.registry, self._services.telemetry, crop, until_ms
            )
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found


class ReadinessPages:
    """The readiness of a crop."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._waters = Waters(services)
        self._certifying = Certifying(services.registry, services.clock)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/crops/{crop}/readiness", response_class=HTMLResponse)(self.page)
        routes.post("/crops/{crop}/calibrations")(self.calibrate)
        routes.post("/crops/{crop}/dossiers")(self.begin)
        return routes

    def page(self, request: Request, crop: str) -> HTMLResponse:
        """What VietGAP asks for, what is there, what is missing and where to cure it."""
        return self._page(request, self._doors.mine(request).seen.get_crop(crop), "")

    def _page(self, request: Request, crop: Crop, trouble: str) -> HTMLResponse:
        lang, now_ms = lang_of(request), self._services.now_ms()
        evidence = self._waters.of(crop, now_ms)
        report = readiness_of(
            self._services.registry, self._services.telemetry, crop, now_ms, evidence
        )
        return self._render.page(
            request,
            "readiness.html",
            status=422 if trouble else 200,
            now_ms=now_ms,
            is_simulated=report.is_simulated or self._services.is_demo,
            crop=crop,
            view=readiness_view(lang, report),
            evidence=evidence_views(lang, report.evidence),
            until=day(evidence.to_ms),
            may_act=self._doors.may_act(request),
            procedures=self._procedures(lang, now_ms),
            trouble=trouble,
            today=form_time(now_ms),
        )

    def _procedures(self, lang: Lang, now_ms: int) -> list[ProcedureView]:
        found = []
        for one in procedures_on(day_of(now_ms)):
            offices = self._services.registry.offices(task=one.decided_by)
            if not offices:
                continue
            is_vi = lang is Lang.VI
            terms = say(
                lang,
                "procedure_terms",
                days=one.working_days,
                instrument=one.instrument,
                authority=one.authority_vi if is_vi else one.authority_en,
            )
            named = [(office.organisation, office.name) for office in offices]
            name = lang.of(one)
            found.append(ProcedureView(one.id, name, terms, named))
        return found

    def calibrate(
        self,
        request: Request,
        crop: str,
        csrf: Annotated[str, Form()],
        probe: Annotated[str, Form(max_length=140)] = "",
        happened: Annotated[str, Form(max_length=40)] = "",
        reference: Annotated[str, Form(max_length=300)] = "",
    ) -> Response:
        """Keep that a probe was calibrated; what is wrong comes back with the page."""
        self._doors.check_form(request, csrf)
        mine = self._doors.mine(request)
        found, person = mine.seen.get_crop(crop), self._doors.writer(request)
        device, _, name = probe.partition("/")
        try:
            self._certifying.calibrate(
                person,
                device=device,
                probe=name,
                at_ms=parse_local(happened),
                reference=reference,
            )
        except FieldError as exc:
            return self._page(request, found, wrong(lang_of(request), exc))
        return RedirectResponse(f"/crops/{crop}/readiness#calibrations", 303)

    def begin(
        self,
        request: Request,
        crop: str,
        csrf: Annotated[str, Form()],
        procedure: Annotated[str, Form(max_length=60)] = "",
        office: Annotated[str, Form(max_length=80)] = "",
    ) -> Response:
        """Begin an application; its page says what is sent and has the button to send."""
        self._doors.check_form(request, csrf)
        mine = self._doors.mine(request)
        found, person = mine.seen.get_crop(crop), self._doors.writer(request)
        applications = Applications(
            self._services.registry,
            self._services.telemetry,
            self._services.signer,
            self._services.clock,
            random_id,
        )
        try:
            made = applications.begin(
                person, crop=crop, procedure=procedure, decider=office
            )
        except InputError as exc:
            return self._page(request, found, wrong(lang_of(request), exc))
        return RedirectResponse(f"/dossiers/{made.id}", 303)
