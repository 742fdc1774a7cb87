"""Steps of goods and the kilograms that flowed: kept, and counted per lot and holder."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import CTE, case, func, select, tuple_
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError
from greenwater.storage.registry.books import Lot, Product
from greenwater.storage.registry.models.books import LotRow, ProductRow
from greenwater.storage.registry.models.lots import LotFlowRow, LotStepRow
from greenwater.storage.registry.rows import get_row, struct_of
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.genealogy import recalled_among
from greenwater.storage.registry.trace_events.ledger import EventDraft, append_events


class Step(Struct, frozen=True):
    """One act on goods. ``digest`` is over its content; it never changes.

    ``recipient`` is the organisation it was shipped to, ``shipment`` the shipping that a
    receipt answers.
    """

    id: str
    organisation: str
    kind: str
    at_ms: int
    entered_ms: int
    entered_by: str
    recipient: str | None
    shipment: str | None
    fields: dict[str, Any]
    digest: str


class Flow(Struct, frozen=True):
    """Kilograms of a lot that went ``in`` to a step or came ``out`` of it.

    ``package`` is what they were packed in, before or after; None: loose.
    """

    step: str
    number: int
    organisation: str
    lot: str
    direction: str
    kg: float
    species: str
    package: str | None


class Holding(Struct, frozen=True):
    """What an organisation has of a lot, loose or in a package; to the gram."""

    organisation: str
    lot: str
    package: str | None
    kg: float


class Needs(Struct, frozen=True):
    """What must be known to judge a step."""

    lots: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    shipment: str | None = None


class Ground(Struct, frozen=True):
    """How the books stand before a step; ``holdings`` are the acting organisation's.

    ``since_ms`` is since when a lot is; ``shipped`` is what went into the shipment; ``packages`` are those ever packed.
    """

    lots: Mapping[str, Lot]
    products: Mapping[str, Product]
    since_ms: Mapping[str, int]
    holdings: Sequence[Holding]
    recalled: frozenset[str]
    packages: frozenset[str]
    shipment: Step | None
    shipped: Sequence[Flow]


class StepBooks(Struct, frozen=True):
    """What a step writes: itself, the lots it makes, what flowed, its trace events."""

    step: Step
    lots: Sequence[Lot]
    flows: Sequence[Flow]
    events: Sequence[EventDraft]


class GoodsSeen:
    """What may be asked about goods; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def steps(self, *, lot: str | None = None) -> Sequence[Step]:
        """Return what was done to goods (or to one lot), by time."""
        query = select(LotStepRow).order_by(LotStepRow.at_ms, LotStepRow.id)
        if lot is not None:
            touched = select(LotFlowRow.step).where(LotFlowRow.lot == lot)
            query = query.where(LotStepRow.id.in_(touched))
        with self._sessions.reading() as session:
            return [struct_of(Step, row) for row in session.scalars(query)]

    def steps_after(
        self, after: tuple[int, str] | None, *, limit: int
    ) -> Sequence[Step]:
        """Return the steps beyond (entered_ms, id), in that order: a page of them."""
        query = select(LotStepRow).order_by(LotStepRow.entered_ms, LotStepRow.id)
        if after is not None:
            place = tuple_(LotStepRow.entered_ms, LotStepRow.id)
            query = query.where(place > after)
        with self._sessions.reading() as session:
            found = session.scalars(query.limit(limit))
            return [struct_of(Step, row) for row in found]

    def get_step(self, step: str) -> Step:
        """Return one step.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            return struct_of(Step, get_row(session, LotStepRow, step))

    def flows(
        self, *, lot: str | None = None, step: str | None = None
    ) -> Sequence[Flow]:
        """Return what flowed, by step and number."""
        query = select(LotFlowRow).order_by(LotFlowRow.step, LotFlowRow.number)
        if lot is not None:
            query = query.where(LotFlowRow.lot == lot)
        if step is not None:
            query = query.where(LotFlowRow.step == step)
        with self._sessions.reading() as session:
            return [struct_of(Flow, row) for row in session.scalars(query)]


class Goods(GoodsSeen):
    """Mixed into ``Registry``."""

    def keep_step(
        self, known: Step, needs: Needs, decide: Callable[[Ground], StepBooks]
    ) -> bool:
        """Judge a step and keep what it writes, as one; return whether it is new.

        ``known`` is the step as it would be kept; what stands under its id with the same
        digest is left as it is. ``decide`` is pure and raises what refuses the step.

        Raises:
            ConflictError: the id stands for something else.
        """
        with self._sessions.writing() as session:
            # The lots are held first: a twin waits there, and finds this one.
            ground = _ground(session, known.organisation, needs)
            standing = session.get(LotStepRow, known.id)
            if standing is not None:
                if standing.digest == known.digest:
                    return False
                raise ConflictError(
                    f"step {known.id} is there already with other content: enter "
                    "another step instead",
                    "step_other",
                )
            made = decide(ground)
            session.add(LotStepRow(**asdict(made.step)))
            session.flush()
            session.add_all(LotRow(**asdict(lot)) for lot in made.lots)
            session.flush()
            session.add_all(LotFlowRow(**asdict(flow)) for flow in made.flows)
            session.flush()
            append_events(session, known.organisation, made.events, known.entered_ms)
            return True


def _ground(session: Session, organisation: str, needs: Needs) -> Ground:
    shipment, shipped = _shipment(session, needs.shipment)
    packed = LotFlowRow.package.in_(needs.packages)
    within = select(LotFlowRow.lot).where(packed).distinct()
    wanted = needs.lots | {flow.lot for flow in shipped} | set(session.scalars(within))
    # Others who would use up the same kilograms wait here; in one order, so that nobody
    # waits for ever. (On SQLite there is one writer anyway.)
    locked = select(LotRow).where(LotRow.id.in_(wanted)).order_by(LotRow.id)
    rows = session.scalars(locked.with_for_update()).all()
    lots = {row.id: struct_of(Lot, row) for row in rows}
    gtins = needs.products | {lot.product for lot in lots.values()}
    products = select(ProductRow).where(ProductRow.id.in_(gtins))
    return Ground(
        lots,
        {row.id: struct_of(Product, row) for row in session.scalars(products)},
        _since_ms(session, lots),
        [
            one
            for one in count_holdings(session, lots)
            if one.organisation == organisation
        ],
        recalled_among(session, lots),
        frozenset(
            str(one)
            for one in session.scalars(
                select(LotFlowRow.package).where(packed).distinct()
            )
        ),
        shipment,
        shipped,
    )


def _since_ms(session: Session, lots: Mapping[str, Lot]) -> dict[str, int]:
    steps = {lot.step for lot in lots.values() if lot.step}
    query = select(LotStepRow.id, LotStepRow.at_ms).where(LotStepRow.id.in_(steps))
    made_ms = {step: at_ms for step, at_ms in session.execute(query)}
    return {
        lot.id: made_ms.get(lot.step or "", lot.harvested_ms) for lot in lots.values()
    }


def _shipment(
    session: Session, shipment: str | None
) -> tuple[Step | None, Sequence[Flow]]:
    row = None if shipment is None else session.get(LotStepRow, shipment)
    if row is None:
        return None, ()
    query = select(LotFlowRow).where(LotFlowRow.step == row.id)
    flows = session.scalars(query.order_by(LotFlowRow.number))
    return struct_of(Step, row), [struct_of(Flow, one) for one in flows]


def count_holdings(session: Session, lots: Iterable[str] | CTE) -> list[Holding]:
    """Return who holds how much of these lots, in this session; nobody who has none.

    ``lots`` are ids, or a table of them.
    """
    wanted = select(lots.c.id) if isinstance(lots, CTE) else list(lots)
    signed = case((LotFlowRow.direction == "out", LotFlowRow.kg), else_=-LotFlowRow.kg)
    flowed = (
        select(
            LotFlowRow.organisation,
            LotFlowRow.lot,
            LotFlowRow.package,
            func.sum(signed).label("kg"),
        )
        .where(LotFlowRow.lot.in_(wanted))
        .group_by(LotFlowRow.organisation, LotFlowRow.lot, LotFlowRow.package)
    )
    begun = select(LotRow.organisation, LotRow.id, LotRow.kg).where(
        LotRow.id.in_(wanted), LotRow.origin != "step"
    )
    held: dict[tuple[str, str, str | None], float] = {}
    for owner, lot, kg in session.execute(begun):
        held[owner, lot, None] = kg
    for owner, lot, package, kg in session.execute(flowed):
        held[owner, lot, package] = held.get((owner, lot, package), 0.0) + kg
    return [
        Holding(*key, round(kg, 3)) for key, kg in held.items() if round(kg, 3) != 0
    ]
