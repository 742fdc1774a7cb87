"""Records of a book in a file: its rows, what is wrong with them, and names for the good.

What a farm's file (``book/importing``) and a vessel's (``sea/importing``) share. A row's id
is made from what stands in it, so that importing a file twice changes nothing.
"""

import csv
import datetime as dt
import io
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from greenwater.kernel.clock import VIETNAM
from greenwater.kernel.errors import (
    ConflictError,
    InputError,
    MissingError,
    PlatformError,
)
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.books import Record
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.book.workbooks import (
    MAX_BYTES,
    MAX_ROWS,
    csv_of_workbook,
    is_workbook,
)
from traceability.ledger.events import NAMESPACE
from traceability.records import FieldError, canonical

Cells = Mapping[str, str]
"""A row's cells by our names of columns."""

Number = Callable[[str], str]
"""Turns a number as people type it into one with a decimal point."""

WHEN: Final = ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M")
DAY: Final = ("%d/%m/%Y", "%d-%m-%Y", "%Y-%m-%d")


class Trouble(Struct, frozen=True):
    """What is wrong with a row: its number in the file, the column, what stood there.

    ``key`` names the words of a page for it, which ``facts`` fill.
    """

    row: int
    column: str
    value: str
    reason: str
    key: str = ""
    facts: Mapping[str, object] = {}


class RowError(InputError):
    """A row that says something that cannot be, in one of its columns."""

    def __init__(
        self, column: str, value: str, reason: str, key: str = "", /, **facts: object
    ) -> None:
        super().__init__(reason, key, **facts)
        self.column, self.value = column, value


class Names(Struct, frozen=True):
    """How people call columns and choices: the word, in small letters, to our name."""

    columns: Mapping[str, str] = {}
    choices: Mapping[str, str] = {}


NO_NAMES: Final = Names()


def plain(word: str) -> str:
    """Return a word as titles are compared: small letters, single spaces, no unit."""
    return " ".join(word.split("(")[0].strip().lower().split())


def decoded(raw: bytes, *, point: str = ".") -> str:
    """Return a file's text; of an Excel workbook the CSV of its sheet.

    ``point`` is the decimal mark that a workbook's numbers are written with.

    Raises:
        InputError: it is too large, or no table that we read.
    """
    if is_workbook(raw):
        return csv_of_workbook(raw, point=point)
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"the file has more than {MAX_BYTES // 2**20} MB: split it into several",
            "file_large",
            mb=MAX_BYTES // 2**20,
        )
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise InputError(
            "the file is not UTF-8: in Excel choose Save as… CSV UTF-8", "file_not_utf8"
        ) from None


New = TypeVar("New", bound=Struct)
AnyRecord = TypeVar("AnyRecord", Record, VesselRecord)


class Renamed(Struct, frozen=True):
    """An old name of a commune that was read as the one of today."""

    old: str
    new: str


class Trial(Struct, Generic[New], frozen=True):
    """What an import would do; nothing has been done.

    ``rows`` may be kept, ``there`` is how many of them are in the book already.
    """

    rows: tuple[New, ...]
    there: int
    troubles: tuple[Trouble, ...]
    renamed: tuple[Renamed, ...] = ()


def tried(
    rows: Iterable[tuple[int, Sequence[Cells]]],
    read: Callable[[Sequence[Cells]], tuple[New, bool]],
) -> Trial[New]:
    """Return what each record would do; ``rows`` are its row's number and its rows' cells.

    ``read`` makes the record and says whether it is there already, or raises what is
    wrong with it.
    """
    good: list[New] = []
    troubles: list[Trouble] = []
    there = 0
    for row, together in rows:
        try:
            new, is_there = read(together)
        except RowError as exc:
            troubles.append(_trouble(row, exc.column, exc.value, exc))
        except FieldError as exc:
            column = "time" if exc.field == "happened" else exc.field
            value = together[0].get(column, "")[:80]
            troubles.append(_trouble(row, column, value, exc))
        except (InputError, MissingError, ConflictError) as exc:
            troubles.append(_trouble(row, "", "", exc))
        else:
            there += is_there
            good += [] if is_there else [new]
    return Trial(tuple(good), there, tuple(troubles))


