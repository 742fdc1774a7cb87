"""What one event of a lot's chain says: its goods, what came out and what it came from. Pure.

The way back: the inputs of transformations that put a thing out and what an aggregation
packed into it, and so on until nothing is unknown (standards.md §8).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from traceability.epcis.naming import name_of

Event = Mapping[str, Any]
MOST: Final = 100_000
"""The most identifiers one chain may have: a guard, not a limit of trade."""


def _named(event: Event, epcs: Sequence[str], quantities: Sequence[str]) -> set[str]:
    found = {name_of(one) for name in epcs for one in event.get(name) or ()}
    for name in quantities:
        found |= {name_of(one["epcClass"]) for one in event.get(name) or ()}
    return found


def _inputs(event: Event) -> set[str]:
    return _named(event, ("inputEPCList",), ("inputQuantityList",))


def _outputs(event: Event) -> set[str]:
    return _named(event, ("outputEPCList",), ("outputQuantityList",))


def _children(event: Event) -> set[str]:
    return _named(event, ("childEPCs",), ("childQuantityList",))


def goods_of(event: Event) -> set[str]:
    """Return all that an event is about, by the names they are found by."""
    found = _named(event, ("epcList",), ("quantityList",))
    found |= _inputs(event) | _outputs(event) | _children(event)
    return found | ({name_of(event["parentID"])} if event.get("parentID") else set())


def steps_of(event: Event) -> tuple[set[str], set[str]]:
    """Return what came out and what it came from."""
    if event.get("type") == "TransformationEvent":
        return _outputs(event), _inputs(event)
    is_packed = event.get("type") == "AggregationEvent" and event.get("action") == "ADD"
    if is_packed and event.get("parentID"):
        return {name_of(event["parentID"])}, _children(event)
    return set(), set()
