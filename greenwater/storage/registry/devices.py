"""Devices, their probes, and where those hung when."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, to_builtins
from sqlalchemy import or_, select

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.kernel.ids import (
    DeviceId,
    DeviceState,
    ProbeId,
    parse_device,
    parse_probe,
)
from greenwater.kernel.reading import Source
from greenwater.kernel.wire.messages import Status
from greenwater.storage.registry.credentials import Credentials
from greenwater.storage.registry.models import (
    Deployment,
    Device,
    DeviceStatus,
    Probe,
    Site,
    Vessel,
)
from greenwater.storage.registry.session import Sessions


class DeviceInfo(Struct, frozen=True):
    """What lists show of a device."""

    id: DeviceId
    name: str
    organisation: str
    place: str
    state: DeviceState
    is_simulated: bool
    bcrypt_hash: str
    pbkdf2_hash: str


class Deployed(Struct, frozen=True):
    """A probe at a place, ``[from_ms, to_ms)``; ``to_ms`` None: still there."""

    device: DeviceId
    probe: ProbeId
    unit: str | None
    vessel: str | None
    depth_m: float | None
    from_ms: int
    to_ms: int | None


class Devices:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def add_device(
        self,
        device: str,
        *,
        name: str = "",
        site: str | None = None,
        vessel: str | None = None,
        credentials: Credentials,
        is_simulated: bool = False,
        now_ms: int,
    ) -> None:
        """Add a box at a site or on a vessel.

        Raises:
            InputError: the id is no device id.
            MissingError: the site or vessel is not there.
            ConflictError: the id is taken, or neither or both places are given.
        """
        parse_device(device)
        if (site is None) == (vessel is None):
            raise ConflictError(
                f"device {device}: give it a site or a vessel, not both"
            )
        with self._sessions.writing() as session:
            if session.get(Device, device) is not None:
                raise ConflictError(f"device {device} is registered already")
            place = session.get(Site, site) if site else session.get(Vessel, vessel)
            if place is None:
                kind = f"site {site}" if site else f"vessel {vessel}"
                raise MissingError(f"{kind} is not registered")
            session.add(
                Device(
                    id=device,
                    organisation=place.organisation,
                    site=site,
                    vessel=vessel,
                    name=name or device,
                    is_simulated=is_simulated,
                    bcrypt_hash=credentials.bcrypt_hash,
                    pbkdf2_hash=credentials.pbkdf2_hash,
                    added_ms=now_ms,
                )
            )

    def set_credentials(self, device: str, credentials: Credentials) -> None:
        """Replace a device's credentials; the old password no longer works."""
        with self._sessions.writing() as session:
            row = _found(session.get(Device, device), device)
            row.bcrypt_hash = credentials.bcrypt_hash
            row.pbkdf2_hash = credentials.pbkdf2_hash

    def revoke_device(self, device: str, now_ms: int) -> None:
        """Shut a device out; its readings stay.

        Raises:
            MissingError: there is no such device.
        """
        with self._sessions.writing() as session:
            row = _found(session.get(Device, device), device)
            row.state, row.revoked_ms = DeviceState.REVOKED, now_ms

    def device_states(self) -> Mapping[DeviceId, DeviceState]:
        """Return every registered device and whether it may speak."""
        with self._sessions.reading() as session:
            rows = session.execute(select(Device.id, Device.state)).all()
            return {DeviceId(one): DeviceState(state) for one, state in rows}

    def list_devices(self) -> Sequence[DeviceInfo]:
        """Return all devices, by id."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(Device).order_by(Device.id))
            return [
                DeviceInfo(
                    DeviceId(row.id),
                    row.name,
                    row.organisation,
                    row.site or row.vessel or "",
                    DeviceState(row.state),
                    row.is_simulated,
                    row.bcrypt_hash,
                    row.pbkdf2_hash,
                )
                for row in rows
            ]

    def add_probe(
        self,
        device: str,
        probe: str,
        *,
        source: Source = Source.PROBE,
        profile: str = "",
        name: str = "",
    ) -> None:
        """Add a probe, or change what is known of it."""
        parse_probe(probe)
        with self._sessions.writing() as session:
            _found(session.get(Device, device), device)
            session.merge(
                Probe(
                    device=device, id=probe, source=source, profile=profile, name=name
                )
            )

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
    ) -> None:
        """Say that a probe hangs somewhere from an instant on.

        An open deployment of the same probe ends where this one begins: moving a probe
        is one call, and rewrites nothing of what was read before.

        Raises:
            ConflictError: it overlaps a deployment that has an end.
        """
        with self._sessions.writing() as session:
            rows = session.scalars(
                select(Deployment)
                .where(Deployment.device == device, Deployment.probe == probe)
                .order_by(Deployment.from_ms)
            ).all()
            for row in rows:
                if row.from_ms < (to_ms or 2**62) and from_ms < (row.to_ms or 2**62):
                    if row.to_ms is not None or row.from_ms >= from_ms:
                        raise ConflictError(
                            f"probe {device}/{probe} hangs in "
                            f"{row.unit or row.vessel} from {row.from_ms} already"
                        )
                    row.to_ms = from_ms
            session.add(
                Deployment(
                    device=device,
                    probe=probe,
                    unit=unit,
                    vessel=vessel,
                    depth_m=depth_m,
                    from_ms=from_ms,
                    to_ms=to_ms,
                )
            )

    def correct_deployment(
        self, device: str, probe: str, at_ms: int, *, unit: str, depth_m: float | None
    ) -> None:
        """Say that the deployment at ``at_ms`` was somewhere else all along.

        Raises:
            MissingError: the probe hung nowhere then.
        """
        with self._sessions.writing() as session:
            row = session.scalars(_at(device, probe, at_ms)).first()
            if row is None:
                raise MissingError(f"probe {device}/{probe} hung nowhere at {at_ms}")
            row.unit, row.vessel, row.depth_m = unit, None, depth_m

    def where(self, device: str, probe: str, at_ms: int) -> Deployed | None:
        """Return where a probe hung at an instant."""
        with self._sessions.reading() as session:
            row = session.scalars(_at(device, probe, at_ms)).first()
            return None if row is None else _deployed(row)

    def deployments(
        self,
        *,
        unit: str | None = None,
        vessel: str | None = None,
        device: str | None = None,
        start_ms: int = 0,
        end_ms: int = 2**62,
    ) -> Sequence[Deployed]:
        """Return the deployments that touch ``[start_ms, end_ms)``, oldest first."""
        query = select(Deployment).where(
            Deployment.from_ms < end_ms,
            or_(Deployment.to_ms.is_(None), Deployment.to_ms > start_ms),
        )
        if unit is not None:
            query = query.where(Deployment.unit == unit)
        if vessel is not None:
            query = query.where(Deployment.vessel == vessel)
        if device is not None:
            query = query.where(Deployment.device == device)
        with self._sessions.reading() as session:
            rows = session.scalars(query.order_by(Deployment.from_ms, Deployment.id))
            return [_deployed(row) for row in rows]

    def save_status(self, device: DeviceId, status: Status, received_ms: int) -> None:
        """Keep a device's latest status."""
        with self._sessions.writing() as session:
            session.merge(
                DeviceStatus(
                    device=device, received_ms=received_ms, document=to_builtins(status)
                )
            )

    def statuses(self) -> Mapping[DeviceId, tuple[int, Status]]:
        """Return when each device last spoke of itself, and what it said."""
        from msgspec import convert

        with self._sessions.reading() as session:
            rows = session.scalars(select(DeviceStatus)).all()
            return {
                DeviceId(row.device): (row.received_ms, convert(row.document, Status))
                for row in rows
            }


def _found(row: Device | None, device: str) -> Device:
    if row is None:
        raise MissingError(f"device {device} is not registered")
    return row


def _at(device: str, probe: str, at_ms: int) -> Any:
    return select(Deployment).where(
        Deployment.device == device,
        Deployment.probe == probe,
        Deployment.from_ms <= at_ms,
        or_(Deployment.to_ms.is_(None), Deployment.to_ms > at_ms),
    )


def _deployed(row: Deployment) -> Deployed:
    return Deployed(
        DeviceId(row.device),
        ProbeId(row.probe),
        row.unit,
        row.vessel,
        row.depth_m,
        row.from_ms,
        row.to_ms,
    )
