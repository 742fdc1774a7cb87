"""A lot's descent as a drawing: what it came from above it, what came of it below.

A picture of the near descent, with kilograms on the lines and the first broken link in
red. The list under it holds all; the drawing says where it leaves something out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.trace_events.genealogy import Link
from traceability.goods.genealogy import Broken, walk
from web.views.formats import exact
from web.words import Lang, say

MOST_ROWS: Final = 3
"""So many steps back and so many on are drawn."""
MOST_BACK: Final = 12
"""So many back, where the broken link is that far."""
MOST_IN_ROW: Final = 3
WIDE: Final = 118
HIGH: Final = 44
GAP_X: Final = 8
GAP_Y: Final = 46
EDGE: Final = 6


@dataclass(frozen=True)
class LotMap:
    """The drawing, and how many lots of the descent are not on it."""

    svg: Markup
    left_out: int


class Box:
    """One lot's place on the drawing."""

    def __init__(self, row: int, x: float) -> None:
        self.x, self.y = x, EDGE + row * (HIGH + GAP_Y)

    @property
    def middle(self) -> float:
        """Where lines meet it."""
        return self.x + WIDE / 2


def lot_map(
    lang: Lang,
    start: str,
    lots: Mapping[str, Lot],
    links: Sequence[Link],
    broken: Broken | None,
    mine: frozenset[str] | None,
) -> LotMap:
    """Draw a descent; ``lots`` and ``links`` are those of both directions.

    ``mine`` are organisations whose lots may be opened; None: all.
    """
    at_fault = "" if broken is None else broken.lot
    boxes = _placed(_rows(start, links, at_fault))
    if len(boxes) < 2:
        return LotMap(Markup(""), 0)
    width = max(box.x for box in boxes.values()) + WIDE + EDGE
    height = max(box.y for box in boxes.values()) + HIGH + EDGE
    parts = [_line(lang, one, boxes, at_fault) for one in _joined(links, boxes)]
    parts += [
        _box(lang, lots[lot], box, lot == start, lot == at_fault, mine)
        for lot, box in boxes.items()
    ]
    svg = Markup(
        '<svg class="lotmap" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" '
        'height="{h:.0f}" role="group" aria-label="{a}">{b}</svg>'
    ).format(w=width, h=height, a=say(lang, "lotmap_alt"), b=Markup("").join(parts))
    known = {start, *(lot for one in links for lot in (one.parent, one.child))}
    return LotMap(svg, len(known) - len(boxes))


def _rows(start: str, links: Sequence[Link], at_fault: str) -> list[list[str]]:
    """Return the lots row by row, from the oldest that is drawn to the youngest.

    The lot at fault is drawn, however far back it is, first in its row.
    """
    depths: dict[str, int] = {}
    for is_back, sign in ((True, -1), (False, 1)):
        for node in walk(start, links, is_back=is_back):
            depths.setdefault(node.lot, sign * node.depth)
    reach = max(MOST_ROWS, min(-depths.get(at_fault, 0), MOST_BACK))
    found: dict[int, list[str]] = defaultdict(list)
    for lot in sorted(depths, key=lambda one: one != at_fault):
        depth = depths[lot]
        if -reach <= depth <= MOST_ROWS and len(found[depth]) < MOST_IN_ROW:
            found[depth].append(lot)
    return [found[depth] for depth in sorted(found)]


def _placed(rows: Sequence[Sequence[str]]) -> dict[str, Box]:
    widest = max(len(row) for row in rows)
    boxes = {}
    for number, row in enumerate(rows):
        left = EDGE + (widest - len(row)) * (WIDE + GAP_X) / 2
        for place, lot in enumerate(row):
            boxes[lot] = Box(number, left + place * (WIDE + GAP_X))
    return boxes


def _joined(links: Iterable[Link], boxes: Mapping[str, Box]) -> list[Link]:
    """Return one link for each pair of lots that are drawn, its kilograms added up."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for one in links:
        if one.parent in boxes and one.child in boxes:
            sums[one.parent, one.child] += one.kg
    return [Link(*pair, "", round(kg, 3)) for pair, kg in sorted(sums.items())]


def _line(lang: Lang, link: Link, boxes: Mapping[str, Box], at_fault: str) -> Markup:
    above, below = boxes[link.parent], boxes[link.child]
    kind = " broken" if link.child == at_fault else ""
    middle_x = (above.middle + below.middle) / 2
    middle_y = (above.y + HIGH + below.y) / 2
    return Markup(
        '<path class="link{k}" d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"/>'
        '<text class="kg" x="{x:.0f}" y="{y:.0f}">{kg} kg</text>'
    ).format(
        k=kind,
        x1=above.middle,
        y1=above.y + HIGH,
        x2=below.middle,
        y2=below.y,
        x=middle_x,
        y=middle_y + 5,
        kg=exact(lang, link.kg),
    )


def _box(
    lang: Lang,
    lot: Lot,
    box: Box,
    is_here: bool,
    is_broken: bool,
    mine: frozenset[str] | None,
) -> Markup:
    kinds = " here" * is_here + " broken" * is_broken
    body = Markup(
        '<g class="node{k}"><rect x="{x:.0f}" y="{y:.0f}" width="{w}" height="{h}" '
        'rx="8"/><text x="{m:.0f}" y="{y1:.0f}">{mark}{code}</text>'
        '<text class="note" x="{m:.0f}" y="{y2:.0f}">{kg} kg</text></g>'
    ).format(
        k=kinds,
        x=box.x,
        y=box.y,
        w=WIDE,
        h=HIGH,
        m=box.middle,
        y1=box.y + 19,
        y2=box.y + 36,
        mark="✕ " if is_broken else "",
        code=lot.code,
        kg=exact(lang, lot.kg),
    )
    if is_here or (mine is not None and lot.organisation not in mine):
        return body
    return Markup('<a href="/goods/{i}">{b}</a>').format(i=lot.id, b=body)
