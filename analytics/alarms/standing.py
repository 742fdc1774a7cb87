"""The alarms that stand, and what a pass changed of them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analytics.alarms import life
from greenwater.kernel.ids import DeviceId
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarm_kinds import Hiding
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.registry.watching import Act

LOUD: Final = frozenset(
    {"raised", "again", "escalated", "live", "came_true", "unshelved", "shown"}
)
"""The steps of an alarm that people are told of."""

REPEATED: Final = frozenset({"raised", "again"})
"""Those of them that are no news where an alarm has been there within hours.

``live`` is not among them: nobody was told of what came in late.
"""


OUT_OF_WATER: Final = "out_of_water"
"""The cause (``causes.toml``) of an episode whose probe measures no water in any channel."""


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
    """The alarms that are not cleared: at most one a condition.

    ``past`` are alarms that were cleared not long ago, for counting what comes again; of
    late ones nobody was told, so that what follows them is news.
    """

    def __init__(
        self, open_alarms: Iterable[Alarm], past: Iterable[Alarm] = ()
    ) -> None:
        self._open = {alarm.condition: alarm for alarm in open_alarms}
        self._past = {one.condition: one for one in past if not one.is_late}
        self.changes = Changes()

    def __iter__(self) -> Iterator[Alarm]:
        return iter(list(self._open.values()))

    def get(self, condition: str) -> Alarm | None:
        """Return the alarm about a condition, if one stands."""
        return self._open.get(condition)

    def lifted(self) -> dict[tuple[str | None, str | None], int]:
        """Return the probes that hang out of the water, and since when, ms."""
        return {
            (one.device, one.probe): one.began_ms
            for one in self
            if one.kind == "episode"
            and one.is_active
            and one.detail.get("cause") == OUT_OF_WATER
        }

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

    def begin(self, alarm: Alarm, *, is_late: bool) -> Alarm:
        """Raise a new alarm, with how often its condition has come again of late."""
        repeats = self._repeats(alarm.condition, alarm.began_ms)
        return self.apply(
            life.raised(replace(alarm, repeats=repeats)),
            alarm.raised_ms,
            is_late=is_late,
        )

    def anew(self, alarm: Alarm | None, made: Alarm, at_ms: int) -> None:
        """Raise ``made``, or have ``alarm`` (``renewed``) go on with its facts.

        People are told of what is now, not of what was over.
        """
        if alarm is None:
            self.begin(made, is_late=False)
            return
        again = replace(
            made, id=alarm.id, state=alarm.state, severity=alarm.severity,
            repeats=alarm.repeats, returned_ms=alarm.returned_ms,
            shelved_until_ms=alarm.shelved_until_ms, shelved_by=alarm.shelved_by,
        )  # fmt: skip
        self.go_on(again, Severity(made.severity), at_ms, is_late=False)

    def _repeats(self, condition: str, at_ms: int) -> int:
        before = self._past.get(condition)
        over_ms = None if before is None else before.returned_ms
        if before is None or over_ms is None:
            return 0
        return before.repeats + 1 if at_ms - over_ms <= life.AGAIN_MS else 0

    def apply(self, done: life.Moved, at_ms: int, *, is_late: bool) -> Alarm:
        """Keep a move; people are told of what is loud, unless somebody takes care.

        Nobody is told of what came in late: that is history.
        """
        self.keep(done)
        if done.step is not None and not is_late and is_told(done.alarm, done.step):
            self.changes.calls.append((done.alarm, done.step.kind, at_ms))
        return done.alarm

    def go_on(
        self,
        alarm: Alarm,
        severity: Severity,
        at_ms: int,
        *,
        is_late: bool,
        is_real: bool = True,
    ) -> None:
        """Note that an alarm's condition holds; people are told once of one reading.

        What grows critical is put off no longer. ``is_real``: it is measured, not
        forecast.
        """
        is_worse = severity.rank > Severity(alarm.severity).rank
        if is_worse and severity is Severity.CRITICAL and not is_late:
            self.keep(life.unshelved(alarm, at_ms))
            alarm = self._open[alarm.condition]
        moves: tuple[Callable[[Alarm], life.Moved], ...] = (
            lambda one: life.again(one, at_ms),
            lambda one: life.came_true(one, at_ms) if is_real else life.Moved(one),
            lambda one: life.graded(one, severity, at_ms),
            lambda one: life.made_live(one, at_ms, is_late=is_late),
        )
        is_told = is_late
        for move in moves:
            before = len(self.changes.calls)
            alarm = self.apply(move(alarm), at_ms, is_late=is_told)
            is_told = is_told or len(self.changes.calls) > before

    def over(self, alarm: Alarm, at_ms: int) -> None:
        """Note that an alarm's condition holds no more."""
        self.keep(life.back_to_normal(alarm, at_ms))
        self._hush(alarm.id)

    def act(self, acts: Iterable[Act]) -> None:
        """Take over what people did."""
        for act in acts:
            alarm = next((one for one in self if one.id == act.alarm), None)
            if alarm is not None:
                self._act(alarm, act)

    def _act(self, alarm: Alarm, act: Act) -> None:
        if act.kind == "acknowledge":
            self.keep(life.acknowledged(alarm, act.person, act.at_ms))
        elif act.kind == "shelve":
            until_ms = int(act.detail["until_ms"])
            self.keep(life.shelved(alarm, act.person, until_ms))
        elif act.kind == "unshelve" and alarm.shelved_until_ms is not None:
            self.keep(life.unshelved(alarm, act.at_ms, by_person=True))
            shown = self._open[alarm.condition]
            if shown.is_active and not shown.is_quiet:
                self.changes.calls.append((shown, "unshelved", act.at_ms))
            return
        self._hush(alarm.id)

    def hide(
        self, alarm: Alarm, why: Hiding, by: str, until_ms: int | None, at_ms: int
    ) -> None:
        """Tell nobody of an alarm: its subject is out of service, or another explains it."""
        self.keep(life.hidden(alarm, why, by, until_ms, at_ms))
        self._hush(alarm.id)

    def keep(self, done: life.Moved) -> None:
        """Keep a move that nobody is told of."""
        alarm, step = done
        if alarm.state is AlarmState.CLEARED:
            self._open.pop(alarm.condition, None)
            if not alarm.is_late:
                self._past[alarm.condition] = alarm
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


def is_told(alarm: Alarm, step: AlarmStep) -> bool:
    """Return whether people are told of a step.

    Not while somebody takes care or the alarm is quiet, and not of what is only to be
    watched. What comes again within hours is told again only where it is critical.
    """
    if step.kind not in LOUD or alarm.acknowledged_ms is not None or alarm.is_quiet:
        return False
    if alarm.severity == Severity.WATCH or not alarm.is_active:
        return False
    is_repeat = step.kind in REPEATED and alarm.repeats > 0
    return alarm.severity == Severity.CRITICAL or not is_repeat
