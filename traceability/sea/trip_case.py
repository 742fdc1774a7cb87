"""All that the registry knows of one trip, asked once: for the gate and for pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from greenwater.kernel.errors import MissingError
from greenwater.kernel.trips import Trip, Violation
from greenwater.storage.registry import Registry, Scope
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.overrides import Override
from greenwater.storage.registry.places import VesselInfo
from traceability.gate.harvest import Refusal
from traceability.gate.overriding import Judged
from traceability.sea.found_trips import (
    Conflict,
    Found,
    conflicts,
    counted,
    declared_trip,
    drift,
    match,
    thawed,
)
from traceability.sea.gate import (
    CatchCase,
    Gated,
    gated,
    lifted,
    subject_of,
)
from traceability.sea.trip_book import Standing, TripBook, in_force, trip_book
from traceability.sea.vessel_papers import PaperState, paper_states, papers_in


class TripView(Struct, frozen=True, kw_only=True):
    """One trip: its book, what positions show of it, the vessel's papers meanwhile.

    ``span`` is from departure to return (or landing), in ms; None: nobody knows.
    ``drift``: in what positions show it otherwise than when it was confirmed;
    ``conflicts``: than it is declared.
    """

    trip: str
    vessel: VesselInfo
    book: TripBook
    found: Found | None
    span: tuple[int, int] | None
    papers: Sequence[PaperState]
    violations: Sequence[Violation]
    drift: Sequence[str]
    conflicts: Sequence[Conflict] = ()

    @property
    def is_over(self) -> bool:
        """Whether it has come back, by what is declared, landed or seen."""
        said = {} if self.book.trip is None else self.book.trip.record.fields
        is_seen = self.found is not None and self.found.trip.landing_ms is not None
        return bool(said.get("return_ms") or self.book.landings or is_seen)

    def landing(self, root: str) -> Standing | None:
        """Return a landing by the id of its first record."""
        return next((one for one in self.book.landings if one.root == root), None)


def trip_view(seen: Registry | Scope, trip: str, now_ms: int) -> TripView:
    """Return one trip as it stands.

    Raises:
        MissingError: nobody knows of such a trip, or it is not his to see.
    """
    vessel = seen.get_vessel(seen.vessel_of_trip(trip))
    records = [one for one in seen.vessel_records(vessel=vessel.id)]
    book = trip_book(one for one in records if one.trip == trip)
    declared = span_of(book, now_ms)
    said = {} if book.trip is None else book.trip.record.fields
    trips = seen.trips(vessel=vessel.id)
    found = _found(seen, vessel.id, trip, declared, said, trips)
    span = declared or _found_span(found, now_ms)
    papers = papers_in(in_force(one for one in records if one.kind == "paper"))
    from_ms, until_ms = span or (now_ms, now_ms)
    return TripView(
        trip=trip,
        vessel=vessel,
        book=book,
        found=found,
        span=span,
        papers=paper_states(papers, vessel.length_m, from_ms, until_ms),
        violations=_violations(seen, vessel.id, found, span),
        drift=_drift(book, found),
        conflicts=conflicts(said, found, trips),
    )


def span_of(book: TripBook, now_ms: int) -> tuple[int, int] | None:
    """Return from when to when a trip was, as declared (ms); None: it is not."""
    if book.trip is None:
        return None
    fields = book.trip.record.fields
    landed = [one.record.happened_ms for one in book.landings]
    ended_ms = fields.get("return_ms") or min(landed, default=now_ms)
    return fields["departure_ms"], max(fields["departure_ms"], ended_ms)


def found_trip(
    seen: Registry | Scope, vessel: str, trip: str, span: tuple[int, int] | None
) -> Found | None:
    """Return the trip as positions show it, with its hauls."""
    return _found(seen, vessel, trip, span, {}, seen.trips(vessel=vessel))


def _found(
    seen: Registry | Scope,
    vessel: str,
    trip: str,
    span: tuple[int, int] | None,
    said: Mapping[str, Any],
    trips: Sequence[Trip],
) -> Found | None:
    """Return a trip as positions show it; declared ends hold hauls of which no trip is known."""
    best = match(trips, trip, span)
    loose = () if span is None else seen.loose_hauls(vessel, *span)
    if best is not None:
        return counted(best, seen.hauls(best.id), loose)
    if span is None or not loose:
        return None
    declared = declared_trip(vessel, trip, span, said)
    return counted(declared, (), loose, is_declared=True)


def _found_span(found: Found | None, now_ms: int) -> tuple[int, int] | None:
    if found is None:
        return None
    trip = found.trip
    return trip.departure_ms, now_ms if trip.landing_ms is None else trip.landing_ms


def _violations(
    seen: Registry | Scope,
    vessel: str,
    found: Found | None,
    span: tuple[int, int] | None,
) -> list[Violation]:
    if span is None:
        return []
    own = None if found is None else found.trip.id
    return [
        one
        for one in seen.violations(vessel=vessel)
        if (own is not None and one.trip == own) or span[0] <= one.began_ms <= span[1]
    ]


def _drift(book: TripBook, found: Found | None) -> list[str]:
    if book.confirmation is None:
        return []
    return drift(thawed(book.confirmation.record.frozen), found)


def case_of(
    view: TripView,
    landing: Standing | None,
    species: str,
    *,
    kg: float | None = None,
    drawn_kg: float = 0.0,
) -> CatchCase:
    """Return what the gate looks at for goods of one species of a landing."""
    has_area = view.found is not None and bool(view.found.trip.minutes)
    has_area |= any("latitude" in one.record.fields for one in view.book.catches)
    return CatchCase(
        vessel=view.vessel,
        trip=view.trip,
        book=view.book,
        landing=landing,
        papers=view.papers,
        violations=view.violations,
        has_area=has_area,
        species=species,
        kg=kg,
        drawn_kg=drawn_kg,
        drift=view.drift,
    )


class Asked(Struct, frozen=True):
    """The gate's answer with overrides: what stands, what was lifted, what is told."""

    standing: Sequence[Refusal]
    lifted: Sequence[Override]
    warnings: Sequence[Refusal]
    asked: Sequence[Override] = ()
    """Overrides that wait for a second person."""


