"""Trace events of a catch in GDST's words: fishing, transshipment, landing. Pure.

A small boat has no IMO number and belongs to no improvement project: what it does not
have is said so (``NOT_APPLICABLE``), never made up. Places are told by area and port,
never as fishing grounds.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from greenwater.kernel.reading import Source, instant, local
from greenwater.reference.vessel_rules import RULES
from greenwater.storage.registry.books import Lot, Product
from greenwater.storage.registry.trace_events.ledger import EventDraft
from traceability.epcis.capture import OWN_CONTEXT
from traceability.epcis.entries import entries_of
from traceability.epcis.naming import party_uri, place_uri
from traceability.gdst.rules import NOT_APPLICABLE
from traceability.ledger.events import event_id, lot_class
from traceability.records import canonical
from traceability.sea.catch_evidence import CatchEvidence
from traceability.sea.trip_book import Standing, TripBook

UNDECLARED: Final = "None"
"""The policy on people's welfare that a boat has declared: none."""


def of_catch(
    lot: Lot, product: Product, evidence: CatchEvidence, book: TripBook
) -> list[EventDraft]:
    """Return the events of a lot of a landing, from the sea to the port."""
    ended_ms = max(
        (one.record.happened_ms for one in book.catches), default=lot.harvested_ms
    )
    drafts = [_fishing(lot, product, evidence, min(ended_ms, lot.harvested_ms))]
    drafts += _transshipments(lot, product, book)
    return [*drafts, _landing(lot, evidence)]


def port_place(code: str) -> str:
    """Return a port as a place."""
    return place_uri("port", code)


def vessel_place(registration: str) -> str:
    """Return a vessel as a place."""
    return place_uri("vessel", registration)


def vessel_information(evidence: CatchEvidence) -> dict[str, Any]:
    """Return the fourteen data elements of a vessel."""
    shares = {} if evidence.coverage is None else evidence.coverage.by_source
    departed = local(evidence.departure_ms)
    return {
        "cbvmda:vesselName": evidence.vessel,
        "cbvmda:vesselID": evidence.registration,
        "cbvmda:vesselFlagState": RULES.flag,
        "cbvmda:catchArea": f"urn:gdst:fao:{evidence.fao_area}",
        "cbvmda:economicZone": RULES.economic_zone,
        "cbvmda:fishingGearTypeCode": gear_urn(evidence.gear_number),
        "gdst:vesselTripDate": departed.isoformat(timespec="seconds"),
        "gdst:gpsAvailability": evidence.has_positions,
        "gdst:satelliteTrackingAuthority": (
            f"{RULES.flag}: national VMS" if Source.VMS in shares else NOT_APPLICABLE
        ),
        "gdst:imoNumber": NOT_APPLICABLE,
        "gdst:fisheryImprovementProject": NOT_APPLICABLE,
        "gdst:rfmoArea": NOT_APPLICABLE,
        "gdst:subnationalPermitArea": NOT_APPLICABLE,
        "gdst:vesselPublicRegistry": NOT_APPLICABLE,
    }


def gear_urn(number: str) -> str:
    """Return a gear as GDST writes ISSCFG: ``09.32`` is ``urn:gdst:gear:9.32``."""
    group, _, rest = number.partition(".")
    if not group.isdigit():
        return "urn:gdst:gear:99"
    return f"urn:gdst:gear:{int(group)}{'.' if rest else ''}{rest}"


def _event(
    id_: str, at_ms: int, action: str, step: str, organisation: str, **rest: Any
) -> dict[str, Any]:
    return {
        "type": "ObjectEvent",
        "eventID": id_,
        "eventTime": instant(at_ms).isoformat(timespec="milliseconds"),
        "eventTimeZoneOffset": "+07:00",
        "action": action,
        "bizStep": f"urn:gdst:bizStep:{step}",
        "disposition": "active",
        "gdst:productOwner": party_uri(organisation),
        "cbvmda:informationProvider": party_uri(organisation),
        "gdst:humanWelfarePolicy": UNDECLARED,
        **rest,
    }


def _goods(lot: Lot) -> dict[str, Any]:
    return {
        "epcClass": lot_class(lot.product, lot.code),
        "quantity": lot.kg,
        "uom": "KGM",
    }


def _draft(event: dict[str, Any], at_ms: int, lot: Lot) -> EventDraft:
    return EventDraft(
        event["eventID"],
        at_ms,
        canonical(event),
        lot.id,
        kind=event["type"],
        entries=entries_of(event, OWN_CONTEXT),
    )


def _fishing(
    lot: Lot, product: Product, evidence: CatchEvidence, at_ms: int
) -> EventDraft:
    ilmd: Mapping[str, Any] = {
        "cbvmda:vesselCatchInformationList": {
            "cbvmda:vesselCatchInformation": [vessel_information(evidence)]
        },
        "cbvmda:productionMethodForFishAndSeafoodCode": "MARINE_FISHERY",
        "cbvmda:lotNumber": lot.code,
        "cbvmda:speciesForFisheryStatisticsPurposesCode": product.species,
    }
    event = _event(
        event_id("fishing", lot.id), at_ms, "ADD", "fishingEvent", lot.organisation,
        bizLocation={"id": vessel_place(evidence.registration)},
        quantityList=[_goods(lot)],
        ilmd=ilmd,
        **{"gw:evidenceDigest": lot.evidence_digest},
    )  # fmt: skip
    return _draft(event, at_ms, lot)


def _transshipments(lot: Lot, product: Product, book: TripBook) -> Iterator[EventDraft]:
    for one in book.transshipments:
        if one.record.fields["direction"] == "taken" and (
            product.species in one.kilograms
        ):
            yield _transshipment(lot, one)


def _transshipment(lot: Lot, one: Standing) -> EventDraft:
    at_ms = min(one.record.happened_ms, lot.harvested_ms)
    event = _event(
        event_id("transshipment", lot.id, one.root), at_ms, "OBSERVE",
        "transshipment", lot.organisation,
        bizLocation={"id": vessel_place(one.record.vessel)},
        quantityList=[_goods(lot)],
        **{
            "cbvmda:unloadingPort": NOT_APPLICABLE,
            "gw:otherVessel": one.record.fields["other_vessel"],
        },
    )  # fmt: skip
    return _draft(event, at_ms, lot)


def _landing(lot: Lot, evidence: CatchEvidence) -> EventDraft:
    place = port_place(evidence.landing_port)
    event = _event(
        event_id("landing", lot.id), lot.harvested_ms, "OBSERVE", "landing",
        lot.organisation,
        readPoint={"id": place},
        bizLocation={"id": place},
        quantityList=[_goods(lot)],
        **{"cbvmda:unloadingPort": place},
    )  # fmt: skip
    return _draft(event, lot.harvested_ms, lot)
