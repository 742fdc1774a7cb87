"""The first tables, and the base of all.

Tenancy: a row that belongs to somebody names its organisation, and every reference
between such rows carries it (``FOREIGN KEY (organisation, site)``), so that the database
itself refuses a unit, probe or deployment that crosses from one organisation into
another. ``scope`` filters on that one column. Tables without it are the platform's own.

Identifiers that people or devices use are the keys (slugs for places, the device's own
id). Times are milliseconds since 1970, so that SQLite and PostgreSQL agree on them.
"""

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# A constraint without a name could not be changed by any later migration.
_NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite counts up only where the key is spelt INTEGER.
Number: Final = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it as it is)
        int: BigInteger,
        str: Text,
        dict[str, Any]: JSON,
    }


class Tenanted:
    """A row that belongs to an organisation: only those who may see it do."""

    organisation: Mapped[str] = mapped_column(ForeignKey("organisation.id"), index=True)


def within(*columns: str, of: str) -> ForeignKeyConstraint:
    """Return a reference that cannot leave the organisation (or site) it starts in."""
    target = [f"{of}.{column}" for column in (*columns[:-1], "id")]
    return ForeignKeyConstraint(columns, target)


def only_where(condition: str) -> dict[str, Any]:
    """Return what makes an index partial, on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Organisation(Base):
    """A household, cooperative, company or authority: the tenant."""

    __tablename__ = "organisation"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]


class Person(Base):
    """Somebody who signs in, by telephone number."""

    __tablename__ = "person"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    phone: Mapped[str | None] = mapped_column(unique=True)


class Membership(Tenanted, Base):
    """What a person is in an organisation."""

    __tablename__ = "membership"
    person: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(primary_key=True)


class Site(Tenanted, Base):
    """A farm or a port: a named place with an owner."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("organisation", "id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    commune: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]


