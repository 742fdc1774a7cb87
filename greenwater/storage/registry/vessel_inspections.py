"""What inspectors signed of vessels with the keys of their phones, and the photos of it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import select

from greenwater.kernel.errors import ConflictError
from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry.inspections import InspectionPhoto
from greenwater.storage.registry.models.scans import (
    VesselInspectionPhotoRow,
    VesselInspectionRow,
)
from greenwater.storage.registry.rows import insert, parsed_of, standing
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.ledger import EventDraft, append_events


class VesselInspection(Struct, frozen=True, kw_only=True):
    """What an inspector of ``authority`` found of a vessel, ``organisation``'s.

    ``result`` is ``conformant`` or ``non_conformant``, ``found`` the rest of what he
    signed, taken apart; ``statement`` is the whole text as it was signed.
    """

    id: str
    organisation: str
    vessel: str
    authority: str
    person: str
    key: str
    result: str
    note: str
    found: dict[str, Any]
    statement: str
    happened_ms: int
    received_ms: int


def _inspection(row: VesselInspectionRow) -> VesselInspection:
    return parsed_of(VesselInspection, row)


class VesselInspectionsSeen:
    """What may be asked of inspections of vessels; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def vessel_inspections(
        self,
        *,
        vessel: str | None = None,
        person: str | None = None,
        limit: int | None = None,
    ) -> Sequence[VesselInspection]:
        """Return inspections of vessels, the newest first."""
        query = select(VesselInspectionRow).order_by(
            VesselInspectionRow.happened_ms.desc(), VesselInspectionRow.id
        )
        if vessel is not None:
            query = query.where(
                VesselInspectionRow.vessel == parse_registration(vessel)
            )
        if person is not None:
            query = query.where(VesselInspectionRow.person == person)
        with self._sessions.reading() as session:
            return [_inspection(row) for row in session.scalars(query.limit(limit))]

    def find_vessel_inspection(self, inspection: str) -> VesselInspection | None:
        """Return one inspection of a vessel, if there is one of that id."""
        query = select(VesselInspectionRow).where(VesselInspectionRow.id == inspection)
        with self._sessions.reading() as session:
            row = session.scalar(query)
            return None if row is None else _inspection(row)

    def vessel_inspection_photos(self, *inspections: str) -> Sequence[InspectionPhoto]:
        """Return the photos that have come in of some inspections of vessels."""
        query = (
            select(VesselInspectionPhotoRow)
            .where(VesselInspectionPhotoRow.inspection.in_(inspections))
            .order_by(
                VesselInspectionPhotoRow.received_ms, VesselInspectionPhotoRow.digest
            )
        )
        with self._sessions.reading() as session:
            return [parsed_of(InspectionPhoto, row) for row in session.scalars(query)]


class VesselInspections(VesselInspectionsSeen):
    """Mixed into ``Registry``."""

    def add_vessel_inspection(
        self, inspection: VesselInspection, events: Sequence[EventDraft]
    ) -> bool:
        """Keep an inspection of a vessel with its trace event; return whether it is new.

        Raises:
            ConflictError: its id stands for another statement.
        """
        with self._sessions.writing() as session:
            row = msgspec.structs.asdict(inspection)
            known = standing(session, VesselInspectionRow, row)
            if known is not None:
                if known.statement == inspection.statement:
                    return False
                raise ConflictError(
                    f"inspection {inspection.id} is there already with other content",
                    "inspection_other",
                )
            append_events(
                session, inspection.organisation, events, inspection.received_ms
            )
            return True

    def add_vessel_inspection_photo(self, photo: InspectionPhoto) -> None:
        """Keep that a photo came in; the same again changes nothing."""
        row = msgspec.structs.asdict(photo)
        with self._sessions.writing() as session:
            added = insert(session, VesselInspectionPhotoRow).values(**row)
            session.execute(added.on_conflict_do_nothing())
