"""What is known of a lot's goods that a label tells: asked of the books."""

from collections.abc import Callable, Sequence

from greenwater.reference.production import CAUGHT_AT_SEA, FARMED
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from traceability.label.origins import roots_of
from traceability.proof.labelfacts import Goods, day_of
from traceability.sea.catch_evidence import CatchEvidence, catch_evidence_in


def goods_of(registry: Registry, lot: Lot) -> Goods:
    """Return what a label of a lot can tell; weight and use-by are the packer's to say.

    What its harvests and landings do not have in common is not told; of their days, the
    first and the last.
    """
    roots = roots_of(registry, lot) or [lot]
    days = sorted(day_of(one.harvested_ms) for one in roots)
    return Goods(
        species=registry.get_product(lot.product).species,
        harvested=(days[0], days[-1]),
        method=_shared(roots, _method),
        area=_shared(roots, lambda one: _caught(one, lambda it: it.fao_area)),
        gear=_shared(roots, lambda one: _caught(one, lambda it: it.gear)),
    )


def _shared(roots: Sequence[Lot], fact: Callable[[Lot], str | None]) -> str | None:
    found = {fact(one) for one in roots}
    return found.pop() if len(found) == 1 else None


def _method(root: Lot) -> str | None:
    return {"landing": CAUGHT_AT_SEA, "harvest": FARMED}.get(root.origin)


def _caught(root: Lot, fact: Callable[[CatchEvidence], str]) -> str | None:
    evidence = catch_evidence_in(root) if root.origin == "landing" else None
    return None if evidence is None else fact(evidence) or None
