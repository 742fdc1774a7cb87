"""Lots: how one is made of a landing, and what is done to goods after that."""

import uuid

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.reading import instant
from greenwater.storage.registry.books import Lot, Product
from traceability import events
from traceability.records import digest


def lot_of_landing(
    product: Product, landing: str, landed_ms: int, kg: float, now_ms: int, person: str
) -> Lot:
    """Return the lot that a landing makes of one product; the same again is the same.

    The lot is the product's organisation's. Keep it with ``Registry.add_lot``.
    """
    made = uuid.uuid5(events.NAMESPACE, f"lot/{landing}/{product.id}")
    day = instant(landed_ms).astimezone(VIETNAM).strftime("%y%m%d")
    return Lot(
        id=str(made),
        organisation=product.organisation,
        code=f"{day}-{made.hex[:6].upper()}",
        product=product.id,
        origin="landing",
        crop=None,
        unit=None,
        harvest=None,
        landing=landing,
        step=None,
        harvested_ms=landed_ms,
        kg=kg,
        evidence={},
        evidence_digest=digest({}),
        created_ms=now_ms,
        created_by=person,
    )
