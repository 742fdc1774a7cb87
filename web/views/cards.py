"""One place's card: what is fresh, what is old, and what must be said of it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from greenwater.derived.compensating import needs_salt
from greenwater.kernel.channels import SENT, Channel
from greenwater.kernel.ids import DeviceId, DeviceState
from greenwater.kernel.reading import MINUTE_MS, ClockQuality, Reading, Source
from greenwater.kernel.wire.messages import Status
from greenwater.reference import aerators
from greenwater.storage.registry.devices import DeviceInfo
from web.views.facts import Facts, Hanging
from web.views.formats import age, amount, moment, number
from web.views.shown import (
    ProbeView,
    ValueView,
)
from web.words import Lang, channel_name, say

STALE_MS: Final = 15 * MINUTE_MS
SILENT_MS: Final = 60 * MINUTE_MS
HAND_STALE_MS: Final = 12 * 60 * MINUTE_MS
"""Whoever measures by hand does so in the morning and in the evening."""
BACKLOG_TOLD: Final = 100
"""Waiting readings worth a sentence while the box is online: a live one holds a few."""
DAYS_LEFT_TOLD: Final = 7

FIRST: Final = (
    Channel.DISSOLVED_OXYGEN,
    Channel.SALINITY,
    Channel.TEMPERATURE,
    Channel.PH,
)
"""What people look for first; the other channels follow in their own order."""
WANTED: Final = tuple(dict.fromkeys((*FIRST, *Channel)))
_RANK: Final = {channel: at for at, channel in enumerate(WANTED)}

POSITIONS: Final = frozenset({Channel.LATITUDE, Channel.LONGITUDE})
_ROLES: Final = ("mains", "aerator", "box")
"""What a probe is for, where its id begins with the word or its profile says it."""
_TOLD_SOURCES: Final = frozenset({Source.HAND, Source.IMPORT, Source.VMS, Source.VOICE})


def by_rank(readings: Iterable[Reading]) -> list[Reading]:
    """Return readings in the order people look for them."""
    return sorted(readings, key=lambda r: (_RANK[r.channel], r.probe))


def state_of(taken_ms: int | None, now_ms: int, *, stale_ms: int = STALE_MS) -> str:
    """Return ``fresh``, ``stale`` or ``silent``."""
    if taken_ms is None or now_ms - taken_ms >= max(SILENT_MS, stale_ms):
        return "silent"
    return "stale" if now_ms - taken_ms >= stale_ms else "fresh"


def value_text(lang: Lang, reading: Reading, about: str | None = None) -> str:
    """Return a reading's value in words: ``4,2 mg/L``, ``mất điện``, ``lỗi đầu đo``.

    ``about`` is what a contact tells of: mains, aerator or nothing known.
    """
    if reading.value is None:
        return say(lang, "bad_answer")
    if reading.channel is Channel.CONTACT and reading.value in (0.0, 1.0):
        return say(lang, f"{about or 'contact'}_{reading.value:.0f}")
    return amount(lang, reading.channel, reading.value)


def role_of(one: Hanging) -> str | None:
    """Return what a probe is for, where that says more than its depth."""
    if one.profile == aerators.MONITOR:
        return "aerator"
    begins = one.deployed.probe.startswith
    return next((role for role in _ROLES if begins(role)), None)


def value_view(lang: Lang, one: Hanging, reading: Reading, now_ms: int) -> ValueView:
    """Return one value as it stands on its probe's card.

    An age that the whole probe has is told once, over the card.
    """
    state = state_of(reading.taken_ms, now_ms, stale_ms=_stale_ms(one))
    role = role_of(one)
    about = "mains" if one.profile == aerators.MONITOR else role
    name = channel_name(lang, reading.channel, is_short=True)
    if reading.channel is Channel.CONTACT and about is not None:
        name = say(lang, "condition" if about == role else about)
    notes = [_how_made(lang, one, reading)]
    if state != "fresh" and (one.newest_ms or 0) - reading.taken_ms >= MINUTE_MS:
        notes.append(say(lang, "stale", age=age(lang, reading.taken_ms, now_ms)))
    elif state == "fresh" and reading.value is None:
        state = "bad"
    key = f"{reading.device}/{reading.probe}/{reading.channel}"
    is_main = reading.channel is FIRST[0]
    text = value_text(lang, reading, about)
    return ValueView(key, name, text, ", ".join(filter(None, notes)), state, is_main)


def _how_made(lang: Lang, one: Hanging, reading: Reading) -> str:
    """Return what must be said of a value that is not as its probe told it; else empty."""
    if is_derived(one, reading):
        return say(lang, "worked_out")
    if one.told_mg_l is not None and reading.channel is Channel.DISSOLVED_OXYGEN:
        told = amount(lang, reading.channel, one.told_mg_l)
        return say(lang, "in_salt_water", told=told)
    return say(lang, "salt_unknown") if needs_salt(reading) else ""


def is_derived(one: Hanging, reading: Reading) -> bool:
    """Return whether no probe sent a reading: it was worked out from others."""
    return reading in one.derived or reading.channel not in SENT


def told_of(one: Hanging, reading: Reading) -> float | None:
    """Return what a probe told where ``reading`` says what the water holds; None: nothing."""
    if is_derived(one, reading):
        return None
    is_salted = reading.channel is FIRST[0] and one.told_mg_l is not None
    return one.told_mg_l if is_salted else reading.value


def titles(lang: Lang, hanging: Sequence[Hanging]) -> list[str]:
    """Return what each probe of a place is called: its depth where that is enough."""
    plain = [_title(lang, one) for one in hanging]
    counts = Counter(plain)
    return [
        title if counts[title] == 1 else f"{title} · {_apart(lang, one)}"
        for title, one in zip(plain, hanging, strict=True)
    ]


def _apart(lang: Lang, one: Hanging) -> str:
    """Return what tells a probe from another at its depth; the book's has no name."""
    is_hand = one.source is Source.HAND
    return say(lang, "chart_by_hand") if is_hand else one.deployed.probe


