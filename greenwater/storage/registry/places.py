"""Sites, rafts, units and vessels."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from msgspec import Struct
from sqlalchemy import select

from greenwater.kernel.errors import InputError
from greenwater.reference.own_limits import OwnLimits
from greenwater.reference.vessels import (
    Trade,
    VesselClass,
    parse_registration,
    parse_trade,
    vessel_class,
)
from greenwater.storage.registry.models import Organisation, Raft, Site, Unit, Vessel
from greenwater.storage.registry.people import parse_slug
from greenwater.storage.registry.rows import add_once, get_row, parse_name
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.unit_limits import limits_now

_COMMUNE: Final = re.compile(r"[0-9]{5}")

Kind = TypeVar("Kind", bound=StrEnum)


class SiteKind(StrEnum):
    """What a site is."""

    FARM = "farm"
    PORT = "port"


class UnitKind(StrEnum):
    """What a unit is."""

    POND = "pond"
    CAGE = "cage"
    TANK = "tank"


class SiteInfo(Struct, frozen=True):
    """A farm or port."""

    id: str
    organisation: str
    name: str
    kind: SiteKind
    commune: str | None
    latitude: float | None
    longitude: float | None


class RaftInfo(NamedTuple):
    """A raft of cages, a block of ponds."""

    id: str
    site: str
    name: str


class UnitInfo(Struct, frozen=True):
    """A pond, cage or tank; closed since ``closed_ms``, if it is.

    ``limits`` are those its own people set, which stand before its species'
    (``reference.own_limits``).
    """

    id: str
    site: str
    raft: str | None
    name: str
    kind: UnitKind
    species: str | None
    area_m2: float | None
    depth_m: float | None
    closed_ms: int | None = None
    limits: tuple[OwnLimits, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it is in use."""
        return self.closed_ms is None


class VesselInfo(Struct, frozen=True):
    """A fishing boat, by its registration number; out of service since ``retired_ms``.

    ``successor`` is the number it has had since then, where it has another one.
    """

    id: str
    organisation: str
    name: str
    length_m: float | None
    gear: str | None
    home_port: str | None = None
    radio: str | None = None
    owner: str | None = None
    retired_ms: int | None = None
    successor: str | None = None
    trade: Trade = Trade.CATCHING

    @property
    def is_in_service(self) -> bool:
        """Whether it sails under this number."""
        return self.retired_ms is None

    @property
    def kind(self) -> VesselClass | None:
        """The class of its length, None while that is not known."""
        return None if self.length_m is None else vessel_class(self.length_m)

    @property
    def catches(self) -> bool:
        """Whether it fishes itself; one that carries or supplies for others does not."""
        return self.trade is Trade.CATCHING


def site_info(row: Site) -> SiteInfo:
    """Return what a row says."""
    kind = SiteKind(row.kind)
    place = (row.commune, row.latitude, row.longitude)
    return SiteInfo(row.id, row.organisation, row.name, kind, *place)


def raft_info(row: Raft) -> RaftInfo:
    """Return what a row says."""
    return RaftInfo(row.id, row.site, row.name)


def unit_info(row: Unit, limits: Iterable[OwnLimits] = ()) -> UnitInfo:
    """Return what a row says."""
    kind, size = UnitKind(row.kind), (row.area_m2, row.depth_m)
    return UnitInfo(
        row.id, row.site, row.raft, row.name, kind, row.species, *size, row.closed_ms,
        tuple(limits),
    )  # fmt: skip


def vessel_info(row: Vessel) -> VesselInfo:
    """Return what a row says."""
    return VesselInfo(
        row.id, row.organisation, row.name, row.length_m, row.gear, row.home_port,
        row.radio, row.owner, row.retired_ms, row.successor, Trade(row.trade),
    )  # fmt: skip


class PlacesSeen:
    """What may be asked about places; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def sites(self) -> Sequence[SiteInfo]:
        """Return the sites, by name."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(Site).order_by(Site.name, Site.id))
            return [site_info(row) for row in rows]

    def sites_of(self, organisation: str) -> Sequence[SiteInfo]:
        """Return an organisation's sites, by id."""
        query = select(Site).where(Site.organisation == organisation).order_by(Site.id)
        with self._sessions.reading() as session:
            return [site_info(row) for row in session.scalars(query)]

    def site_communes(self) -> Sequence[tuple[str, str | None]]:
        """Return every site's id and its commune, by id."""
        query = select(Site.id, Site.commune).order_by(Site.id)
        with self._sessions.reading() as session:
            return [(site, commune) for site, commune in session.execute(query)]

    def units_at(self, sites: Sequence[str]) -> Sequence[str]:
        """Return the ids of the units at these sites, by id."""
        query = select(Unit.id).where(Unit.site.in_(sites)).order_by(Unit.id)
        with self._sessions.reading() as session:
            return list(session.scalars(query))

    def rafts(self) -> Sequence[RaftInfo]:
        """Return the rafts of all sites, by name."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(Raft).order_by(Raft.name, Raft.id))
            return [raft_info(row) for row in rows]

    def units(self) -> Sequence[UnitInfo]:
        """Return the units of all sites, closed ones too, by site and name."""
        query = select(Unit).order_by(Unit.site, Unit.name, Unit.id)
        with self._sessions.reading() as session:
            own = limits_now(session)
            return [
                unit_info(row, own.get(row.id, ())) for row in session.scalars(query)
            ]

    def vessels(self) -> Sequence[VesselInfo]:
        """Return the vessels, by registration number."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(Vessel).order_by(Vessel.id))
            return [vessel_info(row) for row in rows]

    def get_site(self, site: str) -> SiteInfo:
        """Return one site.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            return site_info(get_row(session, Site, site))

    def get_unit(self, unit: str) -> UnitInfo:
        """Return one unit.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            row = get_row(session, Unit, unit)
            return unit_info(row, limits_now(session, unit).get(unit, ()))

    def get_vessel(self, vessel: str) -> VesselInfo:
        """Return one vessel, by its registration number in any spelling.

        Raises:
            InputError: that is no registration number.
            MissingError: there is none of that number.
        """
        number = parse_registration(vessel)
        with self._sessions.reading() as session:
            return vessel_info(get_row(session, Vessel, number))


