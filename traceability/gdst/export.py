"""The chain of a lot as one EPCIS document, with its completeness."""

from typing import Any

from msgspec import Struct

from greenwater.kernel.errors import MissingError
from greenwater.storage.registry.scope import Scope
from traceability.epcis.answers import EpcFormat, query_document
from traceability.epcis.epcs import to_link
from traceability.gdst.chain import MOST as MOST_GOODS
from traceability.gdst.rules import Checked, check


class LotChain(Struct, frozen=True):
    """A lot's events back to their beginnings, as a query document, and what GDST says."""

    document: dict[str, Any]
    checked: Checked


def export_chain(seen: Scope, goods: str, now_ms: int) -> LotChain:
    """Return the chain of a lot or thing (EPC URN, GDST URN or Digital Link).

    Raises:
        MissingError: no event speaks of it.
    """
    found = seen.find_chain(to_link(goods), limit=MOST_GOODS)
    if not found:
        raise MissingError(f"no event speaks of {goods!r}")
    name = "SimpleEventQuery"
    document = query_document(found, EpcFormat.NEVER, now_ms, name)
    events = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return LotChain(document, check(events))
