"""Events that were recorded before there were entries, made known to queries."""

from typing import Any, Final

import msgspec

from greenwater.kernel.errors import InputError
from greenwater.storage.registry import Registry
from greenwater.storage.registry.trace_events.ledger import EventDraft
from traceability.epcis.capture import OWN_CONTEXT
from traceability.epcis.entries import entries_of
from traceability.epcis.forms import parse_time

AT_ONCE: Final = 500


def reindex(registry: Registry) -> tuple[int, int]:
    """Index what no query finds; return how many were, and how many are no events."""
    done, failed = 0, 0
    while True:
        waiting = registry.unindexed(limit=AT_ONCE + failed)[failed:]
        if not waiting:
            return done, failed
        for organisation, number, id_, document in waiting:
            draft = _draft(id_, document)
            if draft is None:
                failed += 1
            else:
                registry.index_recorded(organisation, number, draft)
                done += 1


def _draft(id_: str, document: str) -> EventDraft | None:
    try:
        event: Any = msgspec.json.decode(document)
        return EventDraft(
            id=event.get("eventID", id_),
            event_ms=parse_time(event["eventTime"]),
            document=document,
            kind=str(event["type"]),
            entries=entries_of(event, event.get("@context", OWN_CONTEXT)),
            is_error="errorDeclaration" in event,
        )
    except (msgspec.DecodeError, KeyError, AttributeError, TypeError, InputError):
        return None
