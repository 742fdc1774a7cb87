"""Modbus servers, TCP and RTU on a pseudo-terminal, through pymodbus.

pymodbus' own datastores hold fixed registers; ours are functions of time, so its server
is given a context of ours with the two methods that it calls.
"""

import asyncio
import os
import select
import threading
import tty
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from firmware_sim.devices.probe import TABLES, Refusal, VirtualProbe

Delay = Callable[[VirtualProbe], float | None]
"""How long a unit takes to answer, in real seconds; None: it does not answer."""


class Bench:
    """The units behind one server; what pymodbus calls its context."""

    def __init__(
        self,
        probes: Sequence[VirtualProbe],
        *,
        now_s: Callable[[], float],
        on_read: Callable[[VirtualProbe, int, int], None] | None = None,
        on_coil: Callable[[VirtualProbe, int, bool], None] | None = None,
        delay_s: Delay | None = None,
    ) -> None:
        self._probes, self._now_s = list(probes), now_s
        self._on_read, self._on_coil, self._delay_s = on_read, on_coil, delay_s

    def device_ids(self) -> list[int]:
        """Return the units that answer now."""
        return [probe.unit for probe in self._probes]

    def _probe(self, unit: int) -> VirtualProbe:
        for probe in self._probes:
            if probe.unit == unit:
                return probe
        raise NoSuchIdException(f"no unit {unit}")

    async def _answering(self, unit: int) -> VirtualProbe:
        probe = self._probe(unit)
        delay_s = self._delay_s(probe) if self._delay_s else 0.0
        if delay_s is None:
            raise NoSuchIdException(f"unit {unit} is silent")
        if delay_s:
            await asyncio.sleep(delay_s)
        return probe

    async def async_getValues(
        self, unit: int, function: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        """Answer a read."""
        probe = await self._answering(unit)
        answer = probe.read(TABLES[function], address, count, self._now_s())
        if self._on_read is not None:
            self._on_read(probe, address, count)
        if isinstance(answer, Refusal):
            return ExcCodes(int(answer))
        return [bool(word) for word in answer] if function < 3 else answer

    async def async_setValues(
        self, unit: int, function: int, address: int, values: Sequence[int | bool]
    ) -> ExcCodes | None:
        """Answer a write."""
        probe = await self._answering(unit)
        if function in (5, 15):
            for at, value in enumerate(values, address):
                probe.coils[at] = bool(value)
                if self._on_coil is not None:
                    self._on_coil(probe, at, bool(value))
            return None
        refusal = probe.write(address, [int(value) for value in values], self._now_s())
        return None if refusal is None else ExcCodes(int(refusal))


def _empty() -> SimDevice:
    return SimDevice(1, [SimData(0, values=0, datatype=DataType.REGISTERS)])


async def serve_tcp(bench: Bench, *, host: str = "127.0.0.1", port: int = 0) -> Any:
    """Start a Modbus TCP server; return it (``shutdown()`` ends it).

    The port it got is ``server_port(server)``. A gateway answers for a silent unit
    with exception 0x0B, as real ones do.
    """
    server = ModbusTcpServer(_empty(), address=(host, port))
    server.context = bench  # type: ignore[assignment]
    await server.serve_forever(background=True)
    return server


def server_port(server: Any) -> int:
    """Return the port a TCP server listens on."""
    return int(server.transport.sockets[0].getsockname()[1])


class Pty:
    """A cable: what is written at one end can be read at the other.

    Two pseudo-terminals back to back, since a serial server and a box each open a port
    by its name; a thread carries the bytes between them. ``name`` is the box's end
    (also under ``link``), ``near`` the server's.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._ends = [os.openpty(), os.openpty()]
        for pair in self._ends:
            for end in pair:
                tty.setraw(end)
        self.near, self.name = (os.ttyname(far) for _, far in self._ends)
        self._link = link
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(self.name)
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="pty", daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        (one, _), (two, _) = self._ends
        other = {one: two, two: one}
        while True:
            ready, _, _ = select.select([one, two, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            for end in ready:
                os.write(other[end], os.read(end, 4096))

    def close(self) -> None:
        """Hang up."""
        os.write(self._wake[1], b".")
        self._thread.join(2)
        for fd in (*self._ends[0], *self._ends[1], *self._wake):
            os.close(fd)
        if self._link is not None:
            self._link.unlink(missing_ok=True)


async def serve_rtu(bench: Bench, line: str, *, baud: int = 9600) -> Any:
    """Start a Modbus RTU server on a serial line; absent units stay silent."""
    server = ModbusSerialServer(
        _empty(), port=line, baudrate=baud, ignore_missing_devices=True
    )
    server.context = bench  # type: ignore[assignment]
    await server.serve_forever(background=True)
    return server
