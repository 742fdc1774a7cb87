"""An alarm's life, whatever people and water do, in any order."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from analytics.alarms import life
from analytics.alarms.standing import LOUD, Standing
from greenwater.reference.limits import Severity
from greenwater.storage.registry.alarms import Alarm, AlarmState, AlarmStep
from greenwater.storage.registry.watching import Act
from tests.unit.ponds import HOUR, MINUTE, T0

CONDITION = "limit/ao-3/dissolved_oxygen/low"
FOLLOWS = {
    None: {"raised"},
    "raised": {"escalated", "eased", "returned"},
    "again": {"escalated", "eased", "returned"},
    "escalated": {"escalated", "eased", "returned"},
    "eased": {"escalated", "eased", "returned"},
    "returned": {"again", "cleared"},
    "cleared": set(),
}


def an_alarm(at_ms: int, severity: str = "warn") -> Alarm:
    return Alarm(
        id=life.alarm_id(CONDITION, at_ms - MINUTE),
        organisation="hoa",
        condition=CONDITION,
        kind="limit",
        severity=severity,
        state=AlarmState.RAISED,
        began_ms=at_ms - MINUTE,
        raised_ms=at_ms,
    )


class Lives(RuleBasedStateMachine):
    """One condition over years: beyond, back, acknowledged, forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing(())
        self.now_ms = T0
        self.rows: dict[str, Alarm] = {}
        self.steps: list[AlarmStep] = []
        self.acts = 0
        self.loud_after_ack: list[str] = []

    @property
    def alarm(self) -> Alarm | None:
        return self.standing.get(CONDITION)

    def settle(self) -> None:
        changes = self.standing.taken()
        for one, kind, _ in changes.calls:
            if one.acknowledged_ms is not None and kind in LOUD:
                self.loud_after_ack.append(kind)
        self.rows.update(changes.alarms)
        self.steps += changes.steps

    @rule(minutes=st.sampled_from([1, 15, 5 * 60, 7 * 60, 25 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.now_ms += minutes * MINUTE
        for alarm in self.standing:
            done = life.expired(alarm, self.now_ms)
            if done.step is not None:
                self.standing.keep(done)
        self.settle()

    @rule(severity=st.sampled_from([Severity.WARN, Severity.CRITICAL]))
    def beyond(self, severity: Severity) -> None:
        self.now_ms += MINUTE
        alarm = self.standing.renewed(CONDITION, self.now_ms)
        if alarm is None:
            new = life.raised(an_alarm(self.now_ms, severity))
            self.standing.apply(new, self.now_ms, is_late=False)
        else:
            again = life.again(alarm, self.now_ms)
            alarm = self.standing.apply(again, self.now_ms, is_late=False)
            graded = life.graded(alarm, severity, self.now_ms)
            self.standing.apply(graded, self.now_ms, is_late=False)
        self.settle()

    @precondition(lambda self: self.alarm is not None and self.alarm.is_active)
    @rule()
    def back(self) -> None:
        self.now_ms += MINUTE
        assert self.alarm is not None
        self.standing.over(self.alarm, self.now_ms)
        self.settle()

    @precondition(lambda self: bool(self.rows))
    @rule(pick=st.integers(0, 3))
    def acknowledge(self, pick: int) -> None:
        self.acts += 1
        alarm = list(self.rows)[-1 - pick % len(self.rows)]
        was = self.rows[alarm]
        self.standing.act(
            [Act(self.acts, alarm, "acknowledge", "lan", "page", self.now_ms)]
        )
        self.settle()
        is_known = self.rows[alarm].acknowledged_ms is not None
        assert is_known or was.state is AlarmState.CLEARED

    @invariant()
    def at_most_one_is_open(self) -> None:
        standing = [
            one for one in self.rows.values() if one.state is not AlarmState.CLEARED
        ]
        assert len(standing) <= 1
        assert standing == ([] if self.alarm is None else [self.alarm])

    @invariant()
    def state_and_times_agree(self) -> None:
        for one in self.rows.values():
            assert one.began_ms <= one.raised_ms
            known = one.acknowledged_ms is not None
            assert {
                AlarmState.RAISED: not known and one.returned_ms is None,
                AlarmState.ACKNOWLEDGED: known and one.returned_ms is None,
                AlarmState.RETURNED: not known and one.returned_ms is not None,
                AlarmState.CLEARED: one.cleared_ms is not None,
            }[one.state]
            assert (one.cleared_ms is not None) == (one.state is AlarmState.CLEARED)

    @invariant()
    def nobody_who_takes_care_is_called_again(self) -> None:
        assert self.loud_after_ack == []

    def teardown(self) -> None:
        last: dict[str, AlarmStep] = {}
        for step in self.steps:
            before = last.get(step.alarm)
            kind = None if before is None else before.kind
            assert step.kind in FOLLOWS[kind], f"{step.kind} after {kind}"
            assert before is None or before.at_ms <= step.at_ms
            last[step.alarm] = step
        assert len({(step.alarm, step.key) for step in self.steps}) == len(self.steps)


TestLives = Lives.TestCase


def test_the_same_condition_begun_at_the_same_instant_is_the_same_alarm() -> None:
    assert life.alarm_id(CONDITION, T0) == life.alarm_id(CONDITION, T0)
    assert life.alarm_id(CONDITION, T0) != life.alarm_id(CONDITION, T0 + 1)
    assert life.alarm_id(CONDITION, T0) != life.alarm_id(CONDITION + "x", T0)


def test_a_latched_alarm_nobody_looks_at_is_cleared_a_day_later() -> None:
    standing = Standing([an_alarm(T0)])
    standing.over(an_alarm(T0), T0 + HOUR)
    (latched,) = standing

    assert life.back_to_normal(latched, T0 + 2 * HOUR) == life.Moved(latched)
    assert life.expired(latched, T0 + HOUR + life.LATCHED_MS - 1).step is None
    done = life.expired(latched, T0 + 99 * HOUR)

    assert done.alarm.state is AlarmState.CLEARED
    assert done.alarm.cleared_ms == T0 + HOUR + life.LATCHED_MS


def test_what_comes_back_soon_is_the_same_alarm_and_later_another() -> None:
    for after_ms, is_same in ((life.AGAIN_MS, True), (life.AGAIN_MS + 1, False)):
        standing = Standing([an_alarm(T0)])
        standing.over(an_alarm(T0), T0 + HOUR)
        again = standing.renewed(CONDITION, T0 + HOUR + after_ms)
        assert (again is not None) == is_same, after_ms
        before = standing.changes.alarms[an_alarm(T0).id]
        assert (before.state is AlarmState.RETURNED) == is_same, "else it is cleared"


def test_what_is_over_before_anybody_was_told_is_not_told() -> None:
    standing = Standing(())
    alarm = standing.apply(life.raised(an_alarm(T0)), T0, is_late=False)
    assert [kind for _, kind, _ in standing.changes.calls] == ["raised"]

    standing.over(alarm, T0 + MINUTE)

    assert standing.changes.calls == []
    assert standing.changes.told == [alarm.id]
