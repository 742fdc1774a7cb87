"""What a fleet is to do."""

from collections.abc import Callable
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import ConfigError

MAX_RECORDS: Final = 5_000

Credentials = Callable[[str], tuple[str, str]]
"""Device id to MQTT user and password."""


class Format(StrEnum):
    """How a batch is written."""

    JSON = "json"
    JSON_ZLIB = "json+zlib"
    CBOR = "cbor"


def anonymous(device: str) -> tuple[str, str]:
    """Return the device's name and no password: for brokers that let anybody in."""
    return device, ""


class FleetPlan(Struct, frozen=True, kw_only=True):
    """How many boxes send how much to where.

    ``readings`` of each batch, ``rate`` in batches a second of the whole fleet (0: as
    fast as credit allows), ``window`` unacknowledged batches a box. A box stops after
    ``batches``, all stop after ``duration_s``; then acks are waited for, at most
    ``drain_s``. The first reading is taken at ``start_ms``, the samples of a box follow
    each other by ``interval_ms``. Another ``seed`` is another fleet of new outboxes.
    """

    start_ms: int
    host: str = "127.0.0.1"
    port: int = 1883
    devices: int = 100
    readings: int = 10
    rate: float = 0.0
    duration_s: float = 10.0
    batches: int | None = None
    window: int = 8
    format: Format = Format.JSON
    interval_ms: int = 1000
    seed: int = 1
    prefix: str = "sim-fleet"
    ca_file: Path | None = None
    is_tls: bool = False
    connects_per_s: float = 1000.0
    drain_s: float = 30.0
    resend_s: float = 60.0
    keepalive_s: int = 60
    has_status: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigError: names the parameter and its value.
        """
        limits: dict[str, tuple[float, float]] = {
            "devices": (1, 60_000),
            "readings": (1, MAX_RECORDS),
            "window": (1, 1000),
            "interval_ms": (1, 86_400_000),
            "rate": (0, 1e6),
            "connects_per_s": (1, 1e6),
            "resend_s": (0.1, 3600),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"fleet: {name} {value} is not from {low} to {high}")

    def device(self, number: int) -> str:
        """Return a box's id."""
        return f"{self.prefix}-{number:05d}"

    def outbox(self, number: int) -> str:
        """Return a box's outbox id; the same plan has the same outboxes."""
        text = f"{self.seed}:{self.start_ms}:{self.readings}:{self.format}"
        text += f":{self.interval_ms}:{self.device(number)}"
        digest = int.from_bytes(blake2b(text.encode(), digest_size=12).digest(), "big")
        letters = "0123456789abcdefghijklmnopqrstuvwxyz"
        found = ""
        for _ in range(16):
            digest, index = divmod(digest, 36)
            found += letters[index]
        return found
