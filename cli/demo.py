"""`greenwater demo`: a simulated farm, its boxes, and the whole platform, on one clock."""

import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from cli.home import Home, HomeSettings
from cli.run import answers, free_port, platform_parts
from cli.stage import Casting, Played, Stage
from cli.supervisor import Supervisor
from firmware_sim.scenarios import list_scenarios
from greenwater.kernel.clock import ScaledClock
from greenwater.kernel.errors import ConfigError, UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span

SCENARIOS = ("healthy-farm", "tuna-trip")
HISTORY = timedelta(days=3)
ONCE_SPEED = 1_440.0
ONCE_HOURS = 6


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
    stage = Stage(home, [Casting(name, HISTORY) for name in names], start)
    broker_port = free_port()
    with open_registry(home.registry_url) as registry:
        stage.enrol(registry, f"mqtt://127.0.0.1:{broker_port}")
        stage.fill_history(registry, stop)
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
    parts += stage.parts(clock)
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
            return _check_once(home, stage.played, supervisor, stop, clock, page_port)
        supervisor.run(stop)
        return 0
    finally:
        supervisor.stop()


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