class Places(PlacesSeen):
    """Mixed into ``Registry``. Adding what is there already changes nothing.

    Raises (every ``add_``):
        InputError: an id, name or number cannot be.
        MissingError: what it belongs to is not registered.
        ConflictError: it contradicts what is there.
    """

    def add_site(
        self,
        site: str,
        *,
        organisation: str,
        name: str,
        kind: str = SiteKind.FARM,
        commune: str | None = None,
        latitude: float | None = None,
        longitude: float | None = None,
    ) -> None:
        """Add a farm or port; ``commune`` is its five-digit code (domain.md §4.1)."""
        facts = {
            "organisation": organisation,
            "name": parse_name(name),
            "kind": _kind(SiteKind, kind),
            "commune": parse_commune(commune),
            "latitude": _within("latitude", latitude, -90, 90),
            "longitude": _within("longitude", longitude, -180, 180),
        }
        with self._sessions.writing() as session:
            get_row(session, Organisation, organisation)
            add_once(session, Site, {"id": parse_slug(site)}, facts)

    def add_raft(self, raft: str, *, site: str, name: str) -> None:
        """Add a group of units to a site."""
        with self._sessions.writing() as session:
            facts = _at_site(get_row(session, Site, site), name)
            add_once(session, Raft, {"id": parse_slug(raft)}, facts)

    def add_unit(
        self,
        unit: str,
        *,
        site: str,
        name: str,
        kind: str = UnitKind.POND,
        raft: str | None = None,
        species: str | None = None,
        area_m2: float | None = None,
        depth_m: float | None = None,
    ) -> None:
        """Add a pond, cage or tank; a raft must be one of the same site."""
        facts = {
            "raft": raft,
            "kind": _kind(UnitKind, kind),
            "species": species,
            **parse_size(area_m2, depth_m),
        }
        with self._sessions.writing() as session:
            at_site = _at_site(get_row(session, Site, site), name)
            if raft is not None and get_row(session, Raft, raft).site != site:
                raise InputError(f"raft {raft} is not at site {site}", "raft_elsewhere")
            add_once(session, Unit, {"id": parse_slug(unit)}, {**at_site, **facts})

    def add_vessel(
        self,
        vessel: str,
        *,
        organisation: str,
        name: str,
        length_m: float | None = None,
        gear: str | None = None,
        trade: str = Trade.CATCHING,
    ) -> str:
        """Add a boat; return its registration number as it is kept."""
        number = parse_registration(vessel)
        if length_m is not None:
            vessel_class(length_m)
        facts = {
            "organisation": organisation,
            "name": parse_name(name),
            "length_m": length_m,
            "gear": gear,
            "trade": str(parse_trade(trade)),
        }
        with self._sessions.writing() as session:
            get_row(session, Organisation, organisation)
            add_once(session, Vessel, {"id": number}, facts)
        return number


def parse_commune(commune: str | None) -> str | None:
    """Return a commune's code as it is kept.

    Raises:
        InputError: it does not have five digits.
    """
    if commune is not None and _COMMUNE.fullmatch(commune) is None:
        raise InputError(
            f"commune code {commune!r} does not have five digits", "commune_code"
        )
    return commune


def parse_size(
    area_m2: float | None, depth_m: float | None
) -> Mapping[str, float | None]:
    """Return a unit's size as it is kept.

    Raises:
        InputError: no pond is so large or so deep.
    """
    return {
        "area_m2": _within("area in m²", area_m2, 0, 1e7),
        "depth_m": _within("depth in m", depth_m, 0, 200),
    }


def _at_site(site: Site, name: str) -> Mapping[str, Any]:
    return {
        "organisation": site.organisation,
        "site": site.id,
        "name": parse_name(name),
    }


def _kind(kinds: type[Kind], text: str) -> Kind:
    try:
        return kinds(text)
    except ValueError as exc:
        raise InputError(
            f"kind {text!r} is not one of {', '.join(kinds)}", "form_old"
        ) from exc


def _within(what: str, value: float | None, low: float, high: float) -> float | None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise InputError(
            f"{what} {value} is not from {low:g} to {high:g}",
            "place_range",
            low=low,
            high=high,
        )
    return value
