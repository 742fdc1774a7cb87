"""What is known of the catch behind a lot, frozen into it: pure.

No fishing ground is told: positions become a square of five degrees and FAO's area.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from greenwater.kernel.trips import Point
from greenwater.reference.isscfg import GEAR_CODES
from greenwater.reference.vessel_rules import RULES
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.places import VesselInfo
from traceability.gate.harvest import Refusal
from traceability.sea.coverage import Coverage
from traceability.sea.found_trips import Found
from traceability.sea.trip_book import Difference, Standing, TripBook
from traceability.sea.vessel_papers import PaperState

PERSONAL: Final = frozenset({"master", "crew_insurance"})
"""Papers that are people's, not the vessel's."""

Square = tuple[float, float, float]
"""South-west corner (°) and the length of a side (°)."""


class PublicOverride(Struct, frozen=True):
    """A refusal that two people answered for; who they are stays inside."""

    code: str
    reason: str
    agreed_ms: int


class CatchEvidence(Struct, frozen=True, kw_only=True):
    """A trip as a buyer may see it. Weights in kg, times in ms since 1970.

    ``has_positions``: departure, return and zones come from positions; otherwise they
    are declared. ``zones``: share of the gear's working time by zone. ``warnings``: codes
    of the gate.
    """

    vessel: str
    registration: str
    length_m: float | None
    gear: str
    gear_number: str
    fao_area: str
    zones: Mapping[str, float]
    square: Square | None
    trip: str
    departure_ms: int
    departure_port: str
    return_ms: int | None
    return_port: str | None
    landing_ms: int
    landing_port: str
    hauls: int
    has_positions: bool
    coverage: Coverage | None
    caught_kg: Mapping[str, float]
    landed_kg: Mapping[str, float]
    differences: Sequence[Difference]
    transshipped: bool
    is_confirmed: bool
    by_hand: int
    papers: Sequence[PaperState]
    warnings: Sequence[str]
    overrides: Sequence[PublicOverride] = ()
    is_simulated: bool = False


class Seen(Struct, frozen=True, kw_only=True):
    """What was asked of the two databases about a trip."""

    vessel: VesselInfo
    found: Found | None
    coverage: Coverage | None
    papers: Sequence[PaperState]
    is_simulated: bool


def catch_evidence(
    seen: Seen,
    book: TripBook,
    landing: Standing,
    trip: str,
    *,
    differences: Sequence[Difference],
    warnings: Sequence[Refusal],
    overrides: Sequence[PublicOverride],
) -> CatchEvidence:
    """Return the evidence of a landing's goods."""
    declared = {} if book.trip is None else book.trip.record.fields
    found = None if seen.found is None else seen.found.trip
    gear = str(declared.get("gear") or seen.vessel.gear or "")
    known = GEAR_CODES.get(gear)
    return CatchEvidence(
        vessel=seen.vessel.name,
        registration=seen.vessel.id,
        length_m=seen.vessel.length_m,
        gear=gear,
        gear_number="" if known is None else known.number,
        fao_area=RULES.fao_area,
        zones=_shares({} if found is None else found.minutes),
        square=square_of(places_of(seen.found, book)),
        trip=trip,
        departure_ms=declared.get("departure_ms", landing.record.happened_ms),
        departure_port=declared.get("departure_port", ""),
        return_ms=declared.get("return_ms"),
        return_port=declared.get("return_port"),
        landing_ms=landing.record.happened_ms,
        landing_port=landing.record.fields["port"],
        hauls=len(book.catches) if seen.found is None else len(seen.found.hauls),
        has_positions=found is not None,
        coverage=seen.coverage,
        caught_kg=book.caught,
        landed_kg=landing.kilograms,
        differences=differences,
        transshipped=bool(book.transshipments),
        is_confirmed=book.is_confirmed,
        by_hand=sum(one.record.source == "hand" for one in book.catches),
        papers=[_public(one) for one in seen.papers],
        warnings=[one.code for one in warnings],
        overrides=overrides,
        is_simulated=seen.is_simulated,
    )


def _public(paper: PaperState) -> PaperState:
    """Return a paper as anybody may see it: a person's own has no number."""
    if paper.paper not in PERSONAL:
        return paper
    return msgspec.structs.replace(paper, number="")


def catch_evidence_in(lot: Lot) -> CatchEvidence | None:
    """Return the evidence of its catch that was frozen into a lot; None: it has none."""
    if lot.origin != "landing" or not lot.evidence:
        return None
    return msgspec.convert(lot.evidence, CatchEvidence)


def _shares(minutes: Mapping[str, float]) -> dict[str, float]:
    whole = sum(minutes.values())
    if not whole:
        return {}
    return {zone: round(minutes[zone] / whole, 4) for zone in sorted(minutes)}


def places_of(found: Found | None, book: TripBook) -> list[Point]:
    """Return where the gear worked (°): hauls found, else those entered with a place."""
    if found is not None and found.hauls:
        return [one.began_at for one in found.hauls]
    entered: Iterable[dict[str, Any]] = (one.record.fields for one in book.catches)
    return [(one["latitude"], one["longitude"]) for one in entered if "latitude" in one]


def square_of(places: Sequence[Point]) -> Square | None:
    """Return the square in which most of the places lie; None: there are none."""
    side = RULES.square.value
    corners = [
        (math.floor(lat / side) * side, math.floor(lon / side) * side)
        for lat, lon in places
    ]
    if not corners:
        return None
    most = max(sorted(set(corners)), key=corners.count)
    return (*most, side)
