"""The book: what was entered last, what waits, what is left; entering a record."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.reference.records import get_kind
from greenwater.storage.registry.books import Record
from greenwater.storage.registry.naming import units_of
from traceability.book.stock import STOCK_KINDS, Stock, stock_of
from traceability.records import FieldError
from web.door.doors import Doors
from web.door.forms import Fields
from web.pages import Renderer, lang_of
from web.ports import Services
from web.views.formats import day, form_time
from web.views.recordforms import (
    FormState,
    checked_place,
    is_field_trouble,
    meant,
    needs_place,
    stock_texts,
    troubled,
    where_words,
    wheres_of,
)
from web.views.records import (
    field_trouble,
    field_views,
    kind_groups,
    record_view,
    replaced,
    typed_fields,
    writers_of,
)
from web.views.refused import refused
from web.words import say

NEWEST: Final = 20


class RecordPages:
    """Entries of the book."""

    def __init__(self, services: Services, render: Renderer, doors: Doors) -> None:
        self._services, self._render, self._doors = services, render, doors
        self._books = services.books

    def routes(self) -> APIRouter:
        """Return the routes; ``/records/new`` must stand before ``/records/{record}``."""
        routes = APIRouter()
        routes.get("/records", response_class=HTMLResponse)(self.records_page)
        routes.get("/records/new", response_class=HTMLResponse)(self.new_page)
        routes.post("/records")(self.enter)
        return routes

    # The list

    def records_page(self, request: Request) -> HTMLResponse:
        """Every crop, what waits for the visitor, what was entered last, what is left."""
        mine, lang = self._doors.mine(request), lang_of(request)
        now_ms, waiting = self._services.now_ms(), self._waiting(request, mine)
        units = {one.id: one.name for one in units_of(mine.seen).values()}
        newest = mine.seen.newest_records(NEWEST)
        names = self._services.registry.names(writers_of([*newest, *waiting]))
        ids = {one.id for one in newest}
        later = [one for one in mine.seen.corrections_of(ids) if one.id not in ids]
        gone = replaced([*newest, *later])
        return self._render.page(
            request,
            "records.html",
            may_act=self._doors.may_act(request),
            now_ms=now_ms,
            groups=kind_groups(lang),
            crops=[
                {
                    "href": f"/crops/{crop.id}",
                    "name": crop.name,
                    "unit": units.get(crop.unit, crop.unit),
                    "since": day(crop.started_ms),
                    "is_open": crop.ended_ms is None,
                }
                for crop in mine.seen.crops()
            ],
            waiting=[record_view(lang, one, now_ms, names, gone) for one in waiting],
            records=[record_view(lang, one, now_ms, names, gone) for one in newest],
            stock=stock_texts(lang, self._stock(request, mine)),
        )

    def _waiting(self, request: Request, mine: Services) -> Sequence[Record]:
        person = self._doors.known(request).person
        return [] if person is None else mine.seen.awaiting_confirmation(person)

    def _stock(self, request: Request, mine: Services) -> list[Stock]:
        """Return what is left in the visitor's own stores."""
        return [
            one
            for name in self._doors.known(request).organisations
            for one in stock_of(mine.seen.records(organisation=name, kinds=STOCK_KINDS))
        ]

    # The form

    def new_page(
        self,
        request: Request,
        kind: str = "",
        crop: str = "",
        unit: str = "",
        site: str = "",
        corrects: str = "",
    ) -> Response:
        """Choose what to enter and where, then the form; as few taps as there can be."""
        mine = self._doors.mine(request)
        if corrects:
            return self._correction(request, mine, corrects)
        place = checked_place(mine, {"crop": crop, "unit": unit, "site": site})
        if not kind:
            return self._choose(request, place)
        needed = get_kind(kind).place
        wheres = [] if any(place.values()) else wheres_of(mine, needed)
        if len(wheres) == 1:
            return RedirectResponse(f"/records/new?kind={kind}&{wheres[0].query}", 303)
        if wheres or (not any(place.values()) and needs_place(kind)):
            return self._render.page(
                request,
                "record_where.html",
                kind=kind,
                kind_name=say(lang_of(request), f"record_{kind}"),
                wheres=wheres,
            )
        return self._form(request, mine, FormState(kind, place, {}, str(uuid.uuid4())))

    def _choose(self, request: Request, place: Mapping[str, str]) -> HTMLResponse:
        query = "".join(f"&{key}={value}" for key, value in place.items() if value)
        return self._render.page(
            request,
            "record_choose.html",
            groups=kind_groups(lang_of(request)),
            query=query,
        )

    def _correction(self, request: Request, mine: Services, old: str) -> HTMLResponse:
        record = mine.seen.get_record(old)
        lang = lang_of(request)
        place = {
            "crop": record.crop or "",
            "unit": "" if record.crop else record.unit or "",
            "site": "" if record.crop or record.unit else record.site or "",
        }
        happened = form_time(record.happened_ms)
        state = FormState(
            record.kind, place, typed_fields(lang, record), str(uuid.uuid4()),
            happened, record.id, record.behalf_of or "",
        )  # fmt: skip
        return self._form(request, mine, state)

    def _form(self, request: Request, mine: Services, state: FormState) -> HTMLResponse:
        lang = lang_of(request)
        where, back = where_words(mine, lang, state.place)
        visitor = self._doors.known(request)
        keepers = {
            person: name
            for one in visitor.organisations
            for person, name in mine.seen.keepers_of(one)
            if person != visitor.person
        }
        return self._render.page(
            request,
            "record.html",
            status=422 if state.trouble else 200,
            state=state,
            where=where,
            back=back,
            kind_name=say(lang, f"record_{state.kind}"),
            happened=state.happened or form_time(self._services.now_ms()),
            trouble=state.trouble if not is_field_trouble(state) else "",
            keepers=sorted(keepers.items(), key=lambda one: one[1]),
            fields=field_views(
                lang, state.kind, state.values, state.field, state.trouble
            ),
        )

    def enter(self, request: Request, form: Fields) -> Response:
        """Enter a record; typed wrong, the form comes back with what was typed."""
        self._doors.check_form(request, form.get("csrf", ""))
        person, mine, lang = (
            self._doors.writer(request), self._doors.mine(request), lang_of(request),
        )  # fmt: skip
        place = checked_place(
            mine, {name: form.get(name, "") for name in ("crop", "unit", "site")}
        )
        kind = form.get("kind", "")
        typed = {
            one.name: form.get(f"f_{one.name}", "") for one in get_kind(kind).fields
        }
        state = FormState(
            kind, place, typed, form.get("id", ""), form.get("happened", ""),
            form.get("corrects", ""), form.get("behalf_of", ""),
        )  # fmt: skip
        try:
            record = self._books.record(person, meant(lang, state))
        except FieldError as exc:
            words = field_trouble(lang, exc, typed.get(exc.field, state.happened))
            return self._form(request, mine, troubled(state, words, exc.field))
        except (InputError, ConflictError) as exc:
            return self._form(request, mine, troubled(state, refused(lang, exc)))
        return RedirectResponse(
            f"/crops/{record.crop}" if record.crop else f"/records/{record.id}", 303
        )
