"""Local control: whatever the probes say, and however long they say nothing."""

from collections.abc import Mapping
from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.control import Controller, Latest, Rule, check_feedback
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import ConfigError

DO = Channel.DISSOLVED_OXYGEN
RULE = Rule("night", "aerator", "do-1", DO, low=4.0, feedback_probe="aerator-1")
STEP_MS = 1_000

values = st.floats(0.0, 12.0, allow_nan=False)
answers = st.one_of(st.none(), values)


def heard(taken_ms: int, value: float | None, probe: str = "do-1") -> Latest:
    return {(probe, DO): (taken_ms, value)}


def feedback(
    taken_ms: int, current: float | None = 4.2, contact: float | None = 1.0
) -> Latest:
    return {
        ("aerator-1", Channel.CURRENT): (taken_ms, current),
        ("aerator-1", Channel.CONTACT): (taken_ms, contact),
    }


def quick(**more: float) -> Controller:
    fields = {"min_run_s": 0.0, "stale_s": 900.0} | more
    return Controller(msgspec.structs.replace(RULE, **fields), 0)


def test_it_switches_on_below_the_limit_and_off_a_margin_above() -> None:
    control = quick(hysteresis=0.5)
    seen = [
        control.step(at * STEP_MS, heard(at * STEP_MS, value)).is_on
        for at, value in enumerate([4.0, 3.99, 4.0, 4.49, 4.5, 4.01, 3.99])
    ]
    assert seen == [False, True, True, True, False, False, True]


def test_it_switches_on_above_an_upper_limit() -> None:
    rule = Rule("hot", "shade", "do-1", DO, high=9.0, hysteresis=1.0, min_run_s=0.0)
    control = Controller(rule, 0)
    seen = [
        control.step(at, heard(at, v)).is_on for at, v in enumerate([9, 9.1, 8.1, 8])
    ]
    assert seen == [False, True, True, False]


@given(wobble=st.lists(st.floats(-0.24, 0.24), min_size=2, max_size=60), middle=values)
def test_noise_smaller_than_the_hysteresis_never_chatters(
    wobble: list[float], middle: float
) -> None:
    control = quick(hysteresis=0.5)
    states = [
        control.step(at * STEP_MS, heard(at * STEP_MS, middle + small)).is_on
        for at, small in enumerate(wobble)
    ]
    assert sum(a != b for a, b in pairwise(states)) <= 1


@given(history=st.lists(st.tuples(answers, st.integers(1, 90)), max_size=60))
def test_once_on_it_runs_its_minimum_and_goes_off_only_on_a_good_value(
    history: list[tuple[float | None, int]],
) -> None:
    control = Controller(msgspec.structs.replace(RULE, min_run_s=120.0), 0)
    now_s, on_since_s, was_on = 0, 0, False
    for value, passed_s in history:
        now_s += passed_s
        is_on = control.step(now_s * 1000, heard(now_s * 1000, value)).is_on
        if is_on and not was_on:
            on_since_s = now_s
        if was_on and not is_on:
            assert now_s - on_since_s >= 120
            assert value is not None
            assert value >= 4.5
        was_on = bool(is_on)


@given(
    before=st.lists(st.tuples(answers, st.integers(1, 300)), max_size=30),
    answers_badly=st.booleans(),
)
@example(before=[], answers_badly=False)
@example(before=[(8.0, 1)], answers_badly=True)  # a probe that answers only NaN
def test_it_is_on_when_no_good_value_came_for_the_stale_time(
    before: list[tuple[float | None, int]], answers_badly: bool
) -> None:
    control = quick(stale_s=900.0)
    now_s = last_good_s = 0
    latest: Latest = {}
    for value, passed_s in before:
        now_s += passed_s
        latest = heard(now_s * 1000, value)
        last_good_s = now_s if value is not None else last_good_s
        control.step(now_s * 1000, latest)
    began_s = now_s + 1
    for now_s in range(began_s, last_good_s + 1800, 7):
        if answers_badly:
            latest = heard(now_s * 1000, None)
        decision = control.step(now_s * 1000, latest)
        if now_s - last_good_s > 900:
            assert decision.is_on, f"{now_s - last_good_s} s without a good value"
            assert "fail-safe" in decision.reason


@pytest.mark.parametrize("latest", [{}, heard(1000, None)])
def test_a_program_that_begins_leaves_the_output_until_it_knows(latest: Latest) -> None:
    """The one before it left the aerator running, and the probe may be the broken part."""
    control = quick(stale_s=900.0)
    for now_s in (1, 60, 899):
        assert control.step(now_s * 1000, latest).is_on is None
    assert control.step(901_000, latest).is_on is True
    other = quick(stale_s=900.0)
    assert other.step(1000, latest).is_on is None
    assert other.step(2000, heard(2000, 8.0)).is_on is False
    assert other.step(3000, heard(2000, None)).is_on is False, "it knows"


