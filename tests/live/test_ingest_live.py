"""The real ingest process on real brokers: what a box hears, and what blocks nothing."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span
from tests.live.system import Service, a_farm, wait_until
from tests.servers import Influx, Mosquitto, Nats

pytestmark = pytest.mark.live

OUTBOX = "0123456789abcdef"
T0 = 1_780_000_000


class Box:
    """A box's end of the wire, by hand: publishes what it is told, keeps what it hears."""

    def __init__(self, port: int, device: str) -> None:
        self.device = device
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"{device}-{secrets.token_hex(4)}"
        )
        ready = threading.Event()
        self._client.on_connect = lambda c, *_: c.subscribe(
            [
                (f"gw/1/{device}/ack", 0),
                (f"gw/1/{device}/cmd/+", 0),
                ("gw/1/platform", 0),
            ]
        )
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = lambda _c, _u, m: self.heard.append(
            (m.topic, json.loads(m.payload))
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert ready.wait(10)

    def send(self, batch: int, payload: bytes) -> None:
        topic = f"gw/1/{self.device}/up/{OUTBOX}/{batch}"
        self._client.publish(topic, payload, qos=1).wait_for_publish(10)

    def publish(self, topic: str, document: dict[str, Any]) -> None:
        self._client.publish(topic, json.dumps(document), qos=1).wait_for_publish(10)

    def stored(self) -> set[int]:
        return {
            number
            for topic, ack in list(self.heard)
            if topic.endswith("/ack")
            for first, last in ack["stored"]
            for number in range(first, last + 1)
        }

    def refused(self) -> dict[int, str]:
        return {
            one["batch"]: one["reason"]
            for topic, ack in list(self.heard)
            if topic.endswith("/ack")
            for one in ack["refused"]
        }

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def ph(value: float, at: int) -> bytes:
    return json.dumps(
        [{"bn": "a/", "bt": T0 + at, "n": "ph", "u": "pH", "v": value}]
    ).encode()


class Platform:
    """One ingest with its own registry and store, on a shared broker."""

    def __init__(self, folder: Path, broker: Mosquitto | Nats, telemetry: str) -> None:
        self.name = f"box-{secrets.token_hex(4)}"
        self.registry_url = f"sqlite:///{folder}/registry.db"
        self.telemetry_url = telemetry or f"sqlite:///{folder}/telemetry.db"
        with open_registry(self.registry_url) as registry:
            a_farm(registry, [self.name])
        environ = {
            "GREENWATER_HOME": str(folder),
            "GREENWATER_BROKER_URL": broker.url,
            "GREENWATER_REGISTRY_URL": self.registry_url,
            "GREENWATER_TELEMETRY_URL": self.telemetry_url,
        }
        self.ingest = Service("ingest", ["ingest"], folder, environ).start()
        wait_until(
            "ingest is connected",
            lambda: "broker.connected" in self.ingest.text(),
            20,
            alive=[self.ingest],
        )
        self.box = Box(broker.port, self.name)
        wait_until("the epoch is heard", lambda: bool(self.box.heard), 10)

    def values(self) -> list[float | None]:
        telemetry = open_telemetry(self.telemetry_url)
        try:
            series = Series(DeviceId(self.name), ProbeId("a"))
            return [one.value for one in telemetry.read(Span(series, 0, 2**53))]
        finally:
            telemetry.close()

    def close(self) -> None:
        self.box.close()
        assert self.ingest.stop() == 0, self.ingest.text()[-2000:]


@pytest.fixture(params=["mosquitto", "nats"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    made = Platform(tmp_path, request.getfixturevalue(request.param), "")
    yield made
    made.close()


def test_poison_blocks_nothing_and_the_box_is_told_of_each(platform: Platform) -> None:
    box = platform.box
    for number in range(1, 41):
        box.send(number, b"\x00poison" if number % 4 == 0 else ph(7.0, number))
    wait_until("all are told", lambda: len(box.stored()) + len(box.refused()) == 40, 15)
    assert box.stored() == {n for n in range(1, 41) if n % 4}
    assert set(box.refused()) == {n for n in range(1, 41) if n % 4 == 0}
    assert "unknown format: first byte is 00" in box.refused()[4]
    assert len(platform.values()) == 30


def test_a_stranger_hears_nothing(
    platform: Platform, request: pytest.FixtureRequest
) -> None:
    port = next(
        request.getfixturevalue(name).port
        for name in ("mosquitto", "nats")
        if name in request.fixturenames or name in str(request.node.name)
    )
    stranger = Box(port, f"stranger-{secrets.token_hex(4)}")
    stranger.send(1, ph(1.0, 1))
    platform.box.send(1, ph(7.0, 1))
    wait_until("the known box is told", lambda: platform.box.stored() == {1}, 10)
    time.sleep(0.5)
    assert stranger.stored() == set()
    assert stranger.refused() == {}
    stranger.close()


def test_a_command_goes_down_is_answered_once_and_repeated_until_then(
    platform: Platform,
) -> None:
    from greenwater.kernel.clock import SystemClock

    now_ms = milliseconds(SystemClock().now())
    with open_registry(platform.registry_url) as registry:
        registry.add_command(
            "c-live",
            platform.name,
            "identify",
            {},
            now_ms=now_ms,
            expires_ms=now_ms + 60_000,
        )
        registry.add_command(
            "c-old", platform.name, "identify", {}, now_ms=now_ms, expires_ms=now_ms - 1
        )
        box = platform.box

        def commands() -> list[str]:
            return [d["id"] for topic, d in list(box.heard) if "/cmd/" in topic]

        wait_until("the command is heard", lambda: "c-live" in commands(), 10)
        # Coming online again is a reason to say it again.
        box.publish(f"gw/1/{platform.name}/status", {"online": True, "boot": "b1"})
        wait_until("it is repeated", lambda: commands().count("c-live") >= 2, 10)
        box.publish(
            f"gw/1/{platform.name}/reply/c-live",
            {"id": "c-live", "is_done": True, "message": "here"},
        )
        wait_until(
            "the reply is kept",
            lambda: (
                (reply := registry.get_reply("c-live")) is not None and reply.is_done
            ),
            10,
        )
        assert "c-old" not in commands()
        statuses = registry.statuses()
        assert statuses[DeviceId(platform.name)][1].boot == "b1"


def test_two_boxes_under_one_identity_are_named(platform: Platform) -> None:
    with open_registry(platform.registry_url) as registry:
        for boot in ("boot-a", "boot-b", "boot-a"):
            platform.box.publish(
                f"gw/1/{platform.name}/status", {"online": True, "boot": boot}
            )
            time.sleep(0.3)  # statuses of one group count as one: the latest
        wait_until(
            "the alarm is raised",
            lambda: any(
                alarm.kind == "cloned-box" and platform.name in alarm.message
                for alarm in registry.operator_alarms()
            ),
            10,
        )


@pytest.mark.slow
def test_a_database_that_is_down_costs_time_and_nothing_else(
    tmp_path: Path, mosquitto: Mosquitto, influx: Influx
) -> None:
    own = Influx(tmp_path / "influx")
    own.start()
    try:
        platform = Platform(tmp_path, mosquitto, own.url("down"))
        platform.box.send(1, ph(7.0, 1))
        wait_until("the first is stored", lambda: platform.box.stored() == {1}, 15)
        own.kill()
        for number in range(2, 30):
            platform.box.send(number, ph(7.0 + number / 100, number))
        time.sleep(2.0)
        assert platform.box.stored() == {1}, "told without being stored"
        own.start()
        wait_until(
            "all are stored", lambda: platform.box.stored() == set(range(1, 30)), 60
        )
        assert len(platform.values()) == 29
        platform.close()
    finally:
        own.stop()
