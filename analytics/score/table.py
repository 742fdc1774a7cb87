"""A CSV of somebody's own: an instant a row, a number a cell, or a sentence why not.

What people call their columns is understood (``dissolved_oxygen_mg_l``, ``DO (mg/L)`` and
``Oxy hòa tan`` are ``dissolved_oxygen``) and kept; columns that hold no number at all, such as
quality codes, are left aside and named. Times without a zone are taken as UTC and said to be;
rows out of order are put in order and said to be.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from analytics.score.cells import UNNAMED, Column, pieces_of
from analytics.score.instants import Instant
from analytics.score.names import meaning_of, slug, time_columns, zone_of
from greenwater.kernel.errors import InputError

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]

LISTED: Final = 12
UNIT_LINES: Final = 2


class Table(Struct, frozen=True):
    """Columns of equal length, in order of time.

    ``times_ms`` are milliseconds since 1970 UTC, ``numbers`` hold NaN where a cell is
    empty, ``texts`` are the columns that hold no number; ``notes`` are sentences that a
    person who reads the result should know. ``lines`` are the file's line numbers.
    """

    times_ms: Instants
    numbers: Mapping[str, Floats]
    texts: Mapping[str, Sequence[str]]
    lines: Instants
    notes: Sequence[str]

    def __len__(self) -> int:
        return len(self.times_ms)

    def find(self, name: str) -> str | None:
        """Return the file's own name of a channel's first column; None if it has none."""
        return next((own for own in self.numbers if canonical(own) == name), None)

    def column(self, name: str) -> Floats:
        """Return the numbers of a channel, whatever the file calls it.

        Raises:
            InputError: there are none.
        """
        own = self.find(name)
        if own is None:
            self._refuse_text(name)
            there = ", ".join(self.numbers) or "none"
            raise InputError(
                f"there is no column {name!r} with numbers; the file has: {there}"
            )
        return self.numbers[own]

    def _refuse_text(self, name: str) -> None:
        for own, cells in self.texts.items():
            said = next((one for one in cells if one.strip()), None)
            if canonical(own) == name and said is not None:
                raise InputError(
                    f"column {own!r} holds no numbers: its first cell says {said!r}; "
                    "write the numbers alone"
                )

    def inputs(self) -> Mapping[str, Floats]:
        """Return the numbers by channel; a second column of one keeps its own name."""
        found: dict[str, Floats] = {}
        for own, values in self.numbers.items():
            name = canonical(own)
            found[own if name in found else name] = values
        return found


def read_table(
    path: Path,
    *,
    texts: Collection[str] = (),
    either: Collection[str] = (),
    is_sorted: bool = True,
) -> Table:
    """Read a CSV, gzipped or not; ``texts`` are columns that are text whatever they say.

    ``either`` are columns that the caller can use without a number in them.
    ``is_sorted``: put rows in order of time (False: keep the file's order, as where
    several vessels stand one after another).

    Raises:
        InputError: there is no such file, it is empty or no CSV, it has no ``time``
            column, or a cell is no time or no number; the line is named.
    """
    instant, columns, lines = Instant(), dict[str, Column](), list[Instants]()
    when: list[str] = []
    remarks: list[str] = []
    again = 0
    for piece in pieces_of(path):
        if not when:
            when = _when(path, piece)
            instant = Instant(next(filter(None, map(zone_of, when)), None))
            piece, remarks = _without_units(piece, when)
            columns = {
                name: Column(name, is_text=slug(name) in texts)
                for name in piece.columns
                if name not in when
            }
        is_again = (piece[when[0]].str.strip() == when[0]).to_numpy(bool)
        again, piece = again + int(is_again.sum()), piece[~is_again]
        if len(piece):
            lines.append(piece.index.to_numpy(np.int64))
            instant.take(_joined(piece, when), lines[-1])
            for name, column in columns.items():
                column.take(piece[name])
    if not lines:
        raise InputError(f"{path} has a header line and no rows")
    times_ms, notes = instant.settled()
    if again:
        remarks.append(f"{again} lines are the header again: left aside")
    notes = [*remarks, *notes]
    kept = [name for name in columns if slug(name) in either]
    return _table(
        times_ms, np.concatenate(lines), columns, notes, kept, is_sorted=is_sorted
    )


def canonical(name: str) -> str:
    """Return the channel that a column's name means; itself if it is none of ours."""
    return meaning_of(name).channel


