"""Anyone's CSV: read whole, or one sentence why not."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.score import cells
from analytics.score.names import is_verdict, meaning_of
from analytics.score.table import canonical, format_instants, parse_instant, read_table
from greenwater.kernel.errors import InputError
from tests.examples import examples


def written(folder: Path, text: str) -> Path:
    file = folder / "in.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_numbers_texts_and_holes_are_told_apart(tmp_path: Path) -> None:
    table = read_table(
        written(tmp_path, "time,ph,ph_qc\n2026-01-01,8.1,<0>\n2026-01-02,NA,<1>\n")
    )
    assert len(table) == 2
    assert table.numbers["ph"][0] == 8.1
    assert np.isnan(table.numbers["ph"][1])
    assert table.texts["ph_qc"] == ["<0>", "<1>"]
    assert "times have no zone: taken as UTC" in table.notes


def test_rows_out_of_order_are_sorted_and_said_to_be(tmp_path: Path) -> None:
    text = "time,ph\n2026-01-02T00:00:00Z,2\n2026-01-01T00:00:00Z,1\n"
    table = read_table(written(tmp_path, text))
    assert table.numbers["ph"].tolist() == [1, 2]
    assert table.lines.tolist() == [3, 2]
    assert any("were sorted" in note for note in table.notes)


def test_a_gzipped_file_with_names_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "in.csv.gz"
    file.write_bytes(gzip.compress(b"time,do_mg_l\n2026-01-01T00:00:00+07:00,5\n"))
    table = read_table(file)
    assert table.find("dissolved_oxygen") == "do_mg_l"
    assert table.column("dissolved_oxygen").tolist() == [5]
    assert format_instants(table.times_ms) == ["2025-12-31T17:00:00Z"]
    with pytest.raises(InputError, match="no column 'ph'"):
        table.column("ph")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("time,ph\n", "a header line and no rows"),
        ("when,ph\n1,2\n", "no column 'time'"),
        ("time,ph\nyesterday,2\n", "line 2: time 'yesterday' is no instant"),
        ("time,ph\n2026-01-01,8\n\n2026-01-02,acid\n", "line 4, column 'ph': 'acid'"),
        ("time,ph\n2026-01-01,8\n2026-01-02,8,9\n", "Expected 2 fields in line 3"),
        ("time,ph\n2026-01-01,8,9\n", "more cells than its header"),
        ("time,ph,ph\n2026-01-01,8,8\n", "two columns 'ph'"),
        ("time,ph\n31/02/2026,8\n", "line 2: 31/2/2026 is no day"),
        ("time,ph\n2026-01-01 10:00-10:15,8\n", "of an interval write the beginning"),
        ("time,ph\n2026-01-01 16:00-17:00,8\n", "line 2: time '2026-01-01 16:00-17"),
        ("stamp,ph,when\n2026-01-01,8,day\n", "'time'; it has: stamp, ph, when"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_table(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "first", "value"),
    [
        ("\ufefftime;ph\n2026-01-01T00:00:00Z;8,1\n", "2026-01-01T00:00:00Z", 8.1),
        ("Thời gian,pH\n13/06/2026 07:30,8.1\n", "2026-06-13T07:30:00Z", 8.1),
        ("Ngày\tGiờ\tpH\n1/6/2026\t8:30 CH\t8.1\n", "2026-06-01T20:30:00Z", 8.1),
        ('date,time,ph\n2026-06-01,07:30,"1.008,1"\n', "2026-06-01T07:30:00Z", 1008.1),
        ("time,ph\n6/13/2026 1:05 PM,8.1\n", "2026-06-13T13:05:00Z", 8.1),
        (",time,ph\n0,1780000000,8.1\n", "2026-05-28T20:26:40Z", 8.1),
        ("time,ph\n07:30 01/06/2026,8.1\n", "2026-06-01T07:30:00Z", 8.1),
        ("time (UTC+7),ph\n2026-06-01 07:30,8.1\n", "2026-06-01T00:30:00Z", 8.1),
        ("time,ph\n6/13/2026 1:05 p.m.,8.1\n", "2026-06-13T13:05:00Z", 8.1),
        ("time,ph\n46174.3125,8.1\n", "2026-06-01T07:30:00Z", 8.1),
        ("sep=;\ntime;ph\n2026-06-01 07:30;8,1\n", "2026-06-01T07:30:00Z", 8.1),
        (
            '"Plot Title: 9"\n"Date Time, GMT-07:00","pH (LGR S/N: 9, SEN S/N: 8)"\n'
            "06/13/26 07:30:00,8.1\n",
            "2026-06-13T14:30:00Z",
            8.1,
        ),
        (
            '"TOA5","CR1000"\n"TIMESTAMP","RECORD","pH_Avg"\n"TS","RN","pH"\n'
            '"","","Avg"\n"2026-06-13 07:30:00",1,8.1\n',
            "2026-06-13T07:30:00Z",
            8.1,
        ),
        (
            "KOR Export\n\nDate (MM/DD/YYYY),Time (HH:mm:ss),Time (Fract. Sec),pH\n"
            "06/13/2026,07:30:00,,8.1\n",
            "2026-06-13T07:30:00Z",
            8.1,
        ),
        ("time,ph\n\n2026-06-01 07:30,8.1,\n", "2026-06-01T07:30:00Z", 8.1),
        ("time;ph\n2026-06-01 07:30;8,1;;\n", "2026-06-01T07:30:00Z", 8.1),
        ("time,ph\n2026-06-01 07:30,8.1\ntime,ph\n", "2026-06-01T07:30:00Z", 8.1),
        (
            "# made by X\n# Timestamp,ph\n01/06/2026 07:30,8.1\n",
            "2026-06-01T07:30:00Z",
            8.1,
        ),
        ("BaseDateTime,ph\n2026-06-01T07:30:00,8.1\n", "2026-06-01T07:30:00Z", 8.1),
    ],
)
def test_files_as_people_have_them(
    tmp_path: Path, text: str, first: str, value: float
) -> None:
    table = read_table(written(tmp_path, text))
    assert format_instants(table.times_ms) == [first]
    assert table.column("ph").tolist() == [value]
    assert [canonical(name) for name in table.numbers][-1:] == ["ph"]


def test_a_header_that_comes_again_is_left_aside_and_counted(tmp_path: Path) -> None:
    rows = "".join(f"2026-06-01T{n:02d}:00:00Z,{n}\n" for n in range(4))
    table = read_table(written(tmp_path, f"time,ph\n{rows}time,ph\n time ,ph\n{rows}"))
    assert "2 lines are the header again: left aside" in table.notes
    assert table.numbers["ph"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert sorted(table.lines.tolist()) == [2, 3, 4, 5, 8, 9, 10, 11]


def test_a_line_of_units_is_left_aside_and_one_of_nonsense_is_not(
    tmp_path: Path,
) -> None:
    rows = "2026-06-01T00:00:00Z,8.1\n2026-06-01T00:15:00Z,8.2\n"
    table = read_table(written(tmp_path, f"time,ph\nUTC,pH units\n{rows}"))
    assert table.notes == ["line 2 says units: left aside"]
    assert table.lines.tolist() == [3, 4]
    with pytest.raises(InputError, match="line 2: time 'UTC' is no instant"):
        read_table(written(tmp_path, f"time,ph\nUTC,9\n{rows}"))


@pytest.mark.parametrize("zone", ["+05:45", "-09:30", "+14:00", "-12", "Z"])
def test_a_zone_of_this_world_is_no_interval(tmp_path: Path, zone: str) -> None:
    table = read_table(written(tmp_path, f"time,ph\n2026-06-01T00:00:00{zone},8.1\n"))
    assert len(table) == 1


def test_the_zone_of_a_column_is_for_cells_without_one(tmp_path: Path) -> None:
    rows = "2026-06-01 07:30,8.1\n2026-06-01T00:45:00Z,8.2\n"
    table = read_table(written(tmp_path, f'"Time, GMT+07:00",ph\n{rows}'))
    assert np.diff(table.times_ms).tolist() == [900_000]
    assert table.notes == ["times are taken as UTC+7, as their column says"]


def test_numbers_with_something_behind_them_are_quoted(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "time,DO\n2026-06-01,8.1 mg/L\n"))
    with pytest.raises(InputError, match=r"'DO' holds no numbers: .* says '8.1 mg/L'"):
        table.column("dissolved_oxygen")


def test_days_come_first_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    text = "time,ph\n01/06/2026 00:00,1\n2026-06-01T00:00:00+07:00,2\n"
    table = read_table(written(tmp_path, text))
    assert format_instants(table.times_ms) == [
        "2026-05-31T17:00:00Z",
        "2026-06-01T00:00:00Z",
    ]
    assert any("days first" in note for note in table.notes)
    assert any(note.startswith("1 times have no zone") for note in table.notes)
    late = text + "06/13/2026 00:00,3\n"
    table = read_table(written(tmp_path, late))
    assert "times are read as month/day/year" in table.notes
    assert format_instants(table.times_ms)[0] == "2026-01-06T00:00:00Z"


def test_a_type_is_settled_by_the_whole_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "PIECE", 2)
    rows = [f"2026-01-{day:02d}T00:00:00Z" for day in range(1, 8)]
    text = "time,ph,note,odd\n" + "".join(
        f"{at},{n if n > 3 else ''},{'' if n < 4 else 'x'},{'x' if n < 5 else ''}\n"
        for n, at in enumerate(rows)
    )
    table = read_table(written(tmp_path, text))
    assert table.numbers["ph"][4:].tolist() == [4, 5, 6]
    assert table.texts["note"] == ["", "", "", "", "x", "x", "x"]
    with pytest.raises(InputError, match="line 2, column 'odd': 'x' is no number"):
        read_table(written(tmp_path, text + "2026-01-09T00:00:00Z,1,x,1\n"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\3\4xxxx", "save it as CSV"),
        (bytes(range(256)), "is no text"),
        (b"<!DOCTYPE html><table>", "is a page or JSON"),
        (b'[{"time": "2026-01-01", "ph": 8}]', "is a page or JSON"),
        (gzip.compress(b"time,ph\n2026-01-01,8\n" * 99)[:40], "cannot be read as CSV"),
    ],
)
def test_what_is_no_text_is_one_sentence(
    tmp_path: Path, content: bytes, says: str
) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_table(file)
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("DO (mg/L)", ("dissolved_oxygen", "")),
        ("Oxy hòa tan - tầng đáy", ("dissolved_oxygen", "tang_day")),
        ("Nhiệt độ (°C)", ("temperature", "")),
        ("Độ mặn (‰)", ("salinity", "")),
        ("temp_1_c", ("temperature", "1")),
        ("do_0.5m", ("dissolved_oxygen", "0_5m")),
        ("DO probe 2", ("dissolved_oxygen", "probe_2")),
        ("Nhiệt độ - đầu dò 2", ("temperature", "dau_do_2")),
        ("ph_label", ("ph_label", "")),
        ("Temp (°F)", ("Temp (°F)", "")),
        ("ODO mg/L", ("dissolved_oxygen", "")),
        ("ODO % sat", ("oxygen_saturation", "")),
        ("Turbidity FNU", ("turbidity", "")),
        ("pH (pH units)", ("ph", "")),
        ("Oxygen, dissolved (mg.L-1)", ("dissolved_oxygen", "")),
        ("Temperature (Celsius)", ("temperature", "")),
        ("DO (µmol/L)", ("DO (µmol/L)", "")),
    ],
)
def test_a_name_says_which_channel_and_which_probe(
    name: str, meaning: tuple[str, str]
) -> None:
    assert meaning_of(name) == meaning


def test_names_with_another_unit_are_no_channel_of_ours() -> None:
    assert canonical("pH") == "ph"
    assert canonical("specific_conductivity_us_cm") == "specific_conductivity_us_cm"
    with pytest.raises(InputError, match="--train-until 'soon' is no time"):
        parse_instant("soon", "--train-until")


WRITTEN = {
    "iso": "%Y-%m-%dT%H:%M:%SZ",
    "compact": "%Y%m%dT%H%M%SZ",
    "14 digits": "%Y%m%d%H%M%S",
    "year first": "%Y/%m/%d %H:%M:%S",
    "named": "%d-%b-%Y %H:%M:%S",
    "zone named": "%Y-%m-%d %H:%M:%S UTC",
    "day first": "%d/%m/%Y %H:%M:%S",
    "two digits": "%m/%d/%y %H:%M:%S",
}


@pytest.mark.parametrize("form", WRITTEN)
def test_every_month_is_read_in_every_form(tmp_path: Path, form: str) -> None:
    at = [pd.Timestamp(2024, month, 25, 13, 5, 7) for month in range(1, 13)]
    cells = [f"{one.strftime(WRITTEN[form])},8.1" for one in at]
    table = read_table(written(tmp_path, "\n".join(["time,ph", *cells])))
    assert table.times_ms.tolist() == [int(one.timestamp()) * 1000 for one in at]


@settings(max_examples=examples(25), deadline=None)
@given(
    form=st.sampled_from([*WRITTEN, 1.0, 1e3, 1e6, 1e9]),
    seconds=st.lists(st.integers(10**9, 2 * 10**9), min_size=1, max_size=4),
    has_remark=st.booleans(),
)
def test_an_instant_is_the_same_however_it_is_written(
    tmp_path_factory: pytest.TempPathFactory,
    form: str | float,
    seconds: list[int],
    has_remark: bool,
) -> None:
    # The 25th says which of two small numbers is the day.
    at = [one - one % 86_400 + 86_400 for one in seconds] + [1_419_465_600]
    if isinstance(form, str):
        cells = [pd.Timestamp(one, unit="s").strftime(WRITTEN[form]) for one in at]
    else:
        cells = [f"{one * int(form)}" for one in at]
    text = "# a logger of ours\n" * has_remark + "time,ph\n"
    file = tmp_path_factory.getbasetemp() / "instants.csv"
    file.write_text(text + "".join(f"{cell},8.1\n" for cell in cells))
    assert (read_table(file).times_ms // 1000).tolist() == sorted(at)


def test_verdicts_and_numbers_of_places_are_no_quantities() -> None:
    names = [
        "ph",
        "pH_QC",
        "is_anomaly",
        "Temp_Flag",
        "qc_do",
        "DO_qc_code",
        "ph_flag_2",
        "dissolvedOxygenFinalQF",
        "DO Qualifier",
        "Quality (1 = good)",
        "temp_c_corrected_1",
        "station_id",
        "Historical",
        "do_mg_l",
        "depth",
    ]
    assert [one for one in names if not is_verdict(one)] == ["ph", "do_mg_l", "depth"]
