"""Alarms of what came in late, behind live readings, as after an outage. Pure.

A box sends what is live first, so that the live watch has passed the hours that it was
away before they come in. They are put through a watch of their own: the same delays,
falls and hysteresis, warmed up on the day before. What it finds is history:

    no alarm was known then    ──► one that is late and over, in the history alone
    one was known, then or on  ──► it is the same trouble, told once: a line in its history,
                                   where it began earlier, or was worse, than was known

An alarm that began live keeps its beginning: that is when people could know. Nobody is
called, nothing stands, and no alarm that stands is moved.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import isclose
from typing import Final, NamedTuple

from msgspec.structs import replace

from analytics.alarms import life
from analytics.alarms.levels import LimitsOf
from analytics.alarms.standing import Changes
from analytics.alarms.watch import LATE_MS, Watch
from analytics.places import Places
from greenwater.kernel.reading import HOUR_MS, Reading
from greenwater.reference.limits import species_limits
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep

WARM_MS: Final = 26 * HOUR_MS
"""What the watch sees before the stretch: a day of falls and swings, and a delay."""

ALIKE: Final = 0.02
"""Values that differ by less of themselves are one value, worked out twice."""

SEEN: Final = "seen_ms"
"""In an alarm's detail: when it was found; such an alarm never stood."""


class Past(NamedTuple):
    """An alarm of the past, with its history."""

    alarm: Alarm
    steps: Sequence[AlarmStep]

    @property
    def end_ms(self) -> int:
        """When it was over; of one that is not, its newest reading."""
        alarm = self.alarm
        return alarm.returned_ms or alarm.taken_ms or alarm.raised_ms


class Replay:
    """A watch of its own over a stretch, from its first to its last instant.

    ``blamed`` are the alarms that say of a probe that it is at fault all that time.
    """

    def __init__(
        self,
        stretch: tuple[int, int],
        *,
        blamed: Iterable[Alarm] = (),
        limits_of: LimitsOf = species_limits,
    ) -> None:
        self._start_ms, self._end_ms = stretch
        self._known = {one.id: one for one in blamed}
        self._watch = Watch({}, self._known.values(), limits_of=limits_of)
        self._alarms: dict[str, Alarm] = {}
        self._steps: dict[str, list[AlarmStep]] = {}

    def take(self, readings: Sequence[Reading], places: Places) -> None:
        """Take in readings of any devices that can be believed, in order of time."""
        if not readings:
            return
        # Late, all of it: nothing here is to become live.
        self._watch.take(readings, readings[-1].taken_ms + LATE_MS + 1, places)
        changes = self._watch.taken()
        self._alarms |= changes.alarms
        for step in changes.steps:
            self._steps.setdefault(step.alarm, []).append(step)

    @property
    def is_on(self) -> bool:
        """Whether an alarm that touches the stretch is not over yet."""
        return any(one.alarm.is_active for one in self._touching())

    def found(self) -> list[Past]:
        """Return the alarms that touch the stretch, all of them ended."""
        return [_ended(one) for one in self._touching()]

    def _touching(self) -> Iterator[Past]:
        for alarm in self._alarms.values():
            if alarm.id in self._known:
                continue
            one = Past(alarm, self._steps.get(alarm.id, ()))
            if alarm.began_ms <= self._end_ms and one.end_ms >= self._start_ms:
                yield one


def _ended(one: Past) -> Past:
    """Return it over and closed; what still held with the last reading ends there."""
    done = life.back_to_normal(one.alarm, one.end_ms)
    steps = [step for step in one.steps if step.kind != "cleared"]
    alarm = replace(
        done.alarm,
        state=AlarmState.CLEARED,
        cleared_ms=done.alarm.returned_ms,
        is_late=True,
    )
    return Past(alarm, steps if done.step is None else [*steps, done.step])


def reckoned(found: Iterable[Past], known: Iterable[Alarm], seen_ms: int) -> Changes:
    """Return what is to be kept of alarms found in the past.

    ``known`` are alarms about the same conditions, of that time and of now.
    """
    changes, others = Changes(), {one.id: one for one in known}
    for one in sorted(found, key=lambda one: one.alarm.began_ms):
        same = _same(one, others.values())
        if same is None:
            others[one.alarm.id] = _keep(changes, one, seen_ms)
        elif SEEN in same.detail and same.id == one.alarm.id:
            if (same.returned_ms, same.worst) != (
                one.alarm.returned_ms,
                one.alarm.worst,
            ):
                # More of that time has come in since it was found.
                others[same.id] = _keep(changes, one, int(same.detail[SEEN]))
                changes.steps.append(_line(one, same, seen_ms))
        elif _is_news(one.alarm, same):
            changes.steps.append(_line(one, same, seen_ms))
    return changes


def _keep(changes: Changes, one: Past, seen_ms: int) -> Alarm:
    alarm = replace(one.alarm, detail={**one.alarm.detail, SEEN: seen_ms})
    changes.alarms[alarm.id] = alarm
    changes.steps += [*one.steps, _line(one, alarm, seen_ms)]
    return alarm


def _same(one: Past, known: Iterable[Alarm]) -> Alarm | None:
    """Return the first known alarm that tells of the same trouble at the same time."""
    same = [
        other
        for other in known
        if (other.condition, other.kind) == (one.alarm.condition, one.alarm.kind)
        and other.began_ms <= one.end_ms
        and (other.returned_ms is None or other.returned_ms >= one.alarm.began_ms)
    ]
    return min(same, key=lambda other: (other.began_ms, other.id), default=None)


def _is_news(alarm: Alarm, known: Alarm) -> bool:
    """Return whether the past tells of more than was known."""
    if alarm.began_ms < known.began_ms - LATE_MS:
        return True
    if alarm.worst is None or known.worst is None or alarm.side is None:
        return False
    if isclose(alarm.worst, known.worst, rel_tol=ALIKE):
        return False
    return (alarm.worst < known.worst) is (alarm.side == "low")


def _line(one: Past, known: Alarm, seen_ms: int) -> AlarmStep:
    """Return the line of history: from when to when, how bad, and that it was seen late."""
    alarm = one.alarm
    detail = {"value": alarm.worst, "from_ms": alarm.began_ms, "to_ms": one.end_ms}
    return AlarmStep(
        alarm=known.id,
        key=f"late/{alarm.began_ms}/{one.end_ms}/{alarm.worst}",
        at_ms=seen_ms,
        kind="late",
        detail={name: fact for name, fact in detail.items() if fact is not None},
    )
