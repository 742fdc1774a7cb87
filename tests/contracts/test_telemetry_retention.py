"""How long what is kept: the figures, and how parts become buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.channels import Measurement
from greenwater.storage.telemetry.ports import Bucket
from greenwater.storage.telemetry.retention import (
    DAY_MS,
    LEGAL_POSITION_DAYS,
    RAW_DAYS,
    ROLLUP_DAYS,
    cut,
    merged,
)

NOW = 1_764_000_000_000


def test_positions_are_kept_as_long_as_the_decree_asks_whatever_else_changes() -> None:
    assert RAW_DAYS[Measurement.POSITION] >= LEGAL_POSITION_DAYS >= 3 * 365 + 1


def test_every_measurement_has_its_time_and_roll_ups_outlive_it() -> None:
    assert set(RAW_DAYS) == set(Measurement)
    assert all(days < ROLLUP_DAYS for days in RAW_DAYS.values())
    assert ROLLUP_DAYS >= 10 * 365.24


@pytest.mark.parametrize(
    ("measurement", "days"),
    [(Measurement.WATER, 400), (Measurement.POSITION, 1_127), (Measurement.POWER, 90)],
)
def test_what_may_go_is_what_is_older_than_its_time(
    measurement: Measurement, days: int
) -> None:
    found = cut(measurement, NOW)
    assert found.raw_ms == NOW - days * DAY_MS
    assert found.rollup_ms == NOW - ROLLUP_DAYS * DAY_MS


values = st.lists(
    st.tuples(st.integers(0, 10_000), st.floats(-1e6, 1e6)), min_size=1, max_size=60
)


def single(at: int, value: float) -> Bucket:
    return Bucket(at, 1, value, value, value)


@given(values=values, every_ms=st.integers(1, 5_000), split=st.integers(0, 60))
def test_merging_parts_is_merging_the_whole(
    values: list[tuple[int, float]], every_ms: int, split: int
) -> None:
    parts = [single(at, value) for at, value in values]
    whole = merged(parts, every_ms)
    again = merged(
        [*merged(parts[:split], every_ms), *merged(parts[split:], every_ms)], every_ms
    )
    assert [bucket.start_ms for bucket in whole] == sorted(
        {at // every_ms * every_ms for at, _ in values}
    )
    for one, other in zip(whole, again, strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-6)
    assert sum(bucket.number for bucket in whole) == len(values)
    for bucket in whole:
        slack = 1e-9 * max(1.0, abs(bucket.mean))
        assert bucket.minimum - slack <= bucket.mean <= bucket.maximum + slack