class Raft(Tenanted, Base):
    """A group of units within a site: a raft of cages, a block of ponds."""

    __tablename__ = "raft"
    __table_args__ = (
        within("organisation", "site", of="site"),
        UniqueConstraint("site", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str]
    name: Mapped[str]


class Unit(Tenanted, Base):
    """A pond, cage or tank."""

    __tablename__ = "unit"
    __table_args__ = (
        within("organisation", "site", of="site"),
        within("site", "raft", of="raft"),
        UniqueConstraint("organisation", "id"),
        Index("ix_unit_place", "site", "raft"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str]
    raft: Mapped[str | None]
    name: Mapped[str]
    kind: Mapped[str]
    species: Mapped[str | None]
    area_m2: Mapped[float | None]
    depth_m: Mapped[float | None]
    closed_ms: Mapped[int | None]


class Vessel(Tenanted, Base):
    """A fishing boat; ``id`` is its registration number as ``reference.vessels`` has it.

    Out of service since ``retired_ms``; ``successor`` is its number since then, if it has
    another one. ``trade`` is what it does (``reference.vessels.Trade``).
    """

    __tablename__ = "vessel"
    __table_args__ = (UniqueConstraint("organisation", "id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    length_m: Mapped[float | None]
    gear: Mapped[str | None]
    home_port: Mapped[str | None]
    radio: Mapped[str | None]
    owner: Mapped[str | None]
    retired_ms: Mapped[int | None]
    successor: Mapped[str | None]
    trade: Mapped[str] = mapped_column(default="catching", server_default="catching")


class Device(Tenanted, Base):
    """A box with an identity, and the hashes that prove it (never a password)."""

    __tablename__ = "device"
    __table_args__ = (
        within("organisation", "site", of="site"),
        within("organisation", "vessel", of="vessel"),
        UniqueConstraint("organisation", "id"),
        CheckConstraint("(site IS NULL) <> (vessel IS NULL)", name="one_place"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str | None] = mapped_column(index=True)
    vessel: Mapped[str | None] = mapped_column(index=True)
    name: Mapped[str]
    state: Mapped[str]
    is_simulated: Mapped[bool]
    bcrypt_hash: Mapped[str]
    pbkdf2_hash: Mapped[str]
    added_ms: Mapped[int]
    revoked_ms: Mapped[int | None]


class Probe(Tenanted, Base):
    """An instrument attached to a device."""

    __tablename__ = "probe"
    __table_args__ = (within("organisation", "device", of="device"),)
    device: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    profile: Mapped[str | None]
    note: Mapped[str | None]


class Deployment(Tenanted, Base):
    """Where a probe hung: ``[from_ms, to_ms)``.

    A correction supersedes the row and adds another, so that what was believed when
    stays on record; only rows with ``superseded_ms`` NULL count.
    """

    __tablename__ = "deployment"
    __table_args__ = (
        within("organisation", "unit", of="unit"),
        within("organisation", "vessel", of="vessel"),
        within("organisation", "device", of="device"),
        within("device", "probe", of="probe"),
        CheckConstraint("(unit IS NULL) <> (vessel IS NULL)", name="one_place"),
        CheckConstraint("to_ms IS NULL OR to_ms > from_ms", name="forward"),
        Index("ix_deployment_probe", "device", "probe", "from_ms"),
        Index(
            "uq_deployment_open",
            "device",
            "probe",
            unique=True,
            **only_where("to_ms IS NULL AND superseded_ms IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device: Mapped[str]
    probe: Mapped[str]
    unit: Mapped[str | None] = mapped_column(index=True)
    vessel: Mapped[str | None] = mapped_column(index=True)
    depth_m: Mapped[float | None]
    from_ms: Mapped[int]
    to_ms: Mapped[int | None]
    recorded_ms: Mapped[int]
    superseded_ms: Mapped[int | None]


class CommandRow(Tenanted, Base):
    """A command for a device; ingest sends it until it is settled or expires."""

    __tablename__ = "command"
    __table_args__ = (
        within("organisation", "device", of="device"),
        # Asked for once a second: only what is open is in it.
        Index("ix_command_open", "expires_ms", **only_where("settled_ms IS NULL")),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    args: Mapped[dict[str, Any]]
    created_ms: Mapped[int]
    expires_ms: Mapped[int]
    settled_ms: Mapped[int | None]
    is_done: Mapped[bool | None]
    message: Mapped[str | None]


class DeviceStatus(Tenanted, Base):
    """What a device last said of itself."""

    __tablename__ = "device_status"
    __table_args__ = (within("organisation", "device", of="device"),)
    device: Mapped[str] = mapped_column(primary_key=True)
    received_ms: Mapped[int]
    document: Mapped[dict[str, Any]]


class QuarantineRow(Base):
    """Bytes that could not become a reading. ``raw`` is NULL once over budget.

    ``account`` is whose byte budget it burdens: the device's own, or ``""``, which all
    names share that are registered nowhere.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("device", "kind", "digest"),
        Index("ix_quarantine_held", "account", "id", **only_where("raw IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device: Mapped[str]
    account: Mapped[str]
    topic: Mapped[str]
    kind: Mapped[str]
    reason: Mapped[str]
    received_ms: Mapped[int]
    replayed_ms: Mapped[int | None]
    digest: Mapped[str]
    size: Mapped[int]
    raw: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)


class QuarantineAccount(Base):
    """How many bytes of one account rest in quarantine."""

    __tablename__ = "quarantine_account"
    account: Mapped[str] = mapped_column(primary_key=True)
    held_bytes: Mapped[int]


class OperatorAlarm(Base):
    """Something is wrong with the platform itself. Open while ``cleared_ms`` is NULL."""

    __tablename__ = "operator_alarm"
    __table_args__ = (
        Index(
            "uq_operator_alarm_open",
            "kind",
            "subject",
            unique=True,
            **only_where("cleared_ms IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(Number, primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    message: Mapped[str]
    raised_ms: Mapped[int]
    cleared_ms: Mapped[int | None]


class IngestEpoch(Base):
    """One start of ingest (or one restore): boxes send again what is unacknowledged."""

    __tablename__ = "ingest_epoch"
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
