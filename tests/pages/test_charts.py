"""Gaps stay gaps: where lines break, and what is drawn."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Gap
from greenwater.storage.telemetry.ports import Bucket
from web.views import tracks
from web.views.charts import (
    LEFT,
    PERIODS,
    RIGHT,
    WIDTH,
    Line,
    Window,
    draw,
    holes,
    padded,
    stretches,
)

EVERY = 300_000
WINDOW = Window(0, 100 * EVERY, EVERY)


def buckets(*slots: int, number: int = 5) -> list[Bucket]:
    return [Bucket(slot * EVERY, number, 1.0, 2.0, 3.0) for slot in slots]


def drawn(line: Line) -> str:
    return str(draw([line], WINDOW, alt="", name_value=str, name_time=str))


def starts(parts: list[list[Bucket]]) -> list[list[int]]:
    return [[bucket.start_ms // EVERY for bucket in part] for part in parts]


def test_a_missing_bucket_breaks_the_line() -> None:
    assert starts(stretches(buckets(0, 1, 2, 4, 5), EVERY)) == [[0, 1, 2], [4, 5]]


def test_a_slow_probe_is_not_broken_by_its_own_rhythm() -> None:
    """A reading every fifteen minutes leaves two buckets of three empty."""
    slow = buckets(*range(0, 30, 3), number=1)
    assert len(stretches(slow, EVERY)) == 1
    late = [*slow[:4], *slow[7:]]
    assert [len(part) for part in stretches(late, EVERY)] == [4, 3]


def test_an_interval_that_was_changed_leaves_no_gaps_before_it() -> None:
    """Ten minutes until noon, ten seconds since: the rhythm of each part is its own."""
    slow, fast = buckets(*range(0, 20, 2), number=1), buckets(*range(20, 90), number=30)
    assert len(stretches([*slow, *fast], EVERY)) == 1
    assert len(stretches([*fast, *buckets(*range(92, 100, 2), number=1)], EVERY)) == 1
    torn = [*slow[:4], *slow[7:], *fast]
    assert starts(stretches(torn, EVERY))[0] == [0, 2, 4, 6], "an outage stays one"
    flaky = [*buckets(0, 7, 9, 18, number=1), *fast]
    assert len(stretches(flaky, EVERY)) == 5, "what is not even is missing"


def test_a_probe_just_as_slow_as_a_bucket_may_miss_its_edge() -> None:
    """One reading a bucket, now and then a moment late: no gap."""
    assert len(stretches(buckets(0, 1, 2, 4, 5, 6, number=1), EVERY)) == 1


@given(st.sets(st.integers(0, 99), min_size=1), st.integers(1, 9))
def test_stretches_lose_and_join_nothing(slots: set[int], number: int) -> None:
    given_buckets = buckets(*sorted(slots), number=number)
    parts = stretches(given_buckets, EVERY)
    assert [bucket for part in parts for bucket in part] == given_buckets
    for line in (Line("", given_buckets, []),):
        for start, end in holes(line, WINDOW):
            assert start < end
            assert not any(start <= b.start_ms < end for b in given_buckets)


def test_silence_until_now_is_a_hole_too() -> None:
    line = Line("", buckets(*range(50)), [])
    assert holes(line, WINDOW) == [(50 * EVERY, 100 * EVERY)]
    assert holes(Line("", buckets(*range(99)), []), WINDOW) == []


def test_the_drawing_has_one_line_for_each_stretch() -> None:
    svg = drawn(Line("", buckets(*range(40), *range(60, 100)), []))
    lines = re.findall(r'<polyline class="l0" points="([^"]+)"/>', svg)
    assert [len(line.split()) for line in lines] == [40, 40]
    xs = [[float(point.split(",")[0]) for point in line.split()] for line in lines]
    assert xs[1][0] - xs[0][-1] > 50


def test_a_lone_bucket_is_a_dot() -> None:
    assert drawn(Line("", buckets(7), [])).count("<circle") == 1


def test_a_gap_that_the_box_confessed_is_shaded() -> None:
    gap = Gap(DeviceId("box"), ProbeId("p"), 20 * EVERY, 40 * EVERY, 9, "thinned")
    svg = drawn(Line("", buckets(*range(100)), [gap]))
    (width,) = re.findall(r'<rect class="gap" [^>]*width="([\d.]+)"', svg)
    assert float(width) == pytest.approx(0.2 * (WIDTH - LEFT - RIGHT), abs=0.2)


def test_what_is_written_in_a_drawing_is_escaped() -> None:
    svg = draw(
        [Line("", buckets(1), [])],
        WINDOW,
        alt='"><script>',
        name_value=lambda value: "<b>",
        name_time=lambda ms: "&",
    )
    assert "<script>" not in svg
    assert "<b>" not in svg


@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.floats(-1e6, 1e6)),
        min_size=1,
        unique_by=lambda pair: pair[0],
    )
)
def test_every_drawing_stays_on_its_paper(pairs: list[tuple[int, float]]) -> None:
    some = [Bucket(slot * EVERY, 3, v, v, v) for slot, v in sorted(pairs)]
    for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", drawn(Line("", some, []))):
        assert 0 <= float(x) <= 320
        assert 0 <= float(y) <= 96


@given(st.floats(-1e9, 1e9), st.floats(0, 1e6))
@example(134217728.0, 1e-07)
def test_an_axis_always_has_room(low: float, more: float) -> None:
    bottom, top = padded(low, low + more)
    assert bottom < low <= low + more < top


@pytest.mark.parametrize("hours", PERIODS)
@given(now_ms=st.integers(10**12, 2 * 10**12))
def test_a_window_ends_with_the_bucket_of_now(hours: int, now_ms: int) -> None:
    window = Window.until(now_ms, hours)
    assert window.start_ms <= now_ms < window.end_ms
    assert window.end_ms - now_ms <= window.every_ms
    assert window.end_ms - window.start_ms == hours * 3_600_000
    assert window.start_ms % window.every_ms == 0
    assert (window.end_ms - window.start_ms) // window.every_ms <= 400


def a_track(*slots: int) -> list[tracks.Fix]:
    return [
        tracks.Fix(slot * EVERY, 12.2 + slot / 500, 109.2 + slot / 300)
        for slot in slots
    ]


def sketched(track: list[tracks.Fix], course: float | None = 90.0) -> tracks.Sketch:
    return tracks.sketch(track, EVERY, course=course, alt="", north="B")


def test_a_track_breaks_where_positions_are_missing() -> None:
    svg = sketched(a_track(*range(20), *range(40, 60))).svg
    assert svg.count("<polyline") == 2
    assert 'rotate(90)"' in svg


def test_a_boat_at_its_berth_does_not_fill_the_paper() -> None:
    berth = [tracks.Fix(slot * EVERY, 12.2, 109.2 + slot * 1e-7) for slot in range(9)]
    drawing = sketched(berth, course=None)
    assert drawing.scale_nm == 0.1
    (points,) = re.findall(r'points="([^"]+)"', drawing.svg)
    xs = [float(point.split(",")[0]) for point in points.split()]
    assert max(xs) - min(xs) < 1


def test_the_scale_bar_is_true() -> None:
    """Sixty nautical miles to the degree; the bar's pixels are the track's."""
    track = [tracks.Fix(0, 12.0, 109.0), tracks.Fix(EVERY, 13.0, 109.0)]
    drawing = sketched(track)
    (length,) = re.findall(r'class="bar" d="M[\d.]+ [\d.]+h([\d.]+)"', drawing.svg)
    assert drawing.scale_nm == 20
    assert float(length) == pytest.approx((160 - 36) * 20 / 60, abs=0.1)


def test_no_track_is_no_drawing() -> None:
    assert sketched([]).svg == ""
