"""Cells that say when, as anyone writes them, to milliseconds since 1970 UTC. Pure.

ISO 8601 with or without a zone, seconds (milli-, micro-, nanoseconds) since 1970, months by
their English names, and days first or months first with slashes, dots or dashes: which, the
whole file says, and where it does not, days come first, as in Viet Nam.
"""

import re
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import MINUTE_MS

Instants = NDArray[np.int64]
NEVER: Final = np.iinfo(np.int64).min
_CLOCK: Final = (
    r"(?P<h>\d{1,2})(?:[:hg](?P<m>\d{2}))(?::(?P<s>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>AM|PM|SA|CH|am|pm|[ap]\.m\.)?"
)
_DATE: Final = r"(?P<a>\d{1,2})[/.\-](?P<b>\d{1,2})[/.\-](?P<y>\d{4}|\d{2})"
_ZONE: Final = r"\s*(?P<zone>Z|[+\-]\d{2}:?\d{2})?"
_FORMS: Final = (
    re.compile(rf"^\s*{_DATE}(?:[ T,]+{_CLOCK})?{_ZONE}\s*$"),
    re.compile(rf"^\s*{_CLOCK}[ ,]+(?:ngày )?{_DATE}{_ZONE}\s*$"),
)
_HAS_ZONE: Final = re.compile(
    r"(?:[zZ]|:\d{2}(?:[.,]\d+)?\s*[+\-]\d{2}(?::?\d{2})?)\s*$"
)
_AHEAD: Final = re.compile(r"([+\-])(\d{2}):?(\d{2})?\s*$")
_ZONES: Final = (-12 * 60, 14 * 60)
"""How far clocks anywhere are from UTC, in minutes; by whole quarters but not the first."""
_QUARTERS: Final = (0, 30, 45)
_NUMBER: Final = re.compile(r"\s*\d+(?:\.\d*)?(?:[eE]\+?\d+)?\s*")
_SINCE: Final = (
    (1e8, 1e10, 1e3),
    (9e11, 1e13, 1.0),
    (9e14, 1e16, 1e-3),
    (9e17, 1e19, 1e-6),
)
"""What counts as seconds since 1970, milli-, micro- and nanoseconds: (from, to, to ms)."""
_SHEET_DAYS: Final = (2e4, 8e4)
"""What counts as a spreadsheet's days, from 1954 to 2119; _SHEET_1970 is that of 1970."""
_SHEET_1970: Final = 25_569.0
_MONTH_NAME: Final = re.compile(r"(\d{1,2})[ \-/]([A-Za-z]{3})[a-z]*\.?[ ,\-/]+(\d{4})")
_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_DIGITS: Final = re.compile(r"^(\d{8})(\d{6})$")
_CENTURY: Final = 2000


