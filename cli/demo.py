"""`greenwater demo`: a simulated farm, its boxes, and the whole platform, on one clock."""

import json
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import typer

from cli.home import Home, HomeSettings
from cli.run import answers, free_port, greenwater, platform_parts
from cli.supervisor import Part, Supervisor
from cli.world import register, write_box
from edge.drivers.profile import load_profile
from firmware_sim.run import Row, ScenarioRun
from firmware_sim.scenarios import ProbeKind, Scenario, list_scenarios, load_scenario
from firmware_sim.serve import Ports
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock, ScaledClock
from greenwater.kernel.errors import ConfigError, UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import ClockQuality, Reading, milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span

SCENARIOS = ("healthy-farm", "tuna-trip")
HISTORY = timedelta(days=3)
HISTORY_EVERY_S = 600.0
ONCE_SPEED = 1_440.0
ONCE_HOURS = 6


class Played(NamedTuple):
    """One scenario in the demo."""

    scenario: Scenario
    ports: dict[str, Ports]
    folder: Path


def run_demo(
    stop: threading.Event,
    *,
    speed: float,
    page_port: int,
    page_host: str,
    once: bool,
    scenario: str,
    folder: Path | None,
) -> int:
    """Run the demo; return the exit status (``--once``: 70 where its check fails).

    Raises:
        ConfigError: the speed or the scenario is not possible.
        UnavailableError: the page's port is taken.
    """
    if not 0 < speed <= 3_600:
        raise ConfigError(f"--speed {speed:g} is not between 0 and 3600")
    if answers(page_port) and not once:
        raise UnavailableError(f"port {page_port} is taken: try --port {page_port + 1}")
    with tempfile.TemporaryDirectory(prefix="greenwater-demo-") as temporary:
        home = Home(HomeSettings(home=folder or Path(temporary)))
        if once:
            page_port, speed = free_port(), ONCE_SPEED
        names = (
            [scenario] if scenario else [s for s in SCENARIOS if s in list_scenarios()]
        )
        return _play(home, names, stop, speed, page_port, page_host, once=once)


def _play(
    home: Home,
    names: Sequence[str],
    stop: threading.Event,
    speed: float,
    page_port: int,
    page_host: str,
    *,
    once: bool,
) -> int:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)  # noqa: TID251  (the demo begins now)
    played = [_cast(home, load_scenario(name), start - HISTORY) for name in names]
    broker_port = free_port()
    with open_registry(home.registry_url) as registry:
        boxes = _enrol(home, played, registry, start, f"mqtt://127.0.0.1:{broker_port}")
        _fill_history(home, played, registry, start, stop)
    if stop.is_set():
        return 0
    # Real time and the demo's meet once the processes are up.
    clock = str(ScaledClock(start, speed, time.time() + (2.0 if once else 1.0)))  # noqa: TID251
    parts = platform_parts(
        home,
        page_port=page_port,
        page_host=page_host,
        broker_port=broker_port,
        clock=clock,
    )
    parts += _simulation(played, boxes, clock)
    supervisor = Supervisor(parts, home.path / "logs")
    try:
        for name in supervisor.start(stop):
            typer.echo(
                f"{name} is not ready: see {home.path}/logs/{name}.log", err=True
            )
        typer.echo(
            f"Greenwater demo: http://{page_host}:{page_port}/   (Ctrl-C ends it)"
        )
        if once:
            return _check_once(home, played, supervisor, stop, clock, page_port)
        supervisor.run(stop)
        return 0
    finally:
        supervisor.stop()


def _cast(home: Home, scenario: Scenario, start: datetime) -> Played:
    folder = home.path / "sim" / scenario.name
    folder.mkdir(parents=True, exist_ok=True)
    moved = scenario.starting(start)
    ports = {device.id: Ports(free_port(), free_port()) for device in moved.devices}
    (folder / "ports.json").write_text(json.dumps(ports))
    (folder / "start").write_text(start.isoformat())
    return Played(moved, ports, folder)


def _enrol(
    home: Home,
    played: Sequence[Played],
    registry: Registry,
    start: datetime,
    broker: str,
) -> dict[str, Path]:
    """Register the scenarios and write each box's configuration."""
    boxes = {}
    for one in played:
        passwords = register(
            one.scenario,
            registry,
            from_ms=milliseconds(start - HISTORY),
            now_ms=milliseconds(start),
        )
        for device in one.scenario.devices:
            folder = home.path / "boxes" / device.id
            if device.id in passwords:
                boxes[device.id] = write_box(
                    device,
                    folder,
                    broker_url=broker,
                    password=passwords[device.id],
                    ports=one.ports[device.id],
                )
    return boxes


