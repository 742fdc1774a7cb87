"""Finding events by their entries, quickly however many there are.

Every way of asking is walked from its rarest end: the entries of the rarest term in order
of time, or the events of a period. What is asked besides is looked up event by event,
where the words of one event lie beside each other. Measured in docs/benchmarks.md.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

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

CAP: Final = 5_000
"""Entries are counted no further: so many are sorted in a few milliseconds."""

FEW: Final = 2_000
"""So many are looked up one by one rather than walked past."""

MANY: Final = 100
"""Organisations whose events are looked up at once."""

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
    session: Session, query: EventQuery, *, limit: int, after: Place | None
) -> list[FoundEvent]:
    """Return at most ``limit`` events in the query's order, behind a place."""
    way = _way(session, query)
    if way is None:
        return []
    found = _through(session, query, way)
    columns = tuple(found.selected_columns)
    if after is not None:
        found = found.where(_behind(columns, after, query.is_ascending))
    # To add nothing keeps the database from walking all events in this order.
    is_gathered = way.term is not None and not way.is_direct
    order = (columns[0] + 0 if is_gathered else columns[0], *columns[1:])
    ordered = (one.asc() if query.is_ascending else one.desc() for one in order)
    keys: Sequence[Any] = session.execute(found.order_by(*ordered).limit(limit)).all()
    return with_documents(session, [(ms, owner, n) for ms, owner, n in keys])


def _through(session: Session, query: EventQuery, way: "_Way") -> Keys:
    if way.term is None:
        return _walked(query)
    if way.is_direct:
        return _from_entries(query, way.term)
    held = session.execute(union(*_entries_of(way.term, query))).all()
    alike = _alike([(ms, owner, number) for ms, owner, number in held])
    if len(alike) > MANY:
        return _walked(query)
    return _walked(query, without=way.term).where(or_(*alike))


def _alike(keys: Sequence[Key]) -> list[ColumnElement[bool]]:
    """Return conditions for the events of keys, one for each organisation."""
    numbers: dict[str, list[int]] = {}
    for _, organisation, number in keys:
        numbers.setdefault(organisation, []).append(number)
    row = EpcisEventRow
    return [
        and_(row.organisation == organisation, row.number.in_(wanted))
        for organisation, wanted in numbers.items()
    ]


class _Way(NamedTuple):
    """How events are come by: by a term's entries, or (None) through time.

    ``is_direct``: the entries are read in order of time, or sorted; else their events
    are looked up.
    """

    term: Term | None
    is_direct: bool = False


def _way(session: Session, query: EventQuery) -> _Way | None:
    """Return the shortest way to what is asked; None: there is nothing to find."""
    bounds = _bounds(EpcisEventRow, query)
    period = CAP + 1
    if bounds:
        period = _counted(session, select(EpcisEventRow.number).where(*bounds))
    counts: list[tuple[int, Term]] = []
    for term in query.terms:
        if not term.is_absent and not any(number <= 100 for number, _ in counts):
            entries = _entries_of(term, query)
            counts.append((sum(_counted(session, one) for one in entries), term))
    number, rarest = min(counts, key=lambda one: one[0], default=(CAP + 1, None))
    if min(number, period) == 0:
        return None
    if period <= min(number, FEW):
        return _Way(None)
    if number <= FEW:
        return _Way(rarest, is_direct=not query.by_recorded)
    ordered = [one for one in counts if _is_one_text(one[1])]
    if ordered and not query.by_recorded:
        return _Way(min(ordered, key=lambda one: one[0])[1], is_direct=True)
    is_sorted = number <= CAP and not query.by_recorded
    return _Way(rarest, is_direct=True) if is_sorted else _Way(None)


def _is_one_text(term: Term) -> bool:
    """Return whether a term's entries lie in order of time, to be read from one end."""
    return len(term.names) == len(term.texts) == 1 and not term.starts


def _counted(session: Session, found: Any) -> int:
    inner = found.limit(CAP + 1).subquery()
    return session.scalar(select(func.count()).select_from(inner)) or 0


def _walked(query: EventQuery, without: Term | None = None) -> Keys:
    row = EpcisEventRow
    key = row.recorded_ms if query.by_recorded else row.event_ms
    found = select(key, row.organisation, row.number).where(*_bounds(row, query))
    for term in query.terms:
        if term is not without:
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


def with_documents(session: Session, keys: Sequence[Key]) -> list[FoundEvent]:
    """Return the events of keys, in the keys' order."""
    row, found = EpcisEventRow, {}
    # Columns, not rows: ten thousand of them are a chain.
    query = select(
        row.organisation,
        row.number,
        row.event_id,
        row.is_error,
        row.is_bare,
        row.event_ms,
        row.recorded_ms,
        TraceEventRow.document,
    ).join(
        TraceEventRow,
        and_(
            TraceEventRow.organisation == row.organisation,
            TraceEventRow.number == row.number,
        ),
    )
    parts = _alike(keys)
    for at in range(0, len(parts), MANY):
        asked = query.where(or_(*parts[at : at + MANY]))
        for one in session.execute(asked):
            found[one.organisation, one.number] = FoundEvent(*one)
    return [found[organisation, number] for _, organisation, number in keys]
