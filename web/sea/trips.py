"""One trip: what positions show, what the book says, landings, lots, papers."""

import uuid
from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import (
    HTMLResponse,
    RedirectResponse,
    Response,
)

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.storage.registry.people import Role
from traceability.gate.harvest import GateRefusedError
from traceability.gate.overriding import Asked as AskedOverride
from traceability.gate.overriding import Overriding
from traceability.sea.drawing import CatchPapers, NewPaper, balances
from traceability.sea.trip_book import Standing
from traceability.sea.trip_case import TripView, ask_gate, case_of, trip_view
from traceability.sea.trip_evidence import TripEvidence
from traceability.sea.vessels import NewCatchLot
from web.api.answers import fresh
from web.door.doors import Doors
from web.door.forms import Fields
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.boatpapers import paper_views
from web.views.landings import LandingView, balance_views, goods_views, lot_links
from web.views.refused import refusal_texts, refused
from web.views.seaforms import weight
from web.views.seawords import day_time, port_name
from web.views.trips import (
    conflict_lines,
    coverage_text,
    drift_line,
    found_facts,
    haul_views,
    notice_texts,
    sea_record_views,
    tolerance_text,
    weight_views,
    zone_views,
)
from web.views.triptracks import track_document, track_facts, track_of
from web.words import Lang, say

Trouble = list[tuple[str, str]]


def new_id() -> str:
    """Return an id such as a device makes."""
    return str(uuid.uuid4())


