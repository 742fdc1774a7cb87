"""Boats: their trips and papers, and entering what happened."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.reference.vessel_records import get_vessel_kind
from greenwater.storage.registry.places import VesselInfo
from traceability.book.photos import drawn_anew
from traceability.records import FieldError
from traceability.sea.crew import OF_DUTY
from traceability.sea.photos import add_sea_photo
from traceability.sea.trip_case import trip_view
from traceability.sea.vessels import NewVesselRecord
from web.door.doors import Doors
from web.door.photos import PhotoForm, album_of
from web.door.visitors import BOATS
from web.pages import Renderer, lang_of
from web.ports import Services
from web.sea.boat_changes import BoatEditPages
from web.sea.fleet import BoatView, boat_views
from web.views.boatcards import boat_facts, state_text
from web.views.boatpapers import PaperView, endings, paper_views, states_of
from web.views.boattrips import seen_ends, skippers_of, trip_links
from web.views.facts import Snapshots
from web.views.finding import find
from web.views.formats import form_time
from web.views.refused import refused
from web.views.seaforms import (
    SeaForm,
    input_type,
    local_ms,
    meant_fields,
    sea_field_views,
    typed_values,
    values_of,
)
from web.views.shown import Link
from web.views.trips import sea_record_views
from web.views.vesselinspections import inspection_views
from web.words import Lang, say

MOST_ENDINGS: Final = 30
MOST_INSPECTIONS: Final = 20


def _told(info: VesselInfo) -> str:
    return f"{info.name} {info.id}"


def _link(info: VesselInfo) -> Link:
    return Link(f"{info.name} ({info.id})", f"/vessels/{info.id}/book")


class BoatPages:
    """The boats that a visitor sees, and their books."""

    def __init__(
        self, services: Services, snapshots: Snapshots, render: Renderer, doors: Doors
    ) -> None:
        self._services, self._snapshots = services, snapshots
        self._render, self._doors = render, doors
        self._books = services.vessel_books
        self._editing = BoatEditPages(services, render, doors)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/vessels", response_class=HTMLResponse)(self.boats_page)
        routes.get("/vessels/{vessel}/book", response_class=HTMLResponse)(
            self.book_page
        )
        routes.get("/vessels/{vessel}/records/new", response_class=HTMLResponse)(
            self.new_page
        )
        routes.post("/vessels/{vessel}/records")(self.enter)
        return routes

    def boats_page(self, request: Request, q: str = "") -> HTMLResponse:
        """Boats, with what is soon to be done for each; ``q`` picks by name or number."""
        mine, lang = self._doors.mine(request), lang_of(request)
        vessels = mine.seen.vessels()
        gone = [one for one in vessels if not one.is_in_service]
        vessels = [one for one in vessels if one.is_in_service]
        states = states_of(mine.seen, vessels, self._services.now_ms())
        looks = self._looks(request)
        places = {id_: place for place, id_ in enumerate(looks)}
        vessels.sort(key=lambda one: places.get(one.id, len(places)))
        found = find(vessels, q, _told)
        boats = [
            (
                _link(one),
                looks.get(one.id),
                [
                    paper
                    for paper in paper_views(lang, states[one.id])
                    if paper.look != "good"
                ],
                trip_links(lang, mine.seen, one.id)[:3],
            )
            for one in found.shown
        ]
        # Of one boat alone its own card says it below.
        ending = endings(lang, vessels, states) if len(vessels) > 1 else []
        return self._render.page(
            request,
            "boats.html",
            boats=boats,
            gone=[
                (_link(one), state_text(lang, one))
                for one in find(gone, q, _told).shown
            ],
            found=found,
            ending=ending[:MOST_ENDINGS],
            more=max(0, len(ending) - MOST_ENDINGS),
        )

    def _looks(self, request: Request) -> dict[str, BoatView]:
        """Return how the boats of a boat's own people are, trouble first; empty for others."""
        visitor, mine = self._doors.known(request), self._doors.mine(request)
        if not visitor.roles & BOATS:
            return {}
        views = boat_views(lang_of(request), mine, self._snapshots.now(mine))
        return {one.id: one for one in views}

    def book_page(self, request: Request, vessel: str) -> HTMLResponse:
        """One boat: trips and papers."""
        mine, lang = self._doors.mine(request), lang_of(request)
        visitor, info = self._doors.known(request), mine.seen.get_vessel(vessel)
        return self._render.page(
            request,
            "boat.html",
            vessel=info,
            state=state_text(lang, info),
            facts=boat_facts(lang, info),
            former=[_link(one) for one in mine.seen.former_vessels(info.id)],
            may_edit=self._editing.may_edit(request, info),
            trips=trip_links(lang, mine.seen, info.id),
            papers=self._papers(lang, mine, info),
            records=sea_record_views(
                lang,
                mine.seen,
                mine.seen.vessel_records(vessel=info.id, kind="paper"),
                self._services.now_ms(),
                self._services.registry.names(),
            )[::-1],
            inspections=inspection_views(
                lang,
                self._services.registry,
                mine.seen,
                mine.seen.vessel_inspections(vessel=info.id, limit=MOST_INSPECTIONS),
                self._services.now_ms(),
            ),
            new_trip=str(uuid.uuid4()),
            is_of_crew=visitor.is_of_crew,
            may_declare=visitor.is_of_crew or visitor.is_on_duty,
        )

    def _papers(self, lang: Lang, mine: Services, info: VesselInfo) -> list[PaperView]:
        states = states_of(mine.seen, [info], self._services.now_ms())
        return sorted(
            paper_views(lang, states[info.id]), key=lambda one: one.look == "good"
        )

    def new_page(
        self,
        request: Request,
        vessel: str,
        kind: str,
        trip: str = "",
        haul: str = "",
        violation: str = "",
        corrects: str = "",
        end: str = "",
    ) -> HTMLResponse:
        """A form for one kind of record; ``end``: the trip that it corrects is over now."""
        mine = self._doors.mine(request)
        info = mine.seen.get_vessel(vessel)
        get_vessel_kind(kind)
        # Who may not write is told so before he has filled anything in.
        self._doors.sailor(request, or_on_duty=kind in OF_DUTY)
        form = SeaForm(
            kind, trip, str(uuid.uuid4()), form_time(self._services.now_ms()),
            {"haul": haul, "violation": violation, "port": "CHR"},
        )  # fmt: skip
        if kind == "trip" and trip:
            form = self._of_trip(mine, info, form)
        if haul:
            form = self._of_haul(mine, form, trip, haul, self._services.now_ms())
        if corrects:
            old = mine.seen.get_vessel_record(corrects)
            form = replace(
                form, kind=old.kind, trip=old.trip or "", corrects=old.id,
                happened=form_time(old.happened_ms), behalf=old.entered_for,
                values=values_of(lang_of(request), old.kind, old.fields),
            )  # fmt: skip
            if end and old.kind == "trip":
                form = self._ended(form)
        return self._form(request, info, form)

    def _ended(self, form: SeaForm) -> SeaForm:
        """Return the form of a trip that landed now, where it left."""
        landed = {
            "return_ms": form_time(self._services.now_ms()),
            "return_port": form.values.get("departure_port", ""),
        }
        told = {name: text for name, text in form.values.items() if text}
        return replace(form, values={**landed, **told})

    def _of_trip(self, mine: Services, info: VesselInfo, form: SeaForm) -> SeaForm:
        """Return a trip's form filled with the boat's gear and what positions show."""
        ends = seen_ends(mine.seen, info.id, form.trip)
        values = {**form.values, "gear": info.gear or "", **ends}
        return replace(form, values=values)

    @staticmethod
    def _of_haul(
        mine: Services, form: SeaForm, trip: str, haul: str, form_ms: int
    ) -> SeaForm:
        """Return a form filled with what positions show of a haul."""
        found = trip_view(mine.seen, trip, form_ms).found
        hauls = () if found is None else found.hauls
        known = next((one for one in hauls if one.id == haul), None)
        if known is None:
            return form
        values = {"haul": haul, "set_ms": form_time(known.set_ms or known.began_ms)}
        return replace(form, values=values, happened=form_time(known.ended_ms))

    def _form(self, request: Request, info: VesselInfo, form: SeaForm) -> HTMLResponse:
        lang = lang_of(request)
        return self._render.page(
            request,
            "sea_record.html",
            status=422 if form.trouble else 200,
            vessel=info,
            form=form,
            kind_name=say(lang, f"sea_kind_{form.kind}"),
            fields=sea_field_views(lang, form),
            input_type=input_type,
            may_add_photo=self._services.photos is not None,
            skippers=skippers_of(
                self._services.registry, info, self._doors.known(request).person
            ),
            back=self._back(self._doors.mine(request), info, form.trip),
        )

    @staticmethod
    def _back(mine: Services, info: VesselInfo, trip: str) -> str:
        """Return the trip's page, or the boat's while the trip is only being begun."""
        if trip:
            try:
                mine.seen.vessel_of_trip(trip)
            except MissingError:
                pass
            else:
                return f"/trips/{trip}"
        return f"/vessels/{info.id}/book"

    def enter(self, request: Request, vessel: str, sent: PhotoForm) -> Response:
        """Enter a record; typed wrong, the form comes back with what was typed."""
        form, raw = sent
        self._doors.check_form(request, form.get("csrf", ""))
        mine, lang = self._doors.mine(request), lang_of(request)
        info = mine.seen.get_vessel(vessel)
        kind = form.get("kind", "")
        person = self._doors.sailor(request, or_on_duty=kind in OF_DUTY)
        get_vessel_kind(kind)
        typed = SeaForm(
            kind, form.get("trip", ""), form.get("id", ""), form.get("happened", ""),
            typed_values(form), form.get("behalf", ""), form.get("corrects", ""),
        )  # fmt: skip
        try:
            self._keep(person, self._meant(lang, info, typed, form), raw)
        except FieldError as exc:
            known = {one.name for one in get_vessel_kind(kind).fields}
            field = exc.field if exc.field in known else ""
            words = say(lang, "not_saved", reason=refused(lang, exc))
            return self._form(request, info, replace(typed, field=field, trouble=words))
        except (InputError, ConflictError) as exc:
            words = say(lang, "not_saved", reason=refused(lang, exc))
            return self._form(request, info, replace(typed, trouble=words))
        back = f"/trips/{typed.trip}" if typed.trip else f"/vessels/{info.id}/book"
        return RedirectResponse(back, 303)

    def _keep(self, person: str, new: NewVesselRecord, raw: bytes) -> None:
        """Enter a record with its photo (empty: none); with one that cannot be, nothing."""
        if not raw:
            self._books.record(person, new)
            return
        album, picture = album_of(self._services), drawn_anew(raw)
        kept = self._books.record(person, new)
        add_sea_photo(self._services.registry, album, person, kept.id, picture)

    @staticmethod
    def _meant(
        lang: Lang, info: VesselInfo, typed: SeaForm, form: Mapping[str, str]
    ) -> NewVesselRecord:
        fields = meant_fields(lang, typed.kind, form)
        return NewVesselRecord(
            id=typed.record,
            vessel=info.id,
            kind=typed.kind,
            trip=typed.trip or None,
            happened_ms=local_ms("happened", typed.happened),
            fields=fields,
            entered_for=typed.behalf or None,
            corrects=typed.corrects or None,
            source="position" if fields.get("haul") else "hand",
        )
