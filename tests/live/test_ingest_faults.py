"""Ingest as a whole while its store refuses, delays or drowns: nothing lost, nothing
blocked, memory bounded; and what comes from strangers."""

import contextlib
import json
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import psutil
import pytest

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import SystemClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.kernel.topics import Up, up
from greenwater.kernel.wire.encode import encode
from greenwater.storage.registry import Registry
from greenwater.storage.registry.quarantine import InQuarantine, Quarantine
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span
from tests.live import scripted_influx as script
from tests.live.clients import wait_for
from tests.live.scripted_influx import Fault, ScriptedInflux, running
from tests.live.system import Service
from tests.live.test_ingest_live import (
    OUTBOX,
    FakeBox,
    box,
    ingest,
    is_told,
    name,
    online,
    registry,
    values,
)
from tests.servers import Influx, Mosquitto, free_port

__all__ = ["name", "registry"]  # fixtures
pytestmark = pytest.mark.live

VECTORS = Path(__file__).parents[1] / "vectors" / "chirpstack_v4.json"
BUSY = script.status(429, {"message": "slow down"}, headers={"Retry-After": "1"})
PARTIAL = script.status(422, {"message": "partial write: dropped=1"})
AWAY = script.status(503, {"message": "service is starting"})


@pytest.fixture
def store(influx: Influx) -> Iterator[ScriptedInflux]:
    """InfluxDB 2's manners in front of a real server that answers the questions."""
    database = f"faults_{secrets.token_hex(6)}"
    open_telemetry(influx.url(database)).close()
    upstream = f"http://127.0.0.1:{influx.port}"
    with running(ScriptedInflux(upstream=upstream, database=database)) as scripted:
        yield scripted


def intake(url: str) -> list[Intake]:
    opened = open_telemetry(url)
    try:
        return list(opened.intake_after({}, 10_000))
    finally:
        opened.close()


@pytest.mark.parametrize(
    "faults",
    [
        [BUSY, AWAY, AWAY],
        [PARTIAL],
        [AWAY, PARTIAL],
        [script.cut_late, script.cut_unanswered],
        [script.nothing, script.nothing, BUSY],
        [script.nothing, script.nothing, script.cut_late],
        [script.nothing, AWAY, script.cut_late, BUSY, script.cut_late],
    ],
)
def test_a_store_in_trouble_costs_time_and_nothing_else(
    mosquitto: Mosquitto, registry: Registry, store: ScriptedInflux,
    tmp_path: Path, name: str, faults: list[Fault],
) -> None:  # fmt: skip
    with box(mosquitto.port, name) as one:
        before = len(one.epochs())
        with ingest(tmp_path, mosquitto.url, store.url):
            online(one, before)
            one.send(1)
            wait_for("batch 1", lambda: is_told(one, {1}))
            store.script.extend(faults)
            for number in range(2, 40):
                one.send(number)
            wait_for("all", lambda: is_told(one, set(range(1, 40))))
            assert not store.script, "every fault was met"
    assert len(values(store.url, name)) == 39
    rows = intake(store.url)
    assert sorted(row.batch for row in rows) == list(range(1, 40))
    counts = [(r.stored, r.repeated, r.quarantined, r.overwritten) for r in rows]
    assert counts == [(1, 0, 0, 0)] * 39


def both(one: FakeBox, number: int, other_ms: int) -> bytes:
    """Return a batch with one reading that is fine and one of another channel."""
    at_ms = one.base_ms + number * 1000
    return encode(
        [
            Reading(one.device, ProbeId("a"), Channel.PH, at_ms, 7.0),
            Reading(one.device, ProbeId("b"), Channel.TURBIDITY, other_ms, 3.0),
        ]
    )


