"""A lot's balance, descent and history as people read them. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from greenwater.storage.registry.books import Lot, Product
from greenwater.storage.registry.goods import Flow, Holding, Step
from greenwater.storage.registry.trace_events.genealogy import Link
from traceability.label.recalls import IN_HAND, ON_ITS_WAY, OUTSIDE, Held
from web.views.formats import day, exact, moment
from web.words import Lang, say

MOST_SHOWN: Final = 60
"""The most lots that a tree on a page names."""

PLACES: Final = {
    IN_HAND: "reach_in_hand",
    ON_ITS_WAY: "reach_on_its_way",
    OUTSIDE: "reach_outside",
}


def product_name(lang: Lang, product: Product) -> str:
    """Return a product's name; in Vietnamese where it has no other."""
    is_english = lang is Lang.EN and product.name_en
    return product.name_en if is_english else product.name_vi


@dataclass(frozen=True)
class TreeNode:
    """One lot of a descent; ``href`` empty: it is others', only its number is told."""

    text: str
    href: str
    is_here: bool
    is_again: bool
    onward: list["TreeNode"] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """One line of a balance: what, and how many kilograms."""

    name: str
    kg: str


@dataclass(frozen=True)
class HistoryLine:
    """One step as it is told."""

    at: str
    what: str
    text: str


def balance_rows(
    lang: Lang, lot: Lot, steps: Mapping[str, Step], flows: Sequence[Flow], mine: str
) -> list[Row]:
    """Return where the kilograms of a lot went that an organisation had."""
    sums: dict[str, float] = defaultdict(float)
    if lot.origin != "step" and lot.organisation == mine:
        sums["begun"] += lot.kg
    for flow in flows:
        step = steps.get(flow.step)
        if flow.organisation != mine or step is None or step.kind in ("pack", "unpack"):
            continue
        sums[_name(step.kind, flow.direction)] += flow.kg
    order = ("begun", "received", "used", "shipped", "sold", "disposed")
    rows = [
        Row(say(lang, f"balance_{one}"), exact(lang, round(sums[one], 3)))
        for one in order
        if sums[one]
    ]
    out = sums["used"] + sums["shipped"] + sums["sold"] + sums["disposed"]
    left = round(sums["begun"] + sums["received"] - out, 3)
    return [*rows, Row(say(lang, "balance_left"), exact(lang, left))]


def _name(kind: str, direction: str) -> str:
    if direction == "out":
        return "received" if kind == "receive" else "begun"
    return {"ship": "shipped", "sell": "sold", "dispose": "disposed"}.get(kind, "used")


def packages_of(holdings: Sequence[Holding]) -> Mapping[str, float]:
    """Return the packages in hand with what they hold of the lot."""
    return {one.package: one.kg for one in holdings if one.package is not None}


def short_package(package: str) -> str:
    """Return a package as people name it: without the address in front."""
    return package.rpartition(":")[2] if package.startswith("urn:") else package[-18:]


def tree_of(
    lang: Lang,
    start: str,
    lots: Mapping[str, Lot],
    links: Sequence[Link],
    reach: frozenset[str] | None,
    *,
    is_back: bool,
) -> TreeNode:
    """Return a descent as a tree; a lot that stands there already is not unfolded again.

    ``reach`` are the organisations whose lots may be opened; None: all.
    """
    onward: dict[str, list[str]] = defaultdict(list)
    for link in links:
        here, there = (
            (link.child, link.parent) if is_back else (link.parent, link.child)
        )
        onward[here].append(there)
    shown: set[str] = set()

    def node(lot: str) -> TreeNode:
        one = lots[lot]
        is_again = lot in shown
        shown.add(lot)
        may_open = reach is None or one.organisation in reach
        made = TreeNode(
            say(lang, "tree_lot", code=one.code, kg=exact(lang, one.kg)),
            f"/goods/{lot}" if may_open else "",
            lot == start,
            is_again,
        )
        if not is_again:
            for other in dict.fromkeys(onward[lot]):
                if len(shown) < MOST_SHOWN:
                    made.onward.append(node(other))
        return made

    return node(start)


def only_mine(
    lots: Mapping[str, Lot], links: Sequence[Link], reach: frozenset[str] | None
) -> tuple[Sequence[Link], int]:
    """Return the links between lots of one's own, and how many lots are others'."""
    if reach is None:
        return links, 0
    mine = {one.id for one in lots.values() if one.organisation in reach}
    kept = [one for one in links if {one.parent, one.child} <= mine]
    return kept, len(lots) - len(mine)


def history_of(
    lang: Lang,
    lot: str,
    steps: Sequence[Step],
    flows: Sequence[Flow],
    names: Mapping[str, str],
    now_ms: int,
) -> list[HistoryLine]:
    """Return what was done to a lot, the newest first."""
    moved: dict[str, float] = defaultdict(float)
    for flow in flows:
        if flow.lot == lot:
            moved[flow.step] = max(moved[flow.step], flow.kg)
    return [
        HistoryLine(
            moment(lang, one.at_ms, now_ms),
            say(lang, f"record_{one.kind}"),
            " · ".join(filter(None, _told(lang, one, moved[one.id], names))),
        )
        for one in reversed(steps)
    ]


def _told(lang: Lang, step: Step, kg: float, names: Mapping[str, str]) -> list[str]:
    fields = step.fields
    told = [f"{exact(lang, kg)} kg"]
    if "process" in fields:
        told.append(say(lang, f"process_{fields['process']}"))
    if fields.get("package"):
        told.append(short_package(fields["package"]))
    if "to" in fields:
        to = fields["to"]
        told.append(names.get(to["organisation"] or "", to["name"]))
        told.append(to["place"])
    return [*told, fields.get("reason", ""), names.get(step.organisation, "")]


@dataclass(frozen=True)
class ReachRow:
    """Who has how much of which lot."""

    holder: str
    place: str
    phones: Sequence[str]
    lot: str
    kg: str


def reach_rows(lang: Lang, held: Sequence[Held]) -> list[ReachRow]:
    """Return who has what, as a table."""
    return [
        ReachRow(
            one.holder,
            " · ".join(filter(None, (one.place, say(lang, PLACES[one.where])))),
            one.phones,
            one.lot,
            exact(lang, one.kg),
        )
        for one in held
    ]


def since(lot: Lot) -> str:
    """Return the day of a lot's harvest or landing."""
    return day(lot.harvested_ms)
