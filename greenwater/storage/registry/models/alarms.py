"""Alarms, what people do to them, what they are told; analytics' own state.

An alarm's row and its steps are written by analytics alone. What people do is appended
as acts, which analytics takes over; until then the pages read both.
"""

from typing import Any

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import (
    Base,
    Number,
    Tenanted,
    only_where,
    within,
)


class AlarmRow(Tenanted, Base):
    """A condition that a person should act on; open while ``cleared_ms`` is NULL."""

    __tablename__ = "alarm"
    __table_args__ = (
        within("organisation", "site", of="site"),
        within("organisation", "unit", of="unit"),
        within("organisation", "device", of="device"),
        UniqueConstraint("organisation", "id"),
        Index("ix_alarm_raised", "organisation", "raised_ms"),
        Index(
            "uq_alarm_open",
            "condition",
            unique=True,
            **only_where("cleared_ms IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    condition: Mapped[str]
    site: Mapped[str | None]
    unit: Mapped[str | None] = mapped_column(index=True)
    device: Mapped[str | None]
    probe: Mapped[str | None]
    kind: Mapped[str]
    channel: Mapped[str | None]
    side: Mapped[str | None]
    depth_m: Mapped[float | None]
    severity: Mapped[str]
    state: Mapped[str]
    began_ms: Mapped[int]
    raised_ms: Mapped[int]
    acknowledged_ms: Mapped[int | None]
    acknowledged_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    returned_ms: Mapped[int | None]
    cleared_ms: Mapped[int | None]
    taken_ms: Mapped[int | None]
    value: Mapped[float | None]
    worst: Mapped[float | None]
    limit: Mapped[float | None]
    trend_per_h: Mapped[float | None]
    is_late: Mapped[bool]
    is_simulated: Mapped[bool]
    detail: Mapped[dict[str, Any]]
    repeats: Mapped[int] = mapped_column(server_default="0")
    shelved_until_ms: Mapped[int | None]
    shelved_by: Mapped[str | None]
    hidden: Mapped[str | None]
    hidden_by: Mapped[str | None]
    hidden_until_ms: Mapped[int | None]


class AlarmStepRow(Tenanted, Base):
    """One line of an alarm's history. ``key`` makes writing it again harmless."""

    __tablename__ = "alarm_step"
    __table_args__ = (
        within("organisation", "alarm", of="alarm"),
        UniqueConstraint("alarm", "key"),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    alarm: Mapped[str]
    key: Mapped[str]
    at_ms: Mapped[int]
    kind: Mapped[str]
    person: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    via: Mapped[str | None]
    detail: Mapped[dict[str, Any]]


class AlarmActRow(Tenanted, Base):
    """What a person did to an alarm; analytics settles it."""

    __tablename__ = "alarm_act"
    __table_args__ = (
        within("organisation", "alarm", of="alarm"),
        UniqueConstraint("alarm", "kind", "person", "via", "at_ms"),
        Index("ix_alarm_act_open", "id", **only_where("settled_ms IS NULL")),
    )
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    alarm: Mapped[str]
    kind: Mapped[str]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    via: Mapped[str]
    at_ms: Mapped[int]
    settled_ms: Mapped[int | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class OutOfServiceRow(Tenanted, Base):
    """What is not watched for a while: a unit, a device or one probe of it, and why.

    ``until_ms`` is never open; ``ended_ms`` is when somebody ended it before.
    """

    __tablename__ = "out_of_service"
    __table_args__ = (
        within("organisation", "unit", of="unit"),
        within("organisation", "device", of="device"),
        Index("ix_out_of_service_until", "until_ms"),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    unit: Mapped[str | None]
    device: Mapped[str | None]
    probe: Mapped[str | None]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    from_ms: Mapped[int]
    until_ms: Mapped[int]
    ended_ms: Mapped[int | None]
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("person.id"))


class AlarmLinkRow(Tenanted, Base):
    """A link that acknowledges one alarm for one person; only the token's hash is kept."""

    __tablename__ = "alarm_link"
    __table_args__ = (within("organisation", "alarm", of="alarm"),)
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    alarm: Mapped[str]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    expires_ms: Mapped[int]


class ContactRow(Tenanted, Base):
    """Who is told of an organisation's alarms, how, and in which order."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("organisation", "person", "url"),
        ForeignKeyConstraint(["person"], ["person.id"]),
    )
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    person: Mapped[str]
    url: Mapped[str]
    place: Mapped[int]
    from_min: Mapped[int | None]
    to_min: Mapped[int | None]


class NotificationRow(Tenanted, Base):
    """A message that is to go out: unsent while both ``sent_ms`` and ``dropped_ms`` are NULL.

    ``taken_ms`` is when a sender took it to send.
    """

    __tablename__ = "notification"
    __table_args__ = (
        within("organisation", "alarm", of="alarm"),
        Index(
            "ix_notification_open",
            "due_ms",
            **only_where("sent_ms IS NULL AND dropped_ms IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    alarm: Mapped[str]
    step: Mapped[str]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    url: Mapped[str]
    due_ms: Mapped[int]
    sent_ms: Mapped[int | None]
    dropped_ms: Mapped[int | None]
    taken_ms: Mapped[int | None]
    attempts: Mapped[int]
    error: Mapped[str | None]


class AnalyticsState(Base):
    """What analytics knows: its cursor over intake, and what it watches of each device."""

    __tablename__ = "analytics_state"
    name: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    saved_ms: Mapped[int]
