"""The ledger test's engine: real processes, random faults, two ledgers compared.

The boxes write a line for every reading they call confirmed; at the end the store is
read and compared. A confirmed reading that is missing, or stands with another value, is
a broken promise. A reading that is in the store and in no ledger was confirmed in the
instant between commit and ledger line before a kill: counted, and bounded by the kills.
"""

import os
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edge.status import read_status
from firmware_sim.modem import FreezingProxy
from greenwater.kernel.errors import PlatformError
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span
from tests.live.system import Service, registered, wait_until
from tests.servers import Influx, Mosquitto, Nats, Server, free_port

CHANNELS = ("temperature", "dissolved_oxygen", "salinity", "ph")
BACKUP_EVERY = 12


@dataclass
class Verdict:
    """What the comparison found, and what was done to the system."""

    confirmed: int = 0
    stored: int = 0
    missing: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    unledgered: int = 0
    quarantined: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    drain_seconds: float = 0.0

    def table(self) -> str:
        """Return the figures as a Markdown table."""
        rows = [
            ("readings confirmed by boxes", f"{self.confirmed:,}"),
            ("of them missing in the store", f"{len(self.missing):,}"),
            ("of them with another value", f"{len(self.different):,}"),
            ("readings in the store", f"{self.stored:,}"),
            ("in the store, in no ledger (killed between commit and line)",
             f"{self.unledgered:,}"),
            ("in quarantine", f"{self.quarantined:,}"),
            ("faults", f"{self.faults.total():,}"),
            *((f"— {name}", f"{count:,}") for name, count in sorted(self.faults.items())),
            ("seconds of faults", f"{self.seconds:.0f}"),
            ("seconds until drained", f"{self.drain_seconds:.0f}"),
        ]  # fmt: skip
        return "| | |\n|---|--:|\n" + "\n".join(f"| {a} | {b} |" for a, b in rows)


class Tmpfs:
    """A small file system that can be filled; only where root may mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.is_there = os.getuid() == 0 and (
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)],
                check=False,
                capture_output=True,
            ).returncode
            == 0
        )

    def fill(self) -> None:
        """Leave no room."""
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    continue
            except OSError:
                return

    def free(self) -> None:
        """Leave room again."""
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount."""
        if self.is_there:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)


