"""Ingest as a whole: real brokers, a real InfluxDB that dies, clients as boxes."""

import contextlib
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import SystemClock
from greenwater.kernel.ids import CommandId, DeviceId, OutboxId, ProbeId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.kernel.topics import Up, ack, command, reply, status, up
from greenwater.kernel.wire.encode import encode
from greenwater.kernel.wire.messages import (
    Ack,
    Command,
    Reply,
    Status,
    decode_message,
    encode_message,
)
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span
from ingest.bootstrap import open_ingest
from ingest.brokers import tls
from ingest.settings import IngestSettings
from tests.conftest import started
from tests.live.clients import Client, closing_all, wait_for
from tests.live.system import a_farm
from tests.servers import Influx, Mosquitto, Nats
from tests.templates import empty_registry

pytestmark = pytest.mark.live
OUTBOX = OutboxId("0123456789abcdef")
SLOW_S = 90.0
WIRE = Path(__file__).resolve().parents[2] / "docs" / "wire.md"


@pytest.fixture(params=["mosquitto", "nats"])
def broker(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Mosquitto | Nats]:
    if request.param == "mosquitto":
        yield request.getfixturevalue("mosquitto")
        return
    # A nats-server of its own: the lasting sessions that other tests left on the shared
    # one go on being served, and slow it down by seconds.
    server = Nats(tmp_path / "nats")
    started(server)
    yield server
    server.stop()


@pytest.fixture
def name() -> str:
    """A device of this test's own: brokers are shared and retain."""
    return f"box-{secrets.token_hex(4)}"


@pytest.fixture
def registry(tmp_path: Path, name: str) -> Iterator[Registry]:
    with open_registry(empty_registry(tmp_path / "registry.db")) as opened:
        a_farm(opened, [name, f"{name}-gone"])
        opened.revoke_device(f"{name}-gone", 1)
        yield opened


@contextlib.contextmanager
def ingest(
    home: Path, broker_url: str, telemetry_url: str = "", **settings: object
) -> Iterator[None]:
    """Run the service in a thread; raise what it died of."""
    stop = threading.Event()
    words = {"home": home, "broker_url": broker_url, "telemetry_url": telemetry_url}
    options = msgspec.convert({**words, **settings}, IngestSettings)

    def work() -> None:
        with open_ingest(options, SystemClock()) as service:
            service.run(stop)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        try:
            yield
        finally:
            stop.set()
            running.result(SLOW_S)


class FakeBox:
    """A client that speaks as a box and remembers what it was told."""

    def __init__(self, client: Client, device: str) -> None:
        self.client, self.device = client, DeviceId(device)
        self.base_ms = milliseconds(SystemClock().now()) - 3_600_000
        for topic in (ack(self.device), f"gw/1/{device}/cmd/+", "gw/1/platform"):
            assert client.subscribe(topic)
        # What an earlier test left retained arrives before this, not as news later.
        marker = f"earlier-{secrets.token_hex(4)}".encode()
        client.publish("gw/1/platform", marker, retain=True)
        client.heard(marker)

    def send(self, number: int, payload: bytes | None = None) -> None:
        taken_ms = self.base_ms + number * 1000
        one = Reading(self.device, ProbeId("a"), Channel.PH, taken_ms, 7.0)
        to = up(*Up(self.device, OUTBOX, number))
        self.client.publish(to, encode([one]) if payload is None else payload)

    def acks(self) -> tuple[set[int], set[int]]:
        """Return the batches it may delete: stored, refused."""
        stored: set[int] = set()
        refused: set[int] = set()
        for topic, payload in list(self.client.got):
            if topic == ack(self.device):
                told = decode_message(payload, Ack)
                for first, last in told.stored:
                    stored.update(range(first, last + 1))
                refused.update(one.batch for one in told.refused)
        return stored, refused

    def commands(self) -> list[str]:
        found = [t for t, _ in list(self.client.got) if "/cmd/" in t]
        return [topic.rsplit("/", 1)[1] for topic in found]

    def epochs(self) -> set[bytes]:
        return {p for t, p in list(self.client.got) if t == "gw/1/platform"}


@contextlib.contextmanager
def box(port: int, device: str) -> Iterator[FakeBox]:
    with closing_all() as clients:
        clients.append(Client(port, None, None))
        yield FakeBox(clients[0], device)


def is_told(one: FakeBox, numbers: set[int]) -> bool:
    return one.acks()[0] == numbers


def online(one: FakeBox, before: int) -> None:
    """Wait until ingest has announced itself once more."""
    wait_for("a new epoch", lambda: len(one.epochs()) > before, SLOW_S)


def values(url: str, device: str) -> dict[int, float | None]:
    store = open_telemetry(url)
    try:
        span = Span(Series(DeviceId(device), ProbeId("a")), 0, 2**53)
        return {one.taken_ms: one.value for one in store.read(span)}
    finally:
        store.close()


def a_strangers_device(name: str, port: int) -> str:
    """Run the device that docs/wire.md shows, but for TLS; return what it printed."""
    shown = re.search(r"```python\n(.*?)```", WIRE.read_text(), re.DOTALL)
    assert shown
    script = shown[1].replace("client.tls_set(ca)\n", "")
    words = [sys.executable, "-c", script, name, "secret", "127.0.0.1", str(port), "-"]
    return subprocess.run(
        words, check=True, capture_output=True, text=True, timeout=SLOW_S
    ).stdout


