"""EPCIS: what events are found by, capture jobs, and tokens of programs."""

from typing import Any

from sqlalchemy import Float, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Number, Tenanted


class EpcisEventRow(Tenanted, Base):
    """One event of the ledger as queries see it."""

    __tablename__ = "epcis_event"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation", "number"],
            ["trace_event.organisation", "trace_event.number"],
        ),
        Index("uq_epcis_event_id", "organisation", "event_id", "is_error", unique=True),
        Index("ix_epcis_event_time", "event_ms", "organisation", "number"),
        Index("ix_epcis_event_recorded", "recorded_ms", "organisation", "number"),
    )
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True, index=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[str]
    is_error: Mapped[bool]
    is_bare: Mapped[bool]
    event_ms: Mapped[int]
    recorded_ms: Mapped[int]


class EpcisEntryRow(Tenanted, Base):
    """One word an event can be found by."""

    __tablename__ = "epcis_entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation", "event"],
            ["epcis_event.organisation", "epcis_event.number"],
        ),
        Index("ix_epcis_entry_event", "organisation", "event", "name"),
        Index("ix_epcis_entry_text", "name", "text", "organisation", "event"),
        Index("ix_epcis_entry_value", "name", "value", "organisation", "event"),
    )
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    event: Mapped[int]
    name: Mapped[str]
    text: Mapped[str | None]
    value: Mapped[float | None] = mapped_column(Float(53))


class EpcisJobRow(Tenanted, Base):
    """One capture of a document, finished when it is answered."""

    __tablename__ = "epcis_job"
    __table_args__ = (Index("ix_epcis_job_time", "created_ms", "id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    created_ms: Mapped[int]
    finished_ms: Mapped[int]
    behaviour: Mapped[str]
    is_success: Mapped[bool]
    captured: Mapped[int]
    detail: Mapped[dict[str, Any]]


class ApiTokenRow(Tenanted, Base):
    """What a program shows instead of a person; only its hash is kept."""

    __tablename__ = "api_token"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[str]
    made_ms: Mapped[int]
    expires_ms: Mapped[int]
    revoked_ms: Mapped[int | None]
