"""Boats changed after they were added; what they were stays known.

Laws:

* Every change is a row of its own that is never changed.
* A boat out of service keeps its whole history. What hung aboard hangs nowhere from that
  instant on, so that nothing is heard of it and no alarm is raised.
* A registration number is never rewritten: what was signed under it stays true. A boat
  with another number is a new row; the old one is out of service and names its successor.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.reference.ports import PORTS
from greenwater.reference.vessels import (
    Trade,
    parse_registration,
    parse_trade,
    vessel_class,
)
from greenwater.storage.registry.deployments import hanging, take_down
from greenwater.storage.registry.models import Deployment, Device, Vessel
from greenwater.storage.registry.models.trips import TripRow
from greenwater.storage.registry.models.vessel_changes import VesselChangeRow
from greenwater.storage.registry.places import VesselInfo, vessel_info
from greenwater.storage.registry.rows import (
    add_once,
    changed,
    differing,
    facts_of,
    get_row,
    parse_name,
)
from greenwater.storage.registry.session import Sessions

MAX_RADIO = 60


class VesselFacts(Struct, frozen=True, kw_only=True):
    """What may be said anew of a boat; None: it is not known any more.

    ``home_port`` is a port's code, ``radio`` how it is called (call sign or channel),
    ``owner`` whose it is where that is not the household's own name.
    """

    name: str
    length_m: float | None = None
    gear: str | None = None
    home_port: str | None = None
    radio: str | None = None
    owner: str | None = None
    trade: str = Trade.CATCHING


class VesselChange(Struct, frozen=True):
    """Who changed what of a boat when; only what differs."""

    vessel: str
    was: Mapping[str, Any]
    became: Mapping[str, Any]
    person: str
    at_ms: int


class VesselChangesSeen:
    """What may be asked about changes; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def vessel_changes(self, vessel: str) -> Sequence[VesselChange]:
        """Return how a boat was changed, newest first."""
        row = VesselChangeRow
        query = (
            select(row)
            .where(row.vessel == parse_registration(vessel))
            .order_by(row.at_ms.desc(), row.number.desc())
        )
        with self._sessions.reading() as session:
            return [_change(one) for one in session.scalars(query)]

    def former_vessels(self, vessel: str) -> Sequence[VesselInfo]:
        """Return what a boat was registered as before, the newest number first."""
        number = parse_registration(vessel)
        found: list[VesselInfo] = []
        with self._sessions.reading() as session:
            while len(found) < 20:
                query = select(Vessel).where(Vessel.successor == number)
                row = session.scalars(query).first()
                if row is None:
                    break
                found.append(vessel_info(row))
                number = row.id
        return found


