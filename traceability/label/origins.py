"""Where a lot's goods began, and whether that may be labelled.

A lot comes of a harvest, of a landing, or of a step from other lots; what can be said
for it, and what stands against it, is asked of its roots: the harvests and landings at
the beginning of its way.
"""

from collections.abc import Sequence

import msgspec

from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from traceability.book.evidence import Evidence
from traceability.book.gate import judged_crop
from traceability.gate.harvest import Refusal
from traceability.goods.genealogy import first_broken
from traceability.sea.trip_case import landing_refusals
from traceability.vietgap.claims import claim_refusals


def evidence_in(lot: Lot) -> Evidence | None:
    """Return the evidence of its water that was frozen into a lot; None: it has none."""
    if lot.origin == "landing" or not lot.evidence:
        return None
    return msgspec.convert(lot.evidence, Evidence)


def roots_of(registry: Registry, lot: Lot) -> Sequence[Lot]:
    """Return the harvests and landings that a lot came from; of such a one itself."""
    if lot.origin != "step":
        return [lot]
    lots, _ = registry.sources_of(lot.id)
    return [one for one in lots.values() if one.origin != "step"]


def lot_refusals(registry: Registry, lot: Lot, now_ms: int) -> Sequence[Refusal]:
    """Return what stands against labels on a lot; empty: nothing.

    Asked are the lot's own books, those of every harvest and landing at its roots, and
    the certificate that its product claims.
    """
    found, roots = list(goods_refusals(registry, lot)), roots_of(registry, lot)
    for root in roots:
        found += root_refusals(registry, root, now_ms)
    return [*found, *claim_refusals(registry, lot, roots, now_ms)]


def root_refusals(registry: Registry, root: Lot, now_ms: int) -> Sequence[Refusal]:
    """Return what stands against a lot of a harvest or a landing."""
    if root.crop is None:
        return landing_refusals(registry, root, now_ms)
    found = harvest_refusals(registry, root, root.crop, now_ms)
    return [*found, *address_refusals(registry, root)]


def address_refusals(registry: Registry, root: Lot) -> Sequence[Refusal]:
    """Return that nobody entered where a harvest grew: a passport must name the commune."""
    if root.unit is None or commune_of(registry, root.unit, root.created_ms):
        return []
    site = registry.get_site(registry.get_unit(root.unit).site)
    return [Refusal("no_address", f"/sites/{site.id}/change", {"site": site.name})]


def commune_of(registry: Registry, unit: str, at_ms: int) -> str:
    """Return the code of the commune that a unit lay in; where none was entered then, of
    today's; empty: none was ever entered."""
    site = registry.unit_then(unit, at_ms).site
    then = registry.site_then(site, at_ms).commune
    return then or registry.get_site(site).commune or ""


def goods_refusals(registry: Registry, lot: Lot) -> Sequence[Refusal]:
    """Return what its goods' books say against labels: recalled, all gone, broken."""
    found = [
        Refusal("called_back", f"/goods/{lot.id}", {"lot": lot.code})
        for _ in registry.recalls_upon(lot.id)[:1]
    ]
    held = registry.holdings_of(lot.id, lot.organisation)
    if sum(one.kg for one in held) <= 0:
        found.append(Refusal("nothing_left", f"/goods/{lot.id}", {"lot": lot.code}))
    lots, links = registry.sources_of(lot.id)
    flows = registry.flows_of_sources(lot.id)
    broken = first_broken(lot.id, lots, links, flows)
    if broken is not None:
        facts = {
            "lot": lots[broken.lot].code,
            "kg": broken.kg,
            "had_kg": broken.had_kg,
        }
        code = f"broken_{broken.why}"
        found.append(Refusal(code, f"/goods/{broken.lot}", facts))
    return found


def harvest_refusals(
    registry: Registry, lot: Lot, crop: str, now_ms: int
) -> Sequence[Refusal]:
    """Return what the book of its crop says against a lot of a harvest.

    What an override lifted is left out.
    """
    return judged_crop(
        registry,
        registry.get_crop(crop),
        registry.records(crop=crop),
        now_ms=now_ms,
        harvest=lot.harvest,
        kg=lot.kg,
    ).standing
