"""A lot's chain: back to where it came from, and on to what became of it. Pure.

Back: the inputs of transformations that put it out and what an aggregation packed into
it, and so on until nothing is unknown (standards.md §8).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from traceability.epcis.epcs import to_link

Event = Mapping[str, Any]
MOST: Final = 100_000
"""The most identifiers one chain may have: a guard, not a limit of trade."""


class Chain(NamedTuple):
    """Events that belong to a chain, in their given order, and the goods in them."""

    events: tuple[Event, ...]
    goods: frozenset[str]


def _named(event: Event, epcs: Sequence[str], quantities: Sequence[str]) -> set[str]:
    found = {to_link(one) for name in epcs for one in event.get(name) or ()}
    for name in quantities:
        found |= {to_link(one["epcClass"]) for one in event.get(name) or ()}
    return found


def _inputs(event: Event) -> set[str]:
    return _named(event, ("inputEPCList",), ("inputQuantityList",))


def _outputs(event: Event) -> set[str]:
    return _named(event, ("outputEPCList",), ("outputQuantityList",))


def _children(event: Event) -> set[str]:
    return _named(event, ("childEPCs",), ("childQuantityList",))


def goods_of(event: Event) -> set[str]:
    """Return all that an event is about, as canonical links."""
    found = _named(event, ("epcList",), ("quantityList",))
    found |= _inputs(event) | _outputs(event) | _children(event)
    return found | ({to_link(event["parentID"])} if event.get("parentID") else set())


def steps_of(event: Event) -> tuple[set[str], set[str]]:
    """Return what came out and what it came from."""
    if event.get("type") == "TransformationEvent":
        return _outputs(event), _inputs(event)
    is_packed = event.get("type") == "AggregationEvent" and event.get("action") == "ADD"
    if is_packed and event.get("parentID"):
        return {to_link(event["parentID"])}, _children(event)
    return set(), set()


def trace_back(events: Sequence[Event], start: str) -> Chain:
    """Return all that a thing came from, and the events that say so."""
    return _walk(events, start, is_back=True)


def trace_forward(events: Sequence[Event], start: str) -> Chain:
    """Return all that became of a thing, and the events that say so."""
    return _walk(events, start, is_back=False)


def _walk(events: Sequence[Event], start: str, *, is_back: bool) -> Chain:
    edges: dict[str, set[str]] = defaultdict(set)
    for event in events:
        out, came_from = steps_of(event)
        heads, tails = (out, came_from) if is_back else (came_from, out)
        for one in heads:
            edges[one] |= tails
    known, waiting = {to_link(start)}, [to_link(start)]
    while waiting and len(known) < MOST:
        new = edges.get(waiting.pop(), set()) - known
        known |= new
        waiting += sorted(new)
    return Chain(tuple(_touching(events, known, is_back=is_back)), frozenset(known))


def _touching(
    events: Iterable[Event], known: set[str], *, is_back: bool
) -> Iterable[Event]:
    for event in events:
        out, came_from = steps_of(event)
        # A transformation belongs to the chain by the side the walk came from.
        sides = (out if is_back else came_from) or goods_of(event)
        if sides & known:
            yield event
