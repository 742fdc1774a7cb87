"""Where probes hung when, and how that is said and corrected.

Laws:

* Readings never say where their probe hung, so moving one rewrites nothing.
* One probe hangs in one place at a time: its deployments do not overlap.
* A deployment stays within the organisation of its device.
* A correction adds a deployment and marks the one it replaces as superseded: what was
  believed when can always be told.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import instant
from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.registry.models import Deployment, Probe, Unit, Vessel
from greenwater.storage.registry.rows import get_row
from greenwater.storage.registry.session import Sessions

FOREVER_MS: Final = 2**62


class DeploymentsSeen:
    """What may be asked about deployments; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def where(self, device: str, probe: str, at_ms: int) -> Deployed | None:
        """Return where a probe hung at an instant, None if nowhere."""
        query = counting_of(device, probe).where(*counting(at_ms, at_ms + 1))
        with self._sessions.reading() as session:
            row = session.scalars(query).first()
            return None if row is None else deployed_of(row)

    def deployments(
        self,
        *,
        unit: str | None = None,
        vessel: str | None = None,
        device: str | None = None,
        start_ms: int = 0,
        end_ms: int = FOREVER_MS,
    ) -> Sequence[Deployed]:
        """Return the deployments that touch ``[start_ms, end_ms)``, oldest first."""
        query = select(Deployment).where(*counting(start_ms, end_ms))
        if unit is not None:
            query = query.where(Deployment.unit == unit)
        if vessel is not None:
            query = query.where(Deployment.vessel == parse_registration(vessel))
        if device is not None:
            query = query.where(Deployment.device == device)
        with self._sessions.reading() as session:
            rows = session.scalars(query.order_by(Deployment.from_ms, Deployment.id))
            return [deployed_of(row) for row in rows]


class Deployments(DeploymentsSeen):
    """Mixed into ``Registry``.

    Raises (every method that changes something):
        InputError: neither or both of unit and vessel, or it ends before it begins.
        MissingError: the probe, unit or vessel is not registered.
        ConflictError: it overlaps another, or leaves the device's organisation.
    """

    def deploy(
        self,
        device: str,
        probe: str,
        *,
        unit: str | None = None,
        vessel: str | None = None,
        depth_m: float | None = None,
        from_ms: int,
        to_ms: int | None = None,
        now_ms: int,
    ) -> None:
        """Say that a probe hangs somewhere from an instant on (or hung, until another).

        An open deployment that began earlier ends where this one begins: moving a probe
        is one call, and rewrites nothing of what was read before. The same again changes
        nothing.
        """
        deployed = _checked(
            Deployed(
                DeviceId(device), ProbeId(probe), unit, vessel, depth_m, from_ms, to_ms
            )
        )
        with self._sessions.writing() as session:
            organisation = _locked(session, deployed)
            rows = session.scalars(counting_of(device, probe)).all()
            if deployed in map(deployed_of, rows):
                return
            for row in rows:
                if row.to_ms is None and row.from_ms < from_ms:
                    row.to_ms = from_ms
                _refuse_overlap(row, deployed)
            session.flush()
            session.add(_row(organisation, deployed, now_ms))

    def end_deployment(self, device: str, probe: str, at_ms: int) -> None:
        """Say that a probe was taken out of the water; twice is harmless."""
        with self._sessions.writing() as session:
            get_row(session, Probe, device, probe, lock=True)
            query = counting_of(device, probe).where(Deployment.to_ms.is_(None))
            row = session.scalars(query).first()
            if row is not None:
                row.to_ms = _checked(replace(deployed_of(row), to_ms=at_ms)).to_ms

    def correct_deployment(
        self,
        device: str,
        probe: str,
        at_ms: int,
        *,
        unit: str | None = None,
        vessel: str | None = None,
        depth_m: float | None = None,
        now_ms: int,
    ) -> None:
        """Say that the deployment at ``at_ms`` was somewhere else all along.

        It keeps its times. To correct those, withdraw it and deploy anew.
        """
        with self._sessions.writing() as session:
            get_row(session, Probe, device, probe, lock=True)
            row = _get_at(session, device, probe, at_ms)
            right = _checked(
                replace(deployed_of(row), unit=unit, vessel=vessel, depth_m=depth_m)
            )
            organisation = _locked(session, right)
            row.superseded_ms = now_ms
            session.flush()
            session.add(_row(organisation, right, now_ms))

    def withdraw_deployment(
        self, device: str, probe: str, at_ms: int, *, now_ms: int
    ) -> None:
        """Say that the deployment at ``at_ms`` never was; it stays in the history."""
        with self._sessions.writing() as session:
            get_row(session, Probe, device, probe, lock=True)
            _get_at(session, device, probe, at_ms).superseded_ms = now_ms


