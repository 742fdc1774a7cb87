"""Tables as Excel workbooks and CSV, for people who work in Excel.

``workbook(sheets)`` makes one in memory, ``workbook_answer`` and ``csv_answer`` send one;
all are for tables of at most some ten thousand rows.
"""

import csv
import datetime as dt
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fastapi import Response

from greenwater.kernel.cells import plain_cell
from greenwater.kernel.clock import VIETNAM

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"
WIDTH: Final = 18
_EPOCH: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001  (a file's own stamp, always the same)


def workbook(sheets: Mapping[str, Iterable[Sequence[Any]]]) -> bytes:
    """Return a workbook; of each sheet the rows, the first of them the titles.

    Numbers, days and instants stay what they are (instants in Vietnamese time, as Excel
    has no zones); text is text, so that none is taken for a formula. The same tables give
    the same bytes but for times that the file's format puts in.
    """
    # Loaded with the first workbook that is asked for.
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    book.properties.created = book.properties.modified = _EPOCH
    book.properties.creator = "Greenwater"
    for title, rows in sheets.items():
        sheet = book.create_sheet(_title(title))
        sheet.freeze_panes = "A2"
        for number, row in enumerate(rows):
            if number == 0:
                for at in range(len(row)):
                    sheet.column_dimensions[_letters(at)].width = WIDTH
            sheet.append([_cell(sheet, one, Font(bold=number == 0)) for one in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def workbook_answer(
    name: str, sheets: Mapping[str, Iterable[Sequence[Any]]]
) -> Response:
    """Return a workbook as a file of this name, without its ending, to be saved."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.xlsx"',
        "Cache-Control": "no-store",
    }
    return Response(workbook(sheets), 200, headers, XLSX)


def csv_answer(
    name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Response:
    """Return a table as a CSV file of this name, without its ending, to be saved.

    Instants are in Vietnamese time, numbers have a point, text is never a formula.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_text(one) for one in row] for row in rows)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        "Cache-Control": "no-store",
    }
    # A byte-order mark: without it Excel takes Vietnamese for Latin-1.
    return Response("\ufeff" + text.getvalue(), 200, headers, CSV)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(VIETNAM):%Y-%m-%d %H:%M}"
    return plain_cell(str(value))


def _title(text: str) -> str:
    """Return a sheet's name as Excel takes it."""
    return "".join("-" if one in r"[]:*?/\'" else one for one in text)[:31] or "-"


def _letters(at: int) -> str:
    return ("" if at < 26 else _letters(at // 26 - 1)) + chr(ord("A") + at % 26)


def _cell(sheet: Any, value: Any, font: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=None)
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(VIETNAM).replace(tzinfo=None)
    if isinstance(value, str):
        cell._value, cell.data_type = _printable(value), "s"
    else:
        cell.value = value
    cell.font = font
    return cell


def _printable(text: str) -> str:
    """Return text without characters that XML cannot hold, as much as a cell takes."""
    return "".join(one for one in text if one >= " " or one in "\t\n")[:32_000]
