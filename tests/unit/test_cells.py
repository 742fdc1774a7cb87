"""Cells of the tables that go out: no visitor's words are a formula on somebody's desk."""

import pytest

from greenwater.kernel.cells import plain_cell
from web.api.readings import as_csv


@pytest.mark.parametrize(
    "words",
    ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1",
     "-1e5-HYPERLINK(1)", "+84 905 000 001=1", "\n=1", "\uff1d1+1", "\uff20SUM(A1)"],
)  # fmt: skip
def test_no_words_are_a_formula(words: str) -> None:
    assert plain_cell(words) == f"'{words}"


@pytest.mark.parametrize(
    "cell", ["-1.5", "+84 905 000 001", "-1.234,5", "-1e-05", "Tôm", "", "a=b", "1+1"]
)
def test_numbers_and_words_stay(cell: str) -> None:
    assert plain_cell(cell) == cell


def test_the_read_api_writes_no_formula() -> None:
    rows = [
        {"unit": '=cmd|" /C calc"!A0', "value": -1.5, "depth_m": None, "uom": "mg/L"},
        {"unit": "-2+3", "value": 4, "depth_m": 0.5, "uom": "@a,b"},
    ]
    assert as_csv(("unit", "value", "depth_m", "uom"), rows).splitlines() == [
        "unit,value,depth_m,uom",
        '"\'=cmd|"" /C calc""!A0",-1.5,,mg/L',
        "'-2+3,4,0.5,\"'@a,b\"",
    ]
