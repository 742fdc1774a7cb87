"""Workbooks in and out: what Excel writes is read, what a stranger built is refused."""

import datetime as dt
import io
import zipfile
from typing import Any

import pytest

from greenwater.kernel.errors import InputError
from traceability.book.workbooks import csv_of_workbook, is_workbook
from web.workbooks import workbook

NAMES = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def rebuilt(raw: bytes, **parts: bytes) -> bytes:
    """Return a workbook with parts put in the place of others: ``sheet1``, ``strings``."""
    where = {
        "sheet1": "xl/worksheets/sheet1.xml",
        "styles": "xl/styles.xml",
        "more": "xl/more.xml",
    }
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        replaced = {where[name]: body for name, body in parts.items()}
        for one in old.namelist():
            new.writestr(one, replaced.pop(one, old.read(one)))
        for name, body in replaced.items():
            new.writestr(name, body)
    return out.getvalue()


def sheet(rows: bytes, head: bytes = b"") -> bytes:
    """Return a workbook whose sheet has these rows, as XML."""
    body = b'<?xml version="1.0"?>%b<worksheet xmlns="%b"><sheetData>%b</sheetData></worksheet>'
    return rebuilt(
        workbook({"a": [("x",)]}), sheet1=body % (head, NAMES.encode(), rows)
    )


def test_what_was_written_is_read_back() -> None:
    rows: list[tuple[Any, ...]] = [
        ("time", "kg", "note"),
        (dt.datetime(2026, 5, 30, 7, 30), 92.5, "=1+1"),  # noqa: DTZ001
        (dt.date(2026, 5, 31), 1234.567, 'vỡ; "lồng"'),
        (dt.datetime(2026, 5, 30, 0, 30, tzinfo=dt.UTC), float("nan"), "-\x01a"),
        (),
        (None, 0.1 + 0.2, True),
    ]
    raw = workbook({"Vụ: 1": rows})
    assert is_workbook(raw)
    assert csv_of_workbook(raw, point=",").splitlines() == [
        "time;kg;note",
        "30/05/2026 07:30;92,5;=1+1",
        '31/05/2026;1234,567;"vỡ; ""lồng"""',
        "30/05/2026 07:30;;-a",
        "",
        ";0,3;true",
    ]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xd0\xcf\x11\xe0old", "before 2007"),
        (b"PK\x03\x04 nothing", "cannot|no Excel"),
        (workbook({"a": [("x",)]})[:-40], "no Excel workbook"),
        (workbook({"a": [("x",)], "b": [("y",)]}), "one sheet"),
        (workbook({"a": []}), "one sheet .* none"),
        (workbook({"a": [("x",) * 101]}), "101 columns"),
        (sheet(b"<row><c><v>1</v></c></row>" * 5002), "more than 5000 rows"),
        (sheet(b"<row/>" * 20_000 + b"<row><c><v>1</v></c></row>"), "beyond 20000"),
        (sheet(b'<row r="1048576"><c r="A1048576"><v>1</v></c></row>'), "beyond"),
        (sheet(b'<row><c r="XFD1"><v>1</v></c></row>'), "16384 columns"),
        (sheet(b"<row><c><v>1</v></c></row>" * 1_000_000), "unpacks to"),
        (rebuilt(workbook({"a": [("x",)]}), more=b"\0" * 30_000_000), "unpacks to"),
        (sheet(b"<row>" + b"<c/>" * 2_000_000 + b"</row>"), "2000007 tags"),
        (sheet(b'<row><c r="XFD1"/></row>' * 200), "goes on beyond"),
        (rebuilt(workbook({"a": [("x",)]}), styles=b"<xf/>" * 100_001), "beside them"),
        (sheet(b"<row><c><v>1</v></c><c><f>1+1</f></c></row>"), "formula without its value"),
        (sheet(b"<row><c><v>&b;</v></c></row>", b'<!DOCTYPE a [<!ENTITY b "1">]>'),
         "EntitiesForbidden"),
        (sheet(b"<row><c><v>1</v></row>"), "cannot be read"),
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_in_a_sentence(raw: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        csv_of_workbook(raw)


def test_of_a_formula_the_value_that_excel_kept_counts() -> None:
    raw = sheet(b"<row><c><f>[1]Sheet1!A1*2</f><v>12.5</v></c></row>")
    assert csv_of_workbook(raw) == "12.5\r\n"