class Instant:
    """Takes cells piece by piece, and says at the end what instants they were."""

    def __init__(self, zone_min: int | None = None) -> None:
        """Begin; ``zone_min``: what clocks without a zone are ahead of UTC, if it is known."""
        self._zone_min = zone_min
        self._bare_pieces: list[NDArray[np.bool_]] = []
        self._pieces: list[Instants | pd.DataFrame] = []
        self._lines: list[Instants] = []
        self._zoned = self._bare = 0

    def take(self, cells: pd.Series, lines: Instants) -> None:
        """Take the next cells.

        Raises:
            InputError: one is no instant; its line is named.
        """
        written = cells
        if re.search(r"[A-Za-z]{3}", str(cells.iloc[0])):
            cells = _plain(cells)
        self._count_zones(cells, lines)
        found = _since(cells)
        if found is None:
            found = self._iso(cells)
        if found is None:
            found = _parts(cells, lines, written)
        self._pieces.append(found)
        self._lines.append(lines)

    def settled(self) -> tuple[Instants, list[str]]:
        """Return all instants, and what a reader should know of them.

        Raises:
            InputError: a day or month is none.
        """
        notes = []
        days = [one for one in self._pieces if isinstance(one, pd.DataFrame)]
        is_day_first = True
        if days:
            is_day_first, sure = _order(days)
            order = "day/month/year" if is_day_first else "month/day/year"
            why = "" if sure else " (nothing in the file says which: days first)"
            notes.append(f"times are read as {order}{why}")
        parts = [
            _assembled(one, lines, is_day_first=is_day_first)
            if isinstance(one, pd.DataFrame)
            else one
            for one, lines in zip(self._pieces, self._lines, strict=True)
        ]
        if self._zone_min is not None:
            is_bare = np.concatenate(self._bare_pieces)
            ahead = np.where(is_bare, self._zone_min * MINUTE_MS, 0)
            if self._bare:
                hours = f"{self._zone_min / 60:+g}"
                notes.append(f"times are taken as UTC{hours}, as their column says")
            return np.concatenate(parts) - ahead, notes
        if self._bare and self._zoned:
            notes.append(
                f"{self._bare} times have no zone, the others one: taken as UTC"
            )
        elif self._bare:
            notes.append("times have no zone: taken as UTC")
        return np.concatenate(parts), notes

    def _count_zones(self, cells: pd.Series, lines: Instants) -> None:
        if _since(cells.iloc[:1]) is None:
            has_zone = cells.str.contains(_HAS_ZONE).to_numpy(bool)
            _refuse_intervals(cells[has_zone], lines[has_zone])
        elif _in_sheet_days(cells.iloc[0]):
            has_zone = np.zeros(len(cells), dtype=np.bool_)
        else:
            self._bare_pieces.append(np.zeros(len(cells), dtype=np.bool_))
            return
        self._bare_pieces.append(~has_zone)
        self._zoned += int(has_zone.sum())
        self._bare += int((~has_zone).sum())

    @staticmethod
    def _iso(cells: pd.Series) -> Instants | None:
        """Return the instants if every cell is ISO 8601, or 14 digits of a date and time."""
        if re.fullmatch(r"(?:19|20)\d{12}", str(cells.iloc[0]).strip()):
            cells = cells.str.strip().str.replace(_DIGITS, r"\1T\2", regex=True)
        parsed = pd.to_datetime(cells, utc=True, errors="coerce", format="ISO8601")
        if parsed.isna().any():
            return None
        naive = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[ms]")
        found: Instants = naive.astype(np.int64)
        return found


def _refuse_intervals(cells: pd.Series, lines: Instants) -> None:
    """Refuse ``10:00-10:15``: two hours of the clock are no hour and its zone.

    Raises:
        InputError: a cell's zone is none of this world; its line is named.
    """
    found = cells.str.extract(_AHEAD).dropna(subset=[0])
    minutes = found[2].fillna("0").astype(int)
    ahead = found[1].astype(int) * 60 + minutes
    ahead = ahead.where(found[0] == "+", -ahead)
    is_bad = ~(minutes.isin(_QUARTERS) & ahead.between(*_ZONES))
    if is_bad.any():
        bad = is_bad.index[is_bad][0]
        line = lines[cells.index.get_loc(bad)]
        raise InputError(
            f"line {line}: time {cells[bad].strip()!r} ends in no zone; of an interval "
            "write the beginning alone"
        )


def _since(cells: pd.Series) -> Instants | None:
    """Return the instants if every cell counts from 1970, all in one unit, or days as a
    spreadsheet does."""
    if not _NUMBER.fullmatch(str(cells.iloc[0])):
        return None
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    if np.all((numbers >= _SHEET_DAYS[0]) & (numbers < _SHEET_DAYS[1])):
        seconds: Instants = np.round((numbers - _SHEET_1970) * 86_400).astype(np.int64)
        return seconds * 1000
    for low, high, scale in _SINCE:
        if np.all((numbers >= low) & (numbers < high)):
            found: Instants = np.round(numbers * scale).astype(np.int64)
            return found
    return None


def _in_sheet_days(cell: str) -> bool:
    return _SHEET_DAYS[0] <= float(cell) < _SHEET_DAYS[1]


