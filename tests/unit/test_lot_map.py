"""A lot's descent as a drawing: small, kilograms added up, the broken link always on it."""

from msgspec.structs import replace

from greenwater.storage.registry.trace_events.genealogy import Link
from tests.unit.test_own_events import LOT
from traceability.goods.genealogy import Broken
from web.views.lotmap import MOST_IN_ROW, lot_map
from web.words import Lang

ROW = [replace(LOT, id=f"l{n}", code=f"C{n}") for n in range(12)]
LOTS = {one.id: one for one in ROW}
CHAIN = [Link(f"l{n}", f"l{n + 1}", f"s{n}", 10.0 + n) for n in range(11)]


def test_a_lot_alone_is_not_drawn() -> None:
    assert not lot_map(Lang.VI, "l0", LOTS, [], None, None).svg


def test_the_near_descent_is_drawn_and_the_rest_counted() -> None:
    drawn = lot_map(Lang.VI, "l5", LOTS, CHAIN, None, None)
    assert (drawn.svg.count('<g class="node'), drawn.left_out) == (7, 5)
    assert drawn.svg.count('class="node here"') == 1
    assert ">14 kg<" in drawn.svg, "what went from l4 into it"
    assert "broken" not in drawn.svg


def test_the_broken_link_is_drawn_however_far_back() -> None:
    drawn = lot_map(Lang.VI, "l11", LOTS, CHAIN, Broken("l2", "outgrown"), None)
    assert drawn.svg.count('class="node broken"') == 1
    assert "✕ C2" in drawn.svg


def test_kilograms_of_a_pair_are_added_up_and_a_wide_row_is_cut() -> None:
    links = [Link("l0", f"l{n}", "s", 5.0) for n in range(1, 9)]
    drawn = lot_map(
        Lang.EN, "l0", LOTS, [*links, Link("l0", "l1", "t", 2.5)], None, None
    )
    assert ">7.5 kg<" in drawn.svg
    assert (drawn.svg.count('<g class="node'), drawn.left_out) == (
        1 + MOST_IN_ROW, 8 - MOST_IN_ROW,
    )  # fmt: skip


def test_a_ring_ends_and_others_lots_are_not_opened() -> None:
    ring = [Link("l0", "l1", "a", 1.0), Link("l1", "l0", "b", 1.0)]
    drawn = lot_map(Lang.VI, "l0", LOTS, ring, Broken("l0", "ring"), frozenset())
    assert drawn.svg.count('<g class="node') == 2
    assert "href" not in drawn.svg
