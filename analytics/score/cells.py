"""A CSV as it lies on somebody's disk: its bytes, its separator, its columns of numbers.

Read piece by piece, so that a file of a million rows takes the memory of its numbers and not
of its text.
"""

import csv
import gzip
import io
import re
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.score.names import time_columns
from greenwater.kernel.errors import InputError

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]

PIECE: Final = 50_000
"""Rows whose text is in memory at once."""
MOST_ABOVE: Final = 60
"""Lines among which the header is looked for."""
MOST: Final = 1e15
"""What is beyond it, infinite or not, no instrument has measured: no value."""
ABSENT: Final = frozenset(
    {
        "",
        "nan",
        "na",
        "n/a",
        "#n/a",
        "#value!",
        "#div/0!",
        "null",
        "none",
        "nil",
        "-",
        "--",
        "---",
        "?",
    }
)
"""What a cell says, in small letters, that holds no value."""
_VALUE: Final = re.compile(r"[-+\d.,:/TZ ]*\d[-+\d.,:/TZ ]*")
UNNAMED: Final = "column"
"""What a column without a name is called, with its number."""
_SEPARATORS: Final = ";\t|,"


def pieces_of(path: Path) -> Iterator[pd.DataFrame]:
    """Yield a file's rows as text, some at a time; the index is the file's line number.

    Raises:
        InputError: there is no such file, it is empty, no text, or no CSV.
    """
    try:
        with _opened(path) as text, warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            head, line = _header(text)
            if not head.strip():
                raise InputError(f"{path} is empty: it needs a header line and rows")
            names = _names(head, path)
            names += _nameless(text, names, _separator(head))
            for piece in pd.read_csv(
                text,
                sep=_separator(head),
                names=names,
                header=None,
                dtype=str,
                keep_default_na=False,
                skipinitialspace=True,
                skip_blank_lines=False,
                chunksize=PIECE,
                index_col=False,
                on_bad_lines="error",
            ):
                piece.index = pd.RangeIndex(line, line + len(piece))
                line += len(piece)
                is_blank = (piece == "").all(axis=1)
                yield piece[~is_blank] if is_blank.any() else piece
    except pd.errors.EmptyDataError:
        return
    except (
        pd.errors.ParserError,
        pd.errors.ParserWarning,
        UnicodeDecodeError,
        OSError,
        EOFError,
        zlib.error,
    ) as exc:
        raise InputError(f"{path} cannot be read as CSV: {_said(exc)}") from exc


class Column:
    """One column, piece by piece: numbers, or text where it holds none."""

    def __init__(self, name: str, *, is_text: bool) -> None:
        self.name, self.is_text = name, is_text
        self.has_decimal_commas = False
        self._numbers: list[Floats] = []
        self._texts: list[NDArray[np.object_]] = []
        self._has_number = False
        self._bad: tuple[int, str] | None = None

    def take(self, cells: pd.Series) -> None:
        """Take the next cells; their index is the file's line.

        Raises:
            InputError: some cells of the column are numbers and some are not.
        """
        if not self.is_text:
            self._take_numbers(cells)
        if self.is_text or (not self._has_number and self._bad is not None):
            self._texts.append(_shared(cells))
        elif not self._has_number:
            self._texts.append(np.full(len(cells), "", dtype=object))

    def settled(self) -> Floats | list[str]:
        """Return the numbers, NaN where there is none; or the texts."""
        if self.is_text or (self._bad is not None and not self._has_number):
            return list(np.concatenate(self._texts))
        return np.concatenate(self._numbers)

    def _take_numbers(self, cells: pd.Series) -> None:
        stripped = cells.str.strip()
        is_absent = stripped.str.lower().isin(ABSENT).to_numpy()
        told = stripped.where(~is_absent)
        values = np.array(pd.to_numeric(told, errors="coerce"), dtype=np.float64)
        is_bad = np.isnan(values) & ~is_absent
        if is_bad.any():
            values[is_bad] = _with_commas(told[is_bad])
            still = np.isnan(values) & ~is_absent
            self.has_decimal_commas |= bool((is_bad & ~still).any())
            is_bad = still
        self._has_number |= bool((~np.isnan(values)).any())
        if is_bad.any() and self._bad is None:
            at = int(np.flatnonzero(is_bad)[0])
            self._bad = int(cells.index[at]), str(stripped.iloc[at])
        if self._bad is not None and self._has_number:
            line, cell = self._bad
            raise InputError(
                f"line {line}, column {self.name!r}: {cell!r} is no number"
            )
        values[np.abs(values) > MOST] = np.nan
        self._numbers.append(values)
        if self._has_number:
            self._texts = []


