"""Whatever is done to goods in whatever order: mass is kept, descent goes one way."""

import random
import shutil
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import MissingError
from greenwater.kernel.reading import instant
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.goods import Holding, count_holdings
from greenwater.storage.registry.people import Role
from tests.examples import examples
from traceability.goods.balance import StepRefusedError
from traceability.goods.genealogy import first_broken, walk
from traceability.goods.lots import Goods, lot_of_landing
from traceability.goods.steps import (
    Act,
    Dispose,
    Made,
    Merge,
    NewStep,
    Pack,
    Party,
    Portion,
    Process,
    Receive,
    Sell,
    Ship,
    Split,
    Unpack,
)
from traceability.ledger.events import NAMESPACE

NOW = 1_780_000_000_000
OURS = ("hoa", "may")
SPECIES = ("PNV", "GIT")


def gtin(organisation: str, species: str) -> str:
    place = OURS.index(organisation) * 2 + SPECIES.index(species)
    return ("09521234543213", "09521234543220", "09521234543237", "09521234543244")[
        place
    ]


def opened(folder: Path) -> Registry:
    registry = open_registry(f"sqlite:///{folder}/registry.db")
    for name in OURS:
        registry.add_organisation(name, name)
        registry.add_person(name, name)
        registry.add_member(name, name, Role.FARMER)
        for species in SPECIES:
            registry.add_product(
                gtin(name, species), organisation=name, name_vi="Tôm", name_en="Shrimp",
                species=species,
            )  # fmt: skip
    return registry


