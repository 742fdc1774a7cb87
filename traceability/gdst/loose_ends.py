"""Where a chain breaks: the nearest goods of which no event says where they are from. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from traceability.epcis.naming import goods_uri, name_of
from traceability.epcis.vocabulary import BIZ_STEP, bare
from traceability.gdst.chain import Event, goods_of, steps_of

BEGINNINGS: Final = frozenset(
    {
        "commissioning",
        "urn:gdst:bizStep:farmHarvest",
        "urn:gdst:bizStep:fishingEvent",
        "urn:gdst:bizStep:hatching",
        "urn:gdst:bizStep:landing",
    }
)
"""Steps with which goods begin to be, beside whatever adds them."""


class LooseEnd(Struct, frozen=True):
    """Goods (a link) at which the way back ends.

    No event tells what made them. ``why``: ``unshipped`` (somebody received them, and no
    event tells of their shipping either: they came from outside), ``unmade`` (the rest).
    """

    goods: str
    why: str


def first_loose_end(events: Sequence[Event], start: str) -> LooseEnd | None:
    """Return the loose end nearest to a thing on its way back; None: all goods have a beginning."""
    came_from: dict[str, set[str]] = defaultdict(set)
    began = set[str]()
    moved: dict[str, set[str]] = {"receiving": set(), "shipping": set()}
    for event in events:
        out, inputs = steps_of(event)
        for one in out:
            came_from[one] |= inputs
        step = bare(BIZ_STEP, str(event.get("bizStep", "")))
        is_made = event.get("type") == "ObjectEvent" and event.get("action") == "ADD"
        if is_made or step in BEGINNINGS:
            began |= out or goods_of(event)
        elif step in moved:
            moved[step] |= goods_of(event)
    waiting = [name_of(start)]
    known = set(waiting)
    for thing in waiting:
        if thing not in began and not came_from[thing]:
            is_got = thing in moved["receiving"] and thing not in moved["shipping"]
            return LooseEnd(goods_uri(thing), "unshipped" if is_got else "unmade")
        new = came_from[thing] - known
        known |= new
        waiting += sorted(new)
    return None
