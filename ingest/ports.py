"""What ingest asks of the broker and of the registry.

The telemetry store's port is ``greenwater.storage.telemetry.ports.Telemetry``.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from greenwater.kernel.ids import DeviceId, DeviceState, WorkerId
from greenwater.kernel.quarantine import Quarantined
from greenwater.kernel.wire.messages import DueCommand, Reply, Status

if TYPE_CHECKING:  # the inlet's process does without SQLAlchemy
    from greenwater.storage.registry.operator_alarms import AlarmInfo


class Delivery(NamedTuple):
    """One payload handed over by the broker and not yet acknowledged.

    ``receipt`` is what the adapter needs to acknowledge it; nobody else looks inside.
    """

    topic: str
    payload: bytes
    receipt: object


class Outlet(Protocol):
    """The way back to the broker."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send at QoS 0; lost if the connection is."""
        ...

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker to forget these. Until then it may send them again."""
        ...


class Worker(Protocol):
    """The name under which intake rows are numbered, held by this process alone."""

    @property
    def id(self) -> WorkerId:
        """The name."""
        ...

    def reached(self) -> int:
        """Return the last number that was ever given, as far as is known."""
        ...

    def reach(self, sequence: int) -> None:
        """Note that numbers up to this one have been given."""
        ...


class Registry(Protocol):
    """What ingest asks of the registry. Every call is its own transaction.

    Raises (every method):
        UnavailableError: the registry did not answer; try again later.
    """

    def device_states(self) -> Mapping[DeviceId, DeviceState]:
        """Return every registered device and whether it may speak."""
        ...

    def quarantine(self, entries: Sequence[Quarantined]) -> None:
        """Keep entries, each once (same device, kind, raw and reason: once).

        Beyond a device's byte budget the oldest of that device's entries lose their
        bytes (never their row: reason, time and size stay).
        """
        ...

    def save_statuses(
        self, statuses: Mapping[DeviceId, Status], received_ms: int
    ) -> None:
        """Keep devices' latest statuses, in one transaction."""
        ...

    def commands_due(self, now_ms: int) -> Sequence[DueCommand]:
        """Return the unexpired commands that no reply has settled, oldest first."""
        ...

    def save_reply(self, device: DeviceId, reply: Reply, received_ms: int) -> None:
        """Settle a command; the same reply again changes nothing."""
        ...

    def raise_operator_alarm(
        self, kind: str, subject: str, message: str, at_ms: int
    ) -> None:
        """Open the alarm (kind, subject), or refresh its message if it is open."""
        ...

    def beat(self, name: str, at_ms: int, facts: Mapping[str, object]) -> None:
        """Keep a service's newest sign of life, and forget the one before."""
        ...

    def operator_alarms(self) -> "Sequence[AlarmInfo]":
        """Return the open alarms."""
        ...

    def clear_operator_alarm(self, kind: str, subject: str, at_ms: int) -> None:
        """Close the alarm (kind, subject) if it is open."""
        ...
