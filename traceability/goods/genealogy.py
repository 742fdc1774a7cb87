"""A lot's descent: what it came from, what came of it, and whether every link holds. Pure.

A walk passes no lot twice, so that a ring, which no step can make but a meddler could,
is found instead of followed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.goods import Flow
from greenwater.storage.registry.trace_events.genealogy import Link

ROUNDING_KG: Final = 0.001
MADE: Final = "step"


class Broken(Struct, frozen=True):
    """A link that does not hold: at which lot, and why.

    ``why``: ``ring`` (it is its own ancestor), ``of_nothing`` (nothing went into the step
    that made it), ``outgrown`` (more came out than went in), ``overdrawn`` (more was
    taken from it than it had), ``unreceived`` (somebody used it who never got it).
    """

    lot: str
    why: str
    kg: float = 0.0
    had_kg: float = 0.0


class Node(NamedTuple):
    """One lot of a walk, ``depth`` links from where it began."""

    lot: str
    depth: int


def walk(start: str, links: Iterable[Link], *, is_back: bool) -> list[Node]:
    """Return every lot that is reached, the nearest first, each once."""
    onward: dict[str, list[str]] = defaultdict(list)
    for link in links:
        here, there = (
            (link.child, link.parent) if is_back else (link.parent, link.child)
        )
        onward[here].append(there)
    found, known, waiting = [Node(start, 0)], {start}, [Node(start, 0)]
    for node in waiting:
        for lot in onward[node.lot]:
            if lot not in known:
                known.add(lot)
                waiting.append(Node(lot, node.depth + 1))
                found.append(waiting[-1])
    return found


def first_broken(
    start: str, lots: Mapping[str, Lot], links: Sequence[Link], flows: Sequence[Flow]
) -> Broken | None:
    """Return the broken link nearest to a lot on its way back; None: all of them hold.

    ``lots`` and ``links`` are all that the lot came from, ``flows`` all of these lots.
    """
    ring = _ring(links)
    books = _Books(lots, flows)
    for node in walk(start, links, is_back=True):
        if node.lot in ring:
            return Broken(node.lot, "ring")
        found = next(books.faults(lots[node.lot]), None)
        if found is not None:
            return found
    return None


def _ring(links: Iterable[Link]) -> frozenset[str]:
    """Return lots that are their own ancestors: those no order of making can place."""
    parents: dict[str, set[str]] = defaultdict(set)
    children: dict[str, set[str]] = defaultdict(set)
    for link in links:
        parents[link.child].add(link.parent)
        children[link.parent].add(link.child)
    ready = [lot for lot in children if not parents[lot]]
    while ready:
        lot = ready.pop()
        for child in children[lot]:
            parents[child].discard(lot)
            if not parents[child]:
                ready.append(child)
    stuck = {lot for lot, left in parents.items() if left}
    # What comes after a ring is stuck too, but not in it.
    while True:
        loose = {lot for lot in stuck if not children[lot] & stuck}
        if not loose:
            return frozenset(stuck)
        stuck -= loose


class _Books:
    """Sums of all flows, looked at lot by lot."""

    def __init__(self, lots: Mapping[str, Lot], flows: Sequence[Flow]) -> None:
        self._held: dict[str, dict[str, float]] = defaultdict(
            lambda: defaultdict(float)
        )
        self._went_in: dict[str, dict[str, float]] = defaultdict(
            lambda: defaultdict(float)
        )
        self._came_out: dict[str, dict[str, float]] = defaultdict(
            lambda: defaultdict(float)
        )
        for lot in lots.values():
            if lot.origin != MADE:
                self._held[lot.id][lot.organisation] += lot.kg
        for flow in flows:
            is_in = flow.direction == "in"
            self._held[flow.lot][flow.organisation] += -flow.kg if is_in else flow.kg
            sums = self._went_in if is_in else self._came_out
            sums[flow.step][flow.species] += flow.kg

    def faults(self, lot: Lot) -> Iterator[Broken]:
        """Yield what is wrong with one lot and the step that made it."""
        for organisation, kg in sorted(self._held[lot.id].items()):
            if kg < -ROUNDING_KG:
                why = "overdrawn" if organisation == lot.organisation else "unreceived"
                yield Broken(lot.id, why, round(-kg, 3))
        if lot.origin != MADE:
            return
        went_in = self._went_in[lot.step or ""]
        if not went_in:
            yield Broken(lot.id, "of_nothing", lot.kg)
        for species, kg in self._came_out[lot.step or ""].items():
            had = went_in.get(species, 0.0)
            if went_in and kg > had + ROUNDING_KG:
                yield Broken(lot.id, "outgrown", round(kg, 3), round(had, 3))
