"""Draw the plot of docs/analytics-water.md: ``python docs/plot_water.py``, from the root.

The first probe of the scenario ``fouled-probe`` beside its neighbour, judged by the code that judges
every probe: growth takes its oxygen away until it is cleaned.
"""

from pathlib import Path

from analytics.water.episodes import Episode
from analytics.water.watch import Beside, Point, Watcher, WatchState
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import load_scenario
from greenwater.kernel.clock import ManualClock

FILE = Path(__file__).parent / "img" / "analytics-water.svg"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 280, 46, 34, 46
TOP_MG_L, STEP_S, CHANNEL = 14.0, 1800, "dissolved_oxygen"
DEVICE, FOULED, CLEAN = "sim-van-ninh-1", "ao-4-a", "ao-4-b"


def main() -> None:
    """Write the plot."""
    scenario = load_scenario("fouled-probe")
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    end_s = 204 * 3600.0
    watcher = Watcher(WatchState(device=DEVICE, probe=FOULED))
    lines: dict[str, list[str]] = {FOULED: [], CLEAN: []}
    episodes: dict[str, Episode] = {}
    for number in range(int(end_s // STEP_S)):
        at_s = scenario.start_s + number * STEP_S
        shown = {
            probe: run.sources[DEVICE, probe].values_at(at_s).get(CHANNEL)
            for probe in lines
        }
        x = LEFT + (WIDTH - LEFT - 10) * number * STEP_S / end_s
        for probe, value in shown.items():
            if value is not None:
                lines[probe].append(f"{x:.1f},{_y(value):.1f}")
        mine, other = shown[FOULED], shown[CLEAN]
        at_ms = round(at_s * 1000)
        changes = watcher.take([Point(at_ms, CHANNEL, mine)]).changes
        if mine is not None and other is not None:
            changes += watcher.compare([Beside(at_ms, CHANNEL, mine, other)])
        episodes |= {change.episode.id: change.episode for change in changes}
    bars = [
        (
            one.words_en,
            _x(one.start_ms, scenario.start_s, end_s),
            _x(one.end_ms, scenario.start_s, end_s),
        )
        for one in episodes.values()
    ]
    FILE.write_text(_svg(lines, bars), encoding="utf-8")


def _x(at_ms: int, start_s: float, end_s: float) -> float:
    return LEFT + (WIDTH - LEFT - 10) * (at_ms / 1000 - start_s) / end_s


def _y(value: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value, TOP_MG_L) / TOP_MG_L)


def _svg(lines: dict[str, list[str]], bars: list[tuple[str, float, float]]) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" role="img">',
        "<title>A fouled probe beside a clean one, and the episode found</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for text, start, end in bars:
        width = max(end - start, 2)
        parts.append(
            f'<rect x="{start:.1f}" y="{TOP}" width="{width:.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}" fill="#b4480a" opacity="0.15"/>'
        )
        at, anchor = (start, "start") if start < WIDTH * 2 / 3 else (end, "end")
        parts.append(
            f'<text x="{at:.1f}" y="{TOP - 8}" text-anchor="{anchor}" '
            f'fill="#9b1c1c">{text}</text>'
        )
    for value in (0, 4, 8, 12):
        parts.append(f'<text x="8" y="{_y(value) + 4:.1f}">{value}</text>')
        parts.append(f'<path d="M{LEFT} {_y(value):.1f}H{WIDTH - 10}" stroke="#ddd"/>')
    for probe, colour in ((CLEAN, "#8aa"), (FOULED, "#0b5cad")):
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="1.4" '
            f'points="{" ".join(lines[probe])}"/>'
        )
    parts.append(
        f'<text x="{LEFT}" y="{HEIGHT - 14}">oxygen, mg/L, over 8.5 days: '
        "blue the fouled probe, grey its neighbour</text></svg>\n"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    main()
