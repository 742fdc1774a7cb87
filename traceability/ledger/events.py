"""Trace events in the shape of EPCIS 2.0, from what was entered: pure.

The map is standards.md §4: GDST's verbs where it has them, CBV's otherwise. Every event
has an id made from what it is about, so that the same fact is recorded once.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from greenwater.kernel.reading import instant
from greenwater.reference.species import get_species
from greenwater.storage.registry.books import Crop, Lot, Product, Record
from greenwater.storage.registry.inspections import Inspection
from greenwater.storage.registry.trace_events.ledger import EventDraft
from traceability.epcis.capture import OWN_CONTEXT
from traceability.epcis.entries import entries_of
from traceability.epcis.naming import crop_class, party_uri, place_uri
from traceability.gdst.rules import UNKNOWN
from traceability.ledger.sensing import sensor_elements
from traceability.records import canonical

NAMESPACE: Final = uuid.UUID("5f1d0f6e-1c0e-5c4c-9a2b-6a1f2d0f9e55")
_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "stocking": ("ADD", "urn:gdst:bizStep:hatching"),
    "feed_use": ("OBSERVE", "urn:gdst:bizStep:feeding"),
    "drug_chem_use": ("OBSERVE", "other"),
    "health_check": ("OBSERVE", "inspecting"),
}
_METHODS: Final[Mapping[str, str]] = {
    "pond": "ponds",
    "cage": "cages",
    "tank": "tanks",
}
"""How goods are grown, by the kind of the unit they grew in."""


def event_id(*about: str) -> str:
    """Return the id of the event about these things."""
    return f"urn:uuid:{uuid.uuid5(NAMESPACE, '/'.join(about))}"


def lot_class(gtin: str, code: str) -> str:
    """Return a lot as a GS1 Digital Link in canonical form."""
    return f"https://id.gs1.org/01/{gtin}/10/{code}"


def declared(organisation: str, *, needs_welfare: bool = False) -> dict[str, Any]:
    """Return what GDST asks of every event: whose goods, who tells.

    ``needs_welfare``: the act is one of those that name a policy on the people at work;
    ours are not asked for one yet, and the event says so.
    """
    found = {
        "gdst:productOwner": party_uri(organisation),
        "cbvmda:informationProvider": party_uri(organisation),
    }
    return found | {"gdst:humanWelfarePolicy": UNKNOWN} if needs_welfare else found


def lot_ilmd(lots: Sequence[tuple[Lot, Product]]) -> dict[str, Any]:
    """Return what is said of lots when they are made: numbers and species."""
    species = sorted({product.species for _, product in lots})
    return {
        "cbvmda:lotNumber": ", ".join(lot.code for lot, _ in lots),
        "cbvmda:speciesForFisheryStatisticsPurposesCode": ", ".join(species),
        "cbvmda:speciesForFisheryStatisticsPurposesName": ", ".join(
            get_species(one).latin for one in species
        ),
    }


def event_of(kind: str, id_: str, at_ms: int, **rest: Any) -> dict[str, Any]:
    """Return an event in the shape of EPCIS 2.0."""
    return {
        "type": kind,
        "eventID": id_,
        "eventTime": instant(at_ms).isoformat(timespec="milliseconds"),
        "eventTimeZoneOffset": "+07:00",
        **rest,
    }


def draft_of(event: dict[str, Any], at_ms: int, subject: str | None) -> EventDraft:
    """Return what is recorded of an event."""
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
        "readPoint": {"id": place_uri("unit", crop.unit)},
        "quantityList": [{"epcClass": crop_class(crop.id)}],
        **declared(record.organisation, needs_welfare=record.kind == "stocking"),
        "gw:record": record.id,
        "gw:recordDigest": record.digest,
        "gw:source": record.source,
    }
    if record.corrects:
        rest["gw:corrects"] = record.corrects
    if record.kind == "stocking":
        rest["quantityList"] = [
            {"epcClass": crop_class(crop.id), "quantity": record.fields["count"]}
        ]
        rest["ilmd"] = {
            "cbvmda:lotNumber": crop.id,
            "gdst:broodstockSource": UNKNOWN,
            "gw:hatchery": record.fields["hatchery"],
        }
    event = event_of(
        "ObjectEvent", event_id("record", record.id), record.happened_ms, **rest
    )
    return [draft_of(event, record.happened_ms, crop.id)]


def of_lot(
    lot: Lot, crop: Crop, product: Product, unit_kind: str = ""
) -> list[EventDraft]:
    """Return the harvest that made a lot of a crop: crop in, goods out, how its water was."""
    water = sensor_elements(lot.evidence)
    event = event_of(
        "TransformationEvent",
        event_id("lot", lot.id),
        lot.harvested_ms,
        bizStep="urn:gdst:bizStep:farmHarvest",
        readPoint={"id": place_uri("unit", crop.unit)},
        inputQuantityList=[{"epcClass": crop_class(crop.id)}],
        outputQuantityList=[
            {
                "epcClass": lot_class(lot.product, lot.code),
                "quantity": lot.kg,
                "uom": "KGM",
            }
        ],
        ilmd={
            **lot_ilmd([(lot, product)]),
            "cbvmda:productionMethodForFishAndSeafoodCode": "AQUACULTURE",
            "gdst:aquacultureMethod": _METHODS.get(unit_kind, UNKNOWN),
        },
        **declared(lot.organisation, needs_welfare=True),
        **{"gw:record": lot.harvest, "gw:evidenceDigest": lot.evidence_digest},
        **({"sensorElementList": water} if water else {}),
    )
    return [draft_of(event, lot.harvested_ms, lot.id)]


def of_labels(lot: Lot, serials: Sequence[str], at_ms: int) -> list[EventDraft]:
    """Return the issue of labels for a lot."""
    base = lot_class(lot.product, lot.code)
    event = event_of(
        "ObjectEvent",
        event_id("labels", *sorted(serials)),
        at_ms,
        action="ADD",
        bizStep="commissioning",
        disposition="active",
        epcList=[f"{base}/21/{serial}" for serial in serials],
        **declared(lot.organisation),
    )
    return [draft_of(event, at_ms, lot.id)]


def of_inspection(found: Inspection, lot: Lot, by: str) -> list[EventDraft]:
    """Return an inspector's verdict, told by his organisation, with what his phone signed."""
    thing = lot_class(lot.product, lot.code)
    about: dict[str, Any] = {"quantityList": [{"epcClass": thing}]}
    if found.label:
        about = {"epcList": [f"{thing}/21/{found.label}"], **about}
    event = event_of(
        "ObjectEvent",
        event_id("inspection", found.id),
        found.happened_ms,
        action="OBSERVE",
        bizStep="inspecting",
        disposition=found.result,
        **about,
        **{"gw:signed": found.statement},
        **(declared(lot.organisation) | {"cbvmda:informationProvider": party_uri(by)}),
    )
    return [draft_of(event, found.happened_ms, lot.id)]
