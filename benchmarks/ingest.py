"""``greenwater bench ingest``: the pipeline beside its two limits, in one run.

*receive-only*: ingest's own MQTT inlet, which counts and PUBACKs and does nothing else.
*write-only*: the telemetry adapter writing groups of the size that ingest writes.
*pipeline*: the real ``greenwater ingest`` process, durable acks included.

Throughput is a drain: the messages wait in the broker's persistent session, so that the
publisher does not take part in what is measured. Latency is live, at a rate well below.
"""

import argparse
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.fleet import FleetPlan, run_fleet
from firmware_sim.fleet.loop import Progress
from greenwater.kernel import topics
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.channels import SENT, SPECS, Measurement
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading
from greenwater.storage.registry import open_registry
from greenwater.storage.registry.devices import NewDevice
from greenwater.storage.telemetry import open_telemetry
from ingest.mqtt import MqttInlet
from ingest.ports import Delivery
from tests.live.system import Service
from tests.servers import Influx, Mosquitto

START_MS = 1_764_000_000_000
WORKER = WorkerId("w1")
WATER = [c for c in SENT if SPECS[c].measurement is Measurement.WATER]


class Drain(NamedTuple):
    """What a drain came to; CPU seconds of the receiving process."""

    messages_s: float
    cpu_s: float


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


def open_session(url: str, client_id: str) -> None:
    """Leave a persistent session at the broker that what is published waits in."""
    parsed = BrokerUrl.parse(url)
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False
    )
    subscribed = threading.Event()
    client.on_connect = lambda c, *_: c.subscribe([(topics.ALL_UP, 1)])
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(parsed.host, parsed.port)
    client.loop_start()
    assert subscribed.wait(10), "the broker does not let us subscribe"
    client.disconnect()
    client.loop_stop()


def preload(port: int, readings: int, messages: int, devices: int, seed: int) -> int:
    """Publish messages from many boxes; nobody acknowledges, so the window holds all.

    Return how many were published.
    """
    each = messages // devices
    stop, full = threading.Event(), 0

    def watch(progress: Progress) -> None:
        nonlocal full
        full += progress.sent >= each * devices
        if full >= 3:  # two seconds after the last one was handed to its socket
            stop.set()

    run_fleet(
        FleetPlan(
            start_ms=START_MS + seed * 86_400_000,
            port=port,
            devices=devices,
            readings=readings,
            batches=each,
            window=min(each, 1000),
            seed=seed,
            drain_s=0.0,
            duration_s=300.0,
            has_status=False,
        ),
        stop=stop,
        on_progress=watch,
    )
    return each * devices


def receive_only(url: str, client_id: str, messages: int) -> Drain:
    """Receive and PUBACK so many messages with ingest's own inlet."""
    waiting: list[Delivery] = []
    lock, done = threading.Lock(), threading.Event()
    first_s = last_s = 0.0
    taken = 0

    def offer(delivery: Delivery) -> bool:
        nonlocal taken, first_s, last_s
        if not taken:
            first_s = time.perf_counter()
        taken += 1
        with lock:
            waiting.append(delivery)
        if taken >= messages:
            last_s = time.perf_counter()
            done.set()
        return True

    inlet = MqttInlet(
        BrokerUrl.parse(url),
        client_id=client_id,
        filters=[topics.ALL_UP],
        offer=offer,
        on_online=lambda: None,
    )
    cpu_s = time.process_time()
    with inlet.running():
        while not done.wait(0.002):
            with lock:
                group, waiting[:] = list(waiting), []
            inlet.acknowledge(group)
        inlet.acknowledge(waiting)
        time.sleep(0.5)
    return Drain(messages / (last_s - first_s), time.process_time() - cpu_s)


