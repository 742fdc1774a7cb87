"""The registry's tables. Everything a person can see hangs on an organisation.

Identifiers that people or devices use are the keys (slugs for places, the device's own
id); times are milliseconds since 1970, so that SQLite and PostgreSQL agree on them.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
)
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite numbers rows by itself only where the column's type is exactly INTEGER.
NUMBERED = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map = {int: BigInteger, dict[str, Any]: JSON}  # noqa: RUF012


class Organisation(Base):
    """A household, cooperative or company: the tenant."""

    __tablename__ = "organisation"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Person(Base):
    """Somebody who signs in, by telephone number."""

    __tablename__ = "person"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    phone: Mapped[str | None] = mapped_column(unique=True)


class Membership(Base):
    """What a person is in an organisation."""

    __tablename__ = "membership"
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True
    )
    role: Mapped[str] = mapped_column(primary_key=True)


class Site(Base):
    """A farm or a port: a named place with an owner."""

    __tablename__ = "site"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="farm")
    commune: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


class Raft(Base):
    """A group of units within a site: a raft of cages, a block of ponds."""

    __tablename__ = "raft"
    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str]


class Unit(Base):
    """A pond, cage or tank."""

    __tablename__ = "unit"
    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("site.id"), index=True)
    raft: Mapped[str | None] = mapped_column(ForeignKey("raft.id"))
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="pond")
    species: Mapped[str | None]
    area_m2: Mapped[float | None]
    depth_m: Mapped[float | None]


class Vessel(Base):
    """A fishing boat; ``id`` is its registration number, normalised."""

    __tablename__ = "vessel"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str]
    length_m: Mapped[float | None]
    gear: Mapped[str | None]


class Device(Base):
    """A box with an identity, and the hashes that prove it (never a password)."""

    __tablename__ = "device"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)
    site: Mapped[str | None] = mapped_column(ForeignKey("site.id"))
    vessel: Mapped[str | None] = mapped_column(ForeignKey("vessel.id"))
    name: Mapped[str]
    state: Mapped[str] = mapped_column(default="active")
    is_simulated: Mapped[bool] = mapped_column(default=False)
    bcrypt_hash: Mapped[str] = mapped_column(default="")
    pbkdf2_hash: Mapped[str] = mapped_column(default="")
    added_ms: Mapped[int]
    revoked_ms: Mapped[int | None]


class Probe(Base):
    """An instrument attached to a device."""

    __tablename__ = "probe"
    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(default="probe")
    profile: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")


class Deployment(Base):
    """Where a probe hung, from when until when: ``[from_ms, to_ms)``."""

    __tablename__ = "deployment"
    __table_args__ = (
        CheckConstraint("(unit IS NULL) <> (vessel IS NULL)", name="one_place"),
        CheckConstraint("to_ms IS NULL OR to_ms > from_ms", name="forward"),
        Index("deployment_probe", "device", "probe", "from_ms"),
    )
    id: Mapped[int] = mapped_column(NUMBERED, primary_key=True, autoincrement=True)
    device: Mapped[str] = mapped_column(ForeignKey("device.id"))
    probe: Mapped[str]
    unit: Mapped[str | None] = mapped_column(ForeignKey("unit.id"), index=True)
    vessel: Mapped[str | None] = mapped_column(ForeignKey("vessel.id"), index=True)
    depth_m: Mapped[float | None]
    from_ms: Mapped[int]
    to_ms: Mapped[int | None]


class CommandRow(Base):
    """A command for a device; ingest sends it until it is answered or expires."""

    __tablename__ = "command"
    id: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    kind: Mapped[str]
    args: Mapped[dict[str, Any]]
    created_ms: Mapped[int]
    expires_ms: Mapped[int] = mapped_column(index=True)
    answered_ms: Mapped[int | None]
    is_done: Mapped[bool | None]
    message: Mapped[str] = mapped_column(default="")


class DeviceStatus(Base):
    """What a device last said of itself."""

    __tablename__ = "device_status"
    device: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    received_ms: Mapped[int]
    document: Mapped[dict[str, Any]]


class QuarantineRow(Base):
    """Bytes that could not become a reading. ``raw`` is NULL once over budget."""

    __tablename__ = "quarantine"
    __table_args__ = (Unique("device", "kind", "digest", name="quarantine_once"),)
    id: Mapped[int] = mapped_column(NUMBERED, primary_key=True, autoincrement=True)
    device: Mapped[str] = mapped_column(index=True)
    topic: Mapped[str]
    kind: Mapped[str]
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    size: Mapped[int]
    digest: Mapped[str]
    reason: Mapped[str]
    received_ms: Mapped[int]
    replayed_ms: Mapped[int | None]


class OperatorAlarm(Base):
    """Something is wrong with the platform itself. Open while ``cleared_ms`` is NULL."""

    __tablename__ = "operator_alarm"
    __table_args__ = (Index("operator_alarm_open", "kind", "subject", "cleared_ms"),)
    id: Mapped[int] = mapped_column(NUMBERED, primary_key=True, autoincrement=True)
    kind: Mapped[str]
    subject: Mapped[str]
    message: Mapped[str]
    raised_ms: Mapped[int]
    cleared_ms: Mapped[int | None]


class IngestEpoch(Base):
    """One start of ingest (or one restore): boxes send again what is unacknowledged."""

    __tablename__ = "ingest_epoch"
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
