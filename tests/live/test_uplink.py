"""The uplink against real brokers, with a tiny platform that acknowledges."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
import pytest
import trustme
from paho.mqtt.enums import CallbackAPIVersion

from edge.bootstrap import open_box
from edge.box import Box
from edge.settings import EdgeSettings
from edge.status import BoxStatus, read_status
from edge.uplink import Traffic
from firmware_sim.modem import FreezingProxy
from greenwater.kernel import topics
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import SystemClock
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import CommandId, DeviceId, ProbeId
from greenwater.kernel.wire.decode import decode
from greenwater.kernel.wire.messages import (
    Ack,
    Command,
    Platform,
    Refused,
    Reply,
    Status,
    encode_message,
)
from tests.conftest import started
from tests.servers import Mosquitto, Nats

pytestmark = pytest.mark.live

Key = tuple[str, str, int]


class TinyPlatform:
    """Decodes, remembers, acknowledges; whatever it is told to get wrong, it does."""

    def __init__(self, port: int, device: str) -> None:
        self.device = DeviceId(device)
        self.readings: dict[Key, float | None] = {}
        self.payloads: dict[tuple[str, int], list[bytes]] = {}
        self.statuses: list[Status] = []
        self.replies: list[Reply] = []
        self.acks = True
        self.refuses = False
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda c, *_: c.subscribe(
            [(f"gw/1/{device}/{one}", 1) for one in ("up/+/+", "status", "reply/+")]
        )
        self._client.reconnect_delay_set(0.1, 0.5)  # type: ignore[arg-type]
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _on_message(self, _c: object, _u: object, message: paho.MQTTMessage) -> None:
        match topics.parse(message.topic):
            case topics.Up() as up:
                self._take_in(up, bytes(message.payload))
            case topics.Status():
                self.statuses.append(msgspec.json.decode(message.payload, type=Status))
            case topics.Reply():
                self.replies.append(msgspec.json.decode(message.payload, type=Reply))

    def _take_in(self, up: topics.Up, payload: bytes) -> None:
        self.payloads.setdefault((up.outbox, up.batch), []).append(payload)
        pack = decode(payload, device=up.device, now_s=time.time())
        assert not pack.refused
        for reading in pack.readings:
            key = (reading.probe, reading.channel, reading.taken_ms)
            self.readings[key] = reading.value
        if self.refuses:
            self.say(Ack(up.outbox, refused=(Refused(up.batch, "not wanted"),)))
        elif self.acks:
            self.say(Ack(up.outbox, ((up.batch, up.batch),)))

    def catch_up(self) -> None:
        """Acknowledge from now on, and what has arrived."""
        self.acks = True
        for outbox, batch in list(self.payloads):
            self.say(Ack(outbox, ((batch, batch),)))

    def say(self, ack: Ack) -> None:
        self.publish(topics.ack(self.device), encode_message(ack))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=0, retain=retain)

    def order(self, command: Command) -> None:
        topic = topics.command(self.device, CommandId(command.id))
        self.publish(topic, encode_message(command))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def wait_until(what: str, is_so: Callable[[], bool], timeout_s: float = 90.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s, f"not in {timeout_s} s: {what}"
        time.sleep(0.01)


class Running:
    """A box without instruments; the test takes the readings."""

    def __init__(self, settings: EdgeSettings) -> None:
        self._stack = contextlib.ExitStack()
        self.settings = settings
        self.box: Box = self._stack.enter_context(
            open_box(settings, SystemClock(), random.Random(7))
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.box.run, args=(self._stop,))
        self._thread.start()
        self.taken: dict[Key, float | None] = {}
        self._serial = 0

    def take(self, count: int = 1, probe: str = "a") -> list[Key]:
        keys = []
        for _ in range(count):
            self._serial += 1
            instant = self.box.agent.timekeeper.now()
            instant = instant._replace(ms=instant.ms + self._serial)
            value = self._serial / 100
            self.box.agent.take(ProbeId(probe), instant, {Channel.PH: value})
            keys.append((probe, "ph", instant.ms))
            self.taken[keys[-1]] = value
        return keys

    @property
    def traffic(self) -> Traffic:
        assert self.box._uplink is not None
        return self.box._uplink.traffic

    def status(self) -> BoxStatus:
        return read_status(self.settings.status_path)

    @property
    def waiting(self) -> int:
        figures = self.box.keeper.figures
        return figures.waiting

    def close(self) -> None:
        self._stop.set()
        self._thread.join(90)
        assert not self._thread.is_alive()
        self._stack.close()


@pytest.fixture(params=["nats", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> Nats | Mosquitto:
    found: Nats | Mosquitto = request.getfixturevalue(request.param)
    return found


names = iter(f"box-{n}" for n in range(1000))


@pytest.fixture
def device() -> str:
    return next(names)


@pytest.fixture
def platform(broker: Nats | Mosquitto, device: str) -> Iterator[TinyPlatform]:
    one = TinyPlatform(broker.port, device)
    yield one
    one.close()


Runs = Callable[..., Running]


@pytest.fixture
def runs(tmp_path: Path, device: str) -> Iterator[Runs]:
    opened: list[Running] = []

    def run(port: int, **changes: object) -> Running:
        values = {
            "device": device,
            "broker_url": f"mqtt://127.0.0.1:{port}",
            "outbox": tmp_path / "outbox.db",
            "ledger": tmp_path / "ledger",
            "commit_every_s": 0.1,
            "keepalive_s": 2,
        }
        opened.append(Running(EdgeSettings(**(values | changes))))  # type: ignore[arg-type]
        return opened[-1]

    yield run
    for one in opened:
        one.close()


def test_what_is_confirmed_arrives_and_leaves_the_outbox(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs, tmp_path: Path
) -> None:
    running = runs(broker.port)
    running.take(500)
    wait_until("all has arrived", lambda: platform.readings == running.taken)
    wait_until("the outbox is empty", lambda: running.waiting == 0)
    ledger = (tmp_path / "ledger").read_bytes().splitlines()
    assert len(ledger) == 500
    assert running.box.keeper.figures.confirmed == 500


def test_a_puback_is_not_delivery(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    platform.acks = False
    running = runs(broker.port)
    running.take(5)
    wait_until("it has arrived", lambda: len(platform.readings) == 5)
    time.sleep(1.2)
    assert running.waiting == 5


def test_the_box_says_that_it_is_there_and_says_goodbye(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    running = runs(broker.port)
    wait_until("it says online", lambda: bool(platform.statuses))
    assert platform.statuses[0].online
    assert platform.statuses[0].clock in ("rtc", "ntp")
    running.close()
    wait_until("it says offline", lambda: not platform.statuses[-1].online)


def test_the_last_will_speaks_when_the_line_is_cut(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    proxy = FreezingProxy(broker.port)
    runs(proxy.port)
    wait_until("it says online", lambda: any(s.online for s in platform.statuses))
    proxy.cut()
    wait_until("the will speaks", lambda: any(not s.online for s in platform.statuses))
    wait_until("it comes back", lambda: platform.statuses[-1].online)
    proxy.close()


def test_a_new_epoch_brings_the_unacknowledged_again_with_the_same_bytes(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    platform.acks = False
    platform.publish(topics.PLATFORM, encode_message(Platform("one")), retain=True)
    running = runs(broker.port)
    running.take(5)
    wait_until("it has arrived", lambda: len(platform.readings) == 5)
    platform.acks = True
    platform.publish(topics.PLATFORM, encode_message(Platform("two")))
    wait_until("the outbox is empty", lambda: running.waiting == 0)
    assert any(len(payloads) > 1 for payloads in platform.payloads.values())
    for payloads in platform.payloads.values():
        assert len(set(payloads)) == 1


def test_a_refused_batch_is_done_and_counted(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    platform.refuses = True
    running = runs(broker.port)
    running.take(5)
    wait_until(
        "the outbox is empty",
        lambda: running.traffic.refused >= 1 and running.waiting == 0,
    )
    wait_until("status shows it", lambda: running.status().refused >= 1)


def test_foreign_and_malformed_acks_lose_nothing(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    platform.acks = False
    running = runs(broker.port)
    running.take(5)
    wait_until("it has arrived", lambda: len(platform.readings) == 5)
    outbox = next(iter(platform.payloads))[0]
    platform.say(Ack("0" * 16, ((0, 10**17),)))
    malformed: Sequence[bytes] = (
        b"", b"nonsense", b"[]", b'{"outbox":7}', b'{"stored":[[1,2]]}', b"\xff" * 70_000,
        b'{"outbox":"%b","stored":[[1,"x"]]}' % outbox.encode(),
        b'{"outbox":"%b","stored":[[9,1],[-5,-1]]}' % outbox.encode(),
    )  # fmt: skip
    for payload in malformed:
        platform.publish(topics.ack(platform.device), payload)
    wait_until("they are counted", lambda: running.traffic.bad_messages == 7)
    time.sleep(1.2)
    assert running.waiting == 5


def test_a_frozen_connection_is_given_up_and_nothing_is_lost(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    proxy = FreezingProxy(broker.port)
    running = runs(proxy.port)
    running.take(10)
    wait_until("the first arrive", lambda: len(platform.readings) == 10)
    proxy.freeze()
    running.take(100)
    wait_until("the box notices", lambda: not running.traffic.is_online)
    proxy.thaw()
    proxy.cut()
    wait_until("all has arrived", lambda: platform.readings == running.taken)
    wait_until("the outbox is empty", lambda: running.waiting == 0)
    proxy.close()


@pytest.mark.parametrize("wiped", [False, True])
@pytest.mark.parametrize("kind", [Nats, Mosquitto])
def test_a_broker_that_dies_costs_nothing(
    kind: type[Nats] | type[Mosquitto],
    wiped: bool,
    device: str,
    runs: Runs,
    tmp_path: Path,
) -> None:
    broker = kind(tmp_path / "broker")
    started(broker)
    platform = TinyPlatform(broker.port, device)
    try:
        running = runs(broker.port)
        running.take(100)
        wait_until("the first arrive", lambda: len(platform.readings) >= 100)
        broker.kill()
        running.take(100)
        if wiped:
            broker.wipe()
        broker.start()
        running.take(100)
        wait_until("all has arrived", lambda: platform.readings == running.taken)
        wait_until("the outbox is empty", lambda: running.waiting == 0)
    finally:
        platform.close()
        broker.stop()


def test_a_restarted_box_sends_what_the_last_one_left(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    first = runs(1)  # nobody listens there
    first.take(300)
    wait_until("it is confirmed", lambda: first.waiting == 300)
    first.close()
    second = runs(broker.port)
    wait_until("all has arrived", lambda: platform.readings == first.taken)
    wait_until("the outbox is empty", lambda: second.waiting == 0)


def ordered(
    platform: TinyPlatform, kind: str, args: dict[str, object], *, name: str = "c-1"
) -> Reply:
    before = len(platform.replies)
    late_ms = round(time.time() * 1000) + 60_000
    platform.order(Command(name, kind, late_ms, args))
    wait_until("it is answered", lambda: len(platform.replies) > before)
    return platform.replies[-1]


def test_commands_are_answered_once_carried_out_and_never_touch_readings(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    platform.acks = False
    running = runs(broker.port)
    running.take(5)
    wait_until("it has arrived", lambda: len(platform.readings) == 5)
    who = ordered(platform, "identify", {})
    assert who.is_done
    assert platform.device in who.message
    assert ordered(platform, "nonsense", {}, name="c-1") == who, "answered as before"
    unknown = ordered(platform, "nonsense", {}, name="c-2")
    assert not unknown.is_done
    assert "set-interval" in unknown.message
    bad = ordered(platform, "set-interval", {"seconds": -5}, name="c-3")
    assert not bad.is_done
    assert "seconds" in bad.message
    odd = ordered(platform, "resend", {"since": 1}, name="c-4")
    assert not odd.is_done
    assert "since" in odd.message
    platform.order(Command("c-5", "identify", 1_000, {}))
    wait_until("it is answered", lambda: platform.replies[-1].id == "c-5")
    assert "expired" in platform.replies[-1].message
    assert running.waiting == 5


def test_a_resend_gives_a_restored_platform_what_it_lost(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    running = runs(broker.port)
    running.take(50)
    wait_until("the outbox is empty", lambda: platform.readings == running.taken
               and running.waiting == 0)  # fmt: skip
    platform.readings.clear()
    absurd = ordered(platform, "resend", {"since_ms": 2**64 - 1}, name="c-0")
    assert not absurd.is_done, (
        "more than SQLite takes: it ended the box, again and again"
    )
    assert absurd.message.startswith("arguments: ")
    reply = ordered(platform, "resend", {"since_ms": 0})
    assert (reply.is_done, reply.message) == (True, "50 readings queued again")
    wait_until("all is there again", lambda: platform.readings == running.taken)
    for payloads in platform.payloads.values():
        assert len(payloads) >= 2
        assert len(set(payloads)) == 1


def test_a_live_reading_overtakes_the_backlog(
    broker: Nats | Mosquitto, platform: TinyPlatform, runs: Runs
) -> None:
    first = runs(1)
    # In parts: what a slow disk leaves in memory beyond MEMORY_READINGS is thinned.
    for confirmed in range(10_000, 60_001, 10_000):
        first.take(10_000)
        wait_until("it is confirmed", lambda n=confirmed: first.waiting == n)  # type: ignore[misc]
    first.close()
    platform.acks = False  # so the backlog has used up its credit and waits behind
    second = runs(broker.port)
    wait_until("it has begun", lambda: bool(platform.readings))
    for _ in range(20):
        (key,) = second.take(probe="live")
        wait_until("the live one arrives", lambda key=key: key in platform.readings)  # type: ignore[misc]
    assert len(first.taken.keys() & platform.readings.keys()) < 10_000
    platform.catch_up()
    wait_until("the outbox is empty", lambda: second.waiting == 0)
    assert first.taken.keys() <= platform.readings.keys()


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_only_the_pinned_authority_is_trusted(
    device: str, runs: Runs, tmp_path: Path
) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(tmp_path / "ours.pem")
    theirs.cert_pem.write_to_path(tmp_path / "theirs.pem")
    server = ours.issue_cert("127.0.0.1")
    server.private_key_pem.write_to_path(tmp_path / "key.pem")
    server.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    broker = Mosquitto(
        tmp_path / "broker",
        lines=[
            "allow_anonymous true",
            f"certfile {tmp_path}/cert.pem",
            f"keyfile {tmp_path}/key.pem",
        ],
    )
    started(broker)
    url = f"mqtts://127.0.0.1:{broker.port}"
    trusting = runs(0, broker_url=url, ca_file=tmp_path / "ours.pem")
    wait_until("it connects", lambda: trusting.traffic.is_online)
    trusting.close()
    wary = runs(
        0, broker_url=url, ca_file=tmp_path / "theirs.pem", outbox=tmp_path / "2.db"
    )
    wait_until("it says why not", lambda: "verify failed" in wary.traffic.trouble)
    assert wary.traffic.connects == 0
    broker.stop()


def test_plain_text_off_loopback_is_refused(runs: Runs) -> None:
    with pytest.raises(ConfigError, match="mqtts"):
        runs(0, broker_url="mqtt://broker.example")
    with pytest.raises(ConfigError, match="ca_file"):
        runs(0, broker_url="mqtts://broker.example")
