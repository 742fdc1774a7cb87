"""The farm's book for phones that were offline: batches of records in, the book out by pages."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Struct

from greenwater.storage.registry.books import Record
from greenwater.storage.registry.scope import Scope
from traceability.book.books import NewRecord
from traceability.book.recording import Recording
from web.api.answers import MOST, After, Limit, page_answer, page_of, place_of
from web.api.batches import Body, batch_answer, instant_in, sent_as
from web.api.readings import iso
from web.door.doors import Doors
from web.door.programs import Programs
from web.pages import lang_of
from web.ports import Services

READ: Final = "records:read"


class Sent(Struct, frozen=True, forbid_unknown_fields=True):
    """One record as a phone sends it; ``happened`` is ISO 8601 with a zone."""

    id: str
    kind: str
    happened: str
    fields: dict[str, str | float | int | None]
    crop: str | None = None
    unit: str | None = None
    site: str | None = None
    organisation: str | None = None
    corrects: str | None = None
    behalf_of: str | None = None
    source: str = "hand"


class RecordBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Records as they are sent together, as they should be."""

    records: Annotated[list[Sent], msgspec.Meta(max_length=MOST)]


class RecordApi:
    """Routes under ``/api/v1/records``."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._doors, self._programs = doors, Programs(services, doors)
        self._books = services.books

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.post("/api/v1/records")(self.take)
        routes.get("/api/v1/records")(self.listed)
        return routes

    def take(self, request: Request, body: Body) -> Response:
        """Take records in; each is answered: stored, same, conflict or refused.

        Needs a session, and its form token in the header ``X-CSRF-Token``.
        """
        self._doors.check_header(request)
        person = self._doors.writer(request)
        recording = self._books.recording.for_many()

        def take(raw: msgspec.Raw) -> dict[str, Any]:
            return _taken(recording, person, sent_as(raw, Sent))

        return batch_answer(body, lang_of(request), "/records", take)

    def listed(
        self, request: Request, after: After = None, limit: Limit = 100
    ) -> Response:
        """List the book in order of entry; ``next`` leads on, until it is null."""
        seen = self._programs.seen(request, READ)
        found = seen.records_after(place_of(after), limit=limit + 1)
        page, following = page_of(found, limit, lambda one: (one.entered_ms, one.id))
        return page_answer(request, "records", _documents(seen, page), following)


def _taken(recording: Recording, person: str, sent: Sent) -> dict[str, Any]:
    facts = {name: getattr(sent, name) for name in Sent.__struct_fields__}
    happened_ms = instant_in("happened", facts.pop("happened"))
    entered = recording.take(person, NewRecord(happened_ms=happened_ms, **facts))
    status = "stored" if entered.is_new else "same"
    notice = {"notice": entered.notice} if entered.notice else {}
    return {"id": entered.record.id, "status": status, **notice}


def _documents(seen: Scope, records: Sequence[Record]) -> list[dict[str, Any]]:
    ids = {one.id for one in records}
    confirmed = {(one.record, one.person) for one in seen.confirmations(ids)}
    return [
        {
            "id": one.id,
            "kind": one.kind,
            "organisation": one.organisation,
            "site": one.site,
            "unit": one.unit,
            "crop": one.crop,
            "happened": iso(one.happened_ms),
            "entered": iso(one.entered_ms),
            "entered_by": one.entered_by,
            "behalf_of": one.behalf_of,
            "is_confirmed": one.behalf_of is not None
            and (one.id, one.behalf_of) in confirmed,
            "source": one.source,
            "fields": one.fields,
            "corrects": one.corrects,
            "digest": one.digest,
        }
        for one in records
    ]
