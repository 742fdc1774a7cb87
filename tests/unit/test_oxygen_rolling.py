"""No look-ahead, no worse than naive, whatever is missing."""

import numpy as np
import pytest
from threadpoolctl import (  # type: ignore[import-untyped]
    threadpool_info,
    threadpool_limits,
)

from analytics.oxygen.features import features_of
from analytics.oxygen.forecaster import History
from analytics.oxygen.grid import Grid, carried, gridded, lagged, settled
from analytics.oxygen.learner import Target
from analytics.oxygen.mixing import least_weights
from analytics.oxygen.naive import NAIVE, SIMPLE, lowest_of, naive_changes
from analytics.oxygen.prior import NOTHING
from analytics.oxygen.rolling import Run, known_of, run_all, run_target, truth_of
from analytics.oxygen.skill import skill_of
from greenwater.kernel.errors import InputError
from tests.unit.waters_of_oxygen import START_MS, STEP_MS, a_pond, cut

DAY_MS = 86_400_000
TARGETS = (Target(6), Target(3, is_minimum=True))


def grid_of(history: History) -> Grid:
    return gridded(history.times_ms, history.oxygen, history.inputs)


def same(one: Run, other: Run, rows: slice) -> None:
    for name in ("forecast", "low", "high", "naive", "chance"):
        left, right = getattr(one, name)[rows], getattr(other, name)[rows]
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9, err_msg=name)


def test_a_file_cut_short_forecasts_the_same_up_to_the_cut() -> None:
    pond = a_pond(13)
    wild = pond.oxygen.copy()
    at_ms = START_MS + 12 * DAY_MS + 7 * STEP_MS
    wild[pond.times_ms > at_ms] = 99.0 - wild[pond.times_ms > at_ms]
    warmth = np.where(pond.times_ms > at_ms, 5.0, pond.inputs["temperature"])
    whole = grid_of(History(pond.times_ms, wild, {"temperature": warmth}))
    short = grid_of(cut(pond, at_ms))
    first = whole.row_at(START_MS + 8 * DAY_MS)
    for one, other in zip(
        run_all(whole, first, threshold=2.0, targets=TARGETS),
        run_all(short, first, threshold=2.0, targets=TARGETS),
        strict=True,
    ):
        assert np.isfinite(other.forecast[first:]).all()
        same(one, other, slice(first, len(short)))


def test_features_look_back_only() -> None:
    pond = a_pond(9)
    whole = features_of(grid_of(pond))
    short = features_of(grid_of(cut(pond, START_MS + 8 * DAY_MS)))
    np.testing.assert_allclose(whole[: len(short)], short, atol=1e-5)


def test_a_probes_zero_tells_nothing_of_now_or_of_tomorrow() -> None:
    pond = a_pond(6, noise=0.02)
    oxygen = pond.oxygen.copy()
    peak = 384 + int(np.argmax(oxygen[384:480]))
    oxygen[peak : peak + 2] = 0.0
    sound, struck = (
        known_of(gridded(pond.times_ms, one, {}), NOTHING)
        for one in (pond.oxygen, oxygen)
    )
    for row in (
        peak,
        peak + 1,
        peak + 96 - 24,
        peak + 96,
    ):  # at once; as yesterday's; from it
        was, found = (
            known.grid.oxygen[row] + known.fixed(Target(6))[row]
            for known in (sound, struck)
        )
        np.testing.assert_allclose(found[len(NAIVE) :], was[len(NAIVE) :], atol=0.6)
    at_once = struck.fixed(Target(6))[peak]
    assert at_once[NAIVE.index("persistence")] == 0.0, "the naive ones stay naive"


