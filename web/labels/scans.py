"""Scans of labels: where, which look copied, what the public reports of them."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import InputError
from greenwater.reference.provinces import PROVINCES
from greenwater.storage.registry.scans import LabelReport
from traceability.label.scanning import REPORT_KINDS, Scanning
from traceability.proof.copies import Why
from web.door.doors import Doors, RefusedError
from web.door.throttle import Throttle
from web.labels.notices import suspicion_text
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import moment
from web.words import Lang, say

FREE_REPORTS: Final = 10
"""How many reports one address may send before each further one waits, longer and longer."""


class ScanPages:
    """The pages of scans and reports."""

    def __init__(
        self, services: Services, scanning: Scanning, render: Renderer, doors: Doors
    ) -> None:
        self._services, self._scanning = services, scanning
        self._render, self._doors = render, doors
        self._throttle = Throttle(FREE_REPORTS)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/report-label", response_class=HTMLResponse)(self.report_page)
        routes.post("/report-label")(self.report)
        routes.post("/scans/place")(self.tell_place)
        routes.get("/scans", response_class=HTMLResponse)(self.scans_page)
        routes.post("/scans/reports/{report}")(self.answer)
        return routes

    def tell_place(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        uri: Annotated[str, Form(max_length=600)] = "",
        place: Annotated[str, Form(max_length=40)] = "",
    ) -> Response:
        """Tell in which province a label was scanned: only who wants to."""
        self._doors.check_form(request, csrf)
        self._slow_down(request)
        self._scanning.tell_place(uri, place)
        base = self._services.public_url.rstrip("/")
        return RedirectResponse(uri.removeprefix(base), 303)

    def _slow_down(self, request: Request) -> None:
        """Refuse who sends too much. The address is kept in memory, for an hour."""
        address, now_ms = (
            request.client.host if request.client else "",
            self._services.now_ms(),
        )
        if not self._throttle.begin(address, now_ms).may:
            raise RefusedError("too much was sent from here: wait a while", "too_much")

    def report_page(
        self, request: Request, text: str = "", is_done: bool = False
    ) -> HTMLResponse:
        """A form for whoever does not trust a label."""
        return self._form(request, text[:600], is_done=is_done)

    def _form(
        self, request: Request, text: str, trouble: str = "", *, is_done: bool = False
    ) -> HTMLResponse:
        lang = lang_of(request)
        return self._render.page(
            request,
            "report_label.html",
            status=422 if trouble else 200,
            text=text,
            trouble=trouble,
            is_done=is_done,
            kinds=[(kind, say(lang, f"report_{kind}")) for kind in REPORT_KINDS],
            places=[(one.id, one.name) for one in PROVINCES.values()],
        )

    def report(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        text: Annotated[str, Form(max_length=600)] = "",
        kind: Annotated[str, Form(max_length=20)] = "",
        note: Annotated[str, Form(max_length=600)] = "",
        place: Annotated[str, Form(max_length=40)] = "",
    ) -> Response:
        """Take in a report; it reaches the producer and the inspectors."""
        self._doors.check_form(request, csrf)
        self._slow_down(request)
        try:
            self._scanning.report(text, kind, note, place)
        except InputError:
            return self._form(request, text, say(lang_of(request), "report_unknown"))
        return RedirectResponse("/report-label?is_done=true", 303)

    def scans_page(self, request: Request) -> HTMLResponse:
        """Which labels look copied, and what was reported: for those on duty and owners."""
        mine, lang = self._doors.mine(request), lang_of(request)
        found = []
        for one in self._scanning.suspects(mine.seen):
            is_lot = one.why is Why.LOT_OFTEN
            label = None if is_lot else mine.seen.find_label(one.subject)
            lot = mine.seen.get_lot(one.subject if label is None else label.lot)
            name = f"{lot.code}" if is_lot else one.subject
            found.append((name, f"/lots/{lot.id}", suspicion_text(lang, one)))
        return self._render.page(
            request,
            "scans.html",
            suspects=found,
            reports=[self._shown(lang, one) for one in mine.seen.label_reports()],
        )

    def _shown(self, lang: Lang, one: LabelReport) -> dict[str, str]:
        place = PROVINCES.get(one.place)
        return {
            "id": one.id,
            "when": moment(lang, one.at_ms, self._services.now_ms()),
            "kind": say(lang, f"report_{one.kind}"),
            "note": one.note,
            "text": one.text,
            "place": place.name if place else one.place,
            "answer": one.answer or "",
        }

    def answer(
        self,
        request: Request,
        report: str,
        csrf: Annotated[str, Form()],
        answer: Annotated[str, Form(max_length=300)] = "",
    ) -> Response:
        """Say what became of a report."""
        self._doors.check_form(request, csrf)
        visitor = self._doors.known(request)
        if visitor.person is None or not (visitor.keeps_books or visitor.inspects):
            raise RefusedError(
                "this needs the producer's or an inspector's account", "not_yours"
            )
        seen = self._doors.mine(request).seen
        self._scanning.answer(visitor.person, seen, report, answer)
        return RedirectResponse("/scans", 303)
