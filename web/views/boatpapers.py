"""A boat's papers as pages show them, and those that end soon of all boats."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.scope import Scope
from traceability.sea.trip_book import in_force
from traceability.sea.vessel_papers import (
    PaperStanding,
    PaperState,
    paper_states,
    papers_in,
)
from web.views.seawords import paper_text
from web.words import Lang

LOOKS: Final = {
    PaperStanding.VALID: "good",
    PaperStanding.EXPIRING: "doubt",
    PaperStanding.EXPIRED: "bad",
    PaperStanding.MISSING: "bad",
}
MOST: Final = 100
"""Endings on one page."""


@dataclass(frozen=True)
class PaperView:
    """One paper; ``look`` is good, doubt or bad."""

    text: str
    look: str


@dataclass(frozen=True)
class Ending:
    """A paper that ends soon or has ended, and whose."""

    name: str
    href: str
    paper: PaperView


States = Mapping[str, Sequence[PaperState]]
"""How papers stand, by vessel."""


def states_of(seen: Scope, vessels: Sequence[VesselInfo], now_ms: int) -> States:
    """Return how the papers of boats stand now: asked of the registry at once."""
    one = vessels[0].id if len(vessels) == 1 else None
    entered = defaultdict(list)
    for record in seen.vessel_records(vessel=one, kind="paper"):
        entered[record.vessel].append(record)
    return {
        info.id: paper_states(
            papers_in(in_force(entered[info.id])), info.length_m, now_ms, now_ms
        )
        for info in vessels
    }


def paper_views(lang: Lang, states: Sequence[PaperState]) -> list[PaperView]:
    """Return papers in words."""
    return [PaperView(paper_text(lang, one), LOOKS[one.standing]) for one in states]


def endings(lang: Lang, vessels: Sequence[VesselInfo], states: States) -> list[Ending]:
    """Return the papers that end within 30 days or have ended, those first."""
    found = [
        (state.until_day or "", info, state)
        for info in vessels
        for state in states[info.id]
        if state.standing in (PaperStanding.EXPIRING, PaperStanding.EXPIRED)
    ]
    found.sort(key=lambda one: (one[0], one[1].id))
    return [
        Ending(
            f"{info.name} ({info.id})",
            f"/vessels/{info.id}/book#papers",
            paper_views(lang, [state])[0],
        )
        for _, info, state in found
    ]
