"""What an operator may set for analytics. Read once, at start."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct


class AnalyticsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Variables ``GREENWATER_ANALYTICS_*``; those without a default of ours are shared.

    ``look_every_s`` is how often intake is looked at when there is nothing new;
    ``forecast_every_s`` is how often oxygen is forecast (0: never); ``workers`` processes work passes out, below two it is done in this one.
    """

    home: Path = Path("var")
    telemetry_url: str = ""
    registry_url: str = ""
    public_url: str = "http://127.0.0.1:8000"
    log_level: str = "info"
    look_every_s: Annotated[float, Meta(gt=0, le=60)] = 0.2
    workers: Annotated[int, Meta(ge=0, le=64)] = 0
    forecast_every_s: Annotated[float, Meta(ge=0, le=3600)] = 600.0

    def telemetry(self) -> str:
        """Return the telemetry store's URL; a file under ``home`` by default."""
        return self.telemetry_url or f"sqlite:///{self.home.absolute()}/telemetry.db"

    def registry(self) -> str:
        """Return the registry's URL; a file under ``home`` by default."""
        return self.registry_url or f"sqlite:///{self.home.absolute()}/registry.db"
