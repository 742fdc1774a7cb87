"""Yields: how much of what goes into a process comes out. Practice, not verified."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.reference.tables import read_table

ANY: Final = "*"


class Yield(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of kg out for each kg in, for some species; ``*``: all others."""

    name: str
    species: Sequence[str]
    low: float
    high: float


class Yields(Struct, frozen=True, forbid_unknown_fields=True):
    """All processes."""

    basis: str
    source: str
    verified: bool
    process: Sequence[Yield]


YIELDS: Final = read_table("yields.toml", Yields)
MOVES: Final = frozenset({"split", "merge", "pack"})
"""What only moves goods: no process to choose from."""


def processes_of(species: str) -> Sequence[str]:
    """Return the processes that goods of a species may go through, as the table has them."""
    found = (
        row.name
        for row in YIELDS.process
        if row.name not in MOVES and {species, ANY} & set(row.species)
    )
    return list(dict.fromkeys(found))


def yield_of(process: str, species: str) -> Yield:
    """Return the bounds of a process for a species.

    Raises:
        InputError: the species does not go through such a process.
    """
    rows = [row for row in YIELDS.process if row.name == process]
    for row in rows:
        if species in row.species:
            return row
    for row in rows:
        if ANY in row.species:
            return row
    raise InputError(
        f"{process!r} is no process of {species}: {', '.join(processes_of(species))}",
        "process_unknown",
    )
