"""Pages are short, their links lead somewhere, and they name code that is there."""

import re
from pathlib import Path

import pytest

from benchmarks.refill import Row, tables_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "deploy").glob("*.md"),
]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
DOCS = ROOT / "docs"
WALKS = ("tour.md", "architecture.md", "changing.md")
PACKAGES = "edge|ingest|greenwater|analytics|traceability|firmware_sim|web|cli|tests"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    dead = [x for x in LINK.findall(page.read_text()) if not (page.parent / x).exists()]
    assert not dead, f"{page.name} links to {dead}: not there"


@pytest.mark.parametrize(
    ("page", "most"),
    [("README.md", 120), ("docs/architecture.md", 250), ("docs/conventions.md", 100)],
)
def test_a_page_is_short(page: str, most: int) -> None:
    lines = len((ROOT / page).read_text().splitlines())
    assert lines <= most, f"{page} has {lines} lines, {most} are allowed: cut, or move"


def test_the_pictures_of_every_page_stay_small() -> None:
    """Whoever clones the project fetches them: eight megabytes are enough."""
    pictures = [*(ROOT / "docs" / "screenshots").glob("*.webp")]
    assert len(pictures) > 300
    assert sum(picture.stat().st_size for picture in pictures) < 8_000_000


@pytest.mark.parametrize("page", WALKS)
def test_a_page_about_the_code_names_files_that_exist(page: str) -> None:
    names = re.findall(rf"`((?:{PACKAGES})/[\w/.-]+)`", (DOCS / page).read_text())
    assert len(names) > 12
    gone = [
        n for n in names if not re.search("NAME|ROOM", n) and not (ROOT / n).exists()
    ]
    assert not gone, (
        f"docs/{page} names {gone}, which moved or went: name what is there"
    )


def test_the_tour_names_functions_that_stand_in_the_file_before_them() -> None:
    steps = re.findall(r"^\d+\. .*$", (DOCS / "tour.md").read_text(), re.MULTILINE)
    assert len(steps) > 15
    for step in steps:
        code = ""
        for quote in re.findall(r"`([^`]+)`", step):
            if "/" in quote:
                code = (ROOT / quote).read_text()
                continue
            name = quote.rpartition(".")[2]
            is_there = re.search(rf"(def|class) {name}\b", code)
            assert is_there, (
                f"docs/tour.md: {quote} is not in the file before it: {step}"
            )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_row_of_a_table_has_its_columns_and_stands_once_on_its_page(
    page: Path,
) -> None:
    """Figures put in from a run, by hand or by a script, have landed in other rows."""
    seen: set[Row] = set()
    for _, head, rows in tables_of(page.read_text().splitlines()):
        uneven = [row for row in rows if len(row) != len(head)]
        assert not uneven, f"{page.name}: {len(head)} columns, but {uneven}"
        # "…" stands for the row above it; rows of few cells are words, and may come again.
        own = {row for row in rows if len(row) > 4 and not row[0].startswith("…")}
        twice = own & seen or {row for row in own if rows.count(row) > 1}
        assert not twice, f"{page.name}: a row stands twice: {twice}"
        seen |= own