def test_what_lasts_is_believed_and_what_a_lively_water_does_at_once() -> None:
    pond = a_pond(6, noise=0.02)
    oxygen = pond.oxygen.copy()
    peak = 384 + int(np.argmax(oxygen[384:480]))
    oxygen[peak:] = 0.5
    calm = settled(gridded(pond.times_ms, oxygen, {})).oxygen
    assert (calm[peak : peak + 2] > 5).all()
    assert (calm[peak + 2 :] == 0.5).all()
    lively = gridded(pond.times_ms, np.tile([3.0, 9.0, 6.0, 1.0], len(oxygen) // 4), {})
    np.testing.assert_array_equal(settled(lively).oxygen, lively.oxygen)


def test_it_learns_in_one_thread_whatever_the_machine_has() -> None:
    threads: set[int] = set()

    def told(row: int) -> None:
        threads.update(one["num_threads"] for one in threadpool_info())

    grid = grid_of(a_pond(3, step_ms=4 * STEP_MS))
    with threadpool_limits(2):
        run_target(known_of(grid), Target(6), 48, threshold=2.0, told=told)
    assert threads == {1}


def test_beats_the_better_naive_forecast_and_its_band_holds_nine_in_ten() -> None:
    grid = grid_of(a_pond(30, step_ms=2 * STEP_MS))
    first = grid.row_at(START_MS + 12 * DAY_MS)
    for target in (Target(1), Target(6)):
        run, learner = run_target(known_of(grid), target, first, threshold=2.0)
        figures = skill_of(grid, run)
        assert figures.skill > 0.0, target
        assert 0.84 < figures.inside < 0.96, target
        assert learner.skill > 0.0


def test_two_days_of_history_are_enough_for_a_forecast_with_a_band() -> None:
    grid = grid_of(a_pond(5))
    first = grid.row_at(START_MS + 2 * DAY_MS)
    for run in run_all(grid, first, threshold=2.0, targets=TARGETS):
        rows = slice(first, len(grid))
        assert np.isfinite(run.forecast[rows]).all()
        assert (run.low[rows] <= run.forecast[rows]).all()
        assert (run.forecast[rows] <= run.high[rows]).all()
        assert np.isnan(run.forecast[:first]).all()
    skill = skill_of(grid, run_all(grid, first, threshold=2.0, targets=(Target(6),))[0])
    assert skill.skill > -0.05


def test_a_walk_that_nothing_foretells_falls_back_to_persistence() -> None:
    rng = np.random.default_rng(3)
    times = START_MS + STEP_MS * np.arange(96 * 16, dtype=np.int64)
    walk = np.clip(12 + np.cumsum(rng.normal(0, 0.05, len(times))), 0, 40)
    grid = gridded(times, walk, {})
    first = grid.row_at(START_MS + 8 * DAY_MS)
    run = run_all(grid, first, threshold=2.0, targets=(Target(3),))[0]
    assert skill_of(grid, run).skill > -0.03


@pytest.mark.parametrize("what", ["dead", "dies", "holes", "stuck"])
def test_a_dead_channel_or_holes_do_not_stop_it(what: str) -> None:
    pond = a_pond(9)
    oxygen, heat = pond.oxygen.copy(), pond.inputs["temperature"].copy()
    late = pond.times_ms > START_MS + 7 * DAY_MS
    if what == "dead":
        heat[:] = np.nan
    elif what == "dies":
        heat[late] = np.nan
    elif what == "stuck":
        heat[:] = 28.0
    else:
        oxygen[300:500] = np.nan
        oxygen[::7] = np.nan
        heat[::3] = np.nan
    grid = gridded(pond.times_ms, oxygen, {"temperature": heat})
    first = grid.row_at(START_MS + 6 * DAY_MS)
    run = run_all(grid, first, threshold=2.0, targets=(Target(6),))[0]
    held = ~np.isnan(grid.oxygen[first:])
    assert np.isfinite(run.forecast[first:][held]).all()
    assert np.isnan(run.forecast[first:][~held]).all()
    assert skill_of(grid, run).skill > -0.01


def test_hourly_readings_get_an_hourly_grid_and_two_hourly_ones_no_first_hour() -> None:
    hourly = grid_of(a_pond(4, step_ms=3_600_000))
    assert hourly.step_ms == 3_600_000
    runs = run_all(hourly, hourly.row_at(START_MS + 3 * DAY_MS), threshold=2.0)
    assert [run.target.hours for run in runs] == [1, 3, 6, 12, 24, 3, 6]


def test_readings_near_their_step_leave_no_holes() -> None:
    pond = a_pond(2)
    jitter = np.random.default_rng(0).integers(-200_000, 200_000, len(pond.times_ms))
    grid = gridded(pond.times_ms + jitter, pond.oxygen, {})
    assert len(grid) == len(pond.oxygen)
    assert not np.isnan(grid.oxygen).any()
    assert grid.times_ms[3] == pond.times_ms[3] + jitter[3]


def test_error_codes_are_no_oxygen_and_low_oxygen_is() -> None:
    pond = a_pond(1)
    oxygen = pond.oxygen.copy()
    oxygen[10:13] = (-9.99, 0.0, 999.0)
    grid = gridded(pond.times_ms, oxygen, {})
    assert np.isnan(grid.oxygen[[10, 12]]).all()
    assert grid.oxygen[11] == 0.0


def test_too_few_readings_are_refused_by_number() -> None:
    pond = a_pond(1)
    with pytest.raises(InputError, match="9 readings of oxygen are too few"):
        gridded(pond.times_ms[:9], pond.oxygen[:9], {})


def test_the_simple_forecasts_say_what_their_names_say() -> None:
    grid = grid_of(a_pond(9, noise=0.0))
    row, day, ahead = 8 * 96 + 40, 96, 12
    changes = naive_changes(grid, 3)[row]
    here = grid.oxygen
    expected = {
        "persistence": 0.0,
        "yesterday": here[row + ahead - day] - here[row],
        "diel": here[row + ahead - day] - here[row - day],
    }
    for name, change in expected.items():
        assert changes[SIMPLE.index(name)] == pytest.approx(change)


def test_boyd_carries_the_evening_on_to_dawn_and_never_below_zero() -> None:
    hours = np.arange(96 * 2) / 4
    day = 6 + 5.9 * np.cos(2 * np.pi * (hours - 15) / 24)
    grid = gridded(START_MS + STEP_MS * np.arange(96 * 2, dtype=np.int64), day, {})
    at = SIMPLE.index("boyd")
    dusk = 96 + 20 * 4
    slope = (day[dusk] - day[dusk - 10]) / 10
    assert naive_changes(grid, 1)[dusk, at] == pytest.approx(slope * 4)
    for ahead in (6, 12, 24):
        assert naive_changes(grid, ahead)[dusk, at] == pytest.approx(-day[dusk])
    assert naive_changes(grid, 6)[96 + 12 * 4, at] == 0.0


def test_the_lowest_ahead_is_the_lowest_of_what_follows() -> None:
    grid = grid_of(a_pond(3))
    truth = truth_of(grid, Target(3, is_minimum=True))
    assert truth[50] == grid.oxygen[51:63].min()
    assert np.isnan(truth[-1])
    assert lowest_of(grid.oxygen, 4)[20] == grid.oxygen[17:21].min()


def test_lags_and_carrying() -> None:
    values = np.array([1.0, np.nan, np.nan, 4.0])
    assert carried(values, 1).tolist()[:2] == [1.0, 1.0]
    assert np.isnan(carried(values, 1)[2])
    assert lagged(values, 3)[3] == 1.0
    assert lagged(values, -3)[0] == 4.0
    assert np.isnan(lagged(values, 9)).all()


def test_weights_are_never_negative_and_favour_the_better() -> None:
    errors = np.random.default_rng(0).normal(size=(500, 3)) * np.array([1.0, 0.3, 2.0])
    errors = np.column_stack([errors, errors[:, 0] * 3 + 0.1])
    errors[:, 3] += np.random.default_rng(1).normal(size=500)
    weights = least_weights(errors.T @ errors / 500)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0).all()
    assert weights.argmax() == 1
    assert weights[3] == pytest.approx(0.0, abs=0.05)
