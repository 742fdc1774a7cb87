"""A thing's chain through several hands: what each of them told that made the goods.

Whoever was sent goods may see the events upstream that made them: the sender's, his
sender's, and so on. One hand leads to the next only by the *sender's own* event of
shipping these goods to that party: what somebody claims to have got opens nothing. Of a
foreign hand is told what made the goods and brought them here; whom else it sold to, and
what became of its other part, is its own business.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from greenwater.storage.registry.models.epcis import EpcisEntryRow
from greenwater.storage.registry.trace_events.chains import HELD, keys_of, things_of
from greenwater.storage.registry.trace_events.finding import FoundEvent, with_documents
from greenwater.storage.registry.trace_events.terms import Key

MANY: Final = 200
"""Things asked for at once."""

RECIPIENT: Final = "destination_owning_party"
UNTOLD: Final = frozenset({"decommissioning", "destroying", "retail_selling"})
"""Steps that end goods: of another's part of a lot they are nobody's business."""

One = TypeVar("One")
Party = Callable[[str], Iterable[str]]
"""Returns all the ways in which entries name an organisation."""

Things = dict[str, set[str]]
"""Things of the chain by organisation."""


def handed_chain(
    session: Session,
    start: str,
    organisations: frozenset[str],
    party: Party,
    *,
    limit: int,
) -> list[FoundEvent]:
    """Return the events of a thing and of what it came from, by time, across hands.

    ``organisations`` ask; ``party`` tells how events name one. At most ``limit`` of each hand.
    """
    keys = keys_of(session, [start], organisations, limit)
    if not _got_any(session, organisations, party):
        return with_documents(session, keys)
    things: Things = defaultdict(set)
    receivers: dict[str, set[str]] = defaultdict(set)
    waiting = [(organisations, things_of(session, [start], organisations))]
    while waiting:
        hands, held = waiting.pop()
        parties = _named(hands, party)
        for sender, sent in _sent(session, sorted(held), parties).items():
            new = sent - things[sender]
            if sender in organisations or not new:
                continue
            receivers[sender] |= parties
            whole = _whole(session, sorted(new), sender) - things[sender]
            things[sender] |= whole
            waiting.append((frozenset({sender}), frozenset(whole)))
    for sender, known in things.items():
        named = receivers[sender] | set(party(sender))
        keys += _told(session, sender, known, named, limit)
    return with_documents(session, sorted(set(keys)))


def _named(organisations: Iterable[str], party: Party) -> set[str]:
    return {name for one in organisations for name in party(one)}


def _got_any(session: Session, organisations: frozenset[str], party: Party) -> bool:
    """Return whether anybody else says that he sent these organisations anything."""
    row = EpcisEntryRow
    sent = exists().where(
        row.name == RECIPIENT,
        row.text.in_(sorted(_named(organisations, party))),
        row.organisation.not_in(sorted(organisations)),
    )
    return bool(session.scalar(select(sent)))


def _sent(session: Session, held: Sequence[str], parties: set[str]) -> Things:
    """Return which of these things others say that they shipped to these parties."""
    found: Things = defaultdict(set)
    thing, to, step = (aliased(EpcisEntryRow) for _ in range(3))
    shipped = (
        exists().where(
            to.organisation == thing.organisation,
            to.event == thing.event,
            to.name.concat("") == RECIPIENT,
            to.text.concat("").in_(sorted(parties)),
        ),
        exists().where(
            step.organisation == thing.organisation,
            step.event == thing.event,
            step.name.concat("") == "bizStep",
            step.text.concat("") == "shipping",
        ),
    )
    for part in _parts(held):
        query = select(thing.organisation, thing.text).where(
            thing.name.in_(HELD), thing.text.in_(part), *shipped
        )
        for organisation, text in session.execute(query.distinct()):
            found[organisation].add(str(text))
    return found


def _whole(session: Session, things: Sequence[str], organisation: str) -> set[str]:
    mine, found = frozenset({organisation}), set[str]()
    for part in _parts(things):
        found |= things_of(session, part, mine)
    return found


def _told(
    session: Session,
    organisation: str,
    things: set[str],
    receivers: set[str],
    limit: int,
) -> Iterator[Key]:
    """Yield the keys of a foreign hand's events that are told."""
    mine = frozenset({organisation})
    keys: set[Key] = set()
    for part in _parts(sorted(things)):
        keys |= set(keys_of(session, part, mine, limit))
    for some in _parts(sorted(keys)):
        words = _words(session, organisation, [number for _, _, number in some])
        yield from (one for one in some if is_told(words[one[2]], things, receivers))


def _words(
    session: Session, organisation: str, numbers: Sequence[int]
) -> Mapping[int, Mapping[str, set[str]]]:
    row = EpcisEntryRow
    found: dict[int, dict[str, set[str]]] = {one: defaultdict(set) for one in numbers}
    query = select(row.event, row.name, row.text).where(
        row.organisation == organisation,
        row.event.in_(numbers),
        row.name.concat("").in_(("bizStep", "eventType", "parentID", RECIPIENT)),
    )
    for event, name, text in session.execute(query):
        found[event][name].add(str(text))
    return found


def is_told(
    words: Mapping[str, set[str]], things: set[str], receivers: set[str]
) -> bool:
    """Return whether an event of a foreign hand is told to who got ``things`` of it."""
    step = words.get("bizStep", set())
    if step & UNTOLD:
        return False
    if "shipping" in step and not words.get(RECIPIENT, set()) & receivers:
        return False
    is_packed = "AggregationEvent" in words.get("eventType", set())
    return not is_packed or bool(words.get("parentID", set()) & things)


def _parts(things: Sequence[One]) -> Iterator[Sequence[One]]:
    for at in range(0, len(things), MANY):
        yield things[at : at + MANY]
