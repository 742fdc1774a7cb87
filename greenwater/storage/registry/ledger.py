"""The ledger of trace events: appended in order, each with the hash of the one before."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from greenwater.storage.registry.models.books import TraceEventRow
from greenwater.storage.registry.session import Sessions

GENESIS: Final = "0" * 64
"""What the first event of a ledger has for the hash of the one before."""


class EventDraft(Struct, frozen=True):
    """A trace event to be recorded. ``document`` is canonical JSON; ``id`` its eventID.

    ``subject`` is the lot it is about, if it is about one.
    """

    id: str
    event_ms: int
    document: str
    subject: str | None = None


class TraceEvent(Struct, frozen=True):
    """A recorded trace event; numbers count from 1 within an organisation."""

    organisation: str
    number: int
    id: str
    subject: str | None
    event_ms: int
    recorded_ms: int
    document: str
    previous: str
    hash: str


def link_hash(previous: str, document: str) -> str:
    """Return the hash of an event: SHA-256 over the one before and its own bytes."""
    return hashlib.sha256(f"{previous}\n{document}".encode()).hexdigest()


def append_events(
    session: Session, organisation: str, drafts: Iterable[EventDraft], now_ms: int
) -> None:
    """Record events at the end of an organisation's ledger.

    An id that stands there already is left as it is: done twice, it is done once.
    """
    # Two processes must not take the same end. SQLite has one writer anyway; on
    # PostgreSQL it is a lock of its own, since both may share the organisation's row
    # already (a foreign key does) and would wait for each other for ever.
    if session.get_bind().dialect.name == "postgresql":
        name = func.hashtextextended(f"ledger/{organisation}", 0)
        session.execute(select(func.pg_advisory_xact_lock(name)))
    last = session.execute(
        select(TraceEventRow.number, TraceEventRow.hash)
        .where(TraceEventRow.organisation == organisation)
        .order_by(TraceEventRow.number.desc())
        .limit(1)
    ).first()
    number, previous = (0, GENESIS) if last is None else (last.number, last.hash)
    for draft in drafts:
        known = select(TraceEventRow.id).where(TraceEventRow.id == draft.id)
        if session.scalar(known) is not None:
            continue
        number, digest = number + 1, link_hash(previous, draft.document)
        session.add(
            TraceEventRow(
                organisation=organisation,
                number=number,
                id=draft.id,
                subject=draft.subject,
                event_ms=draft.event_ms,
                recorded_ms=now_ms,
                document=draft.document,
                previous=previous,
                hash=digest,
            )
        )
        previous = digest
    session.flush()


class LedgerSeen:
    """Mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def trace_events(
        self, *, organisation: str | None = None, subject: str | None = None
    ) -> Sequence[TraceEvent]:
        """Return recorded events, by organisation and number."""
        query = select(TraceEventRow).order_by(
            TraceEventRow.organisation, TraceEventRow.number
        )
        if organisation is not None:
            query = query.where(TraceEventRow.organisation == organisation)
        if subject is not None:
            query = query.where(TraceEventRow.subject == subject)
        with self._sessions.reading() as session:
            return [
                TraceEvent(
                    row.organisation,
                    row.number,
                    row.id,
                    row.subject,
                    row.event_ms,
                    row.recorded_ms,
                    row.document,
                    row.previous,
                    row.hash,
                )
                for row in session.scalars(query)
            ]
