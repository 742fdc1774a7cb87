"""Products, crops, records, lots and the ledger of trace events.

Records, lots and trace events are never changed: the database itself refuses it
(migration 0004). A correction is another record that names the one it corrects.
"""

from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Tenanted, only_where, within


class ProductRow(Tenanted, Base):
    """What is sold, by its GTIN-14."""

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("organisation", "id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    name_vi: Mapped[str]
    name_en: Mapped[str]
    species: Mapped[str]
    brand: Mapped[str | None]


class CropRow(Tenanted, Base):
    """One culture cycle in one unit; at most one is open in a unit."""

    __tablename__ = "crop"
    __table_args__ = (
        within("organisation", "unit", of="unit"),
        within("organisation", "product", of="product"),
        UniqueConstraint("organisation", "id"),
        Index("uq_crop_open", "unit", unique=True, **only_where("ended_ms IS NULL")),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    product: Mapped[str]
    species: Mapped[str]
    name: Mapped[str]
    started_ms: Mapped[int]
    ended_ms: Mapped[int | None]


class RecordRow(Tenanted, Base):
    """One entry in the book, made under an id of the device it was typed on.

    It belongs to a crop, a unit, a site, or to the organisation alone. ``corrects`` is no
    reference: a correction may come before what it corrects.
    """

    __tablename__ = "record"
    __table_args__ = (
        within("organisation", "site", of="site"),
        within("organisation", "unit", of="unit"),
        within("organisation", "crop", of="crop"),
        UniqueConstraint("organisation", "id"),
        Index("ix_record_crop", "crop", "happened_ms"),
        Index("ix_record_unit", "unit", "happened_ms"),
        Index("ix_record_site", "site", "happened_ms"),
        Index("ix_record_kind", "site", "kind", "happened_ms"),
        Index("ix_record_corrects", "corrects"),
        Index("ix_record_entered", "organisation", "entered_ms", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str | None]
    unit: Mapped[str | None]
    crop: Mapped[str | None]
    kind: Mapped[str]
    happened_ms: Mapped[int]
    entered_ms: Mapped[int]
    entered_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    behalf_of: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    source: Mapped[str]
    fields: Mapped[dict[str, Any]]
    corrects: Mapped[str | None]
    digest: Mapped[str]


class LotRow(Tenanted, Base):
    """Goods of one harvest or landing, or made of other lots by a step."""

    __tablename__ = "lot"
    __table_args__ = (
        within("organisation", "unit", of="unit"),
        within("organisation", "crop", of="crop"),
        within("organisation", "product", of="product"),
        within("organisation", "harvest", of="record"),
        within("organisation", "step", of="lot_step"),
        UniqueConstraint("organisation", "id"),
        UniqueConstraint("product", "code"),
        UniqueConstraint("harvest"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str]
    product: Mapped[str]
    origin: Mapped[str]
    crop: Mapped[str | None]
    unit: Mapped[str | None]
    harvest: Mapped[str | None]
    landing: Mapped[str | None] = mapped_column(index=True)
    step: Mapped[str | None] = mapped_column(index=True)
    harvested_ms: Mapped[int]
    kg: Mapped[float]
    evidence: Mapped[dict[str, Any]]
    evidence_digest: Mapped[str]
    created_ms: Mapped[int]
    created_by: Mapped[str] = mapped_column(ForeignKey("person.id"))


class TraceEventRow(Tenanted, Base):
    """A recorded fact about lots; each carries the hash of the one before.

    ``document`` is the canonical JSON text that was hashed.
    """

    __tablename__ = "trace_event"
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True, index=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[str | None] = mapped_column(index=True)
    event_ms: Mapped[int]
    recorded_ms: Mapped[int]
    document: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]
