"""Lots: how one is made of a landing, and what is done to goods after that."""

import uuid

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import day_of, instant, milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Lot, Product
from greenwater.storage.registry.goods import Step
from traceability.goods.balance import decide, step_of
from traceability.goods.steps import FUTURE_MS, HANDLERS, NewStep, Ship, needs_of, tidy
from traceability.ledger import events
from traceability.records import digest


def lot_of_landing(
    product: Product, landing: str, landed_ms: int, kg: float, now_ms: int, person: str
) -> Lot:
    """Return the lot that a landing makes of one product; the same again is the same.

    The lot is the product's organisation's. Keep it with ``Registry.add_lot``.
    """
    made = uuid.uuid5(events.NAMESPACE, f"lot/{landing}/{product.id}")
    day = f"{day_of(landed_ms):%y%m%d}"
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


class Goods:
    """What is done to goods. ``person`` is who does it; others' do not exist for him."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock

    def enter(self, person: str, new: NewStep) -> Step:
        """Enter a step; the same again changes nothing.

        Raises:
            StepRefusedError: the books do not allow it; it says all that stands against.
            InputError: something in it cannot be; the sentence names it.
            MissingError: the organisation, the goods or the shipment are not his.
            ConflictError: the id stands for another step.
        """
        self._may_write(person, new.organisation)
        now_ms = milliseconds(self._clock.now())
        if new.at_ms > now_ms + FUTURE_MS:
            when = instant(new.at_ms).isoformat(timespec="minutes")
            raise InputError(f"{when} lies in the future; enter it then", "in_future")
        tidied = tidy(new)
        self._check_recipient(tidied)
        step = step_of(tidied, person, now_ms)
        self._registry.keep_step(
            step, needs_of(tidied), lambda ground: decide(tidied, step, ground)
        )
        return self._registry.get_step(step.id)

    def _may_write(self, person: str, organisation: str) -> None:
        if not self._registry.get_person(person).is_any(HANDLERS, organisation):
            raise MissingError(f"{person} moves no goods of {organisation}")

    def _check_recipient(self, new: NewStep) -> None:
        if not isinstance(new.act, Ship) or new.act.to.organisation is None:
            return
        recipient = new.act.to.organisation
        if recipient == new.organisation:
            raise InputError("goods are not shipped to oneself", "ship_self")
        if recipient not in self._registry.organisation_names():
            raise MissingError(f"there is no organisation {recipient}")