def write_only(url: str, readings: int, count: int) -> float:
    """Write groups of batches straight to the store; return readings a second."""
    telemetry = open_telemetry(url)
    per_group = max(1, 20_000 // readings)
    groups = []
    for at in range(max(1, count // (per_group * readings))):
        group = []
        for box in range(per_group):
            device, probe = DeviceId(f"write-{box:05d}"), ProbeId("sonde")
            for number in range(readings):
                row, channel = divmod(number, len(WATER))
                taken_ms = START_MS + (at * readings + row) * 1000
                group.append(
                    Reading(device, probe, WATER[channel], taken_ms, 7.25 + number)
                )
        groups.append(group)
    began_s = time.perf_counter()
    for group in groups:
        telemetry.write(group)
    took_s = time.perf_counter() - began_s
    telemetry.close()
    return sum(map(len, groups)) / took_s


class Rig:
    """Broker, store and registry of one run."""

    def __init__(self, folder: Path, store: str) -> None:
        self.folder = folder
        self.broker = Mosquitto(
            folder / "broker",
            lines=["allow_anonymous true", "max_queued_messages 0",
                   "max_inflight_messages 4096", "persistence false"],
        )  # fmt: skip
        self.influx = Influx(folder / "influx")
        self.store = store
        self.broker.start()
        if store == "influxdb":
            self.influx.start()

    def close(self) -> None:
        """End the servers."""
        self.broker.stop()
        self.influx.stop()

    def telemetry_url(self, name: str) -> str:
        """Return an empty store's URL."""
        if self.store == "influxdb":
            return self.influx.url(name)
        return f"sqlite:///{self.folder}/{name}.db"

    def ingest(self, name: str, devices: int) -> tuple[Service, str, str]:
        """Return an ingest that is not started, its client id and its store's URL."""
        home = self.folder / name
        home.mkdir()
        registry_url = f"sqlite:///{home}/registry.db"
        with open_registry(registry_url) as registry:
            registry.add_organisation("org", "Bench")
            registry.add_site("site", organisation="org", name="Bench")
            registry.add_devices(
                [
                    NewDevice(id=f"sim-fleet-{n:05d}", site="site", is_simulated=True)
                    for n in range(devices + 1)
                ],
                now_ms=0,
            )
        client_id = f"gw-ingest-w1-{secrets.token_hex(16)}"
        (home / "ingest-w1.client-id").write_text(client_id + "\n")
        url = self.telemetry_url(name)
        environ = {
            "GREENWATER_HOME": str(home),
            "GREENWATER_BROKER_URL": self.broker.url,
            "GREENWATER_TELEMETRY_URL": url,
            "GREENWATER_LOG_LEVEL": "warning",
        }
        return Service("ingest", ["ingest"], home, environ), client_id, url


def pipeline(rig: Rig, name: str, readings: int, messages: int, devices: int) -> Drain:
    """Drain so many messages through the real ingest."""
    service, client_id, url = rig.ingest(name, devices)
    open_session(rig.broker.url, client_id)
    preload(rig.broker.port, readings, messages, devices, seed=len(name) + readings)
    telemetry = open_telemetry(url)
    service.start()
    process = psutil.Process(service.pid)
    first_s, seen, cursor, skipped = 0.0, 0, 0, 0
    cpu_s = 0.0
    while seen < messages:
        rows = telemetry.intake_after({WORKER: cursor}, 5_000)
        if rows:
            if not first_s:
                first_s, skipped = time.perf_counter(), len(rows)
                cpu_s = _cpu_s(process)
            seen += len(rows)
            cursor = rows[-1].sequence
        else:
            time.sleep(0.01)
        assert service.is_running, service.text()[-2000:]
    took_s = time.perf_counter() - first_s
    cpu_s = _cpu_s(process) - cpu_s
    telemetry.close()
    service.stop()
    return Drain((messages - skipped) / took_s, cpu_s * messages / (messages - skipped))


def latency(rig: Rig, name: str, devices: int, rate: float) -> list[str]:
    """Run a live fleet against the real ingest; return the row's cells."""
    service, _, _ = rig.ingest(name, devices)
    service.start()
    time.sleep(2.0)
    report, _ = run_fleet(
        FleetPlan(
            start_ms=round(time.time() * 1000) - 3_600_000,
            port=rig.broker.port,
            devices=devices,
            readings=10,
            rate=rate,
            duration_s=15.0,
            window=8,
            connects_per_s=500.0,
        )
    )
    peak = sum(_peak_rss_mb(one.pid) for one in _family(service.pid))
    service.stop()
    return [
        f"{devices:,}",
        f"{report.batches_per_s:,.0f}",
        f"{report.latency_p50_s * 1000:.0f}",
        f"{report.latency_p95_s * 1000:.0f}",
        f"{report.latency_p99_s * 1000:.0f}",
        f"{peak:.0f}",
        f"{report.unsettled:,}",
    ]


def _family(pid: int) -> list[psutil.Process]:
    """Return ingest's processes: itself and its inlet."""
    process = psutil.Process(pid)
    return [process, *process.children()]


def _cpu_s(process: psutil.Process) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in _family(process.pid))


def _peak_rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1000


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "--:|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def throughput(rig: Rig, sizes: dict[int, int], devices: int) -> str:
    """Return the table of drains."""
    rows = []
    for readings, messages in sizes.items():
        say(f"{readings} readings a batch: receive-only")
        client_id = f"receive-{secrets.token_hex(8)}"
        open_session(rig.broker.url, client_id)
        preload(rig.broker.port, readings, messages, devices, seed=readings)
        argv = [sys.executable, "-m", "benchmarks.ingest", "--receive", client_id,
                "--url", rig.broker.url, "--messages", str(messages)]  # fmt: skip
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        limit = Drain(*map(float, done.stdout.splitlines()[-1].split()))
        say(f"{readings} readings a batch: write-only")
        store = write_only(
            rig.telemetry_url(f"w{readings}"), readings, messages * readings
        )
        say(f"{readings} readings a batch: pipeline")
        got = pipeline(rig, f"p{readings}", readings, messages, devices)
        rows.append(
            [
                f"{readings}",
                f"{limit.messages_s:,.0f}",
                f"{store:,.0f}",
                f"{got.messages_s:,.0f}",
                f"{100 * got.messages_s / limit.messages_s:.0f} %",
                f"{got.messages_s * readings:,.0f}",
                f"{got.cpu_s * 1e6 / (messages * readings):.2f}",
            ]
        )
    return table(
        ["readings a batch", "receive-only msg/s", f"write-only {rig.store} readings/s",
         "pipeline msg/s", "of receive-only", "pipeline readings/s",
         "ingest CPU s per million readings"],
        rows,
    )  # fmt: skip


def main() -> int:
    """Run and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--receive", default="")
    parser.add_argument("--url", default="")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument(
        "--store", choices=["influxdb", "sqlite", "both"], default="both"
    )
    parser.add_argument("--devices", type=int, nargs="*", default=[100, 1000, 5000])
    parser.add_argument("--rate", type=float, default=1000.0)
    wanted = parser.parse_args()
    if wanted.receive:
        drain = receive_only(wanted.url, wanted.receive, wanted.messages)
        print(drain.messages_s, drain.cpu_s)
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 20_000), hard), hard))
    stores = ["influxdb", "sqlite"] if wanted.store == "both" else [wanted.store]
    sizes = {1: wanted.messages, 10: wanted.messages, 100: wanted.messages // 2}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n")
    for store in stores:
        with tempfile.TemporaryDirectory() as folder:
            rig = Rig(Path(folder), store)
            try:
                print(f"### Drain, Mosquitto and {store}\n")
                print(throughput(rig, sizes, devices=100) + "\n", flush=True)
                if store == "influxdb":
                    print(live(rig, wanted.devices, wanted.rate) + "\n", flush=True)
            finally:
                rig.close()
    return 0


def live(rig: Rig, fleets: Sequence[int], rate: float) -> str:
    """Return the table of latencies and memory."""
    rows = []
    for devices in fleets:
        say(f"live, {devices} devices")
        rows.append(latency(rig, f"l{devices}", devices, rate))
    header = ["devices", "batches/s", "p50 ms", "p95 ms", "p99 ms", "ingest peak RSS MB",
              "unsettled"]  # fmt: skip
    return (
        f"### Live, {rate:,.0f} batches/s of 10 readings asked\n\n{table(header, rows)}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
