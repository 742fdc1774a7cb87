"""What the evaluation of oxygen leaves out, and the bound that it prints."""

import numpy as np

from analytics.alarms.replaying import a_place
from analytics.oxygen.grid import HOUR_MS, Floats, gridded
from analytics.oxygen.learner import Target
from analytics.oxygen.rolling import Run
from analytics.score.table import Table
from benchmarks.evaluate.oxygen import sound_only
from benchmarks.evaluate.oxygen_bounds import roughness
from benchmarks.evaluate.oxygen_nights import nights_of

QUARTER_MS = 900_000


def test_what_its_owners_rejected_or_missed_is_left_out_and_the_suspect_stays() -> None:
    codes = ["<0>", "<1> [SSC]", "<-3> [SQR]", "<-2>", "nan"]
    table = Table(
        np.arange(5, dtype=np.int64),
        {"dissolved_oxygen_mg_l": np.array([6.0, 1.0, 0.5, 3.0, 4.0])},
        {"dissolved_oxygen_mg_l_qc": codes},
        np.arange(5, dtype=np.int64),
        [],
    )
    held = sound_only(table).numbers["dissolved_oxygen_mg_l"]
    np.testing.assert_array_equal(held, [6.0, 1.0, np.nan, np.nan, np.nan])


def past_alone(oxygen: Floats) -> float:
    times = QUARTER_MS * np.arange(len(oxygen), dtype=np.int64)
    return float(roughness("x", gridded(times, oxygen, {})).rsplit(" ", 1)[1])


def test_the_past_says_nothing_of_a_random_walk_and_half_of_noise() -> None:
    steps = np.random.default_rng(7).normal(size=40_000)
    walk = 20 + np.cumsum(steps) * 1e-2
    assert abs(past_alone(walk)) <= 0.02
    assert abs(past_alone(20 + steps) - 0.5) <= 0.02


def test_a_nights_call_is_right_if_a_low_follows_and_false_if_none_does() -> None:
    """Three weeks by Vietnam's hours; 2 mg/L are foretold of two nights, one comes so."""
    times = QUARTER_MS * np.arange(21 * 96, dtype=np.int64)
    hours = times / HOUR_MS
    oxygen = np.full(len(times), 6.0)
    came = 16 * 24 + 20.0  # UTC: three in the morning of day 17
    oxygen[(hours >= came) & (hours < came + 1)] = 2.0
    never = np.full(len(times), 6.0)
    for dusk in (16 * 24 + 14.0, 18 * 24 + 14.0):
        never[(hours >= dusk) & (hours < dusk + 3)] = 2.0
    nothing = np.full(len(times), np.nan)
    run = Run(
        target=Target(6), forecast=never, low=never, high=never, naive=never,
        method=np.zeros(len(times), np.int8), chance=nothing, truth=nothing,
    )  # fmt: skip
    grid = gridded(times, oxygen, {})
    one = nights_of(grid, [run], a_place("PNV"), 3.0, 0)
    assert (one.calls, one.right, one.lows, one.warned) == (2, 1, 1, 1)
    assert one.days == 7
    assert one.false_in_30_days == 30 / 7
    # The same hours, moved away from the night: nobody is called by day.
    assert nights_of(grid, [run], a_place("PNV"), 3.0, 10 * HOUR_MS).calls == 0
