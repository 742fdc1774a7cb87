"""Who is told of an alarm, and when: pure.

The first in an organisation's order at once, the next ``ESCALATE_MS`` later, and so on;
what is not sent yet is dropped when somebody acknowledges. Hours of duty change the order:

* critical: those on duty in their order, then everybody else: better woken than too late;
  and while nobody acknowledges, all over again, ``ROUNDS`` times;
* else: those on duty; where nobody is, each when his duty begins.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.reading import instant
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.contacts import DAY_MIN, Contact
from greenwater.storage.registry.watching import Notification

MINUTE_MS: Final = 60 * 1000
ESCALATE_MS: Final = 10 * MINUTE_MS
"""How long the next in the order waits for somebody before to acknowledge."""

ROUNDS: Final = 8
"""How often everybody is told of a critical alarm that nobody acknowledges."""

ROUND_MS: Final = 30 * MINUTE_MS
"""The shortest time from the beginning of one round to that of the next."""


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
    for number in range(ROUNDS):
        turns = _by_night(ours, at_ms)
        for contact, due_ms in turns:
            yield number, contact, due_ms
        last_ms = max((due_ms for _, due_ms in turns), default=at_ms)
        at_ms = max(at_ms + ROUND_MS, last_ms + ESCALATE_MS)


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
    if contact.hours is None:
        return True
    from_min, to_min = contact.hours
    now_min = _minute(at_ms)
    if from_min < to_min:
        return from_min <= now_min < to_min
    return now_min >= from_min or now_min < to_min


def _wait_min(contact: Contact, at_ms: int) -> int:
    from_min = contact.hours[0] if contact.hours else 0
    return (from_min - _minute(at_ms)) % DAY_MIN


def _minute(at_ms: int) -> int:
    at = instant(at_ms).astimezone(VIETNAM)
    return at.hour * 60 + at.minute
