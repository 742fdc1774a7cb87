"""Where labels were scanned, what the public reports of them, and inspections.

A scan keeps a coarse place and the hour, never an address of the network; it is counted,
not told one by one, and forgotten after a year. Inspections are never changed or deleted
(migrations 0015 and 0025): they are signed by the inspector's own key.
"""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Tenanted, within


class ScanRow(Tenanted, Base):
    """How often a label was scanned in an hour at a place; ``place`` '' is not told."""

    __tablename__ = "scan"
    __table_args__ = (within("organisation", "label", of="label"),)
    label: Mapped[str] = mapped_column(primary_key=True)
    hour_ms: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, index=True
    )
    place: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


class LabelReportRow(Tenanted, Base):
    """What somebody of the public says of a label: its text as it was read, and why."""

    __tablename__ = "label_report"
    __table_args__ = (UniqueConstraint("organisation", "id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]
    kind: Mapped[str]
    note: Mapped[str]
    place: Mapped[str]
    at_ms: Mapped[int] = mapped_column(index=True)
    answer: Mapped[str | None]
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    answered_ms: Mapped[int | None]


class InspectorKeyRow(Base):
    """The public half of a key that an inspector's phone signs with.

    ``ended_ms`` with ``is_lost``: nothing that comes in later is believed, whatever day
    it bears; without, what was signed before is.
    """

    __tablename__ = "inspector_key"
    id: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    public: Mapped[str]
    name: Mapped[str]
    from_ms: Mapped[int]
    ended_ms: Mapped[int | None]
    is_lost: Mapped[bool]


class InspectionRow(Tenanted, Base):
    """An inspector's verdict on a lot, as his phone signed it."""

    __tablename__ = "inspection"
    __table_args__ = (
        within("organisation", "lot", of="lot"),
        UniqueConstraint("organisation", "id"),
        Index("ix_inspection_lot", "lot", "happened_ms"),
        CheckConstraint(
            "result IN ('conformant', 'non_conformant')", name="known_result"
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str]
    label: Mapped[str | None]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    key: Mapped[str] = mapped_column(ForeignKey("inspector_key.id"))
    result: Mapped[str]
    note: Mapped[str]
    statement: Mapped[str]
    happened_ms: Mapped[int]
    received_ms: Mapped[int]


class InspectionPhotoRow(Tenanted, Base):
    """A photo that a statement names by ``digest``; ``kept`` is how it is shown.

    ``digest`` is the SHA-256 of the bytes that were signed, ``kept`` that of the picture
    drawn anew from them.
    """

    __tablename__ = "inspection_photo"
    __table_args__ = (within("organisation", "inspection", of="inspection"),)
    inspection: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    kept: Mapped[str]
    size: Mapped[int]
    received_ms: Mapped[int]


class VesselInspectionRow(Tenanted, Base):
    """What an inspector found of a vessel at its landing, as his phone signed it.

    ``found`` is the statement taken apart, for pages: papers, weights, kilograms seen.
    """

    __tablename__ = "vessel_inspection"
    __table_args__ = (
        within("organisation", "vessel", of="vessel"),
        UniqueConstraint("organisation", "id"),
        Index("ix_vessel_inspection_vessel", "vessel", "happened_ms"),
        CheckConstraint(
            "result IN ('conformant', 'non_conformant')", name="known_result"
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    vessel: Mapped[str]
    authority: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    key: Mapped[str] = mapped_column(ForeignKey("inspector_key.id"))
    result: Mapped[str]
    note: Mapped[str]
    found: Mapped[dict[str, Any]]
    statement: Mapped[str]
    happened_ms: Mapped[int]
    received_ms: Mapped[int]


class VesselInspectionPhotoRow(Tenanted, Base):
    """A photo that a statement about a vessel names, as ``InspectionPhotoRow`` of a lot."""

    __tablename__ = "vessel_inspection_photo"
    __table_args__ = (within("organisation", "inspection", of="vessel_inspection"),)
    inspection: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    kept: Mapped[str]
    size: Mapped[int]
    received_ms: Mapped[int]
