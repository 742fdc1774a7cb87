"""EPCIS: what events are found by, capture jobs, and tokens of programs."""

from typing import Any, Final

from sqlalchemy import Float, ForeignKey, ForeignKeyConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Tenanted, only_where

# PostgreSQL finds what begins with a text by an index only where it orders bytes.
Sorted: Final = Text().with_variant(Text(collation="C"), "postgresql")


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
        Index("ix_epcis_event_own_time", "organisation", "event_ms", "number"),
        Index("ix_epcis_event_own_recorded", "organisation", "recorded_ms", "number"),
        Index("ix_epcis_event_recorded", "recorded_ms", "organisation", "number"),
    )
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[str]
    is_error: Mapped[bool]
    is_bare: Mapped[bool]
    event_ms: Mapped[int]
    recorded_ms: Mapped[int]


class EpcisEntryRow(Tenanted, Base):
    """One word an event can be found by, kept beside the other words of the event."""

    __tablename__ = "epcis_entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation", "event"],
            ["epcis_event.organisation", "epcis_event.number"],
        ),
        Index(
            "ix_epcis_entry_text", "name", "text", "organisation", "event_ms", "event"
        ),
        # Who sees many organisations reads in order of time without sorting.
        Index(
            "ix_epcis_entry_time", "name", "text", "event_ms", "organisation", "event"
        ),
        Index(
            "ix_epcis_entry_value",
            *("name", "value", "organisation", "event_ms", "event"),
            **only_where("value IS NOT NULL"),
        ),
        # The same in order of time: what many have is found from the newest on.
        Index(
            "ix_epcis_entry_value_time",
            *("name", "event_ms", "organisation", "event", "value"),
            **only_where("value IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True
    )
    event: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    text: Mapped[str | None] = mapped_column(Sorted)
    value: Mapped[float | None] = mapped_column(Float(53))
    event_ms: Mapped[int]


class EpcisMeetingRow(Tenanted, Base):
    """Two words that stood in one event, and where the stretch of time begins (meeting.py)."""

    __tablename__ = "epcis_meeting"
    __table_args__ = ({"sqlite_with_rowid": False},)
    first: Mapped[str] = mapped_column(primary_key=True)
    second: Mapped[str] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True
    )
    from_ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class EpcisAttributeRow(Tenanted, Base):
    """One attribute of an element of master data, or (``name`` empty) a child of it."""

    __tablename__ = "epcis_attribute"
    __table_args__ = (
        Index("ix_epcis_attribute_name", "name", "text", "organisation", "element"),
    )
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True
    )
    element: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(primary_key=True)


class EpcisQueryRow(Tenanted, Base):
    """A query that has a name, to be asked again."""

    __tablename__ = "epcis_query"
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    created_ms: Mapped[int]
    parameters: Mapped[dict[str, Any]]


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
    made_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))


class ApiWriteRow(Base):
    """The answer to a write that came with a key: the same key gets it again.

    The key is a hash of who wrote and of what was sent as Idempotency-Key. An answer that
    is not there yet (``status`` None) is being worked on.
    """

    __tablename__ = "api_write"
    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    made_ms: Mapped[int] = mapped_column(index=True)
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None]
