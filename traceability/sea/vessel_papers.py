"""A vessel's papers: which are asked, which stand, and how long they last. Pure."""

import datetime as dt
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from greenwater.kernel.reading import day_of
from greenwater.reference.vessel_rules import RULES, papers_asked
from traceability.sea.trip_book import Standing


class PaperStanding(StrEnum):
    """How a paper stands over a time."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    MISSING = "missing"


class PaperState(Struct, frozen=True):
    """One kind of paper over a time; ``days`` are left from its end. Days are ISO."""

    paper: str
    standing: PaperStanding
    number: str = ""
    until_day: str | None = None
    days: int | None = None
    warning: int | None = None
    """The shortest of the warnings' days (30, 15, 3) that has come."""


class Paper(NamedTuple):
    """One paper as it was entered; ``until`` None: it does not end."""

    kind: str
    number: str
    since: dt.date
    until: dt.date | None


def papers_in(standing: Iterable[Standing]) -> list[Paper]:
    """Return the papers of a vessel's book."""
    found = []
    for one in standing:
        if one.record.kind != "paper":
            continue
        fields = one.record.fields
        until = fields.get("until_day")
        found.append(
            Paper(
                fields["paper"],
                fields["number"],
                dt.date.fromisoformat(fields["from_day"]),
                None if until is None else dt.date.fromisoformat(until),
            )
        )
    return found


def paper_states(
    papers: Sequence[Paper], length_m: float | None, from_ms: int, until_ms: int
) -> list[PaperState]:
    """Return how each paper that is asked of the vessel stood from one instant to another.

    A time that two papers of a kind cover between them is covered.
    """
    first, last = day_of(from_ms), day_of(until_ms)
    return [
        _state(kind, [one for one in papers if one.kind == kind], first, last)
        for kind in papers_asked(length_m)
    ]


def _state(
    kind: str, papers: Sequence[Paper], first: dt.date, last: dt.date
) -> PaperState:
    if not papers:
        return PaperState(kind, PaperStanding.MISSING)
    newest = max(papers, key=lambda one: (one.until or dt.date.max, one.since))
    covered = first
    for one in sorted(papers, key=lambda one: one.since):
        if one.since <= covered:
            covered = max(covered, _after(one.until))
    if covered <= last:
        ended = [one for one in papers if one.since <= last] or [newest]
        shown = max(ended, key=lambda one: (one.until or dt.date.max, one.since))
        standing = PaperStanding.EXPIRED
    else:
        shown, standing = newest, PaperStanding.VALID
    until = None if shown.until is None else shown.until.isoformat()
    days = None if shown.until is None else (shown.until - last).days
    warning = _warning(days)
    if standing is PaperStanding.VALID and warning is not None:
        standing = PaperStanding.EXPIRING
    return PaperState(kind, standing, shown.number, until, days, warning)


def _after(until: dt.date | None) -> dt.date:
    return dt.date.max if until is None else until + dt.timedelta(days=1)


def _warning(days: int | None) -> int | None:
    if days is None or days < 0:
        return None
    return min((one for one in RULES.warnings.days if days <= one), default=None)
