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

MOST_COUNTED: Final = 4_000_000
"""Where two terms seldom meet the shorter one is gone through, if so far it is shorter."""

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
    if way.term is not None and way.is_long and len(query.terms) > 1:
        keys = _glance(session, query, way.term, limit=limit, after=after)
        if keys is not None:
            return with_documents(session, keys)
        way = _Way(_shortest(session, query, way.term), is_direct=True)
    found = _through(session, query, way)
    # To add nothing keeps the database from walking all events in this order.
    is_gathered = way.term is not None and not way.is_direct
    paged = _paged(query, found, after, is_sorted=is_gathered).limit(limit)
    return with_documents(session, _keys(session, paged))


def _keys(session: Session, found: Any) -> list[Key]:
    return [(ms, owner, number) for ms, owner, number in session.execute(found)]


def _paged(
    query: EventQuery, found: Keys, after: Place | None, *, is_sorted: bool = False
) -> Keys:
    """Return keys in the query's order, behind a place; ``is_sorted``: not by an index."""
    columns = tuple(found.selected_columns)
    if after is not None:
        found = found.where(_behind(columns, after, query.is_ascending))
    order = (columns[0] + 0 if is_sorted else columns[0], *columns[1:])
    return found.order_by(
        *(one.asc() if query.is_ascending else one.desc() for one in order)
    )


def _glance(
    session: Session, query: EventQuery, term: Term, *, limit: int, after: Place | None
) -> list[Key] | None:
    """Return what is found among a term's first ``FEW`` entries; None: not all, perhaps."""
    first = _paged(query, _entries_of(term, query, in_order=True)[0], after)
    near = first.limit(FEW).subquery()
    found = _keys(session, _paged(query, _among(query, near, term), None).limit(limit))
    if len(found) == limit:
        return found
    count = session.scalar(select(func.count()).select_from(near)) or 0
    return found if count < FEW else None


def _shortest(session: Session, query: EventQuery, term: Term) -> Term:
    """Return the term with the fewest entries of those that lie in order of time.

    They are counted as far as the shortest goes, no further than twice.
    """
    ordered = [one for one in query.terms if _is_ordered(one)]
    cap = 8 * CAP
    while len(ordered) > 1 and cap < MOST_COUNTED:
        counts = [
            (_counted(session, _entries_of(one, query)[0], cap), one) for one in ordered
        ]
        number, shortest = min(counts, key=lambda one: one[0])
        if number <= cap:
            return shortest
        cap *= 8
    return term


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
    are looked up. ``is_long``: in order of time, and nobody knows how many there are.
    """

    term: Term | None
    is_direct: bool = False
    is_long: bool = False


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
    ordered = [one for one in counts if _is_ordered(one[1])]
    if ordered and not query.by_recorded:
        number, term = min(ordered, key=lambda one: one[0])
        return _Way(term, is_direct=True, is_long=number > CAP)
    is_sorted = number <= CAP and not query.by_recorded
    return _Way(rarest, is_direct=True) if is_sorted else _Way(None)


def _is_ordered(term: Term) -> bool:
    """Return whether a term's entries lie in order of time, to be read from one end."""
    if term.is_absent or term.starts or len(term.names) != 1:
        return False
    return len(term.texts) == 1 or (term.number is not None and not term.texts)


def _counted(session: Session, found: Any, cap: int = CAP) -> int:
    inner = found.limit(cap + 1).subquery()
    return session.scalar(select(func.count()).select_from(inner)) or 0


def _walked(query: EventQuery, without: Term | None = None) -> Keys:
    row = EpcisEventRow
    key = row.recorded_ms if query.by_recorded else row.event_ms
    found = select(key, row.organisation, row.number).where(*_bounds(row, query))
    for term in query.terms:
        if term is not without:
            found = found.where(_has(term, row.organisation, row.number, row.event_ms))
    return found


def _entries_of(term: Term, query: EventQuery, *, in_order: bool = False) -> list[Keys]:
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


def _from_entries(query: EventQuery, driving: Term) -> Keys:
    parts = _entries_of(driving, query, in_order=_is_ordered(driving))
    if len(parts) == 1:
        return _narrowed(query, parts[0].distinct(), driving)
    return _among(query, union(*parts).subquery(), driving)


def _among(query: EventQuery, entries: Any, driving: Term) -> Keys:
    """Return which of a term's entries are of events that fit the rest of the query."""
    found = select(entries.c.event_ms, entries.c.organisation, entries.c.event)
    return _narrowed(query, found.distinct(), driving)


def _narrowed(query: EventQuery, found: Keys, driving: Term) -> Keys:
    row = EpcisEventRow
    event_ms, organisation, event = found.selected_columns
    recorded = _between(row.recorded_ms, query.recorded_from_ms, query.recorded_to_ms)
    if recorded:
        same = (row.organisation == organisation, row.number == event)
        found = found.where(exists().where(*same, *recorded))
    for term in query.terms:
        if term is not driving:
            found = found.where(_has(term, organisation, event, event_ms))
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


def _has(
    term: Term, organisation: Any, event: Any, event_ms: Any
) -> ColumnElement[bool]:
    """Return whether one event has an entry of a term, looked up among its own words.

    A term of one text is looked up where its entries lie by time: whoever goes through
    events in that order finds them one behind the other.
    """
    entry = aliased(EpcisEntryRow)
    if _is_ordered(term) and term.number is None:
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
