"""Modbus TCP and RTU through pymodbus (which breaks its API in minor releases: all of
it is wrapped here)."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException

from edge.drivers.profile import Profile, Register, decode
from edge.ports import Sample
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import NotReadyError, UnavailableError

MAX_BLOCK = 100
"""Registers per request; the protocol allows 125, many probes fewer."""


NOT_READY = frozenset({5, 6})
"""Acknowledge and server device busy: it is there, and has nothing to say yet."""
ABSENT = frozenset({10, 11})
"""A gateway's own words: no path to the unit, the unit does not answer."""


class _Heard(logging.Handler):
    """What pymodbus says to its log, and nowhere else, of a port it cannot open.

    There it stays: a box without a probe would fill its own log with it.
    """

    def __init__(self, name: str) -> None:
        super().__init__(logging.ERROR)
        self._said: dict[int, str] = {}
        own = logging.getLogger(name)
        own.addHandler(self)
        own.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it for the thread that hears it."""
        self._said[threading.get_ident()] = record.getMessage()

    def why(self) -> str:
        """Return what this thread was told last, since it asked."""
        return self._said.pop(threading.get_ident(), "nobody answers")


_HEARD = _Heard("pymodbus.logging")


class RefusedError(UnavailableError):
    """It is there, and does not do what was asked: no such register, no such value."""


class Bus:
    """One cable or gateway with up to 247 units. One thread uses it."""

    def __init__(self, client: Any, name: str, *, quiet_s: float = 0.0) -> None:
        self._client, self.name, self._quiet_s = client, name, quiet_s
        self._owing: dict[int, float] = {}

    @classmethod
    def tcp(cls, host: str, port: int, *, timeout_s: float) -> "Bus":
        """Return a bus behind a Modbus TCP server or gateway."""
        client = ModbusTcpClient(host, port=port, timeout=timeout_s, retries=0)
        return cls(client, f"{host}:{port}")

    @classmethod
    def rtu(
        cls, port: str, *, baud: int = 9600, parity: str = "N", timeout_s: float
    ) -> "Bus":
        """Return a bus on a serial port."""
        client = ModbusSerialClient(
            port, baudrate=baud, parity=parity, timeout=timeout_s, retries=0
        )
        return cls(client, port, quiet_s=timeout_s)

    def close(self) -> None:
        """Release the port."""
        self._client.close()

    def open(self) -> None:
        """Take the port now, instead of with the first question.

        Raises:
            UnavailableError: there is no such port, or nobody listens there.
        """
        if not self._client.connected and not self._client.connect():
            raise UnavailableError(f"bus {self.name} cannot be opened: {_HEARD.why()}")

    @contextlib.contextmanager
    def _asking(self, unit: int) -> Iterator[None]:
        self._await_quiet(unit)
        try:
            self.open()
            yield
        except (ModbusException, OSError) as exc:
            # A late answer must not be taken for the next one's.
            self._client.close()
            self._owing[unit] = time.monotonic() + self._quiet_s
            raise UnavailableError(f"unit {unit} on {self.name}: {exc}") from exc

    def _await_quiet(self, unit: int) -> None:
        """Let a unit that owes an answer give it to nobody, before it is asked again.

        Answers on a serial line have no number: a late one is as good as the next one.
        What came meanwhile is thrown away when the port is opened.
        """
        pause_s = self._owing.pop(unit, 0.0) - time.monotonic()
        if pause_s > 0:
            time.sleep(pause_s)  # noqa: TID251  (at most one timeout, on a line)

    def read(self, unit: int, function: int, address: int, count: int) -> list[int]:
        """Return ``count`` registers (or bits as 0 and 1).

        Raises:
            NotReadyError: it is there, and busy.
            RefusedError: it is there, and has no such registers.
            UnavailableError: no answer.
        """
        ask = {
            1: self._client.read_coils,
            2: self._client.read_discrete_inputs,
            3: self._client.read_holding_registers,
            4: self._client.read_input_registers,
        }[function]
        with self._asking(unit):
            answer = ask(address, count=count, device_id=unit)
        self._accept(unit, answer)
        if not _answers(answer, function, count):
            # Another one's, or one that comes late: on a line nothing else tells.
            self._client.close()
            self._owing[unit] = time.monotonic() + self._quiet_s
            raise UnavailableError(
                f"unit {unit} on {self.name}: the answer is not to what was asked"
            )
        words = answer.bits[:count] if function < 3 else answer.registers
        return [int(word) for word in words]

    def _accept(self, unit: int, answer: Any) -> None:
        if not answer.isError():
            return
        who, code = f"unit {unit} on {self.name}", answer.exception_code
        if code in NOT_READY:
            raise NotReadyError(f"{who} has no value yet")
        if code in ABSENT:
            raise UnavailableError(f"{who} does not answer the gateway (code {code})")
        raise RefusedError(f"{who} refuses (exception code {code})")

    def write(self, unit: int, address: int, values: Sequence[int]) -> None:
        """Write holding registers (function 16).

        Raises:
            UnavailableError: no answer, or an exception answer.
        """
        with self._asking(unit):
            answer = self._client.write_registers(address, list(values), device_id=unit)
        self._accept(unit, answer)

    def write_coil(self, unit: int, address: int, is_on: bool) -> None:
        """Write a coil and read it back.

        Raises:
            UnavailableError: no answer, or it does not do as told.
        """
        with self._asking(unit):
            answer = self._client.write_coil(address, is_on, device_id=unit)
        self._accept(unit, answer)
        if bool(self.read(unit, 1, address, 1)[0]) != is_on:
            raise UnavailableError(
                f"coil {address} of unit {unit} on {self.name} stays "
                f"{'off' if is_on else 'on'}"
            )


def _answers(answer: Any, function: int, count: int) -> bool:
    """Say whether an answer is one to this question: of its kind and its length."""
    if answer.function_code != function:
        return False
    if function < 3:
        return len(answer.bits) >= count  # whole bytes, and cheap relays pad them
    return len(answer.registers) == count


class ModbusDriver:
    """One probe on a bus, read as its profile says."""

    def __init__(self, bus: Bus, unit: int, profile: Profile) -> None:
        self._bus, self._unit, self._profile = bus, unit, profile
        self._blocks = blocks(profile.registers)

    @property
    def warmup_s(self) -> float:
        """How long after ``wake`` the values are good."""
        return self._profile.warmup_s

    def wake(self) -> None:
        """Start a measurement where the profile has a wake command."""
        wake = self._profile.wake
        if wake is not None:
            self._bus.write(self._unit, wake.address, wake.values or (0,))

    def read(self) -> Sample:
        """Return one value per channel; all None where the quality register says bad."""
        words: dict[Register, list[int]] = {}
        for block in self._blocks:
            first = block[0].address
            count = max(r.address + r.words for r in block) - first
            got = self._bus.read(self._unit, block[0].function, first, count)
            for r in block:
                words[r] = got[r.address - first : r.address - first + r.words]
        is_good = self._is_good()
        values: dict[Channel, float | None] = {
            r.channel: decode(r, words[r]) if is_good else None
            for r in self._profile.registers
        }
        return Sample(values, self._profile.salinity_compensated)

    def _is_good(self) -> bool:
        quality = self._profile.quality
        if quality is None:
            return True
        got = self._bus.read(self._unit, quality.function, quality.address, 1)
        return got[0] in quality.good


class CoilOutput:
    """An aerator's or siren's contactor behind a coil."""

    def __init__(self, bus: Bus, unit: int, address: int) -> None:
        self._bus, self._unit, self._address = bus, unit, address

    def switch(self, is_on: bool) -> None:
        """Switch and read back; see ``Output``."""
        self._bus.write_coil(self._unit, self._address, is_on)


def blocks(registers: Sequence[Register]) -> list[list[Register]]:
    """Return registers in groups that one request each can fetch."""
    found: list[list[Register]] = []
    for register in sorted(registers, key=lambda r: (r.function, r.address)):
        if found:
            block = found[-1]
            end = max(r.address + r.words for r in block)
            fits = register.address + register.words - block[0].address <= MAX_BLOCK
            if (
                block[0].function == register.function
                and register.address == end
                and fits
            ):
                block.append(register)
                continue
        found.append([register])
    return found