def _stale_ms(one: Hanging) -> int:
    """Return from which age on values are old: people measure and tell a few times a day."""
    return HAND_STALE_MS if one.source in (Source.HAND, Source.VOICE) else STALE_MS


def _title(lang: Lang, one: Hanging) -> str:
    depth = one.deployed.depth_m
    if depth is not None:
        decimals = 0 if depth == round(depth) else 1
        metres = f"{number(lang, depth, decimals)}\N{NO-BREAK SPACE}m"
        return say(lang, "depth", depth=metres)
    if one.source is Source.HAND:
        return say(lang, "hand_meter")
    if one.source in (Source.VOICE, Source.VMS):
        told = say(lang, f"source_{one.source}")
        return told[:1].upper() + told[1:]
    role = role_of(one)
    if one.profile == aerators.MONITOR:
        return aerator_name(lang, one.deployed.probe)
    if role is None and any(one.channel in POSITIONS for one in one.readings):
        return say(lang, "position_finder")
    return say(lang, role) if role else say(lang, "probe", probe=one.deployed.probe)


def aerator_name(lang: Lang, probe: str) -> str:
    """Return what an aerator is called: by the number its monitor's id ends with."""
    number = re.search(r"\d+$", probe)
    if number is None:
        return say(lang, "aerator")
    return say(lang, "aerator_number", number=number[0])


def probe_view(lang: Lang, one: Hanging, title: str, now_ms: int) -> ProbeView:
    """Return one probe's card."""
    newest_ms = one.newest_ms
    stale_ms = _stale_ms(one)
    state = state_of(newest_ms, now_ms, stale_ms=stale_ms)
    every = (*one.readings, *one.derived)
    shown = by_rank(r for r in every if r.channel not in POSITIONS)
    if state == "fresh":  # what has fallen silent goes behind what is still heard
        shown.sort(
            key=lambda r: state_of(r.taken_ms, now_ms, stale_ms=stale_ms) != "fresh"
        )
    if newest_ms is None:
        told = say(lang, "none_yet")
    else:
        told = age(lang, newest_ms, now_ms)
        told = told if state == "fresh" else say(lang, "stale", age=told)
    badge = say(lang, f"source_{one.source}") if one.source in _TOLD_SOURCES else ""
    return ProbeView(
        title,
        tuple(value_view(lang, one, r, now_ms) for r in shown),
        f"{one.deployed.device}/{one.deployed.probe}",
        told,
        state,
        "" if title.lower().startswith(badge.lower()) else badge,
    )


