"""Labels on paper, as PDF: sheets for office printers, rolls for thermal ones.

Beside each code stands what a person reads, and what he can type if the code is torn. On
paper of a thermal printer a module is a whole number of its dots, and lies on them.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from fpdf import FPDF
from msgspec import Struct

from greenwater.kernel.errors import InputError
from greenwater.reference.papers import Paper
from traceability.proof.codes import (
    CODE_MM,
    ENOUGH_MM,
    LEAST_MODULE_MM,
    LEVEL,
    QUIET_MODULES,
    SMALL_LEVEL,
    Modules,
    modules,
    runs,
)

EDGE_MM: Final = 1.0
CODE_EDGE_MM: Final = 0.3
"""What is left white at the edge of a label: cutting is not exact. A code has its quiet
zone besides."""

LEAST_TEXT_MM: Final = 12.0
CUT_MM: Final = 0.1
MM_PT: Final = 72 / 25.4
SIMULATED: Final = "SỐ LIỆU MÔ PHỎNG"


class LabelText(Struct, frozen=True):
    """What stands beside a code: the address in it, its serial, and lines for people."""

    uri: str
    serial: str
    lines: tuple[str, ...]
    is_simulated: bool = False


class Type(Struct, frozen=True):
    """How text is set: sizes in points, how far lines are apart in mm."""

    head_pt: float
    body_pt: float
    line_mm: float


LARGE: Final = Type(7.0, 6.0, 2.7)
SMALL: Final = Type(4.6, 4.2, 1.85)


def fitted(text: str, paper: Paper) -> tuple[Modules, float]:
    """Return a code as it fits on a paper's labels: its modules, how wide one is in mm.

    Raises:
        InputError: it would be too small to be read.
    """
    rows = modules(text, LEVEL)
    wide_mm = module_mm(paper, len(rows))
    if wide_mm >= ENOUGH_MM:
        return rows, wide_mm
    rows = modules(text, SMALL_LEVEL)
    wide_mm = module_mm(paper, len(rows))
    if wide_mm >= LEAST_MODULE_MM:
        return rows, wide_mm
    raise InputError(
        f"{paper.title}: a module of the code would be {wide_mm:.2f} mm, and less than "
        f"{LEAST_MODULE_MM} mm is not read: choose larger labels",
        "paper_small",
    )


def module_mm(paper: Paper, size: int) -> float:
    """Return how wide a module of a code of so many modules can be on a paper's labels."""
    width, height = paper.label
    whole = size + 2 * QUIET_MODULES
    room_mm = min(height, width - LEAST_TEXT_MM) - CODE_EDGE_MM
    if paper.dpi is None:
        return min(room_mm / whole, CODE_MM / size)
    dot_mm = 25.4 / paper.dpi
    # A hair more, so that what fits exactly does.
    return int(room_mm / whole / dot_mm + 1e-6) * dot_mm


def sheet_pdf(
    labels: Sequence[LabelText],
    fonts: Path,
    paper: Paper,
    *,
    on_page: Callable[[int], None] | None = None,
) -> bytes:
    """Return labels on pages of this paper; ``fonts`` has DejaVu Sans in two weights.

    Raises:
        InputError: the codes do not fit on it.
    """
    pdf = FPDF(format=paper.page, unit="mm")
    pdf.set_auto_page_break(False)
    pdf.add_font("label", "", str(fonts / "DejaVuSans.ttf"))
    pdf.add_font("label", "B", str(fonts / "DejaVuSans-Bold.ttf"))
    sheet = _Sheet(pdf, paper)
    for number, label in enumerate(labels):
        page, place = divmod(number, paper.per_page)
        if place == 0:
            sheet.turn()
            if on_page is not None:
                on_page(page)
        sheet.draw(label, *paper.place(place))
    out = BytesIO()
    pdf.output(out)
    return out.getvalue()