def counting(start_ms: int, end_ms: int) -> tuple[Any, ...]:
    """Return the conditions of a deployment that counts and touches a stretch."""
    return (
        Deployment.superseded_ms.is_(None),
        Deployment.from_ms < end_ms,
        or_(Deployment.to_ms.is_(None), Deployment.to_ms > start_ms),
    )


def hanging(session: Session, place: Any, at_ms: int) -> Sequence[Deployment]:
    """Return what hangs somewhere at an instant, and what is to hang there later."""
    query = select(Deployment).where(place, *counting(at_ms, FOREVER_MS))
    return session.scalars(query).all()


def take_down(session: Session, place: Any, at_ms: int) -> None:
    """End what hangs somewhere; what was to hang there later never will."""
    for row in hanging(session, place, at_ms):
        if row.from_ms < at_ms:
            row.to_ms = at_ms
        else:
            row.superseded_ms = at_ms


def counting_of(device: str, probe: str) -> Select[Deployment]:
    """Return the query for a probe's deployments that count, oldest first."""
    return (
        select(Deployment)
        .where(Deployment.device == device, Deployment.probe == probe)
        .where(Deployment.superseded_ms.is_(None))
        .order_by(Deployment.from_ms)
    )


def deployed_of(row: Deployment) -> Deployed:
    """Return what a row says."""
    return Deployed(
        DeviceId(row.device),
        ProbeId(row.probe),
        row.unit,
        row.vessel,
        row.depth_m,
        row.from_ms,
        row.to_ms,
    )


def _get_at(session: Session, device: str, probe: str, at_ms: int) -> Deployment:
    query = counting_of(device, probe).where(*counting(at_ms, at_ms + 1))
    row = session.scalars(query).first()
    if row is None:
        raise MissingError(f"probe {device}/{probe} hung nowhere at {instant(at_ms)}")
    return row


def _checked(deployed: Deployed) -> Deployed:
    """Return it with its vessel's number as it is kept."""
    if (deployed.unit is None) == (deployed.vessel is None):
        raise InputError(
            "a probe hangs in a unit or aboard a vessel, in one of them", "probe_place"
        )
    if deployed.to_ms is not None and deployed.to_ms <= deployed.from_ms:
        raise InputError(
            f"a deployment in {deployed} ends before it begins", "probe_ends_early"
        )
    if deployed.vessel is None:
        return deployed
    return replace(deployed, vessel=parse_registration(deployed.vessel))


def _locked(session: Session, deployed: Deployed) -> str:
    """Hold the probe, so that nobody deploys it meanwhile; return its organisation."""
    probe = get_row(session, Probe, deployed.device, deployed.probe, lock=True)
    place: Unit | Vessel
    if deployed.unit is not None:
        place = get_row(session, Unit, deployed.unit)
    else:
        place = get_row(session, Vessel, deployed.vessel or "")
    if place.organisation != probe.organisation:
        raise ConflictError(
            f"device {deployed.device} belongs to {probe.organisation}, "
            f"{place.id} to another organisation",
            "probe_foreign",
        )
    return probe.organisation


def _refuse_overlap(row: Deployment, wanted: Deployed) -> None:
    stands = deployed_of(row)
    if stands.overlaps(wanted):
        raise ConflictError(
            f"probe {row.device}/{row.probe} hangs in {stands} already: "
            "end, correct or withdraw that first",
            "probe_there",
        )


def _row(organisation: str, deployed: Deployed, now_ms: int) -> Deployment:
    return Deployment(
        organisation=organisation,
        device=deployed.device,
        probe=deployed.probe,
        unit=deployed.unit,
        vessel=deployed.vessel,
        depth_m=deployed.depth_m,
        from_ms=deployed.from_ms,
        to_ms=deployed.to_ms,
        recorded_ms=now_ms,
    )
