"""Trace events in the shape of EPCIS 2.0, from what was entered: pure.

The map is standards.md §4: GDST's verbs where it has them, CBV's otherwise. Every event
has an id made from what it is about, so that the same fact is recorded once.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from greenwater.kernel.reading import instant
from greenwater.storage.registry.books import Crop, Lot, Product, Record
from greenwater.storage.registry.ledger import EventDraft
from traceability.epcis.capture import OWN_CONTEXT
from traceability.epcis.entries import entries_of
from traceability.records import canonical

NAMESPACE: Final = uuid.UUID("5f1d0f6e-1c0e-5c4c-9a2b-6a1f2d0f9e55")
_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "stocking": ("ADD", "urn:gdst:bizStep:hatching"),
    "feed_use": ("OBSERVE", "urn:gdst:bizStep:feeding"),
    "drug_chem_use": ("OBSERVE", "other"),
    "health_check": ("OBSERVE", "inspecting"),
}


def event_id(*about: str) -> str:
    """Return the id of the event about these things."""
    return f"urn:uuid:{uuid.uuid5(NAMESPACE, '/'.join(about))}"


def lot_class(gtin: str, code: str) -> str:
    """Return a lot as a GS1 Digital Link in canonical form."""
    return f"https://id.gs1.org/01/{gtin}/10/{code}"


def _crop_class(crop: Crop) -> str:
    return f"urn:greenwater:crop:{crop.id}"


def _unit_place(unit: str) -> dict[str, str]:
    return {"id": f"urn:greenwater:unit:{unit}"}


def _event(kind: str, id_: str, at_ms: int, **rest: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "eventID": id_,
        "eventTime": instant(at_ms).isoformat(timespec="milliseconds"),
        "eventTimeZoneOffset": "+07:00",
        **rest,
    }


def _draft(event: dict[str, Any], at_ms: int, subject: str | None) -> EventDraft:
    return EventDraft(
        event["eventID"],
        at_ms,
        canonical(event),
        subject,
        kind=event["type"],
        entries=entries_of(event, OWN_CONTEXT),
    )


def of_record(record: Record, crop: Crop) -> list[EventDraft]:
    """Return the events that a record makes; a harvest makes its own with the lot."""
    if record.kind not in _STEPS:
        return []
    action, step = _STEPS[record.kind]
    rest: dict[str, Any] = {
        "action": action,
        "bizStep": step,
        "readPoint": _unit_place(record.unit),
        "quantityList": [{"epcClass": _crop_class(crop)}],
        "gw:record": record.id,
        "gw:recordDigest": record.digest,
        "gw:source": record.source,
    }
    if record.corrects:
        rest["gw:corrects"] = record.corrects
    if record.kind == "stocking":
        rest["quantityList"] = [
            {"epcClass": _crop_class(crop), "quantity": record.fields["count"]}
        ]
        rest["ilmd"] = {"gw:hatchery": record.fields["hatchery"]}
    event = _event(
        "ObjectEvent", event_id("record", record.id), record.happened_ms, **rest
    )
    return [_draft(event, record.happened_ms, crop.id)]


def of_lot(lot: Lot, crop: Crop, product: Product) -> list[EventDraft]:
    """Return the harvest that made a lot of a crop: crop in, goods out, evidence named."""
    event = _event(
        "TransformationEvent",
        event_id("lot", lot.id),
        lot.harvested_ms,
        bizStep="urn:gdst:bizStep:farmHarvest",
        readPoint=_unit_place(crop.unit),
        inputQuantityList=[{"epcClass": _crop_class(crop)}],
        outputQuantityList=[
            {
                "epcClass": lot_class(lot.product, lot.code),
                "quantity": lot.kg,
                "uom": "KGM",
            }
        ],
        ilmd={
            "gw:lotNumber": lot.code,
            "gw:species": product.species,
            "gw:productionMethod": "AQUACULTURE",
        },
        **{"gw:record": lot.harvest, "gw:evidenceDigest": lot.evidence_digest},
    )
    return [_draft(event, lot.harvested_ms, lot.id)]


def of_labels(lot: Lot, serials: Sequence[str], at_ms: int) -> list[EventDraft]:
    """Return the issue of labels for a lot."""
    base = lot_class(lot.product, lot.code)
    event = _event(
        "ObjectEvent",
        event_id("labels", *sorted(serials)),
        at_ms,
        action="ADD",
        bizStep="commissioning",
        disposition="active",
        epcList=[f"{base}/21/{serial}" for serial in serials],
    )
    return [_draft(event, at_ms, lot.id)]


def of_recall(lot: Lot, reason: str, at_ms: int, *, is_over: bool) -> list[EventDraft]:
    """Return a recall, or its end."""
    change = "unset" if is_over else "set"
    event = _event(
        "ObjectEvent",
        event_id("recall", lot.id, str(at_ms), change),
        at_ms,
        action="OBSERVE",
        bizStep="holding",
        persistentDisposition={change: ["recalled"]},
        quantityList=[{"epcClass": lot_class(lot.product, lot.code)}],
        **{"gw:reason": reason},
    )
    return [_draft(event, at_ms, lot.id)]
