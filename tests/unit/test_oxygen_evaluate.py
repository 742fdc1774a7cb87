"""What the evaluation of oxygen leaves out, and the bound that it prints."""

import numpy as np

from analytics.oxygen.grid import Floats, gridded
from analytics.score.table import Table
from benchmarks.evaluate.oxygen import sound_only
from benchmarks.evaluate.oxygen_bounds import roughness

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
