"""What somebody on duty should look at today: copies, recalls, papers, closed waters."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from greenwater.kernel.reading import DAY_MS
from greenwater.kernel.trips import Violation
from greenwater.storage.registry import Scope
from greenwater.storage.registry.certification import Certificate
from greenwater.storage.registry.labels import Recall
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.sea.gate import SETTLES, finding_of
from traceability.sea.trip_book import Difference, differences, in_force, trip_book
from traceability.sea.vessel_papers import (
    PaperStanding,
    PaperState,
    paper_states,
    papers_in,
)

SOON_MS: Final = 30 * DAY_MS
"""How long before its end a certificate is shown; vessels' papers have their own table."""

READ_MS: Final = 180 * DAY_MS
"""How far back books are read when all vessels are looked at."""

LANDED_MS: Final = 120 * DAY_MS
"""How long a landing counts as the last one; a trip is shorter than what is between."""

LOOKED_BACK_MS: Final = 30 * DAY_MS
"""How far back unsettled fishing in closed waters is shown."""


class VesselStanding(Struct, frozen=True):
    """A vessel as its book has it: papers, and its last trip that landed.

    ``weights`` are written at sea against weighed ashore; ``landed_ms`` None: no trip landed.
    """

    vessel: VesselInfo
    papers: Sequence[PaperState]
    weights: Sequence[Difference]
    landed_ms: int | None

    @property
    def doubtful(self) -> Sequence[PaperState]:
        """The papers that are not simply valid."""
        return [one for one in self.papers if one.standing is not PaperStanding.VALID]


class Suspects(Struct, frozen=True):
    """What stands out today, beside labels that look copied (``scanning``)."""

    recalls: Sequence[Recall]
    papers: Sequence[VesselStanding]
    weights: Sequence[VesselStanding]
    certificates: Sequence[Certificate]
    waters: Sequence[Violation]


def standings(seen: Scope, now_ms: int) -> list[VesselStanding]:
    """Return every vessel that is seen, by two queries whatever their number."""
    books = _books(seen, now_ms)
    return [standing_of(one, books.get(one.id, ()), now_ms) for one in seen.vessels()]


def standing_of(
    vessel: VesselInfo, records: Sequence[VesselRecord], now_ms: int
) -> VesselStanding:
    """Return how a vessel stands now, from all records of its book."""
    papers = papers_in(in_force(one for one in records if one.kind == "paper"))
    trip, landed_ms = _last_landed(records, now_ms - LANDED_MS)
    return VesselStanding(
        vessel,
        paper_states(papers, vessel.length_m, now_ms, now_ms),
        differences(trip_book(trip)),
        landed_ms,
    )


def _last_landed(
    records: Iterable[VesselRecord], since_ms: int
) -> tuple[Sequence[VesselRecord], int | None]:
    trips: dict[str, list[VesselRecord]] = defaultdict(list)
    for one in records:
        if one.trip is not None:
            trips[one.trip].append(one)
    ended = [
        (max(ends), trip)
        for trip in trips.values()
        if (ends := [one.happened_ms for one in trip if one.kind == "landing"])
        and max(ends) >= since_ms
    ]
    landed_ms, trip = max(ended, key=lambda one: one[0], default=(None, []))
    return trip, landed_ms


def suspects_of(seen: Scope, now_ms: int) -> Suspects:
    """Return what somebody who sees this much should look at."""
    books = _books(seen, now_ms)
    known = [standing_of(one, books.get(one.id, ()), now_ms) for one in seen.vessels()]
    return Suspects(
        seen.recalls(),
        [one for one in known if one.doubtful and one.vessel.is_in_service],
        [one for one in known if not all(part.is_within for part in one.weights)],
        [
            one
            for one in seen.certificates()
            if one.until_ms is not None
            and now_ms - DAY_MS < one.until_ms < now_ms + SOON_MS
        ],
        [
            one
            for one in seen.violations(from_ms=now_ms - LOOKED_BACK_MS)
            if finding_of(trip_book(books.get(one.vessel, ())), one.id) not in SETTLES
        ],
    )


def _books(seen: Scope, now_ms: int) -> Mapping[str, Sequence[VesselRecord]]:
    found: dict[str, list[VesselRecord]] = defaultdict(list)
    for one in seen.vessel_records(since_ms=now_ms - READ_MS):
        found[one.vessel].append(one)
    return found
