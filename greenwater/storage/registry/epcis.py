"""EPCIS in the registry: capture into the ledger, events by query, jobs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.storage.registry.ledger import MAX_TEXT, EventDraft, append_events
from greenwater.storage.registry.models import Organisation
from greenwater.storage.registry.models.books import TraceEventRow
from greenwater.storage.registry.models.epcis import (
    EpcisEntryRow,
    EpcisEventRow,
    EpcisJobRow,
)
from greenwater.storage.registry.rows import get_row
from greenwater.storage.registry.session import Sessions

MOST: Final = 1000
"""The most events of one answer."""


class DuplicateEventError(ConflictError):
    """An event that stands in the ledger already; ``index`` is its place in the list."""

    def __init__(self, index: int, event_id: str) -> None:
        super().__init__(f"event {event_id} was captured before")
        self.index, self.event_id = index, event_id


class Term(Struct, frozen=True):
    """An entry of one of ``names`` whose text is one of ``texts`` or begins with one of
    ``starts``, or whose number compares with ``number`` by ``op``; with none of these any
    entry of that name. ``is_absent`` turns it round."""

    names: tuple[str, ...]
    texts: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    op: str = ""
    number: float | None = None
    is_absent: bool = False


class EventQuery(Struct, frozen=True, kw_only=True):
    """All of ``terms``, between times (milliseconds; from inclusive, to exclusive)."""

    terms: tuple[Term, ...] = ()
    event_from_ms: int | None = None
    event_to_ms: int | None = None
    recorded_from_ms: int | None = None
    recorded_to_ms: int | None = None
    by_recorded: bool = False
    is_ascending: bool = False


class FoundEvent(Struct, frozen=True):
    """An event of the ledger: its document as recorded (JSON), and when."""

    organisation: str
    number: int
    event_id: str
    is_error: bool
    is_bare: bool
    event_ms: int
    recorded_ms: int
    document: str


class Place(Struct, frozen=True):
    """Where an answer ended: the next begins behind it."""

    ms: int
    organisation: str
    number: int


class Job(Struct, frozen=True):
    """One capture. ``errors`` are problems as they were answered."""

    id: str
    organisation: str
    created_ms: int
    finished_ms: int
    behaviour: str
    is_success: bool
    captured: int
    errors: tuple[Mapping[str, Any], ...]


class EpcisSeen:
    """Mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def find_events(
        self, query: EventQuery, *, limit: int, after: Place | None = None
    ) -> Sequence[FoundEvent]:
        """Return at most ``limit`` events in the query's order, behind a place."""
        row = EpcisEventRow
        key = row.recorded_ms if query.by_recorded else row.event_ms
        order = (key, row.organisation, row.number)
        found = _where(select(row, TraceEventRow.document), query).join(
            TraceEventRow,
            and_(
                TraceEventRow.organisation == row.organisation,
                TraceEventRow.number == row.number,
            ),
        )
        if after is not None:
            here, there = tuple_(*order), (after.ms, after.organisation, after.number)
            found = found.where(here > there if query.is_ascending else here < there)
        ordered = (one.asc() if query.is_ascending else one.desc() for one in order)
        with self._sessions.reading() as session:
            rows = session.execute(found.order_by(*ordered).limit(limit))
            return [_found(one, document) for one, document in rows]

    def get_events(self, event_id: str) -> Sequence[FoundEvent]:
        """Return the event of an id and what declares it an error, oldest first."""
        return self.find_events(
            EventQuery(terms=(Term(("eventID",), (event_id,)),), is_ascending=True),
            limit=MOST,
        )

    def entry_texts(self, name: str, *, after: str = "", limit: int) -> Sequence[str]:
        """Return the different texts of one name, in order, behind ``after``."""
        row = EpcisEntryRow
        query = (
            select(row.text)
            .where(row.name == name, row.text > after)
            .distinct()
            .order_by(row.text)
            .limit(limit)
        )
        with self._sessions.reading() as session:
            return [text for text in session.scalars(query) if text is not None]

    def entries_of_event(
        self, organisation: str, number: int
    ) -> Sequence[tuple[str, str]]:
        """Return what one event is found by: (name, text)."""
        row = EpcisEntryRow
        query = select(row.name, row.text).where(
            row.organisation == organisation, row.event == number, row.text.is_not(None)
        )
        with self._sessions.reading() as session:
            return [(name, text or "") for name, text in session.execute(query)]

    def get_job(self, job: str) -> Job:
        """Return one capture.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            query = select(EpcisJobRow).where(EpcisJobRow.id == job)
            row = session.scalar(query)
            if row is None:
                raise MissingError(f"there is no capture {job!r}")
            return _job(row)

    def list_jobs(self, *, limit: int) -> Sequence[Job]:
        """Return the newest captures first."""
        query = select(EpcisJobRow).order_by(
            EpcisJobRow.created_ms.desc(), EpcisJobRow.id
        )
        with self._sessions.reading() as session:
            return [_job(row) for row in session.scalars(query.limit(limit))]


class Epcis(EpcisSeen):
    """Mixed into ``Registry``."""

    def capture(
        self,
        organisation: str,
        drafts: Sequence[EventDraft],
        *,
        now_ms: int,
        is_whole: bool,
    ) -> Sequence[bool]:
        """Record events of an organisation; return for each whether it is new.

        Raises:
            DuplicateEventError: ``is_whole`` and one stands there; nothing is recorded.
            MissingError: there is no such organisation.
        """
        with self._sessions.writing() as session:
            get_row(session, Organisation, organisation)
            placed = append_events(session, organisation, drafts, now_ms)
            for index, one in enumerate(placed):
                if is_whole and not one.is_new:
                    raise DuplicateEventError(index, drafts[index].id)
            return [one.is_new for one in placed]

    def add_job(self, job: Job, header: Any = None) -> None:
        """Keep a finished capture with the header of its document."""
        with self._sessions.writing() as session:
            session.add(
                EpcisJobRow(
                    id=job.id,
                    organisation=job.organisation,
                    created_ms=job.created_ms,
                    finished_ms=job.finished_ms,
                    behaviour=job.behaviour,
                    is_success=job.is_success,
                    captured=job.captured,
                    detail={"errors": list(job.errors), "header": header},
                )
            )


def _where(
    found: Select[EpcisEventRow, str], query: EventQuery
) -> Select[EpcisEventRow, str]:
    row = EpcisEventRow
    bounds = (
        (row.event_ms, query.event_from_ms, query.event_to_ms),
        (row.recorded_ms, query.recorded_from_ms, query.recorded_to_ms),
    )
    for column, from_ms, to_ms in bounds:
        if from_ms is not None:
            found = found.where(column >= from_ms)
        if to_ms is not None:
            found = found.where(column < to_ms)
    for term in query.terms:
        found = found.where(_has(term))
    return found


def _has(term: Term) -> ColumnElement[bool]:
    entry = aliased(EpcisEntryRow)
    held = exists().where(
        entry.organisation == EpcisEventRow.organisation,
        entry.event == EpcisEventRow.number,
        entry.name.in_(term.names),
    )
    texts: list[ColumnElement[bool]] = []
    if term.texts:
        texts.append(entry.text.in_([text[:MAX_TEXT] for text in term.texts]))
    texts += [_begins(entry.text, start) for start in term.starts]
    if texts:
        held = held.where(or_(*texts))
    if term.number is not None:
        held = held.where(_compared(entry.value, term.op, term.number))
    return ~held if term.is_absent else held


def _begins(column: Any, start: str) -> ColumnElement[bool]:
    # Not LIKE: SQLite's is blind to case, and neither uses the index as it stands.
    return func.substr(column, 1, len(start)) == start


def _compared(column: Any, op: str, number: float) -> ColumnElement[bool]:
    slack = max(abs(number), 1.0) * 1e-9
    compared: dict[str, ColumnElement[bool]] = {
        "EQ": column.between(number - slack, number + slack),
        "GT": column > number + slack,
        "GE": column >= number - slack,
        "LT": column < number - slack,
        "LE": column <= number + slack,
    }
    return compared[op]


def _found(row: EpcisEventRow, document: str) -> FoundEvent:
    return FoundEvent(
        row.organisation,
        row.number,
        row.event_id,
        row.is_error,
        row.is_bare,
        row.event_ms,
        row.recorded_ms,
        document,
    )


def _job(row: EpcisJobRow) -> Job:
    return Job(
        row.id,
        row.organisation,
        row.created_ms,
        row.finished_ms,
        row.behaviour,
        row.is_success,
        row.captured,
        tuple(row.detail.get("errors", ())),
    )
