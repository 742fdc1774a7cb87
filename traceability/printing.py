"""Labels for paper: one as SVG, a sheet of them as PDF.

25 mm of code at 300 dpi, error level M, four modules of quiet zone (design §9): with key
and signature the code is version 10 or so. What is beside it, a person can type.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import qrcode
from fpdf import FPDF
from msgspec import Struct
from qrcode.constants import ERROR_CORRECT_M

CODE_MM: Final = 25.0
QUIET_MODULES: Final = 4
LABEL_MM: Final = (63.0, 36.0)
COLUMNS: Final = 3
ROWS: Final = 7
MARGIN_MM: Final = (10.5, 14.0)
CUT_MM: Final = 0.1


class LabelText(Struct, frozen=True):
    """What stands beside a code: the address in it, its serial, and lines for people."""

    uri: str
    serial: str
    lines: tuple[str, ...]
    is_simulated: bool = False


def modules(uri: str) -> list[list[bool]]:
    """Return the code's modules, row by row, without quiet zone."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(uri)
    code.make(fit=True)
    return [[bool(cell) for cell in row] for row in code.get_matrix()]


def label_svg(label: LabelText) -> str:
    """Return one code with its quiet zone, 25 mm wide."""
    rows = modules(label.uri)
    size = len(rows) + 2 * QUIET_MODULES
    path = "".join(
        f"M{x + QUIET_MODULES} {y + QUIET_MODULES}h{width}v1h-{width}z"
        for y, row in enumerate(rows)
        for x, width in _runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{CODE_MM}mm" '
        f'height="{CODE_MM}mm" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f"<title>{label.serial}</title>"
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path d="{path}"/></svg>'
    )


def _runs(row: Sequence[bool]) -> list[tuple[int, int]]:
    """Return the dark runs of a row: (start, length)."""
    found: list[tuple[int, int]] = []
    for x, is_dark in enumerate(row):
        if not is_dark:
            continue
        if found and found[-1][0] + found[-1][1] == x:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((x, 1))
    return found


def sheet_pdf(
    labels: Sequence[LabelText],
    fonts: Path,
    *,
    on_page: Callable[[int], None] | None = None,
) -> bytes:
    """Return A4 sheets of 3 × 7 labels; ``fonts`` has DejaVu Sans in two weights."""
    pdf = FPDF(format="A4", unit="mm")
    pdf.set_auto_page_break(False)
    pdf.add_font("label", "", str(fonts / "DejaVuSans.ttf"))
    pdf.add_font("label", "B", str(fonts / "DejaVuSans-Bold.ttf"))
    per_page = COLUMNS * ROWS
    for number, label in enumerate(labels):
        place = number % per_page
        if place == 0:
            pdf.add_page()
            if on_page is not None:
                on_page(number // per_page)
        left = MARGIN_MM[0] + (place % COLUMNS) * LABEL_MM[0]
        top = MARGIN_MM[1] + (place // COLUMNS) * LABEL_MM[1]
        _draw(pdf, label, left, top)
    out = BytesIO()
    pdf.output(out)
    return out.getvalue()


def _draw(pdf: FPDF, label: LabelText, left: float, top: float) -> None:
    pdf.set_draw_color(200)
    pdf.set_line_width(CUT_MM)
    pdf.rect(left, top, *LABEL_MM)
    rows = modules(label.uri)
    # The quiet zone is outside the 25 mm that are asked for.
    module_mm = CODE_MM / len(rows)
    quiet_mm = QUIET_MODULES * module_mm
    pdf.set_fill_color(0)
    for y, row in enumerate(rows):
        for x, width in _runs(row):
            pdf.rect(
                left + quiet_mm + x * module_mm,
                top + quiet_mm + y * module_mm,
                width * module_mm,
                module_mm,
                style="F",
            )
    _write(pdf, label, left + CODE_MM + 2 * quiet_mm, top + quiet_mm)
    pdf.set_font("label", size=5.5)
    pdf.set_xy(left + quiet_mm, top + CODE_MM + 1.6 * quiet_mm)
    pdf.cell(CODE_MM, 2.5, label.serial, align="C")


def _write(pdf: FPDF, label: LabelText, left: float, top: float) -> None:
    width = LABEL_MM[0] - (CODE_MM + 2 * QUIET_MODULES * 0.45) - 4
    at = top
    if label.is_simulated:
        pdf.set_font("label", "B", 5.5)
        pdf.set_xy(left, at)
        pdf.multi_cell(width, 2.6, "SỐ LIỆU MÔ PHỎNG", align="L")
        at = pdf.get_y() + 0.6
    for number, line in enumerate(label.lines):
        pdf.set_font("label", "B" if number == 0 else "", 7 if number == 0 else 6)
        pdf.set_xy(left, at)
        pdf.multi_cell(width, 3, line, align="L")
        at = pdf.get_y() + 0.4
