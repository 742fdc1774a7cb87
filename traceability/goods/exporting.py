"""The chain of a lot as one EPCIS document: its completeness, and where it breaks."""

from typing import Any

from msgspec import Struct

from greenwater.kernel.errors import MissingError
from greenwater.storage.registry import Registry
from greenwater.storage.registry.between_organisations import Reach
from traceability.epcis.answers import EpcFormat, query_document
from traceability.epcis.naming import name_of, party_spellings
from traceability.gdst.chain import MOST as MOST_GOODS
from traceability.gdst.loose_ends import LooseEnd, first_loose_end
from traceability.gdst.rules import Checked, check


class LotChain(Struct, frozen=True):
    """A lot's events back to their beginnings, as a query document, and what GDST says.

    ``loose_end`` is the first broken link on the way back.
    """

    document: dict[str, Any]
    checked: Checked
    loose_end: LooseEnd | None

    @property
    def events(self) -> list[dict[str, Any]]:
        """The document's events, by time."""
        results = self.document["epcisBody"]["queryResults"]["resultsBody"]
        events: list[dict[str, Any]] = results["eventList"]
        return events


def export_chain(registry: Registry, reach: Reach, goods: str, now_ms: int) -> LotChain:
    """Return the chain of a lot or thing (EPC URN, GDST URN or Digital Link).

    As far as these organisations may see it: through every hand that shipped the goods on.

    Raises:
        MissingError: no event that they may see speaks of it.
    """
    start = name_of(goods)
    found = registry.chain_to(reach, start, party_spellings, limit=MOST_GOODS)
    if not found:
        raise MissingError(f"no event speaks of {goods!r}")
    name = "SimpleEventQuery"
    document = query_document(found, EpcFormat.NEVER, now_ms, name)
    events = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return LotChain(document, check(events), first_loose_end(events, start))
