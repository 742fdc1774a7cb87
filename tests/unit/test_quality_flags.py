"""Quality flags are those of ioos-qc, however a stream is cut; our own rules besides."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final, Literal

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ioos_qc import qartod
from msgspec.structs import replace

from analytics.qc import bulk
from analytics.qc.stream import FlagState, Verdict, flagged
from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel
from greenwater.kernel.quality import Flag, QualityTest, flag_of, packed, unpacked
from greenwater.reference.limits import Bounds
from greenwater.reference.quality import (
    QUALITY,
    ClimateSpan,
    QualityLimits,
    quality_of,
)

STEP_MS = 900_000
FOREVER_S = 1e12
T0 = 1_780_000_000_000

LIMITS = QualityLimits(
    channel=Channel.PH,
    source="test",
    fail=Bounds(0, 14),
    suspect=Bounds(6, 9),
    spike_suspect=0.5,
    spike_fail=1.5,
    rate_per_h=2.0,
    flat_tolerance=0.02,
    flat_suspect_s=3600,
    flat_fail_s=3 * 3600,
    attenuated_s=5 * 3600,
    attenuated_suspect=0.04,
    attenuated_fail=0.015,
    climate=(
        ClimateSpan("month", 1, 12, Bounds(6.5, 8.5), Bounds(2, 12)),
        ClimateSpan("hour", 3, 9, Bounds(6.9, 7.9)),
    ),
    gap_s=FOREVER_S,
)

COLUMNS = {
    "temperature_c": Channel.TEMPERATURE,
    "specific_conductivity_ms_cm": Channel.SPECIFIC_CONDUCTIVITY,
    "salinity_psu": Channel.SALINITY,
    "oxygen_saturation_pct": Channel.OXYGEN_SATURATION,
    "dissolved_oxygen_mg_l": Channel.DISSOLVED_OXYGEN,
    "depth_m": Channel.DEPTH,
    "ph": Channel.PH,
    "turbidity_ntu": Channel.TURBIDITY,
}


def run(
    points: Sequence[Point], limits: QualityLimits, cuts: Sequence[int] = ()
) -> list[Verdict]:
    """Flag a stream cut into batches, with the state through JSON at every cut."""
    state, found = FlagState(), dict[int, Verdict]()
    for start, end in pairwise([0, *sorted(cuts), len(points)]):
        state = msgspec.json.decode(msgspec.json.encode(state), type=FlagState)
        for point in points[start:end]:
            for verdict in flagged(state, point, limits):
                found[verdict.taken_ms] = verdict
    return [found[point.taken_ms] for point in points]


def at_once(points: Sequence[Point], limits: QualityLimits) -> list[Verdict]:
    times = np.array([at for at, _ in points], np.int64)
    values = np.array([v for _, v in points], np.float64)
    return bulk.verdicts_of(times, bulk.flag_array(times, values, limits))


def theirs(
    points: Sequence[Point], limits: QualityLimits
) -> Mapping[QualityTest, np.ndarray]:
    """Return what ioos-qc says of the whole array at once."""
    values = np.array([np.nan if v is None else v for _, v in points])
    times = np.array([at for at, _ in points], dtype="datetime64[ms]")
    fail, suspect = limits.fail, limits.suspect
    assert suspect is not None
    assert limits.rate_per_h is not None
    found = {
        QualityTest.GROSS_RANGE: qartod.gross_range_test(
            values, (fail.low, fail.high), (suspect.low, suspect.high)
        ),
        QualityTest.SPIKE: qartod.spike_test(
            values, limits.spike_suspect, limits.spike_fail
        ),
        QualityTest.RATE_OF_CHANGE: qartod.rate_of_change_test(
            values, times, limits.rate_per_h / 3600
        ),
        QualityTest.FLAT_LINE: qartod.flat_line_test(
            values,
            times,
            limits.flat_suspect_s,
            limits.flat_fail_s,
            limits.flat_tolerance,
        ),
    }
    if limits.attenuated_s is not None:
        found[QualityTest.ATTENUATED_SIGNAL] = qartod.attenuated_signal_test(
            values,
            times,
            limits.attenuated_suspect,
            limits.attenuated_fail,
            test_period=int(limits.attenuated_s),
            min_obs=round(limits.attenuated_s * 1000 / STEP_MS),
            check_type="range",
        )
    if limits.climate:
        config = qartod.ClimatologyConfig()
        for span in limits.climate:
            beyond = span.fail
            config.add(
                (span.first, span.last),
                (span.usual.low, span.usual.high),
                fspan=None if beyond is None else (beyond.low, beyond.high),
                period=span.period,
            )
        found[QualityTest.CLIMATOLOGY] = qartod.climatology_test(
            config, values, times, np.zeros(len(values))
        )
        # ioos-qc 3.0.0 means MISSING here (its comment says so) and comes out with GOOD.
        found[QualityTest.CLIMATOLOGY][np.isnan(values)] = 9
    return found


def differing(points: Sequence[Point], limits: QualityLimits) -> dict[str, list[int]]:
    """Return where our flags are not those of ioos-qc, by test, and rolled up."""
    ours = at_once(points, limits) if len(points) > 1000 else run(points, limits)
    expected = theirs(points, limits)
    rolled = qartod.qartod_compare(list(expected.values()))
    found = {
        test.name: [
            n
            for n, verdict in enumerate(ours)
            if flag_of(verdict.tests, test) != flags[n]
        ]
        for test, flags in expected.items()
    }
    found["rolled up"] = [n for n, one in enumerate(ours) if one.flag != rolled[n]]
    return {name: where for name, where in found.items() if where}


def limits_for(channel: Channel) -> QualityLimits:
    """Return a channel's parameters, with every test of them run, without gaps."""
    limits = replace(quality_of(channel, "NUR") or QUALITY[channel], gap_s=FOREVER_S)
    if limits.flat_suspect_s is None:
        limits = replace(limits, flat_suspect_s=21600, flat_fail_s=86400)
    if limits.attenuated_s is None:
        limits = replace(limits, attenuated_s=86400, attenuated_suspect=0.05)
    return limits


