"""Which words ever met: a superset always, and no answer is another for it."""

import importlib
import random
from collections.abc import Iterator, Sequence

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text

from greenwater.storage.registry import Registry
from greenwater.storage.registry.trace_events import finding as looking
from greenwater.storage.registry.trace_events.epcis import DuplicateEventError
from greenwater.storage.registry.trace_events.ledger import Entry, EventDraft
from greenwater.storage.registry.trace_events.terms import EventQuery, Place, Term
from greenwater.storage.registry.trace_events.word_pairs import (
    DAY_MS,
    Span,
    common,
    fewer,
    joined,
    meetings_of,
    pieces,
)
from tests.contracts.registries import NOW, a_farm

OWNERS = ("ba", "hoa")
TEXTS = {
    "eventType": ("ObjectEvent", "TransformationEvent"),
    "bizStep": ("packing", "shipping", "feeding"),
    "disposition": ("active", "in_transit"),
    "readPoint": ("urn:p:1", "urn:p:2", "urn:" + "x" * 300),
    "epc": ("urn:e:1", "urn:e:2"),
}
Recorded = tuple[str, int, EventDraft]
"""The organisation, the number in its ledger, what was recorded."""


def drafts_of(rng: random.Random, count: int) -> list[EventDraft]:
    """Return events of days far apart, some before 1970, whose words meet now and then."""
    made = []
    for number in range(count):
        day = rng.choice((-400, 3, 3, 4, 60, 61, 200))
        names = [name for name in TEXTS if rng.random() < 0.7]
        words = {name: rng.choice(TEXTS[name]) for name in names}
        if words.get("bizStep") == "feeding":
            words["disposition"] = "active"  # feeding and in_transit never meet
        entries = tuple(Entry(name, one) for name, one in words.items())
        at_ms = day * DAY_MS + rng.randrange(DAY_MS)
        made.append(
            EventDraft(
                f"e{number}", at_ms, "{}", kind="x", entries=entries, is_foreign=True
            )
        )
    return made


def recorded_in(registry: Registry, rng: random.Random) -> list[Recorded]:
    """Record events of three farms: batches, repetitions, one batch taken back."""
    found: list[Recorded] = []
    for owner in OWNERS:
        a_farm(registry, owner)
        drafts = drafts_of(rng, 40)
        for at in range(0, 40, 20):
            some = [*drafts[at : at + 20], drafts[at]]
            registry.capture(owner, some, now_ms=NOW, is_whole=False)
        strange = EventDraft("new", 0, "{}", kind="x", is_foreign=True, entries=(
            Entry("bizStep", "strange"), Entry("eventType", "ObjectEvent")))  # fmt: skip
        with pytest.raises(DuplicateEventError):
            registry.capture(owner, [strange, drafts[0]], now_ms=NOW, is_whole=True)
        found += [(owner, number, one) for number, one in enumerate(drafts, 1)]
    return found


def queries(rng: random.Random) -> Iterator[EventQuery]:
    """Yield questions of two or three terms, with and without a period."""
    for _ in range(10):
        names = rng.sample(sorted(TEXTS), rng.choice((2, 2, 3)))
        terms = tuple(
            Term((name,), tuple(rng.sample(TEXTS[name], rng.choice((1, 1, 2)))),
                 is_absent=rng.random() < 0.1)
            for name in names
        )  # fmt: skip
        bounds = sorted(rng.sample(range(-500, 300), 2))
        is_bounded = rng.random() < 0.4
        yield EventQuery(
            terms=terms,
            event_from_ms=bounds[0] * DAY_MS if is_bounded else None,
            event_to_ms=bounds[1] * DAY_MS if is_bounded else None,
            by_recorded=rng.random() < 0.2,
            is_ascending=rng.random() < 0.5,
        )


