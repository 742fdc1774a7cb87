"""The tables of a run find their own rows in a page, and no others."""

import pytest

from benchmarks.refill import refilled

PAGE = """\
| water | ahead | skill |
|---|---|---|
| bay | 3 h | 0.10 |
| river | 1 h | 0.20 |

| water | ahead | crashes |
|---|---|---|
| bay | 3 h | 7 |
"""

RUN = """\
## some part
| water | ahead | skill |
|---|---|---|
| bay | 1 h | 0.51 |
| bay | 3 h | 0.52 |

| water | ahead | crashes |
|---|---|---|
| bay | 3 h | 9 |
"""


def test_a_row_is_found_by_its_tables_header_and_its_first_cells() -> None:
    page, missing = refilled(PAGE, RUN)
    expected = PAGE.replace("0.10", "0.52").replace("| 7 |", "| 9 |")
    assert page == expected
    assert missing == [("river", "1 h", "0.20")]


def test_rows_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="bay"):
        refilled(PAGE, RUN.replace("3 h | 0.52", "1 h | 0.51"))


def test_a_page_without_the_runs_tables_stays() -> None:
    assert refilled("no table\n", RUN) == ("no table\n", [])
