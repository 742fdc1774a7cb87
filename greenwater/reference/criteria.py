"""What VietGAP asks of a farm, as dated data: criteria, their evidence, the pass rule."""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError
from greenwater.reference.limits import Basis
from greenwater.reference.tables import read_table

KINDS: Final = ("pond", "tank", "cage")
"""The kinds of units that criteria speak of."""


class Grade(StrEnum):
    """How much weight a criterion has: all of A must be met, most of B."""

    A = "A"
    B = "B"


class Need(Struct, frozen=True, forbid_unknown_fields=True):
    """Records that show a criterion; what the fields mean is said in ``criteria.toml``."""

    kinds: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    months: int = 0
    every_days: int = 0
    when: str = ""
    each: bool = False
    audit: bool = False


class Criterion(Struct, frozen=True, forbid_unknown_fields=True):
    """One criterion, in force in ``[valid_from, valid_until)``."""

    id: str
    part: int
    grade: Grade
    vi: str
    en: str
    valid_from: dt.date
    valid_until: dt.date | None = None
    applies: tuple[str, ...] = KINDS
    needs: tuple[Need, ...] = ()
    checks: tuple[str, ...] = ()
    verified: bool = False


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """When a farm passes: shares of criteria met, and how long the book must go back."""

    a_share: float
    b_share: float
    record_months: int
    basis: Basis
    source: str
    verified: bool
    valid_from: dt.date
    valid_until: dt.date | None = None


class WaterRule(Struct, frozen=True, forbid_unknown_fields=True):
    """When a crop's water is shown: shares of the time, age of calibrations in days."""

    min_measured: float
    min_inside: float
    calibration_days: int
    channels: tuple[Channel, ...]
    basis: Basis
    verified: bool
    valid_from: dt.date
    valid_until: dt.date | None = None


class Instrument(Struct, frozen=True, forbid_unknown_fields=True):
    """The text that the criteria are of, for some kinds of units."""

    name: str
    applies: tuple[str, ...]
    valid_from: dt.date
    valid_until: dt.date | None = None


class _Tables(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: dt.date
    rules: tuple[Rule, ...]
    water: tuple[WaterRule, ...]
    instruments: tuple[Instrument, ...]
    criteria: tuple[Criterion, ...]


class Dated(Protocol):
    """A row that is in force for a time."""

    @property
    def valid_from(self) -> dt.date:
        """The first day."""
        ...

    @property
    def valid_until(self) -> dt.date | None:
        """The day after the last one; None: still in force."""
        ...


class Standard(Struct, frozen=True):
    """All that holds for one kind of unit on one day."""

    as_of: dt.date
    instrument: str
    rule: Rule
    water: WaterRule
    criteria: tuple[Criterion, ...]


TABLES: Final = read_table("criteria.toml", _Tables)
Row = TypeVar("Row", bound=Dated)


def standard_on(day: dt.date, kind: str) -> Standard:
    """Return what holds for a kind of unit on a day.

    Raises:
        InputError: nothing is known of that kind, or of that day.
    """
    texts = [one for one in _on(day, TABLES.instruments) if kind in one.applies]
    rules, water = _on(day, TABLES.rules), _on(day, TABLES.water)
    if not (texts and rules and water):
        raise InputError(f"no criteria are known for a {kind} on {day}", "no_criteria")
    found = [one for one in _on(day, TABLES.criteria) if kind in one.applies]
    return Standard(TABLES.as_of, texts[-1].name, rules[-1], water[-1], tuple(found))


def find_criterion(criterion: str) -> Criterion | None:
    """Return a criterion by its number, the newest."""
    rows = [one for one in TABLES.criteria if one.id == criterion]
    return rows[-1] if rows else None


def _on(day: dt.date, rows: Sequence[Row]) -> list[Row]:
    return [
        one
        for one in rows
        if one.valid_from <= day and (one.valid_until is None or day < one.valid_until)
    ]
