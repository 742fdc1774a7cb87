"""The provinces and cities of Vietnam since July 2025, and about where they are."""

import datetime as dt
from typing import Final

from msgspec import Struct

from greenwater.reference.limits import Basis
from greenwater.reference.tables import read_table


class Province(Struct, frozen=True, forbid_unknown_fields=True):
    """One of them; ``at`` is latitude and longitude of its centre, to a tenth."""

    id: str
    name: str
    at: tuple[float, float]


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    instrument: str
    valid_from: dt.date
    basis: Basis
    verified: bool
    provinces: tuple[Province, ...]


PROVINCES: Final = {
    one.id: one for one in read_table("provinces.toml", _Table).provinces
}
"""By id, as scans keep it."""
