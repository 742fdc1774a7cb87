"""May this step be, and what does it write? Pure; every refusal says what stands against.

Mass is kept: of no lot more goes in than its holder has, of no species more comes out
than went in, and no less than its yield lets believe. New lots are always new, so that
no lot is its own ancestor.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import day_of
from greenwater.reference.yields import yield_of
from greenwater.storage.registry.books import Lot, Product
from greenwater.storage.registry.goods import Flow, Ground, Step, StepBooks
from traceability.gate.harvest import GateRefusedError, Refusal
from traceability.goods import lot_events
from traceability.goods.steps import (
    Dispose,
    Made,
    Making,
    NewStep,
    Pack,
    Portion,
    Process,
    Receive,
    Ship,
    Unpack,
    kind_of,
)
from traceability.ledger.events import NAMESPACE
from traceability.records import digest

ROUNDING_KG = 0.0005


class StepRefusedError(GateRefusedError):
    """The books do not allow a step; ``refusals`` say why, all of it at once."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(refusals)
        told = (
            f"{one.code} ({', '.join(f'{k} {v}' for k, v in one.facts.items())})"
            for one in refusals
        )
        self.args = (f"the step cannot be: {'; '.join(told)}",)


class Moved(Struct, frozen=True):
    """What a step does to the books before anything is written."""

    ins: Sequence[Portion]
    outs: Sequence[Portion]
    made: Sequence[Lot] = ()


def step_of(new: NewStep, person: str, now_ms: int) -> Step:
    """Return a tidy step as it would be kept."""
    act = new.act
    fields: dict[str, Any] = msgspec.to_builtins(act)
    content = {
        "organisation": new.organisation,
        "at_ms": new.at_ms,
        "act": fields,
        "by": person,
    }
    return Step(
        new.id,
        new.organisation,
        kind_of(act),
        new.at_ms,
        now_ms,
        person,
        act.to.organisation if isinstance(act, Ship) else None,
        act.shipment if isinstance(act, Receive) else None,
        fields,
        digest(content),
    )


def decide(new: NewStep, step: Step, ground: Ground) -> StepBooks:
    """Return what a tidy step writes.

    Raises:
        StepRefusedError: the books do not allow it.
        InputError: it cannot be; the sentence says why.
        MissingError: goods, a product or a shipment of it are not his, or not there.
    """
    _check_known(new, ground)
    moved = _moved(new, step, ground)
    refusals = [
        *_time_refusals(new, moved, ground),
        *_recall_refusals(new, moved, ground),
        *_left_refusals(moved, ground),
        *_mass_refusals(new, moved, ground),
    ]
    if refusals:
        raise StepRefusedError(refusals)
    flows = _flows(step, moved, ground)
    events = lot_events.of_step(step, new.act, flows, moved.made, ground)
    return StepBooks(step, moved.made, flows, events)


def _check_known(new: NewStep, ground: Ground) -> None:
    act = new.act
    if isinstance(act, Making):
        wanted: Iterable[str] = (one.lot for one in act.sources)
    elif isinstance(act, Receive | Unpack):
        wanted = ()
    else:
        wanted = (one.lot for one in act.contents)
    for lot in wanted:
        if lot not in ground.lots:
            raise MissingError(f"lot {lot} is not registered")


def _moved(new: NewStep, step: Step, ground: Ground) -> Moved:
    act = new.act
    if isinstance(act, Making):
        return Moved(act.sources, *_made(act.sources, act.made, step, ground))
    if isinstance(act, Pack):
        if act.package in ground.packages:
            raise InputError(
                f"package {act.package} was used before: take another name",
                "package_used",
                package=act.package,
            )
        outs = [msgspec.structs.replace(p, package=act.package) for p in act.contents]
        return Moved(act.contents, outs)
    if isinstance(act, Unpack):
        ins = _contents([act.package], ground)
        return Moved(ins, [msgspec.structs.replace(one, package=None) for one in ins])
    if isinstance(act, Receive):
        return Moved((), _received(new.organisation, act, ground))
    return Moved([*act.contents, *_contents(act.packages, ground)], ())


