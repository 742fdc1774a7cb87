"""Simulated farms and boats on a platform of this machine: for the demo and for stories.

Scenarios get ports and boxes, are registered, the days before are filled in; then each is
played by processes of its own.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import typer

from analytics.backfill import backfill
from analytics.places import places_of
from analytics.runs import CURSOR
from cli.demo.registration import register, write_box
from cli.demo.second_core import computed_beside
from cli.home import Home
from cli.processes import free_port, greenwater
from cli.supervisor import Part
from edge.drivers.profile import load_profile
from firmware_sim.run import Row, ScenarioRun
from firmware_sim.scenarios import ProbeKind, Scenario, load_scenario
from firmware_sim.serve import Ports
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock, ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import ClockQuality, Reading, milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.watching import Pass
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry

HISTORY_EVERY_S = 600.0
BEFORE_EVERY_S = 1_500.0
STRETCH_S = 86_400.0


class ScenarioStart(NamedTuple):
    """Which scenario plays (its name or its file), and how much of it has passed.

    ``before`` it began, days in which nothing happened have been measured too.
    """

    name: str
    passed: timedelta
    before: timedelta = timedelta(0)


class Played(NamedTuple):
    """One scenario as it is played; its first moment is ``scenario.start_s``."""

    name: str
    scenario: Scenario
    passed: timedelta
    before: timedelta
    ports: dict[str, Ports]
    folder: Path


class Stretch(NamedTuple):
    """A part of what passed: from, until (s since 1970), in steps (s)."""

    run: ScenarioRun
    from_s: float
    until_s: float
    every_s: float


class Simulation:
    """The simulated side of a platform whose clock begins at ``opens``."""

    def __init__(
        self, home: Home, casting: Sequence[ScenarioStart], opens: datetime
    ) -> None:
        self._home, self.opens = home, opens
        self.played = [self._cast(one) for one in casting]
        self._boxes: dict[str, Path] = {}

    def _cast(self, casting: ScenarioStart) -> Played:
        folder = self._home.path / "sim" / Path(casting.name).stem
        folder.mkdir(parents=True, exist_ok=True)
        start = self.opens - casting.passed
        moved = load_scenario(casting.name).starting(start)
        ports = {device.id: Ports(free_port(), free_port()) for device in moved.devices}
        (folder / "ports.json").write_text(json.dumps(ports))
        (folder / "start").write_text(start.isoformat())
        return Played(
            casting.name, moved, casting.passed, casting.before, ports, folder
        )

    def enrol(self, registry: Registry, broker: str) -> None:
        """Register the scenarios and write each box's configuration."""
        for one in self.played:
            passwords = register(
                one.scenario,
                registry,
                from_ms=milliseconds(self.opens - one.passed - one.before),
                now_ms=milliseconds(self.opens),
            )
            for device in one.scenario.devices:
                if device.id in passwords:
                    self._boxes[device.id] = write_box(
                        device,
                        self._home.path / "boxes" / device.id,
                        broker_url=broker,
                        password=passwords[device.id],
                        ports=one.ports[device.id],
                    )

    def fill_history(self, registry: Registry, stop: threading.Event) -> None:
        """Let ingest take in what has passed at once, instead of through the boxes.

        The days in which nothing happened are flagged here, as ``analytics backfill``
        does it; analytics, when it starts, has only the last days to look at.
        """
        from ingest.replay import take_in_readings
        from ingest.workers import by_hand

        clock = ManualClock(self.opens)
        calm, passed = list(self._calm(clock)), list(self._passed(clock))
        with (
            # One core plays what has passed while the other takes it in.
            computed_beside(self._readings, [*calm, *passed]) as played,
            closing(open_telemetry(self._home.telemetry_url)) as telemetry,
            by_hand(self._home.path) as worker,
        ):

            def fill(stretches: list[Stretch], label: str) -> None:
                with typer.progressbar(stretches, label=label) as shown:
                    for _ in shown:
                        if stop.is_set():
                            return
                        take_in_readings(
                            next(played), registry, telemetry, clock, worker=worker
                        )

            fill(calm, "playing the weeks before tonight")
            if calm and not stop.is_set():
                seen = {worker.id: telemetry.last_sequence(worker.id)}
                self._flag(registry, telemetry, seen)
            fill(passed, "playing the last days")

    def _readings(self, one: Stretch) -> list[Reading]:
        known, opens_s = measured(one.run.scenario), self.opens.timestamp()
        return [
            reading
            for row in one.run.history(one.from_s, one.until_s, one.every_s)
            if one.run.has_arrived(row, opens_s)
            for reading in readings_of(row, known)
        ]

    def _flag(
        self,
        registry: Registry,
        telemetry: Telemetry,
        seen: Mapping[WorkerId, int],
    ) -> None:
        """Flag all that there is, and have analytics go on from there."""
        began_ms = milliseconds(
            self.opens - max(one.passed + one.before for one in self.played)
        )
        now_ms = milliseconds(self.opens)
        places = places_of(registry, began_ms)
        backfill(telemetry, places, telemetry.series(), began_ms, now_ms)
        cursor = msgspec.json.encode(seen)
        registry.save_pass(Pass(saved_ms=now_ms, states={CURSOR: cursor}))

    def _calm(self, clock: Clock) -> Iterator[Stretch]:
        """Yield the days before each scenario, in parts."""
        for one in self.played:
            days = one.before.total_seconds() / 86_400
            calm = one.scenario.calm(days).starting(one.scenario.start - one.before)
            run = ScenarioRun(calm, clock)
            for from_s, until_s in _parts(calm.start_s, one.scenario.start_s):
                yield Stretch(run, from_s, until_s, BEFORE_EVERY_S)

    def _passed(self, clock: Clock) -> Iterator[Stretch]:
        """Yield what has passed of each scenario, in parts.

        One run goes through all parts of its scenario: water remembers.
        """
        for one in self.played:
            run = ScenarioRun(one.scenario, clock)
            for from_s, until_s in _parts(one.scenario.start_s, self.opens.timestamp()):
                yield Stretch(run, from_s, until_s, HISTORY_EVERY_S)

    def parts(self, clock: str) -> list[Part]:
        """Return the processes: one simulator a scenario, one agent a box."""
        environ = {"GREENWATER_CLOCK": clock}
        parts = [
            Part(
                f"sim-{one.scenario.name}",
                greenwater(
                    "sim", "run", one.name,
                    "--ports", str(one.folder / "ports.json"),
                    "--folder", str(one.folder),
                    "--start", (one.folder / "start").read_text(),
                ),
                environ,
            )
            for one in self.played
        ]  # fmt: skip
        parts += [
            Part(f"edge-{device.id}", self._box(one, device.id), environ)
            for one in self.played
            for device in one.scenario.devices
            if device.id in self._boxes
        ]
        return parts

    def steady_boxes(self) -> set[str]:
        """Return the boxes to which nothing happens: they are always heard."""
        clock = ManualClock(self.opens)
        return {
            device.id
            for one in self.played
            for device in one.scenario.devices
            if device.id in self._boxes
            and not ScenarioRun(one.scenario, clock).is_troubled(device.id)
        }

    def _box(self, one: Played, device: str) -> list[str]:
        """Return what runs a box: the agent, or whoever does to it what is to be done."""
        config = str(self._boxes[device])
        if not ScenarioRun(one.scenario, ManualClock(self.opens)).is_troubled(device):
            return greenwater(
                "edge", "run", "--config", config, "--log-level", "warning"
            )
        return greenwater(
            "sim", "box", device,
            "--scenario", one.name,
            "--config", config,
            "--start", (one.folder / "start").read_text(),
        )  # fmt: skip


def _parts(from_s: float, until_s: float) -> Iterator[tuple[float, float]]:
    while from_s < until_s:
        end_s = min(from_s + STRETCH_S, until_s)
        yield from_s, end_s
        from_s = end_s


_Measured = dict[tuple[str, str], frozenset[str]]


def measured(scenario: Scenario) -> _Measured:
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


def readings_of(row: Row, measured: _Measured) -> Iterator[Reading]:
    """Yield what a box would have read of a row."""
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