def _fill_history(
    home: Home,
    played: Sequence[Played],
    registry: Registry,
    start: datetime,
    stop: threading.Event,
) -> None:
    """Let ingest take in the first days at once, instead of through the boxes."""
    from ingest.replay import take_in_readings

    telemetry = open_telemetry(home.telemetry_url)
    clock = ManualClock(start)
    first_s, end_s = (start - HISTORY).timestamp(), start.timestamp()
    day_parts = 24
    try:
        steps = [
            (one, first_s + at * (end_s - first_s) / day_parts)
            for one in played
            for at in range(day_parts)
        ]
        with typer.progressbar(steps, label="three days of history") as shown:
            for one, from_s in shown:
                if stop.is_set():
                    return
                run = ScenarioRun(one.scenario, clock)
                until_s = from_s + (end_s - first_s) / day_parts
                rows = run.history(from_s, until_s, HISTORY_EVERY_S)
                measured = _measured(one.scenario)
                readings = [r for row in rows for r in _readings(row, measured)]
                take_in_readings(readings, registry, telemetry, clock)
    finally:
        telemetry.close()


_Measured = dict[tuple[str, str], frozenset[str]]


def _measured(scenario: Scenario) -> _Measured:
    """Return what each instrument can tell: no more than its box will read from it."""
    found: _Measured = {}
    for device in scenario.devices:
        for probe in device.probes:
            channels: tuple[Channel, ...] = tuple(Channel)
            if probe.map == "generic_float32":
                channels = probe.channels
            elif probe.kind is not ProbeKind.GPS:
                registers = load_profile(probe.map).registers
                channels = tuple(register.channel for register in registers)
            found[device.id, probe.id] = frozenset(channels)
    return found


def _readings(row: Row, measured: _Measured) -> Iterator[Reading]:
    known = measured[row.device, row.probe]
    for name, value in row.values.items():
        if name in known:
            yield Reading(
                DeviceId(row.device),
                ProbeId(row.probe),
                Channel(name),
                row.taken_ms,
                None if value is None else round(value, 6),
                ClockQuality.NTP,
            )


def _simulation(
    played: Sequence[Played], boxes: dict[str, Path], clock: str
) -> list[Part]:
    environ = {"GREENWATER_CLOCK": clock}
    parts = [
        Part(
            f"sim-{one.scenario.name}",
            greenwater(
                "sim", "run", one.scenario.name,
                "--ports", str(one.folder / "ports.json"),
                "--folder", str(one.folder),
                "--start", (one.folder / "start").read_text(),
            ),
            environ,
        )
        for one in played
    ]  # fmt: skip
    parts += [
        Part(
            f"edge-{device}",
            greenwater("edge", "run", "--config", str(path), "--log-level", "warning"),
            environ,
        )
        for device, path in boxes.items()
    ]
    return parts


def _check_once(
    home: Home,
    played: Sequence[Played],
    supervisor: Supervisor,
    stop: threading.Event,
    clock: str,
    page_port: int,
) -> int:
    """Let hours pass, then see that what should be stored is; return the exit status."""
    from greenwater.kernel.clock import parse_clock

    ticking = parse_clock(clock)
    start = ticking.now()
    end = start + timedelta(hours=ONCE_HOURS)
    with typer.progressbar(length=ONCE_HOURS * 3600, label="a short day") as bar:
        while ticking.now() < end and not stop.wait(0.2):
            supervisor.tend()
            bar.update(max(0, int((ticking.now() - start).total_seconds()) - bar.pos))
    stop.wait(3.0)
    faults = _faults(home, played, start, end, page_port)
    for fault in faults:
        typer.echo(f"WRONG: {fault}", err=True)
    if not faults:
        typer.echo("checked: every probe's readings are stored, nothing in quarantine")
    return 70 if faults else 0


def _faults(
    home: Home, played: Sequence[Played], start: datetime, end: datetime, page_port: int
) -> list[str]:
    faults = []
    telemetry = open_telemetry(home.telemetry_url)
    with open_registry(home.registry_url) as registry:
        held = registry.list_quarantine()
    faults += [f"in quarantine: {one.reason}" for one in held[:3]]
    margin = timedelta(minutes=30)
    for one in played:
        for device in one.scenario.devices:
            slots = (end - start - 2 * margin).total_seconds() / device.interval_s
            for probe in device.probes:
                span = Span(
                    Series(DeviceId(device.id), ProbeId(probe.id)),
                    milliseconds(start + margin),
                    milliseconds(end - margin),
                )
                stored = len({reading.taken_ms for reading in telemetry.read(span)})
                if stored < 0.5 * slots:
                    faults.append(
                        f"{device.id}/{probe.id}: {stored} instants stored of {slots:.0f}"
                    )
    telemetry.close()
    return faults + _page_faults(page_port)


def _page_faults(page_port: int) -> list[str]:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{page_port}/", timeout=10
        ) as page:
            text = page.read().decode("utf-8")
    except (urllib.error.URLError, OSError) as exc:
        return [f"the page does not answer: {exc}"]
    return [] if "MÔ PHỎNG" in text else ["the page does not say that it is simulated"]
