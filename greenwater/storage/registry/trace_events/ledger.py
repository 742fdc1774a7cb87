"""The ledger of trace events: appended in order, each with the hash of the one before."""

import hashlib
from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy import insert as insert_many
from sqlalchemy.orm import Session

from greenwater.storage.registry.models.books import TraceEventRow
from greenwater.storage.registry.models.epcis import EpcisEntryRow, EpcisEventRow
from greenwater.storage.registry.trace_events.word_pairs import (
    Meeting,
    keep,
    meetings_of,
)

GENESIS: Final = "0" * 64
"""What the first event of a ledger has for the hash of the one before."""


MAX_TEXT: Final = 500
"""Longer texts are found by their beginning: an index of PostgreSQL holds 2700 bytes."""


class Entry(Struct, frozen=True):
    """One word an event can be found by: a name with a text, a number, or both."""

    name: str
    text: str | None = None
    number: float | None = None


class EventDraft(Struct, frozen=True):
    """A trace event to be recorded. ``document`` is canonical JSON; ``id`` its eventID.

    ``subject`` is the lot it is about, if it is about one. ``entries`` are what it is
    found by. ``is_error``: it declares an event of the same eventID to be an error.
    ``is_bare``: the ``@context`` in its document is the event's own. ``is_foreign``: it
    came from outside; its eventID is one only within its organisation.
    """

    id: str
    event_ms: int
    document: str
    subject: str | None = None
    kind: str = ""
    entries: tuple[Entry, ...] = ()
    is_error: bool = False
    is_bare: bool = False
    is_foreign: bool = False

    def key(self, organisation: str) -> str:
        """Return what stands for it in the ledger, once."""
        if not self.is_foreign:
            return self.id
        return f"{organisation} {'error of ' if self.is_error else ''}{self.id}"


class Appended(Struct, frozen=True):
    """Where a draft stands in the ledger, and whether it is new there."""

    number: int
    is_new: bool


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
) -> list[Appended]:
    """Record events at the end of an organisation's ledger; return where each stands.

    An id that stands there already is left as it is: done twice, it is done once. Times
    of record never go back, whatever the clock does.
    """
    # Two processes must not take the same end. SQLite has one writer anyway; on
    # PostgreSQL it is a lock of its own, since both may share the organisation's row
    # already (a foreign key does) and would wait for each other for ever.
    if session.get_bind().dialect.name == "postgresql":
        name = func.hashtextextended(f"ledger/{organisation}", 0)
        session.execute(select(func.pg_advisory_xact_lock(name)))
    last = session.execute(
        select(TraceEventRow.number, TraceEventRow.hash, TraceEventRow.recorded_ms)
        .where(TraceEventRow.organisation == organisation)
        .order_by(TraceEventRow.number.desc())
        .limit(1)
    ).first()
    number, previous = (0, GENESIS) if last is None else (last.number, last.hash)
    recorded_ms = now_ms if last is None else max(now_ms, last.recorded_ms)
    placed, met = [], set[Meeting]()
    for draft in drafts:
        key = draft.key(organisation)
        known = select(TraceEventRow.number).where(TraceEventRow.id == key)
        standing = session.scalar(known)
        if standing is not None:
            placed.append(Appended(standing, False))
            continue
        number, digest = number + 1, link_hash(previous, draft.document)
        row = TraceEventRow(
            organisation=organisation,
            number=number,
            id=key,
            subject=draft.subject,
            event_ms=draft.event_ms,
            recorded_ms=recorded_ms,
            document=draft.document,
            previous=previous,
            hash=digest,
        )
        session.add(row)
        session.flush()
        met |= _index(session, row, draft)
        placed.append(Appended(number, True))
        previous = digest
    session.flush()
    keep(session, organisation, met)
    return placed


def index_event(session: Session, row: TraceEventRow, draft: EventDraft) -> None:
    """Keep what a recorded event is found by; a draft of no kind is not found."""
    keep(session, row.organisation, _index(session, row, draft))


def _index(session: Session, row: TraceEventRow, draft: EventDraft) -> set[Meeting]:
    """Keep an event's entries; return which of its words met in it."""
    if not draft.kind:
        return set()
    session.add(
        EpcisEventRow(
            organisation=row.organisation,
            number=row.number,
            event_id=draft.id,
            is_error=draft.is_error,
            is_bare=draft.is_bare,
            event_ms=row.event_ms,
            recorded_ms=row.recorded_ms,
        )
    )
    session.flush()
    values = [
        {
            "organisation": row.organisation,
            "event": row.number,
            "place": place,
            "name": one.name,
            "text": None if one.text is None else one.text[:MAX_TEXT],
            "value": one.number,
            "event_ms": row.event_ms,
        }
        for place, one in enumerate(draft.entries, 1)
    ]
    if values:
        session.execute(insert_many(EpcisEntryRow), values)
    words = [(one.name, one.text) for one in draft.entries if one.text is not None]
    return meetings_of(words, row.event_ms)
