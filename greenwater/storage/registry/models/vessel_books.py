"""A vessel's book: its records, the papers drawn from landings, overrides of the gate.

Nothing here is ever changed: the database itself refuses it (migrations 0013, 0018, 0030). Records
may come in any order from phones that had no network, so what a record belongs to (its
trip, what it corrects) is no foreign key: it may arrive later.
"""

from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Tenanted, within


class VesselRecordRow(Tenanted, Base):
    """One entry in a vessel's book, made under an id of the device it was typed on.

    ``trip`` NULL: it belongs to the vessel (its papers). ``frozen`` is what the platform
    knew when a confirmation came in: the trip and hauls as analytics had found them.
    """

    __tablename__ = "vessel_record"
    __table_args__ = (
        within("organisation", "vessel", of="vessel"),
        UniqueConstraint("organisation", "id"),
        Index("ix_vessel_record_vessel", "vessel", "happened_ms"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    vessel: Mapped[str]
    trip: Mapped[str | None] = mapped_column(index=True)
    kind: Mapped[str]
    happened_ms: Mapped[int]
    entered_ms: Mapped[int]
    received_ms: Mapped[int]
    entered_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    entered_for: Mapped[str] = mapped_column(ForeignKey("person.id"))
    source: Mapped[str]
    fields: Mapped[dict[str, Any]]
    corrects: Mapped[str | None]
    digest: Mapped[str]
    frozen: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class VesselRecordPhotoRow(Tenanted, Base):
    """A photo on a record of a vessel's book, as ``RecordPhotoRow`` on a farm's (0030)."""

    __tablename__ = "vessel_record_photo"
    __table_args__ = (within("organisation", "record", of="vessel_record"),)
    record: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    added_ms: Mapped[int]
    added_by: Mapped[str] = mapped_column(ForeignKey("person.id"))


class CatchPaperRow(Tenanted, Base):
    """Kilograms of species on a paper: a receipt of a landing, or drawn from another.

    ``landing`` is the first record of the landing; ``parent`` NULL on a receipt alone.
    """

    __tablename__ = "catch_paper"
    __table_args__ = (
        within("organisation", "landing", of="vessel_record"),
        within("organisation", "parent", of="catch_paper"),
        UniqueConstraint("organisation", "id"),
        CheckConstraint("(kind = 'receipt') = (parent IS NULL)", name="drawn_from"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    landing: Mapped[str] = mapped_column(index=True)
    parent: Mapped[str | None] = mapped_column(index=True)
    number: Mapped[str]
    holder: Mapped[str]
    kilograms: Mapped[dict[str, Any]]
    issued_ms: Mapped[int]
    entered_ms: Mapped[int]
    entered_by: Mapped[str] = mapped_column(ForeignKey("person.id"))


class GateOverrideRow(Tenanted, Base):
    """Somebody asks that a refusal of the gate be lifted, or a second person agrees.

    ``agrees`` NULL: it asks. Else it is the agreement to the row it names, of which
    there is one at most.
    """

    __tablename__ = "gate_override"
    __table_args__ = (
        within("organisation", "agrees", of="gate_override"),
        UniqueConstraint("organisation", "id"),
        UniqueConstraint("agrees"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(index=True)
    code: Mapped[str]
    reason: Mapped[str]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at_ms: Mapped[int]
    agrees: Mapped[str | None]


class CardRevocationRow(Tenanted, Base):
    """A vessel's trip cards are worth nothing any more that were made until then."""

    __tablename__ = "card_revocation"
    __table_args__ = (
        within("organisation", "vessel", of="vessel"),
        Index("ix_card_revocation_until", "until_ms"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    vessel: Mapped[str]
    until_ms: Mapped[int]
    reason: Mapped[str]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at_ms: Mapped[int]
