"""The installer's tools: who is on the bus, what does it say, give it an address."""

import contextlib
import math
from collections.abc import Iterator
from typing import NamedTuple, get_args

from edge.drivers.modbus import Bus
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
    UnavailableError,
)


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
    """
    match text.split(":"):
        case ["tcp", host, port] if port.isdigit():
            bus = Bus.tcp(host, int(port), timeout_s=timeout_s)
        case ["rtu", device, *more] if len(more) < 3 and (
            not more or more[0].isdigit()
        ):
            baud = int(more[0]) if more else 9600
            parity = more[1] if len(more) > 1 else "N"
            bus = Bus.rtu(device, baud=baud, parity=parity, timeout_s=timeout_s)
        case _:
            raise InputError(f"bus {text!r}: write tcp:HOST:PORT or rtu:DEVICE:BAUD")
    try:
        yield bus
    finally:
        bus.close()


def scan_bus(bus: Bus, unit: int) -> Found | None:
    """Return who answers under a unit id, or None.

    A unit is there if it answers anything, a refusal included; a model is named where
    every register of its profile can be read and holds a plausible value.
    """
    is_there = False
    named = []
    for name in list_profiles():
        profile = load_profile(name)
        if not profile.registers:
            continue
        try:
            values = [_read(bus, unit, register) for register in profile.registers]
        except UnavailableError as exc:
            if "ExceptionResponse" in str(exc) and "exception_code=11" not in str(exc):
                is_there = True
            elif not is_there and "No response" in str(exc):
                return None
            continue
        is_there = True
        if any(value is not None and value != 0.0 for value in values):
            named.append(name)
    return Found(unit, named) if is_there else None


def _read(bus: Bus, unit: int, register: Register) -> float | None:
    words = bus.read(unit, register.function, register.address, register.words)
    return decode(register, words)


def try_registers(bus: Bus, unit: int, profile: Profile) -> Iterator[Tried]:
    """Yield each register's raw words beside its values.

    Raises:
        UnavailableError: the unit does not answer.
    """
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
        UnavailableError: the probe does not answer under ``old``, or not under ``new``.
    """
    if profile.address_register is None:
        raise ConfigError(
            f"profile {profile.name} does not say where the unit id stands"
        )
    if not 1 <= new <= 247:
        raise InputError(f"unit id {new} is not from 1 to 247")
    with contextlib.suppress(UnavailableError):
        bus.read(new, 3, profile.address_register, 1)
        raise ConflictError(f"unit {new} answers already: unplug it or choose another")
    bus.read(old, 3, profile.address_register, 1)
    bus.write(old, profile.address_register, [new << profile.address_shift])
    (stands,) = bus.read(new, 3, profile.address_register, 1)
    if stands >> profile.address_shift != new:
        raise UnavailableError(
            f"the probe says it is {stands >> profile.address_shift}"
        )