class _Sheet:
    """Draws labels, the first at the left top."""

    def __init__(self, pdf: FPDF, paper: Paper) -> None:
        self._pdf, self._paper = pdf, paper
        self._wrapped: dict[tuple[str, str, float, float], list[str]] = {}

    def turn(self) -> None:
        """Begin a page."""
        self._pdf.add_page(orientation="P", format=self._paper.page)
        self._pdf.set_draw_color(200)
        self._pdf.set_fill_color(0)
        self._pdf.set_line_width(CUT_MM)

    def draw(self, label: LabelText, left: float, top: float) -> None:
        """Draw one label."""
        width, height = self._paper.label
        if self._paper.per_page > 1:
            self._pdf.rect(left, top, width, height)
        rows, wide_mm = fitted(label.uri, self._paper)
        whole_mm = wide_mm * (len(rows) + 2 * QUIET_MODULES)
        down_mm = (height - whole_mm) / 2
        if self._paper.dpi is not None:
            dot_mm = 25.4 / self._paper.dpi
            down_mm = int(down_mm / dot_mm) * dot_mm
        quiet_mm = QUIET_MODULES * wide_mm
        self._code(rows, left + quiet_mm, top + down_mm + quiet_mm, wide_mm)
        self._write(label, left + whole_mm, top, width - whole_mm - EDGE_MM)

    def _code(
        self, rows: Sequence[Sequence[bool]], left: float, top: float, wide_mm: float
    ) -> None:
        """Draw the dark runs as one path, in modules, from the code's left top."""
        scale = wide_mm * MM_PT
        down = self._pdf.h_pt - top * MM_PT
        path = " ".join(
            f"{x} {y} {width} 1 re"
            for y, row in enumerate(rows)
            for x, width in runs(row)
        )
        self._pdf._out(
            f"q {scale:.5f} 0 0 -{scale:.5f} {left * MM_PT:.4f} {down:.4f} cm {path} f Q"
        )

    def _write(self, label: LabelText, left: float, top: float, width: float) -> None:
        lines = [("B", label.lines[0]), *(("", one) for one in label.lines[1:])]
        if label.is_simulated:
            lines.insert(0, ("B", SIMULATED))
        height = self._paper.label[1] - 2 * EDGE_MM
        style, set_lines = LARGE, self._set(lines, width, LARGE)
        if len(set_lines) * style.line_mm > height:
            style, set_lines = SMALL, self._set(lines, width, SMALL)
        at = top + EDGE_MM + style.line_mm
        for weight, text in set_lines:
            if at > top + self._paper.label[1]:
                break
            self._pdf.set_font("label", weight, _points(style, weight))
            self._pdf.text(left, at, text)
            at += style.line_mm

    def _set(
        self, lines: Sequence[tuple[str, str]], width: float, style: Type
    ) -> list[tuple[str, str]]:
        return [
            (weight, part)
            for weight, text in lines
            for part in self._wrap(text, weight, _points(style, weight), width)
        ]

    def _wrap(self, text: str, weight: str, points: float, width: float) -> list[str]:
        """Return a text in lines that fit, broken at blanks or else anywhere."""
        key = (text, weight, points, width)
        if key not in self._wrapped:
            self._pdf.set_font("label", weight, points)
            self._wrapped[key] = wrap(text, width, self._pdf.get_string_width)
        return self._wrapped[key]


def _points(style: Type, weight: str) -> float:
    return style.head_pt if weight == "B" else style.body_pt


def wrap(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Return a text in lines no wider than ``width``, broken at blanks or else anywhere."""
    found, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if measure(longer) <= width:
            line = longer
            continue
        if line:
            found.append(line)
        while measure(word) > width and len(word) > 1:
            end = next(
                n
                for n in range(len(word), 0, -1)
                if n == 1 or measure(word[:n]) <= width
            )
            found.append(word[:end])
            word = word[end:]
        line = word
    return [*found, line] if line else found
