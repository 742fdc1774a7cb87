"""What analytics asks of the two databases. The facades of ``greenwater.storage`` fit."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from greenwater.derived.stretches import Told
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, WorkerId
from greenwater.kernel.quality import Flagged
from greenwater.kernel.reading import Reading
from greenwater.reference.own_limits import OwnLimits
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.bulletins import BulletinCopy
from greenwater.storage.registry.commands import CommandInfo
from greenwater.storage.registry.contacts import Contact
from greenwater.storage.registry.devices import Deployed, DeviceInfo, LastStatus
from greenwater.storage.registry.out_of_service import OutOfService
from greenwater.storage.registry.places import SiteInfo, UnitInfo, VesselInfo
from greenwater.storage.registry.probes import ProbeInfo
from greenwater.storage.registry.scope import Scope
from greenwater.storage.registry.trips import Sailed
from greenwater.storage.registry.watching import Act, Notification, Pass
from greenwater.storage.telemetry.ports import Findings, Intake, Span


class Telemetry(Told, Protocol):
    """The readings, and the order in which they became readable."""

    @property
    def findings(self) -> Findings:
        """What analytics found."""
        ...

    def intake_after(
        self, cursor: Mapping[WorkerId, int], limit: int
    ) -> Sequence[Intake]:
        """Return rows beyond the cursor."""
        ...

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return all readings of many spans, in no particular order."""
        ...

    def write(self, readings: Sequence[Reading]) -> None:
        """Store readings; the same again changes nothing."""
        ...

    def write_flags(self, flags: Sequence[Flagged]) -> None:
        """Store quality flags beside their readings."""
        ...

    def flags(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Sequence[Flagged]:
        """Return the flags of one series' readings."""
        ...


class Registry(Protocol):
    """Places, alarms, and what analytics keeps."""

    def deployments(
        self, *, start_ms: int = 0, end_ms: int = 2**62
    ) -> Sequence[Deployed]:
        """Return the deployments that touch ``[start_ms, end_ms)``."""
        ...

    def units(self) -> Sequence[UnitInfo]:
        """Return the units."""
        ...

    def sites(self) -> Sequence[SiteInfo]:
        """Return the sites."""
        ...

    def limits_set(self) -> Mapping[str, Sequence[OwnLimits]]:
        """Return all limits that units' people ever set, the oldest first, by unit."""
        ...

    def vessels(self) -> Sequence[VesselInfo]:
        """Return the vessels."""
        ...

    def save_trips(self, sailed: Sequence[Sailed]) -> None:
        """Keep what vessels did."""
        ...

    def list_devices(self) -> Sequence[DeviceInfo]:
        """Return the devices."""
        ...

    def list_probes(self) -> Sequence[ProbeInfo]:
        """Return the probes."""
        ...

    def contacts(self) -> Sequence[Contact]:
        """Return who is told."""
        ...

    def load_states(self) -> Mapping[str, bytes]:
        """Return what analytics knows."""
        ...

    def open_alarms(self) -> Sequence[Alarm]:
        """Return the alarms that are not cleared."""
        ...

    def alarms_cleared_since(self, from_ms: int) -> Sequence[Alarm]:
        """Return the alarms that were cleared at an instant or later."""
        ...

    def alarms_about(
        self, conditions: Collection[str], from_ms: int, to_ms: int
    ) -> Sequence[Alarm]:
        """Return the alarms about some conditions that held in a stretch of time."""
        ...

    def out_of_service(self, since_ms: int) -> Sequence[OutOfService]:
        """Return what is, or was then, out of service."""
        ...

    def switches_since(self, from_ms: int) -> Sequence[CommandInfo]:
        """Return the orders to switch something, oldest first."""
        ...

    def statuses(self) -> Mapping[DeviceId, LastStatus]:
        """Return what each device last said of itself."""
        ...

    def open_acts(self) -> Sequence[Act]:
        """Return what people did since the last pass."""
        ...

    def save_pass(self, done: Pass) -> None:
        """Keep what a pass leaves behind."""
        ...

    def get_alarm(self, alarm: str) -> Alarm:
        """Return one alarm."""
        ...

    def visible_to(self, person: str | None) -> Scope:
        """Return what a person sees."""
        ...

    def names(self, people: Iterable[str | None] | None = None) -> Mapping[str, str]:
        """Return people's names by id: of these, or everybody's."""
        ...

    def get_unit(self, unit: str) -> UnitInfo:
        """Return one unit."""
        ...

    def due_notifications(
        self, now_ms: int, limit: int = 100
    ) -> Sequence[Notification]:
        """Return the messages that are to go out now."""
        ...

    def due_copies(self, now_ms: int, limit: int = 100) -> Sequence[BulletinCopy]:
        """Return the bulletins' copies that are to go out now."""
        ...

    def take_notification(self, message: str, now_ms: int) -> bool:
        """Have a message to send; False: another sender has it, or it is due no more."""
        ...

    def take_copy(self, copy: str, now_ms: int) -> bool:
        """Have a copy to send; the same."""
        ...

    def copy_sent(self, copy: str, at_ms: int) -> None:
        """Note that a copy went out."""
        ...

    def copy_failed(self, copy: str, *, next_ms: int | None, at_ms: int) -> None:
        """Note that a copy did not go out."""
        ...

    def add_alarm_link(self, token: str, one: Notification, *, expires_ms: int) -> None:
        """Keep a token that acknowledges one alarm."""
        ...

    def notification_sent(self, one: Notification, at_ms: int) -> None:
        """Note that a message went out."""
        ...

    def notification_failed(
        self, one: Notification, why: str, *, next_ms: int | None, at_ms: int
    ) -> None:
        """Note that a message did not go out."""
        ...

    def drop_contact(self, organisation: str, person: str, url: str) -> None:
        """Have a person told no more at an address."""
        ...

    def hasten_notifications(
        self, one: Notification, now_ms: int, *, most_ms: int
    ) -> None:
        """Have the next told now: this one was not."""
        ...
