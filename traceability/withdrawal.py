"""When a crop may be harvested after a treatment: pure."""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from greenwater.kernel.reading import DAY_MS, instant, milliseconds
from greenwater.reference.substances import withdrawal_days
from greenwater.storage.registry.books import Record
from traceability.corrections import in_force


class Withheld(NamedTuple):
    """Until when a crop may not be harvested, and because of which treatment."""

    until_ms: int
    days: int
    record: Record


def withheld(records: Iterable[Record]) -> Withheld | None:
    """Return the treatment that holds a crop back the longest; None: there was none."""
    found = []
    for record in in_force(records):
        if record.kind != "drug_chem_use":
            continue
        on_label = record.fields.get("withdrawal_days")
        days = withdrawal_days(str(record.fields.get("substance", "")), on_label)
        until = instant(record.happened_ms) + timedelta(days=days)
        found.append(Withheld(milliseconds(until), days, record))
    return max(found, key=lambda one: one.until_ms, default=None)


def days_left(until_ms: int, at_ms: int) -> int:
    """Return how many days are left, rounded up."""
    return max(0, -(-(until_ms - at_ms) // DAY_MS))
