"""A scenario's instruments answer over real sockets, faults of the wire included."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from pymodbus.client import ModbusTcpClient

from firmware_sim.faults import FaultKind, FaultSpec
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import load_scenario
from firmware_sim.serve import Ports, serve_scenario
from greenwater.kernel.clock import ManualClock

pytestmark = pytest.mark.live


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def served(*faults: FaultSpec) -> Iterator[tuple[Any, Any, ManualClock]]:
    """Serve the first box of the healthy farm; yield it, a client and the clock."""
    scenario = load_scenario("healthy-farm")
    device = scenario.devices[0]
    meant = tuple(replace(fault, device=device.id) for fault in faults)
    clock = ManualClock(scenario.start)
    run = ScenarioRun(replace(scenario, faults=meant), clock)
    ports = {d.id: Ports(free_port(), free_port()) for d in scenario.devices}
    stop, ready = threading.Event(), threading.Event()
    serving = serve_scenario(run, clock, ports, stop, on_ready=ready.set)
    thread = threading.Thread(target=asyncio.run, args=(serving,))
    thread.start()
    client: Any = ModbusTcpClient(
        "127.0.0.1", port=ports[device.id].modbus, timeout=2, retries=0
    )
    try:
        assert ready.wait(90)
        assert client.connect()
        yield device, client, clock
    finally:
        client.close()
        stop.set()
        thread.join(90)


def test_every_unit_of_a_box_answers_and_an_aerator_switches() -> None:
    with served() as (device, client, clock):
        assert len(device.probes) > 3
        for probe in device.probes:
            if probe.map == "aerator_monitor":
                answer = client.write_coil(0, True, device_id=probe.unit_id)
                assert not answer.isError()
                bits = client.read_coils(0, count=1, device_id=probe.unit_id).bits
                assert bits[0] is True
            elif probe.map == "yosemitech_y4000":
                client.write_registers(0x2500, [0], device_id=probe.unit_id)
                clock.advance(timedelta(seconds=10))
                answer = client.read_holding_registers(
                    0x2601, count=2, device_id=probe.unit_id
                )
                assert answer.registers != [0x0000, 0xC07F]


@pytest.mark.parametrize(
    "kind", [FaultKind.SILENT_UNIT, FaultKind.WRONG_BYTE], ids=lambda kind: str(kind)
)
def test_a_fault_of_the_wire_hits_its_probe_alone(kind: FaultKind) -> None:
    fault = FaultSpec(kind, 0.0, 1.0, probe="ao-1-tren", amount=1.0)
    with served(fault) as (device, client, clock):
        unit = {probe.id: probe.unit_id for probe in device.probes}

        def code(name: str) -> int | None:
            answer = client.read_holding_registers(
                0x3000, count=1, device_id=unit[name]
            )
            return answer.exception_code if answer.isError() else None

        assert code("ao-1-tren") == 0x0B
        assert code("ao-2") is None
        clock.advance(timedelta(hours=1))
        assert code("ao-1-tren") is None
