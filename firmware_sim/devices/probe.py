"""A virtual probe: a register image that is a function of time, and what writes do to it.

Maps are data files of this simulator's own (docs/simulated-probes.md). Numbers are
packed here with ``struct``; ``wire`` lists, for each byte on the wire, which byte of the
big-endian number it is, so that a map states a vendor's byte order as one sees it in a
serial trace.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum
from importlib import resources
from pathlib import Path
from typing import Final, Literal, Protocol

from msgspec import Struct

from firmware_sim.waters.chemistry import oxygen_saturation_mg_l
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.settings import load_toml

Table = Literal["coil", "discrete", "input", "holding"]
Kind = Literal["i16", "u16", "f32", "flag"]
F32_MAX: Final = struct.unpack(">f", b"\x7f\x7f\xff\xff")[0]
TABLES: Final[dict[int, Table]] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


class Refusal(IntEnum):
    """Modbus exception codes that virtual probes answer with."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    BUSY = 6


class NoSampleError(Exception):
    """The source has nothing for this instant: the probe answers that it is busy."""


class ValueSource(Protocol):
    """Where a probe's values come from."""

    def values_at(self, t_s: float) -> Mapping[str, float | None]:
        """Return values by channel in canonical units; None: the probe has no value.

        Raises:
            NoSampleError: there is no sample at this instant.
        """
        ...


class Constant(Struct, frozen=True, forbid_unknown_fields=True):
    """Registers that do not change: serial number, version."""

    register: int
    words: tuple[int, ...]


