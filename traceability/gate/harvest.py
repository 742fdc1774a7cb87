"""May this harvest become a lot with labels? Pure; every refusal names its cure."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from greenwater.kernel.errors import ConflictError
from greenwater.reference.substances import find_ban
from greenwater.storage.registry.books import Crop, Record
from traceability.corrections import in_force
from traceability.withdrawal import days_left, withheld

ROUNDING_KG: Final = 0.001


class Refusal(Struct, frozen=True):
    """Why not. ``code`` chooses the words, ``facts`` fill them; ``cure`` is a page."""

    code: str
    cure: str
    facts: dict[str, Any] = {}


class GateRefusedError(ConflictError):
    """The gate refused; ``refusals`` say why."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        codes = ", ".join(refusal.code for refusal in refusals)
        super().__init__(f"the gate refuses: {codes}")
        self.refusals = tuple(refusals)


def refusals_of(
    crop: Crop,
    records: Sequence[Record],
    *,
    now_ms: int,
    harvest: str | None = None,
    kg: float | None = None,
) -> list[Refusal]:
    """Return what stands against a lot of this crop; empty: nothing does.

    ``harvest`` is the record of the harvest that is to become the lot; without it the
    question is whether harvesting now would do. What counts for withdrawal is the day of
    the harvest, not the day on which somebody asks.
    """
    book = in_force(records)
    found = list(_history(crop, book))
    reaped = next((one for one in book if one.id == harvest), None)
    at_ms = now_ms if reaped is None else reaped.happened_ms
    held = withheld(book)
    if held is not None and at_ms < held.until_ms:
        code = "withdrawal" if reaped is None else "harvested_in_withdrawal"
        facts = {
            "days": days_left(held.until_ms, at_ms),
            "until_ms": held.until_ms,
            "substance": held.record.fields.get("substance", ""),
            "known_ms": held.record.entered_ms,
        }
        found.append(Refusal(code, f"/crops/{crop.id}", facts))
    if reaped is None:
        cure = f"/records/new?crop={crop.id}&kind=harvest"
        found.append(Refusal("no_harvest", cure))
    elif kg is not None and kg > reaped.fields["kg"] + ROUNDING_KG:
        facts = {"kg": kg, "harvested_kg": reaped.fields["kg"]}
        found.append(Refusal("more_than_harvested", f"/crops/{crop.id}", facts))
    return found


def _history(crop: Crop, book: Sequence[Record]) -> list[Refusal]:
    found = []
    if not any(record.kind == "stocking" for record in book):
        cure = f"/records/new?crop={crop.id}&kind=stocking"
        found.append(Refusal("no_stocking", cure))
    for record in book:
        substance = str(record.fields.get("substance", ""))
        ban = find_ban(substance) if record.kind == "drug_chem_use" else None
        if ban is not None:
            facts = {"substance": substance, "instrument": ban.instrument}
            found.append(Refusal("banned_substance", f"/crops/{crop.id}", facts))
    return found
