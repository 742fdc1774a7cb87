"""What an operator may set for analytics. Read once, at start."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from analytics.alarms.addresses import check_ways
from analytics.alarms.pushing import Pusher, open_hosts, open_push_key, subject_of
from analytics.alarms.ways import Ways, open_ways
from greenwater.kernel.clock import Clock


class AnalyticsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Variables ``GREENWATER_ANALYTICS_*``; those without a default of ours are shared.

    ``look_every_s`` is how often intake is looked at when there is nothing new;
    ``forecast_every_s`` is how often oxygen is forecast (0: never); ``workers`` processes work passes out, below two it is done in this one.
    ``…_via`` are the operator's gateways (``analytics.alarms.ways``), shared with the site, as
    ``push_hosts`` are, push services beside those that browsers have (``alarms.pushing``).
    """

    home: Path = Path("var")
    telemetry_url: str = ""
    registry_url: str = ""
    public_url: str = "http://127.0.0.1:8000"
    log_level: str = "info"
    look_every_s: Annotated[float, Meta(gt=0, le=60)] = 0.2
    workers: Annotated[int, Meta(ge=0, le=64)] = 0
    forecast_every_s: Annotated[float, Meta(ge=0, le=3600)] = 600.0
    sms_via: str = ""
    mail_via: str = ""
    telegram_via: str = ""
    zalo_via: str = ""
    push_hosts: str = ""

    def pusher(self, clock: Clock) -> Pusher:
        """Return what sends to browsers, with the platform's key, made where there is none.

        Raises:
            ConfigError: a push service is none, or the key's file is no key.
        """
        key, subject = open_push_key(self.home / "push"), subject_of(self.public_url)
        return Pusher(key, clock, subject, open_hosts(self.push_hosts))

    def ways(self) -> Ways:
        """Return the gateways that messages go by.

        Raises:
            ConfigError: one has no place for the receiver, or nothing can be sent by it.
        """
        found = open_ways(
            sms=self.sms_via,
            mail=self.mail_via,
            telegram=self.telegram_via,
            zalo=self.zalo_via,
        )
        check_ways(found)
        return found

    def telemetry(self) -> str:
        """Return the telemetry store's URL; a file under ``home`` by default."""
        return self.telemetry_url or f"sqlite:///{self.home.absolute()}/telemetry.db"

    def registry(self) -> str:
        """Return the registry's URL; a file under ``home`` by default."""
        return self.registry_url or f"sqlite:///{self.home.absolute()}/registry.db"
