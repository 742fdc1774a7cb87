"""A lot: its evidence, its labels, paper for them, its recall."""

import math
import secrets
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import InputError, UnavailableError
from greenwater.reference.papers import PAPERS
from greenwater.storage.registry.books import Lot
from traceability.gate.harvest import GateRefusedError
from traceability.gs1.demonstration import is_demonstration
from traceability.label.labels import Labels
from traceability.label.origins import evidence_in
from traceability.label.passport import picture_of
from traceability.label.pictures import Pictures
from traceability.sea.catch_evidence import catch_evidence_in
from web.door.doors import Doors
from web.door.photos import PhotoIn
from web.labels.notices import inspected
from web.labels.prints import parts_of
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.catches import catch_views
from web.views.evidence import evidence_views
from web.views.formats import day, exact, moment, typed_number
from web.views.goods import product_name
from web.views.refused import refusal_texts, refused
from web.words import Lang, say


class LotPages:
    """Lots and their labels."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services = services
        self._render = render
        self._doors = doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/lots/{lot}", response_class=HTMLResponse)(self.lot_page)
        routes.post("/lots/{lot}/labels")(self.issue)
        routes.post("/lots/{lot}/recall")(self.recall)
        routes.post("/lots/{lot}/recall/end")(self.end_recall)
        routes.post("/lots/{lot}/picture")(self.add_picture)
        return routes

    def _labels(self) -> Labels:
        if self._services.signer is None:
            raise UnavailableError("this site has no key to sign labels with")
        return Labels(
            self._services.registry,
            self._services.signer,
            self._services.clock,
            self._services.public_url,
            secrets.token_bytes,
        )

    def _page(
        self, request: Request, lot: Lot, trouble: list[tuple[str, str]]
    ) -> HTMLResponse:
        mine, lang = self._doors.mine(request), lang_of(request)
        product = mine.seen.get_product(lot.product)
        evidence = evidence_in(lot)
        recalls = self._services.registry.recalls_upon(lot.id)
        issued = mine.seen.labels(lot=lot.id)
        return self._render.page(
            request,
            "lot.html",
            status=409 if trouble else 200,
            is_simulated=bool(lot.evidence.get("is_simulated")),
            catches=catch_views(lang, filter(None, [catch_evidence_in(lot)])),
            lot=lot,
            is_for_trying=is_demonstration(lot.product),
            product=product_name(lang, product),
            unit=mine.seen.get_unit(lot.unit) if lot.unit else None,
            harvested=day(lot.harvested_ms),
            kg=exact(lang, lot.kg),
            evidence=evidence_views(lang, evidence),
            labels=issued[:12],
            count=len(issued),
            inspections=inspected(self._services.registry, lang, lot.id),
            prints=parts_of(len(issued)),
            papers=PAPERS,
            recall=recalls[0] if recalls else None,
            is_own_recall=any(one.lot == lot.id for one in recalls),
            recalled_at=moment(lang, recalls[0].at_ms, self._services.now_ms())
            if recalls
            else "",
            trouble=trouble,
            picture=picture_of(self._services.registry, lot.product),
            may_add_picture=self._services.photos is not None,
        )

    def lot_page(self, request: Request, lot: str) -> HTMLResponse:
        """One lot."""
        return self._page(request, self._doors.mine(request).seen.get_lot(lot), [])

    def issue(
        self,
        request: Request,
        lot: str,
        count: Annotated[int, Form(ge=1, le=1000)],
        csrf: Annotated[str, Form()],
        net_kg: Annotated[str, Form(max_length=12)] = "",
        use_by: Annotated[str, Form(max_length=10)] = "",
        kind: Annotated[str, Form(max_length=10)] = "item",
    ) -> Response:
        """Issue labels; refused, the page says why."""
        self._doors.check_form(request, csrf)
        person, found = (
            self._doors.writer(request),
            self._doors.mine(request).seen.get_lot(lot),
        )
        lang, here = lang_of(request), f"/lots/{lot}#labels"
        try:
            self._labels().issue(
                person,
                lot,
                count,
                net_kg=_kilograms(lang, net_kg),
                use_by=_day(use_by),
                is_item=kind != "lot",
            )
        except GateRefusedError as exc:
            return self._page(request, found, refusal_texts(lang, exc.refusals))
        except InputError as exc:
            return self._page(request, found, [(refused(lang, exc), here)])
        return RedirectResponse(here, 303)

    def add_picture(self, request: Request, lot: str, sent: PhotoIn) -> Response:
        """Give the lot's product a picture; one that cannot be kept is refused."""
        csrf, raw = sent
        self._doors.check_form(request, csrf)
        person, found = (
            self._doors.writer(request),
            self._doors.mine(request).seen.get_lot(lot),
        )
        folder, here = self._services.photos, f"/lots/{lot}#picture"
        try:
            if folder is None:
                raise InputError(
                    "this server has no place for photos", "photo_no_place"
                )
            kept = Pictures(self._services.registry, self._services.clock, folder)
            kept.put(person, found.product, raw)
        except InputError as exc:
            return self._page(request, found, [(refused(lang_of(request), exc), here)])
        return RedirectResponse(here, 303)

    def recall(
        self,
        request: Request,
        lot: str,
        csrf: Annotated[str, Form()],
        reason: Annotated[str, Form(max_length=300)] = "",
        phone: Annotated[str, Form(max_length=40)] = "",
    ) -> Response:
        """Call the lot back."""
        self._doors.check_form(request, csrf)
        person, found = (
            self._doors.writer(request),
            self._doors.mine(request).seen.get_lot(lot),
        )
        if not reason.strip() or not phone.strip():
            told = say(lang_of(request), "recall_needs")
            return self._page(request, found, [(told, f"/lots/{lot}#recall")])
        self._labels().recall(person, lot, reason, phone)
        return RedirectResponse(f"/lots/{lot}", 303)

    def end_recall(
        self, request: Request, lot: str, csrf: Annotated[str, Form()]
    ) -> Response:
        """End the recall."""
        self._doors.check_form(request, csrf)
        person = self._doors.writer(request)
        self._doors.mine(request).seen.get_lot(lot)
        self._labels().end_recall(person, lot)
        return RedirectResponse(f"/lots/{lot}", 303)


def _kilograms(lang: Lang, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        kg = float(typed_number(lang, text))
    except ValueError:
        kg = -1.0
    if not 0 < kg < math.inf:
        raise InputError(f"{text[:40]!r} is no net weight in kg", "label_weight")
    return kg


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"{text[:40]!r} is no day", "label_use_by") from None