class VesselChanges(VesselChangesSeen):
    """Mixed into ``Registry``. A change that changes nothing leaves no row.

    Raises (every method):
        InputError: a name, length, port or number cannot be.
        MissingError: there is no such boat or person.
    """

    def change_vessel(
        self, vessel: str, facts: VesselFacts, *, person: str, at_ms: int
    ) -> None:
        """Say anew what a boat is: all of it."""
        with self._sessions.writing() as session:
            row = get_row(session, Vessel, parse_registration(vessel), lock=True)
            _change_row(session, row, _checked(facts), person, at_ms)

    def retire_vessel(
        self, vessel: str, *, person: str, at_ms: int, is_lost: bool = False
    ) -> None:
        """Take a boat out of service; twice is harmless.

        Raises:
            ConflictError: it is at sea by its positions, and nobody says that ``is_lost``.
        """
        with self._sessions.writing() as session:
            row = get_row(session, Vessel, parse_registration(vessel), lock=True)
            if row.retired_ms is None:
                if not is_lost:
                    _refuse_at_sea(session, row.id)
                take_down(session, Deployment.vessel == row.id, at_ms)
                _change_row(session, row, {"retired_ms": at_ms}, person, at_ms)

    def return_vessel(self, vessel: str, *, person: str, at_ms: int) -> None:
        """Put a boat back into service; its probes are hung anew.

        Raises:
            ConflictError: it sails under another number now.
        """
        with self._sessions.writing() as session:
            row = get_row(session, Vessel, parse_registration(vessel), lock=True)
            if row.successor is not None:
                raise ConflictError(
                    f"vessel {row.id} is registered as {row.successor} now",
                    "vessel_renumbered",
                    vessel=row.id,
                    successor=row.successor,
                )
            _change_row(session, row, {"retired_ms": None}, person, at_ms)

    def renumber_vessel(
        self, vessel: str, number: str, *, person: str, at_ms: int
    ) -> str:
        """Give a boat another registration number; return it as it is kept.

        Its boxes go along. Trips, papers and inspections stay in the book of the old number.

        Raises:
            ConflictError: the number is another boat's, or this one is at sea or was given
                another number already.
        """
        new = parse_registration(number)
        with self._sessions.writing() as session:
            row = get_row(session, Vessel, parse_registration(vessel), lock=True)
            if row.successor is not None or session.get(Vessel, new) is not None:
                taken = row.id if row.successor is not None else new
                raise ConflictError(
                    f"registration number {taken} is taken: a number is given once",
                    "vessel_number_taken",
                    vessel=taken,
                )
            _refuse_at_sea(session, row.id)
            kept = {
                name: value
                for name, value in facts_of(row).items()
                if name not in ("id", "retired_ms", "successor")
            }
            add_once(session, Vessel, {"id": new}, kept)
            _move(session, row, new, at_ms)
            gone = {"retired_ms": at_ms, "successor": new}
            _change_row(session, row, gone, person, at_ms)
        return new


def _checked(facts: VesselFacts) -> dict[str, Any]:
    if facts.length_m is not None:
        vessel_class(facts.length_m)
    if facts.home_port not in (None, *(one.code for one in PORTS.port)):
        raise InputError(f"there is no port {facts.home_port!r}", "form_old")
    if len(facts.radio or "") > MAX_RADIO:
        raise InputError(f"a call sign has at most {MAX_RADIO} characters", "form_old")
    return {
        "name": parse_name(facts.name),
        "length_m": facts.length_m,
        "gear": facts.gear,
        "home_port": facts.home_port,
        "radio": facts.radio or None,
        "owner": parse_name(facts.owner) if facts.owner else None,
        "trade": str(parse_trade(facts.trade)),
    }


def _refuse_at_sea(session: Session, vessel: str) -> None:
    newest = (
        select(TripRow)
        .where(TripRow.vessel == vessel)
        .order_by(TripRow.departure_ms.desc())
        .limit(1)
    )
    trip = session.scalars(newest).first()
    if trip is not None and trip.landing_ms is None:
        raise ConflictError(
            f"vessel {vessel} is at sea by its positions: do this once it has landed",
            "vessel_at_sea",
            vessel=vessel,
        )


def _move(session: Session, old: Vessel, new: str, at_ms: int) -> None:
    """Let a boat's boxes, and what hangs aboard, belong to its new number."""
    aboard = Deployment.vessel == old.id
    hung = [
        (one.device, one.probe, one.depth_m) for one in hanging(session, aboard, at_ms)
    ]
    take_down(session, aboard, at_ms)
    for box in session.scalars(select(Device).where(Device.vessel == old.id)):
        box.vessel = new
    session.flush()
    for device, probe, depth_m in hung:
        session.add(
            Deployment(
                organisation=old.organisation,
                device=device,
                probe=probe,
                vessel=new,
                depth_m=depth_m,
                from_ms=at_ms,
                recorded_ms=at_ms,
            )
        )


def _change_row(
    session: Session, row: Vessel, facts: Mapping[str, Any], person: str, at_ms: int
) -> None:
    """Change a boat's row and keep what it was."""
    states = changed(session, row, facts, person)
    if states is not None:
        was, became = states
        session.add(
            VesselChangeRow(
                organisation=row.organisation,
                vessel=row.id,
                was=was,
                became=became,
                person=person,
                at_ms=at_ms,
            )
        )


def _change(row: VesselChangeRow) -> VesselChange:
    was, became = differing(row.was, row.became)
    return VesselChange(row.vessel, was, became, row.person, row.at_ms)
