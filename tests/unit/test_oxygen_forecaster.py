"""The live forecast is the rolling one; on disk it stays itself, and strangers are refused."""

from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import IsolationForest

from analytics.oxygen.evening import (
    Tonight,
    evening_sentence,
    morning_sentence,
    tonight,
)
from analytics.oxygen.forecaster import Forecast, History, Model, fit, forecast
from analytics.oxygen.grid import HOUR_MS, gridded
from analytics.oxygen.learner import Target
from analytics.oxygen.rolling import known_of, run_target
from analytics.oxygen.saving import load, save
from greenwater.kernel.errors import ConflictError, InputError, MissingError
from tests.unit.waters_of_oxygen import START_MS, a_pond, cut

DAY_MS = 86_400_000
VIETNAM = timezone(timedelta(hours=7))
FITTED_MS = START_MS + 15 * DAY_MS
TARGETS = (Target(6), Target(3, is_minimum=True))


@pytest.fixture(scope="module")
def pond() -> History:
    return a_pond(16)


@pytest.fixture(scope="module")
def model(pond: History) -> Model:
    return fit(cut(pond, FITTED_MS), targets=TARGETS)


def test_the_live_forecast_is_the_rolling_one(pond: History, model: Model) -> None:
    past = cut(pond, FITTED_MS)
    grid = gridded(past.times_ms, past.oxygen, past.inputs)
    last = len(grid) - 1
    rolled, _ = run_target(known_of(grid), Target(6), last, threshold=2.0)
    live = next(
        one
        for one in forecast(model, past, FITTED_MS)
        if one.hours == 6 and not one.is_minimum
    )
    assert live.made_ms == FITTED_MS
    assert live.for_ms == FITTED_MS + 6 * HOUR_MS
    assert live.naive == pytest.approx(rolled.naive[last], abs=1e-3)
    assert live.value == pytest.approx(rolled.forecast[last], abs=0.3)
    assert live.low < live.value < live.high
    assert live.skill is not None
    assert 0.0 < live.chance < 1.0


def test_a_pond_that_crashes_is_warned_of_and_a_sound_one_is_not() -> None:
    hours = np.arange(96 * 20) / 4
    noise = np.random.default_rng(5).normal(0, 0.15, len(hours))
    times = START_MS + 900_000 * np.arange(len(hours), dtype=np.int64)
    swing = 2.6 * np.cos(2 * np.pi * (hours - 15) / 24) + noise
    sinking, sound = (History(times, level + swing, {}) for level in (4.0, 7.0))
    four_ms = int(times[96 * 19]) + 1 * HOUR_MS  # low at 03:00 of this clock
    target = Target(3, is_minimum=True)
    for history, expected in ((sinking, True), (sound, False)):
        model = fit(cut(history, four_ms), targets=(target,))
        (one,) = forecast(model, history, four_ms)
        assert one.is_warning is expected
        assert (one.chance > 0.5) is expected
        assert (one.value < 2.0) is expected


def test_fitting_twice_is_fitting_once(pond: History, model: Model) -> None:
    again = fit(cut(pond, FITTED_MS), targets=TARGETS[-1:])
    (one,) = forecast(again, pond, FITTED_MS)
    assert one == forecast(model, pond, FITTED_MS)[-1]


def test_nothing_after_now_is_looked_at(pond: History, model: Model) -> None:
    now = FITTED_MS + 5 * HOUR_MS
    assert forecast(model, pond, now) == forecast(model, cut(pond, now), now)


def test_a_channel_that_is_gone_is_a_dead_one(pond: History, model: Model) -> None:
    bare = History(pond.times_ms, pond.oxygen, {"ph": pond.oxygen})
    assert len(forecast(model, bare, FITTED_MS)) == len(model.learners)


def test_from_an_old_reading_there_is_no_forecast(pond: History, model: Model) -> None:
    past = cut(pond, FITTED_MS)
    assert forecast(model, past, FITTED_MS + 2 * HOUR_MS) == []


