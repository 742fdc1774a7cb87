"""Which words of events ever met in one event, and when: so that "none" is quick to say.

Two words that a million events have, but no event has both (packing and ObjectEvent),
would be looked for in all of them. Kept here is, by organisation, each pair of words of
``WORDS`` that stood in one event, and the stretches of time in which it did. It is written
in the transaction that records the event and never taken back: it may know of a meeting
too many, never of one too few.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from greenwater.storage.registry.models.epcis import EpcisMeetingRow
from greenwater.storage.registry.rows import insert

DAY_MS: Final = 24 * 3_600_000
PLACES: Final = frozenset({"bizLocation", "readPoint"})
WORDS: Final = frozenset({"action", "bizStep", "disposition", "eventType", *PLACES})
"""Names of which an event has one text each."""

PLACE_DAYS: Final = 28
"""Places are many: their meetings are kept by the four weeks, those of words by the day."""

MAX_WORD: Final = 200
"""So much of a word is kept; longer ones that begin alike are taken for one."""

MOST_PAIRS: Final = 500
"""Of so many pairs is asked at most."""

MOST_SPANS: Final = 40
"""So many stretches of time are searched one by one; those nearest to each other as one."""


FIRST_DAYS: Final = 7
"""So long a stretch is searched first; each that follows may be four times as long."""


class Span(NamedTuple):
    """From inclusive, to exclusive, milliseconds."""

    from_ms: int
    to_ms: int


Word = tuple[str, str]
"""A name and a text."""

Meeting = tuple[str, str, int]
"""Two words, in the order of their names, and where their stretch of time begins."""


def meetings_of(words: Iterable[Word], event_ms: int) -> set[Meeting]:
    """Return the meetings of one event that has these words among others."""
    kept = sorted({(name, text) for name, text in words if name in WORDS})
    return {
        (_kept(*one), _kept(*other), _begin(event_ms, _length(one[0], other[0])))
        for one, other in combinations(kept, 2)
        if one[0] != other[0]
    }


def keep(session: Session, organisation: str, meetings: Iterable[Meeting]) -> None:
    """Note meetings of an organisation's events; those that are known stay as they are."""
    rows = [
        {"first": first, "second": second, "from_ms": from_ms}
        | {"organisation": organisation}
        for first, second, from_ms in sorted(meetings)
    ]
    if rows:
        adding = insert(session, EpcisMeetingRow).on_conflict_do_nothing()
        session.execute(adding, rows)


def may_meet(session: Session, asked: Sequence[tuple[str, Sequence[str]]]) -> bool:
    """Return False where no event has one of the texts of each of these names."""
    return all(session.scalar(select(exists(one))) for one, _ in _questions(asked))


def spans_of(
    session: Session, asked: Sequence[tuple[str, Sequence[str]]]
) -> list[Span] | None:
    """Return when events had one of the texts of each of these names; None: who knows.

    In order of time, none touching the next, at most ``MOST_SPANS``.
    """
    found: list[Span] | None = None
    for question, length in _questions(asked):
        spans = joined([Span(one, one + length) for one in session.scalars(question)])
        found = spans if found is None else common(found, spans)
    return None if found is None else fewer(found, MOST_SPANS)


def _questions(
    asked: Sequence[tuple[str, Sequence[str]]],
) -> Iterable[tuple[Select[int], int]]:
    """Yield the meetings of each two names, and how long a stretch each stands for."""
    row: Any = EpcisMeetingRow
    known = sorted((name, tuple(texts)) for name, texts in asked if name in WORDS)
    for (first, firsts), (second, seconds) in combinations(known, 2):
        if first != second and 0 < len(firsts) * len(seconds) <= MOST_PAIRS:
            question = select(row.from_ms).where(
                row.first.in_([_kept(first, text) for text in firsts]),
                row.second.in_([_kept(second, text) for text in seconds]),
            )
            yield question.distinct(), _length(first, second)


def _kept(name: str, text: str) -> str:
    return f"{name}={text}"[:MAX_WORD]


def _length(first: str, second: str) -> int:
    return DAY_MS * (PLACE_DAYS if PLACES & {first, second} else 1)


def _begin(at_ms: int, length: int) -> int:
    return at_ms - at_ms % length


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that touch as one."""
    found: list[Span] = []
    for one in sorted(spans):
        if found and one.from_ms <= found[-1].to_ms:
            found[-1] = Span(found[-1].from_ms, max(found[-1].to_ms, one.to_ms))
        else:
            found.append(one)
    return found


def common(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the time that lies in both; each in order, none touching the next."""
    found, at = [], 0
    for one in some:
        while at < len(others) and others[at].to_ms <= one.from_ms:
            at += 1
        for other in others[at:]:
            if other.from_ms >= one.to_ms:
                break
            found.append(
                Span(max(one.from_ms, other.from_ms), min(one.to_ms, other.to_ms))
            )
    return found


def fewer(spans: Sequence[Span], most: int) -> list[Span]:
    """Return at most ``most`` spans that cover these: those nearest to each other as one."""
    if len(spans) <= most:
        return list(spans)
    gaps = sorted(
        range(1, len(spans)), key=lambda at: spans[at - 1].to_ms - spans[at].from_ms
    )
    heads = sorted([0, *gaps[: most - 1]])
    ends = [at - 1 for at in heads[1:]] + [len(spans) - 1]
    return [
        Span(spans[head].from_ms, spans[end].to_ms)
        for head, end in zip(heads, ends, strict=True)
    ]


def pieces(spans: Sequence[Span], *, is_ascending: bool) -> Iterator[Span]:
    """Yield spans from the first on, or from the last back, long ones cut into pieces.

    What many events have is found in the first, which are short.
    """
    length = FIRST_DAYS * DAY_MS
    for span in spans if is_ascending else reversed(spans):
        left = span
        while left.to_ms - left.from_ms > length:
            at = left.from_ms + length if is_ascending else left.to_ms - length
            first, last = Span(left.from_ms, at), Span(at, left.to_ms)
            piece, left = (first, last) if is_ascending else (last, first)
            yield piece
            length *= 4
        yield left
