"""`greenwater score oxygen` on files: its columns, its sentences, its refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.oxygen import crash, warned
from analytics.oxygen.grid import gridded
from analytics.oxygen.learner import Target
from analytics.oxygen.naive import SIMPLE
from analytics.oxygen.rolling import Run
from analytics.score.oxygen import grid_of, one_stretch, score_oxygen
from analytics.score.table import Table, format_instants, read_table
from cli.main import status_of
from greenwater.kernel.errors import InputError
from tests.unit.waters_of_oxygen import START_MS, STEP_MS, a_pond

DAY_MS = 86_400_000
SONDE = (
    Path(__file__).resolve().parents[3]
    / "shared/data/sondes/apalachicola_cat_point_2012_2013.csv.gz"
)


def written(path: Path, days: float = 6) -> Path:
    pond = a_pond(days)
    frame = pd.DataFrame(
        {
            "time": format_instants(pond.times_ms),
            "dissolved_oxygen_mg_l": pond.oxygen.round(2),
            "dissolved_oxygen_mg_l_qc": "<0>",
            "temperature_c": pond.inputs["temperature"].round(2),
            "something": 1.0,
            "dissolved_oxygen_mg_l_corrected": pond.oxygen.round(2),
        }
    )
    frame.to_csv(path, index=False)
    return path


def nothing(done: int, whole: int) -> None:
    assert 0 <= done <= whole


def test_one_row_a_forecast_at_its_origin(tmp_path: Path) -> None:
    file, out = written(tmp_path / "a.csv"), tmp_path / "forecast.csv"
    until = format_instants(np.array([START_MS + 4 * DAY_MS]))[0]
    said = score_oxygen(file, out, train_until=until, progress=nothing)
    rows = pd.read_csv(out)
    assert list(rows.columns) == [
        "time",
        "horizon_h",
        "forecast",
        "low",
        "high",
        "naive",
        "used",
    ]
    assert len(rows) == 2 * 96 * 5
    assert rows.time.iloc[0] == until
    assert rows.horizon_h.head(5).tolist() == [1, 3, 6, 12, 24]
    assert (rows.low <= rows.forecast).all()
    assert (rows.forecast <= rows.high).all()
    assert not rows.isna().any().any()
    assert set(rows.used) <= {"model", *SIMPLE}
    assert "skill = 1 - RMSE" in said
    assert "no oxygen below 2 mg/L within 3 h" in said


def test_the_naive_column_is_a_naive_forecast(tmp_path: Path) -> None:
    file, out = written(tmp_path / "a.csv"), tmp_path / "forecast.csv"
    until = format_instants(np.array([START_MS + 4 * DAY_MS]))[0]
    score_oxygen(file, out, train_until=until, progress=nothing)
    oxygen = grid_of(read_table(file)).oxygen
    one = pd.read_csv(out).query("horizon_h == 6").naive.to_numpy()
    origins = np.arange(4 * 96, 6 * 96)
    is_last = np.isclose(one, oxygen[origins], atol=0.001)
    is_yesterday = np.isclose(one, oxygen[origins + 24 - 96], atol=0.001)
    assert (is_last | is_yesterday).all()


def test_verdicts_made_afterwards_are_no_inputs(tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", days=3)
    frame = pd.read_csv(file)
    to_come = frame.dissolved_oxygen_mg_l.shift(-12)  # as numbers, and of the future
    for ending in ("qc", "flag", "label", "corrected"):
        frame[f"dissolved_oxygen_mg_l_{ending}"] = to_come
        frame[f"temperature_c_{ending}"] = to_come
    frame.to_csv(file, index=False)
    assert list(grid_of(read_table(file)).inputs) == ["temperature", "something"]


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        ("never", "--train-until 'never' is no time"),
        ("2030-01-01T00:00:00Z", "leaves no oxygen to forecast from"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, until: str, sentence: str
) -> None:
    file = written(tmp_path / "a.csv", 1)
    with pytest.raises(InputError, match=sentence):
        score_oxygen(file, tmp_path / "out.csv", train_until=until, progress=nothing)
    assert not (tmp_path / "out.csv").exists()


def test_no_column_of_oxygen_is_said_with_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("time,ph\n2026-01-01T00:00:00Z,8\n")
    with pytest.raises(InputError, match="the file has: ph") as no:
        score_oxygen(
            file, tmp_path / "o.csv", train_until="2026-01-01", progress=nothing
        )
    assert status_of(no.value) == 2


def test_oxygen_in_another_unit_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    named = "time,DO sat (%),Độ mặn (g/L),DO (µmol/L)\n"
    file.write_text(f"{named}2026-01-01T00:00:00Z,98,8,250\n")
    with pytest.raises(InputError, match=r"mg/L: is 'DO \(µmol/L\)' in another unit"):
        score_oxygen(
            file, tmp_path / "o.csv", train_until="2026-01-01", progress=nothing
        )


def a_run(size: int, chance: np.ndarray, came: np.ndarray) -> Run:
    flat = np.full(size, 4.0)
    return Run(
        target=Target(3, is_minimum=True),
        forecast=flat,
        low=flat,
        high=flat,
        naive=flat,
        method=np.zeros(size, dtype=np.int8),
        chance=chance,
        truth=came,
    )


def test_crash_figures_on_a_crash_by_hand() -> None:
    size, onset = 96 * 4, 200
    oxygen = np.full(size, 5.0)
    oxygen[onset : onset + 8] = 1.0
    grid = gridded(START_MS + STEP_MS * np.arange(size, dtype=np.int64), oxygen, {})
    chance = np.zeros(size)
    chance[onset - 12 : onset + 7] = 0.9
    chance[50:54] = 0.9
    came = np.full(size, 5.0)
    came[onset - 12 : onset + 7] = 1.0
    figures = crash.crash_skill(grid, a_run(size, chance, came))
    assert figures.crashes == 1
    assert figures.rows == 19
    assert figures.precision == pytest.approx(19 / 23)
    assert figures.lead_h == 3.0
    false = crash.false_per_30_days(grid, a_run(size, chance, came), 2.0, 0.5)
    assert false == pytest.approx(30 / 4)


def test_a_missed_crash_has_no_lead() -> None:
    size = 96 * 2
    oxygen = np.full(size, 5.0)
    oxygen[100:104] = 1.0
    grid = gridded(START_MS + STEP_MS * np.arange(size, dtype=np.int64), oxygen, {})
    run = a_run(size, np.zeros(size), np.full(size, 5.0))
    assert crash.leads_h(grid, run, 2.0, 0.5).tolist() == [0.0]


@pytest.mark.skipif(not SONDE.exists(), reason="no shared recordings here")
def test_on_a_real_estuary_the_model_beats_both_naive_forecasts(
    tmp_path: Path,
) -> None:
    from analytics.oxygen.rolling import run_all
    from analytics.oxygen.skill import skill_of

    grid = grid_of(read_table(SONDE))
    begin = grid.row_at(grid.start_ms + 180 * DAY_MS)
    part = slice(begin, begin + 34 * 96)
    short = gridded(
        grid.times_ms[part],
        grid.oxygen[part],
        {name: values[part] for name, values in grid.inputs.items()},
    )
    first = short.row_at(short.start_ms + 20 * DAY_MS)
    run = run_all(short, first, threshold=2.0, targets=(Target(6),))[0]
    figures = skill_of(short, run)
    assert figures.skill > 0.15
    assert 0.86 < figures.inside < 0.94


def calls(chance: np.ndarray, oxygen: np.ndarray) -> warned.Events:
    size = len(oxygen)
    grid = gridded(START_MS + STEP_MS * np.arange(size, dtype=np.int64), oxygen, {})
    return warned.events_of(grid, a_run(size, chance, oxygen), 2.0)


def test_warnings_and_crashes_are_counted_by_hand() -> None:
    oxygen, chance = np.full(96 * 8, 5.0), np.zeros(96 * 8)
    for onset in (200, 400, 600):
        oxygen[onset : onset + 8] = 1.0
    chance[190:199] = 0.9  # right: a crash within three hours of its beginning
    chance[224:228] = 0.9  # while the first crash is hardly over: no warning of its own
    chance[360:362], chance[375:377] = 0.8, 0.8  # one warning, ten hours before
    chance[50:54] = 0.6  # false
    events = calls(chance, oxygen)
    found = warned.warned_at(events, 0.5)
    assert (found.crashes, found.caught) == (3, 1)
    assert (found.warnings, found.right, found.right_in_12_h) == (3, 1, 2)
    assert found.precision == pytest.approx(1 / 3)
    assert warned.chance_to_catch(events, 1 / 3) == 0.9
    assert warned.chance_to_catch(events) == 0.0


def test_a_chance_chosen_on_the_first_half_is_judged_on_the_second() -> None:
    oxygen, chance = np.full(96 * 8, 5.0), np.full(96 * 8, 0.1)
    for onset, before in ((200, 0.7), (300, 0.8), (500, 0.9), (650, 0.6)):
        oxygen[onset : onset + 8] = 1.0
        chance[onset - 6 : onset] = before
    events = calls(chance, oxygen)
    at = warned.chance_to_catch(warned.half_of(events, 0), 1.0)
    second = warned.warned_at(warned.half_of(events, 1), at)
    assert at == 0.7
    assert (second.crashes, second.caught, second.warnings) == (2, 1, 1)
    assert second.recall == 0.5


def test_where_nothing_crashed_there_is_no_chance_to_choose() -> None:
    events = calls(np.full(96, 0.3), np.full(96, 5.0))
    assert np.isnan(warned.chance_to_catch(events))
    assert np.isnan(warned.warned_at(events, 0.5).precision)


def test_a_clock_gone_wrong_does_not_make_decades_of_empty_cells() -> None:
    hours = np.arange(100, dtype=np.int64) * 3_600_000
    at = np.concatenate([[0], 1_600_000_000_000 + hours, [2**42]])
    values = np.arange(102.0)
    table = Table(at, {"do": values}, {"note": ["x"] * 102}, np.arange(102), [])
    kept = one_stretch(table, 0)
    assert kept.numbers["do"].tolist() == values[1:-1].tolist()
    assert len(kept.texts["note"]) == len(kept.lines) == len(kept) == 100
    assert any(note.startswith("2 rows") for note in kept.notes)
    twice = Table(
        np.concatenate([hours, hours + 400 * DAY_MS]),
        {"do": np.arange(200.0)}, {}, np.arange(200), [],
    )  # fmt: skip
    assert one_stretch(twice, 0).numbers["do"][0] == 0
    assert one_stretch(twice, 300 * DAY_MS).numbers["do"][0] == 100
    assert one_stretch(kept, 0) is kept
