"""A recording that was changed for the forecaster is still one, and says what it was changed to."""

from collections.abc import Mapping

import numpy as np
import pytest
from msgspec import structs

from analytics.score.oxygen import grid_of
from analytics.score.table import Table
from benchmarks.evaluate.oxygen_changed import (
    CHANGES,
    later,
    piece,
    unmarked,
)
from benchmarks.evaluate.oxygen_perturbed import Found, assert_no_look_ahead, row_of
from benchmarks.evaluate.water_changed import DAY_MS, HOUR_MS, MINUTE_MS, Marked

OXYGEN = "dissolved_oxygen_mg_l"
DAYS = 12


def recording() -> Marked:
    rows = np.arange(DAYS * 96)
    day = np.sin(2 * np.pi * rows / 96)
    numbers = {
        "temperature_c": np.round(20 + 2 * day, 2),
        "ph": np.round(8 + 0.1 * day, 2),
        OXYGEN: np.round(7 + 2 * day, 2),
        f"{OXYGEN}_corrected": np.round(7 + 2 * day, 2),
    }
    return unmarked(
        Table(rows.astype(np.int64) * 15 * MINUTE_MS, numbers, {}, rows, [])
    )


def oxygen(what: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return CHANGES[what](recording()).values[OXYGEN]


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_it_is_in_order_and_can_be_forecast(what: str) -> None:
    part = CHANGES[what](recording())
    assert all(len(values) == len(part.times_ms) for values in part.values.values())
    assert (np.diff(part.times_ms) >= 0).all()
    assert f"{OXYGEN}_corrected" not in part.values, "made afterwards: no input"
    grid = grid_of(part.table())
    assert np.isfinite(grid.oxygen).sum() > 100
    assert_no_look_ahead(grid, grid_of(part.rows(~later(part)).table()))


def test_it_says_what_it_was_changed_to() -> None:
    was = recording().values[OXYGEN]
    assert 3 < np.isin(oxygen("spikes in a row of 100"), [0.0, 18.0]).sum() < 30
    assert (np.diff(oxygen("stuck stretches")) == 0).mean() > 0.1
    assert oxygen("a probe left at salinity 0") == pytest.approx(was / 0.82, abs=0.01)
    assert oxygen("fouled, cleaned every 21 days")[-1] < 0.9 * was[-1]
    died = CHANGES["temperature dead from the middle"](recording()).values
    assert np.isnan(died["temperature_c"]).mean() == pytest.approx(0.5, abs=0.01)
    assert not np.isnan(died["ph"]).any()
    assert set(CHANGES["oxygen alone"](recording()).values) == {OXYGEN}


def test_a_piece_is_of_so_many_days_from_so_far_along() -> None:
    cut = piece(recording(), 0.5, 6)
    assert cut.times_ms[0] == 3 * DAY_MS - 1 * HOUR_MS
    assert len(cut.times_ms) == 6 * 96


def test_an_input_that_hangs_on_what_comes_is_found() -> None:
    grid = grid_of(recording().table())
    other = structs.replace(grid, oxygen=grid.oxygen + 0.01)
    with pytest.raises(AssertionError):
        assert_no_look_ahead(grid, other)


def test_a_row_names_the_worst_fortnight() -> None:
    good = Found(np.full((3, 3), 0.2), np.full(3, 0.2), np.full(3, 0.9), 2.0)
    bad = structs.replace(good, fortnights=np.full((3, 3), 0.1), inside=np.full(3, 0.8))
    bad.fortnights[1, 2] = -0.04
    found: Mapping[str, Found] = {"good": good, "bad": bad}
    assert row_of("x", found) == (
        "| x | 0.20 | 0.20 | 0.20 | 1 of 18 | -0.04: bad, 24 h, days 17-30 "
        "| 80-90 % | 4 |"
    )
