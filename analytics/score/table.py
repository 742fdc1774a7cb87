"""A CSV of somebody's own: an instant a row, a number a cell, or a sentence why not.

What people call their columns is understood (``dissolved_oxygen_mg_l`` is
``dissolved_oxygen``) and kept; columns that hold no number at all, such as quality codes, are
left aside and named. Times without a zone are taken as UTC and said to be; rows out of
order are put in order and said to be.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InputError

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]

ABSENT: Final = ("", "nan", "NaN", "NAN", "NA", "N/A", "null", "NULL", "None", "-")
"""What a cell says that holds no value."""

_CHANNELS: Final = frozenset(str(channel) for channel in Channel)
_ALIASES: Final = {
    "temperature_c": "temperature",
    "temp": "temperature",
    "dissolved_oxygen_mg_l": "dissolved_oxygen",
    "do": "dissolved_oxygen",
    "do_mg_l": "dissolved_oxygen",
    "oxygen_saturation_pct": "oxygen_saturation",
    "salinity_psu": "salinity",
    "specific_conductivity_ms_cm": "specific_conductivity",
    "conductivity_ms_cm": "conductivity",
    "depth_m": "depth",
    "turbidity_ntu": "turbidity",
    "chlorophyll_ug_l": "chlorophyll",
    "orp_mv": "orp",
    "water_level_m": "water_level",
}
"""Names with the canonical unit in them. Another unit, such as µS/cm, is no alias: the
column stays a generic channel under its own name."""


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
        """Return the file's own name of a channel's column; None if it has none."""
        return next((own for own in self.numbers if canonical(own) == name), None)

    def column(self, name: str) -> Floats:
        """Return the numbers of a channel, whatever the file calls it.

        Raises:
            InputError: there are none.
        """
        own = self.find(name)
        if own is None:
            there = ", ".join(self.numbers) or "none"
            raise InputError(
                f"there is no column {name!r} with numbers; the file has: {there}"
            )
        return self.numbers[own]


def read_table(
    path: Path, *, texts: Collection[str] = (), is_sorted: bool = True
) -> Table:
    """Read a CSV, gzipped or not; ``texts`` are columns that are text whatever they say.

    ``is_sorted``: put rows in order of time (False: keep the file's order, as where
    several vessels stand one after another).

    Raises:
        InputError: there is no such file, it is empty or no CSV, it has no ``time``
            column, or a cell is no time or no number; the line is named.
    """
    frame = _cells(path)
    lines = np.arange(2, len(frame) + 2, dtype=np.int64)
    times_ms, notes = _times(frame["time"], path)
    numbers, others = {}, {}
    for name in (column for column in frame.columns if column != "time"):
        cells = frame[name]
        known = None if name in texts else _numbers(cells, str(name))
        if known is None:
            others[str(name)] = cells.to_list()
        else:
            numbers[str(name)] = known
    order = np.argsort(times_ms, kind="stable") if is_sorted else np.arange(len(lines))
    if is_sorted and not np.array_equal(order, np.arange(len(order))):
        first = lines[int(np.flatnonzero(np.diff(times_ms) < 0)[0]) + 1]
        notes.append(f"rows are not in order of time (line {first}): they were sorted")
    aside = sorted(set(others) - set(texts))
    if aside:
        notes.append("left aside, no numbers in them: " + ", ".join(aside))
    return Table(
        times_ms[order],
        {name: column[order] for name, column in numbers.items()},
        {name: [column[i] for i in order] for name, column in others.items()},
        lines[order],
        notes,
    )


def canonical(name: str) -> str:
    """Return the channel that a column's name means; itself if it is none of ours."""
    lower = name.lower()
    return lower if lower in _CHANNELS else _ALIASES.get(lower, name)


def parse_instant(text: str, what: str) -> int:
    """Return an instant of the command line in milliseconds; UTC if it has no zone.

    Raises:
        InputError: it is none.
    """
    at = pd.to_datetime(text, utc=True, errors="coerce", format="ISO8601")
    if pd.isna(at):
        raise InputError(f"{what} {text!r} is no time: write 2026-06-01T00:00:00Z")
    return int(at.value // 1_000_000)


def format_instants(times_ms: Instants) -> list[str]:
    """Return instants as the files write them: ``2026-06-01T00:00:00Z``."""
    if np.any(times_ms % 1000):
        texts = np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="ms")
    else:
        texts = np.datetime_as_string(times_ms.astype("datetime64[ms]"), unit="s")
    return [f"{text}Z" for text in texts]


def _cells(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        frame = pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            encoding="utf-8-sig",
            compression="gzip" if path.suffix == ".gz" else None,
        )
    except pd.errors.EmptyDataError:
        raise InputError(f"{path} is empty: it needs a header line and rows") from None
    except (pd.errors.ParserError, UnicodeDecodeError, OSError, EOFError) as exc:
        raise InputError(f"{path} cannot be read as CSV: {exc}") from exc
    frame.columns = [str(name).strip() for name in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise InputError(f"{path} has two columns {twice[0]!r}: rename one")
    if "time" not in frame.columns:
        there = ", ".join(frame.columns[:12])
        raise InputError(f"{path} has no column 'time'; it has: {there}")
    if frame.empty:
        raise InputError(f"{path} has a header line and no rows")
    return frame


def _times(cells: pd.Series, path: Path) -> tuple[Instants, list[str]]:
    parsed = pd.to_datetime(cells, utc=True, errors="coerce", format="ISO8601")
    bad = np.flatnonzero(parsed.isna().to_numpy())
    if len(bad):
        at = int(bad[0])
        raise InputError(
            f"{path} line {at + 2}: time {cells.iloc[at]!r} is no instant: "
            "write 2026-06-01T00:00:00Z"
        )
    text = cells.iloc[0].rstrip()
    has_zone = text.endswith(("Z", "z")) or "+" in text[10:] or "-" in text[10:]
    notes = [] if has_zone else ["times have no zone: taken as UTC"]
    naive = parsed.dt.tz_localize(None).to_numpy()
    return naive.astype("datetime64[ms]").astype(np.int64), notes


def _numbers(cells: pd.Series, name: str) -> Floats | None:
    """Return a column's numbers, None if it holds none.

    Raises:
        InputError: some cells are numbers and some are not.
    """
    stripped = cells.str.strip()
    is_absent = stripped.isin(ABSENT).to_numpy()
    values: Floats = np.array(
        pd.to_numeric(stripped.where(~is_absent), errors="coerce"), dtype=np.float64
    )
    bad = np.isnan(values) & ~is_absent
    if bad.any() and (bad | is_absent).all():
        return None
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"line {at + 2}, column {name!r}: {stripped.iloc[at]!r} is no number"
        )
    values[np.isinf(values)] = np.nan
    return values
