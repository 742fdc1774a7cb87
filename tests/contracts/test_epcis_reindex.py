"""Events recorded before there were entries are found once they are indexed."""

import msgspec

from greenwater.storage.registry import Registry
from greenwater.storage.registry.trace_events.ledger import EventDraft
from greenwater.storage.registry.trace_events.terms import EventQuery, Term
from tests.contracts.registries import NOW, a_farm
from tests.ledgers import trace_events
from traceability.epcis.reindex import reindex


def test_what_was_recorded_before_is_found_and_the_ledger_stays(
    registry: Registry,
) -> None:
    a_farm(registry)
    event = {
        "type": "ObjectEvent", "eventID": "urn:a:1", "action": "OBSERVE",
        "bizStep": "shipping", "eventTime": "2026-11-20T07:00:00.000+07:00",
    }  # fmt: skip
    old = [
        EventDraft("no-event", NOW, "{}"),
        EventDraft("urn:a:1", NOW, msgspec.json.encode(event).decode()),
    ]
    registry.capture("hoa", old, now_ms=NOW, is_whole=True)
    shipped = EventQuery(terms=(Term(("bizStep",), ("shipping",)),))
    assert registry.find_events(shipped, limit=9) == []
    ledger = trace_events(registry)
    assert reindex(registry) == (1, 1)
    assert [one.event_id for one in registry.find_events(shipped, limit=9)] == [
        "urn:a:1"
    ]
    assert reindex(registry) == (0, 1)
    assert trace_events(registry) == ledger
