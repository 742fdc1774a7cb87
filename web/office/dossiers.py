"""Dossiers: the applicant's, the queue of an office, the timeline, forms, the receipt."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.storage.registry import random_id
from traceability.records import FieldError
from traceability.vietgap.applications import Applications
from traceability.vietgap.certificates import certificate_state, shown_code
from traceability.vietgap.dossiers import Kind, Side, counts_of
from traceability.vietgap.folders import Act, Folder
from web.api.answers import fresh
from web.door.doors import Doors, RefusedError
from web.door.forms import Fields
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.dossiers import (
    card_view,
    counts_text,
    folder_view,
    instrument_text,
    state_text,
)
from web.views.formats import clock_time, day, typed_number
from web.views.refused import refused, wrong
from web.words import Lang, said, say

FIELDS: Final = ("text", "expected_kg", "members", "fits", "code", "months")
"""What forms of steps send beside the kind."""


class DossierPages:
    """Dossiers, for both sides."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._registry = services.registry
        self._applications = Applications(
            services.registry,
            services.telemetry,
            services.signer,
            services.clock,
            random_id,
        )

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/dossiers", response_class=HTMLResponse)(self.list_page)
        routes.get("/dossiers/{dossier}", response_class=HTMLResponse)(self.page)
        routes.get("/dossiers/{dossier}/receipt", response_class=HTMLResponse)(
            self.receipt
        )
        routes.post("/dossiers/{dossier}/steps")(self.act)
        routes.get("/api/v1/dossiers")(self.documents)
        routes.get("/api/v1/dossiers/{dossier}")(self.document)
        return routes

    def _person(self, request: Request) -> str | None:
        visitor = self._doors.known(request)
        return self._services.viewer if visitor.person is None else visitor.person

    def _names(self, folders: Sequence[Folder]) -> dict[str, str]:
        """Return the names of the organisations in these dossiers."""
        known = {one.organisation: one.name for one in self._registry.offices()}
        for one in folders:
            holder = one.dossier.organisation
            if holder not in known:
                known[holder] = self._registry.producer_of(holder)[0]
        return known

    def list_page(self, request: Request) -> HTMLResponse:
        """Every dossier he may see: of an office by due date, overdue in front."""
        lang, now_ms = lang_of(request), self._services.now_ms()
        folders = self._applications.folders(self._person(request))
        names = self._names(folders)
        on_duty = [one for one in folders if Side.APPLICANT not in one.sides]
        mine = [one for one in folders if Side.APPLICANT in one.sides]
        counts = counts_of((one.progress for one in on_duty), now_ms)
        return self._render.page(
            request,
            "dossiers.html",
            now_ms=now_ms,
            counts=counts_text(lang, counts) if on_duty else "",
            queue=[card_view(lang, one, names, now_ms) for one in on_duty],
            mine=[card_view(lang, one, names, now_ms) for one in mine],
            certificates=self._certificates(request, lang, now_ms),
            crops=[
                (one.name, f"/crops/{one.id}/readiness")
                for one in self._doors.mine(request).seen.crops()
                if one.ended_ms is None
            ]
            if self._doors.may_act(request)
            else [],
        )

    def _certificates(
        self, request: Request, lang: Lang, now_ms: int
    ) -> list[tuple[str, str, str]]:
        """Return certificates of his farms and of his office: (code, state, address)."""
        visitor = self._doors.known(request)
        found = {one.id: one for one in self._doors.mine(request).seen.certificates()}
        for office in visitor.organisations:
            found |= {one.id: one for one in self._registry.certificates(office=office)}
        return [
            (
                shown_code(one.code),
                state_text(
                    lang,
                    certificate_state(
                        one, self._registry.certificate_acts(one.id), now_ms
                    ),
                ),
                f"/certificates/{one.id}",
            )
            for one in found.values()
        ]

    def page(self, request: Request, dossier: str) -> HTMLResponse:
        """One dossier: where it stands, what happened, what may be done."""
        folder = self._applications.folder(self._person(request), dossier)
        return self._page(request, folder, {}, "", 200)

    def _page(
        self,
        request: Request,
        folder: Folder,
        given: Mapping[str, str],
        trouble: str,
        status: int,
    ) -> HTMLResponse:
        lang, now_ms = lang_of(request), self._services.now_ms()
        broken = self._applications.broken(folder)
        suggested = ""
        if Kind.GRANT in folder.may:
            suggested = self._applications.suggested_code(folder)
        return self._render.page(
            request,
            "dossier.html",
            status=status,
            now_ms=now_ms,
            dossier=folder.dossier,
            view=folder_view(
                lang, folder, self._registry.names(), self._names([folder]), now_ms
            ),
            whole=say(lang, "chain_whole", count=len(folder.steps))
            if broken is None
            else say(lang, "chain_broken", number=broken.number),
            is_whole=broken is None,
            months=folder.procedure.months,
            has_receipt=folder.submission is not None,
            certificate=(folder.decision or {}).get("certificate", ""),
            given={**dict.fromkeys(FIELDS, ""), "code": suggested, **given},
            trouble=trouble,
            tried=given.get("kind", ""),
        )

    def act(self, request: Request, dossier: str, form: Fields) -> Response:
        """Take a step; what is wrong comes back with what was typed."""
        self._doors.check_form(request, form.get("csrf", ""))
        person, lang = self._doors.known(request).person, lang_of(request)
        if person is None:
            raise RefusedError(
                "this needs an account of the applicant or the office", "not_yours"
            )
        folder = self._applications.folder(person, dossier)
        try:
            self._applications.act(person, dossier, _typed(lang, form))
        except InputError as exc:
            return self._page(request, folder, form, wrong(lang, exc), 422)
        except ConflictError as exc:
            now = self._applications.folder(person, dossier)
            return self._page(request, now, form, refused(lang, exc), 409)
        return RedirectResponse(f"/dossiers/{dossier}", 303)

    def receipt(self, request: Request, dossier: str) -> HTMLResponse:
        """The receipt with the due date, for paper; as it was given at submission."""
        lang = lang_of(request)
        folder = self._applications.folder(self._person(request), dossier)
        submitted = folder.submission
        if submitted is None:
            raise MissingError(f"dossier {dossier} was not submitted: no receipt yet")
        step = next(one for one in folder.steps if one.kind == Kind.SUBMIT)
        rule, receiver = submitted["procedure"], submitted["decider"]["name"]
        facts = (
            ("dossier_code", step.code or ""),
            ("receipt_procedure", rule["vi"] if lang is Lang.VI else rule["en"]),
            ("dossier_applicant", submitted["applicant"]["name"]),
            ("receipt_office", submitted.get("checker", {}).get("name", receiver)),
            ("dossier_decider", receiver),
            ("receipt_at", f"{clock_time(step.at_ms)} {day(step.at_ms)}"),
            ("receipt_due", _iso_day(submitted["due_on"])),
            ("receipt_now_due", _now_due(folder)),
            ("dossier_instrument", instrument_text(lang, folder.procedure)),
            ("receipt_seal", step.hash[:24]),
        )
        return self._render.page(
            request,
            "receipt.html",
            dossier=folder.dossier,
            facts=said(lang, facts),
            is_provisional=submitted["is_provisional"],
        )

    def documents(self, request: Request) -> Response:
        """Return the dossiers he may see, the next due first."""
        folders = self._applications.folders(self._person(request))
        return fresh({"dossiers": [self._summary(one) for one in folders]})

    def document(self, request: Request, dossier: str) -> Response:
        """Return one dossier with its signed steps, as they were recorded."""
        folder = self._applications.folder(self._person(request), dossier)
        broken = self._applications.broken(folder)
        steps = [msgspec.to_builtins(one) for one in folder.steps]
        document = {**self._summary(folder), "steps": steps, "is_whole": broken is None}
        return fresh(document)

    def _summary(self, folder: Folder) -> dict[str, Any]:
        return {
            **msgspec.to_builtins(folder.dossier),
            "progress": msgspec.to_builtins(folder.progress),
            "is_overdue": folder.progress.is_overdue(self._services.now_ms()),
            "may": list(folder.may),
        }


