"""Photos on records: a farm's and a vessel's alike, each in a table of its own."""

from collections.abc import Collection, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError
from greenwater.storage.registry.models.farm_records import RecordPhotoRow
from greenwater.storage.registry.models.vessel_books import VesselRecordPhotoRow
from greenwater.storage.registry.rows import parsed_of
from greenwater.storage.registry.session import Sessions

PhotoTable: TypeAlias = type[RecordPhotoRow] | type[VesselRecordPhotoRow]


class Photo(Struct, frozen=True):
    """A photo on a record: the SHA-256 of its bytes, its size in pixels and bytes."""

    record: str
    digest: str
    width: int
    height: int
    size: int
    added_ms: int
    added_by: str


def photos_of(
    session: Session, table: PhotoTable, records: Collection[str] | None = None
) -> Sequence[Photo]:
    """Return these records' photos (None: all there are), the first first."""
    query = select(table).order_by(table.added_ms, table.digest)
    if records is not None:
        query = query.where(table.record.in_(sorted(records)))
    return [parsed_of(Photo, row) for row in session.scalars(query)]


class PhotosSeen:
    """Mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def every_photo(self) -> Sequence[Photo]:
        """Return all photos on records, of farms first, then of vessels."""
        with self._sessions.reading() as session:
            return [
                *photos_of(session, RecordPhotoRow),
                *photos_of(session, VesselRecordPhotoRow),
            ]


def put_photo(
    session: Session, table: PhotoTable, organisation: str, photo: Photo, most: int
) -> bool:
    """Put a photo on an organisation's record; return whether it is new there.

    Raises:
        ConflictError: the record has ``most`` photos already.
    """
    if session.get(table, (photo.record, photo.digest)) is not None:
        return False
    held = select(func.count()).select_from(table).where(table.record == photo.record)
    if (session.scalar(held) or 0) >= most:
        raise ConflictError(
            f"record {photo.record} has {most} photos already, which is the most",
            "photos_many",
            most=most,
        )
    session.add(table(organisation=organisation, **msgspec.structs.asdict(photo)))
    return True
