"""Clocks: what ``GREENWATER_CLOCK`` may say, and what each clock then does."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.sim_box import skewed
from greenwater.kernel.clock import (
    HeldClock,
    ManualClock,
    ScaledClock,
    SteppedClock,
    SystemClock,
    parse_clock,
)
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.reading import instant, milliseconds

START = datetime(2026, 6, 1, tzinfo=UTC)


def test_the_system_clock_is_aware_and_in_utc() -> None:
    for text in ("", "system"):
        clock = parse_clock(text)
        assert isinstance(clock, SystemClock)
        assert clock.now().tzinfo is UTC
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
        assert clock.real_seconds(3.5) == 3.5


def test_a_manual_clock_moves_only_when_told_and_may_jump_back() -> None:
    clock = ManualClock(START)
    assert clock.now() == START
    clock.advance(timedelta(hours=-1))
    assert clock.now() == START - timedelta(hours=1)
    assert clock.real_seconds(60) <= 0.002


def test_a_scaled_clock_runs_faster_from_its_anchor() -> None:
    anchor_s = datetime.now(UTC).timestamp() - 10
    clock = parse_clock(f"2026-06-01T00:00:00Z*60@{anchor_s!r}")
    passed = clock.now() - START
    assert timedelta(seconds=600) <= passed < timedelta(seconds=900)
    assert clock.real_seconds(60) == 1


def test_a_child_process_reads_the_clock_its_parent_wrote() -> None:
    parent = ScaledClock(START, 60, 1764000000.5)
    child = parse_clock(str(parent))
    assert isinstance(child, ScaledClock)
    assert (child.start, child.speed, child.anchor_s) == (START, 60, 1764000000.5)


def test_a_start_in_another_zone_is_the_same_instant() -> None:
    clock = parse_clock("2026-06-01T07:00:00+07:00")
    assert isinstance(clock, ScaledClock)
    assert clock.start == START
    assert clock.start.tzinfo is UTC
    assert clock.speed == 1


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow",
        "2026-06-01T00:00:00",
        "2026-06-01T00:00:00Z*0",
        "2026-06-01T00:00:00Z*-1",
        "2026-06-01T00:00:00Z*fast",
        "2026-06-01T00:00:00Z*nan",
        "2026-06-01T00:00:00Z*inf",
        "2026-06-01T00:00:00Z*2@noon",
        "2026-06-01T00:00:00Z*2@nan",
        "2026-06-01T00:00:00Z*2@inf",
        "step:/no/such/folder/clock",
    ],
)
def test_a_clock_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_clock(text)


def test_every_process_reads_a_stepped_clock_that_one_sets(tmp_path: Path) -> None:
    leader = SteppedClock(tmp_path / "clock", start=START)
    follower = parse_clock(f"step:{tmp_path / 'clock'}")
    assert follower.now() == START
    later = START + timedelta(days=400, milliseconds=7)
    leader.set(later)
    assert follower.now() == later
    assert follower.real_seconds(600) <= 0.002
    assert follower.real_seconds(-1) == 0


def test_a_file_that_is_no_stepped_clock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigError, match="not a stepped clock"):
        parse_clock(f"step:{tmp_path / 'empty'}")


@given(st.integers(-(10**13), 10**14))
def test_milliseconds_undo_instants(ms: int) -> None:
    assert milliseconds(instant(ms)) == ms
    assert instant(ms).tzinfo is UTC


def test_a_held_clock_stands_until_it_is_released_for_every_process(
    tmp_path: Path,
) -> None:
    held = HeldClock(START, 60, tmp_path / "curtain")
    child, skewed_one = (parse_clock(text) for text in (str(held), skewed(held, 3600)))
    assert child.now() == child.now() == START
    assert skewed_one.now() == START + timedelta(hours=1)
    assert child.real_seconds(60) == 1
    held.release()
    time.sleep(0.02)
    for clock, start in ((child, START), (skewed_one, START + timedelta(hours=1))):
        assert timedelta(seconds=1) < clock.now() - start < timedelta(minutes=30)