def probe_views(
    lang: Lang, hanging: Sequence[Hanging], now_ms: int
) -> tuple[ProbeView, ...]:
    """Return the cards of the probes at one place."""
    return tuple(
        probe_view(lang, one, title, now_ms)
        for one, title in zip(hanging, titles(lang, hanging), strict=True)
    )


def is_simulated(facts: Facts, hanging: Sequence[Hanging]) -> bool:
    """Return whether any of the readings is made up."""
    return any(_says_simulated(facts, one.deployed.device) for one in hanging)


def _says_simulated(facts: Facts, device: DeviceId) -> bool:
    said = facts.statuses.get(device)
    return facts.devices[device].is_simulated or (
        said is not None and said[1].is_simulated
    )


def device_notices(lang: Lang, facts: Facts, hanging: Sequence[Hanging]) -> list[str]:
    """Return what must be said of the boxes behind these probes."""
    names = {
        (one.deployed.device, one.deployed.probe): title
        for one, title in zip(hanging, titles(lang, hanging), strict=True)
    }
    found: list[str] = []
    for device in sorted({one.deployed.device for one in hanging}):
        info = facts.devices[device]
        if info.state is DeviceState.REVOKED:
            found.append(say(lang, "revoked", device=info.name))
        elif device in facts.statuses:
            heard_ms, status = facts.statuses[device]
            found += _status_notices(lang, info, status, heard_ms, facts.now_ms)
            deaf = [names[at] for p in status.unhealthy if (at := (device, p)) in names]
            if status.online and deaf:
                found.append(say(lang, "unhealthy", probes=", ".join(deaf)))
    return found


def _status_notices(
    lang: Lang, info: DeviceInfo, status: Status, heard_ms: int, now_ms: int
) -> list[str]:
    found = []
    if not status.online:
        heard = moment(lang, heard_ms, now_ms)
        found.append(say(lang, "offline", device=info.name, time=heard))
    if status.outbox_depth >= (BACKLOG_TOLD if status.online else 1):
        found.append(say(lang, "backlog", count=number(lang, status.outbox_depth)))
    is_filling = not status.online or status.outbox_depth >= BACKLOG_TOLD
    days_left = status.days_left
    if is_filling and days_left is not None and days_left < DAYS_LEFT_TOLD:
        days = number(lang, max(days_left, 0), 0)
        found.append(say(lang, "days_left", device=info.name, count=days))
    if status.clock == ClockQuality.UNSYNCED:
        found.append(say(lang, "clock_unsynced", device=info.name))
    return found


def silence_notice(lang: Lang, hanging: Sequence[Hanging], now_ms: int) -> str | None:
    """Return the sentence for a place of which nothing is heard any more."""
    readings = [r for one in hanging for r in one.readings]
    if not readings:
        return None
    newest_ms = max(r.taken_ms for r in readings)
    if state_of(newest_ms, now_ms) != "silent":
        return None
    since = say(lang, "silent", time=moment(lang, newest_ms, now_ms))
    last = [r for r in by_rank(readings) if r.channel in FIRST and r.value is not None]
    if not last:
        return since
    values = ", ".join(
        f"{channel_name(lang, r.channel, is_short=True)} {value_text(lang, r)}"
        for r in last[:2]
    )
    return f"{since} {say(lang, 'last_known', values=values)}"


def box_views(lang: Lang, facts: Facts, place: str) -> tuple[ProbeView, ...]:
    """Return what the boxes at a site or on a vessel tell of themselves."""
    return named_by_device(lang, facts, facts.boxes.get(place, ()))


def named_by_device(
    lang: Lang, facts: Facts, hanging: Iterable[Hanging]
) -> tuple[ProbeView, ...]:
    """Return cards that bear their device's name, since no place gives them one."""
    views = []
    for one in hanging:
        name = facts.devices[one.deployed.device].name
        is_box = one.deployed.probe.startswith("box")
        title = name if is_box else f"{name} · {one.deployed.probe}"
        views.append(probe_view(lang, one, title, facts.now_ms))
    return tuple(views)
