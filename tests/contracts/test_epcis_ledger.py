"""EPCIS on each registry: captured once, found, chained, exported."""

import json
from pathlib import Path
from typing import Any

import pytest

from greenwater.storage.registry import Registry
from greenwater.storage.registry.trace_events.epcis import DuplicateEventError
from greenwater.storage.registry.trace_events.ledger import EventDraft
from greenwater.storage.registry.trace_events.terms import EventQuery, Term
from tests.contracts.registries import NOW, a_farm
from tests.ledgers import altered, trace_events
from traceability.epcis.capture import draft_of
from traceability.epcis.documents import read_document
from traceability.goods.exporting import export_chain

ROOT = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "gdst"
pytestmark = pytest.mark.skipif(not ROOT.exists(), reason=f"{ROOT} is absent")


def drafts_of(raw: dict[str, Any]) -> list[EventDraft]:
    document = read_document(raw)
    return [draft_of(event, document.context) for event in document.events]


def test_a_chain_is_captured_found_and_exported(registry: Registry) -> None:
    a_farm(registry)
    raw = json.loads((ROOT / "trace/traceback_tests.jsonld").read_bytes())
    # The file gives different events one eventID, which a ledger refuses: hashed anew.
    with pytest.raises(DuplicateEventError):
        registry.capture("hoa", drafts_of(raw), now_ms=NOW, is_whole=True)
    for event in raw["epcisBody"]["eventList"]:
        del event["eventID"]
    drafts = drafts_of(raw)
    assert all(registry.capture("hoa", drafts, now_ms=NOW, is_whole=True))
    with pytest.raises(DuplicateEventError) as refused:
        registry.capture("hoa", drafts, now_ms=NOW, is_whole=True)
    assert refused.value.index == 0
    # The clock goes back, times of record do not; nothing is recorded twice.
    assert not any(registry.capture("hoa", drafts, now_ms=NOW - 5, is_whole=False))
    ledger = trace_events(registry, "hoa")
    assert (len(ledger), altered(ledger)) == (21, None)

    seen = registry.visible_to_organisation("hoa")
    packed = EventQuery(terms=(Term(("bizStep",), ("packing",)),))
    assert len(seen.find_events(packed, limit=100)) == 2
    heavy = EventQuery(terms=(Term(("quantity|mass",), op="GE", number=12_000.0),))
    assert all("12000" in e.document or "22000" in e.document
               for e in seen.find_events(heavy, limit=100))  # fmt: skip
    assert registry.visible_to_organisation("other").find_events(packed, limit=9) == []

    outer = "urn:epc:id:sscc:08600031303.0005"
    hoa = frozenset({"hoa"})
    chain = export_chain(registry, hoa, outer, NOW)
    assert {one["eventID"] for one in chain.events} == {draft.id for draft in drafts}
    assert chain.loose_end is None
    assert read_document(chain.document).events
    hatched = "urn:gdst:example.org:product:lot:class:hatchery.1u.tf12012021"
    begin = export_chain(registry, hoa, hatched, NOW)
    steps = [one["bizStep"] for one in begin.events]
    assert steps == ["urn:gdst:bizStep:hatching", "shipping", "receiving"]
