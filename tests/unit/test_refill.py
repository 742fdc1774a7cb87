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


def test_a_run_of_one_row_fills_that_row_alone() -> None:
    run = RUN.replace("| bay | 1 h | 0.51 |\n", "")
    page, missing = refilled(PAGE.replace("river", "bay"), run)
    assert "| bay | 1 h | 0.20 |" in page
    assert "| bay | 3 h | 0.52 |" in page
    assert missing == [("bay", "1 h", "0.20")]


def test_a_row_goes_on_from_the_one_above_it() -> None:
    page = "| water | x |\n|---|---|\n| bay | 1 |\n| … by night | 2 |\n"
    page += "| river | 3 |\n| … by night | 4 |\n"
    run = page.replace("2 |", "8 |").replace("4 |", "9 |")
    assert refilled(page, run) == (run, [])


def test_rows_of_a_page_that_cannot_be_told_apart_are_refused() -> None:
    """A script that took another table's rows left such a page behind."""
    with pytest.raises(ValueError, match="river"):
        refilled(PAGE + "\n" + PAGE.replace("bay | 3", "river | 1"), RUN)


def test_a_table_of_which_the_run_has_no_row_stays() -> None:
    page = "| water | x |\n|---|---|\n| bay | 1 |\n"
    head = page.removesuffix("| bay | 1 |\n")
    assert refilled(page, head) == (page, [("bay", "1")])


def test_a_page_without_the_runs_tables_stays() -> None:
    assert refilled("no table\n", RUN) == ("no table\n", [])