def _typed(lang: Lang, form: Mapping[str, str]) -> Act:
    """Return what a form means.

    Raises:
        InputError: it names no step.
        FieldError: a number in it is none.
    """
    kind = form.get("kind", "")
    if kind not in set(Kind):
        raise InputError(f"{kind[:40]!r} is no step of a dossier", "form_old")
    kg, months = form.get("expected_kg", "").strip(), form.get("months", "").strip()
    try:
        expected = float(typed_number(lang, kg)) if kg else None
    except ValueError:
        raise FieldError(
            "expected_kg", f"{kg[:40]!r} is not a number of kg", "kg_number"
        ) from None
    if months and not (months.isascii() and months.isdigit() and len(months) < 4):
        raise FieldError(
            "months", f"{months[:40]!r} is not a number of months", "months_number"
        )
    return Act(
        kind=Kind(kind),
        text=form.get("text", ""),
        expected_kg=expected,
        members=_typed_members(lang, form.get("members", "")),
        fits={"yes": True, "no": False}.get(form.get("fits", "")),
        code=form.get("code", ""),
        months=int(months or 0),
    )


def _typed_members(lang: Lang, text: str) -> str:
    """Return lines of members whose numbers, the fourth word on, are read as they were typed."""
    lines = [line.split(";") for line in text.splitlines()]
    return "\n".join(
        ";".join([*line[:3], *(typed_number(lang, word) for word in line[3:])])
        for line in lines
    )


def _iso_day(text: str | None) -> str:
    """Return ``2026-12-04`` as people write it."""
    return "" if text is None else "/".join(reversed(text.split("-")))


def _now_due(folder: Folder) -> str:
    """Return the due date where it is another one than that of the receipt."""
    progress = folder.progress
    if progress.supplied_ms is None or progress.due_ms is None:
        return ""
    return day(progress.due_ms)
