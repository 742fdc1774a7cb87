"""Modbus servers, TCP and RTU on a pseudo-terminal, through pymodbus.

pymodbus' own datastores hold fixed registers; ours are functions of time, so its server
is given a context of ours with the two methods that it calls.
"""

import asyncio
import contextlib
import copy
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
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from firmware_sim.devices.probe import TABLES, Refusal, VirtualProbe
from greenwater.kernel.errors import ConfigError, UnavailableError

Delay = Callable[[VirtualProbe], float | None]
"""How long a unit takes to answer, in real seconds; None: it does not answer."""

Damage = Callable[[bytes], bytes]
"""What becomes of an answer's bytes on their way."""

KNOWN = frozenset({1, 2, 3, 4, 5, 6, 15, 16})


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
        self._written: list[int] = []

    def device_ids(self) -> list[int]:
        """Return the units that answer now."""
        return [probe.unit for probe in self._probes]

    def _probe(self, unit: int) -> VirtualProbe:
        for probe in self._probes:
            if probe.unit == unit:
                return probe
        raise NoSuchIdException(f"no unit {unit}")

    async def _answering(self, unit: int, function: int) -> VirtualProbe | ExcCodes:
        probe = self._probe(unit)
        delay_s = self._delay_s(probe) if self._delay_s else 0.0
        if delay_s is None:
            raise NoSuchIdException(f"unit {unit} is silent")
        if delay_s:
            await asyncio.sleep(delay_s)
        if function not in KNOWN or not probe.knows(function):
            return ExcCodes.ILLEGAL_FUNCTION
        return probe

    async def async_getValues(
        self, unit: int, function: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        """Answer a read; after a write of one it is the echo that pymodbus asks for."""
        if function in (5, 6):
            return self._written
        probe = await self._answering(unit, function)
        if isinstance(probe, ExcCodes):
            return probe
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
        probe = await self._answering(unit, function)
        if isinstance(probe, ExcCodes):
            return probe
        self._written = [int(value) for value in values]
        if function in (5, 15):
            return self._switch(probe, address, values)
        refusal = probe.write(address, self._written, self._now_s())
        return None if refusal is None else ExcCodes(int(refusal))

    def _switch(
        self, probe: VirtualProbe, first: int, values: Sequence[int | bool]
    ) -> ExcCodes | None:
        if any(first + at not in probe.coils for at in range(len(values))):
            return ExcCodes.ILLEGAL_ADDRESS
        for at, value in enumerate(values, first):
            probe.coils[at] = bool(value)
            if self._on_coil is not None:
                self._on_coil(probe, at, bool(value))
        return None


class _Answers(ServerRequestHandler):
    """Answers each request under its own number.

    pymodbus reads the number off whatever was asked last, so the late answer of a slow
    unit would go out as another unit's.
    """

    def handle_later(self) -> None:
        asked = copy.copy(self)
        task = self.loop.create_task(asked.handle_request())  # type: ignore[no-untyped-call]
        _ANSWERING.add(task)
        task.add_done_callback(_ANSWERING.discard)


def _answers(of: Any) -> Any:
    traces = of.trace_packet, of.trace_pdu, of.trace_connect
    return _Answers(of, *traces)  # type: ignore[no-untyped-call]


_ANSWERING: set[asyncio.Task[None]] = set()
"""The loop holds its tasks only weakly."""


class _TcpServer(ModbusTcpServer):
    def callback_new_connection(self) -> Any:
        return _answers(self)


class _SerialServer(ModbusSerialServer):
    def callback_new_connection(self) -> Any:
        return _answers(self)


def _empty() -> SimDevice:
    return SimDevice(1, [SimData(0, values=0, datatype=DataType.REGISTERS)])


def _on_sending(damage: Damage | None) -> Callable[[bool, bytes], bytes] | None:
    if damage is None:
        return None
    return lambda is_sending, frame: damage(frame) if is_sending else frame


async def serve_tcp(
    bench: Bench,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    is_gateway: bool = True,
    damage: Damage | None = None,
) -> Any:
    """Start a Modbus TCP server; return it (``shutdown()`` ends it).

    The port it got is ``server_port(server)``. A gateway answers for an absent or silent
    unit with exception 0x0B, as real ones do; without it there is no answer at all.

    Raises:
        UnavailableError: the port is taken.
    """
    server = _TcpServer(
        _empty(),
        address=(host, port),
        ignore_missing_devices=not is_gateway,
        trace_packet=_on_sending(damage),
    )
    server.context = bench  # type: ignore[assignment]
    try:
        await server.serve_forever(background=True)
    except RuntimeError as exc:  # all that pymodbus says
        raise UnavailableError(f"port {port} is taken: name another one") from exc
    return server


def server_port(server: Any) -> int:
    """Return the port a TCP server listens on."""
    return int(server.transport.sockets[0].getsockname()[1])


class Pty:
    """A cable: what is written at one end can be read at the other.

    Two pseudo-terminals back to back, since a serial server and a box each open a port
    by its name; a thread carries the bytes between them. ``name`` is the box's end
    (also under ``link``), ``near`` the server's.

    Raises:
        ConfigError: something that is no link stands at ``link``, or none can be made.
    """

    def __init__(self, link: Path | None = None) -> None:
        if link is not None and link.exists() and not link.is_symlink():
            raise ConfigError(
                f"{link} is there already, and no link: name another path"
            )
        self._ends = [os.openpty(), os.openpty()]
        for pair in self._ends:
            for end in pair:
                tty.setraw(end)
            os.set_blocking(pair[0], False)
        self.near, self.name = (os.ttyname(far) for _, far in self._ends)
        self._link = link
        if link is not None:
            try:
                link.unlink(missing_ok=True)
                link.symlink_to(self.name)
            except OSError as exc:
                raise ConfigError(f"cannot link {link}: {exc.strerror}") from exc
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
                self._put(other[end], os.read(end, 4096))

    @staticmethod
    def _put(end: int, data: bytes) -> None:
        # As on a real line: what nobody takes is lost, and nobody waits for it.
        with contextlib.suppress(BlockingIOError):
            os.write(end, data)

    def say(self, data: bytes) -> None:
        """Put bytes on the line that the box listens to."""
        self._put(self._ends[1][0], data)

    def close(self) -> None:
        """Hang up."""
        os.write(self._wake[1], b".")
        self._thread.join(2)
        for fd in (*self._ends[0], *self._ends[1], *self._wake):
            os.close(fd)
        if self._link is not None:
            self._link.unlink(missing_ok=True)


async def serve_rtu(
    bench: Bench, line: str, *, baud: int = 9600, damage: Damage | None = None
) -> Any:
    """Start a Modbus RTU server on a serial line; absent units stay silent."""
    server = _SerialServer(
        _empty(),
        port=line,
        baudrate=baud,
        ignore_missing_devices=True,
        trace_packet=_on_sending(damage),
    )
    server.context = bench  # type: ignore[assignment]
    await server.serve_forever(background=True)
    return server
