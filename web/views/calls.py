"""Who is told of alarms, as pages show it: the address itself holds secrets and is not shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from analytics.alarms.calling import is_on_duty, order_of, unwatched
from analytics.alarms.pushing import subscription_of
from analytics.alarms.ways import hint_of, way_of
from greenwater.kernel.reading import MINUTE_MS
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


@dataclass(frozen=True)
class CallerView:
    """One person in the order, with all his addresses; ``start`` and ``end`` as typed."""

    place: int
    person: str
    name: str
    means: str
    hours: str
    start: str
    end: str
    is_on_duty: bool
    is_together: bool
    tested: str
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class HouseholdView:
    """One organisation's order, whom it does not reach, and when nobody is on duty."""

    id: str
    name: str
    callers: tuple[CallerView, ...]
    unreached: str
    gaps: tuple[str, ...]
    may_order: bool


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
    is_mine = one.person == person
    return CallView(
        one.place + 1,
        name,
        means_of(lang, one.url),
        _hours(lang, one),
        is_on_duty(one, now_ms),
        is_mine,
        _tested(lang, one, states, now_ms) if is_mine else "",
        contact_id(one),
    )


def household_view(
    lang: Lang,
    organisation: tuple[str, str],
    ours: Sequence[Contact],
    members: Mapping[str, str],
    *,
    person: str,
    states: Sequence[CopyState],
    now_ms: int,
    may_order: bool,
) -> HouseholdView:
    """Return an organisation's (id and name) order of calls, with all who belong to it."""
    order = order_of(ours)
    callers = []
    for place, together in enumerate(order, 1):
        for one in together:
            his = [contact for contact in ours if contact.person == one]
            start, end = _span(his[0])
            tested = [_tested(lang, contact, states, now_ms) for contact in his]
            callers.append(
                CallerView(
                    place,
                    one,
                    members.get(one, one),
                    ", ".join(means_of(lang, contact.url) for contact in his),
                    " / ".join(dict.fromkeys(_hours(lang, contact) for contact in his)),
                    start,
                    end,
                    any(is_on_duty(contact, now_ms) for contact in his),
                    len(together) > 1,
                    next(filter(None, tested), "") if one == person else "",
                    place == 1 and len(together) == 1,
                    place == len(order) and len(together) == 1,
                )
            )
    reached = {one.person for one in ours}
    return HouseholdView(
        *organisation,
        tuple(callers),
        ", ".join(sorted(name for id_, name in members.items() if id_ not in reached)),
        tuple(
            say(lang, "calls_unwatched", start=_clock(start), end=_clock(end))
            for start, end in unwatched(ours)
        ),
        may_order,
    )


def means_of(lang: Lang, url: str) -> str:
    """Return by what means an address reaches somebody: ``tin nhắn SMS …567``."""
    browser = subscription_of(url)
    if browser is not None:
        means = say(lang, "ways_by_push")
        return f"{means} ({browser.name})" if browser.name else means
    way = way_of(url)
    if way is not None:
        return f"{say(lang, f'ways_by_{way}')} {hint_of(url)}"
    scheme = url.partition(":")[0].rstrip("s")
    known = f"calls_by_{scheme}" in WORDS[lang]
    return say(lang, f"calls_by_{scheme}" if known else "calls_by_other")


def contact_id(one: Contact) -> str:
    """Return what a form names an address with."""
    return short_of(f"{one.organisation} {one.person} {one.url}")


def _hours(lang: Lang, one: Contact) -> str:
    if one.hours is None:
        return say(lang, "calls_always")
    start, end = _span(one)
    return say(lang, "calls_hours", start=start, end=end)


def _span(one: Contact) -> tuple[str, str]:
    return (
        ("", "") if one.hours is None else (_clock(one.hours[0]), _clock(one.hours[1]))
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _tested(lang: Lang, one: Contact, states: Sequence[CopyState], now_ms: int) -> str:
    state = next((state for state in states if state.url == one.url), None)
    if state is None:
        return ""
    if state.sent_ms is not None:
        return say(lang, "calls_sent", time=moment(lang, state.sent_ms, now_ms))
    key = "calls_waits" if state.dropped_ms is None else "calls_failed"
    begun_ms = int(state.id.rpartition("/")[2]) * MINUTE_MS  # due again, it is later
    return say(lang, key, time=moment(lang, begun_ms, now_ms))
