"""`greenwater score track`: its words, its refusals, and that it never looks ahead."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace

from analytics.fishing.features import features, features_of
from analytics.score.fixes import tracks_of
from analytics.score.table import Table, read_table
from analytics.score.track import score_track
from greenwater.kernel.errors import InputError


def nothing(done: int, whole: int) -> None:
    pass


def a_file(path: Path, hours: float = 20) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = int(hours * 6)
    times = pd.date_range("2026-06-01", periods=n, freq="10min", tz="UTC")
    is_slow = (np.arange(n) // 30) % 2 == 1
    parts = [
        pd.DataFrame(
            {
                "vessel": vessel,
                "time": times.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "speed": np.where(is_slow, 3.0, 9.5) + rng.normal(0, 0.3, n),
                "bearing": np.where(is_slow, rng.uniform(0, 360, n), 90.0),
                "gear": "trawl",
            }
        )
        for vessel in ("b", "a")
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame.to_csv(path, index=False)
    return frame


def off_and_on(told: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the same, written to a file, with distances to shore from 1 to 39 km."""
    far = 20 + 19 * np.sin(np.arange(len(told)) / 15)
    told = told.assign(distance_to_shore_km=far)
    told.to_csv(path, index=False)
    return told


def scored(path: Path) -> pd.DataFrame:
    out = path.with_suffix(".out.csv")
    score_track(path, out, trips=None, progress=nothing)
    return pd.read_csv(out)


def test_slow_and_turning_is_fishing_and_rows_keep_their_order(tmp_path: Path) -> None:
    told = a_file(tmp_path / "t.csv")
    found = scored(tmp_path / "t.csv")
    assert found["vessel"].to_list() == told["vessel"].to_list()
    assert found["time"].to_list() == told["time"].to_list()
    late = np.arange(len(found)) % 30 > 20
    is_slow = told["speed"] < 5.5
    assert ((found["activity"] == "fishing") == is_slow)[late].mean() > 0.9


def test_a_file_cut_short_says_the_same_until_there(tmp_path: Path) -> None:
    told = off_and_on(a_file(tmp_path / "whole.csv"), tmp_path / "whole.csv")
    whole = scored(tmp_path / "whole.csv")
    early = told["time"] < "2026-06-01T09:00:00Z"
    told[early].to_csv(tmp_path / "cut.csv", index=False)
    cut = scored(tmp_path / "cut.csv")
    pd.testing.assert_frame_equal(cut, whole[early].reset_index(drop=True))


def test_a_troller_fishes_at_the_speed_at_which_others_steam(tmp_path: Path) -> None:
    told = a_file(tmp_path / "t.csv")
    is_slow = told["speed"] < 5.5
    told["speed"], told["bearing"] = np.where(is_slow, 7.4, 10.5), 90.0
    told.assign(gear="trawl").to_csv(tmp_path / "t.csv", index=False)
    steams = scored(tmp_path / "t.csv")["activity"] == "steaming"
    told.assign(gear="Trollers").to_csv(tmp_path / "t.csv", index=False)
    found = scored(tmp_path / "t.csv")
    settled = np.arange(len(found)) % 30 > 20
    assert steams[settled & is_slow].mean() > 0.9
    assert ((found["activity"] == "fishing") == is_slow)[settled].all()
    early = told["time"] < "2026-06-01T09:00:00Z"
    told[early].assign(gear="Trollers").to_csv(tmp_path / "cut.csv", index=False)
    cut = scored(tmp_path / "cut.csv")
    pd.testing.assert_frame_equal(cut, found[early].reset_index(drop=True))


def test_a_fix_alone_is_not_classified(tmp_path: Path) -> None:
    told = a_file(tmp_path / "t.csv", hours=40).iloc[[0, 60, 220]]
    told.to_csv(tmp_path / "few.csv", index=False)
    words = scored(tmp_path / "few.csv")["activity"].to_list()
    assert words[::2] == ["unknown"] * 2
    assert words[1] != "unknown"


