"""What the simulated farm does with its harvest: for the demo, so that a lot has a story."""

import uuid
from datetime import timedelta

from greenwater.kernel.clock import ManualClock
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot
from traceability.goods.lots import Goods
from traceability.goods.steps import (
    Act,
    Made,
    NewStep,
    Pack,
    Party,
    Portion,
    Process,
    Ship,
    Split,
)

CRATE = "thung-01"
MARKET = Party(None, "Chợ Đầm", "Nha Trang", "0258 3000 000")
HOUR = timedelta(hours=1)


def handle(registry: Registry, clock: ManualClock, person: str, lot: Lot) -> None:
    """Split a lot of 420 kg, take heads off, pack a crate and send it to the market.

    A part of it stays as it was, under the labels that are on it.
    """
    counter = _Counter(registry, clock, person, lot.organisation)
    split = Split((Portion(lot.id, 300.0),), (Made(180.0), Made(120.0)))
    (part, _) = counter.do(split)
    headless = Process(
        (Portion(part.id, 180.0),),
        (Made(112.0), Made(62.0, is_by_product=True)),
        "headless",
    )
    (tails, _) = counter.do(headless)
    counter.do(Pack((Portion(tails.id, 60.0),), CRATE))
    counter.do(Ship((), (CRATE,), MARKET))


class _Counter:
    """Where goods are handled: an hour goes by from act to act."""

    def __init__(
        self, registry: Registry, clock: ManualClock, person: str, organisation: str
    ) -> None:
        self._registry, self._clock = registry, clock
        self._person, self._organisation = person, organisation

    def do(self, act: Act) -> list[Lot]:
        """Enter a step; return the lots that it made, the heaviest first."""
        self._clock.advance(HOUR)
        new = NewStep(
            id=str(uuid.uuid4()),
            organisation=self._organisation,
            at_ms=milliseconds(self._clock.now()),
            act=act,
        )
        Goods(self._registry, self._clock).enter(self._person, new)
        made = [one for one in self._registry.lots() if one.step == new.id]
        return sorted(made, key=lambda one: -one.kg)
