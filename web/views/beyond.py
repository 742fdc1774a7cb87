"""Whether the water is past a limit now: a reading, not yet an alarm.

An alarm waits until a value has stayed past its limit for minutes; the page does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import HOUR_MS, MINUTE_MS, Reading, Source
from greenwater.reference.limits import Severity, SpeciesLimits
from greenwater.reference.own_limits import OwnLimits, unit_limits
from greenwater.storage.registry.places import UnitInfo
from greenwater.storage.telemetry.ports import Series, Span
from web.ports import Services
from web.views.cards import HAND_STALE_MS, SILENT_MS, by_rank, value_text
from web.views.facts import Facts, Hanging
from web.views.formats import amount, limit_amount, number
from web.views.series import water_now
from web.words import Lang, channel_name, say

LOOKED_BACK_MS: Final = 90 * MINUTE_MS
"""How far back it is asked since when a value has been past its limit."""

_LEVELS: Final = (Severity.CRITICAL, Severity.WARN)


@dataclass(frozen=True)
class Beyond:
    """A newest reading past a limit; ``since_ms`` where it is known."""

    hanging: Hanging
    reading: Reading
    severity: Severity
    side: str
    bound: float
    since_ms: int | None = None


def beyond_of(
    species: str | None,
    hanging: Sequence[Hanging],
    now_ms: int,
    own: Sequence[OwnLimits] = (),
) -> Beyond | None:
    """Return the gravest of a unit's newest readings that are past a limit; None: none is.

    ``own`` are the unit's own limits, which stand before its species'.
    """
    found = [
        one
        for channel, newest in _newest(hanging, now_ms).items()
        for limits in (unit_limits(species, own, channel),)
        for hung, reading in newest
        if (one := _judged(limits, hung, reading)) is not None
    ]
    order = [reading.channel for reading in by_rank(one.reading for one in found)]
    return min(
        found,
        key=lambda one: (
            -one.severity.rank,
            order.index(one.reading.channel),
            -_how_far(one),
        ),
        default=None,
    )


def beyond_now(services: Services, facts: Facts, unit: UnitInfo) -> Beyond | None:
    """Return what is past its limit in a unit, and since when; None: nothing is."""
    hanging = facts.in_units.get(unit.id, ())
    found = beyond_of(unit.species, hanging, facts.now_ms, unit.limits)
    if found is None:
        return None
    at = found.hanging.deployed
    start_ms = max(found.reading.taken_ms - LOOKED_BACK_MS, at.from_ms)
    span = Span(Series(at.device, at.probe), start_ms, found.reading.taken_ms + 1)
    past = water_now(services, hanging).read(span, [found.reading.channel])
    return with_start(found, past)


def with_start(one: Beyond, past: Iterable[Reading]) -> Beyond:
    """Return it with since when: ``past`` are that probe's readings, oldest first."""
    since_ms = one.reading.taken_ms
    is_in = True
    for reading in past:
        if reading.channel is not one.reading.channel or reading.value is None:
            continue
        was_in, is_in = is_in, not _is_past(reading.value, one.side, one.bound)
        if was_in and not is_in:
            since_ms = reading.taken_ms
    return replace(one, since_ms=since_ms)


def beyond_words(lang: Lang, one: Beyond, now_ms: int) -> str:
    """Return what pages say: ``Oxy 3,4 mg/L, dưới ngưỡng 4,0 mg/L đã 6 phút``."""
    channel = one.reading.channel
    name = channel_name(lang, channel, is_short=True)
    value, limit = value_text(lang, one.reading), limit_amount(lang, channel, one.bound)
    if value == limit:  # rounded alike it would be a riddle
        gap = _how_far(one)
        decimals = 2 if gap >= 0.005 else 3 if gap >= 0.0005 else 6
        value = amount(lang, channel, one.reading.value or 0.0, decimals=decimals)
    words = say(
        lang,
        f"beyond_{one.side}_{one.severity}",
        name=name,
        value=value,
        limit=limit,
    )
    return f"{words} {how_long(lang, one, now_ms)}".strip()


def how_long(lang: Lang, one: Beyond, now_ms: int) -> str:
    """Return for how long it has been so, in words; empty: not known."""
    if one.since_ms is None:
        return ""
    past_ms = now_ms - one.since_ms
    if past_ms < MINUTE_MS:
        return say(lang, "beyond_now")
    if past_ms >= HOUR_MS:
        return say(lang, "beyond_hour")
    return say(lang, "beyond_for", minutes=number(lang, past_ms // MINUTE_MS))


def _newest(
    hanging: Sequence[Hanging], now_ms: int
) -> Mapping[Channel, list[tuple[Hanging, Reading]]]:
    """Return what counts of each channel now.

    What was read by hand counts for half a day where no probe measures, else while young.
    """
    young: dict[Channel, list[tuple[Hanging, Reading]]] = {}
    by_hand: dict[Channel, list[tuple[Hanging, Reading]]] = {}
    for one in hanging:
        for reading in (*one.readings, *one.derived):
            past_ms = now_ms - reading.taken_ms
            if reading.value is None:
                continue
            if past_ms < SILENT_MS:
                young.setdefault(reading.channel, []).append((one, reading))
            elif one.source is Source.HAND and past_ms < HAND_STALE_MS:
                by_hand.setdefault(reading.channel, []).append((one, reading))
    return by_hand | young


def _judged(
    limits: SpeciesLimits | None, hung: Hanging, reading: Reading
) -> Beyond | None:
    value = reading.value
    if limits is None or value is None:
        return None
    for severity in _LEVELS:
        bounds = limits.bounds(severity)
        if bounds is None:
            continue
        for side, bound in (("low", bounds.low), ("high", bounds.high)):
            if bound is not None and _is_past(value, side, bound):
                return Beyond(hung, reading, severity, side, bound)
    return None


def _is_past(value: float, side: str, bound: float) -> bool:
    return value < bound if side == "low" else value > bound


def _how_far(one: Beyond) -> float:
    return abs((one.reading.value or 0.0) - one.bound)