def test_poison_blocks_nothing_and_only_known_boxes_are_told(
    broker: Mosquitto | Nats, registry: Registry, tmp_path: Path, name: str
) -> None:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    with box(broker.port, name) as good, box(broker.port, f"{name}-gone") as gone:
        before = len(good.epochs())
        with ingest(tmp_path, broker.url, url, keeps_session=False):
            online(good, before)
            gone.send(1)
            good.client.publish(f"gw/1/{name}/up/!!/x", b"no topic of ours")
            good.client.publish(status(good.device), b"no status")
            for number in range(1, 21):
                good.send(number, b"\x78\x9cpoison" if number % 5 == 0 else None)
            wait_for("all answered", lambda: sum(map(len, good.acks())) == 20, SLOW_S)
            if isinstance(broker, Mosquitto):
                assert a_strangers_device(name, broker.port) == "stored\n"
        bad = {5, 10, 15, 20}
        assert good.acks() == (set(range(1, 21)) - bad, bad)
        assert gone.acks() == (set(), set())
    assert len(values(url, name)) == 16
    assert values(url, f"{name}-gone") == {}
    reasons = [one.reason for one in registry.list_quarantine()]
    assert f"device {name}-gone is revoked" in reasons


def test_while_the_store_is_down_nobody_is_told_and_then_everybody(
    mosquitto: Mosquitto, registry: Registry, tmp_path: Path, name: str
) -> None:
    server = Influx(tmp_path / "influx")
    started(server)
    url = server.url("live")
    try:
        with box(mosquitto.port, name) as one:
            before = len(one.epochs())
            with ingest(tmp_path, mosquitto.url, url, lag_alarm_s=1):
                online(one, before)
                one.send(1)
                wait_for("batch 1", lambda: one.acks()[0] == {1}, SLOW_S)
                server.kill()
                for number in range(2, 30):
                    one.send(number)
                wait_for(
                    "the lag is an alarm",
                    lambda: (
                        [a.kind for a in registry.operator_alarms()] == ["ingest-lag"]
                    ),
                    SLOW_S,
                )
                assert one.acks() == ({1}, set())
                server.start()
                wait_for("the rest", lambda: one.acks()[0] == set(range(1, 30)), SLOW_S)
                wait_for("it clears", lambda: not registry.operator_alarms(), SLOW_S)
            assert len(values(url, name)) == 29
    finally:
        server.stop()


def test_commands_go_down_are_repeated_settled_and_never_late(
    broker: Mosquitto | Nats, registry: Registry, tmp_path: Path, name: str
) -> None:
    now_ms = milliseconds(SystemClock().now())
    for which, expires_ms in (
        ("due-0001", now_ms + 600_000),
        ("late-0001", now_ms - 1),
    ):
        registry.add_command(
            which, name, "interval", {}, now_ms=now_ms - 9, expires_ms=expires_ms
        )
    with box(broker.port, name) as one:
        with ingest(tmp_path, broker.url, keeps_session=False):
            wait_for("the command", lambda: one.commands() == ["due-0001"], SLOW_S)
            on = encode_message(Status(online=True, boot="boot-a"))
            one.client.publish(status(one.device), on)
            wait_for("it is repeated", lambda: len(one.commands()) >= 2, SLOW_S)
            done = encode_message(Reply("due-0001", True))
            one.client.publish(reply(one.device, CommandId("due-0001")), done)
            wait_for(
                "it is settled",
                lambda: not registry.commands_due(now_ms),
                SLOW_S,
            )
        assert set(one.commands()) == {"due-0001"}
        sent = [
            p
            for t, p in one.client.got
            if t == command(one.device, CommandId("due-0001"))
        ]
        assert decode_message(sent[0], Command).kind == "interval"


def test_boots_a_b_a_under_one_identity_are_two_boxes(
    mosquitto: Mosquitto, registry: Registry, tmp_path: Path, name: str
) -> None:
    with box(mosquitto.port, name) as one:
        before = len(one.epochs())
        with ingest(tmp_path, mosquitto.url):
            online(one, before)
            for boot in ("boot-a", "boot-b", "boot-a"):  # in one group, or in three
                payload = encode_message(Status(online=True, boot=boot))
                one.client.publish(status(one.device), payload)
            wait_for("the alarm", lambda: bool(registry.operator_alarms()), SLOW_S)
    (alarm,) = registry.operator_alarms()
    assert (alarm.kind, alarm.subject) == ("cloned-box", name)
    assert "boot-a" in alarm.message
    assert "boot-b" in alarm.message


def test_every_start_is_a_new_epoch(
    broker: Mosquitto | Nats, registry: Registry, tmp_path: Path, name: str
) -> None:
    with box(broker.port, name) as one:
        for _ in range(2):
            before = len(one.epochs())
            with ingest(tmp_path, broker.url, keeps_session=False):
                online(one, before)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_only_a_broker_of_the_pinned_authority_is_listened_to(
    registry: Registry, tmp_path: Path, name: str
) -> None:
    files = tls.ensure(tmp_path / "tls", ["127.0.0.1"], SystemClock().now())
    other = tls.ensure(tmp_path / "other", ["127.0.0.1"], SystemClock().now()).ca
    folder = tmp_path / "mosquitto"
    server = Mosquitto(
        folder,
        lines=[
            "allow_anonymous true",
            f"certfile {files.certificate}",
            f"keyfile {files.key}",
        ],
    )
    started(server)
    url = f"mqtts://127.0.0.1:{server.port}"
    try:
        with closing_all() as clients:
            clients.append(Client(server.port, None, None, ca=files.ca))
            one = FakeBox(clients[0], name)
            before = one.epochs()
            for ca in (None, other):
                with ingest(tmp_path, url, broker_ca_file=ca):
                    threading.Event().wait(2.0)
                assert one.epochs() == before
            with ingest(tmp_path, url, broker_ca_file=files.ca):
                online(one, len(before))
                one.send(1)
                wait_for("batch 1", lambda: one.acks()[0] == {1}, SLOW_S)
    finally:
        server.stop()
