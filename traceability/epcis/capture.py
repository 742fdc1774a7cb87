"""From a document that was checked to what the ledger records."""

from collections.abc import Mapping
from typing import Any, Final

from greenwater.kernel.reading import instant
from greenwater.storage.registry.trace_events.ledger import EventDraft
from traceability.epcis.entries import entries_of
from traceability.epcis.forms import parse_time
from traceability.epcis.hashing import hash_id, prehash
from traceability.records import canonical

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld"

OWN_CONTEXT: Final = {
    "gw": "https://greenwater.example/ns/",
    "gdst": "https://traceability-dialogue.org/epcis",
}
"""What our own events declare beside GS1's context."""


def draft_of(event: Mapping[str, Any], context: Any) -> EventDraft:
    """Return what is recorded of one event: with its id and its document's context.

    Where it has no eventID it gets CBV's hash. ``recordTime`` is ours to give: one that
    came along is left out.
    """
    made = {key: value for key, value in event.items() if key != "recordTime"}
    made.setdefault("eventID", hash_id(prehash(event, context)))
    is_bare = "@context" in event
    made.setdefault("@context", context if context is not None else CONTEXT)
    return EventDraft(
        id=made["eventID"],
        event_ms=parse_time(event["eventTime"]),
        document=canonical(made),
        kind=str(event["type"]),
        entries=entries_of(made, context),
        is_error="errorDeclaration" in event,
        is_bare=is_bare and context is not event.get("@context"),
        is_foreign=True,
    )


def iso(ms: int) -> str:
    """Return an instant as EPCIS writes it."""
    return instant(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
