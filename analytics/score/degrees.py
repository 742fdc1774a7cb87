"""Latitudes and longitudes as charts and receivers write them: ``12°12.5'N``, ``109.25 E``. Pure."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.score.cells import ABSENT, Floats, Instants
from greenwater.kernel.errors import InputError

_NUMBER: Final = r"(\d{1,3}(?:[.,]\d+)?)"
_WRITTEN: Final = re.compile(
    rf"([NSEW+-])?\s*{_NUMBER}\s*[°ºd:]?"
    rf"(?:\s*{_NUMBER}\s*['′’:]?)?(?:\s*{_NUMBER}\s*(?:\"|″|”|''|′′)?)?\s*([NSEW])?",
    re.IGNORECASE,
)
"""Degrees, perhaps minutes and seconds, and the half of the Earth before or behind them."""


def degrees_of(name: str, cells: Sequence[str], lines: Instants) -> Floats:
    """Return degrees, south and west below 0; NaN where a cell is empty.

    Raises:
        InputError: a cell is no latitude or longitude; its line is named.
    """
    known: dict[str, float] = {}
    for at, cell in enumerate(cells):
        if cell not in known:
            told = _degrees(cell.strip())
            if told is None:
                raise InputError(
                    f"line {lines[at]}, column {name!r}: {cell!r} is no place in degrees: "
                    "write 12.2083, south and west below 0"
                )
            known[cell] = told
    return np.array([known[cell] for cell in cells], dtype=np.float64)


def _degrees(cell: str) -> float | None:
    if cell.lower() in ABSENT:
        return float("nan")
    found = _WRITTEN.fullmatch(cell)
    if found is None:
        return None
    parts = [float((one or "0").replace(",", ".")) for one in found.groups()[1:4]]
    if parts[1] >= 60 or parts[2] >= 60:
        return None
    side = f"{found[1] or ''}{found[5] or ''}".upper()
    if len(side) > 1:
        return None
    degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    return -degrees if side in ("S", "W", "-") else degrees
