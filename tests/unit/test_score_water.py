"""`greenwater score water`: a row a reading, on files of anyone's making."""

import math
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from analytics.score.probes import alike, probes_of
from analytics.score.table import read_table
from analytics.score.water import read_labels, score_water
from analytics.water import learned
from analytics.water.events import Span, count_false, count_near, stretches
from cli.score import app
from greenwater.kernel.errors import InputError

RIVER = (
    Path(__file__).resolve().parents[3]
    / "shared/data/technician_labels/logan_river_blacksmithfork2015.csv.gz"
)
QUARTERS = 96


def a_file(folder: Path, days: int = 8, *, faults: bool = True) -> Path:
    """Write a recording with a channel of ours, one nobody knows, one with holes."""
    random = Random(11)
    lines = ["time,temperature_c,ph,redox_thing,note_qc"]
    for number in range(days * QUARTERS):
        at = pd.Timestamp("2026-01-01") + pd.Timedelta(minutes=15 * number)
        swing = math.sin(number / QUARTERS * 2 * math.pi)
        ph = 8.0 + 0.2 * swing + random.gauss(0, 0.01)
        thing = 240 + 8 * swing + random.gauss(0, 0.5)
        if faults and number % 150 == 149:
            ph += 1.4
        if faults and number % 150 == 139:
            thing += 90
        celsius = "" if number in (400, 401) else f"{28 + swing:.2f}"
        lines.append(f"{at.isoformat()}Z,{celsius},{ph:.2f},{thing:.1f},<0>")
    file = folder / "in.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def scored(file: Path, folder: Path, **options: object) -> tuple[pd.DataFrame, str]:
    asked = {"channels": "", "limits": "", "label": None, "train_until": ""} | options
    out = folder / "out.csv"
    told: list[tuple[int, int]] = []
    summary = score_water(
        file,
        out,
        progress=lambda done, whole: told.append((done, whole)),
        **asked,  # type: ignore[arg-type]
    )
    assert told[-1][0] == told[-1][1]
    return pd.read_csv(out, keep_default_na=False), summary


def test_one_row_a_reading_with_the_files_own_names(tmp_path: Path) -> None:
    rows, summary = scored(a_file(tmp_path), tmp_path)
    assert list(rows.columns) == ["time", "channel", "value", "flag", "score", "event"]
    assert len(rows) == 3 * 8 * QUARTERS
    assert list(rows["channel"][:3]) == ["temperature_c", "ph", "redox_thing"]
    assert set(rows["flag"]) <= {1, 2, 3, 4, 9}
    assert rows["score"].between(0, 1).all()
    assert ((rows["event"] != "") == (rows["score"] >= 0.5)).all()
    assert f"{8 * QUARTERS} rows, 3 channels" in summary
    assert "compared with" in summary


def test_an_empty_cell_is_missing_and_a_lost_value_is_an_episode(
    tmp_path: Path,
) -> None:
    rows, _ = scored(a_file(tmp_path), tmp_path)
    empty = rows[rows["value"] == ""]
    assert len(empty) == 2
    assert set(empty["flag"]) == {9}
    assert (empty["score"] >= 0.5).all()
    assert empty["event"].nunique() == 1


def test_a_channel_nobody_knows_gets_scores_and_flags_of_its_own(
    tmp_path: Path,
) -> None:
    rows, _ = scored(a_file(tmp_path), tmp_path)
    thing = rows[rows["channel"] == "redox_thing"].reset_index(drop=True)
    spikes = thing.iloc[[439, 589]]
    assert (spikes["score"] >= 0.5).all()
    assert (spikes["flag"] == 3).all()
    assert set(thing["flag"][:90]) == {2}
    assert (thing["flag"] == 4).sum() == 0


