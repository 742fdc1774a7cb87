"""Signing keys, labels and what became of them, recalls.

Labels and what was done to them are never changed or deleted (migration 0005): a label
is revoked by an act. A serial is used once, whatever is restored from a backup.
"""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import (
    Base,
    Number,
    Tenanted,
    only_where,
    within,
)


class SigningKeyRow(Base):
    """The public half of a key that signs labels; the private one is a file."""

    __tablename__ = "signing_key"
    id: Mapped[str] = mapped_column(primary_key=True)
    public: Mapped[str]
    from_ms: Mapped[int]
    until_ms: Mapped[int | None]
    revoked_ms: Mapped[int | None]


class LabelRow(Tenanted, Base):
    """One printed code, by its serial."""

    __tablename__ = "label"
    __table_args__ = (
        within("organisation", "lot", of="lot"),
        UniqueConstraint("organisation", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str] = mapped_column(index=True)
    key: Mapped[str] = mapped_column(ForeignKey("signing_key.id"))
    uri: Mapped[str] = mapped_column(index=True)
    issued_ms: Mapped[int]
    issued_by: Mapped[str] = mapped_column(ForeignKey("person.id"))


class LabelActRow(Tenanted, Base):
    """What was done to a label: suspended, resumed, revoked. The last one counts."""

    __tablename__ = "label_act"
    __table_args__ = (within("organisation", "label", of="label"),)
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    label: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    reason: Mapped[str]
    at_ms: Mapped[int]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))


class RecallRow(Tenanted, Base):
    """A lot that is called back; in force while ``ended_ms`` is NULL."""

    __tablename__ = "recall"
    __table_args__ = (
        within("organisation", "lot", of="lot"),
        Index("uq_recall_open", "lot", unique=True, **only_where("ended_ms IS NULL")),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    lot: Mapped[str]
    reason: Mapped[str]
    phone: Mapped[str]
    at_ms: Mapped[int]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    ended_ms: Mapped[int | None]
