"""What the rules look at: where a channel stands, how it moved, how it differs. Pure.

Each *check* is one number against one limit; its latch (``latches``) says when that is
worth an alarm. Falls and swings are taken between half hours, and to their disadvantage,
so that one wrong value in a half hour makes neither.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from analytics.alarms.latches import OFF, moved
from analytics.alarms.tracked import Slot, Tracked
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import DAY_MS, MINUTE_MS
from greenwater.reference.alarm_rules import ChangeKind, ChangeRule
from greenwater.reference.limits import Severity, SpeciesLimits, Timing, timing

ALARMING: Final = (Severity.WARN, Severity.CRITICAL)
SLOT_MS: Final = 30 * MINUTE_MS


class Check(NamedTuple):
    """One number against one limit; ``over`` says on which side it is beyond."""

    name: str
    signal: float
    limit: float
    over: str
    timing: Timing


def slotted(slots: list[Slot], at_ms: int, value: float) -> list[Slot]:
    """Return the past day by half hours, with one more value."""
    start_ms = at_ms - at_ms % SLOT_MS
    kept = [one for one in slots if start_ms - DAY_MS <= one.at_ms <= start_ms]
    if kept and kept[-1].at_ms == start_ms:
        last = kept.pop()
        low, high = min(last.low, value), max(last.high, value)
        return [*kept, Slot(start_ms, low, high, last.count + 1)]
    return [*kept, Slot(start_ms, value, value)]


def fall(slots: Sequence[Slot], at_ms: int, over_s: float, value: float) -> float:
    """Return how far a value lies below the highest of the time before it."""
    return (
        max((one.low for one in _within(slots, at_ms, over_s)), default=value) - value
    )


def fell_from(slots: Sequence[Slot], at_ms: int, over_s: float) -> tuple[float, int]:
    """Return the highest value of the time before, and when that half hour ended."""
    top = max(_within(slots, at_ms, over_s), key=lambda one: (one.low, one.at_ms))
    return top.low, top.at_ms + SLOT_MS


def swing(slots: Sequence[Slot], at_ms: int, over_s: float) -> float:
    """Return by how much a channel moved up and down; 0 for less than two half hours."""
    among = list(_within(slots, at_ms, over_s))
    if len(among) < 2:
        return 0.0
    highest = max(one.low for one in among)
    return max(highest - min(one.high for one in among), 0.0)


def _within(slots: Sequence[Slot], at_ms: int, over_s: float) -> Iterator[Slot]:
    return (one for one in slots if one.at_ms >= at_ms - over_s * 1000 - SLOT_MS)


def lens(tracked: Tracked, others: Iterable[Tracked], rule: ChangeRule) -> float:
    """Return by how much deeper water of the same unit is salter; 0 if nobody knows."""
    depth_m = tracked.depth_m
    if depth_m is None:
        return 0.0
    below = [
        one.value
        for one in others
        if one.depth_m is not None
        and one.depth_m >= depth_m + rule.apart_m
        and abs(one.taken_ms - tracked.taken_ms) <= rule.over_s * 1000
    ]
    return max(below, default=tracked.value) - tracked.value


class Level(NamedTuple):
    """One level of a species on one side, as its latch is named."""

    name: str
    limit: float
    side: str
    timing: Timing


def levels_of(channel: Channel, limits: SpeciesLimits | None) -> tuple[Level, ...]:
    """Return what a value of a channel is held against where a species lives."""
    found = []
    for severity in ALARMING if limits is not None else ():
        bounds = None if limits is None else limits.bounds(severity)
        if bounds is None:
            continue
        rule = timing(channel, severity)
        for side, limit in (("low", bounds.low), ("high", bounds.high)):
            if limit is not None:
                found.append(Level(f"{side}/{severity}", limit, side, rule))
    return tuple(found)


def level_checks(levels: Iterable[Level], value: float) -> Iterator[Check]:
    """Yield a value against what its species bears."""
    for name, limit, side, rule in levels:
        yield Check(name, value, limit, side, rule)


def change_checks(
    rules: Iterable[ChangeRule], tracked: Tracked, others: Sequence[Tracked]
) -> Iterator[Check]:
    """Yield how a channel moved against what the rules allow."""
    for rule in rules:
        if rule.kind is ChangeKind.FALL:
            signal = fall(tracked.slots, tracked.taken_ms, rule.over_s, tracked.value)
        elif rule.kind is ChangeKind.SWING:
            signal = swing(tracked.slots, tracked.taken_ms, rule.over_s)
        else:
            signal = lens(tracked, others, rule)
        name = latch_name(rule)
        yield Check(name, signal, rule.limit, "high", rule.timing)


def latch_name(rule: ChangeRule) -> str:
    """Return the name of a rule's latch: its side, severity and own name."""
    return f"{rule.side}/{rule.severity}/{rule.name}"


def tried(tracked: Tracked, checks: Iterable[Check]) -> set[str]:
    """Move the channel's latches; return the sides on which one is on, or was.

    A check that is made no more has no latch.
    """
    before, latches, signals = tracked.latches, {}, {}
    names = [name for name, latch in before.items() if latch.is_on]
    for name, signal, limit, over, rule in checks:
        latch = before.get(name, OFF)
        now = moved(latch, tracked.taken_ms, signal, limit, over, rule)
        latches[name] = now
        if now.is_on:
            names.append(name)
            if name.count("/") > 1:
                signals[name] = round(signal, 4)
    tracked.latches, tracked.signals = latches, signals
    return {name.partition("/")[0] for name in names}
