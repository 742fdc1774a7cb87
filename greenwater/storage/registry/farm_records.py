"""Confirmations of records that somebody entered for another, and photos on records."""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import select

from greenwater.storage.registry.models import Membership, Person
from greenwater.storage.registry.models.books import RecordRow
from greenwater.storage.registry.models.farm_records import (
    RecordConfirmationRow,
    RecordPhotoRow,
)
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.photos import Photo, photos_of, put_photo
from greenwater.storage.registry.rows import get_row
from greenwater.storage.registry.session import Sessions

KEEPERS: Final = (Role.FARMER, Role.TECHNICIAN, Role.ADMIN)
"""Who keeps a farm's books."""


class Confirmation(Struct, frozen=True):
    """A person stood by a record at an instant."""

    record: str
    person: str
    at_ms: int


class FarmRecordsSeen:
    """Mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def confirmations(
        self, records: Collection[str] | None = None
    ) -> Sequence[Confirmation]:
        """Return who stood by these records (None: by any), the first first."""
        query = select(RecordConfirmationRow).order_by(
            RecordConfirmationRow.at_ms, RecordConfirmationRow.record
        )
        if records is not None:
            query = query.where(RecordConfirmationRow.record.in_(sorted(records)))
        with self._sessions.reading() as session:
            return [
                Confirmation(row.record, row.person, row.at_ms)
                for row in session.scalars(query)
            ]

    def keepers_of(self, organisation: str) -> Sequence[tuple[str, str]]:
        """Return who keeps an organisation's books, as (person, name), by name."""
        query = (
            select(Person.id, Person.name)
            .join(Membership, Membership.person == Person.id)
            .where(
                Membership.organisation == organisation, Membership.role.in_(KEEPERS)
            )
            .distinct()
            .order_by(Person.name, Person.id)
        )
        with self._sessions.reading() as session:
            return [(one, name) for one, name in session.execute(query)]

    def photos(self, record: str) -> Sequence[Photo]:
        """Return a record's photos, the first first."""
        with self._sessions.reading() as session:
            return photos_of(session, RecordPhotoRow, {record})


class FarmRecords(FarmRecordsSeen):
    """Mixed into ``Registry``. Adding what is there already changes nothing.

    Raises (every method):
        MissingError: there is no such record.
    """

    def confirm_record(self, record: str, person: str, *, now_ms: int) -> bool:
        """Note that a person stands by a record; return whether that is new."""
        with self._sessions.writing() as session:
            organisation = get_row(session, RecordRow, record, lock=True).organisation
            known = session.get(RecordConfirmationRow, (record, person))
            if known is not None:
                return False
            session.add(
                RecordConfirmationRow(
                    organisation=organisation,
                    record=record,
                    person=person,
                    at_ms=now_ms,
                )
            )
            return True

    def add_photo(self, photo: Photo, *, most: int) -> bool:
        """Put a photo on a record; return whether it is new there.

        Raises:
            ConflictError: the record has ``most`` photos already.
        """
        with self._sessions.writing() as session:
            found = get_row(session, RecordRow, photo.record, lock=True)
            return put_photo(session, RecordPhotoRow, found.organisation, photo, most)
