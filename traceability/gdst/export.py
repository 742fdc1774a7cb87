"""The chain of a lot as one EPCIS document, with its completeness."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from greenwater.kernel.errors import MissingError
from greenwater.storage.registry.epcis import MOST
from greenwater.storage.registry.finding import EventQuery, FoundEvent, Term
from greenwater.storage.registry.scope import Scope
from traceability.epcis.answers import EpcFormat, query_document
from traceability.epcis.epcs import to_link
from traceability.gdst.chain import MOST as MOST_GOODS
from traceability.gdst.rules import Checked, check

_OUT = ("outputEPC", "outputEPCClass", "parentID")
_ANY = ("anyEPC", "anyEPCClass")


class LotChain(Struct, frozen=True):
    """A lot's events back to their beginnings, as a query document, and what GDST says."""

    document: dict[str, Any]
    checked: Checked


def export_chain(seen: Scope, goods: str, now_ms: int) -> LotChain:
    """Return the chain of a lot or thing (EPC URN, GDST URN or Digital Link).

    Raises:
        MissingError: no event speaks of it.
    """
    found = _chain(seen, to_link(goods))
    if not found:
        raise MissingError(f"no event speaks of {goods!r}")
    name = "SimpleEventQuery"
    document = query_document(found, EpcFormat.NEVER, now_ms, name)
    events = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return LotChain(document, check(events))


def _chain(seen: Scope, start: str) -> Sequence[FoundEvent]:
    known, waiting = {start}, [start]
    events: dict[tuple[str, int], FoundEvent] = {}
    while waiting and len(known) < MOST_GOODS:
        part, waiting = waiting[:200], waiting[200:]
        query = EventQuery(terms=(Term(_ANY, tuple(part)),), is_ascending=True)
        came_from: set[str] = set()
        for one in seen.find_events(query, limit=MOST):
            texts = seen.entries_of_event(one.organisation, one.number)
            is_made = any(name in _OUT and text in known for name, text in texts)
            is_input_only = _is_only_input(texts, known)
            if not is_input_only:
                events[one.organisation, one.number] = one
            if is_made and not _is_unpacking(texts):
                came_from |= _sources(texts)
        waiting += sorted(came_from - known)
        known |= came_from
    return sorted(events.values(), key=lambda one: (one.event_ms, one.number))


Texts = Sequence[tuple[str, str]]


def _is_only_input(texts: Texts, known: set[str]) -> bool:
    """A thing was used up there: that is the way on, not the way back."""
    held = {name for name, text in texts if text in known} - set(_ANY)
    return bool(held) and held <= {"inputEPC", "inputEPCClass"}


def _is_unpacking(texts: Texts) -> bool:
    return ("action", "ADD") not in texts and ("eventType", "AggregationEvent") in texts


def _sources(texts: Texts) -> set[str]:
    is_packing = ("eventType", "AggregationEvent") in texts
    names = ("epc", "epcClass") if is_packing else ("inputEPC", "inputEPCClass")
    return {text for name, text in texts if name in names}
