"""The site's process: what its pages may do to this machine, and what it does by itself.

The pages and their rules are ``web``'s; here they meet ingest, the broker's files and the
keys of this folder.
"""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import structlog

from cli.device import apply_permissions
from cli.gateways import mappings_of
from cli.home import Home
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import PlatformError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from ingest.brokers import tls
from ingest.replay import hand_intake, replay_entries
from ingest.workers import by_hand
from traceability.label.telling import tell_papers, tell_recalls
from traceability.ledger.roots import make_root
from traceability.proof.keys import Signer, open_signer
from web.app import create_app
from web.door.hosts import hosts_of
from web.ports import House, Services
from web.server import serve
from web.settings import WebSettings, tiles_of

log = structlog.get_logger()

ROOTS_EVERY_S: Final = 600.0
"""How often it asks whether a day has ended, in seconds of its clock."""
MESSAGES_EVERY_S: Final = 1_800.0
CERTIFICATE_EVERY_S: Final = 43_200.0
LEAST_S: Final = 5.0
"""However fast the clock runs."""


def run_site(
    home: Home,
    settings: WebSettings,
    clock: Clock,
    stop: threading.Event,
    *,
    host: str,
    port: int,
    certificate: Path | None,
) -> None:
    """Serve the pages until ``stop`` is set; ``certificate`` has the site speak TLS itself.

    Raises:
        ConfigError: a setting is wrong, or a store refuses us.
        UnavailableError: a store does not answer, or the port is taken.
    """
    with (
        open_registry(home.registry_url) as registry,
        contextlib.closing(open_telemetry(home.telemetry_url)) as telemetry,
    ):
        signer = open_signer(home.path / "keys", registry, milliseconds(clock.now()))
        services = Services(
            registry,
            telemetry,
            clock,
            public_url=settings.public_url,
            hosts=hosts_of(settings.public_url, settings.hosts),
            tiles=tiles_of(settings.map_tiles, settings.map_credit),
            ways=settings.ways(),
            pushing=settings.pushing(home.path),
            signer=signer,
            is_demo=settings.is_demo,
            photos=home.path / "photos",
            take_in=hand_intake(home.path, registry, telemetry, clock),
            house=replace(
                house_of(home, registry, telemetry, clock),
                authority=certificate and certificate.with_name("ca.pem"),
            ),
        )
        beside = {
            "ledger-roots": (ROOTS_EVERY_S, lambda: _sign_day(registry, signer, clock)),
            "messages": (MESSAGES_EVERY_S, lambda: _tell(registry, clock)),
            "certificate": (CERTIFICATE_EVERY_S, lambda: renew(home, registry, now())),
        }
        with contextlib.ExitStack() as stack:
            for name, (every_s, work) in beside.items():
                pause_s = max(LEAST_S, clock.real_seconds(every_s))
                stack.enter_context(repeated(name, work, pause_s, stop))
            serve(
                create_app(services),
                host,
                port,
                stop,
                certificate=certificate,
                trusted_proxies=settings.trusted_proxies,
            )


def house_of(
    home: Home, registry: Registry, telemetry: Telemetry, clock: Clock
) -> House:
    """Return what the administrator's pages may do: the broker's files, quarantine."""

    def replay(entries: Sequence[int]) -> Iterable[tuple[int, str]]:
        mappings = mappings_of(home.path)
        with by_hand(home.path) as worker:
            replayed = replay_entries(
                registry, telemetry, entries, clock, worker=worker, mappings=mappings
            )
            return list(replayed)

    return House(
        folder=home.path,
        permit=lambda: apply_permissions(home, registry),
        replay=replay,
        broker_url=told_to_boxes(home),
    )


def told_to_boxes(home: Home) -> str:
    """Return the broker's address as boxes know it, without our own login."""
    plan = home.plan()
    if plan is not None:
        scheme = "mqtts" if plan.hosts else "mqtt"
        return f"{scheme}://{plan.hosts[0] if plan.hosts else plan.host}:{plan.port}"
    mosquitto = home.mosquitto()
    if mosquitto is not None:
        return mosquitto.url
    parts = urlsplit(home.settings.broker_url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}" if parts.hostname else ""


@contextlib.contextmanager
def repeated(
    name: str, work: Callable[[], None], pause_s: float, stop: threading.Event
) -> Iterator[None]:
    """Do some work now and every so often while the block runs, in a thread of its own."""
    over = threading.Event()

    def run() -> None:
        try:
            work()
            while not over.wait(pause_s):
                work()
        finally:  # one that dies takes the site down, to be started again
            stop.set()

    thread = threading.Thread(target=copy_context().run, args=(run,), name=name)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def now() -> dt.datetime:
    """Return the real time, whatever clock the platform runs on: certificates end by it."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251


def renew(home: Home, registry: Registry, at: dt.datetime) -> None:
    """Have the broker serve with a new certificate in time, else no box comes in any more."""
    try:
        end = tls.ends_at(home.path / "tls")
        if end is None or end > at + dt.timedelta(days=tls.RENEW_DAYS):
            return
        left = apply_permissions(home, registry)
    except PlatformError as exc:
        left = str(exc)
    if left:
        log.error("certificate.not_renewed", error=left)


def _sign_day(registry: Registry, signer: Signer, clock: Clock) -> None:
    """Sign the ledgers' heads for the last whole day, if that was not done."""
    try:
        made = make_root(registry, signer, milliseconds(clock.now()))
    except PlatformError as exc:
        log.error("ledger.root_failed", error=str(exc))
        return
    if made is not None:
        log.info("ledger.root_signed", day=made.day, key=made.key)


def _tell(registry: Registry, clock: Clock) -> None:
    """Make ready what nobody's act brings about: papers that end, recalls said to the end."""
    now_ms = milliseconds(clock.now())
    try:
        tell_papers(registry, now_ms)
        tell_recalls(registry, now_ms)
    except PlatformError as exc:
        log.error("telling.failed", error=str(exc))