def ask_gate(seen: Registry | Scope, case: CatchCase) -> Asked:
    """Return the gate's answer, overrides in force considered."""
    found: Gated = gated(case)
    root = None if case.landing is None else case.landing.root
    subjects = sorted({subject_of(root, one) for one in found.refusals})
    known = [one for subject in subjects for one in seen.overrides(subject=subject)]
    result: Judged = lifted(root, found.refusals, known)
    waiting = tuple(one for one in known if one.second is None)
    return Asked(result.standing, result.lifted, found.warnings, waiting)


def landing_refusals(registry: Registry, lot: Lot, now_ms: int) -> Sequence[Refusal]:
    """Return what a vessel's book says against a lot of a landing, as it is now."""
    known = registry.find_vessel_record(lot.landing or "")
    if known is None or known.trip is None:
        facts = {"landing": lot.landing or ""}
        return [Refusal("no_landing", f"/lots/{lot.id}", facts)]
    view = trip_view(registry, known.trip, now_ms)
    product = registry.get_product(lot.product)
    others = sum(
        one.kg
        for one in registry.lots_of_landing(known.id)
        if one.id != lot.id
        and registry.get_product(one.product).species == product.species
    )
    case = case_of(
        view,
        view.landing(known.id),
        product.species,
        kg=lot.kg,
        drawn_kg=round(others, 3),
    )
    return ask_gate(registry, case).standing


def trip_of_landing(seen: Registry | Scope, landing: str) -> str:
    """Return the trip of a landing.

    Raises:
        MissingError: there is no such landing, or it is not his to see.
    """
    record = seen.get_vessel_record(landing)
    if record.kind != "landing" or record.trip is None:
        raise MissingError(f"record {landing} is no landing")
    return record.trip
