"""What is known of a lot's goods that a label tells: asked of the books."""

from msgspec.structs import replace

from greenwater.reference.production import CAUGHT_AT_SEA, FARMED
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from traceability.catch_evidence import catch_evidence_in
from traceability.labelfacts import Goods, day_of


def goods_of(registry: Registry, lot: Lot) -> Goods:
    """Return what a label of a lot can tell; weight and use-by are the packer's to say."""
    product = registry.get_product(lot.product)
    day = day_of(lot.harvested_ms)
    goods = Goods(species=product.species, harvested=(day, day))
    if lot.origin == "landing":
        caught = catch_evidence_in(lot)
        if caught is None:
            return replace(goods, method=CAUGHT_AT_SEA)
        area, gear = caught.fao_area, caught.gear or None
        return replace(goods, method=CAUGHT_AT_SEA, area=area, gear=gear)
    return replace(goods, method=FARMED) if lot.origin == "harvest" else goods
