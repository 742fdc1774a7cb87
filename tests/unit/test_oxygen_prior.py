"""What other waters teach: numbers only, free of scale, and a help to a place just begun."""

from pathlib import Path

import numpy as np
import pytest

from analytics.oxygen.grid import Grid, gridded
from analytics.oxygen.learner import Learner, Target, habit_of
from analytics.oxygen.mixing import Mixture
from analytics.oxygen.naive import SIMPLE, naive_changes
from analytics.oxygen.prior import NOTHING, Prior, Taught, read, shipped, write
from analytics.oxygen.rolling import TARGETS, run_all
from analytics.oxygen.skill import skill_of
from tests.unit.waters_of_oxygen import START_MS, STEP_MS, a_pond

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def grid() -> Grid:
    pond = a_pond(6, seed=4)
    return gridded(pond.times_ms, pond.oxygen, pond.inputs)


def a_stump() -> Taught:
    """A tree that says -1 where the first question is at most 0.5, else 2."""
    return Taught(
        feature=np.array([[0, 0, 0]], dtype=np.int16),
        threshold=np.array([[0.5, 0, 0]], dtype=np.float32),
        left=np.array([[1, 1, 2]], dtype=np.int16),
        right=np.array([[2, 1, 2]], dtype=np.int16),
        value=np.array([[0, -1, 2]], dtype=np.float32),
        weight=np.array([10.0, 0.0], dtype=np.float32),
        offset=np.array([5.0, 0.25], dtype=np.float32),
        day=np.zeros((2, 28), dtype=np.float32),
    )


def test_a_tree_goes_left_up_to_its_threshold() -> None:
    asked = np.array([[0.5, 0], [0.6, 0], [9.0, 0]], dtype=np.float32)
    expected = [
        0.6 * (-1 + 0.25) + 0.4 * (5 + 5),
        0.6 * (2 + 0.25) + 0.4 * (6 + 5),
        0.6 * (2 + 0.25) + 0.4 * (40 + 5),  # the linear part is held to 4 spreads
    ]
    np.testing.assert_allclose(a_stump().changes(asked), expected, rtol=1e-5)


