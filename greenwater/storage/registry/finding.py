"""Finding events by their entries, quickly however many there are.

Every way of asking is walked from its rarest end: the entries of the rarest term in order
of time, or the events of a period. What is asked besides is looked up event by event,
where the words of one event lie beside each other. Measured in docs/benchmarks.md.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import Session, aliased

from greenwater.storage.registry.ledger import MAX_TEXT
from greenwater.storage.registry.models.books import TraceEventRow
from greenwater.storage.registry.models.epcis import EpcisEntryRow, EpcisEventRow

CAP: Final = 20_000
"""Entries are counted no further: so many are walked in a few milliseconds."""

FEW: Final = 5_000
"""So many events are looked up rather than walked past."""

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


Key = tuple[int, str, int]
"""The time that is sorted by, the organisation, the number."""

Keys = Select[int, str, int]


def find(
    session: Session,
    query: EventQuery,
    *,
    limit: int,
    after: Place | None,
    is_narrow: bool,
) -> list[FoundEvent]:
    """Return at most ``limit`` events in the query's order, behind a place.

    ``is_narrow``: no more than one organisation's are seen.
    """
    rarest = _rarest(session, query)
    if rarest is None:
        return []
    term, number = rarest
    found = _statement(query, term, number, is_narrow=is_narrow)
    columns = tuple(found.selected_columns)
    if after is not None:
        found = found.where(_behind(columns, after, query.is_ascending))
    # To add nothing keeps the database from walking all events in this order.
    is_gathered = term is not None and query.by_recorded and number <= FEW
    first = columns[0] + 0 if is_gathered else columns[0]
    order = (first, *columns[1:])
    ordered = (one.asc() if query.is_ascending else one.desc() for one in order)
    keys: Sequence[Any] = session.execute(found.order_by(*ordered).limit(limit)).all()
    return _with_documents(session, [(ms, owner, n) for ms, owner, n in keys])


def _statement(
    query: EventQuery, term: Term | None, number: int, *, is_narrow: bool
) -> Keys:
    """Return the keys of what is asked, by way of a term or (None) of time."""
    if term is None or (number > CAP and not (is_narrow and _is_one_text(term, query))):
        return _walked(query)
    if query.by_recorded:
        return _walked(query, term if number <= FEW else None)
    return _from_entries(query, term)


def _is_one_text(term: Term, query: EventQuery) -> bool:
    """Return whether a term's entries lie in order of time, to be read from one end."""
    is_one = len(term.names) == len(term.texts) == 1 and not term.starts
    return is_one and not query.by_recorded


def _rarest(session: Session, query: EventQuery) -> tuple[Term | None, int] | None:
    """Return what few events fit, and how many: a term, or None for the period asked.

    None as a whole: there is nothing to find.
    """
    best: tuple[Term | None, int] = (None, CAP + 2)
    bounds = _bounds(EpcisEventRow, query)
    if bounds:
        best = (None, _counted(session, select(EpcisEventRow.number).where(*bounds)))
    for term in query.terms:
        if term.is_absent or 0 < best[1] <= 50:
            continue
        number = sum(_counted(session, one) for one in _entries_of(term, query))
        best = min(best, (term, number), key=lambda one: one[1])
    return None if best[1] == 0 else best


def _counted(session: Session, found: Any) -> int:
    inner = found.limit(CAP + 1).subquery()
    return session.scalar(select(func.count()).select_from(inner)) or 0


def _walked(query: EventQuery, gathered: Term | None = None) -> Keys:
    row = EpcisEventRow
    key = row.recorded_ms if query.by_recorded else row.event_ms
    found: Keys = select(key, row.organisation, row.number)
    found = found.where(*_bounds(row, query))
    for term in query.terms:
        if term is gathered:
            entries = union(*_entries_of(term, query)).subquery()
            keys = select(entries.c.organisation, entries.c.event)
            found = found.where(tuple_(row.organisation, row.number).in_(keys))
        else:
            found = found.where(_has(term, row.organisation, row.number))
    return found


def _entries_of(term: Term, query: EventQuery) -> list[Keys]:
    """Return a term's entries in the period, each part from one stretch of an index."""
    entry = EpcisEntryRow
    conditions = _in_period(entry, query)
    if term.number is not None:
        conditions.append(_compared(entry.value, term.op, term.number))
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


def _from_entries(query: EventQuery, driving: Term) -> Keys:
    row = EpcisEventRow
    parts = _entries_of(driving, query)
    found = parts[0].distinct()
    if len(parts) > 1:
        every = union(*parts).subquery()
        found = select(every.c.event_ms, every.c.organisation, every.c.event)
    _, organisation, event = found.selected_columns
    recorded = _between(row.recorded_ms, query.recorded_from_ms, query.recorded_to_ms)
    if recorded:
        same = (row.organisation == organisation, row.number == event)
        found = found.where(exists().where(*same, *recorded))
    for term in query.terms:
        if term is not driving:
            found = found.where(_has(term, organisation, event))
    return found


def _behind(
    columns: Sequence[ColumnElement[Any]], after: Place, is_ascending: bool
) -> ColumnElement[bool]:
    here, there = tuple_(*columns), (after.ms, after.organisation, after.number)
    if is_ascending:
        return and_(columns[0] >= after.ms, here > there)
    return and_(columns[0] <= after.ms, here < there)


def _between(
    column: Any, from_ms: int | None, to_ms: int | None
) -> list[ColumnElement[bool]]:
    lower = [] if from_ms is None else [column >= from_ms]
    return lower if to_ms is None else [*lower, column < to_ms]


def _in_period(row: Any, query: EventQuery) -> list[ColumnElement[bool]]:
    return _between(row.event_ms, query.event_from_ms, query.event_to_ms)


def _bounds(row: Any, query: EventQuery) -> list[ColumnElement[bool]]:
    recorded = _between(row.recorded_ms, query.recorded_from_ms, query.recorded_to_ms)
    return [*_in_period(row, query), *recorded]


def _has(term: Term, organisation: Any, event: Any) -> ColumnElement[bool]:
    """Return whether one event has an entry of a term, looked up among its own words."""
    entry = aliased(EpcisEntryRow)
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


def _with_documents(session: Session, keys: Sequence[Key]) -> list[FoundEvent]:
    """Return the events of keys, in the keys' order."""
    numbers: dict[str, list[int]] = {}
    for _, organisation, number in keys:
        numbers.setdefault(organisation, []).append(number)
    row, found = EpcisEventRow, {}
    for organisation, wanted in numbers.items():
        query = select(row, TraceEventRow.document).join(
            TraceEventRow,
            and_(
                TraceEventRow.organisation == row.organisation,
                TraceEventRow.number == row.number,
            ),
        )
        asked = query.where(row.organisation == organisation, row.number.in_(wanted))
        for one, document in session.execute(asked):
            found[organisation, one.number] = _found(one, document)
    return [found[organisation, number] for _, organisation, number in keys]


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