def regular(values: Sequence[float | None]) -> list[Point]:
    return [Point(T0 + n * STEP_MS, value) for n, value in enumerate(values)]


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.sampled_from([7.0, 7.01, 7.015, 7.02, 7.03]),
            st.floats(-3, 17, allow_nan=False),
        ),
        min_size=3,
        max_size=60,
    )
)
def test_flags_are_those_of_ioos_qc(values: list[float | None]) -> None:
    assert differing(regular(values), LIMITS) == {}


PERIODS: Final[tuple[tuple[Literal["month", "hour"], int], ...]] = (
    ("month", 12),
    ("hour", 23),
)
"""What climatology is told by, and the last of each."""


def drawn(random: Random) -> tuple[QualityLimits, list[Point]]:
    """Return parameters of any size, and a stream that meets them."""
    unit = random.choice([0.01, 0.1, 1.0, random.random() + 1e-3])
    low = random.choice([-1e6, 0.0, random.uniform(-5, 7)])
    high = low + random.choice([0.0, 1e-9, 9.0, 1e7])
    inner = sorted(random.uniform(low, high) for _ in range(2))
    spans = []
    for _ in range(random.randrange(4)):
        period, last = random.choice(PERIODS)
        first = random.randint(period == "month", last)
        usual = sorted(random.uniform(0, 14) for _ in range(2))
        fail = Bounds(usual[0] - random.random(), usual[1] + random.random())
        span = ClimateSpan(period, first, random.randint(first, last), Bounds(*usual))
        spans.append(replace(span, fail=random.choice([None, fail])))
    flat_s, spike = random.choice([900, 3600, 7200]), random.choice([unit, 3 * unit])
    limits = replace(
        LIMITS, fail=Bounds(low, high), suspect=Bounds(*inner), climate=tuple(spans),
        spike_suspect=spike, spike_fail=spike * random.choice([1, 5]),
        rate_per_h=random.choice([unit, 4 * unit, random.random()]),
        flat_tolerance=unit * random.choice([0.5, 1.0, 1.5]), flat_suspect_s=flat_s,
        flat_fail_s=flat_s + random.choice([0, 900, 36000]),
        attenuated_s=random.choice([None, 1800, 18000]), attenuated_suspect=unit,
        attenuated_fail=unit * random.random(),
    )  # fmt: skip
    value, values = random.uniform(0, 14), list[float | None]()
    for _ in range(random.randint(3, 100)):
        value += random.choice([-1, 0, 0, 1]) * unit
        odd = random.choice([None, 1e300, -1e300, 1e-320, -0.0])
        values.append(odd if random.random() < 0.08 else value)
    return limits, regular(values)


@pytest.mark.parametrize("seed", range(40))
def test_flags_are_those_of_ioos_qc_with_whatever_parameters(seed: int) -> None:
    limits, points = drawn(Random(seed))
    assert differing(points, limits) == {}


@given(st.lists(st.sampled_from([7.0, 7.01, 7.02, 7.03, 8.0]), max_size=80))
def test_a_flat_line_is_that_of_ioos_qc(values: list[float]) -> None:
    stuck = [7.0] * 3 + values + [7.01] * 15
    assert differing(regular(stuck), LIMITS) == {}