@pytest.mark.parametrize("reason", ["field type conflict", "beyond retention policy"])
def test_what_the_store_refuses_for_good_rests_in_quarantine_and_blocks_nothing(
    mosquitto: Mosquitto, registry: Registry, store: ScriptedInflux,
    tmp_path: Path, name: str, reason: str,
) -> None:  # fmt: skip
    with box(mosquitto.port, name) as one:
        if "conflict" in reason:
            store.types["water", "turbidity"] = int
        else:
            store.oldest_ms, store.keeps = one.base_ms, {"intake"}
        before = len(one.epochs())
        with ingest(tmp_path, mosquitto.url, store.url):
            online(one, before)
            for number in range(1, 20):
                one.send(number, both(one, number, one.base_ms - number))
            one.send(20)
            wait_for("all", lambda: is_told(one, set(range(1, 21))))
    assert len(values(store.url, name)) == 20
    rows = intake(store.url)
    assert sum(row.stored for row in rows) == 20
    assert sum(row.quarantined for row in rows) == 19
    held = registry.list_quarantine(device=name)
    assert len(held) == 19
    assert all(reason in one.reason for one in held)
    raw = registry.get_quarantined(held[0].id).raw or b""
    assert msgspec.json.decode(raw, type=Reading).channel == Channel.TURBIDITY


def test_a_gateway_of_other_make_speaks_chirpstack(
    mosquitto: Mosquitto, registry: Registry, tmp_path: Path, name: str
) -> None:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    vectors = json.loads(VECTORS.read_text("utf-8"))
    sound = [one for one in vectors if "readings" in one]
    # The vectors are of a day that a machine's clock may be before, or after.
    day = SystemClock().now().date() - timedelta(days=1)
    later_ms = (day - date(2026, 6, 1)) // timedelta(milliseconds=1)
    registry.add_device("a84041ffff1234ab", site="site", now_ms=1)
    with box(mosquitto.port, name) as one:
        before = len(one.epochs())
        profiles = {"mapping_profiles": ("chirpstack_v4",)}
        with ingest(tmp_path, mosquitto.url, url, **profiles):
            online(one, before)
            for vector in vectors:
                text = json.dumps(vector["payload"]).replace("2026-06-01", f"{day}")
                one.client.publish(vector["topic"], text.encode())
            one.send(1)
            wait_for("what came after them", lambda: is_told(one, {1}))
    device = DeviceId("a84041ffff1234ab")
    opened = open_telemetry(url)
    found = {
        (r.taken_ms, r.channel.value): r.value
        for r in opened.read(Span(Series(device, ProbeId("lora")), 0, 2**53))
    }
    opened.close()
    found = {key: value for key, value in found.items() if key[1] != "ph"}
    assert found == {
        (one["taken_ms"] + later_ms, channel): value
        for one in sound
        for channel, value in one["readings"].items()
    }
    reasons = " ".join(one.reason for one in registry.list_quarantine())
    assert "device 0000000000000000 is unknown" in reasons
    assert "ph is 'n/a', not a number" in reasons


