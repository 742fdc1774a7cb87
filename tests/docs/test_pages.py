"""Pages are short, their links lead somewhere, and the tour names what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "deploy").glob("*.md"),
]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
TOUR = (ROOT / "docs" / "tour.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    dead = [x for x in LINK.findall(page.read_text()) if not (page.parent / x).exists()]
    assert dead == []


@pytest.mark.parametrize(
    ("page", "most"),
    [("README.md", 120), ("docs/architecture.md", 250), ("docs/conventions.md", 100)],
)
def test_a_page_is_short(page: str, most: int) -> None:
    assert len((ROOT / page).read_text().splitlines()) <= most


def test_the_pictures_of_every_page_stay_small() -> None:
    """Whoever clones the project fetches them: eight megabytes are enough."""
    pictures = [*(ROOT / "docs" / "screenshots").glob("*.webp")]
    assert len(pictures) > 300
    assert sum(picture.stat().st_size for picture in pictures) < 8_000_000


def test_the_tour_names_files_that_exist() -> None:
    names = re.findall(r"`((?:edge|ingest|greenwater|web|tests)/[\w/.]+)`", TOUR)
    assert len(names) > 12
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_the_tour_names_functions_that_exist() -> None:
    steps = re.findall(r"^\d+\. .*$", TOUR, re.MULTILINE)
    assert len(steps) > 8
    code = "".join(
        path.read_text()
        for package in ("edge", "ingest", "greenwater", "web")
        for path in (ROOT / package).rglob("*.py")
    )
    for step in steps:
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", step):
            assert re.search(rf"(def|class) {name}\b", code), name
