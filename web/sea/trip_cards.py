"""A trip on paper and on a phone: its signed card, its sheets."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi import Form as Typed
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import InputError, MissingError, UnavailableError
from greenwater.kernel.reading import MINUTE_MS, day_of
from greenwater.reference.vessel_rules import RULES
from greenwater.storage.registry.cards import CardRevocation
from greenwater.storage.registry.vessel_books import CatchPaper
from traceability.proof.codes import code_svg
from traceability.proof.keys import keys_document
from traceability.proof.verify import Status
from traceability.sea.card_ends import CardEnds, cards_ended, last_end
from traceability.sea.cards import (
    Card,
    CardCode,
    CardVerdict,
    card_of,
    check_card,
    make_card,
)
from traceability.sea.catch_evidence import catch_evidence_in
from traceability.sea.trip_case import TripView, trip_view
from traceability.sea.vessel_sheets import Form, Row, Sheet, catch_sheet, ecdt_sheet
from web.api.answers import fresh
from web.door.doors import Doors
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.checkwords import MARKS
from web.views.formats import exact
from web.views.refused import refused
from web.views.seawords import (
    day_time,
    gear_name,
    iso_day,
    kilograms_text,
    port_name,
)
from web.words import Lang, say

CARD_LOOKS: Final = {CardCode.VALID: "good", CardCode.EXPIRED: "doubt"}
"""How a card's verdict looks; all others are bad."""


