"""One entry of a vessel's book, and its photos: for whoever may see that vessel."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from traceability.book.photos import MOST, drawn_anew
from traceability.sea.crew import OF_DUTY, may_write
from traceability.sea.photos import add_sea_photo
from web.door.doors import Doors
from web.door.photos import PhotoIn, album_of, shown_photo
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.refused import refused
from web.views.trips import sea_record_views
from web.words import say


class SeaEntryPages:
    """``/vessel-records/{written}`` and what is under it."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/vessel-records/{written}", response_class=HTMLResponse)(self.page)
        routes.post("/vessel-records/{written}/photos")(self.add_photo)
        routes.get("/vessel-records/{written}/photos/{digest}")(self.photo)
        return routes

    def page(self, request: Request, written: str) -> HTMLResponse:
        """One entry."""
        return self._page(request, written)

    def _page(self, request: Request, written: str, trouble: str = "") -> HTMLResponse:
        mine, lang = self._doors.mine(request), lang_of(request)
        found = mine.seen.get_vessel_record(written)
        beside = mine.seen.vessel_records(
            vessel=found.vessel, trip=found.trip, kind=found.kind
        )
        names, now_ms = self._services.registry.names(), self._services.now_ms()
        views = sea_record_views(lang, mine.seen, beside, now_ms, names)
        photos = mine.seen.vessel_photos(written)
        visitor = self._doors.known(request)
        may_add = visitor.person is not None and may_write(
            self._services.registry, visitor.person, found.kind, found.organisation
        )
        has_room = self._services.photos is not None and len(photos) < MOST
        return self._render.page(
            request,
            "sea_entry.html",
            status=422 if trouble else 200,
            vessel=mine.seen.get_vessel(found.vessel),
            record=next(one for one in views if one.id == written),
            back=f"/trips/{found.trip}"
            if found.trip
            else f"/vessels/{found.vessel}/book",
            may_write=visitor.is_of_crew,
            photos=photos,
            may_add_photo=may_add and has_room,
            trouble=trouble,
        )

    def add_photo(self, request: Request, written: str, sent: PhotoIn) -> Response:
        """Put a photo on an entry; one that cannot be kept is refused with a sentence."""
        csrf, raw = sent
        self._doors.check_form(request, csrf)
        lang, registry = lang_of(request), self._services.registry
        found = self._doors.mine(request).seen.get_vessel_record(written)
        person = self._doors.sailor(request, or_on_duty=found.kind in OF_DUTY)
        try:
            album, picture = album_of(self._services), drawn_anew(raw)
            add_sea_photo(registry, album, person, written, picture)
        except (InputError, ConflictError) as exc:
            words = say(lang, "photo_refused", reason=refused(lang, exc))
            return self._page(request, written, words)
        return RedirectResponse(f"/vessel-records/{written}#photos", 303)

    def photo(self, request: Request, written: str, digest: str) -> Response:
        """The photo itself, for those who may see the entry."""
        seen = self._doors.mine(request).seen
        seen.get_vessel_record(written)
        if digest not in {one.digest for one in seen.vessel_photos(written)}:
            raise MissingError(f"record {written} has no photo {digest[:64]!r}")
        return shown_photo(self._services, digest)
