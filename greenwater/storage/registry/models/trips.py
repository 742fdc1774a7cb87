"""What vessels did: trips, their hauls, and work in waters that may be closed to them."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import Base, Tenanted, within


class TripRow(Tenanted, Base):
    """A trip; at sea while ``landing_ms`` is NULL. Written by analytics alone."""

    __tablename__ = "trip"
    __table_args__ = (
        within("organisation", "vessel", of="vessel"),
        Index("ix_trip_vessel", "vessel", "departure_ms"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    vessel: Mapped[str]
    departure_ms: Mapped[int]
    departure_port: Mapped[str]
    landing_ms: Mapped[int | None]
    landing_port: Mapped[str | None]
    hauls: Mapped[int]
    minutes: Mapped[dict[str, Any]]
    passed: Mapped[dict[str, Any]]


class HaulRow(Tenanted, Base):
    """A haul; ``trip`` NULL where no departure was seen. Places are in degrees."""

    __tablename__ = "haul"
    __table_args__ = (
        within("organisation", "vessel", of="vessel"),
        Index("ix_haul_vessel", "vessel", "began_ms"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    vessel: Mapped[str]
    trip: Mapped[str | None] = mapped_column(index=True)
    number: Mapped[int]
    gear: Mapped[str]
    set_ms: Mapped[int | None]
    set_latitude: Mapped[float | None]
    set_longitude: Mapped[float | None]
    began_ms: Mapped[int]
    began_latitude: Mapped[float]
    began_longitude: Mapped[float]
    ended_ms: Mapped[int]
    ended_latitude: Mapped[float]
    ended_longitude: Mapped[float]
    minutes: Mapped[dict[str, Any]]
    probability: Mapped[float | None]
    rule_share: Mapped[float | None]


class ViolationRow(Tenanted, Base):
    """A candidate for a person to judge; ``evidence`` is the whole of it."""

    __tablename__ = "violation"
    __table_args__ = (
        within("organisation", "vessel", of="vessel"),
        Index("ix_violation_vessel", "vessel", "began_ms"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    vessel: Mapped[str]
    trip: Mapped[str | None] = mapped_column(index=True)
    began_ms: Mapped[int]
    evidence: Mapped[dict[str, Any]]
