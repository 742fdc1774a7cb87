"""How people come in and what is noted of it: links, second factors, consents, the audit log.

Of links and recovery codes only hashes are kept. The audit log and consents are never
changed or deleted (migration 0017).
"""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Number


class AuditRow(Base):
    """Who did what to what, when, in which session (a short word of its hash)."""

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint("outcome IN ('done', 'refused', 'failed')", name="outcome"),
        Index("ix_audit_act", "act", "number"),
        Index("ix_audit_person", "person", "number"),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    at_ms: Mapped[int] = mapped_column(index=True)
    person: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    act: Mapped[str]
    subject: Mapped[str]
    outcome: Mapped[str]
    session: Mapped[str]


class OneTimeLinkRow(Base):
    """A link that is good once: an invitation (``role``), or for a person who is there."""

    __tablename__ = "one_time_link"
    __table_args__ = (
        CheckConstraint("(role IS NULL) = (organisation IS NULL)", name="invitation"),
        CheckConstraint("(role IS NULL) <> (person IS NULL)", name="one_use"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    organisation: Mapped[str | None] = mapped_column(
        ForeignKey("organisation.id"), index=True
    )
    role: Mapped[str | None]
    person: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    made_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    made_ms: Mapped[int]
    expires_ms: Mapped[int]
    used_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    ended_ms: Mapped[int | None]


class SecondFactorRow(Base):
    """What a person's authenticator knows too; nothing until ``confirmed_ms``.

    ``last_step`` is the newest time step whose code was taken: none is taken twice.
    """

    __tablename__ = "second_factor"
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    secret: Mapped[str]
    confirmed_ms: Mapped[int | None]
    last_step: Mapped[int]


class RecoveryCodeRow(Base):
    """A code that stands in once for a lost authenticator."""

    __tablename__ = "recovery_code"
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    used_ms: Mapped[int | None]


class ConsentRow(Base):
    """A person said yes or no to a purpose, in a version of its words."""

    __tablename__ = "consent"
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    purpose: Mapped[str]
    version: Mapped[str]
    is_given: Mapped[bool]
    at_ms: Mapped[int]