def test_a_file_with_names_and_commas_of_this_country(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    rows = [f"KH-1;01/06/2026 {h:02d}:00;12,{20 + h};109,{30 + h}" for h in range(9)]
    rows[4] = "KH-1;01/06/2026 04:00;912,5;109,3"
    text = "Số tàu;Thời gian;Vĩ độ;Kinh độ\n" + "\n".join(rows)
    file.write_text(text, encoding="utf-8")
    found = scored(file)
    assert set(found["vessel"]) == {"KH-1"}
    assert found["time"].iloc[0] == "2026-06-01T00:00:00Z"
    words = found["activity"].to_list()
    assert words[4] == "unknown", "a place on no Earth has no speed"
    assert "unknown" not in words[1:4] + words[5:], "the next is held to the one before"


def test_speeds_and_longitudes_of_other_units_say_the_same(tmp_path: Path) -> None:
    told = a_file(tmp_path / "t.csv")
    plain = scored(tmp_path / "t.csv")
    for name, scale in (("speed (km/h)", 1.852), ("speed (m/s)", 1852 / 3600)):
        other = told.rename(columns={"speed": name})
        other[name] *= scale
        other.to_csv(tmp_path / "o.csv", index=False)
        pd.testing.assert_frame_equal(scored(tmp_path / "o.csv"), plain)
    hours = np.arange(20)
    rows = {"vessel": 7, "time": pd.date_range("2026-06-01", periods=20, freq="1h")}
    found = []
    for lon in (110 + hours / 30, 179.7 + hours / 30, (359.7 + hours / 30) % 360):
        for west in (lon, (lon + 180) % 360 - 180):
            pd.DataFrame({**rows, "lat": 10.0, "lon": west}).to_csv(
                tmp_path / "p.csv", index=False
            )
            found.append(scored(tmp_path / "p.csv"))
            pd.testing.assert_frame_equal(found[-1], found[0])


def told_of(path: Path) -> str:
    return score_track(path, path.with_suffix(".out.csv"), trips=None, progress=nothing)


@pytest.mark.parametrize(
    ("names", "scale"),
    [
        (("MMSI", "BaseDateTime", "SOG", "COG"), 1.0),
        (("Tên tàu", "Thời gian", "Tốc độ (hải lý/giờ)", "Hướng (độ)"), 1.0),
        (
            ("ship_id", "Date/Time (UTC)", "Speed over ground [m/s]", "Heading"),
            0.514444,
        ),
        (("Vessel Name", "timestamp", "Vận tốc (km/giờ)", "course_deg"), 1.852),
    ],
)
def test_columns_of_other_names_and_units_say_the_same(
    tmp_path: Path, names: tuple[str, ...], scale: float
) -> None:
    told = a_file(tmp_path / "t.csv", hours=5)
    plain = scored(tmp_path / "t.csv")
    told["speed"] *= scale
    told = told.rename(
        columns=dict(zip(("vessel", "time", "speed", "bearing"), names, strict=True))
    )
    told.sample(frac=1, random_state=1).to_csv(tmp_path / "o.csv", index=False)
    assert "not used" not in told_of(tmp_path / "o.csv")
    found = pd.read_csv(tmp_path / "o.out.csv").sort_values(["vessel", "time"])
    expected = plain.sort_values(["vessel", "time"])
    assert found["activity"].to_list() == expected["activity"].to_list()
    np.testing.assert_allclose(found["probability"], expected["probability"], atol=0.02)


def test_places_as_charts_write_them_are_places(tmp_path: Path) -> None:
    rows = {"vessel": "v", "time": pd.date_range("2026-06-01", periods=6, freq="1h")}
    minutes = np.arange(6) * 4.5
    pd.DataFrame({**rows, "lat": -12.25, "lon": 109 + minutes / 60}).to_csv(
        tmp_path / "p.csv", index=False
    )
    plain = scored(tmp_path / "p.csv")
    for lat in ("12°15'00\"S", "S 12.25", "-12 15", "12,25 s"):
        lon = [f"109°{one:.1f}'E" for one in minutes]
        pd.DataFrame({**rows, "Lat": lat, "Longitude": lon}).to_csv(
            tmp_path / "o.csv", index=False
        )
        assert "left aside" not in told_of(tmp_path / "o.csv")
        pd.testing.assert_frame_equal(scored(tmp_path / "o.csv"), plain)


@pytest.mark.parametrize(
    ("lat", "says"),
    [
        ("12°75'N", "line 2, column 'lat': \"12°75'N\""),
        ("N 12.2 S", "line 2"),
        ("inshore", "no place"),
    ],
)
def test_a_place_that_is_none_is_refused(tmp_path: Path, lat: str, says: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(
        f"vessel,time,lat,lon\nv,2026-06-01,{lat},109 E\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=says):
        scored(file)


def test_what_was_not_understood_is_said(tmp_path: Path) -> None:
    told = a_file(tmp_path / "t.csv", hours=3)
    told["vessel"] = np.where(told.index % 6 == 0, " ", told["vessel"] + "  ")
    told["latitude"], told["longitude"], told["draught"] = 109.3, 12.2, 2.0
    told.loc[4, "speed"] = -1
    told.to_csv(tmp_path / "t.csv", index=False)
    text = told_of(tmp_path / "t.csv")
    assert "6 rows name no vessel: not classified" in text
    assert "1 speeds are none" in text
    assert "36 rows are at no place" in text
    assert "the wrong way round?" in text
    assert "not used: draught" in text
    found = pd.read_csv(tmp_path / "t.out.csv", keep_default_na=False)
    assert set(found["vessel"]) == {"", "a", "b"}
    assert set(found["activity"][found["vessel"] == ""]) == {"unknown"}
    told["speed"] = "3 kn"
    told.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="'speed' holds no numbers: it says '3 kn'"):
        scored(tmp_path / "t.csv")


def test_what_a_receiver_writes_for_no_value_is_none(tmp_path: Path) -> None:
    told = a_file(tmp_path / "t.csv")
    told.loc[::7, "speed"], told.loc[3::7, "speed"] = 102.3, -1
    told.to_csv(tmp_path / "t.csv", index=False)
    is_none = told["speed"].isin([102.3, -1])
    assert (scored(tmp_path / "t.csv")["activity"][is_none] == "unknown").all()


def test_neither_speed_nor_position_is_refused(tmp_path: Path) -> None:
    told = a_file(tmp_path / "t.csv").drop(columns="speed")
    told.to_csv(tmp_path / "none.csv", index=False)
    with pytest.raises(InputError, match="speed_kn"):
        scored(tmp_path / "none.csv")


def test_a_trip_runs_from_leaving_a_port_to_landing(tmp_path: Path) -> None:
    lon = [109.195] * 3 + [109.25, 109.4, 109.6, 109.4, 109.25] + [109.195] * 2
    frame = pd.DataFrame(
        {
            "vessel": "v",
            "time": [f"2026-06-01T{hour:02}:00:00Z" for hour in range(10)],
            "lat": 12.2,
            "lon": lon,
            "speed": [0.0] * 3 + [7.0] * 5 + [0.5] * 2,
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    scored(tmp_path / "t.csv")
    trips = pd.read_csv(tmp_path / "t.out.trips.csv")
    assert trips.to_numpy().tolist() == [
        ["v", "2026-06-01T02:00:00Z", "2026-06-01T08:00:00Z", "CHR"]
    ]


def test_vessels_asked_about_together_are_judged_as_each_alone(tmp_path: Path) -> None:
    off_and_on(a_file(tmp_path / "t.csv"), tmp_path / "t.csv")
    tracks = [one for _, one in tracks_of(read_table(
        tmp_path / "t.csv", texts=("vessel", "gear"), is_sorted=False)).values()]  # fmt: skip
    few = replace(
        tracks[0],
        times_ms=tracks[0].times_ms[:2] + 10**12,
        speed_kn=tracks[0].speed_kn[:2],
        course_change_deg=tracks[0].course_change_deg[:2],
        shore_km=tracks[0].shore_km[:2],
    )
    many = [tracks[0], few, tracks[1], few]
    alone = np.vstack([features(one) for one in many])
    assert np.array_equal(features_of(many), alone, equal_nan=True)


def test_fishing_in_a_closed_area_is_told_in_the_summary(tmp_path: Path) -> None:
    told = a_file(tmp_path / "t.csv", hours=8)
    told["latitude"], told["longitude"] = 12.155, 109.307
    told.loc[told["vessel"] == "b", "latitude"] = 12.5
    told.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "out.csv"
    text = score_track(tmp_path / "t.csv", out, trips=None, progress=nothing)
    (line,) = [one for one in text.splitlines() if "Hòn Mun" in one]
    assert line.startswith("a: ")
    assert "reference value" in line


def test_coarse_places_seconds_apart_still_tell_a_speed() -> None:
    count = 400
    times_ms = np.arange(count, dtype=np.int64) * 30_000
    metres = np.arange(count) * 30 * 3 * 1852 / 3600  # 3 kn to the east
    fine = {"lat": np.zeros(count) + 1e-7, "lon": 110 + metres / 111_195}
    coarse = {name: np.round(one, 3) for name, one in fine.items()}
    spread = []
    for numbers in (fine, coarse):
        texts = {"vessel": ["v"] * count}
        table = Table(times_ms, numbers, texts, np.arange(count), [])
        ((_, track),) = tracks_of(table).values()
        spread.append(np.abs(track.speed_kn[10:] - 3).max())
    assert spread[0] < 0.01, "measured from the place before"
    assert 0.1 < spread[1] < 2.0, "one step in 30 s would be 7 kn, and none 0"
