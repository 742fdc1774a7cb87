"""One entry of the book: what it says, who stands by it, its versions, its photos."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.reference.records import get_kind
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Record
from traceability.book.books import NewRecord
from traceability.book.families import family_of
from traceability.book.photos import MOST
from traceability.corrections import Family, is_fitting
from web.door.doors import Doors
from web.door.forms import Fields
from web.door.photos import PhotoIn, album_of, shown_photo
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import moment
from web.views.recordforms import where_words
from web.views.records import by_whom, field_texts, record_view, substance_texts
from web.views.refused import refused
from web.words import Lang, say


@dataclass(frozen=True)
class VersionView:
    """One of the versions of an entry."""

    id: str
    mark: str
    when: str
    by: str
    text: str
    is_chosen: bool
    is_rival: bool


class EntryPages:
    """The page of one entry, and what is done there."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._books = services.books

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.get("/records/{record}", response_class=HTMLResponse)(self.page)
        routes.post("/records/{record}/confirm")(self.confirm)
        routes.post("/records/{record}/keep")(self.keep)
        routes.post("/records/{record}/photos")(self.add_photo)
        routes.get("/records/{record}/photos/{digest}")(self.photo)
        return routes

    def page(self, request: Request, record: str) -> HTMLResponse:
        """One entry."""
        return self._page(request, record)

    def _page(self, request: Request, record: str, trouble: str = "") -> HTMLResponse:
        mine, lang = self._doors.mine(request), lang_of(request)
        found = mine.seen.get_record(record)
        names, now_ms = self._services.registry.names(), self._services.now_ms()
        family = family_of(self._services.registry, found)
        alarms, notes = substance_texts(lang, found)
        visitor, photos = self._doors.known(request), mine.seen.photos(record)
        confirmed = {one.person: one.at_ms for one in mine.seen.confirmations({record})}
        place = {"crop": found.crop or "", "unit": found.unit or "",
                 "site": found.site or ""}  # fmt: skip
        where, back = where_words(mine, lang, place)
        return self._render.page(
            request,
            "record_page.html",
            status=422 if trouble else 200,
            now_ms=now_ms,
            may_act=self._doors.may_act(request),
            record=record_view(lang, found, now_ms, names, set()),
            where=where,
            back=back,
            source=say(lang, f"record_source_{found.source}"),
            facts=field_texts(lang, found),
            alarms=alarms,
            notes=[*notes, *_odd(lang, self._services.registry, found)],
            asked=[
                say(lang, f"standard_{one}") for one in get_kind(found.kind).standards
            ],
            confirmation=_confirmation(lang, found, confirmed, names, now_ms),
            may_confirm=found.behalf_of is not None
            and visitor.person == found.behalf_of
            and visitor.person not in confirmed,
            versions=_versions(lang, family, names, now_ms),
            rivals=bool(family.rivals),
            photos=photos,
            may_add_photo=self._services.photos is not None and len(photos) < MOST,
            trouble=trouble,
        )

    def confirm(self, request: Request, record: str, form: Fields) -> Response:
        """Stand by an entry that another one made for the visitor."""
        self._doors.check_form(request, form.get("csrf", ""))
        person, mine = self._doors.writer(request), self._doors.mine(request)
        mine.seen.get_record(record)
        self._books.recording.confirm(person, record)
        return RedirectResponse(f"/records/{record}", 303)

    def keep(self, request: Request, record: str, form: Fields) -> Response:
        """Settle a conflict: this version is the right one."""
        self._doors.check_form(request, form.get("csrf", ""))
        person, mine = self._doors.writer(request), self._doors.mine(request)
        found = mine.seen.get_record(record)
        # Chosen twice on two pages, it is the same choice.
        choice = uuid.uuid5(uuid.UUID(found.id), f"chosen by {person}")
        self._books.record(
            person,
            NewRecord(
                id=str(choice), kind=found.kind, happened_ms=found.happened_ms,
                fields=found.fields, crop=found.crop, unit=found.unit, site=found.site,
                organisation=found.organisation, corrects=found.id,
            ),
        )  # fmt: skip
        return RedirectResponse(f"/records/{choice}", 303)

    def add_photo(self, request: Request, record: str, sent: PhotoIn) -> Response:
        """Put a photo on an entry; one that cannot be kept is refused with a sentence."""
        csrf, raw = sent
        self._doors.check_form(request, csrf)
        person, mine = self._doors.writer(request), self._doors.mine(request)
        mine.seen.get_record(record)
        lang = lang_of(request)
        try:
            album_of(self._services).add(person, record, raw)
        except (InputError, ConflictError) as exc:
            words = say(lang, "photo_refused", reason=refused(lang, exc))
            return self._page(request, record, words)
        return RedirectResponse(f"/records/{record}#photos", 303)

    def photo(self, request: Request, record: str, digest: str) -> Response:
        """The photo itself, for those who may see the entry."""
        mine = self._doors.mine(request)
        mine.seen.get_record(record)
        if digest not in {one.digest for one in mine.seen.photos(record)}:
            raise MissingError(f"record {record} has no photo {digest[:64]!r}")
        return shown_photo(self._services, digest)


def _odd(lang: Lang, registry: Registry, record: Record) -> list[str]:
    """Return what is odd about a correction: what it names has not come, or is another."""
    if record.corrects is None:
        return []
    old = registry.find_record(record.corrects)
    if old is None or old.organisation != record.organisation:
        return [say(lang, "record_waiting")]
    return [] if is_fitting(record, old) else [say(lang, "record_stray")]


def _confirmation(
    lang: Lang,
    record: Record,
    confirmed: Mapping[str, int],
    names: Mapping[str, str],
    now_ms: int,
) -> str:
    if record.behalf_of is None:
        return ""
    name = names.get(record.behalf_of, record.behalf_of)
    at_ms = confirmed.get(record.behalf_of)
    if at_ms is None:
        return say(lang, "record_unconfirmed", name=name)
    return say(lang, "record_confirmed", name=name, time=moment(lang, at_ms, now_ms))


def _versions(
    lang: Lang, family: Family, names: Mapping[str, str], now_ms: int
) -> list[VersionView]:
    """Return the versions of an entry in order of entry; none where there is only one."""
    if len(family.members) == 1:
        return []
    rivals = {one.id for one in family.rivals}
    return [
        VersionView(
            one.id,
            say(
                lang, "record_original" if one.corrects is None else "record_correction"
            ),
            moment(lang, one.entered_ms, now_ms),
            by_whom(lang, one, names),
            " · ".join(f"{label}: {text}" for label, text in field_texts(lang, one)),
            one.id == family.chosen.id,
            one.id in rivals,
        )
        for one in sorted(family.members, key=lambda one: (one.entered_ms, one.id))
    ]