def _plain(cells: pd.Series) -> pd.Series:
    """Return cells with months by number, and the zone of UTC as ISO 8601 writes it."""

    def iso(found: re.Match[str]) -> str:
        name = found[2].lower()
        if name not in _MONTHS:
            return found[0]
        return f"{found[3]}-{_MONTHS.index(name) + 1:02d}-{int(found[1]):02d}"

    named = cells.str.replace(_MONTH_NAME, iso, regex=True)
    return named.str.replace(r"\s*(?:UTC|GMT)\s*$", "Z", regex=True)


def _parts(cells: pd.Series, lines: Instants, written: pd.Series) -> pd.DataFrame:
    """Return year, both smaller numbers and the rest of a day of every cell.

    ``whole`` is the instant where a cell is ISO 8601 among others that are not;
    ``written`` are the cells as the file has them.
    """
    parsed = pd.to_datetime(cells, utc=True, errors="coerce", format="ISO8601")
    is_bad = parsed.isna().to_numpy()
    naive = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[ms]")
    whole = naive.astype(np.int64)
    whole[is_bad] = NEVER
    found = pd.DataFrame({"whole": whole, "a": 1, "b": 1, "y": 1970, "rest": 0})
    at = np.flatnonzero(is_bad)
    for form in _FORMS:
        if not len(at):
            break
        taken = cells.iloc[at].str.extract(form)
        is_this = taken["y"].notna().to_numpy()
        here = at[is_this]
        taken = taken[is_this]
        for name in ("a", "b", "y"):
            found.loc[here, name] = taken[name].astype(int).to_numpy()
        found.loc[found["y"] < 100, "y"] += _CENTURY
        found.loc[here, "rest"] = _rest_ms(taken)
        at = at[~is_this]
    if len(at):
        raise InputError(
            f"line {lines[at[0]]}: time {written.iloc[int(at[0])]!r} is no instant: "
            "write 2026-06-01T00:00:00Z"
        )
    return found


def _rest_ms(taken: pd.DataFrame) -> Instants:
    """Return the milliseconds from midnight UTC of the day that is written."""
    hour = taken["h"].fillna("0").astype(int).to_numpy()
    half = taken["half"].fillna("").str.upper().str.replace(".", "").to_numpy()
    is_late = np.isin(half, ("PM", "CH"))
    hour = np.where(half == "", hour, hour % 12 + 12 * is_late)
    minute = taken["m"].fillna("0").astype(int).to_numpy()
    second = taken["s"].fillna("0").astype(int).to_numpy()
    zone = taken["zone"].fillna("Z").str.replace(":", "").replace("Z", "+0000")
    sign = np.where(zone.str[0] == "-", -1, 1)
    apart = sign * (
        zone.str[1:3].astype(int).to_numpy() * 60 + zone.str[3:5].astype(int).to_numpy()
    )
    rest = ((hour * 60 + minute - apart) * 60 + second) * 1000
    return np.asarray(rest, dtype=np.int64)


def _order(pieces: list[pd.DataFrame]) -> tuple[bool, bool]:
    """Return whether days come first, and whether the cells themselves say so."""
    if any((one["a"] > 12).any() for one in pieces):
        return True, True
    if any((one["b"] > 12).any() for one in pieces):
        return False, True
    return True, False


def _assembled(found: pd.DataFrame, lines: Instants, *, is_day_first: bool) -> Instants:
    day, month = ("a", "b") if is_day_first else ("b", "a")
    parts = found[["y", month, day]].set_axis(["year", "month", "day"], axis=1)
    at = pd.to_datetime(parts, errors="coerce")
    if at.isna().any():
        bad = int(np.flatnonzero(at.isna())[0])
        a, b, year = (int(found[name].iloc[bad]) for name in ("a", "b", "y"))
        raise InputError(
            f"line {lines[bad]}: {a}/{b}/{year} is no day: write 2026-06-01T00:00:00Z"
        )
    by_parts = at.to_numpy().astype("datetime64[ms]").astype(np.int64)
    by_parts = by_parts + found["rest"].to_numpy()
    whole = found["whole"].to_numpy()
    found_ms: Instants = np.where(whole == NEVER, by_parts, whole)
    return found_ms
