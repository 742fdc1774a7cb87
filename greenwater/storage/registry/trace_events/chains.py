"""A thing's chain in the database: back over what it was made of and what it was packed of.

The way back is walked by the database itself, so that ten thousand steps, one behind the
other, are one question.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Text,
    and_,
    cast,
    exists,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from greenwater.storage.registry.models.epcis import EpcisEntryRow
from greenwater.storage.registry.trace_events.finding import FoundEvent, with_documents
from greenwater.storage.registry.trace_events.genealogy import step_by_step
from greenwater.storage.registry.trace_events.terms import Key

_TABLE: Final = EpcisEntryRow.__table__
_OUT: Final = ("outputEPC", "outputEPCClass", "parentID")
_IN: Final = ("inputEPC", "inputEPCClass")
HELD: Final = ("epc", "epcClass")
"""Names of what an event only speaks of, or packs."""


def chain_of(
    session: Session, start: str, organisations: frozenset[str] | None, *, limit: int
) -> Sequence[FoundEvent]:
    """Return the events of a thing and of all it came from, by time; at most ``limit``.

    An event that only uses something up is the way on, and not of its chain.
    """
    return with_documents(session, keys_of(session, [start], organisations, limit))


def keys_of(
    session: Session,
    starts: Sequence[str],
    organisations: frozenset[str] | None,
    limit: int,
) -> list[Key]:
    """Return the same of several things as the events' keys, by time."""
    known, entry = _came_from(session, starts, organisations), _TABLE.alias()
    found = (
        select(entry.c.event_ms, entry.c.organisation, entry.c.event)
        .select_from(known.join(entry, entry.c.text == known.c.text))
        .where(entry.c.name.in_((*_OUT, *HELD)), *_seen(entry, organisations))
        .distinct()
        .limit(limit)
    )
    return sorted((ms, owner, number) for ms, owner, number in session.execute(found))


def things_of(
    session: Session, starts: Sequence[str], organisations: frozenset[str] | None
) -> frozenset[str]:
    """Return what things came from by the events of these organisations, themselves too."""
    known = _came_from(session, starts, organisations)
    return frozenset(session.scalars(select(known.c.text)))


def _came_from(
    session: Session, starts: Sequence[str], organisations: frozenset[str] | None
) -> CTE:
    """Return all that things came from, themselves too."""
    step_by_step(session)
    is_postgres = session.get_bind().dialect.name == "postgresql"
    # There both halves of a recursion must be sorted alike, as the column is.
    begins = [
        cast(one, Text).collate("C") if is_postgres else literal(one) for one in starts
    ]
    first, *others = (select(one.label("text")) for one in begins)
    seeds = select(union_all(first, *others).subquery().c.text) if others else first
    known = seeds.cte("known", recursive=True)
    made, used = _TABLE.alias(), _TABLE.alias()
    same = (
        used.c.organisation == made.c.organisation,
        used.c.event == made.c.event,
    )
    is_packed = and_(
        used.c.name.in_(HELD),
        made.c.name == "parentID",
        _says(made, "action", "ADD"),
        _says(made, "eventType", "AggregationEvent"),
    )
    step = (
        select(used.c.text)
        .select_from(
            known.join(made, made.c.text == known.c.text).join(used, and_(*same))
        )
        .where(
            made.c.name.in_(_OUT),
            or_(used.c.name.concat("").in_(_IN), is_packed),
            used.c.text.is_not(None),
            *_seen(made, organisations),
        )
    )
    return known.union(step)


def _seen(
    entry: FromClause, organisations: frozenset[str] | None
) -> list[ColumnElement[bool]]:
    """Return the filter of a scope.

    It is spelt out here, and so that no index is led to by it: with the filter of
    ``Scope`` SQLite would read all of an organisation's entries at every step.
    """
    if organisations is None:
        return []
    return [entry.c.organisation.concat("").in_(sorted(organisations))]


def _says(made: FromClause, name: str, text: str) -> ColumnElement[bool]:
    said = _TABLE.alias()
    return exists().where(
        said.c.organisation == made.c.organisation,
        said.c.event == made.c.event,
        said.c.name.concat("") == name,
        said.c.text.concat("") == text,
    )
