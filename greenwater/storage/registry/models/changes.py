"""What a farm, raft, pond or cage was before somebody changed it. Rows never change."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Number, Tenanted


class PlaceChangeRow(Tenanted, Base):
    """Until ``at_ms`` a place ``was`` so; from then on it is what it ``became``.

    Both are whole, so that one row tells all of a place before it.
    """

    __tablename__ = "place_change"
    __table_args__ = (
        CheckConstraint("kind IN ('site', 'raft', 'unit')", name="known_kind"),
        Index("ix_place_change_place", "kind", "place", "at_ms"),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    kind: Mapped[str]
    place: Mapped[str]
    was: Mapped[dict[str, Any]]
    became: Mapped[dict[str, Any]]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at_ms: Mapped[int]
