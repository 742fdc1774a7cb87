"""Excel workbooks into the text of a CSV file: values only, whatever else is in them.

A workbook is a stranger's ZIP file. How much may come out of it is bounded before any is
unpacked, nothing in it is followed, run or worked out: of a formula the value that Excel
kept counts, links to other files are not read, and XML that declares entities is refused.
"""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from greenwater.kernel.errors import InputError

MAX_BYTES: Final = 2 * 1024 * 1024
MAX_INSIDE: Final = 24 * 1024 * 1024
"""Bytes of a workbook when unpacked; 5,000 rows of our widest record are 3 MB."""

MAX_PARTS: Final = 200
MAX_ROWS: Final = 5000
MAX_COLUMNS: Final = 100
MOST_PLACES: Final = 20_000
"""Rows that are looked at: between those that are filled may be some that are not."""

MOST_CELLS: Final = 2_000_000
"""Cells that are looked at, empty ones too: 5,000 rows may have 100 columns."""

MOST_TAGS: Final = 2_000_000
MOST_TAGS_BESIDE: Final = 100_000
"""How much XML is read of sheets with their strings, and of all that stands beside them.

Forty kilobytes may unpack to five million elements, which take minutes to read.
"""

_ZIP, _OLD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SHEET: Final = "xl/worksheets/"
_STRINGS: Final = "xl/sharedStrings"


def is_workbook(raw: bytes) -> bool:
    """Return whether this is an Excel workbook, of old ones too."""
    return raw.startswith((_ZIP, _OLD))


def csv_of_workbook(raw: bytes, *, point: str = ".") -> str:
    """Return a workbook's one filled sheet as CSV with semicolons, row for row.

    ``point`` is the decimal mark that numbers are written with.

    Raises:
        InputError: it is no workbook, too large, has several filled sheets, more rows or
            columns than may be, or a formula that Excel kept no value of.
    """
    if raw.startswith(_OLD):
        raise InputError(
            "this is a workbook of before 2007, or a locked one: in Excel choose "
            "Save as… Excel Workbook (.xlsx), without a password",
            "workbook_old",
        )
    has_formulas = _check_size(raw)
    sheets = _opened(raw, is_value=True)
    if len(sheets) != 1:
        names = ", ".join(name for name, _ in sheets) or "none"
        raise InputError(
            f"one sheet of a workbook may have rows, here {names[:200]}: keep one",
            "workbook_sheets",
        )
    name, rows = sheets[0]
    if has_formulas:
        _check_formulas(rows, dict(_opened(raw, is_value=False)).get(name, []))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    for row in rows:
        writer.writerow([_written(one, point) for one in row])
    return out.getvalue()


def _check_size(raw: bytes) -> bool:
    """Refuse what would swell; return whether any sheet has a formula in it."""
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"the file has more than {MAX_BYTES // 2**20} MB: split it into several",
            "file_large",
            mb=MAX_BYTES // 2**20,
        )
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            parts = archive.infolist()
            # What a part says of its size holds: no more of it is ever unpacked.
            inside = sum(one.file_size for one in parts)
            if len(parts) > MAX_PARTS or inside > MAX_INSIDE:
                raise InputError(
                    f"the workbook unpacks to {inside // 2**20} MB in {len(parts)} parts: "
                    "save the rows alone in a new workbook",
                    "workbook_unread",
                )
            return _look_through(archive, parts)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError) as exc:
        raise InputError(
            f"this is no Excel workbook that can be read: {exc}", "workbook_unread"
        ) from None


def _look_through(archive: zipfile.ZipFile, parts: Sequence[zipfile.ZipInfo]) -> bool:
    """Count what would have to be read; return whether any sheet has a formula in it."""
    has_formulas = False
    tags = beside = 0
    for part in parts:
        body, is_sheet = archive.read(part), part.filename.startswith(_SHEET)
        if is_sheet or part.filename.startswith(_STRINGS):
            tags += body.count(b"<")
            has_formulas |= is_sheet and b"<f" in body
        else:
            beside += body.count(b"<")
    if tags > MOST_TAGS or beside > MOST_TAGS_BESIDE:
        raise InputError(
            f"the workbook has {tags} tags in its sheets and {beside} beside them: "
            "save the rows alone in a new workbook",
            "workbook_unread",
        )
    return has_formulas