EXAMPLES: dict[str, tuple[list[float | None], QualityLimits]] = {
    "gross range": (
        [1, 2, 3, 4, 8],
        replace(LIMITS, fail=Bounds(0, 5), suspect=Bounds(1, 4)),
    ),
    "spike": (
        [3, 4.99, 5, 6, 8, 6, 6, 6.75, 6, 6, 5.3, 6, 6, 9, 5, None, 4, 4],
        replace(LIMITS, spike_suspect=0.5, spike_fail=1.0),
    ),
    "rate of change": (
        [2, 10, 2.1, 3, 4, 5, 7, 10, 0, 2, 2.2, 2],
        replace(LIMITS, rate_per_h=20.0),
    ),
    "climatology": (
        [6.6, 2.0, 1.9, 8.6, 8.5, None, 12.1, 7.0, 7.1, 7.2, 7.0, 7.1, 7.3, 6.9],
        LIMITS,
    ),
    "attenuated signal": (
        [1, 2, 3, 3.01, 3.02, 3.0, 3.001, 3.0, 3.002, 3.0, 3, 3, 9, 3, 3, 3, 3, None],
        replace(LIMITS, attenuated_s=3600, attenuated_suspect=0.02),
    ),
    "flat line": (
        [1, 2, 2.0001, 2, 2.0001, 2, 2.0001, 2, 4, 5, 3, 3.0001, 3.0005, 3.00001],
        replace(LIMITS, flat_tolerance=0.01, flat_suspect_s=2700, flat_fail_s=4500),
    ),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_arrays_that_ioos_qc_itself_shows(example: str) -> None:
    values, limits = EXAMPLES[example]
    assert differing(regular(values), limits) == {}


@pytest.mark.parametrize("station", ["cat_point", "dry_bar"])
def test_a_quarter_of_a_sondes_year_is_flagged_as_ioos_qc_flags_it(
    station: str, shared: Callable[[str], Path]
) -> None:
    name = f"data/sondes/apalachicola_{station}_2012_2013.csv.gz"
    table = pd.read_csv(shared(name)).iloc[30_000:38_760]
    times = pd.to_datetime(table["time"]).dt.as_unit("ms").astype("int64")
    assert times.diff().iloc[1:].eq(STEP_MS).all()
    # ioos-qc takes its time: half the channels of each; `make evaluate` holds all of it.
    half = slice(0, 4) if station == "dry_bar" else slice(4, 8)
    for column, channel in list(COLUMNS.items())[half]:
        points = [
            Point(int(at), None if np.isnan(value) else float(value))
            for at, value in zip(times, table[column], strict=True)
        ]
        limits = limits_for(channel)
        if station != "cat_point" or channel is not Channel.DISSOLVED_OXYGEN:
            limits = replace(limits, attenuated_s=None)
        assert differing(points, limits) == {}, column


@given(
    st.lists(
        st.one_of(st.none(), st.sampled_from([7.0, 7.01, 7.1, 9.5, 20.0])), min_size=1
    ),
    st.data(),
)
def test_flags_are_the_same_however_a_stream_is_cut(
    values: list[float | None], data: st.DataObject
) -> None:
    steps = data.draw(
        st.lists(
            st.integers(1, 4 * 3_600_000), min_size=len(values), max_size=len(values)
        )
    )
    at, points = T0, []
    for step, value in zip(steps, values, strict=True):
        at += step
        points.append(Point(at, value))
    cuts = data.draw(st.lists(st.integers(0, len(points))))
    limits = replace(LIMITS, gap_s=7200)
    assert run(points, limits, cuts) == run(points, limits)


def test_after_a_gap_a_stream_begins_anew() -> None:
    limits = replace(LIMITS, gap_s=7200, climate=(), attenuated_s=None)
    points = [*regular([7.0] * 9), Point(T0 + 20 * 3_600_000, 7.0)]
    last = run(points, limits)[-1]
    assert unpacked(last.tests) == {
        QualityTest.GAP: Flag.SUSPECT,
        QualityTest.SYNTAX: Flag.GOOD,
        QualityTest.GROSS_RANGE: Flag.GOOD,
        QualityTest.SPIKE: Flag.NOT_EVALUATED,
        QualityTest.RATE_OF_CHANGE: Flag.GOOD,
        QualityTest.FLAT_LINE: Flag.GOOD,
    }
    assert last.flag is Flag.GOOD, "what comes after a silence is as good as any other"


def test_what_is_remembered_of_a_long_stream_is_little() -> None:
    random = np.random.default_rng(1)
    state, largest = FlagState(), 0
    for n, value in enumerate(np.cumsum(random.normal(0, 0.003, 20_000)) + 7):
        flagged(state, Point(T0 + n * 1000, float(value)), LIMITS)
        largest = max(largest, len(msgspec.json.encode(state)))
    assert largest < 20_000, largest


@given(st.dictionaries(st.sampled_from(QualityTest), st.sampled_from(Flag)))
def test_the_digits_of_the_tests_come_back(tests: dict[QualityTest, Flag]) -> None:
    assert unpacked(packed(tests)) == tests
    assert packed(tests) < 2**53  # JSON readers keep it whole


def test_every_channels_parameters_are_possible() -> None:
    for limits in QUALITY.values():
        low, high = limits.fail.low, limits.fail.high
        assert low is not None
        assert high is not None
        assert low < high
        if limits.suspect is not None:
            assert limits.suspect.low is not None
            assert limits.suspect.high is not None
            assert low <= limits.suspect.low < limits.suspect.high <= high
        if limits.spike_suspect is not None and limits.spike_fail is not None:
            assert 0 < limits.spike_suspect < limits.spike_fail
        if limits.flat_suspect_s is not None and limits.flat_fail_s is not None:
            assert 0 < limits.flat_suspect_s < limits.flat_fail_s
            assert limits.flat_tolerance > 0
        assert limits.source
