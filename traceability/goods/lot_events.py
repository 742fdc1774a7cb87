"""Trace events of what is done to goods, as standards.md §4 maps the acts: pure.

Making lots is a TransformationEvent with what went in and what came out, packing an
AggregationEvent, shipping and receiving an ObjectEvent between owning parties.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.goods import Flow, Ground, Step
from greenwater.storage.registry.trace_events.ledger import EventDraft
from traceability.epcis.naming import goods_uri, outsider_uri, party_uri, place_uri
from traceability.goods.steps import (
    Act,
    Dispose,
    Merge,
    Pack,
    Party,
    Process,
    Receive,
    Ship,
    Split,
    Unpack,
)
from traceability.ledger.events import (
    declared,
    draft_of,
    event_id,
    event_of,
    lot_class,
    lot_ilmd,
)

COMMINGLING: Final = "urn:gdst:bizStep:commingling"


def of_step(
    step: Step, act: Act, flows: Sequence[Flow], made: Sequence[Lot], ground: Ground
) -> list[EventDraft]:
    """Return what the ledger records of a step."""
    lots = {**ground.lots, **{lot.id: lot for lot in made}}
    kind, about = _about(act, flows, made, lots, ground)
    event = event_of(
        kind,
        event_id("step", step.id),
        step.at_ms,
        **about,
        **declared(step.organisation),
        readPoint={"id": place_uri("organisation", step.organisation)},
        **{"gw:step": step.id, "gw:stepDigest": step.digest},
    )
    subject = made[0].id if made else (flows[0].lot if flows else None)
    return [draft_of(event, step.at_ms, subject)]


def _about(
    act: Act,
    flows: Sequence[Flow],
    made: Sequence[Lot],
    lots: Mapping[str, Lot],
    ground: Ground,
) -> tuple[str, dict[str, Any]]:
    match act:
        case Split() | Merge() | Process():
            return "TransformationEvent", _making(act, flows, made, lots, ground)
        case Pack() | Unpack():
            return "AggregationEvent", _packing(act, flows, lots)
        case Ship():
            return "ObjectEvent", _shipping(act, flows, lots)
        case Receive():
            return "ObjectEvent", _receiving(act, flows, lots, ground)
        case Dispose():
            ending = {"action": "DELETE", "bizStep": "destroying"}
            about = {"disposition": "destroyed", "gw:reason": act.reason}
            return "ObjectEvent", {**ending, **about, **_goods(flows, lots)}
        case _:
            ending = {"action": "OBSERVE", "bizStep": "retail_selling"}
            about = {"disposition": "retail_sold"}
            return "ObjectEvent", {**ending, **about, **_goods(flows, lots)}


def _making(
    act: Split | Merge | Process,
    flows: Sequence[Flow],
    made: Sequence[Lot],
    lots: Mapping[str, Lot],
    ground: Ground,
) -> dict[str, Any]:
    about: dict[str, Any] = {
        "bizStep": COMMINGLING if isinstance(act, Merge) else "commissioning",
        "inputQuantityList": _quantities(flows, lots, "in"),
        "outputQuantityList": _quantities(flows, lots, "out"),
        "ilmd": lot_ilmd([(one, ground.products[one.product]) for one in made]),
    }
    if isinstance(act, Process):
        about["gw:process"] = act.process
    return about


def _packing(
    act: Pack | Unpack, flows: Sequence[Flow], lots: Mapping[str, Lot]
) -> dict[str, Any]:
    is_packed = isinstance(act, Pack)
    return {
        "action": "ADD" if is_packed else "DELETE",
        "bizStep": "packing" if is_packed else "unpacking",
        "parentID": goods_uri(act.package),
        "childQuantityList": _quantities(flows, lots, "in"),
    }


def _shipping(
    act: Ship, flows: Sequence[Flow], lots: Mapping[str, Lot]
) -> dict[str, Any]:
    about: dict[str, Any] = {
        "action": "OBSERVE",
        "bizStep": "shipping",
        "disposition": "returned" if act.is_return else "in_transit",
        **_goods(flows, lots),
    }
    sender = flows[0].organisation
    about["sourceList"] = [{"type": "owning_party", "source": party_uri(sender)}]
    to = {"type": "owning_party", "destination": recipient_uri(act.to)}
    about["destinationList"] = [to]
    if act.to.organisation is None:
        about["gw:recipientName"] = act.to.name
        about["gw:recipientPlace"] = act.to.place
    return about


def _receiving(
    act: Receive, flows: Sequence[Flow], lots: Mapping[str, Lot], ground: Ground
) -> dict[str, Any]:
    about: dict[str, Any] = {"action": "OBSERVE", "bizStep": "receiving"}
    about |= _goods(flows or ground.shipped, lots, is_none=not flows)
    sent, arrived = _total(ground.shipped), _total(flows)
    if ground.shipment is not None:
        source = party_uri(ground.shipment.organisation)
        about["sourceList"] = [{"type": "owning_party", "source": source}]
        to = party_uri(str(ground.shipment.recipient))
        about["destinationList"] = [{"type": "owning_party", "destination": to}]
    about["gw:shipment"] = act.shipment
    if arrived != sent:
        about["gw:sentKg"], about["gw:arrivedKg"] = sent, arrived
        about["gw:reason"] = act.reason
    return about


def recipient_uri(to: Party) -> str:
    """Return who gets goods as a URI; an outsider's is made of his name and place."""
    if to.organisation is not None:
        return party_uri(to.organisation)
    return outsider_uri(event_id("outsider", to.name, to.place)[9:])


def _total(flows: Sequence[Flow]) -> float:
    return round(sum(one.kg for one in flows), 3)


def _quantities(
    flows: Sequence[Flow], lots: Mapping[str, Lot], direction: str | None = None
) -> list[dict[str, Any]]:
    return [
        _quantity(lots[one.lot], one.kg)
        for one in flows
        if direction in (None, one.direction)
    ]


def _quantity(lot: Lot, kg: float) -> dict[str, Any]:
    return {
        "epcClass": lot_class(lot.product, lot.code),
        "quantity": kg,
        "uom": "KGM",
    }


def _goods(
    flows: Sequence[Flow], lots: Mapping[str, Lot], *, is_none: bool = False
) -> dict[str, Any]:
    """Return goods as an ObjectEvent names them: packages as such, and what is in them."""
    found: dict[str, Any] = {
        "quantityList": [
            _quantity(lots[one.lot], 0.0 if is_none else one.kg) for one in flows
        ]
    }
    packages = sorted({one.package for one in flows if one.package})
    if packages and not is_none:
        found["epcList"] = [goods_uri(one) for one in packages]
    return found


def of_recall(
    lot: Lot, origin: Lot, reason: str, at_ms: int, *, is_over: bool
) -> list[EventDraft]:
    """Return a recall of a lot, or its end; ``origin`` is the lot it began with."""
    change = "unset" if is_over else "set"
    about = [lot.id] if lot.id == origin.id else [lot.id, origin.id]
    rest = {"gw:reason": reason}
    if lot.id != origin.id:
        rest["gw:recallOf"] = lot_class(origin.product, origin.code)
    event = event_of(
        "ObjectEvent",
        event_id("recall", *about, str(at_ms), change),
        at_ms,
        action="OBSERVE",
        bizStep="holding",
        persistentDisposition={change: ["recalled"]},
        quantityList=[{"epcClass": lot_class(lot.product, lot.code)}],
        **declared(lot.organisation),
        **rest,
    )
    return [draft_of(event, at_ms, lot.id)]
