"""Finding events by their entries, quickly however many there are.

Every way of asking is walked from its rarest end: the entries of the rarest term in order
of time, or the events of a period. What is asked besides is looked up event by event,
where the words of one event lie beside each other. Of words that never met nothing is
looked for, and of those that seldom did only when they did (``meeting``). Measured in
docs/benchmarks.md.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, union
from sqlalchemy.orm import Session

from greenwater.storage.registry.models.books import TraceEventRow
from greenwater.storage.registry.models.epcis import EpcisEventRow
from greenwater.storage.registry.trace_events.terms import (
    EventQuery,
    Key,
    Keys,
    Place,
    Term,
    behind,
    between,
    bounds_of,
    entries_of,
    has_term,
    is_ordered,
)
from greenwater.storage.registry.trace_events.word_pairs import (
    Span,
    may_meet,
    pieces,
    spans_of,
)

CAP: Final = 5_000
"""Entries are counted no further: so many are sorted in a few milliseconds."""

FEW: Final = 2_000
"""So many are looked up one by one rather than walked past."""

SOME: Final = 100
"""So many are looked up sooner than whether the words ever met."""

MOST_COUNTED: Final = 4_000_000
"""Where two terms seldom meet the shorter one is gone through, if so far it is shorter."""

MANY: Final = 100
"""Organisations whose events are looked up at once."""


Words = list[tuple[str, tuple[str, ...]]]
"""Names, and the texts that are asked for of each."""


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


def find(
    session: Session, query: EventQuery, *, limit: int, after: Place | None
) -> list[FoundEvent]:
    """Return at most ``limit`` events in the query's order, behind a place."""
    return with_documents(session, _found(session, query, limit, after))


def _found(
    session: Session, query: EventQuery, limit: int, after: Place | None
) -> list[Key]:
    way, words = _way(session, query), _words(query)
    if way is None or _never_met(session, way, words):
        return []
    if way.number <= CAP or len(query.terms) < 2:
        return _straight(session, query, way, limit, after)
    keys = _glanced(session, query, way, limit, after)
    if keys is not None:
        return keys
    if query.by_recorded:
        return _straight(session, query, way, limit, after)
    found: list[Key] = []
    spans = spans_of(session, words)
    for part in _parts(query, _whole(session) if spans is None else spans, after):
        found += _part_found(session, part, limit - len(found), after)
        if len(found) == limit:
            break
    return found


def _never_met(session: Session, way: "_Way", words: Words) -> bool:
    is_asked = len(words) > 1 and way.number > SOME
    return is_asked and not may_meet(session, words)