def _with_commas(cells: pd.Series) -> Floats:
    """Return numbers as much of the world writes them: 1.234,5 or 7,25."""
    is_number = cells.str.fullmatch(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+|[+-]?\d*,\d+")
    plain = cells.str.replace(".", "").str.replace(",", ".").where(is_number)
    return np.array(pd.to_numeric(plain, errors="coerce"), dtype=np.float64)


def _shared(cells: pd.Series) -> NDArray[np.object_]:
    """Return texts of which equal ones are one object."""
    codes, known = pd.factorize(cells)
    found: NDArray[np.object_] = np.asarray(known, dtype=object)[codes]
    return found


def _opened(path: Path) -> IO[str]:
    """Open a file as text: gzipped or not, whatever it is called; UTF-8, UTF-16 or Windows.

    Raises:
        InputError: there is none, or it is no text.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a CSV file in it")
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    with path.open("rb") as raw:
        start = raw.read(4)
    if start[:2] == b"PK" or start == b"\xd0\xcf\x11\xe0":
        raise InputError(f"{path} is a workbook or an archive: save it as CSV first")
    if start[:1] in (b"<", b"{") or start[:2] == b"[{":
        raise InputError(f"{path} is a page or JSON: save its table as CSV first")
    is_gz = start[:2] == b"\x1f\x8b"
    with gzip.open(path) if is_gz else path.open("rb") as binary:
        sample = binary.read(1 << 16)
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\0" in sample:
        raise InputError(f"{path} is no text: a CSV is needed")
    else:
        encoding = "utf-8-sig" if _is_utf8(sample) else "cp1258"
    binary = gzip.open(path) if is_gz else path.open("rb")  # noqa: SIM115 (the caller's)
    return io.TextIOWrapper(binary, encoding=encoding, newline="")


def _is_utf8(sample: bytes) -> bool:
    try:
        sample.decode()
    except UnicodeDecodeError as exc:
        return exc.start > len(sample) - 4
    return True


def _header(text: IO[str]) -> tuple[str, int]:
    """Return the line that names the columns, and the number of the line behind it.

    It is the first that names a time, for loggers write about themselves above it; if none
    of MOST_ABOVE does, the first without a ``#``, or a line with one right above it that does.
    """
    first, number, remark = "", 0, ("", 0)
    for at in range(1, MOST_ABOVE + 1):
        line = text.readline()
        if not line:
            break
        if line.startswith("#"):
            remark = (line[1:], at) if _names_a_time(line[1:]) else remark
            continue
        if not number:
            first, number = line, at
        is_row = at > number and any(_VALUE.fullmatch(one) for one in _cells(line))
        if _names_a_time(line) and not is_row:
            return line, at + 1
    if remark[1] and remark[1] == number - 1:  # "# Timestamp,MMSI", and rows below it
        first, number = remark
    text.seek(0)
    for _ in range(number):
        text.readline()
    return first, number + 1


def _names_a_time(line: str) -> bool:
    names = _cells(line)
    return len(names) > 1 and bool(time_columns(names))


def _nameless(text: IO[str], names: list[str], separator: str) -> list[str]:
    """Return names for what stands behind the header's last in the first row, if it is empty.

    Some programs end every row with a separator, but not the header.
    """
    here, row = text.tell(), "\n"
    while row and not row.strip():
        row = text.readline()
    text.seek(here)
    more = next(csv.reader([row], delimiter=separator), [])[len(names) :]
    if any(one.strip() for one in more):
        return []
    return [f"{UNNAMED} {len(names) + n}" for n, _ in enumerate(more, 1)]


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], delimiter=_separator(line)), [])


def _separator(head: str) -> str:
    return max(_SEPARATORS, key=lambda one: (head.count(one), one == ","))


def _names(head: str, path: Path) -> list[str]:
    """Return the header's names.

    Raises:
        InputError: two columns have one name.
    """
    names = [one.strip() or f"{UNNAMED} {n}" for n, one in enumerate(_cells(head), 1)]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise InputError(f"{path} has two columns {twice!r}: rename one")
    return names


def _said(error: Exception) -> str:
    """Return in one line what a library says, with the file's own number of a line."""
    if isinstance(error, pd.errors.ParserWarning):
        return "its rows have more cells than its header"
    text = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
    text = text.removeprefix("Error tokenizing data. C error: ")
    return re.sub(
        r"\b(line|row) (\d+)",
        lambda at: f"line {int(at[2]) + 1 + (at[1] == 'row')}",
        text,
    )