def parse_instant(text: str, what: str) -> int:
    """Return an instant of the command line in milliseconds; UTC if it has no zone.

    Raises:
        InputError: it is none.
    """
    at = pd.to_datetime(text, utc=True, errors="coerce", format="ISO8601")
    if pd.isna(at):
        raise InputError(f"{what} {text!r} is no time: write 2026-06-01T00:00:00Z")
    return int(at.value // 1_000_000)


def format_instants(times_ms: Instants, *, is_fine: bool | None = None) -> list[str]:
    """Return instants as the files write them: ``2026-06-01T00:00:00Z``.

    ``is_fine``: with milliseconds; None: where one of them has any.
    """
    if np.any(times_ms % 1000) if is_fine is None else is_fine:
        texts = np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="ms")
    else:
        texts = np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="s")
    return [f"{text}Z" for text in texts]


def write_frame(frame: pd.DataFrame, out: Path, float_format: str = "%.4f") -> None:
    """Write a result as CSV.

    Raises:
        InputError: there is no such folder, or it may not be written.
    """
    try:
        frame.to_csv(out, index=False, float_format=float_format)
    except OSError as exc:
        said = exc.strerror or exc
        raise InputError(f"--out {out} cannot be written: {said}") from exc


def _when(path: Path, piece: pd.DataFrame) -> list[str]:
    when = time_columns(piece.columns)
    if not when:
        there = ", ".join(list(piece.columns)[:LISTED])
        raise InputError(f"{path} has no column 'time'; it has: {there}")
    is_whole = piece[when[-1]].str.contains(r"\d{4}").any()
    return when[-1:] if is_whole else when


def _without_units(
    piece: pd.DataFrame, when: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return rows without first ones that only say units, and a sentence about each.

    A logger writes up to two: the units, and whether a number is a mean or a sample.
    """
    remarks: list[str] = []
    while len(piece) > 1 and len(remarks) < UNIT_LINES:
        first = piece.iloc[0]
        is_instant = re.search(r"\d{4}|[:/]", first[when[0]])
        if is_instant or pd.to_numeric(first, errors="coerce").notna().any():
            break
        remarks.append(f"line {piece.index[0]} says units: left aside")
        piece = piece.iloc[1:]
    return piece, remarks


def _joined(piece: pd.DataFrame, when: Sequence[str]) -> pd.Series:
    """Return the cells that say when: of one column, or day and hour of two."""
    cells = piece[when[0]].str.strip()
    for name in when[1:]:
        cells = cells + " " + piece[name].str.strip()
    return cells


def _table(
    times_ms: Instants,
    lines: Instants,
    columns: Mapping[str, Column],
    notes: list[str],
    kept: Collection[str],
    *,
    is_sorted: bool,
) -> Table:
    numbers: dict[str, Floats] = {}
    texts: dict[str, list[str]] = {}
    aside = [name for name in columns if name.startswith(f"{UNNAMED} ")]
    order = np.argsort(times_ms, kind="stable") if is_sorted else np.arange(len(lines))
    is_moved = not np.array_equal(order, np.arange(len(order)))
    for name, column in columns.items():
        found = column.settled()
        if isinstance(found, list):
            texts[name] = [found[at] for at in order] if is_moved else found
            aside += [] if column.is_text or name in kept else [name]
        elif name not in aside:
            numbers[name] = found[order] if is_moved else found
    if is_moved:
        first = lines[int(np.flatnonzero(np.diff(times_ms) < 0)[0]) + 1]
        notes.append(f"rows are not in order of time (line {first}): they were sorted")
    notes += _oddities(times_ms[order], columns, is_sorted=is_sorted)
    if aside:
        left = ", ".join(sorted(set(aside)))
        notes.append(f"left aside, no numbers in them or no name: {left}")
    return Table(times_ms[order], numbers, texts, lines[order], notes)


def _oddities(
    times_ms: Instants, columns: Mapping[str, Column], *, is_sorted: bool
) -> list[str]:
    notes = []
    twice = int((np.diff(times_ms) == 0).sum()) if is_sorted else 0
    if twice:
        notes.append(f"{twice} rows repeat the instant of the row before them")
    commas = [one.name for one in columns.values() if one.has_decimal_commas]
    if commas:
        notes.append("decimal commas in: " + ", ".join(commas))
    return notes
