"""Who is told of an alarm, and when: pure."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final

from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.contacts import Contact
from greenwater.storage.registry.watching import Notification

ESCALATE_MS: Final = 10 * 60 * 1000
"""How long the next in the order waits for somebody before to acknowledge."""


def messages_of(
    calls: Iterable[tuple[Alarm, str, int]], contacts: Sequence[Contact]
) -> list[Notification]:
    """Return the messages that alarms' steps make, each due in its turn.

    The first in an organisation's order at once, the next ``ESCALATE_MS`` later, and so
    on; what is not sent yet is dropped when somebody acknowledges. One message a step,
    person and address: its id says so.
    """
    return [
        Notification(
            id=f"{alarm.id}/{step}/{at_ms}/{contact.person}/{_short(contact.url)}",
            organisation=alarm.organisation,
            alarm=alarm.id,
            step=step,
            person=contact.person,
            url=contact.url,
            due_ms=at_ms + place * ESCALATE_MS,
        )
        for alarm, step, at_ms in calls
        if alarm.acknowledged_ms is None
        for place, contact in _in_order(alarm, contacts)
    ]


def _short(url: str) -> str:
    """Return a name for an address: the address itself holds secrets."""
    return blake2b(url.encode(), digest_size=6).hexdigest()


def _in_order(
    alarm: Alarm, contacts: Sequence[Contact]
) -> Iterable[tuple[int, Contact]]:
    ours = [one for one in contacts if one.organisation == alarm.organisation]
    places = sorted({one.place for one in ours})
    return [(places.index(one.place), one) for one in ours]
