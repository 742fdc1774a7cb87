"""How aquatic goods were produced: GS1's AI (7010) and the word of EPCIS for it."""

from typing import Final

from msgspec import Struct

from greenwater.reference.limits import Basis
from greenwater.reference.tables import read_table

FARMED: Final = "03"
CAUGHT_AT_SEA: Final = "01"


class Method(Struct, frozen=True, forbid_unknown_fields=True):
    """One way: the two digits, the word of EPCIS, its names."""

    code: str
    name: str
    vi: str
    en: str


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    basis: Basis
    source: str
    verified: bool
    method: tuple[Method, ...]


METHODS: Final = read_table("production.toml", _Table).method


def find_method(code: str) -> Method | None:
    """Return a way by its two digits, if it is one."""
    return next((one for one in METHODS if one.code == code), None)