def test_rows_do_not_depend_on_what_comes_after(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    whole, _ = scored(file, tmp_path)
    lines = file.read_text().splitlines()
    cut = tmp_path / "cut.csv"
    cut.write_text("\n".join(lines[:560]) + "\n")
    rows, _ = scored(cut, tmp_path)
    same = whole.iloc[: len(rows)]
    assert (rows[["score", "event"]] == same[["score", "event"]]).all(axis=None)
    before_last = rows["time"] != rows["time"].iloc[-1]
    assert (rows["flag"] == same["flag"])[before_last].all()


def test_only_channels_that_are_asked_for(tmp_path: Path) -> None:
    rows, _ = scored(a_file(tmp_path), tmp_path, channels="ph, temperature")
    assert set(rows["channel"]) == {"ph", "temperature_c"}


def test_limits_of_a_species_are_counted(tmp_path: Path) -> None:
    _, summary = scored(a_file(tmp_path), tmp_path, limits="NUR")
    assert "readings beyond warn of NUR" in summary
    assert "\n0 alarms of NUR" in summary, "a spike is a reading beyond, and no alarm"


def test_limits_of_a_species_make_the_platforms_own_alarms(tmp_path: Path) -> None:
    file, start = tmp_path / "in.csv", pd.Timestamp("2026-01-01", tz="UTC")
    low = {100: 2.4, **dict.fromkeys(range(200, 208), 2.5), 206: 2.1}
    rows = [
        f"{(start + pd.Timedelta(minutes=15 * n)).isoformat()},{low.get(n, 6.0)}"
        for n in range(300)
    ]
    file.write_text("\n".join(["time,dissolved_oxygen_mg_l", *rows]) + "\n")
    _, summary = scored(file, tmp_path, limits="PNV")

    assert "dissolved_oxygen_mg_l: 9 readings beyond critical of PNV" in summary
    assert "\n1 alarm of PNV" in summary
    (line,) = [one for one in summary.splitlines() if "limit 3" in one]
    assert line.endswith("critical: oxygen at lowest 2.1 mg/L, limit 3.0 mg/L")
    assert line.startswith("  2026-01-03T02:00:00Z to 2026-01-03T04:")


def a_cage(folder: Path, header: str, usual: str, odd: str) -> Path:
    """Write four hourly days of steady water, and eight hours of another."""
    start = pd.Timestamp("2026-01-01", tz="UTC")
    rows = [
        f"{(start + pd.Timedelta(hours=n)).isoformat()},{odd if 90 < n < 99 else usual}"
        for n in range(110)
    ]
    file = folder / "in.csv"
    file.write_text("\n".join([f"time,{header}", *rows]) + "\n")
    return file


@pytest.mark.parametrize(
    ("header", "usual", "odd"),
    [
        ("conductivity_ms_cm,temp", "52.3,28.0", "36.0,28.0"),
        ("SpCond (mS/cm)", "49.5", "33.5"),
    ],
)
def test_conductivity_alone_is_judged_as_the_salt_it_tells_of(
    tmp_path: Path, header: str, usual: str, odd: str
) -> None:
    file = a_cage(tmp_path, header, usual, odd)
    rows, summary = scored(file, tmp_path, limits="NUR")
    assert "critical: salinity " in summary
    assert "fresh" in summary, "the episode is of the water, and no fault of a probe"
    salt = rows[rows["channel"] == header.split(",")[0]]
    assert (salt["score"][91:92] >= 0.5).all()


def test_oxygen_in_per_cent_alone_is_judged_as_what_the_water_holds(
    tmp_path: Path,
) -> None:
    """20 % at 28 °C and 33 PSU is 1.3 mg/L: a crash, and beyond what shrimp bear."""
    file = a_cage(tmp_path, "DO (%),temp,sal", "90.0,28.0,33.0", "20.0,28.0,33.0")
    rows, summary = scored(file, tmp_path, limits="PNV")
    assert "critical: oxygen at lowest 1.3 mg/L, limit 3.0 mg/L" in summary
    share = rows[rows["channel"] == "DO (%)"].reset_index()
    assert (share["score"][91:99] >= 0.9).all()


def test_per_cent_without_a_temperature_is_judged_as_a_warm_sea_s(
    tmp_path: Path,
) -> None:
    """31 % at 30 °C and 35 PSU is 1.9 mg/L."""
    file = a_cage(tmp_path, "DO (%)", "90.0", "31.0")
    rows, summary = scored(file, tmp_path)
    assert "oxygen" in summary
    assert (rows["score"][91:99] >= 0.9).all()
    assert rows["event"][91:99].str.startswith("w").all()


def test_labels_teach_what_no_anomaly_is(tmp_path: Path) -> None:
    file = a_file(tmp_path, days=9, faults=False)
    frame = pd.read_csv(file)
    label = tmp_path / "label.csv"
    is_bad = frame["ph"] > 8.18
    pd.DataFrame({"time": frame["time"], "bad": is_bad.astype(int)}).to_csv(
        label, index=False
    )
    first = 6 * QUARTERS
    rows, summary = scored(
        file, tmp_path, channels="ph", label=label, train_until=frame["time"][first]
    )
    assert f"learned from {first} labelled rows" in summary
    late = rows.iloc[first:].reset_index(drop=True)
    truth = is_bad[first:].to_numpy()
    assert (late["score"][truth] >= 0.5).mean() > 0.9
    assert (late["score"][~truth] >= 0.5).mean() < 0.05


def test_labels_that_teach_nothing_new_change_nothing(tmp_path: Path) -> None:
    file = a_file(tmp_path, days=24)
    frame = pd.read_csv(file)
    label = tmp_path / "label.csv"
    is_bad = (np.arange(len(frame)) % 150 == 149) | frame["temperature_c"].isna()
    pd.DataFrame({"time": frame["time"], "bad": is_bad.astype(int)}).to_csv(
        label, index=False
    )
    plain, _ = scored(file, tmp_path)
    rows, summary = scored(file, tmp_path, label=label, train_until=frame["time"][2000])
    assert "labels not used" in summary
    assert (rows == plain).all(axis=None)


def test_too_few_labels_leave_the_scores_as_they_are(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    times = pd.read_csv(file)["time"]
    label = tmp_path / "label.csv"
    pd.DataFrame({"time": times, "bad": 0}).to_csv(label, index=False)
    plain, _ = scored(file, tmp_path)
    rows, summary = scored(file, tmp_path, label=label, train_until=times[500])
    assert "labels not used: 0 rows labelled 1" in summary
    assert (rows == plain).all(axis=None)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"channels": "oxygen"}, "--channels: no column 'oxygen'"),
        ({"limits": "XXX"}, "--limits 'XXX' is none of"),
        ({"label": Path("none.csv")}, "needs --train-until"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    tmp_path: Path, options: dict[str, object], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        scored(a_file(tmp_path, days=1), tmp_path, **options)


def test_a_file_whose_numbers_are_texts_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("time,site,ph\n2026-01-01T00:00:00Z,A,8.1*\n")
    with pytest.raises(InputError, match=r"'ph' holds no numbers: .* says '8.1\*'"):
        scored(file, tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,bad\n2026-01-01T00:00:00Z,2\n", "neither 0 nor 1"),
        ("time,a,b\n2026-01-01T00:00:00Z,1,0\n", "one column of 0 and 1"),
        ("time,bad\n2026-01-01T00:00:00Z,maybe\n", "line 2: label 'maybe' is neither"),
        ("time,bad\n2020-01-01T00:00:00Z,1\n", "no time that is in the recording"),
    ],
)
def test_a_wrong_label_file_is_one_sentence(
    tmp_path: Path, text: str, says: str
) -> None:
    label = tmp_path / "label.csv"
    label.write_text(text)
    with pytest.raises(InputError, match=says):
        scored(
            a_file(tmp_path, days=1), tmp_path, label=label, train_until="2026-01-02"
        )


