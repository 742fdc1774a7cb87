"""A scenario's instruments, served: one Modbus TCP server and one NMEA stream a device."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from firmware_sim.devices.modbus import Bench, serve_tcp
from firmware_sim.devices.nmea import NmeaServer
from firmware_sim.devices.probe import VirtualProbe, carrying, load_map
from firmware_sim.devices.wire import BadWire
from firmware_sim.faults import FaultSpec
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import DeviceSpec, ProbeKind, ProbeSpec
from greenwater.kernel.clock import Clock


class Ports(NamedTuple):
    """Where a device's instruments answer."""

    modbus: int
    nmea: int


async def serve_scenario(
    run: ScenarioRun,
    clock: Clock,
    ports: Mapping[str, Ports],
    stop: threading.Event,
    *,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve every device's instruments until ``stop`` is set."""

    def now_s() -> float:
        return clock.now().timestamp()

    servers: list[Any] = []
    for device in run.scenario.devices:
        where = ports[device.id]
        wire = _wire(run, device, now_s)
        bench = _bench(run, clock, device, wire)
        if bench is not None:
            servers.append(
                await serve_tcp(bench, port=where.modbus, damage=wire.on_tcp)
            )
        for probe in device.probes:
            if probe.kind is ProbeKind.GPS:
                source = run.positions[(device.id, probe.id)]
                every_s = max(0.1, clock.real_seconds(1.0))
                stream = NmeaServer(source, now_s=now_s, every_s=every_s)
                await stream.start(where.nmea)
    on_ready()
    while not stop.is_set():
        await asyncio.sleep(0.1)
    for server in servers:
        await server.shutdown()


def _bench(
    run: ScenarioRun, clock: Clock, device: DeviceSpec, wire: BadWire
) -> Bench | None:
    specs = {p.unit_id: p for p in device.probes if p.kind is not ProbeKind.GPS}
    if not specs:
        return None
    probes = [_probe(run, device, spec) for spec in specs.values()]

    def switched(probe: VirtualProbe, _coil: int, is_on: bool) -> None:
        spec = specs.get(probe.unit)
        if spec is not None and spec.aerator is not None:
            run.switch_aerator(spec.aerator, is_on)

    def now_s() -> float:
        return clock.now().timestamp()

    def delay_s(probe: VirtualProbe) -> float | None:
        late_s = wire.delay_s(probe.unit)
        return None if late_s is None else clock.real_seconds(late_s)

    return Bench(probes, now_s=now_s, on_coil=switched, delay_s=delay_s)


def _probe(run: ScenarioRun, device: DeviceSpec, spec: ProbeSpec) -> VirtualProbe:
    is_plain = spec.map == "generic_float32"
    probe_map = carrying(list(spec.channels)) if is_plain else load_map(spec.map)
    return VirtualProbe(probe_map, run.sources[(device.id, spec.id)], unit=spec.unit_id)


def _wire(run: ScenarioRun, device: DeviceSpec, now_s: Callable[[], float]) -> BadWire:
    names = {p.unit_id: p.id for p in device.probes if p.kind is not ProbeKind.GPS}

    def active(unit: int) -> Iterable[FaultSpec]:
        return run.active(device.id, names[unit]) if unit in names else ()

    return BadWire(active, now_s=now_s, seed=run.scenario.seed)
