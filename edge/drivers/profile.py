"""Probe profiles: what a model's registers mean. Data files; the pure codec beside them.

Addresses are zero-based protocol addresses (a vendor's 40001 is 0).
"""

import math
import struct
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct, structs

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.reading import unsayable
from greenwater.kernel.settings import load_toml

Order = Literal["ABCD", "DCBA", "BADC", "CDAB"]
Dtype = Literal["int16", "uint16", "int32", "uint32", "float32", "float64", "bit"]

SMALLEST: Final = 2.0**-126
"""The smallest float32 of full precision."""

_FORMATS: dict[Dtype, str] = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
    "float64": ">d",
    "bit": ">H",
}
_WORDS: dict[Dtype, int] = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "float64": 4,
    "bit": 1,
}


class Register(Struct, frozen=True, forbid_unknown_fields=True):
    """One channel's registers. The value is ``raw * scale + offset``, canonical.

    ``sentinels`` are raw values that mean "no value"; so does a raw value that is not
    finite, or a result outside ``valid``. ``decimals`` rounds to what
    the probe resolves.
    """

    channel: Channel
    address: int
    dtype: Dtype
    order: Order = "ABCD"
    function: Literal[1, 2, 3, 4] = 3
    scale: float = 1.0
    offset: float = 0.0
    decimals: int | None = None
    sentinels: tuple[float, ...] = ()
    valid: tuple[float, float] | None = None

    @property
    def words(self) -> int:
        """How many registers (or bits) it takes."""
        return _WORDS[self.dtype]


class Wake(Struct, frozen=True, forbid_unknown_fields=True):
    """What is written to start a measurement; no values: an empty write (Yosemitech)."""

    address: int
    values: tuple[int, ...] = ()


class Quality(Struct, frozen=True, forbid_unknown_fields=True):
    """A register that says whether the values are good; other values than ``good``: bad."""

    address: int
    good: tuple[int, ...] = (0,)
    function: Literal[3, 4] = 3


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """One probe model."""

    name: str
    registers: tuple[Register, ...] = ()
    wake: Wake | None = None
    warmup_s: float = 0.0
    quality: Quality | None = None
    salinity_compensated: bool | None = None
    calibration_days: int | None = None
    address_register: int | None = None
    address_shift: int = 0
    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    source: str = ""


def load_profile(name: str) -> Profile:
    """Return a profile that comes with the agent, or one from a path ending in .toml.

    Raises:
        ConfigError: there is none, or it does not fit.
    """
    if name.endswith(".toml"):
        return load_toml(Profile, Path(name))
    path = Path(str(resources.files("edge") / "profiles" / f"{name}.toml"))
    if not path.is_file():
        raise ConfigError(
            f"no probe profile {name!r}; there are: {', '.join(list_profiles())}"
        )
    return load_toml(Profile, path)


def list_profiles() -> list[str]:
    """Return the names of the profiles that come with the agent."""
    folder = Path(str(resources.files("edge") / "profiles"))
    return sorted(path.stem for path in folder.glob("*.toml"))


def generic(channels: Sequence[Channel], profile: Profile) -> Profile:
    """Return ``profile`` carrying ``channels`` one after another from address 0."""
    registers = tuple(
        Register(channel=channel, address=2 * at, dtype="float32")
        for at, channel in enumerate(channels)
    )
    return structs.replace(profile, registers=registers)


def ordered(words: Sequence[int], order: Order) -> bytes:
    """Return registers as big-endian bytes, undoing the probe's order."""
    raw = b"".join(word.to_bytes(2, "big") for word in words)
    if order in ("BADC", "DCBA"):
        raw = b"".join(raw[at : at + 2][::-1] for at in range(0, len(raw), 2))
    if order in ("CDAB", "DCBA"):
        raw = b"".join(raw[at : at + 2] for at in range(len(raw) - 2, -2, -2))
    return raw


def shortest(raw: float) -> float:
    """Return the shortest decimal number that is this float32.

    A probe that shows 7.2 holds 7.199999809…; what it meant is 7.2.
    """
    packed = struct.pack(">f", raw)
    for digits in (7, 8):
        value = float(f"{raw:.{digits}g}")
        if struct.pack(">f", value) == packed:
            return value
    return float(f"{raw:.9g}")


def _is_normal(raw: float) -> bool:
    """Say whether a float can be measured: below is what a wrong order of bytes gives.

    It would round to 0.0, and no oxygen is an alarm.
    """
    return raw == 0.0 or abs(raw) >= SMALLEST


def decode(register: Register, words: Sequence[int]) -> float | None:
    """Return the value in a register's words, or None where the probe answered badly."""
    (raw,) = struct.unpack(_FORMATS[register.dtype], ordered(words, register.order))
    if isinstance(raw, float) and not (math.isfinite(raw) and _is_normal(raw)):
        return None
    if any(math.isclose(raw, bad, rel_tol=1e-6) for bad in register.sentinels):
        return None
    if register.dtype == "float32":
        raw = shortest(raw)
    value: float = raw * register.scale + register.offset
    if register.decimals is not None:
        value = round(float(value), register.decimals)
    if unsayable(value):
        return None
    if register.valid and not register.valid[0] <= value <= register.valid[1]:
        return None
    return value
