"""What the pages ask of the two databases. The facades of ``greenwater.storage`` fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Gap, Reading
from greenwater.storage.registry.devices import Deployed, DeviceInfo, LastStatus
from greenwater.storage.registry.places import RaftInfo, SiteInfo, UnitInfo, VesselInfo
from greenwater.storage.registry.probes import ProbeInfo
from greenwater.storage.telemetry.ports import Bucket, Span


class Seen(Protocol):
    """What one person may see; nothing else comes out."""

    def sites(self) -> Sequence[SiteInfo]:
        """Return the sites, by name."""
        ...

    def rafts(self) -> Sequence[RaftInfo]:
        """Return the rafts, by name."""
        ...

    def units(self) -> Sequence[UnitInfo]:
        """Return the units of all sites."""
        ...

    def vessels(self) -> Sequence[VesselInfo]:
        """Return the vessels."""
        ...

    def list_devices(self) -> Sequence[DeviceInfo]:
        """Return the devices."""
        ...

    def list_probes(self) -> Sequence[ProbeInfo]:
        """Return the probes of all devices."""
        ...

    def statuses(self) -> Mapping[DeviceId, LastStatus]:
        """Return what each device last said of itself."""
        ...

    def deployments(
        self,
        *,
        unit: str | None = None,
        vessel: str | None = None,
        start_ms: int = 0,
        end_ms: int = 2**62,
    ) -> Sequence[Deployed]:
        """Return the deployments that touch ``[start_ms, end_ms)``, oldest first."""
        ...


class Registry(Protocol):
    """People, places and devices."""

    def visible_to(self, person: str | None) -> Seen:
        """Return what a person sees; None is the operator, who sees all."""
        ...


class Telemetry(Protocol):
    """The readings (see ``greenwater.storage.telemetry.ports``)."""

    def latest(self, device: DeviceId) -> Sequence[Reading]:
        """Return the newest reading of each channel of each probe of one device."""
        ...

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """Return non-empty buckets in time order."""
        ...

    def gaps(self, span: Span) -> Sequence[Gap]:
        """Return the gaps that touch the span."""
        ...


@dataclass(frozen=True)
class Services:
    """All that the site needs, open. Whoever opened them closes them.

    ``viewer`` is the person whose eyes the pages are seen with; None is the operator.
    """

    registry: Registry
    telemetry: Telemetry
    clock: Clock
    viewer: str | None = None

    @property
    def seen(self) -> Seen:
        """What the viewer may see."""
        return self.registry.visible_to(self.viewer)
