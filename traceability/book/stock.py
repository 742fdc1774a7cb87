"""What is left of bought feed, drugs and chemicals: bought minus used. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from greenwater.storage.registry.books import Record
from traceability.corrections import in_force

_KINDS: Final[Mapping[str, tuple[str, int]]] = {
    "feed_in": ("feed", 1),
    "feed_use": ("feed", -1),
    "drug_chem_in": ("drug_chem", 1),
    "drug_chem_use": ("drug_chem", -1),
}
STOCK_KINDS: Final = frozenset(_KINDS)
"""Kinds of records that stock is counted from."""

_SCALE: Final[Mapping[str, tuple[float, str]]] = {
    "kg": (1.0, "kg"),
    "g": (0.001, "kg"),
    "l": (1.0, "l"),
    "ml": (0.001, "l"),
}
ROUNDING: Final = 1e-6


class Stock(Struct, frozen=True):
    """One product in one unit of measure; ``left`` below zero: the records are wrong."""

    group: str
    product: str
    unit: str
    bought: float
    used: float

    @property
    def left(self) -> float:
        """What should still be there."""
        return round(self.bought - self.used, 6)

    @property
    def is_negative(self) -> bool:
        """Whether more was used than bought."""
        return self.left < -ROUNDING


def stock_of(records: Iterable[Record]) -> list[Stock]:
    """Return the stock of every product that was ever bought or used, by name.

    What was used in words only ("5 kg mixed in") cannot be counted.
    """
    found: dict[tuple[str, str, str], Stock] = {}
    for record in in_force(records):
        if record.kind not in _KINDS:
            continue
        amount = _amount(record)
        if amount is None:
            continue
        group, sign = _KINDS[record.kind]
        product = str(record.fields["product"])
        key = (group, _plain(product), amount[1])
        held = found.get(key) or Stock(group, product, amount[1], 0.0, 0.0)
        bought = held.bought + (amount[0] if sign > 0 else 0.0)
        used = held.used + (amount[0] if sign < 0 else 0.0)
        name = product if sign > 0 else held.product  # as it was called when bought
        found[key] = Stock(group, name, amount[1], bought, used)
    return [found[key] for key in sorted(found)]


def _amount(record: Record) -> tuple[float, str] | None:
    if "kg" in record.fields:
        return float(record.fields["kg"]), "kg"
    quantity, unit = record.fields.get("quantity"), record.fields.get("quantity_unit")
    if quantity is None or unit is None:
        return None
    scale, base = _SCALE[str(unit)]
    return float(quantity) * scale, base


def _plain(product: str) -> str:
    return " ".join(unicodedata.normalize("NFC", product).lower().split())
