"""Draw ``img/analytics-water-days.svg``: ``python docs/plot_water_days.py``, from the root.

A probe that hangs alone in a simulated pond: its oxygen is fouled by 4 % a day from the
fifteenth day, and it is cleaned on the twenty-sixth. Judged by the code that judges every probe.
"""

import random
from math import pi, sin
from pathlib import Path

from analytics.water.episodes import Episode
from analytics.water.watch import Point, Watcher, WatchState

FILE = Path(__file__).parent / "img" / "analytics-water-days.svg"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 260, 46, 30, 40
DAYS, A_DAY, BEGINS, CLEANED, MOST = 32, 48, 15, 26, 160.0


def main() -> None:
    """Write the plot."""
    chance, weather, watcher = random.Random(2), 0.0, Watcher(WatchState())
    points: list[str] = []
    episodes: dict[str, Episode] = {}
    for number in range(DAYS * A_DAY):
        day = number / A_DAY
        if number % A_DAY == 0:
            weather = chance.gauss(0, 4)
        wave = sin((day - 0.4) * 2 * pi)
        value = 105 + (32 + weather) * wave + chance.gauss(0, 1)
        if BEGINS < day < CLEANED:
            value *= 0.96 ** (day - BEGINS)
        x, y = _x(day), TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / MOST)
        points.append(f"{x:.1f},{y:.1f}")
        at_ms = round(day * 86_400_000)
        taken = watcher.take([Point(at_ms, "oxygen_saturation", round(value, 1))])
        episodes |= {one.episode.id: one.episode for one in taken.changes}
    alone = [one for one in episodes.values() if one.is_alone]
    FILE.write_text(_svg(points, alone), encoding="utf-8")


def _x(day: float) -> float:
    return LEFT + (WIDTH - LEFT - 10) * day / DAYS


def _svg(points: list[str], episodes: list[Episode]) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" role="img">',
        "<title>A lone probe that is fouled, and the episode found</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for one in episodes:
        start, end = (_x(ms / 86_400_000) for ms in (one.start_ms, one.end_ms))
        parts.append(
            f'<rect x="{start:.1f}" y="{TOP}" width="{end - start:.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}" fill="#b4480a" opacity="0.15"/>'
            f'<text x="{start:.1f}" y="{TOP - 8}" fill="#9b1c1c">{one.words_en}</text>'
        )
    for day, text in ((BEGINS, "growth begins"), (CLEANED, "cleaned")):
        parts.append(
            f'<path d="M{_x(day):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#444" '
            f'stroke-dasharray="3 3"/><text x="{_x(day) + 4:.1f}" '
            f'y="{HEIGHT - BOTTOM - 6}">{text}</text>'
        )
    for value in (0, 50, 100, 150):
        y = TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / MOST)
        parts.append(f'<text x="8" y="{y + 4:.1f}">{value}</text>')
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 10}" stroke="#ddd"/>')
    parts.append(
        '<polyline fill="none" stroke="#0b5cad" stroke-width="1.2" '
        f'points="{" ".join(points)}"/><text x="{LEFT}" y="{HEIGHT - 12}">oxygen, % of '
        f"saturation, over {DAYS} days of one probe</text></svg>\n"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    main()