def _trouble(row: int, column: str, value: str, error: PlatformError) -> Trouble:
    return Trouble(row, column, value, str(error), error.key, error.facts)


def is_there(made: AnyRecord, known: AnyRecord | None) -> bool:
    """Return whether a record is there already.

    Raises:
        ConflictError: something else is there under its id.
    """
    if known is not None and known.digest != made.digest:
        raise ConflictError(
            f"record {made.id} is there already with other content: enter a correction",
            "record_other",
        )
    return known is not None


def named(new: New, person: str, seen: Counter[str]) -> New:
    """Return the record under an id of its own: what it says, and how often before."""
    said = canonical([person, *[getattr(new, one) for one in new.__struct_fields__]])
    seen[said] += 1
    return replace(new, id=str(uuid.uuid5(NAMESPACE, f"import/{said}/{seen[said]}")))


def kind_of(cells: Cells, names: Names, otherwise: str) -> str:
    """Return the kind of record that a row says it is; ``otherwise`` where it says none."""
    said = cells.get("kind", "")
    return names.choices.get(plain(said), said) or otherwise


def no_field(kind: str, name: str, cell: str) -> RowError:
    """Return what is wrong with a column that a kind of record does not have."""
    reason = f"a record {kind} has no field {name!r}"
    return RowError(name, cell[:80], reason, "import_no_field", kind=kind)


def rows_of_table(text: str, names: Names) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each filled row's number in the file and its cells by our names of columns.

    Raises:
        InputError: it is no table of records, or has more rows than may be.
    """
    (_, titles), *rows = _filled_rows(text)
    columns = [
        names.columns.get(plain(one), plain(one)).replace(" ", "_") for one in titles
    ]
    twice = [name for name, count in Counter(columns).items() if count > 1 and name]
    if twice:
        raise InputError(
            f"column {twice[0]!r} stands there twice: keep one of them",
            "column_twice",
            column=twice[0],
        )
    if "time" not in columns:
        raise InputError(
            f"there is no column 'time' among {', '.join(columns)[:200]}",
            "no_time_column",
        )
    for number, cells in rows:
        padded = [*cells, *[""] * (len(columns) - len(cells))]
        pairs = zip(columns, padded, strict=False)
        yield number, {name: cell.strip() for name, cell in pairs if name}


def _filled_rows(text: str) -> list[tuple[int, list[str]]]:
    """Return the rows of a file that have something in them, each with its number."""
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    delimiter = max(";\t,", key=head.count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as exc:
        raise InputError(f"the file is no CSV table: {exc}", "file_no_table") from None
    filled = [
        (number, cells)
        for number, cells in enumerate(table, 1)
        if any(one.strip() for one in cells)
    ]
    if not filled:
        raise InputError(
            "the file is empty: take a template, and fill it in", "file_empty"
        )
    if len(filled) > MAX_ROWS + 1:
        raise InputError(
            f"the file has more than {MAX_ROWS} rows: split it",
            "file_long",
            rows=MAX_ROWS,
        )
    return filled


def instant_of(text: str) -> int:
    """Return when a row says it happened; a bare day is its beginning.

    Raises:
        RowError: it is no time.
    """
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        at = _as_people_write(text)
    return milliseconds(at.replace(tzinfo=at.tzinfo or VIETNAM))


def is_day(text: str) -> bool:
    """Return whether a time is written as a bare day."""
    return len(text) <= len("23/11/2026")


def _as_people_write(text: str) -> dt.datetime:
    for pattern in (*WHEN, *DAY):
        try:
            return dt.datetime.strptime(text, pattern)  # noqa: DTZ007  (the caller's zone)
        except ValueError:
            continue
    raise RowError(
        "time", text[:80], "write a time such as 23/11/2026 07:30", "import_time"
    )


def template(titles: Sequence[str]) -> str:
    """Return an empty CSV file with these titles, with a byte order mark for Excel."""
    out = io.StringIO()
    csv.writer(out).writerow(titles)
    return "\ufeff" + out.getvalue()
