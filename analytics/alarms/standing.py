"""The alarms that stand, and what a pass changed of them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from analytics.alarms import life
from greenwater.kernel.ids import DeviceId
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.registry.watching import Act

LOUD: Final = frozenset({"raised", "again", "escalated", "live"})
"""The steps of an alarm that people are told of."""


class Changes(Struct):
    """What a pass changed: to be kept all together."""

    devices: set[DeviceId] = set()
    alarms: dict[str, Alarm] = {}
    steps: list[AlarmStep] = []
    calls: list[tuple[Alarm, str, int]] = []
    """Alarms about which people are to be told: alarm, step, when."""
    told: list[str] = []
    """Alarms about which nobody needs to be told any more."""


class Standing:
    """The alarms that are not cleared: at most one a condition."""

    def __init__(self, open_alarms: Iterable[Alarm]) -> None:
        self._open = {alarm.condition: alarm for alarm in open_alarms}
        self.changes = Changes()

    def __iter__(self) -> Iterator[Alarm]:
        return iter(list(self._open.values()))

    def get(self, condition: str) -> Alarm | None:
        """Return the alarm about a condition, if one stands."""
        return self._open.get(condition)

    def renewed(self, condition: str, at_ms: int) -> Alarm | None:
        """Return the alarm that a condition which holds now goes on with, if any."""
        alarm = self._open.get(condition)
        if alarm is None:
            return None
        done = life.superseded(alarm, at_ms)
        if done.step is not None:
            self.keep(done)
        return self._open.get(condition)

    def taken(self) -> Changes:
        """Return what changed since this was asked last."""
        changes, self.changes = self.changes, Changes()
        return changes

    def apply(self, done: life.Moved, at_ms: int, *, is_late: bool) -> Alarm:
        """Keep a move; people are told of what is loud, unless somebody takes care.

        Nobody is told of what came in late: that is history.
        """
        self.keep(done)
        is_taken = is_late or done.alarm.acknowledged_ms is not None
        if done.step is not None and done.step.kind in LOUD and not is_taken:
            self.changes.calls.append((done.alarm, done.step.kind, at_ms))
        return done.alarm

    def go_on(
        self, alarm: Alarm, severity: Severity, at_ms: int, *, is_late: bool
    ) -> None:
        """Note that an alarm's condition holds; people are told once of one reading."""
        moves: tuple[Callable[[Alarm], life.Moved], ...] = (
            lambda one: life.again(one, at_ms),
            lambda one: life.graded(one, severity, at_ms),
            lambda one: life.made_live(one, at_ms, is_late=is_late),
        )
        is_told = is_late
        for move in moves:
            done = move(alarm)
            alarm = self.apply(done, at_ms, is_late=is_told)
            is_told = is_told or (done.step is not None and done.step.kind in LOUD)

    def over(self, alarm: Alarm, at_ms: int) -> None:
        """Note that an alarm's condition holds no more."""
        self.keep(life.back_to_normal(alarm, at_ms))
        self._hush(alarm.id)

    def act(self, acts: Iterable[Act]) -> None:
        """Take over what people did."""
        for act in acts:
            alarm = next((one for one in self if one.id == act.alarm), None)
            if alarm is not None and act.kind == "acknowledge":
                self.keep(life.acknowledged(alarm, act.person, act.at_ms))
                self._hush(alarm.id)

    def keep(self, done: life.Moved) -> None:
        """Keep a move that nobody is told of."""
        alarm, step = done
        if alarm.state is AlarmState.CLEARED:
            self._open.pop(alarm.condition, None)
        else:
            self._open[alarm.condition] = alarm
        self.changes.alarms[alarm.id] = alarm
        if step is not None:
            self.changes.steps.append(step)

    def _hush(self, alarm: str) -> None:
        """Drop what nobody was told yet: of this pass, and of those before."""
        calls = self.changes.calls
        self.changes.calls = [one for one in calls if one[0].id != alarm]
        self.changes.told.append(alarm)
