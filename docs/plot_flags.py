"""Draw the plot of docs/quality-flags.md: ``python docs/plot_flags.py``, from the root.

A simulated day of oxygen with faults put into it, flagged by the code that flags readings.
"""

import math
from pathlib import Path
from random import Random

from analytics.qc.stream import FlagState, Verdict, flagged
from analytics.qc.stretch import Point
from greenwater.kernel.channels import Channel
from greenwater.kernel.quality import Flag
from greenwater.reference.quality import QUALITY

FILE = Path(__file__).parent / "img" / "quality-flags.svg"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 280, 46, 30, 46
TOP_MG_L, STEP_MS = 14.0, 300_000
LOOKS = {
    Flag.GOOD: ("#0b5cad", 1.6, "good"),
    Flag.SUSPECT: ("#b4480a", 4.0, "suspect"),
    Flag.FAIL: ("#9b1c1c", 5.0, "fail"),
}
MARKS = (
    (3.0, "spike"),
    (7.2, "gap"),
    (12.0, "stuck for hours"),
    (19.0, "out of water: -9.99"),
    (22.3, "a crash: suspect, never hidden"),
)


def a_day() -> list[Point]:
    """Return a reading every five minutes, with what goes wrong at MARKS."""
    random = Random(4)
    found = []
    for number in range(288):
        hour = number / 12
        value = (
            6 + 2.2 * math.sin((hour - 9) / 24 * 2 * math.pi) + random.gauss(0, 0.06)
        )
        if 7.2 <= hour < 9.6:
            continue
        if number == 36:
            value = 12.6
        if 10.0 <= hour < 15.0:
            value = 6.9
        if 18.8 <= hour < 19.3:
            value = -9.99
        if hour >= 22.3:
            value = 0.6
        found.append(Point(number * STEP_MS, round(value, 2)))
    return found


def verdicts_of(points: list[Point]) -> dict[int, Verdict]:
    """Return the last verdict of each reading."""
    state, found = FlagState(), dict[int, Verdict]()
    for point in points:
        verdicts = flagged(state, point, QUALITY[Channel.DISSOLVED_OXYGEN])
        found |= {one.taken_ms: one for one in verdicts}
    return found


def drawn() -> str:
    """Return the picture."""
    points = a_day()
    verdicts = verdicts_of(points)
    across = (WIDTH - LEFT - 12) / (24 * 3_600_000)
    down = (HEIGHT - TOP - BOTTOM) / TOP_MG_L

    def place(point: Point) -> tuple[float, float]:
        value = max(0.0, point.value or 0.0)
        return LEFT + point.taken_ms * across, HEIGHT - BOTTOM - value * down

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="16">Dissolved oxygen, mg/L (simulated), and its flags</text>',
    ]
    for value in (0, 4, 8, 12):
        y = HEIGHT - BOTTOM - value * down
        lines.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 12}" stroke="#ddd"/>')
        lines.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
        )
    for point in points:
        x, y = place(point)
        colour, size, _ = LOOKS[verdicts[point.taken_ms].flag]
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{colour}"/>')
    for hour, text in MARKS:
        x = LEFT + hour * 3_600_000 * across
        anchor = "end" if hour > 20 else "start"
        low = HEIGHT - BOTTOM + (16 if hour < 20 else 30)
        lines.append(f'<path d="M{x:.1f} {HEIGHT - BOTTOM}v5" stroke="#333"/>')
        lines.append(
            f'<text x="{x:.1f}" y="{low}" text-anchor="{anchor}">{text}</text>'
        )
    for number, (colour, _, name) in enumerate(LOOKS.values()):
        x = WIDTH - 230 + number * 78
        lines.append(f'<circle cx="{x}" cy="12" r="4" fill="{colour}"/>')
        lines.append(f'<text x="{x + 8}" y="16">{name}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    FILE.write_text(drawn())
