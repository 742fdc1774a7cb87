"""What an operator may set for ingest. Read once, at start."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]


class IngestSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Variables ``GREENWATER_INGEST_*``; the first four are shared by all services.

    ``worker`` names this worker for ever: its intake rows are numbered under it.
    ``is_sharing`` says that several workers share the work: then subscriptions are
    ``$share/…`` and every group asks the store what is there already. ``keeps_session``
    lets the broker queue while ingest is away; off for the embedded nats-server, whose
    store fills up then and locks everybody out (boxes send again anyway).
    """

    home: Path = Path("var")
    broker_url: str = "mqtt://localhost:1883"
    telemetry_url: str = ""
    registry_url: str = ""
    log_level: str = "info"
    broker_ca_file: Path | None = None
    worker: Annotated[str, Meta(pattern="^[a-z0-9-]{1,32}$")] = "w1"
    is_sharing: bool = False
    keeps_session: bool = True
    queue_deliveries: Positive = 20_000
    queue_bytes: Positive = 64 * 1024 * 1024
    group_deliveries: Positive = 2_000
    group_bytes: Positive = 4 * 1024 * 1024
    metrics_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    mapping_profiles: tuple[str, ...] = ()
    disk_free_mb: Positive = 500
    lag_alarm_s: Positive = 60
    quarantine_alarm_per_hour: Positive = 100

    def telemetry(self) -> str:
        """Return the telemetry store's URL; a file under ``home`` by default."""
        return self.telemetry_url or f"sqlite:///{self.home.absolute()}/telemetry.db"

    def registry(self) -> str:
        """Return the registry's URL; a file under ``home`` by default."""
        return self.registry_url or f"sqlite:///{self.home.absolute()}/registry.db"
