"""What is behind an episode of odd readings, in words that people act on.

``causes.toml`` has one row a cause: whether the probe or the water is in trouble, the words
in Vietnamese and English, and what the readings were compared with.
"""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from greenwater.reference.limits import Basis
from greenwater.reference.tables import read_table


class Kind(StrEnum):
    """Whether the number is wrong, or the water."""

    SENSOR = "sensor"
    WATER = "water"


class Cause(Struct, frozen=True, forbid_unknown_fields=True):
    """One cause: ``vi`` and ``en`` say what it is and what to do about it."""

    code: str
    kind: Kind
    vi: str
    en: str
    compared: str
    source: str
    basis: Basis = Basis.PRACTICE
    verified: bool = False


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: dt.date
    cause: tuple[Cause, ...]


CAUSES: Final[Mapping[str, Cause]] = {
    row.code: row for row in read_table("causes.toml", _Table).cause
}
"""Every cause by its code."""