def fitting(query: EventQuery, recorded: Sequence[Recorded]) -> list[tuple[str, int]]:
    """Return what is to be found, in order: worked out over all that was recorded."""
    found = []
    for owner, number, draft in recorded:
        words = {(one.name, one.text) for one in draft.entries}
        fits = all(
            any((term.names[0], one) in words for one in term.texts) != term.is_absent
            for term in query.terms
        )
        lower, upper = query.event_from_ms, query.event_to_ms
        if (
            fits
            and (lower is None or draft.event_ms >= lower)
            and (upper is None or draft.event_ms < upper)
        ):
            key = NOW if query.by_recorded else draft.event_ms
            found.append((key, owner, number))
    found.sort(reverse=not query.is_ascending)
    return [(owner, number) for _, owner, number in found]


def test_answers_are_the_same_with_and_without_what_is_known_of_meetings(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(24)
    recorded = recorded_in(registry, rng)
    for name, value in (("CAP", 6), ("FEW", 3), ("SOME", 0)):
        monkeypatch.setattr(looking, name, value)
    scopes = [
        (registry.visible_to(None), set(OWNERS)),
        (registry.visible_to_organisation("hoa"), {"hoa"}),
    ]
    for query in queries(rng):
        for seen, owners in scopes:
            wanted = fitting(query, [one for one in recorded if one[0] in owners])
            found, after = [], None
            while page := seen.find_events(query, limit=40, after=after):
                found += [(one.organisation, one.number) for one in page]
                last = page[-1]
                ms = last.recorded_ms if query.by_recorded else last.event_ms
                after = Place(ms, last.organisation, last.number)
            assert found == wanted, query
            with monkeypatch.context() as unknown:
                unknown.setattr(looking, "may_meet", lambda *_: True)
                unknown.setattr(looking, "spans_of", lambda *_: None)
                all_at_once = seen.find_events(query, limit=500)
            assert [(one.organisation, one.number) for one in all_at_once] == wanted

    # What is known is what stood in the events, and the migration finds the same.
    rows = "SELECT first, second, organisation, from_ms FROM epcis_meeting"
    met = {
        (*one[:2], owner, one[2])
        for owner, _, draft in recorded
        for one in meetings_of(
            [(word.name, str(word.text)) for word in draft.entries], draft.event_ms
        )
    }
    steps = importlib.import_module(
        "greenwater.storage.registry.migrations.versions.0024_meetings"
    )
    with registry._sessions.engine.begin() as connection:
        assert {tuple(one) for one in connection.execute(text(rows))} == met
        connection.execute(text("DROP TABLE epcis_meeting"))
        with Operations.context(MigrationContext.configure(connection)):
            steps.upgrade()
        assert {tuple(one) for one in connection.execute(text(rows))} == met


def test_what_never_met_is_answered_without_a_look_at_the_events(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_farm(registry)
    drafts = drafts_of(random.Random(24), 10)
    registry.capture("hoa", drafts, now_ms=NOW, is_whole=True)
    monkeypatch.setattr(looking, "SOME", 0)
    monkeypatch.setattr(looking, "_straight", pytest.fail)
    terms = (Term(("bizStep",), ("feeding",)), Term(("disposition",), ("in_transit",)))
    assert registry.find_events(EventQuery(terms=terms), limit=9) == []


def test_stretches_of_time() -> None:
    a, b, c, d = Span(0, 2), Span(2, 5), Span(7, 9), Span(20, 21)
    assert joined([c, a, b]) == [Span(0, 5), c]
    assert common([Span(0, 5), d], [Span(1, 2), Span(4, 20)]) == [(1, 2), (4, 5)]
    assert fewer([a, b, c, d], 2) == [Span(0, 9), d]
    assert fewer([a, d], 2) == [a, d]
    assert fewer([a, c, d], 1) == [Span(0, 21)]
    week, day = 7 * DAY_MS, Span(-DAY_MS, 0)
    long = Span(week, 4 * week)
    assert list(pieces([day, long], is_ascending=False)) == [
        (3 * week, 4 * week), (week, 3 * week), day
    ]  # fmt: skip
    assert list(pieces([day, long], is_ascending=True)) == [
        day, (week, 2 * week), (2 * week, 4 * week)
    ]  # fmt: skip
