"""How a channel goes, how young its number must be, and what stands beside a chart's lines."""

import re

import pytest

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.quality import Flag, Flagged
from greenwater.storage.telemetry.ports import Bucket
from web.views.chartmarks import (
    AheadMark,
    HandMark,
    LimitMark,
    Marks,
    OddMark,
    doubts_of,
)
from web.views.charts import Line, Window, draw
from web.views.trends import EVERY_MS, stale_after_ms, trend_of

DO = Channel.DISSOLVED_OXYGEN
MINUTE_MS = 60_000
EVERY = 300_000
WINDOW = Window(0, 100 * EVERY, EVERY)


def buckets(*means: float, number: int = 10) -> list[Bucket]:
    return [
        Bucket(at * EVERY_MS, number, mean, mean, mean) for at, mean in enumerate(means)
    ]


@pytest.mark.parametrize(
    ("means", "way", "per_h"),
    [
        ((4.0, 3.9, 3.8, 3.7, 3.6), "falling", -0.6),
        ((4.0, 4.1, 4.2, 4.3), "rising", 0.6),
        ((4.0, 4.01, 4.0, 4.01), "steady", 0.0),
    ],
)
def test_a_trend_has_a_way_and_a_rate(
    means: tuple[float, ...], way: str, per_h: float
) -> None:
    found = trend_of(DO, buckets(*means))
    assert found is not None
    assert found.way == way
    assert found.per_h == pytest.approx(per_h, abs=0.03)


def test_three_buckets_are_no_trend() -> None:
    assert trend_of(DO, buckets(4.0, 3.0, 2.0)) is None


@pytest.mark.parametrize(
    ("number", "apart", "minutes"),
    [(10, 1, 5), (2, 1, 15), (1, 1, 30), (1, 2, 60), (1, 6, 60)],
)
def test_a_number_is_young_for_three_of_its_probes_intervals(
    number: int, apart: int, minutes: int
) -> None:
    """Each minute (with room for the network), each five, ten, twenty; never over an hour."""
    some = [Bucket(at * apart * EVERY_MS, number, 4, 4, 4) for at in range(4)]
    assert stale_after_ms(some) == minutes * MINUTE_MS


def line(*means: float) -> Line:
    some = [Bucket(at * EVERY, 5, mean, mean, mean) for at, mean in enumerate(means)]
    return Line("", some, [])


def flagged(slot: int, flag: Flag) -> Flagged:
    taken_ms = slot * EVERY + 1000
    return Flagged(DeviceId("b"), ProbeId("p"), DO, taken_ms, flag, 0)


def test_a_bucket_is_as_doubtful_as_its_worst_reading() -> None:
    flags = [
        flagged(1, Flag.GOOD), flagged(2, Flag.SUSPECT), flagged(2, Flag.FAIL),
        flagged(2, Flag.SUSPECT), flagged(3, Flag.SUSPECT), flagged(9, Flag.FAIL),
    ]  # fmt: skip
    found = doubts_of(line(5.0, 5.1, 5.2, 5.3), flags, EVERY)
    assert [(one.value, one.is_failed) for one in found] == [(5.2, True), (5.3, False)]


def test_all_that_stands_beside_the_lines_is_drawn() -> None:
    means = [5.0 + at / 100 for at in range(100)]
    marks = Marks(
        limits=[
            LimitMark("warn", 4.0, "4", to_ms=50 * EVERY),
            LimitMark("critical", 0.1, "far"),
        ],
        doubts=doubts_of(line(*means), [flagged(50, Flag.FAIL)], EVERY),
        hand=[HandMark(10 * EVERY, 5.5)],
        odd=[OddMark(20 * EVERY, 30 * EVERY, True, "<lỗi>")],
        ahead=[
            AheadMark(0, ((100 * EVERY, 6.0, 6.0, 6.0), (150 * EVERY, 4.6, 4.1, 7.5)))
        ],
    )
    svg = str(
        draw([line(*means)], WINDOW, alt="", name_value=str, name_time=str, marks=marks)
    )
    for mark in ('class="limit warn"', 'class="doubt failed"', 'class="byhand"',
                 'class="odd sensor"', 'class="band"', 'class="l0 ahead"'):  # fmt: skip
        assert svg.count(mark) == 1, mark
    assert 'class="limit critical"' not in svg, "too far to help"
    (until,) = re.findall(r'class="limit warn" d="M[\d.]+ [\d.]+H([\d.]+)"', svg)
    assert float(until) < 30 + 286 * 0.5, "a limit that held no longer ends"
    assert "&lt;lỗi&gt;" in svg
    (points,) = re.findall(r'<polyline class="l0" points="([^"]+)"', svg)
    last = float(points.split()[-1].split(",")[0])
    assert last < 30 + 286 * 0.7, "there is room for the hours to come"


def test_readings_by_hand_alone_make_a_chart() -> None:
    marks = Marks(hand=[HandMark(10 * EVERY, 5.5), HandMark(80 * EVERY, 4.1)])
    svg = str(draw([], WINDOW, alt="", name_value=str, name_time=str, marks=marks))
    assert svg.count('class="byhand"') == 2
    assert marks.extremes() == (4.1, 5.5)
