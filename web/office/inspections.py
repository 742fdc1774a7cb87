"""Inspections: phones of inspectors, and what they signed with no network."""

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import InputError, MissingError, UnavailableError
from traceability.book.photos import MAX_BYTES, Album
from traceability.label.inspections import MOST_AT_ONCE, MOST_BYTES, Inspecting, Taken
from web.api.answers import fresh
from web.api.problems import problem_response
from web.door.bodies import up_to
from web.door.doors import Doors, RefusedError
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import moment
from web.views.refused import refused, refused_text
from web.views.vesselinspections import inspection_views
from web.words import Lang, say

MOST_SENT: Final = MOST_AT_ONCE * MOST_BYTES * 2
Sent = Annotated[bytes, Depends(up_to(MOST_SENT))]
Photo = Annotated[bytes, Depends(up_to(MAX_BYTES))]


class Statements(msgspec.Struct, forbid_unknown_fields=True):
    """What a phone sends: each statement as it signed it."""

    statements: list[str]


class Answer(msgspec.Struct, frozen=True):
    """What became of one statement, in words of the inspector's language."""

    id: str
    state: str
    reason: str
    missing: tuple[str, ...]


def told(lang: Lang, one: Taken) -> Answer:
    """Return what a phone is told of a statement."""
    reason = refused_text(lang, one.key, one.facts) if one.key else one.reason
    return Answer(one.id, one.state, reason, one.missing)


class InspectionPages:
    """The pages of those who inspect, and the door for their phones."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._inspecting = Inspecting(services.registry, services.clock)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/inspections", response_class=HTMLResponse)(self.page)
        routes.post("/inspections/keys")(self.enrol)
        routes.post("/inspections/keys/{key}/end")(self.end)
        # Who sends it is asked before 16 MB are read: FastAPI goes by this order.
        asked = [Depends(self._inspector)]
        routes.post("/api/v1/inspections", dependencies=asked)(self.take_in)
        routes.post(
            "/api/v1/inspections/{inspection}/photos/{digest}", dependencies=asked
        )(self.take_photo)
        routes.get("/inspections/{inspection}/photos/{digest}")(self.photo)
        return routes

    def _inspector(self, request: Request) -> str:
        visitor = self._doors.known(request)
        if visitor.person is None or not visitor.inspects:
            raise RefusedError("this needs an inspector's account", "not_yours")
        return visitor.person

    def page(self, request: Request) -> HTMLResponse:
        """What one has inspected, what one's phones sign with."""
        person, lang = self._inspector(request), lang_of(request)
        registry, now_ms = (
            self._services.registry,
            self._services.now_ms(),
        )
        lots = {one.id: one for one in self._doors.mine(request).seen.lots()}
        done = registry.inspections(person=person)[:50]
        photos: dict[str, list[str]] = {}
        for one in registry.inspection_photos(*(known.id for known in done)):
            photos.setdefault(one.inspection, []).append(one.kept)
        return self._render.page(
            request,
            "inspections.html",
            now_ms=now_ms,
            person=person,
            keys=[
                (one, moment(lang, one.from_ms, now_ms))
                for one in registry.inspector_keys(person=person)
            ],
            found=[
                (
                    moment(lang, one.happened_ms, now_ms),
                    lots[one.lot],
                    say(lang, f"inspection_{one.result}"),
                    one.note,
                    [
                        f"/inspections/{one.id}/photos/{kept}"
                        for kept in photos.get(one.id, ())
                    ],
                )
                for one in done
                if one.lot in lots
            ],
            vessels=inspection_views(
                lang,
                registry,
                self._doors.mine(request).seen,
                registry.vessel_inspections(person=person, limit=50),
                now_ms,
            ),
        )

    def enrol(
        self,
        request: Request,
        csrf: Annotated[str, Form()],
        public: Annotated[str, Form(max_length=60)] = "",
        name: Annotated[str, Form(max_length=60)] = "",
    ) -> Response:
        """Believe a phone's key from now on."""
        self._doors.check_form(request, csrf)
        self._inspecting.enrol(self._inspector(request), public, name)
        return RedirectResponse("/inspections", 303)

    def end(
        self,
        request: Request,
        key: str,
        csrf: Annotated[str, Form()],
        lost: Annotated[str, Form(max_length=5)] = "",
    ) -> Response:
        """End a key; of a lost phone nothing is believed any more."""
        self._doors.check_form(request, csrf)
        self._inspecting.end(self._inspector(request), key, is_lost=bool(lost))
        return RedirectResponse("/inspections", 303)

    def take_in(self, request: Request, body: Sent) -> Response:
        """Take in statements that a phone signed; each is stored, the same, or refused.

        What comes twice is the same. A statement's own signature stands for the form's
        token: nobody but the phone can have made it.
        """
        person, lang = self._inspector(request), lang_of(request)
        if len(body) > MOST_SENT:
            raise InputError(f"send at most {MOST_AT_ONCE} inspections at once")
        try:
            sent = msgspec.json.decode(body, type=Statements)
        except msgspec.MsgspecError as exc:
            raise InputError(f"this is no list of statements: {exc}") from exc
        taken: list[Taken] = self._inspecting.take_in(person, sent.statements)
        return fresh({"results": [told(lang, one) for one in taken]})

    def take_photo(
        self, request: Request, inspection: str, digest: str, body: Photo
    ) -> Response:
        """Take in a photo that a statement names: its bytes, as they were signed.

        A refusal is in the inspector's language: his phone shows it beside what waits.
        """
        person, album = self._inspector(request), self._album()
        try:
            self._inspecting.take_photo(person, inspection, digest, body, album)
        except InputError as exc:
            reason = refused(lang_of(request), exc)
            return problem_response(request.url.path, 422, reason)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    def photo(self, request: Request, inspection: str, digest: str) -> Response:
        """A photo of an inspection, for those who may see the lot or vessel."""
        seen = self._doors.mine(request).seen
        photos = (
            *seen.inspection_photos(inspection),
            *seen.vessel_inspection_photos(inspection),
        )
        if digest not in {one.kept for one in photos}:
            raise MissingError(f"inspection {inspection} has no photo {digest[:64]!r}")
        return Response(
            self._album().read(digest),
            media_type="image/jpeg",
            headers={"Cache-Control": "private, max-age=86400, immutable"},
        )

    def _album(self) -> Album:
        folder = self._services.photos
        if folder is None:
            raise UnavailableError("this site keeps no photos")
        return Album(self._services.registry, self._services.clock, folder)
