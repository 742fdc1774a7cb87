"""Is a ledger whole? Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from greenwater.storage.registry.ledger import GENESIS, TraceEvent, link_hash


class BrokenLink(NamedTuple):
    """The first event of a ledger that does not fit, and why."""

    number: int
    why: str


def first_broken_link(events: Iterable[TraceEvent]) -> BrokenLink | None:
    """Return where an organisation's ledger is broken; None: it is whole.

    ``events`` are all of it, by number.
    """
    expected, previous = 1, GENESIS
    for event in events:
        if event.number != expected:
            return BrokenLink(expected, f"event {expected} is missing")
        if event.previous != previous:
            return BrokenLink(event.number, "it does not name the event before it")
        if link_hash(previous, event.document) != event.hash:
            return BrokenLink(event.number, "its content is not what was recorded")
        expected, previous = expected + 1, event.hash
    return None
