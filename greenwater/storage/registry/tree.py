"""Sites with their rafts, units and the probes that hang in them: one page's worth."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from greenwater.kernel.ids import DeviceState
from greenwater.storage.registry.deployments import counting
from greenwater.storage.registry.models import (
    Deployment,
    Device,
    Probe,
    Raft,
    Site,
    Unit,
    Vessel,
)
from greenwater.storage.registry.places import (
    RaftInfo,
    SiteInfo,
    UnitInfo,
    VesselInfo,
    raft_info,
    site_info,
    unit_info,
    vessel_info,
)
from greenwater.storage.registry.probes import ProbeInfo, probe_info
from greenwater.storage.registry.session import Sessions


class HungProbe(Struct, frozen=True):
    """A probe where it hangs, and its device's state."""

    probe: ProbeInfo
    depth_m: float | None
    from_ms: int
    is_simulated: bool
    state: DeviceState


class UnitNode(Struct, frozen=True):
    """A unit and what hangs in it."""

    unit: UnitInfo
    probes: tuple[HungProbe, ...]


class RaftNode(Struct, frozen=True):
    """A raft and its units."""

    raft: RaftInfo
    units: tuple[UnitNode, ...]


class SiteNode(Struct, frozen=True):
    """A site, its rafts, and the units that are on no raft."""

    site: SiteInfo
    rafts: tuple[RaftNode, ...]
    units: tuple[UnitNode, ...]


class VesselNode(Struct, frozen=True):
    """A vessel and what is aboard."""

    vessel: VesselInfo
    probes: tuple[HungProbe, ...]


_Hung = Mapping[str, list[HungProbe]]


class Trees:
    """Mixed into ``Registry`` and ``Scope``. Four queries, however many there are."""

    _sessions: Sessions

    def site_tree(self, at_ms: int) -> Sequence[SiteNode]:
        """Return the sites by name, with all below them, as it hung at an instant."""
        with self._sessions.reading() as session:
            sites = session.scalars(select(Site).order_by(Site.name, Site.id)).all()
            rafts = session.scalars(select(Raft).order_by(Raft.name, Raft.id)).all()
            units = session.scalars(select(Unit).order_by(Unit.name, Unit.id)).all()
            hung = _hung(session, at_ms)
        rafts_of: dict[str, list[Raft]] = defaultdict(list)
        for raft in rafts:
            rafts_of[raft.site].append(raft)
        units_of: dict[tuple[str, str | None], list[UnitNode]] = defaultdict(list)
        for unit in units:
            node = UnitNode(unit_info(unit), tuple(hung.get(unit.id, ())))
            units_of[unit.site, unit.raft].append(node)
        return [
            SiteNode(
                site_info(site),
                tuple(
                    RaftNode(raft_info(raft), tuple(units_of[site.id, raft.id]))
                    for raft in rafts_of[site.id]
                ),
                tuple(units_of[site.id, None]),
            )
            for site in sites
        ]

    def fleet(self, at_ms: int) -> Sequence[VesselNode]:
        """Return the vessels by number, with what was aboard at an instant."""
        with self._sessions.reading() as session:
            vessels = session.scalars(select(Vessel).order_by(Vessel.id)).all()
            hung = _hung(session, at_ms)
        return [
            VesselNode(vessel_info(vessel), tuple(hung.get(vessel.id, ())))
            for vessel in vessels
        ]


def _hung(session: Session, at_ms: int) -> _Hung:
    """Return the probes by the unit or vessel they hung in; the two never share an id.

    A unit's id is lower case, a registration number is not.
    """
    query = (
        select(Deployment, Probe, Device.is_simulated, Device.state)
        .join(
            Probe,
            (Probe.device == Deployment.device) & (Probe.id == Deployment.probe),
        )
        .join(Device, Device.id == Deployment.device)
        .where(*counting(at_ms, at_ms + 1))
        .order_by(Deployment.depth_m, Deployment.device, Deployment.probe)
    )
    hung: dict[str, list[HungProbe]] = defaultdict(list)
    for row, probe, is_simulated, state in session.execute(query):
        hung[row.unit or row.vessel or ""].append(
            HungProbe(
                probe_info(probe),
                row.depth_m,
                row.from_ms,
                is_simulated,
                DeviceState(state),
            )
        )
    return hung
