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
from typing import Literal, Protocol

from msgspec import Struct

from greenwater.kernel.errors import ConfigError
from greenwater.kernel.settings import load_toml

Table = Literal["coil", "discrete", "input", "holding"]
Kind = Literal["i16", "u16", "f32", "flag"]
TABLES: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


class Refusal(IntEnum):
    """Modbus exception codes that virtual probes answer with."""

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
    """Writing here starts a measurement; before, and while it settles, there is no value."""

    register: int
    settle_s: float
    stops_at: int | None = None


class ProbeMap(Struct, frozen=True, forbid_unknown_fields=True):
    """One model's registers."""

    model: str
    values: tuple[Value, ...] = ()
    constants: tuple[Constant, ...] = ()
    unit: int = 1
    unit_register: int | None = None
    unit_shift: int = 0
    start: Start | None = None
    status_register: int | None = None
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
    """Return the registers that hold a number as this model holds it."""
    if value.kind == "flag":
        return [int(bool(number))]
    if value.kind == "f32":
        missing = math.nan if value.none is None else value.none
        raw = struct.pack(">f", missing if number is None else number * value.factor)
    else:
        low, high = (-32768, 32767) if value.kind == "i16" else (0, 65535)
        missing = low if value.none is None else value.none
        whole = missing if number is None else round(number * value.factor)
        whole = max(low, min(high, int(whole)))
        raw = struct.pack(">h" if value.kind == "i16" else ">H", whole)
    if value.wire:
        raw = bytes(raw[at] for at in value.wire)
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


class VirtualProbe:
    """One unit on a bus. Times are seconds of the system's clock."""

    def __init__(
        self, probe_map: ProbeMap, source: ValueSource, *, unit: int = 0
    ) -> None:
        self.map, self.source = probe_map, source
        self.unit = unit or probe_map.unit
        self.coils: dict[int, bool] = {}
        self.salinity = 0.0
        self._started_s: float | None = None
        self._extra: dict[int, int] = {}

    def read(
        self, table: Table, first: int, count: int, t_s: float
    ) -> list[int] | Refusal:
        """Return the registers asked for, or how the probe refuses."""
        if table == "coil":
            return [
                int(self.coils.get(at, False)) for at in range(first, first + count)
            ]
        try:
            image = self._image(table, t_s)
        except NoSampleError:
            return Refusal.BUSY
        wanted = range(first, first + count)
        if not any(at in image for at in wanted):
            return Refusal.ILLEGAL_ADDRESS
        return [image.get(at, 0) for at in wanted]

    def _image(self, table: Table, t_s: float) -> dict[int, int]:
        image: dict[int, int] = {}
        numbers = dict(self.source.values_at(t_s)) if self._measures(t_s) else {}
        for value in self.map.values:
            if value.table == table:
                for at, word in enumerate(packed(value, numbers.get(value.channel))):
                    image[value.register + at] = word
        if table == "holding":
            for constant in self.map.constants:
                image.update(enumerate(constant.words, constant.register))
            self._add_settings(image)
        return image

    def _add_settings(self, image: dict[int, int]) -> None:
        if self.map.unit_register is not None:
            image[self.map.unit_register] = self.unit << self.map.unit_shift
        if self.map.status_register is not None:
            image[self.map.status_register] = 0
        if self.map.salinity_register is not None:
            image[self.map.salinity_register] = round(
                self.salinity * self.map.salinity_factor
            )

    def _measures(self, t_s: float) -> bool:
        start = self.map.start
        if start is None:
            return True
        return self._started_s is not None and t_s - self._started_s >= start.settle_s

    def write(self, first: int, words: Sequence[int], t_s: float) -> Refusal | None:
        """Take a write to holding registers."""
        start = self.map.start
        if start is not None and first == start.register:
            self._started_s = t_s if self._started_s is None else self._started_s
        elif start is not None and first == start.stops_at:
            self._started_s = None
        elif first == self.map.unit_register:
            unit = words[0] >> self.map.unit_shift
            if not 1 <= unit <= 247:
                return Refusal.ILLEGAL_VALUE
            self.unit = unit
        elif first == self.map.salinity_register:
            self.salinity = words[0] / self.map.salinity_factor
        else:
            return Refusal.ILLEGAL_ADDRESS
        return None
