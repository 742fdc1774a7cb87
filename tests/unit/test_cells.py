"""Cells of the tables that go out: no visitor's words are a formula on somebody's desk."""

import pytest

from traceability.book.tables import plain_cell


@pytest.mark.parametrize(
    "words",
    ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1",
     "-1e5-HYPERLINK(1)", "+84 905 000 001=1"],
)  # fmt: skip
def test_no_words_are_a_formula(words: str) -> None:
    assert plain_cell(words) == f"'{words}"


@pytest.mark.parametrize(
    "cell", ["-1.5", "+84 905 000 001", "-1.234,5", "-1e-05", "Tôm", "", "a=b", "1+1"]
)
def test_numbers_and_words_stay(cell: str) -> None:
    assert plain_cell(cell) == cell
