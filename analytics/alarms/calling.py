"""Who is told of an alarm, and when: pure.

The first in an organisation's order at once, the next ``ESCALATE_MS`` later, and so on;
what is not sent yet is dropped when somebody acknowledges. Hours of duty change the order:

* critical: those on duty in their order, then everybody else: better woken than too late;
  and all over again until somebody acknowledges, more seldom after ``ROUNDS`` rounds;
* else: those on duty; where nobody is, each when his duty begins.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.reading import DAY_MS, MINUTE_MS, instant
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.contacts import DAY_MIN, Contact
from greenwater.storage.registry.watching import Notification

ESCALATE_MS: Final = 10 * MINUTE_MS
"""How long the next in the order waits for somebody before to acknowledge."""

ROUNDS: Final = 8
"""How often everybody is told of a critical alarm at the pace of ``ROUND_MS``."""

ROUND_MS: Final = 30 * MINUTE_MS
"""The shortest time from the beginning of one round to that of the next."""

SLOW_MS: Final = 4 * ROUND_MS
"""The same after ``ROUNDS`` rounds: who slept through eight is not woken by a ninth soon."""

LONGEST_MS: Final = 3 * DAY_MS
"""Whom nothing has reached for so long no message reaches."""


def messages_of(
    calls: Iterable[tuple[Alarm, str, int]], contacts: Sequence[Contact]
) -> list[Notification]:
    """Return the messages that alarms' steps make, each due in its turn.

    One message a step, round, person and address: its id says so.
    """
    return [
        Notification(
            id=_id(alarm, step, at_ms, number, contact),
            organisation=alarm.organisation,
            alarm=alarm.id,
            step=step,
            person=contact.person,
            url=contact.url,
            due_ms=due_ms,
        )
        for alarm, step, at_ms in calls
        if alarm.acknowledged_ms is None
        for number, contact, due_ms in _turns(alarm, at_ms, contacts)
    ]


def _id(alarm: Alarm, step: str, at_ms: int, number: int, contact: Contact) -> str:
    again = f"/{number + 1}" if number else ""
    return f"{alarm.id}/{step}/{at_ms}/{contact.person}/{_short(contact.url)}{again}"


def _short(url: str) -> str:
    """Return a name for an address: the address itself holds secrets."""
    return blake2b(url.encode(), digest_size=6).hexdigest()


def _turns(
    alarm: Alarm, at_ms: int, contacts: Sequence[Contact]
) -> Iterator[tuple[int, Contact, int]]:
    """Yield round, contact, and when he is told."""
    ours = [one for one in contacts if one.organisation == alarm.organisation]
    if alarm.severity != Severity.CRITICAL:
        for contact, due_ms in _by_day(ours, at_ms):
            yield 0, contact, due_ms
        return
    end_ms, number = at_ms + LONGEST_MS, 0
    while at_ms < end_ms:
        turns = _by_night(ours, at_ms)
        for contact, due_ms in turns:
            yield number, contact, due_ms
        last_ms = max((due_ms for _, due_ms in turns), default=at_ms)
        number += 1
        pace_ms = ROUND_MS if number < ROUNDS else SLOW_MS
        at_ms = max(at_ms + pace_ms, last_ms + ESCALATE_MS)


def _by_night(ours: Sequence[Contact], at_ms: int) -> list[tuple[Contact, int]]:
    """Return everybody in turn: those on duty first."""
    on = [one for one in ours if is_on_duty(one, at_ms)]
    off = [one for one in ours if one not in on]
    first = _in_order(on, at_ms)
    steps = len({one.place for one in on})
    return first + _in_order(off, at_ms + steps * ESCALATE_MS)


def _by_day(ours: Sequence[Contact], at_ms: int) -> list[tuple[Contact, int]]:
    """Return those on duty in turn; if nobody is, everybody when his duty begins."""
    on = [one for one in ours if is_on_duty(one, at_ms)]
    if on:
        return _in_order(on, at_ms)
    return [(one, at_ms + _wait_min(one, at_ms) * MINUTE_MS) for one in ours]


def _in_order(some: Sequence[Contact], at_ms: int) -> list[tuple[Contact, int]]:
    places = sorted({one.place for one in some})
    return [(one, at_ms + places.index(one.place) * ESCALATE_MS) for one in some]


def is_on_duty(contact: Contact, at_ms: int) -> bool:
    """Return whether an instant lies in a contact's hours."""
    return contact.hours is None or _covers(contact.hours, _minute(at_ms))


def _covers(hours: tuple[int, int], minute: int) -> bool:
    from_min, to_min = hours
    if from_min < to_min:
        return from_min <= minute < to_min
    return minute >= from_min or minute < to_min


def order_of(ours: Iterable[Contact]) -> list[list[str]]:
    """Return people in the order in which one organisation's are told.

    Those who are told together stand together; whoever has several addresses stands where
    the first of them is.
    """
    first: dict[str, int] = {}
    for one in ours:
        first[one.person] = min(one.place, first.get(one.person, one.place))
    return [
        [person for person, place in first.items() if place == at]
        for at in sorted(set(first.values()))
    ]


def moved(ours: Iterable[Contact], person: str, by: int) -> dict[str, int]:
    """Return everybody's place once a person is told one earlier (-1) or later (1).

    Who was told together with others is told before or after them; then he has a place of
    his own. Nobody moves where there is nothing before or after.
    """
    order = order_of(ours)
    at = next((place for place, some in enumerate(order) if person in some), None)
    if at is not None and by:
        rest = [one for one in order[at] if one != person]
        order[at : at + 1] = [rest] if rest else []
        to = at + (by > 0) if rest else min(max(at + by, 0), len(order))
        order.insert(to, [person])
    return {one: place for place, some in enumerate(order) for one in some}


def unwatched(ours: Sequence[Contact]) -> list[tuple[int, int]]:
    """Return the stretches of a day, in minutes, in which nobody is on duty.

    None where somebody always is, or where there is nobody at all.
    """
    duties = [one.hours for one in ours if one.hours is not None]
    if len(duties) < len(ours):
        return []
    edges = sorted({edge for hours in duties for edge in hours})
    return [
        (start, end)
        for start, end in zip(edges, edges[1:] + edges[:1], strict=True)
        if not any(_covers(hours, start) for hours in duties)
    ]


def _wait_min(contact: Contact, at_ms: int) -> int:
    from_min = contact.hours[0] if contact.hours else 0
    return (from_min - _minute(at_ms)) % DAY_MIN


def _minute(at_ms: int) -> int:
    at = instant(at_ms).astimezone(VIETNAM)
    return at.hour * 60 + at.minute