class TripPages:
    """Trips and what is done with them."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        registry, clock = services.registry, services.clock
        self._books = services.vessel_books
        self._evidence = TripEvidence(registry, services.telemetry)
        self._papers = CatchPapers(registry, clock)
        self._overriding = Overriding(registry, clock)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/trips/{trip}", response_class=HTMLResponse)(self.trip_page)
        routes.get("/trips/{trip}/track.json")(self.track)
        routes.post("/trips/{trip}/confirm")(self.confirm)
        routes.post("/trips/{trip}/lots")(self.make_lot)
        routes.post("/trips/{trip}/papers")(self.draw)
        routes.post("/trips/{trip}/overrides")(self.ask)
        routes.post("/trips/{trip}/overrides/agree")(self.agree)
        return routes

    def _view(self, request: Request, trip: str) -> TripView:
        return trip_view(self._doors.mine(request).seen, trip, self._services.now_ms())

    def trip_page(self, request: Request, trip: str) -> HTMLResponse:
        """One trip."""
        return self._page(request, self._view(request, trip), [])

    def track(self, request: Request, trip: str) -> Response:
        """A trip's track for the map's script."""
        view = self._view(request, trip)
        lang = lang_of(request)
        track = track_of(lang, self._doors.mine(request), view)
        return fresh(track_document(lang, track))

    def _page(self, request: Request, view: TripView, trouble: Trouble) -> HTMLResponse:
        mine, lang = self._doors.mine(request), lang_of(request)
        registry, now_ms = self._services.registry, self._services.now_ms()
        records = mine.seen.vessel_records(trip=view.trip)
        records = [one for one in records if one.vessel == view.vessel.id]
        names = registry.names()
        visitor = self._doors.known(request)
        told = None if view.book.confirmation is None else view.book.confirmation.record
        return self._render.page(
            request,
            "trip.html",
            has_map=True,
            status=409 if trouble else 200,
            now_ms=now_ms,
            is_simulated=self._evidence.is_simulated(view.vessel.id),
            trip=view.trip,
            vessel=view.vessel,
            title=self._title(lang, view),
            trouble=trouble,
            book=view.book,
            confirmed_by="" if told is None else names[told.entered_by],
            confirmed_at="" if told is None else day_time(told.happened_ms),
            may_confirm=self._may_confirm(request, view),
            may_write=visitor.is_of_crew,
            may_declare=visitor.is_of_crew or visitor.is_on_duty,
            new_id=new_id,
            facts=found_facts(lang, view, names),
            is_declared=view.found is not None and view.found.is_declared,
            conflicts=conflict_lines(lang, view),
            end_href=_end_href(view),
            **track_facts(lang, mine, view),
            coverage=coverage_text(lang, self._evidence.coverage(view)),
            drift=drift_line(lang, view),
            hauls=haul_views(lang, view),
            weights=weight_views(lang, view),
            tolerance=tolerance_text(lang),
            zones=zone_views(lang, view),
            notices=notice_texts(lang, view),
            papers=sorted(
                paper_views(lang, view.papers), key=lambda one: one.look == "good"
            ),
            landings=[self._landing(request, view, one) for one in view.book.landings],
            records=sea_record_views(lang, mine.seen, records, now_ms, names)[::-1],
        )

    @staticmethod
    def _title(lang: Lang, view: TripView) -> str:
        if view.span is None:
            return say(lang, "sea_trip_untold")
        if not view.is_over:
            return say(lang, "sea_trip_since", start=day_time(view.span[0]))
        return say(
            lang,
            "sea_trip_span",
            start=day_time(view.span[0]),
            end=day_time(view.span[1]),
        )

    def _may_confirm(self, request: Request, view: TripView) -> bool:
        visitor = self._doors.known(request)
        if visitor.person is None:
            return False
        held = self._services.registry.get_person(visitor.person).memberships
        return (view.vessel.organisation, Role.SKIPPER) in held

    def _landing(
        self, request: Request, view: TripView, landing: Standing
    ) -> LandingView:
        mine, lang = self._doors.mine(request), lang_of(request)
        drawn = self._books.drawn(landing.root)
        products = [
            one
            for one in mine.seen.products()
            if one.organisation == view.vessel.organisation
        ]
        goods = goods_views(
            lang,
            landing,
            drawn,
            lambda root, species: ask_gate(
                mine.seen,
                case_of(
                    view, view.landing(root), species,
                    drawn_kg=drawn.get(species, 0.0),
                ),
            ),
            products,
            new_id,
            self._services.registry.names(),
            self._doors.known(request).person,
        )  # fmt: skip
        fields = landing.record.fields
        return LandingView(
            landing.root,
            say(
                lang,
                "sea_landed_at",
                port=port_name(fields["port"]),
                time=day_time(landing.record.happened_ms),
            ),
            fields["receiver"],
            goods,
            lot_links(lang, mine.seen.lots_of_landing(landing.root)),
            balance_views(
                lang, balances(mine.seen, landing.root, self._services.now_ms())
            ),
        )

    def confirm(self, request: Request, trip: str, form: Fields) -> Response:
        """Confirm the trip as its book stands."""
        view, person = self._checked(request, trip, form)
        try:
            self._books.confirm(person, trip, record=form.get("id", ""))
        except (InputError, ConflictError) as exc:
            return self._page(
                request, view, [(refused(lang_of(request), exc), f"/trips/{trip}")]
            )
        return RedirectResponse(f"/trips/{trip}#confirm", 303)

    def _checked(
        self,
        request: Request,
        trip: str,
        form: Mapping[str, str],
        *,
        or_on_duty: bool = False,
    ) -> tuple[TripView, str]:
        """Return the trip and who is at work; the form is of his session."""
        self._doors.check_form(request, form.get("csrf", ""))
        view = self._view(request, trip)
        return view, self._doors.sailor(request, or_on_duty=or_on_duty)

    def make_lot(self, request: Request, trip: str, form: Fields) -> Response:
        """Draw a lot from a landing; refused, the page says why."""
        view, person = self._checked(request, trip, form)
        lang = lang_of(request)
        try:
            new = NewCatchLot(
                id=form.get("id", ""),
                landing=form.get("landing", ""),
                product=form.get("product", ""),
                kg=weight(lang, form.get("kg", "")),
            )
            lot = self._books.make_lot(person, new)
        except GateRefusedError as exc:
            return self._page(request, view, refusal_texts(lang, exc.refusals))
        except InputError as exc:
            return self._page(
                request,
                view,
                [(refused(lang_of(request), exc), f"/trips/{trip}#landings")],
            )
        return RedirectResponse(f"/lots/{lot.id}", 303)

    def draw(self, request: Request, trip: str, form: Fields) -> Response:
        """Draw a paper from a landing or another paper."""
        view, person = self._checked(request, trip, form)
        lang, cure = lang_of(request), f"/trips/{trip}#papers"
        try:
            kilograms = {
                name.removeprefix("kg_"): weight(lang, text)
                for name, text in form.items()
                if name.startswith("kg_") and text.strip()
            }
            new = NewPaper(
                id=form.get("id", ""),
                kind=form.get("kind", ""),
                landing=form.get("landing", ""),
                parent=form.get("parent") or None,
                number=form.get("number", ""),
                holder=form.get("holder", ""),
                kilograms=kilograms,
                issued_ms=self._services.now_ms(),
            )
            self._papers.draw(person, new)
        except (InputError, ConflictError) as exc:
            words = say(lang, "not_saved", reason=refused(lang, exc))
            return self._page(request, view, [(words, cure)])
        return RedirectResponse(cure, 303)

    def ask(self, request: Request, trip: str, form: Fields) -> Response:
        """Ask that a refusal be lifted."""
        view, person = self._checked(request, trip, form)
        asked = AskedOverride(
            id=form.get("id", ""),
            organisation=view.vessel.organisation,
            subject=form.get("subject", ""),
            code=form.get("code", ""),
            reason=form.get("reason", ""),
        )
        try:
            _check_subject(view, asked.subject)
            self._overriding.ask(person, asked)
        except (InputError, ConflictError) as exc:
            words = say(
                lang_of(request), "not_saved", reason=refused(lang_of(request), exc)
            )
            return self._page(request, view, [(words, f"/trips/{trip}#landings")])
        return RedirectResponse(f"/trips/{trip}#landings", 303)

    def agree(self, request: Request, trip: str, form: Fields) -> Response:
        """Agree, as the second person, that a refusal be lifted."""
        # The second person may be an officer, who belongs to no boat.
        view, person = self._checked(request, trip, form, or_on_duty=True)
        override = self._doors.mine(request).seen.get_override(form.get("override", ""))
        try:
            self._overriding.agree(
                person, override.id, agreement=new_id(), remark=form.get("remark", "")
            )
        except (InputError, ConflictError) as exc:
            return self._page(
                request,
                view,
                [(refused(lang_of(request), exc), f"/trips/{trip}#landings")],
            )
        return RedirectResponse(f"/trips/{trip}#landings", 303)


def _end_href(view: TripView) -> str:
    """Return where a declared trip that nobody has seen land is ended; empty: it is over."""
    if view.book.trip is None or view.book.trip.record.fields.get("return_ms"):
        return ""
    if view.found is not None and view.found.trip.landing_ms is not None:
        return ""
    record = view.book.trip.record.id
    return f"/vessels/{view.vessel.id}/records/new?kind=trip&corrects={record}&end=1"


def _check_subject(view: TripView, subject: str) -> None:
    roots = {one.root for one in view.book.landings}
    kind, _, rest = subject.partition("/")
    if kind != "landing" or rest.partition("/")[0] not in roots:
        raise InputError(f"{subject[:80]!r} is no landing of this trip", "form_old")
