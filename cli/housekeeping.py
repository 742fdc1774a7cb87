"""What the administrator's pages may do to this machine: the broker's files, quarantine."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from cli.device import apply_permissions
from cli.home import Home
from greenwater.kernel.clock import Clock
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry.ports import Telemetry
from ingest.replay import replay_entries
from ingest.workers import by_hand
from web.ports import House


def house_of(
    home: Home, registry: Registry, telemetry: Telemetry, clock: Clock
) -> House:
    """Return what the pages may do, over what is open."""

    def replay(entries: Sequence[int]) -> Iterable[tuple[int, str]]:
        with by_hand(home.path) as worker:
            return list(
                replay_entries(registry, telemetry, entries, clock, worker=worker)
            )

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
