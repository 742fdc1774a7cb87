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
    session: Session, table: PhotoTable, records: Collection[str]
) -> Sequence[Photo]:
    """Return these records' photos, the first first."""
    query = (
        select(table)
        .where(table.record.in_(sorted(records)))
        .order_by(table.added_ms, table.digest)
    )
    return [parsed_of(Photo, row) for row in session.scalars(query)]


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
