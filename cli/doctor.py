"""What `greenwater doctor` looks at."""

import datetime as dt
import shutil
import sys
from urllib.parse import urlsplit

import typer

from cli.home import Home
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.errors import ConflictError, PlatformError
from greenwater.kernel.settings import load
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry
from ingest.brokers import tls
from ingest.mqtt import check_reachable
from ingest.settings import IngestSettings
from traceability.epcis.naming import written_under

LOW_MB = 500
NOBODYS = (".example", ".internal", ".invalid", ".lan", ".local", ".localhost", ".test")
"""Ends of hosts that are nobody's domain (RFC 2606, RFC 6761, RFC 6762, RFC 8375)."""
LAST_DAYS = 30
"""The site renews the broker's certificate ``tls.RENEW_DAYS`` before its end."""


def examine(home: Home) -> int:
    """Print each part's state; return 69 if one is wrong."""
    free_mb = shutil.disk_usage(home.path).free // 2**20
    low = "  LOW" if free_mb < LOW_MB else ""
    typer.echo(f"home        {home.path}")
    typer.echo(f"python      {sys.version.split()[0]}")
    typer.echo(f"disk        {free_mb:,} MB free{low}")
    wrong = 1 if low else 0
    checks = {
        "registry": _registry,
        "telemetry": _telemetry,
        "broker": _broker,
        "certificate": broker_certificate,
        "names": names_of_events,
        "alarms": _alarms,
    }
    for name, check in checks.items():
        try:
            typer.echo(f"{name:<11} {_plain(check(home))}")
        except PlatformError as exc:
            wrong += 1
            typer.echo(f"{name:<11} WRONG: {_plain(str(exc))}")
    return 69 if wrong else 0


def _plain(text: str) -> str:
    """Return text without what a terminal obeys: boxes have their say in some of it."""
    return "".join(one if one.isprintable() else "?" for one in text)


def broker_certificate(home: Home) -> str:
    """Say how long boxes are let in by the broker's certificate."""
    end = tls.ends_at(home.path / "tls")
    if end is None:
        return "none of ours"
    now = dt.datetime.now(dt.UTC)  # noqa: TID251  (certificates are of the real world)
    if end < now + dt.timedelta(days=LAST_DAYS):
        raise ConflictError(
            f"the broker's ends on {end:%Y-%m-%d}, then no box is let in: run "
            "greenwater broker-files, or start greenwater up again"
        )
    return f"of the broker, until {end:%Y-%m-%d}"


def names_of_events(home: Home) -> str:
    """Say whose names trace events give: of a site with a name of its own not the example's."""
    host = urlsplit(home.settings.public_url).hostname or ""
    _, dot, end = host.rpartition(".")
    is_own = dot and end[:1].isalpha() and not host.endswith(NOBODYS)
    if is_own and not home.settings.name_domains:
        raise ConflictError(
            f"trace events would name firms and ponds under {written_under()}: set "
            f"GREENWATER_NAME_DOMAINS, to {host} if that domain is yours"
        )
    return f"under {written_under()}"


def _registry(home: Home) -> str:
    with open_registry(home.registry_url) as registry:
        return f"{len(registry.list_devices())} devices"


def _alarms(home: Home) -> str:
    """What stands open for the operator is wrong: a monitor that asks us shall go red."""
    with open_registry(home.registry_url) as registry:
        found = [
            f"{one.kind} {one.subject}: {one.message}"
            for one in registry.operator_alarms()
        ]
    if found:
        raise ConflictError("; ".join(found))
    return "none open"


def _telemetry(home: Home) -> str:
    store = open_telemetry(home.telemetry_url)
    try:
        return f"{len(store.series())} series"
    finally:
        store.close()


def _broker(home: Home) -> str:
    settings = load(IngestSettings, prefix="GREENWATER_INGEST_")
    plan = None if home.settings.broker_url else home.plan()
    address, authority = (
        (settings.broker_url, settings.broker_ca_file)
        if plan is None
        else home.service_login(plan)
    )
    url = BrokerUrl.parse(address)
    check_reachable(url, ca_file=authority)
    return f"{url.host}:{url.port} lets us in"
