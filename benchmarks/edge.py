"""``greenwater bench edge``: what the agent costs on a box, and how fast it catches up.

Real agent, simulated probes over Modbus TCP, real Mosquitto, real ingest on SQLite (what
a household runs). Commits are measured at the outbox itself, in this process.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from edge.outbox import Outbox
from edge.status import BoxStatus, read_status
from greenwater.kernel.channels import SENT, SPECS, Channel, Measurement
from greenwater.kernel.errors import PlatformError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import ClockQuality, Reading
from greenwater.storage.telemetry import open_telemetry
from tests.live.system import Service, registered, wait_until
from tests.servers import Mosquitto, free_port

WATER = [c.value for c in SENT if SPECS[c].measurement is Measurement.WATER]
PROBES, CHANNELS = 14, WATER[:15]  # 210 readings a second
BOX, WORKER = "bench-box", WorkerId("w1")


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


def quantile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def history(count: int, probe: str, end_ms: int) -> Iterator[list[Reading]]:
    """Yield commits of a backlog that ends at an instant, a thousand readings each."""
    per_row = len(CHANNELS)
    rows = count // per_row
    batch: list[Reading] = []
    for row in range(rows):
        taken_ms = end_ms - (rows - row) * 1000
        for at, channel in enumerate(CHANNELS):
            batch.append(
                Reading(
                    DeviceId(BOX), ProbeId(probe), Channel(channel), taken_ms,
                    round(7 + (row * 31 + at * 7) % 997 / 1000, 3), ClockQuality.NTP,
                )
            )  # fmt: skip
        if len(batch) >= 990:
            yield batch
            batch = []
    if batch:
        yield batch


def opened(path: Path) -> Outbox:
    """Open the outbox as the agent does."""
    return Outbox(
        path,
        device=DeviceId(BOX),
        budget_bytes=2**30,
        rng=random.Random(1),
        now_ms=round(time.time() * 1000),
        probes=[ProbeId(f"p{n}") for n in range(PROBES)] + [ProbeId("old")],
    )


def commits(folder: Path) -> list[float]:
    """Return how long commits of half a second's readings take, in milliseconds."""
    outbox = opened(folder / "commits.db")
    took = []
    now_ms = round(time.time() * 1000)
    some = [
        Reading(
            DeviceId(BOX), ProbeId(f"p{n}"), Channel(c), now_ms, 7.25, ClockQuality.NTP
        )
        for n in range(PROBES // 2)
        for c in CHANNELS
    ]
    for _ in range(400):
        began_s = time.perf_counter()
        outbox.commit(some)
        took.append((time.perf_counter() - began_s) * 1000)
        time.sleep(0.005)
    outbox.close()
    return took


class Rig:
    """Broker, ingest, probes and one box."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = Mosquitto(
            folder / "broker",
            lines=["allow_anonymous true", "max_inflight_messages 2000",
                   "max_queued_messages 0"],
        )  # fmt: skip
        self.broker.start()
        home = folder / "home"
        home.mkdir()
        registered(f"sqlite:///{home}/registry.db", [BOX])
        self.telemetry_url = f"sqlite:///{home}/telemetry.db"
        environ = {
            "GREENWATER_HOME": str(home),
            "GREENWATER_BROKER_URL": self.broker.url,
            "GREENWATER_LOG_LEVEL": "warning",
        }
        self.ingest = Service("ingest", ["ingest"], folder, environ)
        ports = [free_port() for _ in range(PROBES)]
        words = ["sim", "bench", "--ports", ",".join(map(str, ports)),
                 "--channels", ",".join(CHANNELS)]  # fmt: skip
        self.sim = Service("sim", words, folder, {})
        channels = ", ".join(f'"{name}"' for name in CHANNELS)
        lines = [
            f'device = "{BOX}"',
            f'broker_url = "{self.broker.url}"',
            f'outbox = "{folder}/outbox.db"',
            f'status_file = "{folder}/status.json"',
            "is_simulated = true",
        ]
        for number, port in enumerate(ports):
            lines += [
                "[[buses]]", f'name = "bus{number}"', f"port = {port}", "[[buses.probes]]",
                f'id = "p{number}"', 'profile = "generic_float32"', "interval_s = 1",
                f"channels = [{channels}]",
            ]  # fmt: skip
        config = folder / "edge.toml"
        config.write_text("\n".join(lines) + "\n")
        words = ["edge", "run", "--config", str(config), "--log-level", "warning"]
        self.edge = Service("edge", words, folder, {})

    def close(self) -> None:
        """End everything."""
        for service in (self.edge, self.sim, self.ingest):
            service.kill()
        self.broker.stop()

    def status(self) -> BoxStatus | None:
        """Return what the box says of itself, if it has."""
        try:
            return read_status(self.folder / "status.json")
        except PlatformError:
            return None

    def waiting(self) -> int:
        """Return how many readings the box says are waiting."""
        status = self.status()
        return 10**9 if status is None else status.waiting_readings


def steady(rig: Rig) -> list[tuple[str, str, str]]:
    """Run at 210 readings a second for half a minute."""
    process = psutil.Process(rig.edge.pid)
    time.sleep(5.0)
    cpu_s, began_s = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(20.0)
    used_s = sum(process.cpu_times()[:2]) - cpu_s
    share = used_s / (time.monotonic() - began_s)
    rate = PROBES * len(CHANNELS)
    return [
        (
            "resident memory, steady",
            f"{process.memory_info().rss / 1e6:.0f} MB",
            "≤ 60 MB",
        ),
        (
            f"CPU at {rate} readings/s",
            f"{100 * share:.1f} % of a core",
            "≤ 10 % at 200",
        ),
    ]


def drain(rig: Rig, count: int) -> list[tuple[str, str, str]]:
    """Let a backlog drain while live readings go on."""
    process = psutil.Process(rig.edge.pid)
    rig.ingest.start()
    telemetry = open_telemetry(rig.telemetry_url)
    began_s, peak_mb, seen, delays = time.monotonic(), 0.0, 0, []
    start_ms, cursor = round(time.time() * 1000), 0
    live = 0
    while seen < count and time.monotonic() - began_s < 300:
        for row in telemetry.intake_after({WORKER: cursor}, 1_000):
            cursor = row.sequence
            if row.min_ms >= start_ms:
                live += row.stored
                delays.append((row.recorded_ms - row.min_ms) / 1000)
            else:
                seen += row.stored
        peak_mb = max(peak_mb, process.memory_info().rss / 1e6)
        time.sleep(0.05)
    took_s = time.monotonic() - began_s
    telemetry.close()
    return [
        (
            f"a backlog of {count:,} readings drained at",
            f"{seen / took_s:,.0f}/s",
            "≥ 20,000/s",
        ),
        (
            "live readings meanwhile, taken to stored, p95",
            f"{quantile(delays, 0.95):.1f} s",
            "< 5 s",
        ),
        ("live readings stored meanwhile", f"{live:,}", ""),
        ("resident memory, peak while draining", f"{peak_mb:.0f} MB", "≤ 60 MB"),
    ]


def caught_up(folder: Path, count: int) -> list[tuple[str, str, str]]:
    """Fill an outbox, run the box beside it without ingest, then with it."""
    rig = Rig(folder)
    try:
        say(f"a backlog of {count:,} readings")
        outbox = opened(folder / "outbox.db")
        stored = 0
        for batch in history(count, "old", round(time.time() * 1000) - 60_000):
            outbox.commit(batch)
            stored += len(batch)
        outbox.close()
        rig.sim.start()
        wait_until("the probes answer", lambda: "ready" in rig.sim.text(), 20)
        rig.edge.start()
        wait_until("the box runs", lambda: rig.status() is not None, 30)
        say("steady, ingest away")
        rows = steady(rig)
        say("draining")
        return rows + drain(rig, stored)
    finally:
        rig.close()


def main() -> int:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backlog", type=int, default=1_000_000)
    wanted = parser.parse_args()
    say("commits")
    with tempfile.TemporaryDirectory() as folder:
        took = commits(Path(folder))
    p99_ms = quantile(took, 0.99)
    rows = [
        ("commit of 105 readings, p50", f"{quantile(took, 0.5):.1f} ms", ""),
        ("commit of 105 readings, p99", f"{p99_ms:.1f} ms", "< 20 ms"),
        ("group commit 0.5 s + p99", f"{0.5 + p99_ms / 1000:.2f} s", "≤ 1 s"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows += caught_up(Path(folder), wanted.backlog)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end\n")
    print("| | reached | asked |\n|---|--:|--:|")
    for what, got, asked in rows:
        print(f"| {what} | {got} | {asked} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
