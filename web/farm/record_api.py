"""The book for phones that were offline: batches of records in, the book out by pages.

A batch may be sent again, in parts and in any order: each record has an id that the phone
made, and an answer of its own. What is refused is refused for a reason of its own, and
holds nothing else up.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from msgspec import Struct

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.books import Record
from greenwater.storage.registry.scope import Scope
from traceability.book.books import Books, NewRecord
from traceability.book.recording import Recording
from traceability.records import FieldError
from web.api.readings import iso
from web.door.bodies import up_to
from web.door.doors import Doors
from web.door.programs import Programs
from web.pages import lang_of
from web.ports import Services
from web.views.refused import refused
from web.words import Lang

MOST: Final = 200
"""Records in one batch, and on one page."""
MAX_BYTES: Final = 1_000_000
READ: Final = "records:read"
_CURSOR: Final = re.compile(r"(\d{1,15})\.([0-9a-f-]{36})")


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


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """Records as they came: one that is wrong keeps no other back."""

    records: list[msgspec.Raw]


Body = Annotated[bytes, Depends(up_to(MAX_BYTES))]


class RecordApi:
    """Routes under ``/api/v1/records``."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._doors, self._programs = doors, Programs(services, doors)
        self._books = Books(
            services.registry, services.telemetry, services.clock, services.take_in
        )

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.post("/api/v1/records")(self.take)
        routes.get("/api/v1/records")(self.listed)
        return routes

    def take(self, request: Request, body: Body) -> JSONResponse:
        """Take records in; each is answered: stored, same, conflict or refused.

        Needs a session, and its form token in the header ``X-CSRF-Token``.
        """
        self._doors.check_header(request)
        person = self._doors.writer(request)
        batch = _decoded(body)
        recording = self._books.recording.for_many()
        lang = lang_of(request)
        results = [_taken(recording, person, raw, lang) for raw in batch.records]
        return _fresh({"results": results})

    def listed(
        self,
        request: Request,
        after: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    ) -> Response:
        """List the book in order of entry; ``next`` leads on, until it is null."""
        seen = self._programs.seen(request, READ)
        found = seen.records_after(_place(after), limit=limit + 1)
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        following = None if last is None else f"{last.entered_ms}.{last.id}"
        return _fresh({"records": _documents(seen, page), "next": following})


def _taken(
    recording: Recording, person: str, raw: msgspec.Raw, lang: Lang
) -> dict[str, Any]:
    """Take one record in; why not is said to whoever reads it on his phone."""
    named = _id_in(raw)
    try:
        entered = recording.take(person, _meant(raw))
    except ConflictError as exc:
        return {"id": named, "status": "conflict", "reason": refused(lang, exc),
                "href": f"/records/{named}"}  # fmt: skip
    except FieldError as exc:
        return _refused(named, exc.field, refused(lang, exc))
    except (InputError, MissingError) as exc:
        return _refused(named, None, refused(lang, exc))
    answer = {
        "id": entered.record.id,
        "status": "stored" if entered.is_new else "same",
        "href": f"/records/{entered.record.id}",
    }
    return answer | ({"notice": entered.notice} if entered.notice else {})


def _fresh(document: dict[str, Any]) -> JSONResponse:
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


def _decoded(body: bytes) -> Batch:
    if len(body) > MAX_BYTES:
        raise InputError(f"a batch has at most {MAX_BYTES} bytes: send it in parts")
    try:
        batch = msgspec.json.decode(body, type=Batch)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InputError(f"this is no batch of records: {exc}") from None
    if len(batch.records) > MOST:
        raise InputError(f"a batch has at most {MOST} records: send it in parts")
    return batch


def _id_in(raw: msgspec.Raw) -> str:
    """Return the id that a record says it has, however wrong the rest of it is."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    named = found.get("id") if isinstance(found, dict) else None
    return named[:64] if isinstance(named, str) else ""


def _refused(named: str, field: str | None, reason: str) -> dict[str, Any]:
    return {"id": named, "status": "refused", "field": field, "reason": reason}


def _meant(raw: msgspec.Raw) -> NewRecord:
    try:
        sent = msgspec.json.decode(raw, type=Sent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        found = re.search(r"`\$\.?([a-z_.]*)", str(exc))
        raise FieldError(found[1] if found else "", str(exc)) from None
    try:
        at = datetime.fromisoformat(sent.happened)
        happened_ms = milliseconds(at)
    except (ValueError, OverflowError):
        at, happened_ms = None, 0
    if at is None or at.tzinfo is None:
        raise FieldError(
            "happened",
            f"happened {sent.happened[:40]!r} is no instant such as "
            "2026-11-23T07:30+07:00",
        )
    facts = {name: getattr(sent, name) for name in Sent.__struct_fields__}
    del facts["happened"]
    return NewRecord(happened_ms=happened_ms, **facts)


def _place(after: str | None) -> tuple[int, str] | None:
    if after is None:
        return None
    found = _CURSOR.fullmatch(after)
    if found is None:
        raise InputError(f"after={after[:60]!r} is not what a page gave as next")
    return int(found[1]), found[2]


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
