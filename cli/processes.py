"""The platform as processes: embedded broker, ingest, analytics, site."""

import contextlib
import random
import socket
import sys
from pathlib import Path
from typing import Final

from cli.home import BrokerPlan, Home, nats_server, write_nats
from cli.supervisor import Part
from greenwater.kernel.errors import UnavailableError
from greenwater.storage.registry import open_registry
from ingest.brokers import nats
from ingest.brokers.applying import drop_full_store, is_full

NO_OTHER_WAY: Final = dict.fromkeys(
    ("GREENWATER_MAIL_VIA", "GREENWATER_TELEGRAM_VIA", "GREENWATER_ZALO_VIA"), ""
)
"""Nothing that a demo says leaves the machine."""

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
    clock: str = "",
    is_demo: bool = False,
    certificate: Path | None = None,
    sms_via: str = "",
) -> list[Part]:
    """Return the parts, writing the embedded broker's files where it is wanted.

    ``certificate`` has the site speak TLS itself (``web.server``); ``sms_via`` is the
    gateway of a demo, which sends by no other one, whatever the operator has set.
    """
    environ = {
        "GREENWATER_HOME": str(home.path),
        "GREENWATER_TELEMETRY_URL": home.telemetry_url,
        "GREENWATER_REGISTRY_URL": home.registry_url,
        "GREENWATER_PUBLIC_URL": home.settings.public_url
        or f"http://127.0.0.1:{page_port}",
    }
    if clock:
        environ["GREENWATER_CLOCK"] = clock
    if is_demo:
        environ["GREENWATER_WEB_IS_DEMO"] = "true"
    if sms_via:
        environ |= {"GREENWATER_SMS_VIA": sms_via, **NO_OTHER_WAY}
    parts = []
    broker_url = home.settings.broker_url
    if not broker_url:
        plan = BrokerPlan(
            broker_port,
            free_port(),
            "0.0.0.0" if broker_hosts else "127.0.0.1",
            broker_hosts,
        )
        config = _embedded(home, plan)
        broker_url, authority = home.service_login(plan)
        environ["GREENWATER_INGEST_KEEPS_SESSION"] = "false"
        if authority is not None:
            environ["GREENWATER_INGEST_BROKER_CA_FILE"] = str(authority)
        parts.append(broker_part(home, config, broker_port))
    environ["GREENWATER_BROKER_URL"] = broker_url
    parts.append(Part("ingest", greenwater("ingest"), environ, stage=1))
    parts.append(
        Part(
            "web",
            greenwater(
                *("web", "--host", page_host, "--port", str(page_port)),
                *(() if certificate is None else ("--certificate", str(certificate))),
            ),
            environ,
            is_ready=lambda: answers(page_port),
            stage=1,
        )
    )
    # After the page, which somebody waits for.
    parts.append(Part("analytics", greenwater("analytics"), environ, stage=1))
    return parts


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
