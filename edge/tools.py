"""The installer's tools: who is on the bus, what does it say, give it an address."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, get_args

from edge.drivers.modbus import Bus, RefusedError
from edge.drivers.profile import (
    Order,
    Profile,
    Register,
    decode,
    list_profiles,
    load_profile,
)
from greenwater.kernel.errors import (
    ConfigError,
    ConflictError,
    InputError,
    NotReadyError,
    UnavailableError,
)

ASKED: Final = (0, 0x3000)
"""Who is there answers one of these, if only that it has no such register."""


class Found(NamedTuple):
    """A unit that answers, and the profiles whose registers it has with sane values."""

    unit: int
    profiles: list[str]


class Tried(NamedTuple):
    """One register: raw words in hex, the decoded value, and what other orders give."""

    channel: str
    address: int
    raw: str
    value: float | None
    others: dict[str, float]


@contextlib.contextmanager
def open_bus(text: str, timeout_s: float) -> Iterator[Bus]:
    """Open ``tcp:HOST:PORT`` or ``rtu:DEVICE[:BAUD[:PARITY]]``.

    Raises:
        InputError: it is neither.
        UnavailableError: there is no such port, or nobody listens there.
    """
    match text.split(":"):
        case ["tcp", host, port] if port.isdigit() and 0 < int(port) < 65_536:
            bus = Bus.tcp(host, int(port), timeout_s=timeout_s)
        case ["rtu", device, *more] if _is_line(more):
            baud = int(more[0]) if more else 9600
            parity = more[1] if len(more) > 1 else "N"
            bus = Bus.rtu(device, baud=baud, parity=parity, timeout_s=timeout_s)
        case _:
            raise InputError(
                f"bus {text!r}: write tcp:HOST:PORT or rtu:DEVICE:BAUD:PARITY, as "
                "rtu:/dev/ttyUSB0:9600:N"
            )
    try:
        bus.open()
        yield bus
    finally:
        bus.close()


def _is_line(more: Sequence[str]) -> bool:
    """Say whether what follows a device is nothing, a baud rate, or that and a parity."""
    match more:
        case []:
            return True
        case [baud]:
            return baud.isdigit()
        case [baud, parity]:
            return baud.isdigit() and parity in ("N", "E", "O")
    return False


def is_taken(bus: Bus, unit: int) -> bool:
    """Say whether anybody answers under a unit id, a refusal or "busy" included."""
    for address in ASKED:
        try:
            bus.read(unit, 3, address, 1)
        except (NotReadyError, RefusedError):
            return True
        except UnavailableError:
            continue
        return True
    return False


def scan_bus(bus: Bus, unit: int) -> Found | None:
    """Return who answers under a unit id, or None.

    A model is named where every register of its profile can be read and holds a
    plausible value. One that is asleep holds none: it is named if its unit id stands
    where the model has it. Nothing is written to a unit that is not known.
    """
    if not is_taken(bus, unit):
        return None
    profiles = [load_profile(name) for name in list_profiles()]
    return Found(unit, [one.name for one in profiles if _fits(bus, unit, one)])


def _fits(bus: Bus, unit: int, profile: Profile) -> bool:
    if not profile.registers:
        return False
    try:
        values = [_read(bus, unit, register) for register in profile.registers]
        register = profile.address_register
        if register is not None:
            (stands,) = bus.read(unit, 3, register, 1)
            if stands >> profile.address_shift != unit:
                return False
    except UnavailableError:
        return False
    if all(value is None for value in values):
        return profile.wake is not None and register is not None
    return None not in values and any(values)


def _read(bus: Bus, unit: int, register: Register) -> float | None:
    words = bus.read(unit, register.function, register.address, register.words)
    return decode(register, words)


def try_registers(bus: Bus, unit: int, profile: Profile) -> Iterator[Tried]:
    """Yield each register's raw words beside its values.

    Raises:
        ConfigError: the profile has no registers of its own.
        UnavailableError: the unit does not answer.
    """
    if not profile.registers:
        raise ConfigError(
            f"profile {profile.name} has no registers of its own: try a file with some"
        )
    for register in profile.registers:
        words = bus.read(unit, register.function, register.address, register.words)
        others = {}
        if register.words > 1:
            for order in get_args(Order):
                if order != register.order:
                    value = decode(_with_order(register, order), words)
                    if value is not None and math.isfinite(value):
                        others[order] = float(f"{value:.4g}")
        raw = " ".join(f"{word:04x}" for word in words)
        yield Tried(
            register.channel, register.address, raw, decode(register, words), others
        )


def _with_order(register: Register, order: Order) -> Register:
    return Register(
        register.channel,
        register.address,
        register.dtype,
        order,
        register.function,
        register.scale,
        register.offset,
    )


def change_address(bus: Bus, profile: Profile, old: int, new: int) -> None:
    """Give the probe at ``old`` the unit id ``new``, and check that it answers there.

    Raises:
        ConfigError: the profile does not say where the unit id stands.
        ConflictError: somebody answers under ``new`` already.
        InputError: ``new`` is no unit id.
        UnavailableError: the probe does not answer under ``old``, or not under ``new``.
    """
    register, shift = profile.address_register, profile.address_shift
    if register is None:
        raise ConfigError(
            f"profile {profile.name} does not say where the unit id stands"
        )
    if not 1 <= new <= 247:
        raise InputError(f"unit id {new} is not from 1 to 247")
    if is_taken(bus, new):
        raise ConflictError(f"unit {new} answers already: unplug it or choose another")
    bus.read(old, 3, register, 1)
    try:
        bus.write(old, register, [new << shift])
    except RefusedError:
        raise
    except UnavailableError:
        pass  # some answer from their new address already; whether it did is seen next
    (stands,) = bus.read(new, 3, register, 1)
    if stands >> shift != new:
        raise UnavailableError(f"the probe at {new} says it is {stands >> shift}")
