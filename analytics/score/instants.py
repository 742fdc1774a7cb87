"""Cells that say when, as anyone writes them, to milliseconds since 1970 UTC. Pure.

ISO 8601 with or without a zone, seconds or milliseconds since 1970, and days first or months
first with slashes, dots or dashes: which, the whole file says, and where it does not, days
come first, as in Viet Nam.
"""

import re
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from greenwater.kernel.errors import InputError

Instants = NDArray[np.int64]
NEVER: Final = np.iinfo(np.int64).min
DAY_MS: Final = 86_400_000
_CLOCK: Final = (
    r"(?P<h>\d{1,2})(?:[:hg](?P<m>\d{2}))(?::(?P<s>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>AM|PM|SA|CH|am|pm)?"
)
_DATE: Final = r"(?P<a>\d{1,2})[/.\-](?P<b>\d{1,2})[/.\-](?P<y>\d{4})"
_ZONE: Final = r"\s*(?P<zone>Z|[+\-]\d{2}:?\d{2})?"
_FORMS: Final = (
    re.compile(rf"^\s*{_DATE}(?:[ T,]+{_CLOCK})?{_ZONE}\s*$"),
    re.compile(rf"^\s*{_CLOCK}[ ,]+(?:ngày )?{_DATE}{_ZONE}\s*$"),
)
_HAS_ZONE: Final = re.compile(
    r"(?:[zZ]|:\d{2}(?:[.,]\d+)?\s*[+\-]\d{2}(?::?\d{2})?)\s*$"
)


class Instant:
    """Takes cells piece by piece, and says at the end what instants they were."""

    def __init__(self) -> None:
        self._pieces: list[Instants | pd.DataFrame] = []
        self._lines: list[Instants] = []
        self._zoned = self._bare = 0

    def take(self, cells: pd.Series, lines: Instants) -> None:
        """Take the next cells.

        Raises:
            InputError: one is no instant; its line is named.
        """
        self._count_zones(cells)
        found = self._iso(cells)
        if found is None:
            found = _parts(cells, lines)
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
        if self._bare and self._zoned:
            notes.append(
                f"{self._bare} times have no zone, the others one: taken as UTC"
            )
        elif self._bare:
            notes.append("times have no zone: taken as UTC")
        return np.concatenate(parts), notes

    def _count_zones(self, cells: pd.Series) -> None:
        first = str(cells.iloc[0]).strip()
        if re.fullmatch(r"\d{10}|\d{13}", first):
            return
        has_zone = cells.str.contains(_HAS_ZONE).to_numpy(bool)
        self._zoned += int(has_zone.sum())
        self._bare += int((~has_zone).sum())

    @staticmethod
    def _iso(cells: pd.Series) -> Instants | None:
        """Return the instants if every cell is ISO 8601, or a number of seconds."""
        if re.fullmatch(r"\s*\d{10}\s*|\s*\d{13}\s*", str(cells.iloc[0])):
            numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
            if not np.isnan(numbers).any():
                scale = np.where(numbers < 1e11, 1000.0, 1.0)
                since: Instants = np.round(numbers * scale).astype(np.int64)
                return since
        parsed = pd.to_datetime(cells, utc=True, errors="coerce", format="ISO8601")
        if parsed.isna().any():
            return None
        naive = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[ms]")
        found: Instants = naive.astype(np.int64)
        return found


def _parts(cells: pd.Series, lines: Instants) -> pd.DataFrame:
    """Return year, both smaller numbers and the rest of a day of every cell.

    ``whole`` is the instant where a cell is ISO 8601 among others that are not.
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
        found.loc[here, "rest"] = _rest_ms(taken)
        at = at[~is_this]
    if len(at):
        raise InputError(
            f"line {lines[at[0]]}: time {cells.iloc[int(at[0])]!r} is no instant: "
            "write 2026-06-01T00:00:00Z"
        )
    return found


def _rest_ms(taken: pd.DataFrame) -> Instants:
    """Return the milliseconds from midnight UTC of the day that is written."""
    hour = taken["h"].fillna("0").astype(int).to_numpy()
    half = taken["half"].fillna("").str.upper().to_numpy()
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
