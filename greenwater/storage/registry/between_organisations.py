"""What passes from one organisation to the next: the one place where tenancy opens.

Goods change hands and a recall must follow them, so these queries see beyond a tenant.
Each says to whom its answer may be shown; whoever calls it keeps to that.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import CTE, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from greenwater.kernel.errors import MissingError
from greenwater.storage.registry.books import Lot
from greenwater.storage.registry.goods import Flow, Holding, Step, count_holdings
from greenwater.storage.registry.labels import Recall
from greenwater.storage.registry.models import Membership, Organisation, Person
from greenwater.storage.registry.models.books import LotRow
from greenwater.storage.registry.models.labels import LabelRow, RecallRow
from greenwater.storage.registry.models.lots import LotFlowRow, LotStepRow
from greenwater.storage.registry.rows import columns_of, get_row, storable, struct_of
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.chains import chain_of
from greenwater.storage.registry.trace_events.finding import FoundEvent
from greenwater.storage.registry.trace_events.genealogy import (
    Link,
    links_among,
    recalled_among,
    walk,
)
from greenwater.storage.registry.trace_events.handed_chains import Party, handed_chain
from greenwater.storage.registry.trace_events.ledger import EventDraft, append_events

Reach = frozenset[str] | None
"""Organisations that somebody sees; None: all (``People.reach_of``)."""


Drafts = Callable[[Sequence[Lot]], Mapping[str, Sequence[EventDraft]]]
"""What to record, by organisation, of the lots that a recall reaches."""


Descent = tuple[Mapping[str, Lot], Sequence[Link]]
"""Lots by id, and the links between them."""


class Shipment(Struct, frozen=True):
    """Goods on their way: the shipping step and what went into it."""

    step: Step
    flows: tuple[Flow, ...]
    sender: str


class Spread(Struct, frozen=True):
    """All that came of a lot, itself too: lots by id, links, who holds them, labels out.

    ``shipments`` are those whose recipient is no organisation of the platform, or has
    not received them; ``organisations`` are names, ``phones`` people's numbers by
    organisation.
    """

    lots: Mapping[str, Lot]
    links: Sequence[Link]
    holdings: Sequence[Holding]
    shipments: Sequence[Shipment]
    labels: Mapping[str, int]
    organisations: Mapping[str, str]
    phones: Mapping[str, Sequence[str]]


class Passing:
    """Mixed into ``Registry``, never into ``Scope``."""

    _sessions: Sessions

    def lot_of(self, reach: Reach, lot: str) -> Lot:
        """Return a lot that is, or ever was, in the hands of these organisations.

        For them to see: whoever holds goods may know which they are.

        Raises:
            MissingError: there is none, or they never had it.
        """
        with self._sessions.reading() as session:
            row = get_row(session, LotRow, lot)
            if reach is not None and row.organisation not in reach:
                had = exists().where(
                    LotFlowRow.lot == lot, LotFlowRow.organisation.in_(sorted(reach))
                )
                if not session.scalar(select(had)):
                    raise MissingError(f"lot {lot} is not registered")
            return struct_of(Lot, row)

    def held_by(self, organisation: str) -> Sequence[tuple[Lot, Holding]]:
        """Return what an organisation holds, others' lots too. For itself to see."""
        flowed = select(LotFlowRow.lot).where(LotFlowRow.organisation == organisation)
        with self._sessions.reading() as session:
            had = (
                select(LotRow.id)
                .where(or_(LotRow.organisation == organisation, LotRow.id.in_(flowed)))
                .cte("had")
            )
            held = [
                one
                for one in count_holdings(session, had)
                if one.organisation == organisation
            ]
            lots = {one.id: one for one in _lots(session, had)}
            held.sort(key=lambda one: (lots[one.lot].code, one.package or ""))
            return [(lots[one.lot], one) for one in held]

    def shipments_to(self, organisation: str) -> Sequence[Shipment]:
        """Return what is on its way to an organisation. For it to see."""
        with self._sessions.reading() as session:
            return _shipments(
                session,
                _unreceived().where(LotStepRow.recipient == organisation),
            )

    def sources_of(self, lot: str) -> Descent:
        """Return all lots that a lot came from, itself too, and their links.

        For anybody who may see the lot: a passport tells where goods are from.
        """
        return self._descent(lot, is_back=True)

    def _descent(self, lot: str, *, is_back: bool) -> Descent:
        with self._sessions.reading() as session:
            reached = walk(session, [lot], is_back=is_back)
            lots = {one.id: one for one in _lots(session, reached)}
            return lots, links_among(session, reached, is_back=is_back)

    def steps_to(self, lot: str) -> Sequence[Step]:
        """Return the steps that made a lot and those it came from, and brought them here.

        For anybody who may see the lot, as ``sources_of``.
        """
        with self._sessions.reading() as session:
            reached = walk(session, [lot], is_back=True)
            made = select(LotRow.step).where(LotRow.id.in_(select(reached.c.id)))
            moved = select(LotFlowRow.step).where(
                LotFlowRow.lot.in_(select(reached.c.id)), LotFlowRow.lot != lot
            )
            is_part = or_(
                LotStepRow.id.in_(made),
                LotStepRow.id.in_(moved) & (LotStepRow.kind == "receive"),
            )
            query = select(LotStepRow).where(is_part)
            rows = session.scalars(query.order_by(LotStepRow.at_ms, LotStepRow.id))
            return [struct_of(Step, row) for row in rows]

    def chain_to(
        self, reach: Reach, start: str, party: Party, *, limit: int
    ) -> Sequence[FoundEvent]:
        """Return the events of a thing (a link) and of all it came from, by time.

        For these organisations: their own, and of each hand that shipped the goods to them
        what made the goods (``hands``). ``party`` tells how events name an organisation.
        """
        with self._sessions.reading() as session:
            if reach is None:
                return chain_of(session, start, None, limit=limit)
            return handed_chain(session, start, reach, party, limit=limit)

    def flows_of_sources(self, lot: str) -> Sequence[Flow]:
        """Return all that flowed of a lot and of what it came from, by step and number.

        To judge whether its books hold, not to be shown.
        """
        with self._sessions.reading() as session:
            reached = walk(session, [lot], is_back=True)
            query = columns_of(Flow, LotFlowRow)
            mine = query.join(reached, reached.c.id == LotFlowRow.lot)
            # What else came out of a step counts against what went in.
            beside = query.join(LotRow, LotRow.step == LotFlowRow.step).join(
                reached, reached.c.id == LotRow.id
            )
            rows = {
                tuple(row) for one in (mine, beside) for row in session.execute(one)
            }
            return [Flow(*row) for row in sorted(rows, key=lambda row: row[:2])]

    def lots_from(self, lot: str) -> Descent:
        """Return all lots that came of a lot, itself too, and their links.

        Whose they are is others' business: show to an organisation its own, unless it
        calls the lot back.
        """
        return self._descent(lot, is_back=False)

    def spread_of(self, lot: str) -> Spread:
        """Return where everything that came of a lot is now.

        For the organisation that calls the lot back, and for the authority.
        """
        with self._sessions.reading() as session:
            reached = walk(session, [lot], is_back=False)
            lots = {one.id: one for one in _lots(session, reached)}
            holdings = count_holdings(session, reached)
            went = select(LotFlowRow.step).where(
                LotFlowRow.lot.in_(select(reached.c.id)), LotFlowRow.direction == "in"
            )
            shipments = _shipments(
                session, _unreceived().where(LotStepRow.id.in_(went))
            )
            issued = (
                select(LabelRow.lot, func.count())
                .where(LabelRow.lot.in_(select(reached.c.id)))
                .group_by(LabelRow.lot)
            )
            holders = {one.organisation for one in holdings} | {
                one.step.recipient for one in shipments if one.step.recipient
            }
            return Spread(
                lots,
                links_among(session, reached, is_back=False),
                holdings,
                shipments,
                {lot: count for lot, count in session.execute(issued)},
                _names(session),
                _phones(session, holders),
            )

    def recalls_upon(self, lot: str) -> Sequence[Recall]:
        """Return the recalls in force on a lot or on what it came from; the newest first.

        For anybody: that goods are called back is told to all.
        """
        with self._sessions.reading() as session:
            called = select(RecallRow).where(RecallRow.ended_ms.is_(None))
            if session.scalar(select(called.exists())) is not True:
                return []
            reached = walk(session, [lot], is_back=True)
            query = called.where(RecallRow.lot.in_(select(reached.c.id)))
            rows = session.scalars(query.order_by(RecallRow.number.desc()))
            return [struct_of(Recall, row) for row in rows]

    def recalled_lots(self) -> Sequence[tuple[Lot, Recall]]:
        """Return every lot that is called back, by its own recall or one it came under.

        For anybody, as ``recalls_upon``. The first recall counts for a lot under several.
        """
        with self._sessions.reading() as session:
            query = select(RecallRow).where(RecallRow.ended_ms.is_(None))
            found: dict[str, tuple[Lot, Recall]] = {}
            for row in session.scalars(query.order_by(RecallRow.number)):
                recall = struct_of(Recall, row)
                for lot in _lots(session, walk(session, [recall.lot], is_back=False)):
                    if lot.id == recall.lot:
                        found[lot.id] = (lot, recall)
                    else:
                        found.setdefault(lot.id, (lot, recall))
            return list(found.values())

    def recalled_of(self, lots: Sequence[str]) -> frozenset[str]:
        """Return which of these lots are called back. For anybody."""
        with self._sessions.reading() as session:
            return recalled_among(session, lots)

    def call_back(self, recall: Recall, drafts: Drafts) -> None:
        """Call a lot back; every ledger that it reaches records it, as one.

        Raises:
            MissingError: there is no such lot.
            ConflictError: it is called back already.
        """
        with self._sessions.writing() as session:
            row = get_row(session, LotRow, recall.lot, lock=True)
            session.add(
                RecallRow(
                    organisation=row.organisation,
                    lot=recall.lot,
                    reason=storable(recall.reason),
                    phone=storable(recall.phone),
                    at_ms=recall.at_ms,
                    person=recall.person,
                    ended_ms=None,
                )
            )
            session.flush()
            _record(session, recall.lot, drafts, recall.at_ms)

    def end_call_back(self, lot: str, drafts: Drafts, at_ms: int) -> None:
        """End a lot's recall, and record it as widely; one that is over stays as it is."""
        query = select(RecallRow).where(
            RecallRow.lot == lot, RecallRow.ended_ms.is_(None)
        )
        with self._sessions.writing() as session:
            row = session.scalar(query.with_for_update())
            if row is not None:
                row.ended_ms = at_ms
                _record(session, lot, drafts, at_ms)

    def holdings_of(self, lot: str, organisation: str) -> Sequence[Holding]:
        """Return what an organisation holds of a lot. For itself to see."""
        with self._sessions.reading() as session:
            return [
                one
                for one in count_holdings(session, [lot])
                if one.organisation == organisation
            ]

    def organisation_names(self) -> Mapping[str, str]:
        """Return what every organisation is called. For anybody."""
        with self._sessions.reading() as session:
            return _names(session)


