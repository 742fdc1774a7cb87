"""Codes on paper: what they look like, and that cameras read what was chosen."""

import numpy as np
import pytest

from benchmarks.readback import labels
from greenwater.kernel.errors import InputError
from greenwater.reference.papers import PAPERS, Paper
from tests.harm import HARMS, is_read, printed, seen
from traceability.label.printing import fitted, wrap
from traceability.proof.codes import (
    CODE_MM,
    ENOUGH_MM,
    LEAST_MODULE_MM,
    LEVEL,
    QUIET_MODULES,
    SMALL_LEVEL,
    code_svg,
    modules,
    runs,
)

CAUGHT, FARMED = labels(2)
LEAST_READ = {"blur 0.15 mm": 1, "blur 0.2 mm": 0, "10 % torn": 2, "10 % in spots": 1}
"""Of four codes; all others are read every time but once."""


@pytest.mark.parametrize(("module_mm", "dpi"), [(None, 300), (3 * 25.4 / 203, 203)])
@pytest.mark.parametrize("harm", HARMS)
def test_codes_are_read_back_from_paper(
    harm: str, module_mm: float | None, dpi: int
) -> None:
    """A part of ``make readback``: 25 mm at 300 dpi, three dots at 203 dpi."""
    rng, good = np.random.default_rng(3), 0
    for text in (FARMED, CAUGHT) * 2:
        wide_mm = module_mm or CODE_MM / len(modules(text))
        paper = printed(text, LEVEL, wide_mm, dpi)
        good += is_read(HARMS[harm](seen(paper, dpi, rng), rng), text, rng)
    assert good >= LEAST_READ.get(harm, 3), good


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_labels_stand_on_their_paper(paper: Paper) -> None:
    places = [paper.place(number) for number in range(paper.per_page)]
    for left, top in places:
        assert left >= 0
        assert top >= 0
        assert left + paper.label[0] <= paper.page[0] + 0.01
        assert top + paper.label[1] <= paper.page[1] + 0.01
    for axis in (0, 1):
        assert paper.pitch[axis] >= paper.label[axis], "labels do not overlap"


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
@pytest.mark.parametrize("text", [FARMED, CAUGHT], ids=["farmed", "caught"])
def test_a_module_is_large_enough_and_whole_dots(paper: Paper, text: str) -> None:
    rows, wide_mm = fitted(text, paper)
    level = LEVEL if len(rows) == len(modules(text, LEVEL)) else SMALL_LEVEL
    assert wide_mm >= (ENOUGH_MM if level == LEVEL else LEAST_MODULE_MM)
    whole_mm = (len(rows) + 2 * QUIET_MODULES) * wide_mm
    assert whole_mm <= min(paper.label), "with its quiet zone it fits"
    assert len(rows) * wide_mm <= CODE_MM + 0.01 or paper.dpi
    if paper.dpi:
        dots = wide_mm / (25.4 / paper.dpi)
        assert dots == pytest.approx(round(dots))


def test_a_label_that_is_too_small_is_refused() -> None:
    tiny = Paper("x", "30 × 20 mm", (30, 20), (30, 20), 1, 1, (0, 0), (30, 20), 203)
    with pytest.raises(InputError, match="choose larger labels"):
        fitted(FARMED, tiny)


def test_runs_are_what_is_dark() -> None:
    row = [True, True, False, True, False, False, True]
    assert runs(row) == [(0, 2), (3, 1), (6, 1)]
    assert runs([False, False]) == []
    assert runs([]) == []


def test_a_code_on_a_page_is_25_mm_with_four_modules_around() -> None:
    size = len(modules(FARMED))
    svg = code_svg(FARMED, "x")
    assert f'viewBox="0 0 {size + 8} {size + 8}"' in svg
    assert f'width="{round(25 * (size + 8) / size, 2)}mm"' in svg


def test_text_is_broken_at_blanks_or_else_anywhere() -> None:
    def measure(text: str) -> float:
        return float(len(text))

    assert wrap("Tôm thẻ chân trắng", 8, measure) == ["Tôm thẻ", "chân", "trắng"]
    assert wrap("(01)09521234543213", 10, measure) == ["(01)095212", "34543213"]
    assert wrap("", 5, measure) == []
    assert wrap("abc", 0, measure) == ["a", "b", "c"]