class World:
    """Twenty boxes, a simulator, a broker, ingest and InfluxDB; and what breaks them."""

    def __init__(
        self,
        folder: Path,
        *,
        devices: int = 20,
        broker: str = "mosquitto",
        seed: int = 1,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.folder, self._say = folder, say
        self._rng = random.Random(seed)
        self.devices = [f"box-{number:02d}" for number in range(1, devices + 1)]
        self.broker: Mosquitto | Nats = (
            Mosquitto(folder / "broker", lines=["allow_anonymous true",
                      "max_inflight_messages 2000", "max_queued_messages 0",
                      "persistence true"])
            if broker == "mosquitto"
            else Nats(folder / "broker")
        )  # fmt: skip
        self.influx = Influx(folder / "influx")
        self.store = "chaos"
        self.disk = Tmpfs(folder / "disk")
        self.verdict = Verdict()
        self._ports = {device: free_port() for device in self.devices}
        self._since_backup = 0
        self._backup_at: datetime | None = None

    def start(self) -> None:
        """Start everything."""
        self.broker.start()
        self.influx.start()
        self.proxies = [FreezingProxy(self.broker.port) for _ in range(4)]
        self._environ = {
            "GREENWATER_HOME": str(self.folder / "home"),
            "GREENWATER_BROKER_URL": self.broker.url,
            "GREENWATER_TELEMETRY_URL": self.influx.url(self.store),
        }
        (self.folder / "home").mkdir()
        self.registry_url = f"sqlite:///{self.folder}/home/registry.db"
        registered(self.registry_url, self.devices)
        self.sim = Service("sim", [], self.folder, {})
        self.sim._words = ["sim", "bench", "--ports",
                           ",".join(str(port) for port in self._ports.values()),
                           "--channels", ",".join(CHANNELS)]  # fmt: skip
        self.sim.start()
        wait_until("the probes answer", lambda: "ready" in self.sim.text(), 90)
        self.ingest = Service("ingest", ["ingest"], self.folder, self._environ).start()
        self.edges = [self._edge(at, device) for at, device in enumerate(self.devices)]
        for edge in self.edges:
            edge.start()
        wait_until(
            "all boxes are confirmed", self._all_confirming, 120, alive=self.edges
        )
        self.backup()

    def _outbox(self, at: int, device: str) -> Path:
        on_disk = at == 0 and self.disk.is_there
        return (self.disk.folder if on_disk else self.folder / device) / "outbox.db"

    def _edge(self, at: int, device: str) -> Service:
        folder = self.folder / device
        folder.mkdir()
        config = folder / "edge.toml"
        channels = ", ".join(f'"{name}"' for name in CHANNELS)
        config.write_text(
            f"""device = "{device}"
broker_url = "mqtt://127.0.0.1:{self.proxies[at % len(self.proxies)].port}"
outbox = "{self._outbox(at, device)}"
status_file = "{folder}/status.json"
ledger = "{folder}/ledger.jsonl"
commit_every_s = 0.2
is_simulated = true
[[buses]]
name = "bus"
port = {self._ports[device]}
[[buses.probes]]
id = "sonde"
profile = "generic_float32"
interval_s = 1
channels = [{channels}]
"""
        )
        words = ["edge", "run", "--config", str(config), "--log-level", "warning"]
        return Service(device, words, folder, {})

    def _all_confirming(self) -> bool:
        return all(
            (self.folder / device / "ledger.jsonl").exists()
            and (self.folder / device / "ledger.jsonl").stat().st_size > 0
            for device in self.devices
        )

    def backup(self) -> None:
        """Keep a copy of the store as last night's backup."""
        self.influx.stop()
        self._backup_at = datetime.now(UTC)
        self.influx.copy_to(self.folder / "backup")
        self.influx.start()
        self._since_backup = 0

    def faults(self, count: int) -> None:
        """Do so many random things to it."""
        began_s = time.monotonic()
        kinds: list[tuple[str, Callable[[], None], int]] = [
            ("edge killed", self.kill_edge, 6),
            ("broker killed", self.kill_broker, 3),
            ("broker killed, store wiped", self.wipe_broker, 3),
            ("ingest killed", self.kill_ingest, 5),
            ("database killed", self.kill_influx, 4),
            ("connections frozen", self.freeze, 5),
            ("connections cut", self.cut, 3),
            ("store restored from a backup", self.restore, 1),
        ]
        if self.disk.is_there:
            kinds.append(("outbox disk full", self.fill_disk, 2))
        names = [name for name, _, weight in kinds for _ in range(weight)]
        acts = {name: act for name, act, _ in kinds}
        for number in range(1, count + 1):
            # Every kind at least once, then by weight.
            name = (
                kinds[number - 1][0]
                if number <= len(kinds)
                else self._rng.choice(names)
            )
            self._say(f"{number:>4}/{count}  {name}")
            acts[name]()
            self.verdict.faults[name] += 1
            self._since_backup += 1
            if self._since_backup >= BACKUP_EVERY and self._rng.random() < 0.1:
                self.backup()
            time.sleep(self._rng.uniform(0.2, 1.0))
        self.verdict.seconds = time.monotonic() - began_s

    def _pause(self, longest_s: float = 1.5) -> None:
        time.sleep(self._rng.uniform(0.0, longest_s))

    def kill_edge(self) -> None:
        """SIGKILL one to three boxes' agents."""
        chosen = self._rng.sample(self.edges, self._rng.randint(1, 3))
        for edge in chosen:
            edge.kill()
        self._pause()
        for edge in chosen:
            edge.start()

    def _kill_server(self, server: Server) -> None:
        server.kill()
        self._pause(2.0)

    def kill_broker(self) -> None:
        """SIGKILL the broker."""
        self._kill_server(self.broker)
        self.broker.start()

    def wipe_broker(self) -> None:
        """SIGKILL the broker and lose what it stored."""
        self._kill_server(self.broker)
        self.broker.wipe()
        self.broker.start()

    def kill_ingest(self) -> None:
        """SIGKILL ingest."""
        self.ingest.kill()
        self._pause()
        self.ingest.start()

    def kill_influx(self) -> None:
        """SIGKILL the database."""
        self._kill_server(self.influx)
        self.influx.start()

    def freeze(self) -> None:
        """Keep some boxes' connections open and move nothing over them."""
        chosen = self._rng.sample(self.proxies, self._rng.randint(1, len(self.proxies)))
        for proxy in chosen:
            proxy.freeze()
        time.sleep(self._rng.uniform(0.5, 4.0))
        for proxy in chosen:
            if self._rng.random() < 0.5:
                proxy.cut()
            proxy.thaw()

    def cut(self) -> None:
        """Reset some boxes' connections."""
        for proxy in self._rng.sample(self.proxies, self._rng.randint(1, 3)):
            proxy.cut()

    def fill_disk(self) -> None:
        """Leave the first box's outbox no room for a while; kill it too, at times."""
        self.disk.fill()
        time.sleep(self._rng.uniform(1.0, 3.0))
        if self._rng.random() < 0.3:
            self.edges[0].kill()
        self.disk.free()
        self.edges[0].start()

    def restore(self) -> None:
        """Put last night's backup back, and ask the boxes for what it lost."""
        assert self._backup_at is not None
        self.ingest.kill()
        self.influx.kill()
        self.influx.restore_from(self.folder / "backup")
        self.influx.start()
        self.ingest.start()
        environ = {**self._environ, "GREENWATER_HOME": str(self.folder / "home")}
        asked = Service(
            "resend",
            ["device", "resend", "all", "--since", self._backup_at.isoformat()],
            self.folder,
            environ,
        ).start()
        wait_until("resend is asked for", lambda: not asked.is_running, 90)
        assert "devices are asked" in asked.text(), asked.text()

    def heal(self, timeout_s: float = 240.0) -> None:
        """Let everything run, still the probes, and wait until all is delivered."""
        began_s = time.monotonic()
        for server in (self.broker, self.influx):
            server.start()
        for service in (self.ingest, *self.edges):
            service.start()
        self.sim.stop()
        time.sleep(1.0)
        wait_until(
            "all commands are answered", self._no_commands, timeout_s, every_s=0.5
        )
        # A status from before the answer does not know yet what is to be sent again.
        answered_ms = time.time() * 1000
        wait_until(
            "all outboxes are empty",
            lambda: self._is_drained(answered_ms),
            timeout_s,
            every_s=0.5,
        )
        self.verdict.drain_seconds = time.monotonic() - began_s
        for edge in self.edges:
            edge.stop()

    def _no_commands(self) -> bool:
        from greenwater.storage.registry import open_registry

        with open_registry(self.registry_url) as registry:
            return not registry.commands_due(round(time.time() * 1000))

    def _is_drained(self, since_ms: float) -> bool:
        for edge, device in zip(self.edges, self.devices, strict=True):
            assert edge.is_running, f"{device} died: {edge.text()[-2000:]}"
            try:
                status = read_status(self.folder / device / "status.json")
            except PlatformError:
                return False
            is_new = status.written_ms > since_ms
            if status.waiting_readings or status.in_flight or not is_new:
                return False
        return True

    def compare(self) -> Verdict:
        """Compare the boxes' ledgers with the store."""
        telemetry = open_telemetry(self.influx.url(self.store))
        for device in self.devices:
            series = Series(DeviceId(device), "sonde")  # type: ignore[arg-type]
            stored = {
                (r.channel, r.taken_ms): r.value
                for r in telemetry.read(Span(series, 0, 2**53))
            }
            ledger = dict(self._ledger(device))
            self.verdict.confirmed += len(ledger)
            self.verdict.stored += len(stored)
            self.verdict.unledgered += len(stored.keys() - ledger.keys())
            for key, value in ledger.items():
                if key not in stored:
                    self.verdict.missing.append(f"{device} {key}")
                elif stored[key] != value:
                    self.verdict.different.append(
                        f"{device} {key}: {value} {stored[key]}"
                    )
        telemetry.close()
        return self.verdict

    def _ledger(self, device: str) -> Iterator[tuple[tuple[str, int], float | None]]:
        with (self.folder / device / "ledger.jsonl").open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return  # killed in the middle of a line: not a whole claim
                try:
                    reading = msgspec.json.decode(line, type=Reading)
                except msgspec.MsgspecError:
                    continue
                yield (reading.channel, reading.taken_ms), reading.value

    def close(self) -> None:
        """End everything."""
        for service in (*getattr(self, "edges", []), *(
            getattr(self, name) for name in ("ingest", "sim") if hasattr(self, name)
        )):  # fmt: skip
            service.kill()
        for proxy in getattr(self, "proxies", []):
            proxy.close()
        self.broker.stop()
        self.influx.stop()
        self.disk.close()
        shutil.rmtree(self.folder / "backup", ignore_errors=True)


def run_chaos(world: World, faults: int) -> Verdict:
    """Start, break, heal, compare; leave nothing running."""
    try:
        world.start()
        world.faults(faults)
        world.heal()
        return world.compare()
    finally:
        world.close()
