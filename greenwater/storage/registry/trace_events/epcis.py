"""EPCIS in the registry: capture into the ledger, events by query, jobs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import exists, select

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.storage.registry.models import Organisation
from greenwater.storage.registry.models.books import TraceEventRow
from greenwater.storage.registry.models.epcis import (
    EpcisEntryRow,
    EpcisEventRow,
    EpcisJobRow,
)
from greenwater.storage.registry.rows import get_row
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.finding import FoundEvent, find
from greenwater.storage.registry.trace_events.ledger import (
    EventDraft,
    append_events,
    index_event,
)
from greenwater.storage.registry.trace_events.terms import EventQuery, Place, Term

MOST: Final = 1000
"""The most events of one answer."""


class DuplicateEventError(ConflictError):
    """An event that stands in the ledger already; ``index`` is its place in the list."""

    def __init__(self, index: int, event_id: str) -> None:
        super().__init__(f"event {event_id} was captured before")
        self.index, self.event_id = index, event_id


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
    organisations: frozenset[str] | None = None

    def find_events(
        self, query: EventQuery, *, limit: int, after: Place | None = None
    ) -> Sequence[FoundEvent]:
        """Return at most ``limit`` events in the query's order, behind a place."""
        with self._sessions.reading() as session:
            return find(session, query, limit=limit, after=after)

    def get_events(self, event_id: str) -> Sequence[FoundEvent]:
        """Return the event of an id and what declares it an error, oldest first."""
        return self.find_events(
            EventQuery(terms=(Term(("eventID",), (event_id,)),), is_ascending=True),
            limit=MOST,
        )

    def entry_texts(self, name: str, *, after: str = "", limit: int) -> Sequence[str]:
        """Return the different texts of one name, in order, behind ``after``."""
        row, found = EpcisEntryRow, list[str]()
        with self._sessions.reading() as session:
            # One step down the index for each: DISTINCT would read every entry.
            while len(found) < limit:
                query = select(row.text).where(row.name == name, row.text > after)
                text = session.scalar(query.order_by(row.text).limit(1))
                if text is None:
                    break
                found.append(text)
                after = text
        return found

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

    def unindexed(self, *, limit: int) -> Sequence[tuple[str, int, str, str]]:
        """Return events that no query finds: organisation, number, id and document.

        Those were recorded before there were entries.
        """
        row, seen = TraceEventRow, EpcisEventRow
        there = exists().where(
            seen.organisation == row.organisation, seen.number == row.number
        )
        query = select(row.organisation, row.number, row.id, row.document)
        with self._sessions.reading() as session:
            found = session.execute(
                query.where(~there).order_by(row.organisation, row.number).limit(limit)
            )
            return [(one, number, id_, text) for one, number, id_, text in found]

    def index_recorded(self, organisation: str, number: int, draft: EventDraft) -> None:
        """Have queries find an event that was recorded before; the ledger stays."""
        with self._sessions.writing() as session:
            row = session.get_one(TraceEventRow, (organisation, number))
            if session.get(EpcisEventRow, (organisation, number)) is None:
                index_event(session, row, draft)

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
