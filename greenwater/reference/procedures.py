"""Procedures an applicant may start here: who decides, by when, as dated data."""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.reference.limits import Basis
from greenwater.reference.tables import read_table


class Task(StrEnum):
    """What an office does about dossiers."""

    CERTIFY = "certify"
    DECIDE = "decide"
    CHECK = "check"


class Procedure(Struct, frozen=True, forbid_unknown_fields=True):
    """One procedure as it stands in ``[valid_from, valid_until)``; days are working days."""

    id: str
    prefix: str
    vi: str
    en: str
    instrument: str
    basis: Basis
    verified: bool
    valid_from: dt.date
    decided_by: Task
    checked: bool
    readiness: bool
    records: tuple[str, ...]
    working_days: int
    supply_days: int
    months: int
    grace_months: int
    authority_vi: str
    authority_en: str
    valid_until: dt.date | None = None

    def holds_on(self, day: dt.date) -> bool:
        """Return whether it is in force on a day."""
        is_over = self.valid_until is not None and day >= self.valid_until
        return self.valid_from <= day and not is_over


class _Tables(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: dt.date
    province: str
    province_symbol: str
    procedures: tuple[Procedure, ...]


TABLES: Final = read_table("procedures.toml", _Tables)


def procedures_on(day: dt.date) -> Sequence[Procedure]:
    """Return the procedures in force on a day."""
    return [one for one in TABLES.procedures if one.holds_on(day)]


def get_procedure(procedure: str, day: dt.date) -> Procedure:
    """Return a procedure as it stands on a day.

    Raises:
        InputError: there is none of that name then.
    """
    found = [one for one in procedures_on(day) if one.id == procedure]
    if not found:
        known = ", ".join(sorted(one.id for one in procedures_on(day)))
        raise InputError(f"procedure {procedure!r} is not one of {known}", "form_old")
    return found[-1]