def test_a_stranger_is_not_told_and_cannot_fill_the_disk(
    mosquitto: Mosquitto, registry: Registry, tmp_path: Path, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(Quarantine, "bytes_per_device", 20_000)
    strangers = [f"{name}-ghost-{n}" for n in range(3)]
    with box(mosquitto.port, name) as known, contextlib.ExitStack() as stack:
        others = [stack.enter_context(box(mosquitto.port, one)) for one in strangers]
        before = len(known.epochs())
        with ingest(tmp_path, mosquitto.url):
            online(known, before)
            for number in range(1, 21):
                for other in others:
                    other.send(number, secrets.token_bytes(1_000))
                known.send(number)
            wait_for("the known one", lambda: is_told(known, set(range(1, 21))))
            wait_for("all are aside", lambda: len(aside(registry, strangers)) == 60)
        assert [other.acks() for other in others] == [(set(), set())] * 3
    held = [entry.size for entry in aside(registry, strangers) if entry.has_bytes]
    assert sum(held) == 20_000, "together they have one budget, the newest's bytes stay"
    assert len(values(f"sqlite:///{tmp_path}/telemetry.db", name)) == 20


def aside(registry: Registry, devices: list[str]) -> list[InQuarantine]:
    return [one for d in devices for one in registry.list_quarantine(device=d)]


def test_a_full_disk_and_a_growing_quarantine_are_alarms_until_they_are_over(
    mosquitto: Mosquitto, registry: Registry, tmp_path: Path, name: str
) -> None:
    def alarms() -> set[str]:
        return {one.kind for one in registry.operator_alarms()}

    with box(mosquitto.port, name) as one:
        before = len(one.epochs())
        with ingest(
            tmp_path, mosquitto.url, disk_free_mb=10**9, quarantine_alarm_per_hour=5
        ):
            online(one, before)
            wait_for("the disk's", lambda: alarms() == {"disk"})
            for number in range(1, 8):
                one.send(number, b"poison %d" % number)
            wait_for("quarantine's", lambda: alarms() == {"disk", "quarantine"})
            (grown,) = [a for a in registry.operator_alarms() if a.kind != "disk"]
            assert "entries in quarantine within the hour" in grown.message
        with ingest(tmp_path, mosquitto.url, quarantine_alarm_per_hour=5):
            wait_for("both are cleared", lambda: alarms() == set())


FLOOD, PAD = 2_000, "x" * 40_000
MAY_GROW_BYTES = 40 * 2**20
"""Queue and groups are 5 MB here, the flood is 80 MB; an allocator is not exact."""


def padded(number: int) -> bytes:
    one = {"n": "a/ph", "u": "pH", "t": 1_780_000_000 + number, "v": 7, "pad": PAD}
    return json.dumps([one]).encode()


def test_a_flood_is_shed_memory_stays_bounded_and_boxes_lose_nothing(
    mosquitto: Mosquitto, registry: Registry, store: ScriptedInflux,
    tmp_path: Path, name: str,
) -> None:  # fmt: skip
    port = free_port()
    environ = {
        "GREENWATER_HOME": str(tmp_path),
        "GREENWATER_BROKER_URL": mosquitto.url,
        "GREENWATER_TELEMETRY_URL": store.url,
        "GREENWATER_INGEST_METRICS_PORT": str(port),
        "GREENWATER_INGEST_QUEUE_DELIVERIES": "200",
        "GREENWATER_INGEST_QUEUE_BYTES": str(4 * 2**20),
        "GREENWATER_INGEST_GROUP_BYTES": str(2**20),
    }
    service = Service("ingest", ["ingest"], tmp_path, environ)
    to = [up(*Up(DeviceId(name), OUTBOX, number)) for number in range(FLOOD)]
    with box(mosquitto.port, name) as one:
        before = len(one.epochs())
        service.start()
        try:
            online(one, before)
            one.send(FLOOD)
            wait_for("the first", lambda: is_told(one, {FLOOD}))
            process = psutil.Process(service.pid)
            base_bytes = process.memory_info().rss
            store.script.extend([AWAY] * 10_000)
            peak_bytes = flood(one, to, lambda: process.memory_info().rss)
            wait_for("shedding", lambda: counter(port, "shed") > FLOOD / 2)
            peak_bytes = max(peak_bytes, process.memory_info().rss)
            print(
                f"{base_bytes / 2**20:.0f} MiB before, {peak_bytes / 2**20:.0f} after"
            )
            assert peak_bytes - base_bytes < MAY_GROW_BYTES
            store.script.clear()
            send_again(one, to)
        finally:
            status = service.stop()
    assert status == 0, service.text()[-2000:]
    assert len(values(store.url, name)) == FLOOD + 1
    rows = intake(store.url)
    assert len(rows) == FLOOD + 1
    assert sum(row.stored for row in rows) == FLOOD + 1


def flood(one: FakeBox, to: list[str], rss: Callable[[], int]) -> int:
    """Publish all without waiting; return the most memory seen meanwhile."""
    peak = 0
    for number, topic in enumerate(to):
        one.client.say(topic, padded(number))
        if number % 20 == 0:
            peak = max(peak, rss())
    one.client.wait_said()
    return peak


def send_again(one: FakeBox, to: list[str]) -> None:
    """Do as a box does: send what is not acknowledged until it is."""
    for start in range(0, len(to), 50):
        numbers = set(range(start, min(start + 50, len(to))))
        for number in numbers - one.acks()[0]:
            one.client.say(to[number], padded(number))
        wait_for("they are told", lambda n=numbers: n <= one.acks()[0])  # type: ignore[misc]


def counter(port: int, name: str) -> float:
    """Return one of ingest's counters, as Prometheus reads it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as page:
        lines = page.read().decode().splitlines()
    wanted = f"greenwater_ingest_{name}_total "
    return float(next(line for line in lines if line.startswith(wanted)).split()[1])