def _opened(raw: bytes, *, is_value: bool) -> list[tuple[str, list[Sequence[Any]]]]:
    """Return the sheets that have rows, by name."""
    # Loaded with the first workbook that comes: most sites never see one.
    from openpyxl import load_workbook

    try:
        book = load_workbook(
            io.BytesIO(raw), read_only=True, data_only=is_value, keep_links=False
        )
    except InputError:
        raise
    except Exception as exc:  # noqa: BLE001  (a stranger's file; openpyxl has no family)
        raise _unreadable(exc) from None
    try:
        found = [(sheet.title, list(_rows(sheet))) for sheet in book.worksheets]
    except InputError:
        raise
    except Exception as exc:  # noqa: BLE001
        raise _unreadable(exc) from None
    finally:
        book.close()
    return [(name, rows) for name, rows in found if rows]


def _unreadable(error: Exception) -> InputError:
    cause = error.__cause__ or error
    told = f"{type(cause).__name__}: {cause}"[:200]
    return InputError(
        f"the workbook cannot be read ({told}): save it anew in Excel",
        "workbook_unread",
    )


def _rows(sheet: Any) -> Iterator[Sequence[Any]]:
    """Yield the rows down to the last filled one, whatever the sheet says of its size."""
    waiting: list[Sequence[Any]] = []
    filled = looked_at = 0
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        looked_at += len(cells)
        if number > MOST_PLACES or looked_at > MOST_CELLS:
            raise InputError(
                f"sheet {sheet.title[:60]} goes on beyond {MOST_PLACES} rows",
                "file_long",
                rows=MAX_ROWS,
            )
        waiting.append(_row(sheet.title, number, cells))
        if waiting[-1]:
            filled += 1
            if filled > MAX_ROWS + 1:
                raise InputError(
                    f"the file has more than {MAX_ROWS} rows: split it",
                    "file_long",
                    rows=MAX_ROWS,
                )
            yield from waiting
            waiting.clear()


def _row(sheet: str, number: int, cells: Sequence[Any]) -> Sequence[Any]:
    row = list(cells)
    while row and row[-1] in (None, ""):
        row.pop()
    if len(row) > MAX_COLUMNS:
        raise InputError(
            f"row {number} of {sheet[:60]} has {len(row)} columns: {MAX_COLUMNS} are the most",
            "workbook_columns",
            row=number,
            most=MAX_COLUMNS,
        )
    return row


def _check_formulas(
    values: Sequence[Sequence[Any]], formulas: Sequence[Sequence[Any]]
) -> None:
    for number, (shown, meant) in enumerate(zip(values, formulas, strict=False), 1):
        for at, one in enumerate(meant):
            is_formula = isinstance(one, str) and one.startswith("=")
            if is_formula and (at >= len(shown) or shown[at] is None):
                raise InputError(
                    f"row {number}, column {at + 1} is a formula without its value: open "
                    "the file in Excel and save it, or paste the values",
                    "workbook_formula",
                    row=number,
                    column=at + 1,
                )


def _written(cell: Any, point: str) -> str:
    """Return a cell as people type it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float):
        return f"{Decimal(f'{cell:.15g}'):f}".replace(".", point)
    if isinstance(cell, dt.datetime):
        is_day = (cell.hour, cell.minute, cell.second) == (0, 0, 0)
        return cell.strftime("%d/%m/%Y" if is_day else "%d/%m/%Y %H:%M")
    if isinstance(cell, dt.date):
        return cell.strftime("%d/%m/%Y")
    return str(cell)
