"""The platform as processes: embedded broker, ingest, analytics, site."""

import contextlib
import random
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cli.home import BrokerPlan, Home, nats_server, write_nats
from cli.supervisor import Part
from greenwater.kernel.errors import UnavailableError
from greenwater.storage.registry import open_registry
from ingest.brokers import nats
from ingest.brokers.applying import drop_full_store, is_full

_RANDOM: Final = random.SystemRandom()
_OURS: Final = range(20_000, 32_768)


def free_port() -> int:
    """Return a port on loopback that nobody listens on now.

    It is none of those that the system gives to whoever connects: minutes may pass
    before it is listened on, and meanwhile any connection would take it.

    Raises:
        UnavailableError: there is none.
    """
    for port in _RANDOM.sample(_OURS, 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise UnavailableError(f"no port from {_OURS.start} to {_OURS.stop - 1} is free")


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether somebody accepts connections."""
    try:
        with socket.create_connection((host, port), 0.2):
            return True
    except OSError:
        return False


def greenwater(*words: str) -> list[str]:
    """Return the command line of one of our own services."""
    return [sys.executable, "-m", "cli", *words]


def platform_parts(
    home: Home,
    *,
    page_port: int,
    page_host: str,
    broker_port: int,
    broker_hosts: tuple[str, ...] = (),
    certificate: Path | None = None,
    beside: Mapping[str, str] = MappingProxyType({}),
) -> list[Part]:
    """Return the parts, writing the embedded broker's files where it is wanted.

    ``certificate`` has the site speak TLS itself (``web.server``); ``beside`` are
    variables that all of them are given beside their own.
    """
    environ = {
        "GREENWATER_HOME": str(home.path),
        "GREENWATER_TELEMETRY_URL": home.telemetry_url,
        "GREENWATER_REGISTRY_URL": home.registry_url,
        "GREENWATER_PUBLIC_URL": home.settings.public_url
        or f"http://127.0.0.1:{page_port}",
        "GREENWATER_BROKER_URL": home.settings.broker_url,
        **beside,
    }
    parts = []
    if not home.settings.broker_url:
        host = "0.0.0.0" if broker_hosts else "127.0.0.1"
        plan = BrokerPlan(broker_port, free_port(), host, broker_hosts)
        parts.append(broker_part(home, _embedded(home, plan), broker_port))
        environ |= _embedded_environ(home, plan)
    words = "web", "--host", page_host, "--port", str(page_port)
    tls = () if certificate is None else ("--certificate", str(certificate))
    return [
        *parts,
        Part("ingest", greenwater("ingest"), environ, stage=1),
        Part(
            "web",
            greenwater(*words, *tls),
            environ,
            is_ready=lambda: answers(page_port),
            stage=1,
        ),
        # After the page, which somebody waits for.
        Part("analytics", greenwater("analytics"), environ, stage=1),
    ]


def _embedded_environ(home: Home, plan: BrokerPlan) -> dict[str, str]:
    """Return how our services reach the embedded broker."""
    url, authority = home.service_login(plan)
    environ = {
        "GREENWATER_BROKER_URL": url,
        "GREENWATER_INGEST_KEEPS_SESSION": "false",
    }
    if authority is not None:
        environ["GREENWATER_INGEST_BROKER_CA_FILE"] = str(authority)
    return environ


def broker_part(home: Home, config: Path, port: int) -> Part:
    """Return the embedded broker; a store that fills while it runs is dropped.

    When it is full nobody can connect, and boxes send again what was in it.
    """
    store = home.broker_folder / nats.STORE
    return Part(
        "broker",
        [str(nats_server()), "-c", str(config)],
        is_ready=lambda: answers(port),
        prepare=lambda: drop_full_store(store, nats.STORE_BYTES),
        is_ill=lambda: is_full(store, nats.STORE_BYTES),
        stage=0,
    )


def _embedded(home: Home, plan: BrokerPlan) -> Path:
    drop_full_store(home.broker_folder / nats.STORE, nats.STORE_BYTES)
    with open_registry(home.registry_url) as registry:
        config = write_nats(home, registry, plan)
    home.keep_plan(plan)
    return config
