"""A trip's book as it stands, folded from its records: pure.

Phones send records late, twice, in any order: the same set of records gives the same
book. A correction takes the place of what it corrects, whichever came first; where two
correct the same, the one typed later counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from greenwater.reference.vessel_rules import RULES
from greenwater.storage.registry.vessel_books import VesselRecord


class Standing(NamedTuple):
    """A record that counts; ``root`` is the id of the first that it goes back to."""

    root: str
    record: VesselRecord

    @property
    def kilograms(self) -> dict[str, float]:
        """What was kept (or handed over, or weighed) by species, in kg."""
        lines = self.record.fields.get("lines", ())
        return {line["species"]: line["kg"] for line in lines if line["kg"]}


class TripBook(NamedTuple):
    """What counts of a trip's records; ``trip`` is the newest declaration.

    ``confirmation``: the newest that fits the book as it stands, else the newest.
    """

    trip: Standing | None
    catches: tuple[Standing, ...]
    transshipments: tuple[Standing, ...]
    landings: tuple[Standing, ...]
    notices: tuple[Standing, ...]
    statements: tuple[Standing, ...]
    confirmation: Standing | None
    is_double: bool
    """Two declarations of the same trip stand beside each other; the later one counts."""

    @property
    def covered(self) -> dict[str, str]:
        """What a confirmation made now would cover: digests by record."""
        meant = [*self.catches, *self.transshipments]
        meant += [] if self.trip is None else [self.trip]
        return {one.record.id: one.record.digest for one in meant}

    @property
    def is_confirmed(self) -> bool:
        """Whether the skipper has confirmed the book as it stands now."""
        if self.trip is None or self.confirmation is None:
            return False
        told: Mapping[str, str] = self.confirmation.record.fields["covers"]
        return dict(told) == self.covered

    @property
    def caught(self) -> dict[str, float]:
        """Kilograms caught, by species."""
        return added(one.kilograms for one in self.catches)

    @property
    def landed(self) -> dict[str, float]:
        """Kilograms weighed ashore, by species."""
        return added(one.kilograms for one in self.landings)

    @property
    def expected(self) -> dict[str, float]:
        """Kilograms that should be on board: caught and taken over, less handed over."""
        taken, given = (
            added(
                one.kilograms
                for one in self.transshipments
                if one.record.fields["direction"] == direction
            )
            for direction in ("taken", "given")
        )
        species = {*self.caught, *taken, *given}
        return {
            one: round(
                self.caught.get(one, 0.0) + taken.get(one, 0.0) - given.get(one, 0.0), 3
            )
            for one in sorted(species)
        }


class Difference(NamedTuple):
    """One species: kg that should be on board, kg weighed, and their difference as a
    share of what was weighed (None: nothing was)."""

    species: str
    expected: float
    landed: float
    share: float | None

    @property
    def is_within(self) -> bool:
        """Whether the difference is within the stated tolerance."""
        return self.share is not None and abs(self.share) <= RULES.tolerance.value


def added(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the sums by species, rounded to grams."""
    sums: dict[str, float] = defaultdict(float)
    for part in parts:
        for species, kg in part.items():
            sums[species] += kg
    return {species: round(sums[species], 3) for species in sorted(sums)}


def differences(book: TripBook) -> Sequence[Difference]:
    """Return catch against landing, by species; only once something was landed."""
    expected, landed = book.expected, book.landed
    if not book.landings:
        return ()
    found = []
    for species in sorted({*expected, *landed}):
        wrote, weighed = expected.get(species, 0.0), landed.get(species, 0.0)
        share = (weighed - wrote) / weighed if weighed else None
        found.append(Difference(species, wrote, weighed, share))
    return found


def trip_book(records: Iterable[VesselRecord]) -> TripBook:
    """Return the book of one trip's records."""
    by_kind: dict[str, list[Standing]] = defaultdict(list)
    for one in in_force(records):
        by_kind[one.record.kind].append(one)
    book = TripBook(
        trip=_newest(by_kind["trip"]),
        catches=tuple(by_kind["catch"]),
        transshipments=tuple(by_kind["transshipment"]),
        landings=tuple(by_kind["landing"]),
        notices=tuple(by_kind["notice"]),
        statements=tuple(by_kind["statement"]),
        confirmation=None,
        is_double=len(by_kind["trip"]) > 1,
    )
    told = by_kind["confirmation"]
    fitting = [one for one in told if one.record.fields["covers"] == book.covered]
    return book._replace(confirmation=_newest(fitting) or _newest(told))


def in_force(records: Iterable[VesselRecord]) -> list[Standing]:
    """Return the records that count, by when they happened."""
    known = {one.id: one for one in records}
    replaced = {one.corrects for one in known.values() if _corrects(one, known)}
    chains: dict[str, list[VesselRecord]] = defaultdict(list)
    for one in known.values():
        chains[_root(one, known)].append(one)
    found = []
    for root, chain in chains.items():
        ends = [one for one in chain if one.id not in replaced] or chain
        valid = [one for one in ends if one.corrects is None or _fits(one, known)]
        if valid:
            found.append(Standing(root, max(valid, key=_age)))
    return sorted(
        found, key=lambda one: (one.record.happened_ms, one.record.entered_ms, one.root)
    )


def _age(record: VesselRecord) -> tuple[int, str]:
    return record.entered_ms, record.id


def _newest(standing: Sequence[Standing]) -> Standing | None:
    return max(standing, key=lambda one: _age(one.record), default=None)


def _fits(one: VesselRecord, known: Mapping[str, VesselRecord]) -> bool:
    """A correction stays in its vessel, trip and kind; of what is not here, who knows."""
    old = known.get(one.corrects or "")
    return old is None or _about(one) == _about(old)


def _about(one: VesselRecord) -> tuple[Any, ...]:
    return one.vessel, one.trip, one.kind


def _corrects(one: VesselRecord, known: Mapping[str, VesselRecord]) -> bool:
    return one.corrects in known and _fits(one, known)


def _root(one: VesselRecord, known: Mapping[str, VesselRecord]) -> str:
    seen = [one.id]
    while one.corrects is not None and _fits(one, known):
        if one.corrects in seen:  # each corrects the other: nobody was first
            return min(seen)
        seen.append(one.corrects)
        if one.corrects not in known:
            break
        one = known[one.corrects]
    return seen[-1]
