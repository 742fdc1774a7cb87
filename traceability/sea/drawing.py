"""Papers of a landing whose kilograms are drawn down (*trừ lùi*).

A receipt draws from the landing, an SC (*xác nhận nguyên liệu*) from a receipt, a CC
(*chứng nhận nguồn gốc*) from an SC. Nobody can draw more than is left, however many draw
at once. Nothing here is a submission: authorities issue such papers, the book keeps count.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.reference.species import get_species
from greenwater.storage.registry import Registry, Scope
from greenwater.storage.registry.rows import parse_name
from greenwater.storage.registry.vessel_books import CatchPaper, Kilograms
from traceability.records import check_uuid
from traceability.sea.crew import SAILORS
from traceability.sea.trip_book import added
from traceability.sea.trip_case import trip_of_landing, trip_view

DRAWN_FROM: Final[Mapping[str, str | None]] = {
    "receipt": None,
    "sc": "receipt",
    "cc": "sc",
}
"""What each kind of paper draws from; None: the landing itself."""

GRAM: Final = 0.001


class NotEnoughError(ConflictError):
    """More would be drawn than is left; ``left_kg`` is, of ``species``."""

    def __init__(self, species: str, kg: float, left_kg: float) -> None:
        super().__init__(
            f"{kg:g} kg of {species} is more than the {left_kg:g} kg left",
            "not_enough",
            species=species,
            kg=kg,
            left_kg=left_kg,
        )
        self.species, self.kg, self.left_kg = species, kg, left_kg


class NewPaper(Struct, frozen=True, kw_only=True):
    """A paper as it was typed. ``id`` is made by the device (a UUID)."""

    id: str
    kind: str
    landing: str
    parent: str | None
    number: str
    holder: str
    kilograms: Kilograms
    issued_ms: int


class Balance(Struct, frozen=True):
    """A paper with what was drawn from it and what is left, in kg by species.

    ``left`` below zero: the landing was corrected downwards after papers were drawn.
    """

    paper: CatchPaper | None
    has: Kilograms
    drawn: Kilograms
    left: Kilograms


def balance(
    paper: CatchPaper | None, has: Kilograms, drawn: Sequence[CatchPaper]
) -> Balance:
    """Return what is left of ``has`` after papers were drawn from it."""
    sums = added(one.kilograms for one in drawn)
    species = sorted({*has, *sums})
    left = {one: round(has.get(one, 0.0) - sums.get(one, 0.0), 3) for one in species}
    return Balance(paper, has, sums, left)


def balances(seen: Registry | Scope, landing: str, now_ms: int) -> list[Balance]:
    """Return a landing's balance, then that of each of its papers."""
    order = list(DRAWN_FROM)
    papers = sorted(
        seen.catch_papers(landing=landing), key=lambda one: order.index(one.kind)
    )
    receipts = [one for one in papers if one.parent is None]
    found = [balance(None, landed(seen, landing, now_ms), receipts)]
    for paper in papers:
        drawn = [one for one in papers if one.parent == paper.id]
        found.append(balance(paper, paper.kilograms, drawn))
    return found


def landed(seen: Registry | Scope, landing: str, now_ms: int) -> dict[str, float]:
    """Return the kilograms of a landing as they stand, by species.

    Raises:
        MissingError: there is no such landing, or it is not his to see.
    """
    view = trip_view(seen, trip_of_landing(seen, landing), now_ms)
    standing = view.landing(landing)
    return {} if standing is None else standing.kilograms


class CatchPapers:
    """The use cases."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock

    def draw(self, person: str, new: NewPaper) -> CatchPaper:
        """Draw a paper; the same again changes nothing.

        Raises:
            NotEnoughError: that much is not left.
            InputError: that is no such paper.
            MissingError: no such landing or parent, or not his.
            ConflictError: the id stands for another paper.
        """
        _check(new)
        record = self._registry.get_vessel_record(new.landing)
        if not self._registry.get_person(person).is_any(SAILORS, record.organisation):
            raise MissingError(f"{person} draws no papers from landing {new.landing}")
        now_ms = milliseconds(self._clock.now())
        has = self._source(new, now_ms)

        def is_enough(drawn: Sequence[CatchPaper]) -> None:
            left = balance(None, has, drawn).left
            for species, kg in new.kilograms.items():
                if kg > left.get(species, 0.0) + GRAM / 2:
                    raise NotEnoughError(species, kg, max(0.0, left.get(species, 0.0)))

        paper = CatchPaper(
            id=new.id,
            organisation=record.organisation,
            kind=new.kind,
            landing=new.landing,
            parent=new.parent,
            number=parse_name(new.number),
            holder=parse_name(new.holder),
            kilograms={one: round(new.kilograms[one], 3) for one in new.kilograms},
            issued_ms=new.issued_ms,
            entered_ms=now_ms,
            entered_by=person,
        )
        self._registry.draw_paper(paper, is_enough)
        return self._registry.get_catch_paper(new.id)

    def _source(self, new: NewPaper, now_ms: int) -> Kilograms:
        """Return the kilograms that a paper draws from."""
        wanted = DRAWN_FROM[new.kind]
        if wanted is None or new.parent is None:
            return landed(self._registry, new.landing, now_ms)
        parent = self._registry.get_catch_paper(new.parent)
        if parent.landing != new.landing or parent.kind != wanted:
            raise InputError(
                f"a paper {new.kind} draws from a {wanted} of the same landing, not from "
                f"{parent.kind} {parent.number}",
                "paper_parent",
            )
        return parent.kilograms


def _check(new: NewPaper) -> None:
    check_uuid("paper", new.id)
    if new.kind not in DRAWN_FROM:
        raise InputError(
            f"paper {new.kind!r} is not one of {', '.join(DRAWN_FROM)}", "form_old"
        )
    if (DRAWN_FROM[new.kind] is None) != (new.parent is None):
        raise InputError(
            f"a paper {new.kind} draws from {DRAWN_FROM[new.kind]}", "form_old"
        )
    if not new.kilograms:
        raise InputError(
            "a paper without kilograms is none: enter species and weight", "paper_no_kg"
        )
    for species, kg in new.kilograms.items():
        get_species(species)
        if not GRAM <= kg <= 1_000_000:
            raise InputError(
                f"{kg:g} kg of {species} is no possible weight", "kg_wrong", kg=kg
            )