def _glanced(
    session: Session, query: EventQuery, way: "_Way", limit: int, after: Place | None
) -> list[Key] | None:
    """Return what is found among the first entries, few and then more; None: not all."""
    if way.term is None or not way.is_direct:
        return None
    for size in (FEW // 10, FEW):
        keys = _glance(session, query, way.term, size, limit=limit, after=after)
        if keys is not None:
            return keys
    return None


def _words(query: EventQuery) -> Words:
    """Return the terms that ask for a whole text of one name."""
    return [
        (one.names[0], one.texts)
        for one in query.terms
        if one.texts and not one.starts and not one.is_absent and len(one.names) == 1
    ]


def _whole(session: Session) -> list[Span]:
    """Return the stretch of time in which all events are."""
    at = EpcisEventRow.event_ms
    first = session.scalar(select(at).order_by(at).limit(1))
    last = session.scalar(select(at).order_by(at.desc()).limit(1))
    return [] if first is None or last is None else [Span(first, last + 1)]


def _parts(
    query: EventQuery, spans: Sequence[Span], after: Place | None
) -> Iterator[EventQuery]:
    """Yield the query for one stretch of time after the other, in its order."""
    from_ms, to_ms = query.event_from_ms, query.event_to_ms
    if after is not None and query.is_ascending:
        from_ms = max(after.ms, after.ms if from_ms is None else from_ms)
    elif after is not None:
        to_ms = min(after.ms + 1, after.ms + 1 if to_ms is None else to_ms)
    within = [
        Span(
            span.from_ms if from_ms is None else max(from_ms, span.from_ms),
            span.to_ms if to_ms is None else min(to_ms, span.to_ms),
        )
        for span in spans
    ]
    wanted = [one for one in within if one.from_ms < one.to_ms]
    for piece in pieces(wanted, is_ascending=query.is_ascending):
        yield replace(query, event_from_ms=piece.from_ms, event_to_ms=piece.to_ms)


def _part_found(
    session: Session, query: EventQuery, limit: int, after: Place | None
) -> list[Key]:
    way = _way(session, query)
    if way is None:
        return []
    if way.term is not None and way.is_direct and way.number > CAP:
        way = way._replace(term=_shortest(session, query, way.term))
    return _straight(session, query, way, limit, after)


def _straight(
    session: Session, query: EventQuery, way: "_Way", limit: int, after: Place | None
) -> list[Key]:
    found = _through(query, way)
    # To add nothing keeps the database from walking all events in this order.
    is_gathered = way.term is not None and not way.is_direct
    paged = _paged(query, found, after, is_sorted=is_gathered).limit(limit)
    return _keys(session, paged)


def _keys(session: Session, found: Any) -> list[Key]:
    return [(ms, owner, number) for ms, owner, number in session.execute(found)]


def _paged(
    query: EventQuery, found: Keys, after: Place | None, *, is_sorted: bool = False
) -> Keys:
    """Return keys in the query's order, behind a place; ``is_sorted``: not by an index."""
    columns = tuple(found.selected_columns)
    if after is not None:
        found = found.where(behind(columns, after, query.is_ascending))
    order = (columns[0] + 0 if is_sorted else columns[0], *columns[1:])
    return found.order_by(
        *(one.asc() if query.is_ascending else one.desc() for one in order)
    )


def _glance(
    session: Session,
    query: EventQuery,
    term: Term,
    size: int,
    *,
    limit: int,
    after: Place | None,
) -> list[Key] | None:
    """Return what is found among a term's first entries; None: not all, perhaps."""
    first = _paged(query, entries_of(term, query, in_order=True)[0], after)
    near = first.limit(size).subquery()
    found = _keys(session, _paged(query, _among(query, near, term), None).limit(limit))
    if len(found) == limit:
        return found
    count = session.scalar(select(func.count()).select_from(near)) or 0
    return found if count < size else None


def _shortest(session: Session, query: EventQuery, term: Term) -> Term:
    """Return the term with the fewest entries of those that lie in order of time.

    They are counted as far as the shortest goes, no further than twice.
    """
    ordered = [one for one in query.terms if is_ordered(one)]
    cap = 8 * CAP
    while len(ordered) > 1 and cap < MOST_COUNTED:
        counts = [
            (_counted(session, entries_of(one, query)[0], cap), one) for one in ordered
        ]
        number, shortest = min(counts, key=lambda one: one[0])
        if number <= cap:
            return shortest
        cap *= 8
    return term


def _through(query: EventQuery, way: "_Way") -> Keys:
    if way.term is None:
        return _walked(query)
    if way.is_direct:
        return _from_entries(query, way.term)
    row, entries = EpcisEventRow, union(*entries_of(way.term, query)).subquery()
    same = row.organisation == entries.c.organisation, row.number == entries.c.event
    return _walked(query, without=way.term).join(entries, and_(*same))


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

    ``number`` of them there are, counted to a little above ``CAP``. ``is_direct``: the
    entries are read in order of time, or sorted; else their events are looked up.
    """

    term: Term | None
    number: int
    is_direct: bool = False


def _way(session: Session, query: EventQuery) -> _Way | None:
    """Return the shortest way to what is asked; None: there is nothing to find."""
    period, counts = _period(session, query), _counts(session, query)
    number, rarest = min(counts, key=lambda one: one[0], default=(CAP + 1, None))
    if min(number, period) == 0:
        return None
    if period <= min(number, FEW):
        return _Way(None, period)
    if number <= FEW:
        return _Way(rarest, number, is_direct=not query.by_recorded)
    ordered = [one for one in counts if is_ordered(one[1])]
    if ordered and not query.by_recorded:
        number, term = min(ordered, key=lambda one: one[0])
        return _Way(term, number, is_direct=True)
    if query.by_recorded:
        return _Way(_looked_up(session, query), number)
    is_sorted = number <= CAP
    return _Way(rarest if is_sorted else None, number, is_direct=is_sorted)


def _period(session: Session, query: EventQuery) -> int:
    """Return how many events there are in the query's period, counted to above ``CAP``."""
    bounds = bounds_of(EpcisEventRow, query)
    if not bounds:
        return CAP + 1
    return _counted(session, select(EpcisEventRow.number).where(*bounds))


def _counts(session: Session, query: EventQuery) -> list[tuple[int, Term]]:
    """Return how many entries terms have, counted to above ``CAP``, till one has few."""
    counts: list[tuple[int, Term]] = []
    for term in query.terms:
        if not term.is_absent and not any(number <= 100 for number, _ in counts):
            entries = entries_of(term, query)
            counts.append((sum(_counted(session, one) for one in entries), term))
    return counts


def _looked_up(session: Session, query: EventQuery) -> Term | None:
    """Return a term whose events are sooner looked up than met on a walk, else None."""
    most = 2 * CAP
    for term in query.terms:
        if not term.is_absent:
            entries = entries_of(term, query)
            if sum(_counted(session, one, most) for one in entries) <= most:
                return term
    return None


def _counted(session: Session, found: Any, cap: int | None = None) -> int:
    inner = found.limit((CAP if cap is None else cap) + 1).subquery()
    return session.scalar(select(func.count()).select_from(inner)) or 0


def _walked(query: EventQuery, without: Term | None = None) -> Keys:
    row = EpcisEventRow
    key = row.recorded_ms if query.by_recorded else row.event_ms
    found = select(key, row.organisation, row.number).where(*bounds_of(row, query))
    for term in query.terms:
        if term is not without:
            found = found.where(
                has_term(term, row.organisation, row.number, row.event_ms)
            )
    return found


def _from_entries(query: EventQuery, driving: Term) -> Keys:
    parts = entries_of(driving, query, in_order=is_ordered(driving))
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
    recorded = between(row.recorded_ms, query.recorded_from_ms, query.recorded_to_ms)
    if recorded:
        same = (row.organisation == organisation, row.number == event)
        found = found.where(exists().where(*same, *recorded))
    for term in query.terms:
        if term is not driving:
            found = found.where(has_term(term, organisation, event, event_ms))
    return found


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
