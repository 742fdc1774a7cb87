"""The box's configuration: one TOML file, unknown keys refused by name."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from edge.control import Rule
from greenwater.kernel.channels import Channel

Seconds = Annotated[float, Meta(ge=0, le=86_400)]
UnitId = Annotated[int, Meta(ge=1, le=247)]
Port = Annotated[int, Meta(ge=1, le=65_535)]


class ProbeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A probe on a Modbus bus. ``interval_s`` 0 samples at every step of the clock.

    ``channels`` only with ``generic_float32``: what stands from register 0 on.
    ``salinity_compensated`` in place of what the profile says: true where the water's
    salinity was set on the probe itself, or false where it was left at 0.
    """

    id: str
    profile: str
    unit: UnitId = 1
    interval_s: Seconds = 60.0
    channels: tuple[Channel, ...] = ()
    salinity_compensated: bool | None = None


class BusSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A Modbus bus: TCP (``host``, ``port``) or RTU (``device``)."""

    name: str
    kind: Literal["tcp", "rtu"] = "tcp"
    host: str = "127.0.0.1"
    port: Port = 502
    device: str = ""
    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    timeout_s: Annotated[float, Meta(gt=0, le=30)] = 1.0
    probes: tuple[ProbeSettings, ...] = ()


class NmeaSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A position stream: TCP (``host``, ``port``) or serial (``device``)."""

    id: str
    kind: Literal["tcp", "serial"] = "tcp"
    host: str = "127.0.0.1"
    port: Port = 10110
    device: str = ""
    baud: int = 4800
    interval_s: Seconds = 60.0


class OutputSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A coil that switches something: an aerator's contactor, a siren."""

    id: str
    bus: str
    unit: UnitId
    coil: Annotated[int, Meta(ge=0, le=65_535)] = 0


class EdgeSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that an installer may set.

    ``budget_mb`` is what the outbox may take of the disk (its log takes up to 8 MB
    more); ``window`` how many batches may be on their way at once; a frozen connection is
    given up after ``keepalive_s`` to twice that. ``clock`` "trusted"
    believes the machine's clock whatever it shows. ``ledger`` is a file to which every
    confirmed reading is appended, for tests that count.
    """

    device: str
    broker_url: str
    password_file: Path | None = None
    ca_file: Path | None = None
    outbox: Path = Path("outbox.db")
    budget_mb: Annotated[int, Meta(ge=1)] = 1024
    commit_every_s: Annotated[float, Meta(gt=0, le=1.0)] = 0.5
    window: Annotated[int, Meta(ge=2, le=1000)] = 64
    keepalive_s: Annotated[int, Meta(ge=1, le=600)] = 20
    status_every_s: Annotated[float, Meta(ge=1)] = 30.0
    status_file: Path | None = None
    ledger: Path | None = None
    clock: Literal["auto", "trusted"] = "auto"
    is_simulated: bool = False
    buses: tuple[BusSettings, ...] = ()
    nmea: tuple[NmeaSettings, ...] = ()
    outputs: tuple[OutputSettings, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def status_path(self) -> Path:
        """Where the agent leaves its status."""
        return self.status_file or self.outbox.with_suffix(".status")