class Book:
    """A registry, and what is entered into it under a clock that stands still."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.goods = Goods(registry, ManualClock(instant(NOW)))

    def begin(self, organisation: str, species: str, kg: float, landing: str) -> Lot:
        product = self.registry.get_product(gtin(organisation, species))
        lot = lot_of_landing(product, landing, NOW, kg, NOW, organisation)
        self.registry.add_lot(lot, [])
        return lot

    def enter(self, new: NewStep) -> Sequence[Lot]:
        self.goods.enter(new.organisation, new)
        made = getattr(new.act, "made", ())
        return [
            self.registry.get_lot(str(uuid.uuid5(NAMESPACE, f"lot/{new.id}/{place}")))
            for place in range(len(made))
        ]

    def holdings(self, lots: Iterable[str]) -> Sequence[Holding]:
        with self.registry._sessions.reading() as session:
            return count_holdings(session, list(lots))


def step(organisation: str, act: Act) -> NewStep:
    return NewStep(id=str(uuid.uuid4()), organisation=organisation, at_ms=NOW, act=act)


@pytest.fixture(scope="module")
def books() -> Iterator[Sequence[Book]]:
    """Three registries that stay open: making one takes longer than an example."""
    with tempfile.TemporaryDirectory() as folder:
        opened(Path(folder)).close()
        made = []
        for number in range(3):
            copy = shutil.copy(f"{folder}/registry.db", f"{folder}/{number}.db")
            made.append(Book(open_registry(f"sqlite:///{copy}")))
        yield made
        for one in made:
            one.registry.close()


SHARE = st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0])


class Trading(RuleBasedStateMachine):
    """Two organisations deal; a plain sum of kilograms is kept beside the registry."""

    book: Book

    def __init__(self) -> None:
        super().__init__()
        self.lots: dict[str, Lot] = {}
        self.species: dict[str, str] = {}
        self.begun: dict[str, float] = defaultdict(float)
        self.gone: dict[str, float] = defaultdict(float)
        self.road: dict[str, tuple[Portion, ...]] = {}
        self.done: list[NewStep] = []
        self.crates: list[tuple[str, str]] = []

    def _choose(self, data: st.DataObject, *, least: float = 0.1) -> tuple[str, Lot]:
        held = [
            (one.organisation, one.lot)
            for one in self.book.holdings(self.lots)
            if one.package is None and one.kg >= least
        ]
        if not held:
            self._begin("hoa", "PNV", 100.0)
            held = [("hoa", list(self.lots)[-1])]
        # By when they were made: their ids differ from run to run.
        order = {lot: place for place, lot in enumerate(self.lots)}
        held.sort(key=lambda one: (order[one[1]], one[0]))
        holder, lot = data.draw(st.sampled_from(held))
        return holder, self.lots[lot]

    def _loose(self, holder: str, lot: str) -> float:
        held = self.book.holdings([lot])
        mine = (one for one in held if one.organisation == holder)
        return sum(one.kg for one in mine if one.package is None)

    def _begin(self, organisation: str, species: str, kg: float) -> None:
        lot = self.book.begin(organisation, species, kg, str(uuid.uuid4()))
        self.lots[lot.id], self.species[lot.id] = lot, species
        self.begun[species] += kg

    def _do(self, new: NewStep) -> None:
        self.done.append(new)
        for lot in self.book.enter(new):
            self.lots[lot.id] = lot
            product = self.book.registry.get_product(lot.product)
            self.species[lot.id] = product.species

    @rule(
        organisation=st.sampled_from(OURS),
        species=st.sampled_from(SPECIES),
        kg=st.integers(1, 5_000),
    )
    def begin(self, organisation: str, species: str, kg: int) -> None:
        self._begin(organisation, species, kg / 10)

    @rule(data=st.data(), share=SHARE, loss=st.sampled_from([0.0, 0.02]))
    def split(self, data: st.DataObject, share: float, loss: float) -> None:
        holder, lot = self._choose(data, least=1.0)
        kg = round(self._loose(holder, lot.id) * share, 3)
        half = round(kg * (1 - loss) / 2, 3)
        rest = round(kg * (1 - loss) - half, 3)
        product = gtin(holder, self.species[lot.id])
        made = (Made(half, product), Made(rest, product))
        self._do(step(holder, Split((Portion(lot.id, kg),), made)))
        self.gone[self.species[lot.id]] += kg - half - rest

    @rule(data=st.data(), share=SHARE)
    def process(self, data: st.DataObject, share: float) -> None:
        holder, lot = self._choose(data, least=1.0)
        kg = round(self._loose(holder, lot.id) * share, 3)
        out = round(kg * 0.6, 3)
        made = (Made(out, gtin(holder, self.species[lot.id])),)
        self._do(step(holder, Process((Portion(lot.id, kg),), made, "headless")))
        self.gone[self.species[lot.id]] += kg - out

    @rule(data=st.data(), share=SHARE)
    def merge(self, data: st.DataObject, share: float) -> None:
        holder, lot = self._choose(data)
        others = [
            one
            for one in self.lots.values()
            if one.id != lot.id
            and self.species[one.id] == self.species[lot.id]
            and self._loose(holder, one.id) >= 0.1
        ]
        if not others:
            return
        other = data.draw(st.sampled_from(others))
        portions = tuple(
            Portion(one.id, max(0.001, round(self._loose(holder, one.id) * share, 3)))
            for one in (lot, other)
        )
        whole = round(sum(one.kg for one in portions), 3)
        made = Made(whole, gtin(holder, self.species[lot.id]))
        self._do(step(holder, Merge(portions, (made,))))

    @rule(data=st.data(), share=SHARE)
    def pack(self, data: st.DataObject, share: float) -> None:
        holder, lot = self._choose(data)
        kg = max(0.001, round(self._loose(holder, lot.id) * share, 3))
        crate = f"c{uuid.uuid4().hex[:12]}"
        self._do(step(holder, Pack((Portion(lot.id, kg),), crate)))
        self.crates.append((holder, crate))

    @precondition(lambda self: self.crates)
    @rule()
    def unpack(self) -> None:
        self._do(step(self.crates[0][0], Unpack(self.crates.pop(0)[1])))

    @rule(data=st.data(), share=SHARE, is_outside=st.booleans())
    def ship(self, data: st.DataObject, share: float, is_outside: bool) -> None:
        holder, lot = self._choose(data)
        kg = max(0.001, round(self._loose(holder, lot.id) * share, 3))
        other = next(one for one in OURS if one != holder)
        to = Party(None, "Chợ", "Nha Trang") if is_outside else Party(other)
        new = step(holder, Ship((Portion(lot.id, kg),), (), to))
        self._do(new)
        if is_outside:
            self.gone[self.species[lot.id]] += kg
        else:
            self.road[new.id] = (Portion(lot.id, kg),)

    @precondition(lambda self: self.road)
    @rule(arrived=st.sampled_from([1.0, 0.9, 0.0]))
    def receive(self, arrived: float) -> None:
        shipment = next(iter(self.road))
        (sent,) = self.road.pop(shipment)
        kg = round(sent.kg * arrived, 3)
        sender = next(one for one in self.done if one.id == shipment).organisation
        other = next(one for one in OURS if one != sender)
        self._do(step(other, Receive(shipment, (Portion(sent.lot, kg),), "ráo nước")))
        self.gone[self.species[sent.lot]] += sent.kg - kg

    @rule(data=st.data(), share=SHARE, is_sold=st.booleans())
    def end(self, data: st.DataObject, share: float, is_sold: bool) -> None:
        holder, lot = self._choose(data)
        kg = max(0.001, round(self._loose(holder, lot.id) * share, 3))
        goods = (Portion(lot.id, kg),)
        act: Act = Sell(goods) if is_sold else Dispose(goods, (), "hỏng")
        self._do(step(holder, act))
        self.gone[self.species[lot.id]] += kg

    @rule(data=st.data(), over=st.sampled_from([0.001, 1.0, 1000.0]))
    def take_too_much(self, data: st.DataObject, over: float) -> None:
        holder, lot = self._choose(data)
        kg = round(self._loose(holder, lot.id) + over, 3)
        with pytest.raises(StepRefusedError, match="not_enough_left"):
            self.book.enter(step(holder, Sell((Portion(lot.id, kg),))))

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        self.book.enter(data.draw(st.sampled_from(self.done)))

    @invariant()
    def mass_is_kept(self) -> None:
        held: dict[str, float] = defaultdict(float)
        for found in self.book.holdings(self.lots):
            assert found.kg >= 0, "nobody has less than nothing"
            held[self.species[found.lot]] += found.kg
        for portions in self.road.values():
            for one in portions:
                held[self.species[one.lot]] += one.kg
        for species, kg in self.begun.items():
            assert held[species] + self.gone[species] == pytest.approx(kg, abs=0.01)

    def teardown(self) -> None:
        for lot in list(self.lots)[-4:]:
            lots, links = self.book.registry.sources_of(lot)
            above = {one.lot for one in walk(lot, links, is_back=True)[1:]}
            assert lot not in above, "it is its own ancestor"
            assert above == set(lots) - {lot}
            flows = self.book.registry.flows_of_sources(lot)
            assert first_broken(lot, lots, links, flows) is None


@pytest.mark.hypothesis
def test_mass_is_kept_and_no_lot_is_its_own_ancestor(books: Sequence[Book]) -> None:
    class Machine(Trading):
        book = books[0]

    case = Machine.TestCase
    case.settings = settings(
        max_examples=examples(6), stateful_step_count=14, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    case("runTest").runTest()


def a_day(
    book: Book,
    rng: random.Random,
) -> tuple[list[tuple[str, str, float, str]], list[NewStep]]:
    """Return landings and what is done to them, each thing once, none of it returned."""
    landings = [
        ("hoa", rng.choice(SPECIES), float(rng.randint(100, 900)), str(uuid.uuid4()))
        for _ in range(2)
    ]
    steps: list[NewStep] = []
    lots = [book.begin(*one) for one in landings]
    holders = {lot.id: "hoa" for lot in lots}
    left = {lot.id: lot.kg for lot in lots}
    species = {lot.id: one[1] for lot, one in zip(lots, landings, strict=True)}
    for _ in range(rng.randint(4, 7)):
        lot = rng.choice(sorted(left))
        kg = round(left[lot] * rng.choice([0.2, 0.5]), 3)
        if kg < 0.5:
            continue
        left[lot] = round(left[lot] - kg, 3)
        holder, goods = holders[lot], (Portion(lot, kg),)
        own = gtin(holder, species[lot])
        kind = rng.choice(["split", "process", "sell", "ship"])
        if kind == "ship" and holder == "hoa":
            sent = step("hoa", Ship(goods, (), Party("may")))
            steps += [sent, step("may", Receive(sent.id))]
            for one in steps[-2:]:
                book.enter(one)
            continue
        act: Act = Sell(goods)
        if kind == "split":
            act = Split(
                goods,
                (Made(round(kg / 2, 3), own), Made(kg - round(kg / 2, 3), own)),
            )
        elif kind == "process":
            act = Process(goods, (Made(round(kg * 0.6, 3), own),), "headless")
        steps.append(step(holder, act))
        for made in book.enter(steps[-1]):
            left[made.id], holders[made.id] = made.kg, holder
            species[made.id] = species[lot]
    return landings, steps


def told(book: Book, landings: Sequence[tuple[str, str, float, str]]) -> object:
    """Return what the books say, but for when it was entered."""
    found: list[object] = []
    for one in landings:
        lot = book.begin(*one)
        lots, links = book.registry.lots_from(lot.id)
        for made in sorted(lots):
            row = lots[made]
            held = book.holdings([made])
            steps = [(s.id, s.digest) for s in book.registry.steps(lot=made)]
            found.append(
                (made, row.code, row.kg, row.product, row.organisation, held, steps)
            )
        found.append(tuple(sorted((x.parent, x.child, x.kg) for x in links)))
    return found


def sent_until_taken(book: Book, steps: Sequence[NewStep]) -> None:
    """Enter steps as a device does: what is refused is sent again, after the others."""
    waiting = list(steps)
    for _ in range(len(steps) + 1):
        again = []
        for one in waiting:
            try:
                book.enter(one)
            except (MissingError, StepRefusedError):
                again.append(one)
        waiting = again
    assert not waiting


@settings(
    max_examples=examples(3), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(seed=st.integers(0, 2**32))
def test_any_order_and_repetition_of_the_same_steps_gives_the_same_books(
    books: Sequence[Book], seed: int
) -> None:
    rng = random.Random(seed)
    landings, steps = a_day(books[0], rng)
    for book in books[1:]:
        for one in landings:
            book.begin(*one)
    for new in steps:
        books[1].enter(new)
    shuffled = [*steps, *rng.sample(steps, len(steps) // 2)]
    rng.shuffle(shuffled)
    sent_until_taken(books[2], shuffled)

    assert told(books[1], landings) == told(books[2], landings)
