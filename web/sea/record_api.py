"""A vessel's book for phones that were offline: batches of records in, the book out.

A batch may be sent again, in parts and in any order: each record has an id that the phone
made, and an answer of its own. What is refused holds nothing else up.
"""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse
from msgspec import Struct

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.records import FieldError
from traceability.sea.trip_book import in_force
from traceability.sea.vessels import CONFIRMATION, NewVesselRecord, VesselBooks
from web.api.readings import iso
from web.door.bodies import up_to
from web.door.doors import Doors
from web.pages import lang_of
from web.ports import Services
from web.views.refused import refused
from web.words import Lang

MOST: Final = 200
MAX_BYTES: Final = 1_000_000


class SentAtSea(Struct, frozen=True, forbid_unknown_fields=True):
    """One record as a phone sends it; times are ISO 8601 with a zone.

    ``entered`` is when it was typed. A ``confirmation`` has ``{"covers": …}`` for fields:
    digests by record, as ``GET`` gave them.
    """

    id: str
    kind: str
    happened: str
    entered: str
    fields: dict[str, Any]
    trip: str | None = None
    corrects: str | None = None
    behalf_of: str | None = None
    source: str = "hand"


class VesselRecordBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Records as they are sent together, as they should be."""

    records: Annotated[list[SentAtSea], msgspec.Meta(max_length=MOST)]


Body = Annotated[bytes, Depends(up_to(MAX_BYTES))]
Number = Annotated[
    str,
    PathParameter(
        max_length=20,
        description="Registration number.",
        json_schema_extra={"pattern": "^[A-Z]{2,3}-[0-9]{4,5}-TS$"},
    ),
]


class SeaRecordApi:
    """Routes under ``/api/v1/vessels/{vessel}/records``."""

    def __init__(self, services: Services, doors: Doors) -> None:
        self._services, self._doors = services, doors
        self._books = VesselBooks(services.registry, services.telemetry, services.clock)

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.post("/api/v1/vessels/{vessel}/records")(self.take)
        routes.get("/api/v1/vessels/{vessel}/records")(self.listed)
        return routes

    def take(self, request: Request, vessel: Number, body: Body) -> JSONResponse:
        """Take records in; each is answered: stored, same, conflict or refused.

        Needs a session, and its form token in the header ``X-CSRF-Token``.
        """
        self._doors.check_header(request)
        info = self._doors.mine(request).seen.get_vessel(vessel)
        person = self._doors.sailor(request, or_on_duty=True)
        lang = lang_of(request)
        results = [self._one(person, info.id, one, lang) for one in _decoded(body)]
        return _fresh({"results": results})

    def _one(self, person: str, vessel: str, raw: Any, lang: Lang) -> dict[str, Any]:
        named = str(raw.get("id", ""))[:64] if isinstance(raw, dict) else ""
        try:
            sent = _meant(raw, vessel)
            known = self._services.registry.find_vessel_record(sent.id)
            self._keep(person, sent)
        except ConflictError as exc:
            return {"id": named, "status": "conflict", "reason": refused(lang, exc)}
        except (InputError, MissingError) as exc:
            field = exc.field if isinstance(exc, FieldError) else None
            return {
                "id": named,
                "status": "refused",
                "field": field,
                "reason": refused(lang, exc),
            }
        return {"id": named, "status": "stored" if known is None else "same"}

    def _keep(self, person: str, sent: NewVesselRecord) -> None:
        if sent.kind == CONFIRMATION:
            self._books.take_confirmation(person, sent)
        else:
            self._books.record(person, sent)

    def listed(self, request: Request, vessel: Number) -> JSONResponse:
        """List a vessel's records by when they happened; corrected ones too."""
        seen = self._doors.mine(request).seen
        records = seen.vessel_records(vessel=seen.get_vessel(vessel).id)
        counting = {one.record.id for one in in_force(records)}
        return _fresh({"records": [_document(one, counting) for one in records]})


def _fresh(document: dict[str, Any]) -> JSONResponse:
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


def _decoded(body: bytes) -> list[Any]:
    if len(body) > MAX_BYTES:
        raise InputError(f"a batch has at most {MAX_BYTES} bytes: send it in parts")
    try:
        batch = msgspec.json.decode(body, type=dict[str, list[Any]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InputError(f"this is no batch of records: {exc}") from None
    records = batch.get("records", [])
    if set(batch) - {"records"} or len(records) > MOST:
        raise InputError(f'a batch is {{"records": […]}} with at most {MOST} records')
    return records


def _meant(raw: Any, vessel: str) -> NewVesselRecord:
    try:
        sent = msgspec.convert(raw, SentAtSea)
    except msgspec.ValidationError as exc:
        raise InputError(str(exc)) from None
    return NewVesselRecord(
        id=sent.id,
        vessel=vessel,
        kind=sent.kind,
        trip=sent.trip,
        happened_ms=_instant("happened", sent.happened),
        entered_ms=_instant("entered", sent.entered),
        fields=sent.fields,
        entered_for=sent.behalf_of,
        corrects=sent.corrects,
        source=sent.source,
    )


def _instant(name: str, text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no zone")
        return milliseconds(at)
    except (ValueError, OverflowError):
        raise FieldError(
            name, f"{name} {text[:40]!r} is no instant such as 2026-11-23T07:30+07:00"
        ) from None


def _document(one: VesselRecord, counting: set[str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "trip": one.trip,
        "kind": one.kind,
        "happened": iso(one.happened_ms),
        "entered": iso(one.entered_ms),
        "received": iso(one.received_ms),
        "entered_by": one.entered_by,
        "behalf_of": one.entered_for,
        "source": one.source,
        "fields": one.fields,
        "corrects": one.corrects,
        "digest": one.digest,
        "counts": one.id in counting,
    }
