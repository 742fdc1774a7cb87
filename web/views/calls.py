"""Who is told of alarms, as pages show it: the address itself holds secrets and is not shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from analytics.alarms.calling import is_on_duty
from greenwater.storage.registry.bulletins import CopyState
from greenwater.storage.registry.contacts import Contact
from web.views.formats import moment
from web.words import WORDS, Lang, say


@dataclass(frozen=True)
class CallView:
    """One address in the order; the address itself holds secrets and is not shown."""

    place: int
    name: str
    means: str
    hours: str
    is_on_duty: bool
    is_mine: bool
    tested: str
    id: str


def short_of(url: str) -> str:
    """Return a name for an address that says nothing of it."""
    return blake2b(url.encode(), digest_size=6).hexdigest()


def call_view(
    lang: Lang,
    one: Contact,
    name: str,
    person: str,
    states: Sequence[CopyState],
    now_ms: int,
) -> CallView:
    """Return one address in words: by what means, when, and how its last test went."""
    scheme = one.url.partition(":")[0].rstrip("s")
    known = f"calls_by_{scheme}" in WORDS[lang]
    ours = [state for state in states if state.url == one.url]
    is_mine = one.person == person
    return CallView(
        one.place + 1,
        name,
        say(lang, f"calls_by_{scheme}" if known else "calls_by_other"),
        _hours(lang, one),
        is_on_duty(one, now_ms),
        is_mine,
        _tested(lang, ours[0], now_ms) if ours and is_mine else "",
        contact_id(one),
    )


def contact_id(one: Contact) -> str:
    """Return what a form names an address with."""
    return short_of(f"{one.organisation} {one.person} {one.url}")


def _hours(lang: Lang, one: Contact) -> str:
    if one.hours is None:
        return say(lang, "calls_always")
    start, end = (f"{at // 60:02d}:{at % 60:02d}" for at in one.hours)
    return say(lang, "calls_hours", start=start, end=end)


def _tested(lang: Lang, state: CopyState, now_ms: int) -> str:
    if state.sent_ms is not None:
        return say(lang, "calls_sent", time=moment(lang, state.sent_ms, now_ms))
    key = "calls_waits" if state.dropped_ms is None else "calls_failed"
    return say(lang, key, time=moment(lang, state.due_ms, now_ms))