class TripCardPages:
    """The card of a trip, and sheets made of its book."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._ends = CardEnds(services.registry, services.clock)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/trips/{trip}/card", response_class=HTMLResponse)(self.card_page)
        routes.post("/trips/{trip}/card/end")(self.end_cards)
        routes.get("/trips/{trip}/card.svg")(self.card_code)
        routes.get("/card/{vessel}/{span}/{catch}/{papers}/{made}")(self.checked_page)
        routes.get("/trips/{trip}/ecdt", response_class=HTMLResponse)(self.ecdt_page)
        routes.get("/trips/{trip}/ecdt.json")(self.ecdt_document)
        routes.get("/lots/{lot}/catch", response_class=HTMLResponse)(self.catch_page)
        routes.get("/lots/{lot}/catch.json")(self.catch_document)
        return routes

    def _view(self, request: Request, trip: str) -> TripView:
        return trip_view(self._doors.mine(request).seen, trip, self._services.now_ms())

    def _card(self, view: TripView) -> tuple[Card, str]:
        if self._services.signer is None:
            raise UnavailableError("this site has no key to sign cards with")
        if view.span is None:
            raise MissingError(f"nobody has said yet when trip {view.trip} began")
        fields = {} if view.book.trip is None else view.book.trip.record.fields
        ended_ms = fields.get("return_ms")
        if ended_ms is None and view.found is not None:
            ended_ms = view.found.trip.landing_ms
        card = card_of(
            view.vessel.id,
            (view.span[0], ended_ms),
            view.book.expected,
            view.papers,
            self._services.now_ms(),
        )
        return card, make_card(card, self._services.public_url, self._services.signer)

    def card_page(self, request: Request, trip: str) -> HTMLResponse:
        """The trip's card, to be shown to an inspector."""
        return self._card_page(request, self._view(request, trip), "")

    def _card_page(
        self, request: Request, view: TripView, trouble: str
    ) -> HTMLResponse:
        lang, trip = lang_of(request), view.trip
        card, address = self._card(view)
        known = self._services.registry.card_revocations(vessel=view.vessel.id)
        return self._render.page(
            request,
            "trip_card.html",
            status=409 if trouble else 200,
            trouble=trouble,
            ended=self._ended(lang, known),
            is_called_in=bool(known) and card.made_ms <= known[0].until_ms,
            may_end=self._doors.known(request).keeps_boats,
            act=str(uuid.uuid4()),
            trip=trip,
            name=view.vessel.name,
            address=address,
            facts=self.card_facts(lang, card, self._services.now_ms()),
            days=exact(lang, RULES.card.value),
        )

    @staticmethod
    def _ended(lang: Lang, known: Sequence[CardRevocation]) -> str:
        last = last_end(known)
        if last is None:
            return ""
        return say(
            lang,
            "card_ended_at",
            time=day_time(last.until_ms + MINUTE_MS),
            reason=say(lang, f"card_end_{last.reason}"),
        )

    def end_cards(
        self,
        request: Request,
        trip: str,
        csrf: Annotated[str, Typed()],
        act: Annotated[str, Typed(max_length=40)] = "",
        reason: Annotated[str, Typed(max_length=10)] = "",
    ) -> Response:
        """Call in every card of the boat that was made until now."""
        self._doors.check_form(request, csrf)
        person, view = self._doors.sailor(request), self._view(request, trip)
        try:
            self._ends.end(person, view.vessel.id, reason, act=act)
        except InputError as exc:
            lang = lang_of(request)
            words = say(lang, "not_saved", reason=refused(lang, exc))
            return self._card_page(request, view, words)
        return RedirectResponse(f"/trips/{trip}/card", 303)

    def card_code(self, request: Request, trip: str) -> Response:
        """The card's code."""
        _, address = self._card(self._view(request, trip))
        svg = code_svg(address, trip)
        return Response(svg, 200, {"Cache-Control": "no-store"}, "image/svg+xml")

    def checked_page(
        self,
        request: Request,
        vessel: str,
        span: str,
        catch: str,
        papers: str,
        made: str,
    ) -> HTMLResponse:
        """Say what a card is worth that somebody scanned."""
        base = self._services.public_url.rstrip("/")
        # As it was sent: the path's own spelling is what was signed.
        raw = request.scope.get("raw_path", b"").decode("ascii", "replace")
        query = "&".join(
            one for one in request.url.query.split("&") if not one.startswith("lang=")
        )
        keys = keys_document(self._services.registry.signing_keys())
        now_ms, registry = self._services.now_ms(), self._services.registry
        status = Status(now_ms, cards=cards_ended(registry, now_ms))
        verdict = check_card(f"{base}{raw}?{query}", keys, now_ms, status)
        return self._verdict_page(request, verdict)

    def _verdict_page(self, request: Request, verdict: CardVerdict) -> HTMLResponse:
        lang = lang_of(request)
        look = CARD_LOOKS.get(verdict.code, "bad")
        shown = verdict.card if verdict.code is not CardCode.ALTERED else None
        return self._render.page(
            request,
            "card_checked.html",
            code=verdict.code,
            look=look,
            mark=MARKS[look],
            facts=[]
            if shown is None
            else self.card_facts(lang, shown, self._services.now_ms()),
        )

    @staticmethod
    def card_facts(lang: Lang, card: Card, now_ms: int) -> list[tuple[str, str]]:
        """Return what a card says, papers held against today."""
        today = day_of(now_ms).isoformat()
        to_day = say(lang, "sea_trip_at_sea") if card.to_day is None else ""
        papers = []
        for kind, until in card.papers.items():
            key = "check_card_ended" if until and until < today else "check_card_until"
            key = key if until else "check_card_forever"
            name = say(lang, f"sea_papers_{kind}")
            papers.append(say(lang, key, name=name, day=iso_day(until)))
        rows = [
            ("check_card_vessel", card.vessel),
            ("check_card_trip", f"{iso_day(card.from_day)} – {to_day or iso_day(card.to_day)}"),
            ("check_card_catch", kilograms_text(lang, card.catch_kg) or say(lang, "sea_nothing")),
            ("check_card_papers", "; ".join(papers) or say(lang, "sea_nothing")),
            ("check_card_made", day_time(card.made_ms)),
        ]  # fmt: skip
        return [(say(lang, key), text) for key, text in rows]

    def _ecdt(self, request: Request, trip: str) -> Sheet:
        mine, view = self._doors.mine(request), self._view(request, trip)
        owner, _ = self._services.registry.producer_of(view.vessel.organisation)
        told = view.book.confirmation
        names = self._services.registry.names()
        skipper = "" if told is None else names.get(told.record.entered_by, "")
        receipts: list[CatchPaper] = []
        for landing in view.book.landings:
            papers = mine.seen.catch_papers(landing=landing.root)
            receipts += [one for one in papers if one.kind == "receipt"]
        return ecdt_sheet(view, owner, skipper, receipts)

    def ecdt_page(self, request: Request, trip: str) -> HTMLResponse:
        """The eCDT sheet of a trip: not a submission."""
        return self._sheet(request, self._ecdt(request, trip), f"/trips/{trip}")

    def ecdt_document(self, request: Request, trip: str) -> Response:
        """The same as JSON."""
        return fresh(self._ecdt(request, trip))

    def _catch(self, request: Request, lot: str) -> Sheet:
        mine = self._doors.mine(request)
        found = mine.seen.get_lot(lot)
        evidence = catch_evidence_in(found)
        if evidence is None or found.landing is None:
            raise MissingError(f"lot {found.code} is no catch of a vessel")
        owner, _ = self._services.registry.producer_of(found.organisation)
        return catch_sheet(
            found,
            mine.seen.get_product(found.product),
            evidence,
            owner=owner,
            papers=mine.seen.catch_papers(landing=found.landing),
        )

    def catch_page(self, request: Request, lot: str) -> HTMLResponse:
        """The EU CATCH sheet of a lot: not a submission."""
        return self._sheet(request, self._catch(request, lot), f"/lots/{lot}")

    def catch_document(self, request: Request, lot: str) -> Response:
        """The same as JSON."""
        return fresh(self._catch(request, lot))

    def _sheet(self, request: Request, sheet: Sheet, back: str) -> HTMLResponse:
        lang = lang_of(request)
        return self._render.page(
            request,
            "sheet.html",
            sheet=sheet,
            back=back,
            document=f"{request.url.path}.json",
            sections=[
                (
                    _heading(lang, one.key, one.number),
                    [
                        (
                            say(lang, f"sheet_{row.key}"),
                            _text(lang, row),
                            row.is_optional,
                        )
                        for row in one.rows
                    ],
                )
                for one in sheet.sections
            ],
            missing=[
                f"{say(lang, f'sheet_section_{section}')}: {say(lang, f'sheet_{key}')}"
                for section, key in sheet.missing
            ],
        )


def _heading(lang: Lang, key: str, number: int | None) -> str:
    title = say(lang, f"sheet_section_{key}")
    return title if number is None else f"{title} {number}"


def _text(lang: Lang, row: Row) -> str:
    """Return a field's value as people read it; empty: it is missing."""
    if row.value in (None, "", {}):
        return ""
    return _SHOWN[row.form](lang, row.value)


def _plain(lang: Lang, value: Any) -> str:
    marks = {
        "urn:gdst:kde:notApplicable": "sheet_not_applicable",
        "yes": "sheet_yes",
        "no": "sheet_no",
    }
    return say(lang, marks[value]) if value in marks else str(value)


_SHOWN: Final[Mapping[Form, Callable[[Lang, Any], str]]] = {
    Form.TEXT: _plain,
    Form.INSTANT: lambda _lang, value: day_time(value),
    Form.DAY: lambda _lang, value: iso_day(value),
    Form.PORT: lambda _lang, value: f"{port_name(value)} ({value})",
    Form.GEAR: gear_name,
    Form.KILOGRAMS: kilograms_text,
    Form.PASSAGE: lambda lang, value: say(lang, f"sea_directions_{value}"),
    Form.NUMBER: lambda lang, value: exact(lang, value),
}
