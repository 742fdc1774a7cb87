"""Ledgers as tests look at them: read in pages and checked as `greenwater verify` does."""

from collections.abc import Iterable

from greenwater.storage.registry import Registry
from greenwater.storage.registry.trace_events.ledger import TraceEvent
from traceability.ledger.roots import Altered, check_ledgers, read_ledger
from traceability.proof.keys import KeysDocument


def trace_events(
    registry: Registry, organisation: str | None = None, *, subject: str | None = None
) -> list[TraceEvent]:
    """Return recorded events by organisation and number."""
    owners = [organisation] if organisation else registry.ledger_organisations()
    return [
        event
        for one in owners
        for event in read_ledger(registry, one)
        if subject is None or event.subject == subject
    ]


def altered(events: Iterable[TraceEvent]) -> Altered | None:
    """Return what in one organisation's ledger is not as it was; None: it is whole."""
    return check_ledgers({"": events}, (), KeysDocument(())).altered
