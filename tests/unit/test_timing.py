"""Whether the clock is believed, and what the time is if it is not."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge.timing import (
    BACK_MS,
    EARLIEST_MS,
    FIX_KEEPS_MS,
    PATIENCE_S,
    Facts,
    Fix,
    Instant,
    Jumps,
    is_dated_right,
    judge,
)
from edge.untimed import Kept, Present, timed
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import ClockQuality, Reading

NOW_MS = EARLIEST_MS + 10**9
GOOD = Facts(NOW_MS, 5_000, newest_ms=NOW_MS - 1000)


def test_a_disciplined_clock_is_ntp() -> None:
    assert judge(replace(GOOD, is_synced=True)) == (NOW_MS, ClockQuality.NTP)


def test_a_battery_clock_that_nobody_checked_is_rtc() -> None:
    assert judge(GOOD) == (NOW_MS, ClockQuality.RTC)


def test_a_clock_in_1970_is_not_believed_though_it_says_it_is_synchronised() -> None:
    assert judge(replace(GOOD, wall_ms=0, is_synced=True)) == (
        5_000,
        ClockQuality.UNSYNCED,
    )


def test_a_clock_far_before_what_was_confirmed_is_not_believed() -> None:
    back = replace(GOOD, newest_ms=NOW_MS + BACK_MS)
    assert judge(back).quality is ClockQuality.UNSYNCED
    assert judge(replace(back, newest_ms=NOW_MS + BACK_MS - 1)).quality is (
        ClockQuality.RTC
    )


def test_a_satellites_date_that_cannot_be_is_not_believed() -> None:
    """1980-01-06, of a receiver just switched on, unrolls to 2038."""
    day_ms = 24 * 3600 * 1000
    synced, bare = replace(GOOD, is_synced=True), replace(GOOD, has_battery=False)
    for facts, off_ms, is_right in (
        (synced, day_ms, True), (synced, -day_ms, True),
        (synced, day_ms + 1, False), (synced, -day_ms - 1, False),
        (GOOD, 366 * day_ms, True), (GOOD, 367 * day_ms, False),
        (GOOD, -3000 * day_ms, True),  # the battery clock may be the one that is wrong
        (bare, 4000 * day_ms, True), (replace(synced, wall_ms=0), NOW_MS, True),
    ):  # fmt: skip
        assert is_dated_right(facts, facts.wall_ms + off_ms) is is_right, (
            facts,
            off_ms,
        )


def test_a_time_server_overrules_what_a_fast_clock_once_stamped() -> None:
    fast = replace(GOOD, newest_ms=NOW_MS * 2, is_synced=True)
    assert judge(fast) == (NOW_MS, ClockQuality.NTP)


def test_a_clock_that_stands_while_the_power_is_off_waits_to_be_set() -> None:
    bare = replace(GOOD, has_battery=False)
    assert judge(bare).quality is ClockQuality.UNSYNCED
    assert judge(replace(bare, online_s=PATIENCE_S)).quality is ClockQuality.RTC


def test_patience_does_not_make_1970_right() -> None:
    assert judge(replace(GOOD, wall_ms=0, online_s=1e9)).quality is (
        ClockQuality.UNSYNCED
    )


def test_a_fresh_fix_overrules_a_wrong_clock() -> None:
    fixed = replace(GOOD, wall_ms=0, fix=Fix(NOW_MS, 4_000))
    assert judge(fixed) == (NOW_MS + 1_000, ClockQuality.GPS)


def test_a_fix_that_agrees_leaves_the_clock_as_it_is() -> None:
    fixed = replace(GOOD, fix=Fix(NOW_MS - 1_500, 5_000))
    assert judge(fixed) == (NOW_MS, ClockQuality.GPS)


def test_an_old_fix_still_beats_a_clock_that_is_plainly_wrong() -> None:
    later = Facts(0, FIX_KEEPS_MS, fix=Fix(NOW_MS, 0))
    assert judge(later) == Instant(NOW_MS + FIX_KEEPS_MS, ClockQuality.GPS)
    assert judge(replace(later, mono_ms=FIX_KEEPS_MS + 1)).quality is (
        ClockQuality.UNSYNCED
    )


@given(
    passed_ms=st.integers(0, 10**6),
    jump_ms=st.integers(-(10**9), 10**9),
)
def test_a_jump_is_told_by_its_size(passed_ms: int, jump_ms: int) -> None:
    jumps = Jumps()
    jumps.look(NOW_MS, 0)
    found = jumps.look(NOW_MS + passed_ms + jump_ms, passed_ms)
    assert found == (jump_ms if abs(jump_ms) >= 5_000 else 0)
    assert jumps.count == (abs(jump_ms) >= 5_000)


@given(ago_ms=st.integers(0, 10**8))
def test_a_reading_is_timed_by_how_long_ago_it_was(ago_ms: int) -> None:
    box, mono_ms = DeviceId("box-1"), 2 * 10**8
    taken = Reading(
        box, ProbeId("a"), Channel.PH, mono_ms - ago_ms, 7.0, ClockQuality.UNSYNCED
    )
    readings, gaps = timed(Kept("b", 0, [taken]), Present(NOW_MS, "b", mono_ms))
    assert (readings[0].taken_ms, readings[0].clock) == (
        NOW_MS - ago_ms,
        ClockQuality.RETIMED,
    )
    assert gaps == []


def test_what_another_boot_left_is_a_gap_between_what_was_known_and_now() -> None:
    box = DeviceId("box-1")
    some = [
        Reading(box, ProbeId("a"), Channel.PH, n, 7.0, ClockQuality.UNSYNCED)
        for n in range(3)
    ]
    readings, (gap,) = timed(Kept("old", 1_000, some), Present(9_000, "new", 50))
    assert readings == []
    assert (gap.start_ms, gap.end_ms, gap.count, gap.reason) == (
        1_000, 9_000, 3, "clock",
    )  # fmt: skip
