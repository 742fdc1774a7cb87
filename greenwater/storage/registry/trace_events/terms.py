"""What is asked of events, and what it means for their entries: terms, periods, order."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from greenwater.storage.registry.models.epcis import EpcisEntryRow
from greenwater.storage.registry.trace_events.ledger import MAX_TEXT

HIGHEST: Final = "\U0010ffff"


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


class Place(Struct, frozen=True):
    """Where an answer ended: the next begins behind it."""

    ms: int
    organisation: str
    number: int


Key = tuple[int, str, int]
"""The time that is sorted by, the organisation, the number."""

Keys = Select[int, str, int]


def is_ordered(term: Term) -> bool:
    """Return whether a term's entries lie in order of time, to be read from one end."""
    if term.is_absent or term.starts or len(term.names) != 1:
        return False
    return len(term.texts) == 1 or (term.number is not None and not term.texts)


def entries_of(term: Term, query: EventQuery, *, in_order: bool = False) -> list[Keys]:
    """Return a term's entries in the period, each part from one stretch of an index.

    ``in_order``: numbers too are gone through by time, not by value.
    """
    entry = EpcisEntryRow
    conditions = _in_period(entry, query)
    if term.number is not None:
        value = entry.value + 0.0 if in_order else entry.value
        conditions += [entry.value.is_not(None), _compared(value, term.op, term.number)]
    named = entry.name.in_(term.names)
    parts: list[ColumnElement[bool]] = []
    if term.texts:
        texts = entry.text.in_([text[:MAX_TEXT] for text in term.texts])
        parts.append(and_(named, texts))
    parts += [
        and_(entry.name == name, _begins(entry.text, start))
        for name in term.names
        for start in term.starts
    ]
    found = select(entry.event_ms, entry.organisation, entry.event).where(*conditions)
    return [found.where(part) for part in parts or [named]]


def behind(
    columns: Sequence[ColumnElement[Any]], after: Place, is_ascending: bool
) -> ColumnElement[bool]:
    """Return what is true of keys behind a place."""
    here, there = tuple_(*columns), (after.ms, after.organisation, after.number)
    if is_ascending:
        return and_(columns[0] >= after.ms, here > there)
    return and_(columns[0] <= after.ms, here < there)


def between(
    column: Any, from_ms: int | None, to_ms: int | None
) -> list[ColumnElement[bool]]:
    """Return conditions that hold from one instant to another, as far as they are given."""
    lower = [] if from_ms is None else [column >= from_ms]
    return lower if to_ms is None else [*lower, column < to_ms]


def _in_period(row: Any, query: EventQuery) -> list[ColumnElement[bool]]:
    return between(row.event_ms, query.event_from_ms, query.event_to_ms)


def bounds_of(row: Any, query: EventQuery) -> list[ColumnElement[bool]]:
    """Return conditions for a row of an event within the query's periods."""
    recorded = between(row.recorded_ms, query.recorded_from_ms, query.recorded_to_ms)
    return [*_in_period(row, query), *recorded]


def has_term(
    term: Term, organisation: Any, event: Any, event_ms: Any
) -> ColumnElement[bool]:
    """Return whether one event has an entry of a term, looked up among its own words.

    A term of one text is looked up where its entries lie by time: whoever goes through
    events in that order finds them one behind the other.
    """
    entry = aliased(EpcisEntryRow)
    if is_ordered(term) and term.number is None:
        return exists().where(
            entry.name == term.names[0],
            entry.text == term.texts[0][:MAX_TEXT],
            entry.event_ms == event_ms,
            entry.organisation == organisation,
            entry.event == event,
        )
    held = exists().where(
        entry.organisation == organisation,
        entry.event == event,
        # Joined to nothing, the name leads the database to no other index.
        entry.name.concat("").in_(term.names),
    )
    texts: list[ColumnElement[bool]] = []
    if term.texts:
        wanted = [text[:MAX_TEXT] for text in term.texts]
        texts.append(entry.text.concat("").in_(wanted))
    texts += [func.substr(entry.text, 1, len(one)) == one for one in term.starts]
    if texts:
        held = held.where(or_(*texts))
    if term.number is not None:
        held = held.where(_compared(entry.value + 0.0, term.op, term.number))
    return ~held if term.is_absent else held


def _begins(column: Any, start: str) -> ColumnElement[bool]:
    # Not LIKE: SQLite's is blind to case, and neither uses the index as it stands.
    return and_(column >= start, column < start + HIGHEST)


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
