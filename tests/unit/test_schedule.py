"""When probes are read, and whom to leave alone."""

import random

from hypothesis import given
from hypothesis import strategies as st

from edge.schedule import (
    Act,
    Breaker,
    Turns,
    connect_pause_s,
    next_slot_ms,
    resend_pause_s,
)


@given(now_ms=st.integers(0, 2**42), interval_ms=st.integers(1, 86_400_000))
def test_a_slot_is_the_next_multiple_of_the_interval(
    now_ms: int, interval_ms: int
) -> None:
    slot_ms = next_slot_ms(now_ms, interval_ms)
    assert slot_ms % interval_ms == 0
    assert now_ms < slot_ms <= now_ms + interval_ms


def read_times(turns: Turns, instants: list[int]) -> list[int]:
    out = []
    for now_ms in instants:
        act, at_ms = turns.next(now_ms)
        if at_ms <= now_ms and act is Act.READ:
            out.append(now_ms)
            turns.done(now_ms, is_read=True)
        elif at_ms <= now_ms:
            turns.woken(now_ms)
    return out


def test_a_probe_is_read_on_the_quarter_hour() -> None:
    assert read_times(Turns(900), list(range(1, 4000))) == [900, 1800, 2700, 3600]


def test_slots_that_passed_by_are_counted_and_do_not_bunch() -> None:
    turns = Turns(100)
    assert read_times(turns, [1, 100, 750, 751, 800]) == [100, 750, 800]
    assert turns.missed == 5  # 200 and 300 to 600; 700 was read late, at 750


def test_a_probe_is_woken_its_warm_up_before_the_slot() -> None:
    turns = Turns(1000, warmup_ms=300)
    assert turns.next(1) == (Act.WAKE, 700)
    turns.woken(700)
    assert turns.next(700) == (Act.READ, 1000)


def test_a_probe_woken_late_is_read_when_it_is_warm() -> None:
    turns = Turns(1000, warmup_ms=300)
    turns.next(1)
    turns.woken(950)
    assert turns.next(1000) == (Act.READ, 1250)


@given(st.lists(st.integers(1, 10**6), unique=True, min_size=1, max_size=50))
def test_in_lockstep_each_step_is_read_once_at_its_own_time(steps: list[int]) -> None:
    steps = sorted(steps)
    seen_often = [step for step in steps for _ in range(3)]
    assert read_times(Turns(0), seen_often) == steps


def test_in_lockstep_warm_up_is_not_waited_for() -> None:
    assert read_times(Turns(0, warmup_ms=5000), [5, 5, 5, 9, 9]) == [5, 9]


def test_a_clock_set_back_does_not_silence_a_probe() -> None:
    turns = Turns(100)
    assert read_times(turns, [10_000, 10_100, 500, 600, 700]) == [10_100, 600, 700]


def test_a_changed_interval_holds_from_the_next_slot() -> None:
    turns = Turns(1000)
    turns.next(10)
    turns.set_interval(50)
    assert turns.next(10) == (Act.READ, 50)


@given(attempt=st.integers(0, 10_000), seed=st.integers(0, 99))
def test_connecting_again_waits_at_most_a_minute(attempt: int, seed: int) -> None:
    assert 0.5 <= connect_pause_s(attempt, random.Random(seed)) <= 60.0


def test_boxes_that_lose_a_mast_together_do_not_come_back_together() -> None:
    pauses = {connect_pause_s(8, random.Random(seed)) for seed in range(100)}
    assert len(pauses) == 100
    assert max(pauses) - min(pauses) > 20.0


def test_resending_doubles_to_a_quarter_of_an_hour() -> None:
    assert [resend_pause_s(n) for n in (1, 2, 3, 4, 5, 99)] == [
        60.0, 120.0, 240.0, 480.0, 900.0, 900.0,
    ]  # fmt: skip


@given(failures=st.integers(1, 60))
def test_a_silent_unit_is_tried_again_within_five_minutes(failures: int) -> None:
    breaker, now_s = Breaker(), 0.0
    for _ in range(failures):
        now_s = max(now_s, breaker.blocked_until_s)
        assert breaker.lets(now_s)
        breaker.failed(now_s)
    assert breaker.blocked_until_s - now_s <= 300.0
    assert breaker.is_open == (failures >= 3)


def test_one_answer_closes_the_breaker() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(0.0)
    assert not breaker.lets(1.0)
    breaker.succeeded()
    assert breaker.lets(1.0)
    assert not breaker.is_open
