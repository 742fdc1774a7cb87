"""A vessel's book, and the papers whose kilograms are drawn down."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.models import Vessel
from greenwater.storage.registry.models.books import LotRow
from greenwater.storage.registry.models.trips import TripRow
from greenwater.storage.registry.models.vessel_books import (
    CatchPaperRow,
    VesselRecordPhotoRow,
    VesselRecordRow,
)
from greenwater.storage.registry.photos import Photo, photos_of, put_photo
from greenwater.storage.registry.rows import get_row, parsed_of, standing
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.ledger import EventDraft, append_events

Kilograms = Mapping[str, float]
"""Kilograms by species (ASFIS alpha-3)."""


class VesselRecord(Struct, frozen=True, kw_only=True):
    """One entry in a vessel's book; ``digest`` is over what was typed.

    ``entered_ms`` is when it was typed on the device, ``received_ms`` when it came in.
    ``entered_by`` typed it, for ``entered_for`` (the skipper; often the same).
    """

    id: str
    organisation: str
    vessel: str
    trip: str | None
    kind: str
    happened_ms: int
    entered_ms: int
    received_ms: int
    entered_by: str
    entered_for: str
    source: str
    fields: dict[str, Any]
    corrects: str | None
    digest: str
    frozen: dict[str, Any] | None = None


class CatchPaper(Struct, frozen=True, kw_only=True):
    """Kilograms by species on a paper: ``receipt``, ``sc`` or ``cc``.

    A receipt draws from the ``landing``, an SC from a receipt, a CC from an SC.
    """

    id: str
    organisation: str
    kind: str
    landing: str
    parent: str | None
    number: str
    holder: str
    kilograms: dict[str, float]
    issued_ms: int
    entered_ms: int
    entered_by: str


def _record(row: VesselRecordRow) -> VesselRecord:
    return parsed_of(VesselRecord, row)


def _paper(row: CatchPaperRow) -> CatchPaper:
    return parsed_of(CatchPaper, row)


class VesselBooksSeen:
    """What may be asked about vessels' books; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def vessel_records(
        self,
        *,
        vessel: str | None = None,
        trip: str | None = None,
        kind: str | None = None,
        since_ms: int | None = None,
    ) -> Sequence[VesselRecord]:
        """Return the entries, by when they happened; corrected ones too.

        ``since_ms``: what happened from then on, and all papers.
        """
        query = select(VesselRecordRow).order_by(
            VesselRecordRow.happened_ms,
            VesselRecordRow.entered_ms,
            VesselRecordRow.id,
        )
        if vessel is not None:
            query = query.where(VesselRecordRow.vessel == parse_registration(vessel))
        if trip is not None:
            query = query.where(VesselRecordRow.trip == trip)
        if kind is not None:
            query = query.where(VesselRecordRow.kind == kind)
        if since_ms is not None:
            is_recent = VesselRecordRow.happened_ms >= since_ms
            query = query.where(is_recent | (VesselRecordRow.kind == "paper"))
        with self._sessions.reading() as session:
            return [_record(row) for row in session.scalars(query)]

    def get_vessel_record(self, record: str) -> VesselRecord:
        """Return one entry.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            return _record(get_row(session, VesselRecordRow, record))

    def find_vessel_record(self, record: str) -> VesselRecord | None:
        """Return one entry, if it has come in."""
        try:
            return self.get_vessel_record(record)
        except MissingError:
            return None

    def vessel_photos(self, *records: str) -> Sequence[Photo]:
        """Return the photos on some records, the first first."""
        with self._sessions.reading() as session:
            return photos_of(session, VesselRecordPhotoRow, records)

    def vessel_of_trip(self, trip: str) -> str:
        """Return the vessel of a trip, as analytics or the first record says.

        Raises:
            MissingError: nobody knows of such a trip.
        """
        records = (
            select(VesselRecordRow.vessel)
            .where(VesselRecordRow.trip == trip)
            .order_by(VesselRecordRow.received_ms, VesselRecordRow.id)
            .limit(1)
        )
        with self._sessions.reading() as session:
            found = session.scalar(select(TripRow.vessel).where(TripRow.id == trip))
            vessel = found or session.scalar(records)
        if vessel is None:
            raise MissingError(f"there is no trip {trip}")
        return vessel

    def lots_of_landing(self, landing: str) -> Sequence[Lot]:
        """Return the lots that were made of a landing, oldest first."""
        with self._sessions.reading() as session:
            return [_lot(row) for row in _lots(session, landing)]

    def catch_papers(self, *, landing: str) -> Sequence[CatchPaper]:
        """Return a landing's papers, in the order in which they were entered."""
        query = (
            select(CatchPaperRow)
            .where(CatchPaperRow.landing == landing)
            .order_by(CatchPaperRow.entered_ms, CatchPaperRow.id)
        )
        with self._sessions.reading() as session:
            return [_paper(row) for row in session.scalars(query)]

    def get_catch_paper(self, paper: str) -> CatchPaper:
        """Return one paper.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            return _paper(get_row(session, CatchPaperRow, paper))


def _entered(session: Session, record: VesselRecord) -> bool:
    get_row(session, Vessel, record.vessel)
    known = standing(session, VesselRecordRow, msgspec.structs.asdict(record))
    if known is None:
        return True
    if known.digest != record.digest:
        raise ConflictError(
            f"record {record.id} is there already with other content: enter a "
            "correction instead",
            "record_other",
        )
    return False


def _lots(session: Session, landing: str) -> Sequence[LotRow]:
    query = select(LotRow).where(LotRow.landing == landing)
    return session.scalars(query.order_by(LotRow.created_ms, LotRow.id)).all()


def _lot(row: LotRow) -> Lot:
    return parsed_of(Lot, row)


Drawing = Callable[[Sequence[CatchPaper]], None]
"""Given what was drawn already from the same source, raises where more is not there."""


class VesselBooks(VesselBooksSeen):
    """Mixed into ``Registry``. Adding what is there already changes nothing."""

    def add_vessel_records(self, records: Sequence[VesselRecord]) -> list[bool]:
        """Enter records, all or none; return which are new.

        Raises:
            MissingError: the vessel or a person is not registered.
            ConflictError: an id stands for other content.
        """
        with self._sessions.writing() as session:
            return [_entered(session, record) for record in records]

    def add_vessel_photo(self, photo: Photo, *, most: int) -> bool:
        """Put a photo on a record; return whether it is new there.

        Raises:
            MissingError: there is no such record.
            ConflictError: the record has ``most`` photos already.
        """
        with self._sessions.writing() as session:
            found = get_row(session, VesselRecordRow, photo.record, lock=True)
            return put_photo(
                session, VesselRecordPhotoRow, found.organisation, photo, most
            )

    def draw_lot(
        self,
        lot: Lot,
        events: Sequence[EventDraft],
        is_enough: Callable[[Sequence[Lot]], None],
    ) -> bool:
        """Keep a lot of a landing with its trace events; return whether it is new.

        Whoever draws from the same landing waits: ``is_enough`` sees every lot that was
        made of it before, and raises where there is not as much left.

        Raises:
            MissingError: there is no such landing.
        """
        with self._sessions.writing() as session:
            get_row(session, VesselRecordRow, lot.landing or "", lock=True)
            if session.get(LotRow, lot.id) is not None:
                return False
            is_enough([_lot(row) for row in _lots(session, lot.landing or "")])
            session.add(LotRow(**msgspec.structs.asdict(lot)))
            session.flush()
            append_events(session, lot.organisation, events, lot.created_ms)
            return True

    def draw_paper(self, paper: CatchPaper, is_enough: Drawing) -> bool:
        """Enter a paper; return whether it is new.

        Whoever draws from the same source waits: ``is_enough`` sees all that was drawn
        before, and nothing is drawn meanwhile.

        Raises:
            MissingError: there is no such landing or parent.
            ConflictError: the id stands for another paper, or ``is_enough`` says no.
        """
        with self._sessions.writing() as session:
            get_row(session, VesselRecordRow, paper.landing, lock=True)
            known = session.get(CatchPaperRow, paper.id)
            if known is not None:
                if _same(_paper(known), paper):
                    return False
                raise ConflictError(
                    f"paper {paper.id} stands for another one already", "paper_other"
                )
            if paper.parent is not None:
                get_row(session, CatchPaperRow, paper.parent)
            is_enough([_paper(row) for row in _drawn(session, paper)])
            session.add(CatchPaperRow(**msgspec.structs.asdict(paper)))
            return True


def _drawn(session: Session, paper: CatchPaper) -> Sequence[CatchPaperRow]:
    query = select(CatchPaperRow).where(CatchPaperRow.landing == paper.landing)
    if paper.parent is None:
        query = query.where(CatchPaperRow.parent.is_(None))
    else:
        query = query.where(CatchPaperRow.parent == paper.parent)
    return session.scalars(query).all()


def _same(one: CatchPaper, other: CatchPaper) -> bool:
    return msgspec.structs.replace(one, entered_ms=0) == msgspec.structs.replace(
        other, entered_ms=0
    )
