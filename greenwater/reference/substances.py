"""Banned substances and withdrawal times, as dated data."""

import datetime as dt
import re
import unicodedata
from typing import Final

from msgspec import Struct

from greenwater.reference.tables import read_table


class Withdrawal(Struct, frozen=True, forbid_unknown_fields=True):
    """How long one substance must be out before harvest, in days."""

    name: str
    days: int
    source: str
    names: tuple[str, ...] = ()


class _Withdrawals(Struct, frozen=True, forbid_unknown_fields=True):
    default_days: int
    instrument: str
    verified: bool
    substances: tuple[Withdrawal, ...]


class Ban(Struct, frozen=True, forbid_unknown_fields=True):
    """A list of what may not be used at all."""

    instrument: str
    date: dt.date
    verified: bool
    names: tuple[str, ...]
    antibiotics: tuple[str, ...] = ()


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be left of a substance in the flesh, in µg/kg (ppb)."""

    name: str
    limit_ppb: float
    names: tuple[str, ...] = ()
    is_antibiotic: bool = True


class _Limits(Struct, frozen=True, forbid_unknown_fields=True):
    instrument: str
    verified: bool
    substances: tuple[Limit, ...]


class _Tables(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: dt.date
    withdrawal: _Withdrawals
    banned: Ban
    limited: _Limits


TABLES: Final = read_table("substances.toml", _Tables)


def plain(name: str) -> str:
    """Return a substance's name as lists are compared: lower case, single spaces."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", name).strip().lower())


def _words(name: str) -> str:
    return f" {re.sub(r'[^0-9a-zà-ỹđ]+', ' ', plain(name))} "


def find_ban(name: str) -> Ban | None:
    """Return the list that bans a substance, by its name or a word of it."""
    text = _words(name)
    if any(f" {banned} " in text for banned in TABLES.banned.names):
        return TABLES.banned
    return None


def find_limits(name: str) -> tuple[Limit, ...]:
    """Return what limits the substances that are named; empty: none is known."""
    text = _words(name)
    return tuple(
        one
        for one in TABLES.limited.substances
        if any(f" {known} " in text for known in (one.name, *one.names))
    )


def is_antibiotic(name: str) -> bool:
    """Return whether a known antibiotic is named, banned ones among them."""
    banned = any(f" {one} " in _words(name) for one in TABLES.banned.antibiotics)
    return banned or any(one.is_antibiotic for one in find_limits(name))


def withdrawal_days(name: str, on_label: int | None) -> int:
    """Return how many days to wait: what the label says, else the list, else 28.

    A label never shortens what the list asks for.
    """
    wanted = plain(name)
    listed = [
        one.days
        for one in TABLES.withdrawal.substances
        if any(known in wanted for known in (one.name, *one.names))
    ]
    known = [*listed, *([] if on_label is None else [on_label])]
    return max(known, default=TABLES.withdrawal.default_days)
