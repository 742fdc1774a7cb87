"""Where a lot's goods began, and whether that may be labelled.

A lot comes of a harvest, of a landing, or of a step from other lots; what can be said
for it, and what stands against it, is asked of its roots: the harvests and landings at
the beginning of its way.
"""

from collections.abc import Sequence

import msgspec

from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from traceability.evidence import Evidence
from traceability.gate import Refusal, refusals_of


def evidence_in(lot: Lot) -> Evidence | None:
    """Return the evidence of its water that was frozen into a lot; None: it has none."""
    return msgspec.convert(lot.evidence, Evidence) if lot.evidence else None


def lot_refusals(registry: Registry, lot: Lot, now_ms: int) -> Sequence[Refusal]:
    """Return what stands against labels on a lot; empty: nothing."""
    if lot.origin == "landing":
        return landing_refusals(registry, lot, now_ms)
    if lot.crop is None:
        return []
    return harvest_refusals(registry, lot, lot.crop, now_ms)


def harvest_refusals(
    registry: Registry, lot: Lot, crop: str, now_ms: int
) -> Sequence[Refusal]:
    """Return what the book of its crop says against a lot of a harvest."""
    return refusals_of(
        registry.get_crop(crop),
        registry.records(crop=crop),
        now_ms=now_ms,
        harvest=lot.harvest,
        kg=lot.kg,
    )


def landing_refusals(registry: Registry, lot: Lot, now_ms: int) -> Sequence[Refusal]:
    """Return what a vessel's book says against a lot of a landing."""
    # No vessel keeps a book yet: a landing that nobody can look up is no proof.
    return [Refusal("no_landing", f"/lots/{lot.id}", {"landing": lot.landing or ""})]
