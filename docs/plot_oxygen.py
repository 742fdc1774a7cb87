"""Draw the plot of docs/analytics-oxygen.md: ``python docs/plot_oxygen.py``, from the root.

One night of a real recording (`../shared/data`, not in the repository): what came, and what
was forecast at three instants, with the 90 % band and the naive forecast beside it.
"""

from pathlib import Path

import numpy as np
from msgspec import Struct

from analytics.oxygen.crash import CRASH_MG_L
from analytics.oxygen.grid import Grid, gridded
from analytics.oxygen.learner import Target
from analytics.oxygen.rolling import Run, run_all
from analytics.score.oxygen import grid_of
from analytics.score.table import parse_instant, read_table

RECORDING = (
    Path(__file__).resolve().parents[2]
    / "shared/data/sondes/apalachicola_cat_point_2012_2013.csv.gz"
)
FILE = Path(__file__).parent / "img" / "oxygen-night.svg"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 330, 40, 44, 34
TOP_MG_L, STEP_MS, HOUR_MS = 10.0, 900_000, 3_600_000
BEGIN, HOURS, LOCAL_H = "2013-08-01T21:00:00Z", 24, -5
ORIGINS_H = (3, 6, 9)
HORIZONS = (1, 3, 6, 12)
COLOURS = ("#0b5cad", "#6b3fa0", "#b4480a")


class Night(Struct):
    """The forecasts of a night and where they stand on the page."""

    grid: Grid
    runs: list[Run]
    first: int

    def place(self, row: float, value: float) -> str:
        """Return the point of a row and a value."""
        x = LEFT + (row - self.first) * (WIDTH - LEFT - 12) / (HOURS * 4)
        y = HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM) / TOP_MG_L
        return f"{x:.1f} {y:.1f}"


def the_night() -> Night:
    """Return the night, forecast by what the year before it taught."""
    whole = grid_of(read_table(RECORDING))
    begin = whole.row_at(parse_instant(BEGIN, "BEGIN"))
    part = slice(max(0, begin - 365 * 96), begin + 60 * 4)
    grid = gridded(
        whole.times_ms[part],
        whole.oxygen[part],
        {name: values[part] for name, values in whole.inputs.items()},
    )
    first = grid.row_at(parse_instant(BEGIN, "BEGIN"))
    targets = [Target(hours) for hours in HORIZONS]
    return Night(
        grid, run_all(grid, first, threshold=CRASH_MG_L, targets=targets), first
    )


def origin_lines(night: Night, hours: int, colour: str) -> list[str]:
    """Return the forecasts made at one instant: band, line, naive."""
    row = night.first + 4 * hours
    start = night.place(row, float(night.grid.oxygen[row]))
    ends = [(row + 4 * run.target.hours, run) for run in night.runs]
    upper = [night.place(at, float(run.high[row])) for at, run in ends]
    lower = [night.place(at, float(run.low[row])) for at, run in ends]
    line = [night.place(at, float(run.forecast[row])) for at, run in ends]
    naive = [night.place(at, float(run.naive[row])) for at, run in ends]
    band = "L".join([start, *upper, *reversed(lower)])
    dots = [point.split() for point in line]
    return [
        f'<path d="M{band}Z" fill="{colour}" opacity="0.13"/>',
        f'<path d="M{"L".join([start, *line])}" stroke="{colour}" fill="none" '
        'stroke-width="2"/>',
        f'<path d="M{"L".join([start, *naive])}" stroke="{colour}" fill="none" '
        'stroke-dasharray="3 3"/>',
        *(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in dots),
    ]


def axes(night: Night) -> list[str]:
    """Return the page, its grid and its words."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="16">Dissolved oxygen, mg/L, Cat Point, 1-2 August 2013, '
        "local time: what came (black),</text>",
        f'<text x="{LEFT}" y="32">and what was forecast at three instants 1, 3, 6 and '
        "12 h ahead: 90 % bands, naive forecast dashed</text>",
    ]
    for value in (0, 2, 4, 6, 8, 10):
        y = night.place(night.first, value).split()[1]
        colour = "#c33" if value == CRASH_MG_L else "#ddd"
        lines.append(f'<path d="M{LEFT} {y}H{WIDTH - 12}" stroke="{colour}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y}" text-anchor="end">{value}</text>')
    begin = int(BEGIN[11:13]) + LOCAL_H
    for hour in range(0, HOURS + 1, 3):
        x = night.place(night.first + 4 * hour, 0).split()[0]
        lines.append(
            f'<text x="{x}" y="{HEIGHT - 14}" text-anchor="middle">'
            f"{(begin + hour) % 24:02d}:00</text>"
        )
    return lines


def drawn(night: Night) -> str:
    """Return the picture."""
    lines = axes(night)
    for hours, colour in zip(ORIGINS_H, COLOURS, strict=True):
        lines += origin_lines(night, hours, colour)
    rows = np.arange(night.first, night.first + HOURS * 4 + 1)
    came = [
        night.place(int(row), float(night.grid.oxygen[row]))
        for row in rows
        if not np.isnan(night.grid.oxygen[row])
    ]
    lines.append(
        f'<path d="M{"L".join(came)}" stroke="#111" fill="none" stroke-width="1.2"/>'
    )
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    FILE.write_text(drawn(the_night()))