def _contents(packages: Sequence[str], ground: Ground) -> list[Portion]:
    """Return all that the holder has in packages.

    Raises:
        MissingError: he has nothing in one of them.
    """
    found = []
    for package in packages:
        held = [
            Portion(one.lot, one.kg, package)
            for one in ground.holdings
            if one.package == package
        ]
        if not held:
            raise MissingError(f"package {package} is not in hand")
        found += held
    return found


def _received(organisation: str, act: Receive, ground: Ground) -> list[Portion]:
    shipment = ground.shipment
    if shipment is None or shipment.recipient != organisation:
        raise MissingError(f"no shipment {act.shipment} is on its way here")
    sent = {(one.lot, one.package): one.kg for one in ground.shipped}
    if act.arrived is None:
        return [Portion(lot, kg, package) for (lot, package), kg in sent.items()]
    arrived = {(one.lot, one.package): one.kg for one in act.arrived}
    odd = sorted(set(arrived) - set(sent), key=str)
    if odd:
        raise InputError(
            f"lot {odd[0][0]} was not sent with shipment {act.shipment}", "not_sent"
        )
    more = [Refusal("more_than_sent", "", _facts(ground.lots[lot], kg=kg, sent_kg=sent[lot, package]))
            for (lot, package), kg in arrived.items() if kg > sent[lot, package] + ROUNDING_KG]  # fmt: skip
    if more:
        raise StepRefusedError(more)
    if arrived != sent and not act.reason:
        raise StepRefusedError([Refusal("difference_needs_reason", "", {})])
    return [Portion(lot, kg, pack) for (lot, pack), kg in arrived.items() if kg > 0]


def _made(
    sources: Sequence[Portion], wanted: Sequence[Made], step: Step, ground: Ground
) -> tuple[list[Portion], list[Lot]]:
    lots = []
    first = min(ground.lots[one.lot].harvested_ms for one in sources)
    day = f"{day_of(step.at_ms):%y%m%d}"
    for place, one in enumerate(wanted):
        identity = uuid.uuid5(NAMESPACE, f"lot/{step.id}/{place}")
        lots.append(
            Lot(
                id=str(identity),
                organisation=step.organisation,
                code=f"{day}-{identity.hex[:6].upper()}",
                product=_product(one, sources, step.organisation, ground),
                origin="step",
                crop=None,
                unit=None,
                harvest=None,
                landing=None,
                step=step.id,
                harvested_ms=first,
                kg=one.kg,
                evidence={},
                evidence_digest=digest({}),
                created_ms=step.entered_ms,
                created_by=step.entered_by,
            )
        )
    return [Portion(lot.id, lot.kg) for lot in lots], lots


def _product(
    one: Made, sources: Sequence[Portion], organisation: str, ground: Ground
) -> str:
    gtin = one.product
    if gtin is None:
        same = {ground.lots[source.lot].product for source in sources}
        gtin = same.pop() if len(same) == 1 else None
    product = None if gtin is None else ground.products.get(gtin)
    if product is None or product.organisation != organisation:
        raise StepRefusedError([Refusal("product_needed", "/products/new", {})])
    return product.id


def _time_refusals(new: NewStep, moved: Moved, ground: Ground) -> list[Refusal]:
    found = []
    for one in moved.ins:
        since_ms = ground.since_ms.get(one.lot, 0)
        if new.at_ms < since_ms:
            facts = _facts(ground.lots[one.lot], until_ms=since_ms)
            found.append(Refusal("before_it_was", f"/goods/{one.lot}", facts))
    shipment = ground.shipment
    if shipment is not None and new.at_ms < shipment.at_ms:
        found.append(Refusal("before_it_was_sent", "", {"until_ms": shipment.at_ms}))
    return found


