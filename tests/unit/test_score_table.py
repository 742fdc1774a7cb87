"""Anyone's CSV: read whole, or one sentence why not."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from analytics.score.table import canonical, format_instants, parse_instant, read_table
from greenwater.kernel.errors import InputError


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
        ("time,ph\n2026-01-01,8\n2026-01-02,acid\n", "line 3, column 'ph': 'acid'"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_table(written(tmp_path, text))


def test_names_with_another_unit_are_no_channel_of_ours() -> None:
    assert canonical("pH") == "ph"
    assert canonical("specific_conductivity_us_cm") == "specific_conductivity_us_cm"
    with pytest.raises(InputError, match="--train-until 'soon' is no time"):
        parse_instant("soon", "--train-until")
