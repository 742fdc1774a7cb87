"""May this catch become a lot with labels? Pure; every refusal names its cure.

What the law is believed to say but nobody has verified warns and never refuses: a line
between zones is such a thing as long as ``is_verified`` is false.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from greenwater.kernel.trips import Violation
from greenwater.reference.vessel_rules import RULES
from greenwater.storage.registry.overrides import Override
from greenwater.storage.registry.places import VesselInfo
from traceability.gate.harvest import ROUNDING_KG, Refusal
from traceability.gate.overriding import Judged, judged
from traceability.sea.trip_book import Standing, TripBook, differences
from traceability.sea.vessel_papers import PaperStanding, PaperState

SETTLES: Final = frozenset({"passing", "position_wrong", "permitted"})
"""Findings of a statement after which a candidate of fishing in closed waters is settled."""


class CatchCase(NamedTuple):
    """All that the gate looks at. ``drawn_kg``: other lots of this species and landing.

    ``has_area``: a position of the vessel or of a haul says where it fished.
    ``landing`` None: there is none. ``papers``: as they stood during the trip.
    """

    vessel: VesselInfo
    trip: str
    book: TripBook
    landing: Standing | None
    papers: Sequence[PaperState]
    violations: Sequence[Violation]
    has_area: bool
    species: str
    kg: float | None
    drawn_kg: float = 0.0
    drift: Sequence[str] = ()


class Gated(NamedTuple):
    """What stands against a lot, and what should be told beside it."""

    refusals: tuple[Refusal, ...]
    warnings: tuple[Refusal, ...]


def gated(case: CatchCase) -> Gated:
    """Return what stands against a lot of this catch: all of it at once."""
    refusals = [*_book(case), *weighed(case)]
    warnings = [*_beside(case)]
    for refusal, is_hard in (*_papers(case), *_waters(case)):
        (refusals if is_hard else warnings).append(refusal)
    return Gated(tuple(refusals), tuple(warnings))


def subject_of(landing: str | None, refusal: Refusal) -> str:
    """Return what an override of a refusal is about: the landing, and which paper or
    violation of it."""
    about = refusal.facts.get("paper") or refusal.facts.get("violation")
    return f"landing/{landing or ''}" + (f"/{about}" if about else "")


def lifted(
    landing: str | None, refusals: Sequence[Refusal], overrides: Sequence[Override]
) -> Judged:
    """Return which refusals stand when overrides in force have lifted others."""
    return judged(
        refusals,
        overrides,
        lambda refusal, one: one.subject == subject_of(landing, refusal),
    )


def _entry(case: CatchCase, kind: str) -> str:
    return f"/vessels/{case.vessel.id}/records/new?kind={kind}&trip={case.trip}"


def _book(case: CatchCase) -> Iterator[Refusal]:
    confirm = f"/trips/{case.trip}#confirm"
    if case.book.trip is None:
        yield Refusal("no_trip", _entry(case, "trip"))
    elif case.book.confirmation is None:
        yield Refusal("trip_not_confirmed", confirm)
    elif not case.book.is_confirmed:
        yield Refusal("trip_changed", confirm)
    if not case.has_area:
        yield Refusal("no_catch_area", _entry(case, "catch"))
    if not any(case.species in one.kilograms for one in case.book.catches) and not any(
        case.species in one.kilograms for one in case.book.transshipments
    ):
        facts = {"species": case.species}
        yield Refusal("no_catch", _entry(case, "catch"), facts)


def weighed(case: CatchCase) -> list[Refusal]:
    """Return what stands against the weight alone."""
    if case.landing is None:
        return [Refusal("no_landing", _entry(case, "landing"))]
    landed = case.landing.kilograms.get(case.species, 0.0)
    facts: dict[str, Any] = {"species": case.species, "landed_kg": landed}
    if not landed:
        return [Refusal("not_landed", _entry(case, "landing"), facts)]
    if case.kg is not None and case.kg + case.drawn_kg > landed + ROUNDING_KG:
        facts |= {"kg": case.kg, "left_kg": max(0.0, round(landed - case.drawn_kg, 3))}
        cure = f"/trips/{case.trip}#landings"
        return [Refusal("more_than_landed", cure, facts)]
    return []


def _papers(case: CatchCase) -> Iterator[tuple[Refusal, bool]]:
    cure = f"/vessels/{case.vessel.id}/records/new?kind=paper"
    for one in case.papers:
        if one.standing is PaperStanding.MISSING:
            is_hard = RULES.papers[one.paper].if_missing == "refuse"
            yield Refusal("paper_missing", cure, {"paper": one.paper}), is_hard
        elif one.standing is PaperStanding.EXPIRED:
            facts = {"paper": one.paper, "until_day": one.until_day or ""}
            yield Refusal("paper_expired", cure, facts), True


def finding_of(book: TripBook, violation: str) -> str | None:
    """Return what the newest statement says of a violation; None: nobody said anything."""
    said = [
        one.record
        for one in book.statements
        if one.record.fields["violation"] == violation
    ]
    newest = max(said, key=lambda one: (one.entered_ms, one.id), default=None)
    return None if newest is None else str(newest.fields["finding"])


def _waters(case: CatchCase) -> Iterator[tuple[Refusal, bool]]:
    for one in case.violations:
        finding = finding_of(case.book, one.id)
        if finding in SETTLES or one.serves:
            continue
        facts: Mapping[str, Any] = {
            "violation": one.id,
            "zone": one.area or one.zone,
            "began_ms": one.began_ms,
            "minutes": one.minutes,
        }
        code = "closed_zone" if one.is_verified else "closed_zone_unverified"
        yield Refusal(code, f"/trips/{case.trip}#zones", dict(facts)), one.is_verified


def _beside(case: CatchCase) -> Iterator[Refusal]:
    for one in differences(case.book):
        if not one.is_within:
            facts = {
                "species": one.species,
                "expected_kg": one.expected,
                "landed_kg": one.landed,
            }
            yield Refusal("catch_differs", f"/trips/{case.trip}#weights", facts)
    if case.drift:
        facts = {"differs": ", ".join(case.drift)}
        yield Refusal("positions_differ", f"/trips/{case.trip}#found", facts)
    if case.book.is_double:
        yield Refusal("trip_double", f"/trips/{case.trip}")