def test_what_is_written_is_read_and_a_pickle_is_not(tmp_path: Path) -> None:
    path = tmp_path / "prior.npz"
    write(Prior({(3, True): a_stump()}), path)
    (target,) = read(path).taught
    assert target == (3, True)
    np.testing.assert_array_equal(read(path).taught[target].value, a_stump().value)
    np.savez(path, targets=np.array([Path()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read(path)


def test_the_shipped_prior_knows_every_target_and_beats_naive(grid: Grid) -> None:
    prior = shipped()
    assert set(prior.taught) == {(one.hours, one.is_minimum) for one in TARGETS}
    for hours in (1, 6):
        change = prior.changes(grid, hours)
        ahead = grid.steps(hours)
        came = grid.oxygen[ahead:] - grid.oxygen[:-ahead]
        simple = naive_changes(grid, hours)[:-ahead, :2]
        rows = slice(2 * grid.steps(24), None)
        errors = np.column_stack([change[:-ahead, None], simple])[rows]
        squares = np.nanmean(np.square(errors - came[rows, None]), axis=0)
        assert squares[0] < 0.7 * squares[1:].min(), hours


def test_how_the_next_day_differs_is_better_than_yesterday_and_needs_no_warmth() -> (
    None
):
    pond = a_pond(25, seed=3)
    cases = {
        "warmth": pond.inputs,
        "none": {},
        "dead": {"temperature": np.full(len(pond.oxygen), np.nan)},
    }
    found = {}
    for what, inputs in cases.items():
        grid = gridded(pond.times_ms, pond.oxygen, inputs)
        differing = shipped().differences(grid, 24)
        day = grid.steps(24)
        came = grid.oxygen[day:] - grid.oxygen[:-day]
        rows = slice(8 * day, -day)
        error = differing[rows] - came[8 * day :]
        assert np.square(error).mean() < 0.97 * np.square(came[8 * day :]).mean(), what
        found[what] = differing
    np.testing.assert_array_equal(found["none"], found["dead"])
    assert np.abs(found["none"] - found["warmth"]).max() > 0.01
    assert (found["none"][:40] == 0).all(), "a place of ten hours has no yesterday"


def test_the_day_is_asked_from_six_hours_on_and_not_of_the_lowest() -> None:
    asking = [(one.hours, one.is_minimum) for one in TARGETS if one.asks_days]
    assert asking == [(6, False), (12, False), (24, False)]
    known = shipped().taught
    assert [key for key, one in known.items() if one.day.size] == asking


def test_water_that_moves_twice_as_much_is_forecast_twice_the_change(
    grid: Grid,
) -> None:
    wide = gridded(grid.times_ms, 3 + 2 * grid.oxygen, {})
    one, two = (shipped().changes(each, 3) for each in (grid, wide))
    held = ~np.isnan(one)
    assert held.sum() > 400
    few = shipped().changes(grid, 3, rows=slice(300, 302))
    np.testing.assert_allclose(few, one[300:302], rtol=1e-4)
    np.testing.assert_allclose(two[held], 2 * one[held], atol=0.05)


def test_nothing_taught_says_nothing(grid: Grid) -> None:
    assert np.isnan(NOTHING.changes(grid, 3)).all()


def test_before_any_trial_the_habit_counts_and_the_usual_naive_one() -> None:
    mixture = Mixture(100.0, habit_of(Target(6)), 50.0)
    assert mixture.weights(1.0)[Target(6).experts.index("prior")] == 0.5
    assert Learner(Target(1), 3, 3, 96).naive_method == 0
    assert Learner(Target(6), 3, 3, 96).naive_method == 1
    assert Learner(Target(12), 3, 3, 96).share == 1.0


def test_a_burst_of_faults_does_not_choose_for_a_young_place() -> None:
    habit = np.full(2, 0.5)
    young = Mixture(1e9, habit, 1.0)
    rng = np.random.default_rng(2)
    for size, better in ((8.0, 0), (0.1, 1), (0.1, 1), (0.1, 1)):
        errors = rng.normal(0, size, (96, 2))
        errors[:, better] *= 0.3
        young.learn(errors, np.square(errors).mean(axis=0), 96)
    assert young.weights(1.0)[1] > 0.6
    assert young.weights(0.0)[1] < 0.3


def test_six_hours_of_a_stuck_probe_do_not_choose_the_naive_forecast_for_weeks() -> (
    None
):
    learner = Learner(Target(6), width=1, unrest_width=1, day=96)
    nothing = np.zeros((24, 1), dtype=np.float32)
    for change, yesterday in ((0.0, 2.8), *[(2.0, 2.2)] * 8):  # two days follow
        simple = np.tile([0.0, yesterday], (24, 1))
        changes = np.full(24, change)
        learner.learn_changes(nothing, changes, np.zeros(24), simple, 24)
    assert SIMPLE[learner.naive_method] == "yesterday"


def test_two_days_of_faults_at_the_start_do_not_spoil_the_days_after() -> None:
    pond = a_pond(8, seed=3)
    broken = pond.oxygen.copy()
    faulty = pond.times_ms < START_MS + 2 * DAY_MS
    noise = np.random.default_rng(1).normal(0, 4, int(faulty.sum()))
    broken[faulty] = np.clip(broken[faulty] + noise, 0, 20)
    grid = gridded(pond.times_ms, broken, {})
    first = grid.row_at(START_MS + 3 * DAY_MS)
    assert grid.step_ms == STEP_MS
    run = run_all(grid, first, threshold=2.0, targets=(Target(6),))[0]
    assert skill_of(grid, run).skill > -0.25  # errors summed as they are: -1.7


def test_a_young_place_trusts_its_mixture_longer_than_a_grown_one() -> None:
    shares = []
    for days in (1, 20, 60):
        learner = Learner(Target(6), width=1, unrest_width=1, day=96)
        learner.tried, learner.recent = 96 * days, 96.0 * min(days, 20)
        learner.issued_naive = np.array([[1.0, 2.0], [1.0, 2.0]])
        learner.issued_square = np.array([1.04, 1.04])
        shares.append(learner.share)
    assert shares[0] == 1.0
    assert shares[1] > 0.0
    assert shares[2] == 0.0