def _record(session: Session, lot: str, drafts: Drafts, at_ms: int) -> None:
    # Ledgers are locked as they are written to: in one order, for everybody.
    made = drafts(_lots(session, walk(session, [lot], is_back=False)))
    for organisation in sorted(made):
        append_events(session, organisation, made[organisation], at_ms)


def _lots(session: Session, reached: CTE) -> list[Lot]:
    query = columns_of(Lot, LotRow).join(reached, reached.c.id == LotRow.id)
    found = [Lot(*row) for row in session.execute(query)]
    return sorted(found, key=lambda lot: (lot.created_ms, lot.id))


def _unreceived() -> Select[LotStepRow]:
    answer = aliased(LotStepRow)
    return (
        select(LotStepRow)
        .where(LotStepRow.kind == "ship")
        .where(~exists().where(answer.shipment == LotStepRow.id))
        .order_by(LotStepRow.at_ms, LotStepRow.id)
    )


def _shipments(session: Session, query: Select[LotStepRow]) -> tuple[Shipment, ...]:
    steps = [struct_of(Step, row) for row in session.scalars(query)]
    names = _names(session)
    found = []
    for step in steps:
        flows = select(LotFlowRow).where(LotFlowRow.step == step.id)
        rows = session.scalars(flows.order_by(LotFlowRow.number))
        sent = tuple(struct_of(Flow, row) for row in rows)
        found.append(Shipment(step, sent, names.get(step.organisation, "")))
    return tuple(found)


def _names(session: Session) -> dict[str, str]:
    query = select(Organisation.id, Organisation.name)
    return {one: name for one, name in session.execute(query)}


def _phones(session: Session, organisations: set[str]) -> dict[str, list[str]]:
    query = (
        select(Membership.organisation, Person.phone)
        .join(Person, Person.id == Membership.person)
        .where(
            Membership.organisation.in_(sorted(organisations)),
            Person.phone.is_not(None),
        )
        .distinct()
        .order_by(Membership.organisation, Person.phone)
    )
    found: dict[str, list[str]] = {}
    for organisation, phone in session.execute(query):
        found.setdefault(organisation, []).append(str(phone))
    return found
