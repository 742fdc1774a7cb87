"""GS1's application identifiers (AIs), and the lists that their values come from."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from msgspec import Struct, field

from greenwater.kernel.errors import InvariantError
from greenwater.reference.limits import Basis
from greenwater.reference.tables import read_table


class Part(Struct, frozen=True):
    """One part of a value: character set (N, X, Y, Z), length, what it must be."""

    charset: str
    shortest: int
    longest: int
    rules: tuple[str, ...]
    is_optional: bool = False


class Identifier(Struct, frozen=True):
    """One AI. ``sequences``: as a Digital Link's key, the qualifiers that may follow."""

    ai: str
    title: str
    parts: tuple[Part, ...]
    is_fixed: bool
    sequences: tuple[tuple[str, ...], ...] | None
    is_attribute: bool
    needs: tuple[tuple[str, ...], ...]
    without: tuple[str, ...]

    @property
    def shortest(self) -> int:
        """The least length of its value."""
        return sum(part.shortest for part in self.parts if not part.is_optional)

    @property
    def longest(self) -> int:
        """The greatest length of its value."""
        return sum(part.longest for part in self.parts)


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    ai: str
    title: str
    parts: str = field(name="is")
    fixed: bool = False
    key: tuple[tuple[str, ...], ...] | None = None
    attribute: bool = True
    needs: tuple[tuple[str, ...], ...] = ()
    without: tuple[str, ...] = ()


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    basis: Basis
    verified: bool
    identifiers: tuple[_Row, ...]


class _Codes(Struct, frozen=True, forbid_unknown_fields=True):
    basis: Basis
    verified: bool
    countries: str
    countries_alpha2: str
    currencies: str
    packages: str


_PART: Final = re.compile(r"(\[?)([NXYZ])(\.\.)?([0-9]+)(\]?)((?:,[a-z0-9]+)*)")


def _part(text: str) -> Part:
    found = _PART.fullmatch(text)
    if found is None:
        raise InvariantError(f"identifiers.toml: {text!r} is no part of a value")
    length = int(found[4])
    rules = tuple(found[6].split(",")[1:])
    return Part(found[2], 1 if found[3] else length, length, rules, bool(found[1]))


def _expanded(row: _Row) -> Iterator[Identifier]:
    first, _, last = row.ai.partition("-")
    for number in range(int(first), int(last or first) + 1):
        yield Identifier(
            str(number).zfill(len(first)),
            row.title,
            tuple(_part(one) for one in row.parts.split()),
            row.fixed,
            row.key,
            row.attribute,
            row.needs,
            row.without,
        )


_TABLE: Final = read_table("identifiers.toml", _Table)
IDENTIFIERS: Final[Mapping[str, Identifier]] = {
    one.ai: one for row in _TABLE.identifiers for one in _expanded(row)
}
_CODES: Final = read_table("codes.toml", _Codes)
COUNTRIES: Final = frozenset(_CODES.countries.split())
COUNTRIES_ALPHA2: Final = frozenset(_CODES.countries_alpha2.split())
CURRENCIES: Final = frozenset(_CODES.currencies.split())
PACKAGES: Final = frozenset(_CODES.packages.split())


@cache
def longest_ai(start: str) -> int:
    """Return how long AIs are that begin with these two digits; 0: there are none."""
    return next((len(ai) for ai in IDENTIFIERS if ai.startswith(start)), 0)
