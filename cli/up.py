"""`greenwater up`: the platform, kept running until told to stop."""

import threading
from collections.abc import Iterable

import typer

from analytics.settings import AnalyticsSettings
from cli.first_administrator import first_administrator
from cli.home import Home, the_only_one
from cli.lan import own_address
from cli.processes import answers, platform_parts
from cli.supervisor import Supervisor
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.clock import open_clock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.reading import milliseconds
from greenwater.kernel.settings import load
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry.urls import parse_url
from ingest.settings import IngestSettings
from web.settings import WebSettings


def _first_link(home: Home, page_port: int) -> str | None:
    """Return where the first administrator comes in; None: there is one."""
    public_url = home.settings.public_url or f"http://127.0.0.1:{page_port}"
    now_ms = milliseconds(open_clock().now())
    with open_registry(home.registry_url) as registry:
        return first_administrator(registry, public_url.rstrip("/"), now_ms)


def run_platform(
    home: Home,
    stop: threading.Event,
    *,
    page_port: int,
    page_host: str,
    broker_port: int,
    broker_hosts: tuple[str, ...],
) -> None:
    """Keep the platform running until told to stop.

    Raises:
        ConfigError: a setting is wrong, or the folder is another platform's.
        UnavailableError: a port is taken by somebody else.
    """
    _check_settings(home)
    with the_only_one(home):
        for port in (page_port, *([] if home.settings.broker_url else [broker_port])):
            if answers(port):
                raise UnavailableError(f"port {port} is taken: choose another")
        administrator = _first_link(home, page_port)
        parts = platform_parts(
            home,
            page_port=page_port,
            page_host=page_host,
            broker_port=broker_port,
            broker_hosts=broker_hosts,
        )
        supervisor = Supervisor(parts, home.path / "logs")
        try:
            _tell_late(supervisor.start(stop), home)
            shown = own_address() if page_host == "0.0.0.0" else page_host
            typer.echo(f"Greenwater: http://{shown}:{page_port}/   (Ctrl-C ends it)")
            if administrator is not None:
                typer.echo(
                    f"Nobody administers it yet. Once, within 72 h: {administrator}"
                )
            supervisor.run(stop)
        finally:
            supervisor.stop()


def _check_settings(home: Home) -> None:
    """Refuse now what one of the parts would refuse at each of its starts."""
    parse_url(home.telemetry_url)
    if home.settings.broker_url:
        BrokerUrl.parse(home.settings.broker_url)
    load(IngestSettings, prefix="GREENWATER_INGEST_")
    load(AnalyticsSettings, prefix="GREENWATER_ANALYTICS_")
    load(WebSettings, prefix="GREENWATER_WEB_")


def _tell_late(names: Iterable[str], home: Home) -> None:
    for name in names:
        typer.echo(
            f"{name} is not ready yet: see {home.path}/logs/{name}.log", err=True
        )
