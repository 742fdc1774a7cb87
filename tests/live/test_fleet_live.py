"""The fleet against a real broker, and a scripted platform that acknowledges."""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
import pytest
import trustme
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.fleet import FleetPlan, Format, Payloads, run_fleet
from firmware_sim.fleet.loop import Progress
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import parse_device
from greenwater.kernel.wire.decode import decode
from tests.conftest import started
from tests.servers import Nats, free_port

pytestmark = pytest.mark.live

START_MS = 1_764_000_000_000


class Platform:
    """Notes every batch delivered; acknowledges those that ``wants`` accepts."""

    def __init__(self, port: int) -> None:
        self.payloads: dict[tuple[str, int], bytes] = {}
        self.times: Counter[tuple[str, int]] = Counter()
        self.statuses: dict[str, list[bytes]] = defaultdict(list)
        self.is_silent = False
        self._waiting: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._lock = threading.Lock()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="platform")
        self._client.on_message = self._received
        self._client.on_connect = lambda client, *_: client.subscribe("gw/1/+/+/#", 1)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)

    def _received(self, _c: paho.Client, _u: object, message: paho.MQTTMessage) -> None:
        parts = message.topic.split("/")
        if parts[3] == "status":
            self.statuses[parts[2]].append(bytes(message.payload))
        if parts[3] != "up":
            return
        with self._lock:
            key = parts[2], int(parts[5])
            self.times[key] += 1
            payload = bytes(message.payload)
            assert self.payloads.setdefault(key, payload) == payload
            if not self.is_silent:
                self._waiting[parts[2], parts[4]].append(key[1])

    def tell_epoch(self, epoch: str) -> None:
        self._client.publish("gw/1/platform", json.dumps({"epoch": epoch}), 1, True)

    def _ack_all(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, defaultdict(list)
        for (device, outbox), batches in waiting.items():
            stored = [[batch, batch] for batch in batches]
            ack = json.dumps({"outbox": outbox, "stored": stored})
            self._client.publish(f"gw/1/{device}/ack", ack)

    @contextmanager
    def running(self) -> Iterator["Platform"]:
        done = threading.Event()

        def work() -> None:
            while not done.wait(0.02):
                self._ack_all()

        thread = threading.Thread(target=work)
        self._client.loop_start()
        thread.start()
        try:
            yield self
        finally:
            done.set()
            thread.join()
            self._client.disconnect()
            self._client.loop_stop()


@pytest.mark.parametrize("form", list(Format))
def test_every_batch_is_delivered_and_settled_once(nats: Nats, form: Format) -> None:
    plan = FleetPlan(
        start_ms=START_MS,
        port=nats.port,
        devices=20,
        readings=12,
        batches=15,
        format=form,
        prefix=f"fleet-{form.value.replace('+', '-')}",
    )
    with Platform(nats.port).running() as platform:
        report, ledger = run_fleet(plan)

    assert (report.connected, report.stored, report.unsettled) == (20, 300, 0)
    assert report.readings_stored == 3600
    assert 0 < report.latency_p50_s <= report.latency_p99_s <= report.latency_max_s
    assert report.errors == ()
    payloads = Payloads(plan)
    for entry in ledger.entries:
        assert entry.stored == tuple(range(15))
        for batch in entry.stored:
            pack = decode(
                platform.payloads[entry.device, batch],
                device=parse_device(entry.device),
                now_s=START_MS / 1000 + 9999,
            )
            assert [(r.channel.value, r.taken_ms, r.value) for r in pack.readings] == [
                (r.channel, r.taken_ms, r.value)
                for r in payloads.expected(entry.number, batch)
            ]


def test_its_status_says_that_it_is_simulated(nats: Nats) -> None:
    plan = FleetPlan(
        start_ms=START_MS, port=nats.port, devices=2, batches=1, prefix="fleet-said"
    )
    with Platform(nats.port).running() as platform:
        run_fleet(plan)
        # Other tests' boxes have left theirs at this broker.
        said = [platform.statuses[plan.device(n)] for n in range(plan.devices)]
        wait_until(lambda: all(len(one) >= 2 for one in said))
    states = [msgspec.json.decode(status) for one in said for status in one]
    assert all(state["is_simulated"] for state in states)
    assert {state["online"] for state in states} == {True, False}


def test_a_new_epoch_and_silence_bring_batches_again(nats: Nats) -> None:
    plan = FleetPlan(
        start_ms=START_MS,
        port=nats.port,
        devices=5,
        batches=4,
        drain_s=20,
        prefix="fleet-epoch",
    )
    with Platform(nats.port).running() as platform:
        platform.tell_epoch("first")
        platform.is_silent = True

        def speak_again(progress: Progress) -> None:
            if progress.sent >= 20 and platform.is_silent:
                platform.is_silent = False
                platform.tell_epoch("second")

        report, _ = run_fleet(plan, on_progress=speak_again)
    assert (report.stored, report.unsettled) == (20, 0)
    assert report.resent == 20
    assert set(platform.times.values()) == {2}


def test_a_killed_broker_costs_a_resend_and_no_batch(tmp_path: Path) -> None:
    broker = Nats(tmp_path / "broker")
    started(broker)
    plan = FleetPlan(
        start_ms=START_MS,
        port=broker.port,
        devices=10,
        rate=100,
        duration_s=6,
        drain_s=30,
        resend_s=2,
        prefix="fleet-kill",
    )

    def cut() -> None:
        time.sleep(2)
        broker.kill()
        broker.wipe()
        time.sleep(0.5)
        broker.start()

    try:
        with Platform(broker.port).running() as platform:
            cutter = threading.Thread(target=cut)
            cutter.start()
            report, ledger = run_fleet(plan)
            cutter.join()
    finally:
        broker.stop()
    assert report.reconnects >= 10
    assert report.unsettled == 0
    assert report.stored == sum(entry.sent for entry in ledger.entries) > 300
    delivered = {key for key in platform.payloads if key[0].startswith("fleet-kill")}
    assert delivered == {(e.device, n) for e in ledger.entries for n in e.stored}


def test_tls_and_passwords_are_checked(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "broker.pem")
    config, port = tmp_path / "nats.conf", free_port()
    config.write_text(
        f'server_name: tls\nlisten: "127.0.0.1:{free_port()}"\n'
        f'jetstream {{ store_dir: "{tmp_path}/store" }}\n'
        f'mqtt {{ listen: "127.0.0.1:{port}"\n'
        f'  tls {{ cert_file: "{tmp_path}/broker.pem"\n'
        f'         key_file: "{tmp_path}/broker.pem" }} }}\n'
        "authorization { users: ["
        '{ user: "tls-00000", password: "right" } ] }\n'
    )
    broker = Nats(tmp_path / "broker", port, config=config)
    started(broker)
    plan = FleetPlan(
        start_ms=START_MS,
        port=port,
        devices=2,
        batches=1,
        ca_file=tmp_path / "ca.pem",
        prefix="tls",
        duration_s=1,
        drain_s=1,
    )
    try:
        report, ledger = run_fleet(plan, credentials=lambda device: (device, "right"))
        with pytest.raises(UnavailableError, match="broker refuses tls-00000"):
            run_fleet(plan, credentials=lambda device: (device, "wrong"))
    finally:
        broker.stop()
    assert report.connected == 1
    assert any("tls-00001" in error for error in report.errors)
    assert [entry.sent for entry in ledger.entries] == [1, 0]


def test_no_broker_is_said_with_its_address() -> None:
    port = free_port()
    plan = FleetPlan(start_ms=START_MS, port=port, devices=1)
    stop = threading.Event()
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{port}: no box connected"):
        run_fleet(plan, stop=stop, on_progress=lambda _: stop.set())


def wait_until(condition: "object", timeout_s: float = 90.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
