"""Farms, rafts, ponds and cages changed after they were added; what they were stays known.

Laws:

* Every change is a row of its own that is never changed: what a place was at any instant
  can be told (``site_then``, ``unit_then``), so that what was printed of it stays true.
* A closed pond or cage keeps all it had. What hung in it hangs nowhere from that instant
  on, so that nothing is measured there and no alarm is raised.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, convert
from sqlalchemy import select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.storage.registry.deployments import take_down
from greenwater.storage.registry.models import Base, Deployment, Raft, Site, Unit
from greenwater.storage.registry.models.books import CropRow
from greenwater.storage.registry.models.changes import PlaceChangeRow
from greenwater.storage.registry.places import (
    SiteInfo,
    UnitInfo,
    parse_commune,
    parse_size,
    site_info,
    unit_info,
)
from greenwater.storage.registry.rows import changed, differing, get_row, parse_name
from greenwater.storage.registry.session import Sessions


class PlaceChange(Struct, frozen=True):
    """Who changed what of a place when; only what differs."""

    kind: str
    place: str
    was: Mapping[str, Any]
    became: Mapping[str, Any]
    person: str
    at_ms: int


class PlaceChangesSeen:
    """What may be asked about changes; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def place_changes(self, kind: str, place: str) -> Sequence[PlaceChange]:
        """Return how a ``site``, ``raft`` or ``unit`` was changed, newest first."""
        row = PlaceChangeRow
        query = (
            select(row)
            .where(row.kind == kind, row.place == place)
            .order_by(row.at_ms.desc(), row.number.desc())
        )
        with self._sessions.reading() as session:
            return [_change(one) for one in session.scalars(query)]

    def site_then(self, site: str, at_ms: int) -> SiteInfo:
        """Return a farm as it was at an instant.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            now = site_info(get_row(session, Site, site))
            was = _was(session, "site", site, at_ms)
            return now if was is None else convert(was, SiteInfo)

    def unit_then(self, unit: str, at_ms: int) -> UnitInfo:
        """Return a pond, cage or tank as it was at an instant.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            now = unit_info(get_row(session, Unit, unit))
            was = _was(session, "unit", unit, at_ms)
            return now if was is None else convert(was, UnitInfo)


class PlaceChanges(PlaceChangesSeen):
    """Mixed into ``Registry``. A change that changes nothing leaves no row.

    Raises (every method):
        InputError: a name, size or commune cannot be.
        MissingError: there is no such place or person.
    """

    def change_site(
        self, site: str, *, name: str, commune: str | None, person: str, at_ms: int
    ) -> None:
        """Give a farm another name, or say that it lies in another commune.

        Its position is dropped with the commune: it lay in the other one.
        """
        facts: dict[str, Any] = {
            "name": parse_name(name),
            "commune": parse_commune(commune),
        }
        with self._sessions.writing() as session:
            row = get_row(session, Site, site, lock=True)
            if row.commune not in (None, commune):
                facts |= {"latitude": None, "longitude": None}
            _change_row(session, row, facts, person, at_ms)

    def change_raft(self, raft: str, *, name: str, person: str, at_ms: int) -> None:
        """Give a raft another name."""
        facts = {"name": parse_name(name)}
        with self._sessions.writing() as session:
            row = get_row(session, Raft, raft, lock=True)
            _change_row(session, row, facts, person, at_ms)

    def change_unit(
        self,
        unit: str,
        *,
        name: str,
        raft: str | None,
        species: str | None,
        area_m2: float | None,
        depth_m: float | None,
        person: str,
        at_ms: int,
    ) -> None:
        """Say anew what a pond or cage is: all of it, None is not known any more."""
        facts = {
            "name": parse_name(name),
            "raft": raft,
            "species": species,
            **parse_size(area_m2, depth_m),
        }
        with self._sessions.writing() as session:
            row = get_row(session, Unit, unit, lock=True)
            if raft is not None and get_row(session, Raft, raft).site != row.site:
                raise InputError(
                    f"raft {raft} is not at site {row.site}", "raft_elsewhere"
                )
            _change_row(session, row, facts, person, at_ms)

    def close_unit(self, unit: str, *, person: str, at_ms: int) -> None:
        """Say that a pond or cage is not in use; closed is closed.

        Raises:
            ConflictError: a crop is open in it.
        """
        with self._sessions.writing() as session:
            row = get_row(session, Unit, unit, lock=True)
            open_crop = select(CropRow.name).where(
                CropRow.unit == unit, CropRow.ended_ms.is_(None)
            )
            crop = session.scalars(open_crop).first()
            if crop is not None:
                raise ConflictError(
                    f"crop {crop!r} is still open in unit {unit}: end it first",
                    "unit_has_crop",
                    crop=crop,
                )
            if row.closed_ms is None:
                take_down(session, Deployment.unit == unit, at_ms)
                _change_row(session, row, {"closed_ms": at_ms}, person, at_ms)

    def reopen_unit(self, unit: str, *, person: str, at_ms: int) -> None:
        """Say that a closed pond or cage is in use again; its probes are hung anew."""
        with self._sessions.writing() as session:
            row = get_row(session, Unit, unit, lock=True)
            _change_row(session, row, {"closed_ms": None}, person, at_ms)


def _change_row(
    session: Session, row: Base, facts: Mapping[str, Any], person: str, at_ms: int
) -> None:
    """Change a place's row and keep what it was."""
    states = changed(session, row, facts, person)
    if states is not None:
        was, became = states
        session.add(
            PlaceChangeRow(
                organisation=was["organisation"],
                kind=row.__tablename__,
                place=was["id"],
                was=was,
                became=became,
                person=person,
                at_ms=at_ms,
            )
        )


def _was(
    session: Session, kind: str, place: str, at_ms: int
) -> Mapping[str, Any] | None:
    """Return what a place was at an instant; None: what it is now."""
    row = PlaceChangeRow
    query = (
        select(row.was)
        .where(row.kind == kind, row.place == place, row.at_ms > at_ms)
        .order_by(row.at_ms, row.number)
    )
    return session.scalars(query).first()


def _change(row: PlaceChangeRow) -> PlaceChange:
    was, became = differing(row.was, row.became)
    return PlaceChange(row.kind, row.place, was, became, row.person, row.at_ms)
