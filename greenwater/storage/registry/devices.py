"""Devices, their credentials, and what they last said of themselves."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, convert, to_builtins
from sqlalchemy import select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.kernel.ids import (
    DeviceId,
    DeviceState,
    ProbeId,
    parse_device,
)
from greenwater.kernel.reading import instant
from greenwater.kernel.wire.messages import Status
from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry.credentials import (
    Credentials,
    Randomness,
    make_credentials,
)
from greenwater.storage.registry.models import (
    Device,
    DeviceStatus,
    Site,
    Vessel,
)
from greenwater.storage.registry.rows import add_once, get_row, insert, parse_name
from greenwater.storage.registry.session import Sessions


class DeviceInfo(Struct, frozen=True):
    """What is known of a device; ``place`` is its site or vessel."""

    id: DeviceId
    name: str
    organisation: str
    place: str
    state: DeviceState
    is_simulated: bool
    bcrypt_hash: str
    pbkdf2_hash: str
    site: str | None
    vessel: str | None
    added_ms: int
    revoked_ms: int | None


class NewDevice(Struct, frozen=True, kw_only=True):
    """A box to be registered, at a site or aboard a vessel."""

    id: str
    site: str | None = None
    vessel: str | None = None
    name: str = ""
    is_simulated: bool = False


class Deployed(Struct, frozen=True):
    """A probe at a place, ``[from_ms, to_ms)``; ``to_ms`` None: it hangs there still."""

    device: DeviceId
    probe: ProbeId
    unit: str | None
    vessel: str | None
    depth_m: float | None
    from_ms: int
    to_ms: int | None

    def overlaps(self, other: "Deployed") -> bool:
        """Say whether there is an instant in both."""
        return self.from_ms < _end(other) and other.from_ms < _end(self)

    def __str__(self) -> str:
        until = "" if self.to_ms is None else f" until {instant(self.to_ms)}"
        return f"{self.unit or self.vessel} from {instant(self.from_ms)}{until}"


class LastStatus(NamedTuple):
    """What a device last said of itself, and when."""

    received_ms: int
    status: Status


class DevicesSeen:
    """What may be asked about devices; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def list_devices(self) -> Sequence[DeviceInfo]:
        """Return the devices, by id."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(Device).order_by(Device.id))
            return [_info(row) for row in rows]

    def devices(self) -> Sequence[DeviceId]:
        """Return the ids of the devices."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(Device.id).order_by(Device.id))
            return [DeviceId(one) for one in rows]

    def get_device(self, device: str) -> DeviceInfo:
        """Return one device.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            return _info(get_row(session, Device, device))

    def statuses(self) -> Mapping[DeviceId, LastStatus]:
        """Return what each device last said of itself."""
        with self._sessions.reading() as session:
            rows = session.scalars(select(DeviceStatus)).all()
        return {
            DeviceId(row.device): LastStatus(
                row.received_ms, convert(row.document, Status)
            )
            for row in rows
        }


class Devices(DevicesSeen):
    """Mixed into ``Registry``."""

    _randomness: Randomness

    def add_device(
        self,
        device: str,
        *,
        name: str = "",
        site: str | None = None,
        vessel: str | None = None,
        credentials: Credentials | None = None,
        is_simulated: bool = False,
        now_ms: int,
    ) -> str | None:
        """Add a box and return its password, for this one time: only hashes are kept.

        A box that is there already, with nothing that contradicts, gives None: its
        password stays what it was (``renew_password`` makes another one). Credentials
        are made here unless given.

        Raises:
            InputError: the id is no device id, or it has not exactly one place.
            MissingError: the site or vessel is not registered.
            ConflictError: it is registered otherwise or with another password, or revoked.
        """
        new = NewDevice(
            id=device, site=site, vessel=vessel, name=name, is_simulated=is_simulated
        )
        made = credentials or make_credentials(self._randomness)
        with self._sessions.writing() as session:
            is_new = _add(session, new, made, now_ms)
            if not is_new and credentials is not None:
                _refuse_other(session, device, credentials)
        return made.password if is_new else None

    def add_devices(
        self, devices: Sequence[NewDevice], *, now_ms: int
    ) -> Mapping[DeviceId, str | None]:
        """Add many boxes, all or none; return their passwords as ``add_device`` does.

        Raises: as ``add_device``.
        """
        made = [(new, make_credentials(self._randomness)) for new in devices]
        added: dict[DeviceId, str | None] = {}
        with self._sessions.writing() as session:
            for new, credentials in made:
                if _add(session, new, credentials, now_ms):
                    added[DeviceId(new.id)] = credentials.password
                else:
                    added.setdefault(DeviceId(new.id))
        return added

    def renew_password(self, device: str) -> str:
        """Give a box another password and return it; the old one no longer works.

        Raises: as ``set_credentials``.
        """
        made = make_credentials(self._randomness)
        self.set_credentials(device, made)
        return made.password

    def set_credentials(self, device: str, credentials: Credentials) -> None:
        """Replace a device's credentials; the old password no longer works.

        Raises:
            MissingError: there is no such device.
            ConflictError: it is revoked, and stays so.
        """
        with self._sessions.writing() as session:
            row = get_row(session, Device, device, lock=True)
            _refuse_revoked(row)
            row.bcrypt_hash = credentials.bcrypt_hash
            row.pbkdf2_hash = credentials.pbkdf2_hash

    def revoke_device(self, device: str, now_ms: int) -> None:
        """Shut a device out for good; its readings stay. Twice is harmless.

        Raises:
            MissingError: there is no such device.
        """
        with self._sessions.writing() as session:
            row = get_row(session, Device, device, lock=True)
            if row.state != DeviceState.REVOKED:
                row.state, row.revoked_ms = DeviceState.REVOKED, now_ms

    def device_states(self) -> Mapping[DeviceId, DeviceState]:
        """Return every registered device and whether it may speak."""
        with self._sessions.reading() as session:
            rows = session.execute(select(Device.id, Device.state)).all()
        return {DeviceId(one): DeviceState(state) for one, state in rows}

    def save_statuses(
        self, statuses: Mapping[DeviceId, Status], received_ms: int
    ) -> None:
        """Keep devices' latest statuses, together; an unknown device's is not kept.

        One that says again what is kept (its instant, or that the device is gone) is no
        news, and keeps the time at which it was heard.
        """
        with self._sessions.writing() as session:
            for device, status in statuses.items():
                _keep_status(session, device, status, received_ms)


def _add(
    session: Session, new: NewDevice, credentials: Credentials, now_ms: int
) -> bool:
    parse_device(new.id)
    if (new.site is None) == (new.vessel is None):
        raise InputError(
            f"device {new.id}: give it a site or a vessel, one of them", "box_place"
        )
    there = session.get(Device, new.id)
    if there is not None:
        _refuse_revoked(there)
    place: Site | Vessel
    if new.site is not None:
        place = get_row(session, Site, new.site)
    else:
        place = get_row(session, Vessel, parse_registration(new.vessel or ""))
    facts = {
        "organisation": place.organisation,
        "site": place.id if isinstance(place, Site) else None,
        "vessel": place.id if isinstance(place, Vessel) else None,
        "name": parse_name(new.name) if new.name else None,
        "is_simulated": new.is_simulated,
    }
    made = {
        "name": facts["name"] or new.id,
        "state": DeviceState.ACTIVE,
        "bcrypt_hash": credentials.bcrypt_hash,
        "pbkdf2_hash": credentials.pbkdf2_hash,
        "added_ms": now_ms,
    }
    return add_once(session, Device, {"id": new.id}, facts, made=made)


def _refuse_revoked(row: Device) -> None:
    if row.state == DeviceState.REVOKED:
        raise ConflictError(
            f"device {row.id} is revoked: register another id", "box_gone"
        )


def _refuse_other(session: Session, device: str, credentials: Credentials) -> None:
    if get_row(session, Device, device).bcrypt_hash != credentials.bcrypt_hash:
        raise ConflictError(
            f"device {device} is registered already, with another password: "
            "give it a new one instead of adding it again",
            "box_known",
        )


def _info(row: Device) -> DeviceInfo:
    return DeviceInfo(
        DeviceId(row.id),
        row.name,
        row.organisation,
        row.site or row.vessel or "",
        DeviceState(row.state),
        row.is_simulated,
        row.bcrypt_hash,
        row.pbkdf2_hash,
        row.site,
        row.vessel,
        row.added_ms,
        row.revoked_ms,
    )


def _end(deployed: Deployed) -> float:
    return math.inf if deployed.to_ms is None else deployed.to_ms


def _keep_status(
    session: Session, device: DeviceId, status: Status, received_ms: int
) -> None:
    known, kept = session.get(Device, device), session.get(DeviceStatus, device)
    if known is None:
        return
    # A broker hands over again what it retains, whenever ingest connects: no news.
    says_when = status.at_ms or not status.online
    if kept is not None and says_when and convert(kept.document, Status) == status:
        return
    latest = {"received_ms": received_ms, "document": to_builtins(status)}
    statement = insert(session, DeviceStatus).values(
        device=device, organisation=known.organisation, **latest
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[DeviceStatus.device],
            set_=latest,
            where=DeviceStatus.received_ms <= received_ms,
        )
    )