def test_it_waits_for_the_delay_without_a_break() -> None:
    control = quick(delay_s=10.0)
    low = [3.0] * 8 + [5.0] + [3.0] * 12
    on = [control.step(s * 1000, heard(s * 1000, v)).is_on for s, v in enumerate(low)]
    assert on.index(True) == 9 + 10


@given(is_on=st.booleans(), value=answers, lasts_s=st.integers(1, 3600))
def test_a_person_decides_until_the_override_expires(
    is_on: bool, value: float | None, lasts_s: int
) -> None:
    control, other = quick(), quick()
    control.set_override(is_on, lasts_s * 1000)
    for now_s in range(lasts_s):
        decision = control.step(now_s * 1000, heard(now_s * 1000, value))
        assert (decision.is_on, decision.reason) == (is_on, "by hand")
    end_ms = lasts_s * 1000
    latest = heard(end_ms, 3.0)
    assert control.step(end_ms, latest) == other.step(end_ms, latest)
    assert control.step(end_ms + 1, heard(end_ms + 1, 8.0)).is_on is False


def test_a_probe_silent_under_an_override_is_fail_safe_when_it_expires() -> None:
    control = quick(stale_s=900.0)
    control.set_override(False, 3_600_000)
    assert not control.step(3_599_999, heard(0, 8.0)).is_on
    assert control.step(3_600_000, heard(0, 8.0)).is_on


def faults_at(
    control: Controller, seconds: range, latest: Mapping[int, Latest]
) -> dict[str, int]:
    """Return each fault with the second at which it was first told."""
    first: dict[str, int] = {}
    known: Latest = {}
    for now_s in seconds:
        known = {**known, **latest.get(now_s, {}), **heard(now_s * 1000, 3.0)}
        for fault in control.step(now_s * 1000, known).faults:
            first.setdefault(fault, now_s)
    return first


@given(every_s=st.integers(1, 25), broken_s=st.integers(1, 60), bad=st.booleans())
def test_commanded_but_not_running_is_noticed_within_a_minute(
    every_s: int, broken_s: int, bad: bool
) -> None:
    check_feedback([RULE], {"do-1": 60.0, "aerator-1": every_s})
    dead = None if bad else 0.1
    latest = {
        s: feedback(s * 1000, 4.2 if s < broken_s else dead)
        for s in range(0, 200, every_s)
    }
    found = faults_at(quick(), range(200), latest)
    assert list(found) == ["aerator: commanded on, not running"]
    assert 30 <= found["aerator: commanded on, not running"] - broken_s <= 60


@given(every_s=st.integers(1, 25), broken_s=st.integers(1, 60))
def test_mains_loss_is_noticed_within_a_minute(every_s: int, broken_s: int) -> None:
    latest = {
        s: feedback(s * 1000, contact=float(s < broken_s))
        for s in range(0, 200, every_s)
    }
    found = faults_at(quick(), range(200), latest)
    assert list(found) == ["aerator-1: mains lost"]
    assert 30 <= found["aerator-1: mains lost"] - broken_s <= 60


@given(every_s=st.integers(1, 25), broken_s=st.integers(1, 60))
def test_feedback_that_falls_silent_is_noticed_within_a_minute(
    every_s: int, broken_s: int
) -> None:
    latest = {s: feedback(s * 1000) for s in range(0, broken_s, every_s)}
    found = faults_at(quick(), range(200), latest)
    assert found["aerator-1: says nothing; has it lost power?"] - broken_s <= 60
    assert not faults_at(
        quick(), range(200), {s: feedback(s * 1000) for s in range(200)}
    )


def test_an_aerator_that_is_off_need_not_run() -> None:
    control = quick()
    for now_s in range(120):
        latest = {**heard(now_s * 1000, 8.0), **feedback(now_s * 1000, 0.0)}
        assert control.step(now_s * 1000, latest).faults == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "neither low nor high"),
        ("low = 4\nhigh = 4.5", "no room for a hysteresis of 0.5"),
        ("low = 9\nhigh = 4", "no room"),
        ("low = 4\nfeedback_grace_s = 70", "feedback_grace_s"),
        ("low = 4\nhysteresis = -1", "hysteresis"),
    ],
)
def test_a_rule_that_could_not_work_is_refused(text: str, told: str) -> None:
    head = 'name = "n"\noutput = "o"\nprobe = "p"\nchannel = "dissolved_oxygen"\n'
    with pytest.raises(msgspec.ValidationError, match=told):
        msgspec.toml.decode((head + text).encode(), type=Rule)


@pytest.mark.parametrize(
    ("intervals_s", "told"),
    [
        ({"do-1": 60.0, "aerator-1": 60.0}, "interval_s to 25 or less"),
        ({"do-1": 60.0}, "no probe 'aerator-1'"),
        ({"aerator-1": 10.0}, "no probe 'do-1'"),
    ],
)
def test_feedback_too_seldom_to_be_noticed_is_refused(
    intervals_s: dict[str, float], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        check_feedback([RULE], intervals_s)
