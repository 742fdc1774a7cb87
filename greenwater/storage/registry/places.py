"""Organisations, people, sites, rafts, units, vessels; and who sees which of them."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, select

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.storage.registry.models import (
    Base,
    Device,
    Membership,
    Organisation,
    Person,
    Raft,
    Site,
    Unit,
    Vessel,
)
from greenwater.storage.registry.session import Sessions

_VESSEL = re.compile(r"([A-ZĐ]{2,3})(\d{4,5})TS")


class Role(StrEnum):
    """What a person is in an organisation."""

    FARMER = "farmer"
    BOAT_OWNER = "boat_owner"
    TECHNICIAN = "technician"
    INSPECTOR = "inspector"
    OFFICER = "officer"
    ADMIN = "admin"


SEES_ALL = frozenset({Role.INSPECTOR, Role.OFFICER})
"""Roles whose duty covers every organisation of the province."""


class SiteInfo(Struct, frozen=True):
    """A farm or port."""

    id: str
    organisation: str
    name: str
    kind: str
    commune: str | None


class UnitInfo(Struct, frozen=True):
    """A pond, cage or tank."""

    id: str
    site: str
    raft: str | None
    name: str
    kind: str
    species: str | None
    depth_m: float | None


class VesselInfo(Struct, frozen=True):
    """A fishing boat."""

    id: str
    organisation: str
    name: str
    length_m: float | None
    gear: str | None


def parse_vessel(text: str) -> str:
    """Return a registration number as it is kept: ``KH-95123-TS``.

    Raises:
        InputError: it is none (domain.md §3.4: letters, 4 to 5 digits, TS).
    """
    plain = re.sub(r"[-. ]", "", text.upper())
    match = _VESSEL.fullmatch(plain)
    if match is None:
        raise InputError(f"{text!r} is no registration number such as KH-95123-TS")
    return f"{match[1]}-{match[2]}-TS"


class Places:
    """Mixed into ``Registry``. Adding what is there already changes nothing."""

    _sessions: Sessions

    def add_organisation(self, organisation: str, name: str) -> None:
        """Add a tenant."""
        self._add(Organisation(id=organisation, name=name))

    def add_person(self, person: str, name: str, phone: str | None = None) -> None:
        """Add a person."""
        self._add(Person(id=person, name=name, phone=phone))

    def add_member(self, person: str, organisation: str, role: Role) -> None:
        """Make a person something in an organisation."""
        with self._sessions.writing() as session:
            session.merge(
                Membership(person=person, organisation=organisation, role=role)
            )

    def add_site(
        self,
        site: str,
        *,
        organisation: str,
        name: str,
        kind: str = "farm",
        commune: str | None = None,
        latitude: float | None = None,
        longitude: float | None = None,
    ) -> None:
        """Add a farm or port."""
        self._add(
            Site(
                id=site,
                organisation=organisation,
                name=name,
                kind=kind,
                commune=commune,
                latitude=latitude,
                longitude=longitude,
            )
        )

    def add_raft(self, raft: str, *, site: str, name: str) -> None:
        """Add a group of units."""
        self._add(Raft(id=raft, site=site, name=name))

    def add_unit(
        self,
        unit: str,
        *,
        site: str,
        name: str,
        kind: str = "pond",
        raft: str | None = None,
        species: str | None = None,
        area_m2: float | None = None,
        depth_m: float | None = None,
    ) -> None:
        """Add a pond, cage or tank."""
        self._add(
            Unit(
                id=unit,
                site=site,
                name=name,
                kind=kind,
                raft=raft,
                species=species,
                area_m2=area_m2,
                depth_m=depth_m,
            )
        )

    def add_vessel(
        self,
        vessel: str,
        *,
        organisation: str,
        name: str,
        length_m: float | None = None,
        gear: str | None = None,
    ) -> str:
        """Add a boat; return its registration number as it is kept."""
        number = parse_vessel(vessel)
        self._add(
            Vessel(
                id=number,
                organisation=organisation,
                name=name,
                length_m=length_m,
                gear=gear,
            )
        )
        return number

    def _add(self, row: Base) -> None:
        """Add a row, or find the same one there.

        Raises:
            ConflictError: another row stands under its id, or what it names is not there.
        """
        with self._sessions.writing() as session:
            there = session.get(type(row), row.id)  # type: ignore[attr-defined]
            if there is None:
                session.add(row)
                return
            for column in type(row).__table__.columns.keys():  # noqa: SIM118  (iterating gives columns)
                wanted, stands = getattr(row, column), getattr(there, column)
                if wanted is not None and wanted != stands:
                    raise ConflictError(
                        f"{type(row).__tablename__} {row.id} "  # type: ignore[attr-defined]
                        f"has {column} {stands!r}, not {wanted!r}"
                    )

    def visible_to(self, person: str | None) -> "Scope":
        """Return what a person sees; None is the operator, who sees all.

        Raises:
            MissingError: there is no such person.
        """
        if person is None:
            return Scope(self._sessions, None)
        with self._sessions.reading() as session:
            if session.get(Person, person) is None:
                raise MissingError(f"person {person} is not registered")
            rows = session.scalars(
                select(Membership).where(Membership.person == person)
            ).all()
        if any(Role(row.role) in SEES_ALL for row in rows):
            return Scope(self._sessions, None)
        return Scope(self._sessions, frozenset(row.organisation for row in rows))


class Scope:
    """The one place where tenancy filters: every question about places goes through it."""

    def __init__(
        self, sessions: Sessions, organisations: frozenset[str] | None
    ) -> None:
        self._sessions, self._organisations = sessions, organisations

    def _mine(self, query: Select[Any], table: type[Base]) -> Select[Any]:
        if self._organisations is None:
            return query
        column = table.organisation  # type: ignore[attr-defined]
        return query.where(column.in_(self._organisations))

    def sites(self) -> Sequence[SiteInfo]:
        """Return the sites, by name."""
        with self._sessions.reading() as session:
            rows = session.scalars(self._mine(select(Site), Site).order_by(Site.name))
            return [
                SiteInfo(r.id, r.organisation, r.name, r.kind, r.commune) for r in rows
            ]

    def units(self) -> Sequence[UnitInfo]:
        """Return the units of all sites, by site and name."""
        query = select(Unit).join(Site, Site.id == Unit.site)
        with self._sessions.reading() as session:
            rows = session.scalars(
                self._mine(query, Site).order_by(Site.name, Unit.name)
            )
            return [
                UnitInfo(r.id, r.site, r.raft, r.name, r.kind, r.species, r.depth_m)
                for r in rows
            ]

    def vessels(self) -> Sequence[VesselInfo]:
        """Return the vessels, by registration number."""
        with self._sessions.reading() as session:
            rows = session.scalars(
                self._mine(select(Vessel), Vessel).order_by(Vessel.id)
            )
            return [
                VesselInfo(r.id, r.organisation, r.name, r.length_m, r.gear)
                for r in rows
            ]

    def devices(self) -> Sequence[str]:
        """Return the ids of the devices."""
        with self._sessions.reading() as session:
            query = self._mine(select(Device), Device).order_by(Device.id)
            return [row.id for row in session.scalars(query)]

    def rafts(self) -> Sequence[tuple[str, str, str]]:
        """Return (id, site, name) of the rafts."""
        query = select(Raft).join(Site, Site.id == Raft.site)
        with self._sessions.reading() as session:
            rows = session.scalars(self._mine(query, Site).order_by(Raft.name))
            return [(r.id, r.site, r.name) for r in rows]