def test_a_saved_model_forecasts_the_same(
    pond: History, model: Model, tmp_path: Path
) -> None:
    path = tmp_path / "models" / "pond-3.skops"
    save(model, path)
    save(model, path)
    assert [one.name for one in path.parent.iterdir()] == ["pond-3.skops"]
    assert any(learner.trees.model is not None for learner in model.learners)
    read = load(path)
    assert forecast(read, pond, FITTED_MS) == forecast(model, pond, FITTED_MS)
    assert (read.fitted_ms, read.channels) == (FITTED_MS, ("temperature",))


def test_a_model_file_with_a_stranger_in_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "strange.skops"
    path.write_bytes(skops.io.dumps({"version": 1, "run": Path}))
    with pytest.raises(InputError, match="holds what no model of ours holds"):
        load(path)


def test_what_is_no_model_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "a.skops"
    with pytest.raises(MissingError):
        load(path)
    path.write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match="is no model"):
        load(path)
    path.write_bytes(skops.io.dumps(IsolationForest()))
    with pytest.raises(InputError, match="no oxygen model"):
        load(path)
    path.write_bytes(skops.io.dumps({"version": 99}))
    with pytest.raises(ConflictError, match="version 99"):
        load(path)


def a_forecast(hours: int, value: float, *, is_minimum: bool = False) -> Forecast:
    return Forecast(
        made_ms=EIGHT_MS,
        hours=hours,
        is_minimum=is_minimum,
        value=value,
        low=value - 0.6,
        high=value + 0.5,
        naive=value,
        used="model",
        skill=0.2,
        chance=0.1,
        is_warning=False,
    )


EIGHT_MS = 1_700_053_200_000  # 20:00 in Vietnam
LINE = [a_forecast(1, 5.6), a_forecast(6, 4.0), a_forecast(12, 3.0)]


def test_the_evening_says_how_low_and_when_and_who() -> None:
    night = tonight(
        "Ao 3",
        [*LINE, a_forecast(24, 1.0), a_forecast(6, 0.1, is_minimum=True)],
        now_ms=EIGHT_MS,
        dawn_ms=EIGHT_MS + 9 * HOUR_MS,
    )
    assert night is not None
    said = evening_sentence(night, watch="Tư", zone=VIETNAM, language="vi")
    assert said == (
        "Ao 3 đêm nay thấp nhất 3,5 mg/L lúc 05:00 (khoảng 2,9–4,0); người trực: Tư"
    )
    said = evening_sentence(night, watch="", zone=VIETNAM, language="en")
    assert said.endswith(
        "3.5 mg/L at 05:00 (between 2.9 and 4.0); on watch: nobody yet"
    )


def test_no_forecast_no_sentence() -> None:
    assert tonight("Ao 3", [], now_ms=EIGHT_MS, dawn_ms=EIGHT_MS + HOUR_MS) is None


@pytest.mark.parametrize(
    ("came", "verdict"),
    [(3.6, "trong khoảng dự báo"), (2.0, "thấp hơn dự báo"), (4.4, "cao hơn dự báo")],
)
def test_the_morning_says_how_right_it_was(came: float, verdict: str) -> None:
    night = Tonight("Ao 3", 3.5, EIGHT_MS + 9 * HOUR_MS, 2.9, 4.0)
    said = morning_sentence(
        night, came=came, came_ms=night.at_ms, zone=VIETNAM, language="vi"
    )
    assert said.startswith("Ao 3 đêm qua thấp nhất ")
    assert said.endswith(f"lúc 05:00; đã dự báo 3,5: {verdict}")


def test_a_night_without_readings_is_said_to_be_one() -> None:
    night = Tonight("Ao 3", 3.5, EIGHT_MS, 2.9, 4.0)
    said = morning_sentence(night, came=None, came_ms=0, zone=VIETNAM, language="en")
    assert "no oxygen readings last night" in said


def test_a_short_history_still_forecasts() -> None:
    pond = a_pond(0.5)
    model = fit(pond)
    found = forecast(model, pond, int(pond.times_ms[-1]))
    assert len(found) == 7
    assert all(np.isfinite([one.low, one.value, one.high]).all() for one in found)
