"""Wild fish as a shopper sees it: vessel, gear, waters, trip, papers, and what is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from greenwater.reference.zones import ZONES
from traceability.sea.catch_evidence import CatchEvidence
from traceability.sea.vessel_papers import PaperStanding
from web.views.formats import day, number
from web.views.seawords import gear_name, kilograms_lines, port_name
from web.views.trips import coverage_text
from web.words import Lang, say


@dataclass(frozen=True)
class CatchView:
    """One trip: facts in lines, and notes of what is declared, differs or was lifted."""

    trip: str
    facts: Sequence[tuple[str, Sequence[str]]]
    notes: Sequence[str]
    warnings: Sequence[str]


def catch_views(lang: Lang, found: Iterable[CatchEvidence]) -> list[CatchView]:
    """Return what is told of each trip that goods came from."""
    return [
        CatchView(one.trip, _facts(lang, one), _notes(lang, one), _warnings(lang, one))
        for one in found
    ]


def _facts(lang: Lang, one: CatchEvidence) -> list[tuple[str, Sequence[str]]]:
    ended_ms = one.landing_ms if one.return_ms is None else one.return_ms
    trip = (
        f"{day(one.departure_ms)} ({port_name(one.departure_port)}) – {day(ended_ms)}"
    )
    rows: list[tuple[str, Sequence[str]]] = [
        ("catch_vessel", [f"{one.vessel} ({one.registration})"]),
        ("catch_gear", [gear_name(lang, one.gear)]),
        ("catch_area", _area(lang, one)),
        ("catch_trip", [trip]),
        ("catch_hauls", [str(one.hauls)] if one.hauls else []),
        ("catch_landed", [f"{port_name(one.landing_port)}, {day(one.landing_ms)}"]),
        ("catch_written", kilograms_lines(lang, one.caught_kg)),
        ("catch_weighed", kilograms_lines(lang, one.landed_kg)),
        *_papers(lang, one),
        ("catch_evidence", [coverage_text(lang, one.coverage)]),
    ]
    return [(say(lang, key), lines) for key, lines in rows if any(lines)]


def _area(lang: Lang, one: CatchEvidence) -> list[str]:
    reference = "" if ZONES.verified else f" ({say(lang, 'passport_reference')})"
    zones = [
        f"{say(lang, f'sea_zone_{zone}')} {number(lang, 100 * share)} %{reference}"
        for zone, share in one.zones.items()
        if share >= 0.005
    ]
    if one.square is None:
        return [f"FAO {one.fao_area}", *zones]
    south, west, side = one.square
    square = say(
        lang,
        "catch_square",
        south=f"{south:g}",
        north=f"{south + side:g}",
        west=f"{west:g}",
        east=f"{west + side:g}",
    )
    return [f"FAO {one.fao_area}", *zones, square]


def _papers(lang: Lang, one: CatchEvidence) -> list[tuple[str, Sequence[str]]]:
    groups = (
        ("catch_papers_good", (PaperStanding.VALID, PaperStanding.EXPIRING)),
        ("catch_papers_bad", (PaperStanding.EXPIRED,)),
        ("catch_papers_none", (PaperStanding.MISSING,)),
    )
    return [
        (
            key,
            [
                say(lang, f"sea_papers_{state.paper}")
                for state in one.papers
                if state.standing in standings
            ],
        )
        for key, standings in groups
    ]


def _notes(lang: Lang, one: CatchEvidence) -> list[str]:
    notes = []
    if one.is_confirmed:
        notes.append(say(lang, "catch_confirmed"))
    if not one.has_positions:
        notes.append(say(lang, "catch_declared"))
    if one.by_hand:
        notes.append(say(lang, "catch_by_hand", count=one.by_hand))
    if one.transshipped:
        notes.append(say(lang, "sea_story_transshipment"))
    return notes


def _warnings(lang: Lang, one: CatchEvidence) -> list[str]:
    found = [
        say(
            lang,
            "catch_override",
            day=day(lifted.agreed_ms),
            what=say(lang, f"sea_override_{lifted.code}"),
            reason=lifted.reason,
        )
        for lifted in one.overrides
    ]
    if "closed_zone_unverified" in one.warnings:
        found.append(say(lang, "catch_zone_warning"))
    if "catch_differs" in one.warnings:
        found.append(say(lang, "catch_differs_told"))
    return found
