"""Inspectors' keys, and what they signed with them."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import select

from greenwater.kernel.errors import ConflictError
from greenwater.storage.registry.models.scans import (
    InspectionPhotoRow,
    InspectionRow,
    InspectorKeyRow,
)
from greenwater.storage.registry.rows import (
    add_once,
    get_row,
    insert,
    parse_name,
    standing,
    struct_of,
)
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.ledger import EventDraft, append_events


class InspectorKey(Struct, frozen=True):
    """A key of an inspector's phone; ``public`` is base64url of 32 bytes."""

    id: str
    person: str
    public: str
    name: str
    from_ms: int
    ended_ms: int | None = None
    is_lost: bool = False


class Inspection(Struct, frozen=True):
    """An inspector's verdict: ``conformant`` or ``non_conformant``.

    ``statement`` is the whole text as it was signed, ``label`` the serial that was seen.
    """

    id: str
    organisation: str
    lot: str
    label: str | None
    person: str
    key: str
    result: str
    note: str
    statement: str
    happened_ms: int
    received_ms: int


class InspectionPhoto(Struct, frozen=True):
    """A photo of an inspection: ``digest`` was signed, ``kept`` is what is shown of it."""

    organisation: str
    inspection: str
    digest: str
    kept: str
    size: int
    received_ms: int


class InspectionsSeen:
    """What may be asked about inspections; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def inspections(
        self, *, lot: str | None = None, person: str | None = None
    ) -> Sequence[Inspection]:
        """Return inspections, the newest first."""
        query = select(InspectionRow).order_by(
            InspectionRow.happened_ms.desc(), InspectionRow.id
        )
        if lot is not None:
            query = query.where(InspectionRow.lot == lot)
        if person is not None:
            query = query.where(InspectionRow.person == person)
        with self._sessions.reading() as session:
            return [struct_of(Inspection, row) for row in session.scalars(query)]

    def get_inspection(self, inspection: str) -> Inspection:
        """Return one inspection.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            return struct_of(Inspection, get_row(session, InspectionRow, inspection))

    def inspection_photos(self, *inspections: str) -> Sequence[InspectionPhoto]:
        """Return the photos that have come in of some inspections."""
        query = (
            select(InspectionPhotoRow)
            .where(InspectionPhotoRow.inspection.in_(inspections))
            .order_by(InspectionPhotoRow.received_ms, InspectionPhotoRow.digest)
        )
        with self._sessions.reading() as session:
            return [struct_of(InspectionPhoto, row) for row in session.scalars(query)]


class Inspections(InspectionsSeen):
    """Mixed into ``Registry``."""

    def inspector_keys(self, *, person: str | None = None) -> Sequence[InspectorKey]:
        """Return the keys of inspectors' phones, oldest first."""
        query = select(InspectorKeyRow).order_by(
            InspectorKeyRow.from_ms, InspectorKeyRow.id
        )
        if person is not None:
            query = query.where(InspectorKeyRow.person == person)
        with self._sessions.reading() as session:
            return [struct_of(InspectorKey, row) for row in session.scalars(query)]

    def find_inspector_key(self, key: str) -> InspectorKey | None:
        """Return a key by its id, if it was enrolled."""
        with self._sessions.reading() as session:
            row = session.get(InspectorKeyRow, key)
            return None if row is None else struct_of(InspectorKey, row)

    def add_inspector_key(self, key: InspectorKey) -> None:
        """Enrol a phone's key; the same again changes nothing.

        Raises:
            ConflictError: it is another person's.
        """
        facts = {"public": key.public, "person": key.person}
        made = {
            "name": parse_name(key.name),
            "from_ms": key.from_ms,
            "ended_ms": None,
            "is_lost": False,
        }
        with self._sessions.writing() as session:
            add_once(session, InspectorKeyRow, {"id": key.id}, facts, made=made)

    def end_inspector_key(self, key: str, *, at_ms: int, is_lost: bool) -> None:
        """End a key; one that ended stays so, and may still turn out to be lost.

        Raises:
            MissingError: there is no such key.
        """
        with self._sessions.writing() as session:
            row = get_row(session, InspectorKeyRow, key, lock=True)
            row.ended_ms = at_ms if row.ended_ms is None else row.ended_ms
            row.is_lost = row.is_lost or is_lost

    def add_inspection(
        self, inspection: Inspection, events: Sequence[EventDraft]
    ) -> bool:
        """Keep an inspection with its trace event; return whether it is new.

        Raises:
            ConflictError: its id stands for another statement.
        """
        with self._sessions.writing() as session:
            known = standing(session, InspectionRow, asdict(inspection))
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

    def add_inspection_photo(self, photo: InspectionPhoto) -> None:
        """Keep that a photo came in; the same again changes nothing."""
        with self._sessions.writing() as session:
            added = insert(session, InspectionPhotoRow).values(**asdict(photo))
            session.execute(added.on_conflict_do_nothing())
