"""From facts to the first page: sites, rafts and units, and what hangs nowhere."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from greenwater.storage.registry.places import SiteInfo, SiteKind, UnitInfo
from web.views.beyond import beyond_of, beyond_words
from web.views.cards import (
    box_views,
    device_notices,
    is_simulated,
    named_by_device,
    probe_views,
    silence_notice,
    state_of,
)
from web.views.facts import Facts, Hanging
from web.views.formats import number
from web.views.shown import Board, ChartView, ProbeView, RaftView, SiteView, UnitView
from web.words import Lang, say

UNITS_ON_ONE_PAGE: Final = 30

Charted = Callable[[UnitInfo, Sequence[Hanging]], ChartView | None]


def unit_view(
    lang: Lang, facts: Facts, unit: UnitInfo, chart: ChartView | None = None
) -> UnitView:
    """Return a pond, cage or tank."""
    hanging = facts.in_units.get(unit.id, ())
    newest = [one.newest_ms for one in hanging if one.newest_ms is not None]
    silence = silence_notice(lang, hanging, facts.now_ms)
    notices = [silence] if silence else []
    beyond = beyond_of(unit.species, hanging, facts.now_ms, unit.limits)
    if beyond is not None:
        notices.append(beyond_words(lang, beyond, facts.now_ms))
    notices += device_notices(lang, facts, hanging)
    return UnitView(
        unit.id,
        unit.name,
        say(lang, unit.kind),
        f"/units/{unit.id}",
        state_of(max(newest, default=None), facts.now_ms),
        probe_views(lang, hanging, facts.now_ms),
        tuple(notices),
        is_simulated(facts, hanging),
        chart,
        "" if hanging or not unit.is_open else say(lang, "none_yet_why"),
    )


def board(
    lang: Lang, facts: Facts, charted: Charted, *, site: str | None = None
) -> Board:
    """Return the sites with their units; vessels are the caller's to add.

    Beyond 30 units in all, sites are told by their names, each a page of its own.
    """
    sites = [one for one in facts.sites if site in (None, one.id)]
    wanted = {one.id for one in sites}
    units = [unit for unit in facts.units if unit.site in wanted]
    is_short = site is None and len(units) > UNITS_ON_ONE_PAGE
    views = tuple(
        _site_view(lang, facts, one, charted, is_short=is_short) for one in sites
    )
    # A port with neither cages nor boxes has a page, and nothing to show among waters.
    shown = views if site is not None else tuple(one for one in views if one.is_told)
    return Board(
        shown,
        (),
        _unplaced(lang, facts) if site is None else (),
        any(is_simulated(facts, some) for some in facts.in_units.values())
        or any(is_simulated(facts, some) for some in facts.on_vessels.values())
        or any(is_simulated(facts, some) for some in facts.boxes.values())
        or is_simulated(facts, facts.unplaced),
        not (facts.sites or facts.vessels or facts.unplaced),
    )


def _site_view(
    lang: Lang, facts: Facts, site: SiteInfo, charted: Charted, *, is_short: bool
) -> SiteView:
    units = [unit for unit in facts.units if unit.site == site.id]
    href = f"/sites/{site.id}"
    boxes = box_views(lang, facts, site.id)
    if is_short and units:
        more = say(lang, "more_units", count=number(lang, len(units)))
        return SiteView(site.id, site.name, href, (), boxes, more)
    rafts = [
        RaftView(raft.name, _units_of(lang, facts, units, raft.id, charted))
        for raft in facts.rafts
        if raft.site == site.id
    ]
    rafts.append(RaftView("", _units_of(lang, facts, units, None, charted)))
    shown = tuple(raft for raft in rafts if raft.units)
    is_empty = not units and site.kind is SiteKind.FARM
    empty = say(lang, "no_units") if is_empty else ""
    return SiteView(site.id, site.name, href, shown, boxes, empty=empty)


def _units_of(
    lang: Lang,
    facts: Facts,
    units: Iterable[UnitInfo],
    raft: str | None,
    charted: Charted,
) -> tuple[UnitView, ...]:
    some = sorted((u for u in units if u.raft == raft), key=lambda u: natural(u.name))
    return tuple(
        unit_view(lang, facts, u, charted(u, facts.in_units.get(u.id, ())))
        for u in some
    )


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that puts ``Ao 2`` before ``Ao 10``."""
    parts: list[tuple[int, int, str]] = []
    for word in name.split():
        digits = word.isascii() and word.isdigit() and len(word) < 16
        parts.append((0, int(word), "") if digits else (1, 0, word))
    return parts


def _unplaced(lang: Lang, facts: Facts) -> tuple[ProbeView, ...]:
    return named_by_device(lang, facts, facts.unplaced)
