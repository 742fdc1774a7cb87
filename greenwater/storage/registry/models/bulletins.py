"""What people are told without being called: the evening's forecast, the morning's answer."""

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Tenanted, only_where, within


class BulletinRow(Tenanted, Base):
    """One sentence about one unit and day; never changed."""

    __tablename__ = "bulletin"
    __table_args__ = (
        within("organisation", "unit", of="unit"),
        Index("ix_bulletin_unit", "unit", "made_ms"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str]
    kind: Mapped[str]
    day: Mapped[str]
    made_ms: Mapped[int]
    vi: Mapped[str]
    en: Mapped[str]
    detail: Mapped[dict[str, Any]]


class BulletinCopyRow(Tenanted, Base):
    """A message to one person: unsent while ``sent_ms`` and ``dropped_ms`` are NULL.

    ``taken_ms`` is when a sender took it to send.
    """

    __tablename__ = "bulletin_copy"
    __table_args__ = (
        Index(
            "ix_bulletin_copy_open",
            "due_ms",
            **only_where("sent_ms IS NULL AND dropped_ms IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    url: Mapped[str]
    head: Mapped[str]
    text: Mapped[str]
    due_ms: Mapped[int]
    sent_ms: Mapped[int | None]
    dropped_ms: Mapped[int | None]
    taken_ms: Mapped[int | None]
    attempts: Mapped[int]