def _recall_refusals(new: NewStep, moved: Moved, ground: Ground) -> list[Refusal]:
    act = new.act
    is_free = isinstance(act, Dispose | Unpack | Receive) or (
        isinstance(act, Ship) and act.is_return
    )
    if is_free:
        return []
    return [
        Refusal("called_back", f"/goods/{lot}", _facts(ground.lots[lot]))
        for lot in sorted({one.lot for one in moved.ins} & ground.recalled)
    ]


def _left_refusals(moved: Moved, ground: Ground) -> list[Refusal]:
    left = {(one.lot, one.package): one.kg for one in ground.holdings}
    asked: dict[tuple[str, str | None], float] = defaultdict(float)
    for one in moved.ins:
        asked[one.lot, one.package] += one.kg
    return [
        Refusal(
            "not_enough_left",
            f"/goods/{lot}",
            _facts(
                ground.lots[lot],
                kg=round(kg, 3),
                left_kg=max(0.0, left.get((lot, package), 0.0)),
            ),
        )
        for (lot, package), kg in sorted(asked.items(), key=str)
        if kg > left.get((lot, package), 0.0) + ROUNDING_KG
    ]


def _mass_refusals(new: NewStep, moved: Moved, ground: Ground) -> list[Refusal]:
    """Return where more of a species comes out than went in, or less than believable."""
    act = new.act
    if not isinstance(act, Making):
        return []
    went_in = _by_species(((p.lot, p.kg) for p in act.sources), ground.lots, ground)
    made = {lot.id: lot for lot in moved.made}
    came_out = _by_species(((lot.id, lot.kg) for lot in moved.made), made, ground)
    main = [
        (lot.id, lot.kg)
        for lot, one in zip(moved.made, act.made, strict=True)
        if not one.is_by_product
    ]
    wanted = _by_species(main, made, ground)
    process = act.process if isinstance(act, Process) else kind_of(act)
    found = []
    for species in sorted({*went_in, *came_out}):
        kg_in, kg_out = went_in.get(species, 0.0), came_out.get(species, 0.0)
        facts = {"species": species, "kg": kg_out, "in_kg": kg_in, "process": process}
        if kg_in == 0.0:
            found.append(Refusal("other_species", "", facts))
        elif kg_out > kg_in + ROUNDING_KG:
            found.append(Refusal("more_out_than_in", "", facts))
        else:
            found += _yield_refusals(process, species, kg_in, wanted.get(species, 0.0))
    return found


def _yield_refusals(
    process: str, species: str, kg_in: float, kg_out: float
) -> list[Refusal]:
    bounds = yield_of(process, species)
    low, high = (round(share * kg_in, 3) for share in (bounds.low, bounds.high))
    if low - ROUNDING_KG <= kg_out <= high + ROUNDING_KG:
        return []
    facts = {
        "species": species,
        "process": process,
        "kg": kg_out,
        "in_kg": kg_in,
        "low_kg": low,
        "high_kg": high,
    }
    return [Refusal("yield_unbelievable", "", facts)]


def _by_species(
    portions: Iterable[tuple[str, float]], lots: Mapping[str, Lot], ground: Ground
) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for lot, kg in portions:
        found[_of(lots[lot], ground).species] += kg
    return {species: round(kg, 3) for species, kg in found.items()}


def _of(lot: Lot, ground: Ground) -> Product:
    return ground.products[lot.product]


def _facts(lot: Lot, **rest: Any) -> dict[str, Any]:
    return {"lot": lot.code, **rest}


def _flows(step: Step, moved: Moved, ground: Ground) -> list[Flow]:
    lots = {**ground.lots, **{lot.id: lot for lot in moved.made}}
    found: list[Flow] = []
    for direction, portions in (("in", moved.ins), ("out", moved.outs)):
        for one in portions:
            species = _of(lots[one.lot], ground).species
            found.append(
                Flow(
                    step.id,
                    len(found),
                    step.organisation,
                    one.lot,
                    direction,
                    one.kg,
                    species,
                    one.package,
                )
            )
    return found
