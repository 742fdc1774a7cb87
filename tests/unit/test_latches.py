"""When an alarm's condition begins and ends, against a slow and plain account of it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from analytics.alarms.latches import OFF, Latch, back, beyond, halted, moved
from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Severity, Timing, timing
from tests.unit.ponds import MINUTE, T0

LIMIT = 3.0
RULES = [
    Timing(delay_s=600, hysteresis=0.5, clear_s=900, samples=2),
    Timing(delay_s=900, hysteresis=0.3, clear_s=900),
    Timing(delay_s=0, hysteresis=0.0, clear_s=0),
    timing(Channel.SALINITY, Severity.CRITICAL),
]
Series = list[tuple[int, float]]


@st.composite
def series(draw: st.DrawFn) -> Series:
    """Values about the limit, some exactly on an edge, at uneven times."""
    values = st.one_of(
        st.sampled_from([2.5, 2.9, 3.0, 3.1, 3.3, 3.31, 3.5, 3.51, 4.0, 4.01]),
        st.floats(1.0, 5.0),
    )
    steps = st.sampled_from([1, 4, 5, 10, 15, 16, 45])
    rows, at_ms = [], T0
    for step, value in draw(st.lists(st.tuples(steps, values), max_size=60)):
        at_ms += step * MINUTE
        rows.append((at_ms, value))
    return rows


def run_of(rows: Series, last: int, holds: list[bool]) -> tuple[float, int]:
    """Return for how long, and how often, something has held up to a reading."""
    first = last
    while first > 0 and holds[first - 1]:
        first -= 1
    return (rows[last][0] - rows[first][0]) / 1000, last - first + 1


def plainly(rows: Series, side: str, rule: Timing) -> list[bool]:
    """Return whether the condition stands after each reading, each counted anew."""
    out = [beyond(value, LIMIT, side) for _, value in rows]
    inside = [back(value, LIMIT, side, rule.hysteresis) for _, value in rows]
    stands, is_on, from_row = [], False, 0
    for row in range(len(rows)):
        holds = inside if is_on else out
        if holds[row]:
            since = [row >= from_row and one for row, one in enumerate(holds)]
            long_s, often = run_of(rows, row, since)
            needs_s = rule.clear_s if is_on else rule.delay_s
            is_often = not is_on and 0 < rule.samples <= often
            if long_s >= needs_s or is_often:
                is_on, from_row = not is_on, row + 1
        stands.append(is_on)
    return stands


@given(series(), st.sampled_from(RULES), st.sampled_from(["low", "high"]))
def test_a_latch_agrees_with_the_plain_account(
    rows: Series, rule: Timing, side: str
) -> None:
    latch, stands = OFF, []
    for at_ms, value in rows:
        latch = moved(latch, at_ms, value, LIMIT, side, rule)
        stands.append(latch.is_on)

    assert stands == plainly(rows, side, rule)


@given(series(), st.sampled_from(RULES))
def test_an_alarm_has_begun_at_a_reading_beyond_the_limit_before_it_is_raised(
    rows: Series, rule: Timing
) -> None:
    latches = [OFF]
    for at_ms, value in rows:
        latches.append(moved(latches[-1], at_ms, value, LIMIT, "low", rule))

    low = {at_ms for at_ms, value in rows if value < LIMIT}
    for (before, after), (at_ms, _) in zip(pairwise(latches), rows, strict=True):
        if after.is_on and not before.is_on:
            assert after.began_ms in low
            assert after.began_ms <= at_ms


@given(series(), st.sampled_from(RULES))
def test_a_condition_on_both_sides_mirrors(rows: Series, rule: Timing) -> None:
    low, high = OFF, OFF
    for at_ms, value in rows:
        # A power of two keeps the mirror exact in floating point.
        low = moved(low, at_ms, value, LIMIT, "low", rule)
        high = moved(high, at_ms, -value, -LIMIT, "high", rule)
        assert low == replace(high, limit=low.limit)


def test_the_reading_on_the_limit_is_inside() -> None:
    assert not beyond(3.0, 3.0, "low")
    assert not beyond(3.0, 3.0, "high")
    assert back(3.0, 3.0, "low", 0.0)
    assert not back(3.5, 3.0, "low", 0.5)


def test_one_good_reading_begins_the_delay_anew() -> None:
    rule = Timing(delay_s=900, hysteresis=0.3, clear_s=900)
    latch = OFF
    for minute, value in ((0, 2.9), (10, 2.8), (14, 3.1), (15, 2.8), (29, 2.8)):
        latch = moved(latch, T0 + minute * MINUTE, value, LIMIT, "low", rule)
    assert not latch.is_on

    latch = moved(latch, T0 + 30 * MINUTE, 2.8, LIMIT, "low", rule)
    assert latch.is_on
    assert latch.began_ms == T0 + 15 * MINUTE


def test_a_wrong_clock_neither_ends_nor_begins_anything() -> None:
    on = Latch(is_on=True, since_ms=T0 + 99 * MINUTE, began_ms=T0)

    assert halted(on) == Latch(is_on=True, began_ms=T0)
    assert halted(Latch(since_ms=T0, count=5)) == OFF
