"""Probes: the instruments attached to devices."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import select

from greenwater.kernel.ids import DeviceId, ProbeId, parse_probe
from greenwater.kernel.reading import Source
from greenwater.storage.registry.models import Device, Probe
from greenwater.storage.registry.rows import add_once, get_row
from greenwater.storage.registry.session import Sessions


class ProbeInfo(Struct, frozen=True):
    """What is known of a probe."""

    device: DeviceId
    id: ProbeId
    source: Source
    profile: str | None
    note: str | None


class ProbesSeen:
    """What may be asked about probes; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def list_probes(self, device: str | None = None) -> Sequence[ProbeInfo]:
        """Return the probes, of one device or of all, by id."""
        query = select(Probe).order_by(Probe.device, Probe.id)
        if device is not None:
            query = query.where(Probe.device == device)
        with self._sessions.reading() as session:
            return [probe_info(row) for row in session.scalars(query)]


class Probes(ProbesSeen):
    """Mixed into ``Registry``."""

    def add_probe(
        self,
        device: str,
        probe: str,
        *,
        source: Source = Source.PROBE,
        profile: str | None = None,
        note: str | None = None,
    ) -> None:
        """Add a probe; one that is there already changes nothing.

        Raises:
            InputError: the id is no probe id.
            MissingError: the device is not registered.
            ConflictError: it is registered otherwise.
        """
        key = {"device": device, "id": parse_probe(probe)}
        facts = {"source": source, "profile": profile, "note": note}
        with self._sessions.writing() as session:
            organisation = get_row(session, Device, device).organisation
            add_once(session, Probe, key, {"organisation": organisation, **facts})


def probe_info(row: Probe) -> ProbeInfo:
    """Return what a row says."""
    source = Source(row.source)
    return ProbeInfo(
        DeviceId(row.device), ProbeId(row.id), source, row.profile, row.note
    )
