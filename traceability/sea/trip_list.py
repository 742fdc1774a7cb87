"""A vessel's trips in a row, each with its book and what positions show: for tables. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from greenwater.kernel.trips import Haul, Trip
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.sea.found_trips import Found, counted, declared_trip, match
from traceability.sea.trip_book import TripBook, trip_book
from traceability.sea.trip_case import span_of


class ListedTrip(Struct, frozen=True, kw_only=True):
    """One trip; it began as declared, else as positions show, else by its first entry."""

    id: str
    vessel: VesselInfo
    began_ms: int
    book: TripBook
    found: Found | None


class TripList(Struct, frozen=True):
    """A vessel's trips, the oldest first, and the hauls that are of none of them."""

    trips: tuple[ListedTrip, ...] = ()
    loose: tuple[Haul, ...] = ()


def trips_listed(
    vessel: VesselInfo,
    trips: Sequence[Trip],
    hauls: Sequence[Haul],
    records: Iterable[VesselRecord],
    now_ms: int,
) -> TripList:
    """Return a vessel's trips as its pages show them, each trip and each haul once."""
    entered: dict[str, list[VesselRecord]] = defaultdict(list)
    for one in records:
        if one.trip is not None:
            entered[one.trip].append(one)
    sea = _Sea(vessel, trips, hauls, now_ms)
    # Books that bear a found trip's own id come first: no other takes it from them.
    for trip in sorted(entered, key=lambda one: (one not in sea.left, one)):
        sea.take(trip, entered[trip])
    for found in [*sea.left.values()]:
        sea.take(found.id, [])
    made = sorted(sea.made, key=lambda one: (one.began_ms, one.id))
    return TripList(tuple(made), tuple(sea.loose.values()))


class _Sea:
    """What of a vessel's trips and hauls is in no trip of the list yet."""

    def __init__(
        self,
        vessel: VesselInfo,
        trips: Sequence[Trip],
        hauls: Sequence[Haul],
        now_ms: int,
    ) -> None:
        self.vessel, self.now_ms = vessel, now_ms
        self.made: list[ListedTrip] = []
        self.left = {one.id: one for one in trips}
        self.loose = {one.id: one for one in hauls if one.trip not in self.left}
        self._hauls: dict[str | None, list[Haul]] = defaultdict(list)
        for one in hauls:
            self._hauls[one.trip].append(one)

    def take(self, trip: str, records: Sequence[VesselRecord]) -> None:
        """Put a trip on the list, with its entries and what positions show of it."""
        book = trip_book(records)
        span = span_of(book, self.now_ms)
        found = self._found(trip, book, span)
        began_ms = min((one.happened_ms for one in records), default=0)
        if found is not None:
            began_ms = found.trip.departure_ms
        if span is not None:
            began_ms = span[0]
        self.made.append(
            ListedTrip(
                id=trip, vessel=self.vessel, began_ms=began_ms, book=book, found=found
            )
        )

    def _found(
        self, trip: str, book: TripBook, span: tuple[int, int] | None
    ) -> Found | None:
        best = match([*self.left.values()], trip, span)
        between = self._between(span)
        if best is not None:
            del self.left[best.id]
            return counted(best, self._hauls[best.id], between)
        if span is None or not between:
            return None
        said = {} if book.trip is None else book.trip.record.fields
        declared = declared_trip(self.vessel.id, trip, span, said)
        return counted(declared, (), between, is_declared=True)

    def _between(self, span: tuple[int, int] | None) -> list[Haul]:
        if span is None:
            return []
        found = [
            one
            for one in self.loose.values()
            if one.trip is None and span[0] <= one.began_ms <= span[1]
        ]
        for one in found:
            del self.loose[one.id]
        return found
