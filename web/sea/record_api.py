"""A vessel's book for phones that were offline: batches of records in, the book out."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter
from msgspec import Struct

from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.sea.trip_book import in_force
from traceability.sea.vessels import CONFIRMATION, NewVesselRecord
from web.api.answers import MOST, fresh
from web.api.batches import Body, batch_answer, instant_in, sent_as
from web.api.readings import iso
from web.door.doors import Doors
from web.pages import lang_of
from web.ports import Services


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
        self._books = services.vessel_books

    def routes(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter()
        routes.post("/api/v1/vessels/{vessel}/records")(self.take)
        routes.get("/api/v1/vessels/{vessel}/records")(self.listed)
        return routes

    def take(self, request: Request, vessel: Number, body: Body) -> Response:
        """Take records in; each is answered: stored, same, conflict or refused.

        Needs a session, and its form token in the header ``X-CSRF-Token``.
        """
        self._doors.check_header(request)
        info = self._doors.mine(request).seen.get_vessel(vessel)
        person = self._doors.sailor(request, or_on_duty=True)

        def take(raw: msgspec.Raw) -> dict[str, Any]:
            new = _meant(sent_as(raw, SentAtSea), info.id)
            known = self._services.registry.find_vessel_record(new.id)
            self._keep(person, new)
            return {"status": "stored" if known is None else "same"}

        return batch_answer(body, lang_of(request), "/vessel-records", take)

    def _keep(self, person: str, new: NewVesselRecord) -> None:
        if new.kind == CONFIRMATION:
            self._books.take_confirmation(person, new)
        else:
            self._books.record(person, new)

    def listed(self, request: Request, vessel: Number) -> Response:
        """List a vessel's records by when they happened; corrected ones too."""
        seen = self._doors.mine(request).seen
        records = seen.vessel_records(vessel=seen.get_vessel(vessel).id)
        counting = {one.record.id for one in in_force(records)}
        return fresh({"records": [_document(one, counting) for one in records]})


def _meant(sent: SentAtSea, vessel: str) -> NewVesselRecord:
    return NewVesselRecord(
        id=sent.id,
        vessel=vessel,
        kind=sent.kind,
        trip=sent.trip,
        happened_ms=instant_in("happened", sent.happened),
        entered_ms=instant_in("entered", sent.entered),
        fields=sent.fields,
        entered_for=sent.behalf_of,
        corrects=sent.corrects,
        source=sent.source,
    )


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
