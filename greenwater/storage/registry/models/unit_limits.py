"""The limits that a farm sets for its own ponds and cages. Rows never change."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Number, Tenanted, within


class UnitLimitRow(Tenanted, Base):
    """What holds for a unit's channel from ``at_ms`` until its next row.

    All of a channel's levels stand in one row; four times NULL: as the tables have it.
    ``species`` is what lived there then.
    """

    __tablename__ = "unit_limit"
    __table_args__ = (
        within("organisation", "unit", of="unit"),
        Index("ix_unit_limit_unit", "unit", "channel", "number"),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    unit: Mapped[str]
    channel: Mapped[str]
    species: Mapped[str | None]
    warn_low: Mapped[float | None]
    warn_high: Mapped[float | None]
    critical_low: Mapped[float | None]
    critical_high: Mapped[float | None]
    reason: Mapped[str]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at_ms: Mapped[int]
