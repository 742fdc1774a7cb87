"""What hangs on a farm's records: confirmations and photos. Never changed (0012)."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Tenanted, within


class RecordConfirmationRow(Tenanted, Base):
    """A person stands by a record that another one entered for him."""

    __tablename__ = "record_confirmation"
    __table_args__ = (within("organisation", "record", of="record"),)
    record: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    at_ms: Mapped[int]


class RecordPhotoRow(Tenanted, Base):
    """A photo on a record; its bytes lie in the platform's folder under ``digest``."""

    __tablename__ = "record_photo"
    __table_args__ = (within("organisation", "record", of="record"),)
    record: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    added_ms: Mapped[int]
    added_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