class Value(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a channel stands and how: the wire number is ``value * factor``.

    ``none`` is what stands there without a value; absent for f32: NaN.
    """

    channel: str
    register: int
    kind: Kind
    table: Table = "holding"
    factor: float = 1.0
    wire: tuple[int, ...] = ()
    none: float | None = None


class Start(Struct, frozen=True, forbid_unknown_fields=True):
    """Writing here starts a measurement; before, and while it settles, there is no value.

    ``is_stale``: once it has measured and was stopped it shows its last values instead.
    """

    register: int
    settle_s: float
    stops_at: int | None = None
    is_stale: bool = False


class Quality(Struct, frozen=True, forbid_unknown_fields=True):
    """A register that says ``good`` while its channel has a value, else ``bad``."""

    channel: str
    register: int
    good: int = 0
    bad: int = 3


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """A register that keeps what is written to it, from ``low`` to ``high``."""

    register: int
    initial: int = 0
    low: int = 0
    high: int = 65535


class ProbeMap(Struct, frozen=True, forbid_unknown_fields=True):
    """One model's registers. ``functions``: the function codes it knows; none: all.

    A model with a ``salinity_register`` works its mg/L out of the saturation and the
    salinity it was told (0 from the factory), as optical instruments do.
    """

    model: str
    values: tuple[Value, ...] = ()
    constants: tuple[Constant, ...] = ()
    unit: int = 1
    unit_register: int | None = None
    unit_shift: int = 0
    unit_high: int = 247
    functions: tuple[int, ...] = ()
    coils: tuple[int, ...] = ()
    settings: tuple[Setting, ...] = ()
    qualities: tuple[Quality, ...] = ()
    start: Start | None = None
    salinity_register: int | None = None
    salinity_factor: float = 1.0
    source: str = ""


def load_map(name: str) -> ProbeMap:
    """Return a map that comes with the simulator, or one from a path ending in .toml.

    Raises:
        ConfigError: there is none, or it does not fit.
    """
    if name.endswith(".toml"):
        return load_toml(ProbeMap, Path(name))
    folder = Path(str(resources.files("firmware_sim") / "maps"))
    if not (folder / f"{name}.toml").is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.toml")))
        raise ConfigError(f"no simulated probe {name!r}; there are: {known}")
    return load_toml(ProbeMap, folder / f"{name}.toml")


def carrying(channels: Sequence[str]) -> ProbeMap:
    """Return the plain map that carries any channels: f32, high byte first, from 0 on."""
    return ProbeMap(
        "generic_float32",
        tuple(Value(name, 2 * at, "f32") for at, name in enumerate(channels)),
    )


def packed(value: Value, number: float | None) -> list[int]:
    """Return the registers that hold a number as this model holds it.

    A number that is not finite is none; one that does not fit ends at the type's limit.
    """
    if number is not None and not math.isfinite(number):
        number = None
    if value.kind == "flag":
        return [int(bool(number))]
    raw = _float(value, number) if value.kind == "f32" else _whole(value, number)
    if value.wire:
        raw = bytes(raw[at] for at in value.wire)
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def _float(value: Value, number: float | None) -> bytes:
    if number is None:
        return struct.pack(">f", math.nan if value.none is None else value.none)
    return struct.pack(">f", max(-F32_MAX, min(F32_MAX, number * value.factor)))


def _whole(value: Value, number: float | None) -> bytes:
    low, high = (-32768, 32767) if value.kind == "i16" else (0, 65535)
    missing = low if value.none is None else value.none
    whole = round(missing if number is None else number * value.factor)
    return struct.pack(
        ">h" if value.kind == "i16" else ">H", max(low, min(high, whole))
    )


def as_told(values: dict[str, float | None], salinity: float) -> None:
    """Put the mg/L that an instrument shows which was told this salinity.

    It measures the saturation. Left at 0 in the sea it shows a quarter too much.
    """
    warm, share = values.get("temperature"), values.get("oxygen_saturation")
    if warm is None or values.get("dissolved_oxygen") is None:
        return
    if share is not None:
        shown = share / 100 * oxygen_saturation_mg_l(warm, salinity)
        values["dissolved_oxygen"] = shown


class VirtualProbe:
    """One unit on a bus. Times are seconds of the system's clock."""

    def __init__(
        self, probe_map: ProbeMap, source: ValueSource, *, unit: int = 0
    ) -> None:
        self.map, self.source = probe_map, source
        self.unit = unit or probe_map.unit
        self.coils = dict.fromkeys(probe_map.coils, False)
        self.salinity = 0.0
        self._started_s: float | None = None
        self._stopped_s: float | None = None
        self._settings = {s.register: s.initial for s in probe_map.settings}

    def knows(self, function: int) -> bool:
        """Say whether the model has this function code at all."""
        return not self.map.functions or function in self.map.functions

    def read(
        self, table: Table, first: int, count: int, t_s: float
    ) -> list[int] | Refusal:
        """Return the registers asked for, or how the probe refuses."""
        try:
            image = self._image(table, t_s)
        except NoSampleError:
            return Refusal.BUSY
        wanted = range(first, first + count)
        if not any(at in image for at in wanted):
            return Refusal.ILLEGAL_ADDRESS
        return [image.get(at, 0) for at in wanted]

    def _image(self, table: Table, t_s: float) -> dict[int, int]:
        if table == "coil":
            return {at: int(is_on) for at, is_on in self.coils.items()}
        image: dict[int, int] = {}
        numbers = self._numbers(t_s)
        for value in self.map.values:
            if value.table == table:
                words = packed(value, numbers.get(value.channel))
                image.update(enumerate(words, value.register))
        if table == "holding":
            self._add_constants(image, numbers)
            self._add_settings(image)
        return image

    def _numbers(self, t_s: float) -> dict[str, float | None]:
        at_s = self._measured_s(t_s)
        if at_s is None:
            return {}
        numbers = dict(self.source.values_at(at_s))
        if self.map.salinity_register is not None:
            as_told(numbers, self.salinity)
        return numbers

    def _measured_s(self, t_s: float) -> float | None:
        """Return when what is shown at ``t_s`` was measured; None: nothing is shown."""
        start = self.map.start
        if start is None:
            return t_s
        if self._started_s is not None and t_s - self._started_s >= start.settle_s:
            return t_s
        return self._stopped_s if start.is_stale else None

    def _add_constants(
        self, image: dict[int, int], numbers: Mapping[str, float | None]
    ) -> None:
        for constant in self.map.constants:
            image.update(enumerate(constant.words, constant.register))
        for quality in self.map.qualities:
            is_good = numbers.get(quality.channel) is not None
            image[quality.register] = quality.good if is_good else quality.bad

    def _add_settings(self, image: dict[int, int]) -> None:
        image.update(self._settings)
        if self.map.unit_register is not None:
            image[self.map.unit_register] = self.unit << self.map.unit_shift
        if self.map.salinity_register is not None:
            image[self.map.salinity_register] = round(
                self.salinity * self.map.salinity_factor
            )

    def write(self, first: int, words: Sequence[int], t_s: float) -> Refusal | None:
        """Take a write to holding registers."""
        start = self.map.start
        if start is not None and first == start.register:
            self._started_s = t_s if self._started_s is None else self._started_s
            return None
        if start is not None and first == start.stops_at:
            self._stop(start, t_s)
            return None
        return self._set(first, words[0]) if words else Refusal.ILLEGAL_VALUE

    def _stop(self, start: Start, t_s: float) -> None:
        if self._started_s is not None and t_s - self._started_s >= start.settle_s:
            self._stopped_s = t_s
        self._started_s = None

    def _set(self, register: int, word: int) -> Refusal | None:
        if register == self.map.unit_register:
            unit = word >> self.map.unit_shift
            if not 1 <= unit <= self.map.unit_high:
                return Refusal.ILLEGAL_VALUE
            self.unit = unit
            return None
        if register == self.map.salinity_register:
            self.salinity = word / self.map.salinity_factor
            return None
        for setting in self.map.settings:
            if setting.register == register:
                if not setting.low <= word <= setting.high:
                    return Refusal.ILLEGAL_VALUE
                self._settings[register] = word
                return None
        return Refusal.ILLEGAL_ADDRESS