def test_labels_may_be_true_and_false(tmp_path: Path) -> None:
    table = read_table(a_file(tmp_path, days=1))
    at = [pd.Timestamp(one, unit="ms").isoformat() for one in table.times_ms[:3]]
    label = tmp_path / "label.csv"
    label.write_text(f"time,bad,why\n{at[0]},True,ice\n{at[1]},False,\n")
    with pytest.raises(InputError, match="it has: bad, why"):
        read_labels(label, table)
    label.write_text(f"time,bad,why\n{at[0]},True,\n{at[1]},False,\n{at[2]},,\n")
    assert read_labels(label, table)[:3].tolist() == pytest.approx(
        [1.0, 0.0, math.nan], nan_ok=True
    )


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "o.csv"
    done = CliRunner().invoke(
        app, ["water", str(a_file(tmp_path, days=1)), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert len(out.read_text().splitlines()) == 1 + 3 * QUARTERS


def test_episodes_are_counted_as_the_page_says() -> None:
    hour = 3_600_000
    times = np.arange(40, dtype=np.int64) * hour // 4
    marks = np.zeros(40, bool)
    marks[[0, 1, 3, 20]] = True
    spans = stretches(times, marks)
    assert spans == [Span(0, 3 * hour // 4), Span(5 * hour, 5 * hour)]
    near, far = Span(6 * hour, 7 * hour), Span(8 * hour, 9 * hour)
    assert count_near(spans, [near]) == 1
    assert count_false([near, far], spans) == 1
    assert count_near([], spans) == 0
    assert count_false([far], []) == 1


@pytest.mark.skipif(not RIVER.is_file(), reason="the recordings are not here")
def test_a_technicians_river_by_the_month(tmp_path: Path) -> None:
    frame = pd.read_csv(RIVER).iloc[:2600]
    file = tmp_path / "river.csv"
    frame.to_csv(file, index=False)
    rows, _ = scored(file, tmp_path, channels="temperature_c")
    times = pd.to_datetime(frame["time"]).to_numpy().astype("datetime64[ms]")
    at = times.astype(np.int64)
    true = stretches(at, frame["temperature_c_label"].notna().to_numpy())
    said = stretches(at, (rows["score"] >= 0.5).to_numpy())
    assert count_near(true, said) == len(true) > 0
    assert count_false(said, true) <= 0.15 * 27


def test_a_row_a_channel_is_one_sentence_and_no_mixture(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    rows = (f"2026-06-01T0{n}:00:00Z,{{}},{n}\n" for n in range(9))
    text = "".join(row.format("pH") + row.format("DO (mg/L)") for row in rows)
    file.write_text("time,parameter,value\n" + text, encoding="utf-8")
    with pytest.raises(InputError, match=r"'parameter' says .* \(DO \(mg/L\), pH\)"):
        scored(file, tmp_path)


def test_two_columns_of_one_quantity_are_held_to_each_other(tmp_path: Path) -> None:
    random = Random(4)
    lines = ["time,do_1,temp_1,do_2,temp_2,ph"]
    for number in range(9 * QUARTERS):
        at = pd.Timestamp("2026-01-01") + pd.Timedelta(minutes=15 * number)
        day = number / QUARTERS
        oxygen = 6.5 + 1.8 * math.sin(day * 2 * math.pi) + random.gauss(0, 0.05)
        fouled = oxygen * 0.9 ** max(day - 4, 0)
        lines.append(f"{at.isoformat()}Z,{oxygen:.2f},28.1,{fouled:.2f},28.2,8.1")
    file = tmp_path / "two.csv"
    file.write_text("\n".join(lines) + "\n")
    rows, summary = scored(file, tmp_path)
    assert (
        "held to each other, as probes in the same water: do_1, temp_1, do_2, temp_2"
        in (summary)
    )
    late = rows[rows["time"] >= "2026-01-08"]
    said = late.groupby("channel")["score"].mean()
    assert said["do_2"] > 0.5 > said["do_1"]
    assert "do_2: fouled probe: clean it (sensor" in summary
    assert "compared with probe do_1" in summary
    cut = tmp_path / "cut.csv"
    cut.write_text("\n".join(lines[:600]) + "\n")
    same, _ = scored(cut, tmp_path)
    assert (same[["score", "event"]] == rows[["score", "event"]][: len(same)]).all(
        axis=None
    )


def test_a_probe_apart_by_name_is_a_probe_of_its_own() -> None:
    names = ["time_x", "do_1", "ph", "do_2", "ph_2", "salinity"]
    assert probes_of(names) == {
        "1": ["do_1"],
        "": ["time_x", "ph", "salinity"],
        "2": ["do_2", "ph_2"],
    }
    assert probes_of(["do", "ph"]) == {"": ["do", "ph"]}
    assert alike(names) == {
        "do_1": ["do_2"],
        "ph": ["ph_2"],
        "do_2": ["do_1"],
        "ph_2": ["ph"],
    }


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        scored(a_file(tmp_path, days=1), tmp_path / "none")


def test_a_learners_features_are_few_codes_in_their_order() -> None:
    # More than 255 different values a feature cost a sort each, minutes of a busy machine.
    rows = np.random.default_rng(5).normal(size=(2000, 2))
    rows[::7, 0] = np.nan
    edges = learned._edges_of(rows)
    codes = learned._coded(rows, edges)
    assert (np.isnan(codes) == np.isnan(rows)).all()
    assert len(np.unique(codes[:, 1])) <= 255
    order = np.argsort(rows[:, 1])
    assert (np.diff(codes[order, 1]) >= 0).all()
    assert len(np.unique(codes[:, 1])) > 200
