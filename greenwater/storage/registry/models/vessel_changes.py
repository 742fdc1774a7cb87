"""What a boat was before somebody changed it. Rows never change."""

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Number, Tenanted, within


class VesselChangeRow(Tenanted, Base):
    """Until ``at_ms`` a boat ``was`` so; from then on it is what it ``became``. Both whole."""

    __tablename__ = "vessel_change"
    __table_args__ = (
        within("organisation", "vessel", of="vessel"),
        Index("ix_vessel_change_vessel", "vessel", "at_ms"),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    vessel: Mapped[str]
    was: Mapped[dict[str, Any]]
    became: Mapped[dict[str, Any]]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at_ms: Mapped[int]
