"""Whole arrays at once: the same flags, and the same state, as reading by reading."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from analytics.qc import bulk
from analytics.qc.stream import FlagState, Verdict, flagged
from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel
from greenwater.reference.limits import Bounds
from greenwater.reference.quality import ClimateSpan, QualityLimits, quality_of

T0 = 1_780_000_000_000
MINUTE_MS = 60_000
LIMITS = QualityLimits(
    channel=Channel.PH,
    source="test",
    fail=Bounds(0, 14),
    suspect=Bounds(6, 9),
    spike_suspect=0.5,
    spike_fail=1.5,
    rate_per_h=2.0,
    flat_tolerance=0.02,
    flat_suspect_s=600,
    flat_fail_s=1800,
    attenuated_s=1200,
    attenuated_suspect=0.05,
    attenuated_fail=0.03,
    climate=(
        ClimateSpan("month", 5, 6, Bounds(6.5, 8), Bounds(3, 9.5)),
        ClimateSpan("hour", 3, 9, Bounds(7, 7.9)),
    ),
    gap_s=3600,
)
NEAR = st.sampled_from([7.0, 7.01, 7.015, 7.02, 7.025, 7.03, 7.04])
VALUES = st.one_of(NEAR, NEAR, NEAR, st.none(), st.floats(-3, 17, allow_nan=False))
STEPS = st.one_of(st.just(2 * MINUTE_MS), st.integers(1, 90 * MINUTE_MS))


@st.composite
def streams(draw: st.DrawFn) -> list[Point]:
    at, points = T0, []
    is_regular = draw(st.booleans())
    for value in draw(st.lists(VALUES, min_size=1, max_size=70)):
        at += 2 * MINUTE_MS if is_regular else draw(STEPS)
        points.append(Point(at, value))
    return points


def one_by_one(
    points: Sequence[Point], limits: QualityLimits
) -> tuple[list[Verdict], FlagState]:
    state, found = FlagState(), dict[int, Verdict]()
    for point in points:
        found |= {one.taken_ms: one for one in flagged(state, point, limits)}
    return list(found.values()), state


def at_once(
    points: Sequence[Point], limits: QualityLimits, cuts: Sequence[int] = ()
) -> tuple[list[Verdict], FlagState]:
    state, found = FlagState(), dict[int, Verdict]()
    for start, end in pairwise([0, *sorted(cuts), len(points)]):
        state = msgspec.json.decode(msgspec.json.encode(state), type=FlagState)
        times = np.array([at for at, _ in points[start:end]], np.int64)
        values = np.array([v for _, v in points[start:end]], np.float64)
        many = bulk.flag_many(state, times, values, limits)
        found |= {one.taken_ms: one for one in bulk.verdicts_of(times, many)}
    return list(found.values()), state


@given(streams(), st.data())
def test_flags_and_state_are_those_of_the_stream_however_it_is_cut(
    points: list[Point], data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(points)), max_size=5))
    expected, state = one_by_one(points, LIMITS)
    found, known = at_once(points, LIMITS, cuts)
    assert found == expected
    assert known == state


@given(streams(), st.data())
def test_a_stream_may_go_on_by_either(points: list[Point], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(points)))
    _, state = one_by_one(points[:cut], LIMITS)
    times = np.array([at for at, _ in points[cut:]], np.int64)
    values = np.array([v for _, v in points[cut:]], np.float64)
    found = bulk.verdicts_of(times, bulk.flag_many(state, times, values, LIMITS))
    expected, after = one_by_one(points, LIMITS)
    assert found[-len(times) :] == expected[cut:] or not len(times)
    assert state == after


def a_long_walk(seed: int) -> list[Point]:
    random = np.random.default_rng(seed)
    walk = 7 + np.cumsum(random.normal(0, 0.02, 3000) * (random.random(3000) < 0.2))
    walk = np.round(walk, 2)
    walk[random.random(3000) < 0.003] = np.nan
    walk[random.random(3000) < 0.003] += 2
    steps = np.where(random.random(3000) < 0.003, 5_000_000, 60_000)
    times = T0 + np.cumsum(steps)
    return [
        Point(int(at), None if np.isnan(value) else float(value))
        for at, value in zip(times, walk, strict=True)
    ]


def test_every_channels_own_parameters_in_pieces_and_at_once() -> None:
    pieces = bulk.PIECE
    try:
        bulk.PIECE = 701  # type: ignore[misc]
        for seed, channel in enumerate(Channel):
            limits = quality_of(channel, "PNV")
            if limits is None:
                continue
            points = a_long_walk(seed)
            expected, state = one_by_one(points, limits)
            found, known = at_once(points, limits, (5, 6, 1500))
            assert found == expected, channel
            assert known == state
    finally:
        bulk.PIECE = pieces  # type: ignore[misc]


def test_wider_limits_never_fail_more() -> None:
    points = a_long_walk(3)
    wide = replace(
        LIMITS, fail=Bounds(-100, 100), suspect=Bounds(-50, 50), rate_per_h=99
    )
    narrow, _ = at_once(points, LIMITS)
    found, _ = at_once(points, wide)
    worse = [b for a, b in zip(narrow, found, strict=True) if b.flag == 4 != a.flag]
    assert worse == []
