"""What was done to lots, and the kilograms that flowed; roots of the ledger.

Steps, flows and roots are never changed: the database itself refuses it (migration 0011).
"""

from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Tenanted, within


class LotStepRow(Tenanted, Base):
    """One act on goods, under an id of the device it was typed on.

    ``recipient`` is the organisation goods were shipped to, where it is one of the
    platform; ``shipment`` the step that a receipt answers: that one is another tenant's.
    """

    __tablename__ = "lot_step"
    __table_args__ = (
        UniqueConstraint("organisation", "id"),
        UniqueConstraint("shipment"),
        Index("ix_lot_step_time", "organisation", "at_ms"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at_ms: Mapped[int]
    entered_ms: Mapped[int]
    entered_by: Mapped[str] = mapped_column(ForeignKey("person.id"))
    recipient: Mapped[str | None] = mapped_column(
        ForeignKey("organisation.id"), index=True
    )
    shipment: Mapped[str | None] = mapped_column(ForeignKey("lot_step.id"))
    fields: Mapped[dict[str, Any]]
    digest: Mapped[str]


class LotFlowRow(Tenanted, Base):
    """Kilograms of a lot that went into a step or came out of it.

    ``lot`` may be another tenant's: goods keep their lot when they change hands.
    ``package`` is the logistic unit they were in; NULL: loose.
    """

    __tablename__ = "lot_flow"
    __table_args__ = (
        within("organisation", "step", of="lot_step"),
        Index("ix_lot_flow_lot", "lot", "organisation"),
        Index("ix_lot_flow_package", "package"),
    )
    step: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lot: Mapped[str] = mapped_column(ForeignKey("lot.id"))
    direction: Mapped[str]
    kg: Mapped[float]
    species: Mapped[str]
    package: Mapped[str | None]


class LedgerRootRow(Base):
    """The heads of all ledgers at the end of a day, signed: the platform's own."""

    __tablename__ = "ledger_root"
    day: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[str]
    key: Mapped[str]
    signature: Mapped[str]
