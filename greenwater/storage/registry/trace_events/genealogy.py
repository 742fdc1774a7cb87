"""Which lot came of which: walked inside the database, across organisations.

Goods change hands, so their descent does not stop at a tenant; what of it is shown to
whom is decided in ``passing``. A walk passes no lot twice, so that a ring of lots, which
no step can make, would not hold it up.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from sqlalchemy import CTE, func, select
from sqlalchemy.orm import Session

from greenwater.storage.registry.models.books import LotRow
from greenwater.storage.registry.models.labels import RecallRow
from greenwater.storage.registry.models.lots import LotFlowRow


class Link(Struct, frozen=True):
    """``kg`` of ``parent`` went into ``child`` (and its siblings) at ``step``."""

    parent: str
    child: str
    step: str
    kg: float


def step_by_step(session: Session) -> None:
    """Have PostgreSQL look up each step of a walk by an index, to the transaction's end.

    It cannot know how few rows a step has, and would read whole tables at each of ten
    thousand; SQLite does not.
    """
    if session.get_bind().dialect.name == "postgresql":
        ways = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan")
        session.execute(select(*(func.set_config(one, "off", True) for one in ways)))


def walk(session: Session, starts: Iterable[str], *, is_back: bool) -> CTE:
    """Return the lots that these came from (or that came of them), and these, as a table."""
    step_by_step(session)
    seeds = select(LotRow.id.label("id")).where(LotRow.id.in_(list(starts)))
    reached = seeds.cte("reached", recursive=True)
    if is_back:
        further = (
            select(LotFlowRow.lot)
            .join(LotRow, LotRow.step == LotFlowRow.step)
            .join(reached, reached.c.id == LotRow.id)
        )
    else:
        further = (
            select(LotRow.id)
            .join(LotFlowRow, LotRow.step == LotFlowRow.step)
            .join(reached, reached.c.id == LotFlowRow.lot)
        )
    return reached.union(further.where(LotFlowRow.direction == "in"))


def walked(session: Session, starts: Iterable[str], *, is_back: bool) -> frozenset[str]:
    """Return the same as a set, in this session."""
    reached = walk(session, starts, is_back=is_back)
    return frozenset(session.scalars(select(reached.c.id)))


def links_among(session: Session, reached: CTE, *, is_back: bool) -> Sequence[Link]:
    """Return the links between lots that a walk reached, in this session."""
    # One end is enough: a walk back has reached every parent, one forward every child.
    end = LotRow.id if is_back else LotFlowRow.lot
    query = (
        select(LotFlowRow.lot, LotRow.id, LotFlowRow.step, LotFlowRow.kg)
        .join(LotRow, LotRow.step == LotFlowRow.step)
        .where(end.in_(select(reached.c.id)), LotFlowRow.direction == "in")
    )
    found = [
        Link(parent, child, step, kg)
        for parent, child, step, kg in session.execute(query)
    ]
    return sorted(found, key=lambda link: (link.parent, link.child))


def recalled_among(session: Session, lots: Iterable[str]) -> frozenset[str]:
    """Return which of these lots are called back, or came of one that is."""
    open_recalls = select(RecallRow.lot).where(RecallRow.ended_ms.is_(None))
    called = frozenset(session.scalars(open_recalls))
    if not called:
        return frozenset()
    # Back from each: what a lot came from is less than what came of it.
    return frozenset(
        lot for lot in lots if called & walked(session, [lot], is_back=True)
    )
