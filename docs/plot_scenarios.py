"""Draw the plots of docs/scenarios.md: ``python docs/plot_scenarios.py``, from the root.

Plain SVG, no library. Charts show what probes show, faults and noise included.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import load_scenario
from greenwater.kernel.clock import ManualClock

HERE = Path(__file__).parent / "img"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 250, 46, 30, 34
COLOURS = ("#0b6e8a", "#d1495b", "#6a994e", "#8d6a9f")

Points = Sequence[tuple[float, float | None]]


class Line(NamedTuple):
    """One curve; a point without a value breaks it."""

    label: str
    points: Points


class Chart(NamedTuple):
    """What is drawn, between which limits; ``marks`` are (hour, text)."""

    title: str
    unit: str
    low: float
    high: float
    lines: Sequence[Line]
    marks: Sequence[tuple[float, str]] = ()


def opened(name: str) -> tuple[ScenarioRun, ManualClock]:
    """Return a run of a scenario and its clock."""
    scenario = load_scenario(name)
    clock = ManualClock(scenario.start)
    return ScenarioRun(scenario, clock), clock


def series(
    run: ScenarioRun, probe: str, channel: str, *, every_h: float = 0.5
) -> Points:
    """Return what a probe shows over the whole scenario."""
    source = next(s for (_, name), s in run.sources.items() if name == probe)
    start_s, count = run.scenario.start_s, int(run.scenario.duration_h / every_h)
    hours = [number * every_h for number in range(count)]
    return [(h, source.values_at(start_s + h * 3600)[channel]) for h in hours]


def text(x: float, y: float, said: str, extra: str = "") -> str:
    """Return a label."""
    return f'<text x="{x:.0f}" y="{y:.0f}" {extra}>{said}</text>'


def drawn(chart: Chart) -> str:
    """Return a chart of values over hours as SVG."""
    last = max(hour for line in chart.lines for hour, _ in line.points)
    across = (WIDTH - LEFT - 10) / last
    up = (HEIGHT - TOP - BOTTOM) / (chart.high - chart.low)

    def at(hour: float, value: float) -> tuple[float, float]:
        return LEFT + hour * across, HEIGHT - BOTTOM - (value - chart.low) * up

    parts = [text(LEFT, 18, f"{chart.title} ({chart.unit})", 'font-weight="600"')]
    for quarter in range(5):
        value = chart.low + (chart.high - chart.low) * quarter / 4
        x, y = at(0, value)
        parts.append(f'<path class="g" d="M{x:.0f} {y:.1f}H{WIDTH - 10}"/>')
        parts.append(text(x - 6, y + 4, f"{value:g}", 'text-anchor="end"'))
    step = 24 if last <= 200 else 48
    for tick in range(0, int(last) + 1, step):
        x, y = at(tick, chart.low)
        parts.append(f'<path class="g" d="M{x:.1f} {TOP}V{y:.0f}"/>')
        parts.append(text(x, y + 15, str(tick), 'text-anchor="middle"'))
    parts.append(text(WIDTH - 10, HEIGHT - 4, "hours", 'text-anchor="end"'))
    for hour, said in chart.marks:
        x, _ = at(hour, chart.low)
        parts.append(f'<path class="m" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(text(x + 4, TOP + 10, said, 'class="m"'))
    for number, line in enumerate(chart.lines):
        colour, pen, path = COLOURS[number], "M", ""
        for hour, shown in line.points:
            if shown is None:
                pen = "M"
                continue
            x, y = at(hour, min(max(shown, chart.low), chart.high))
            path += f"{pen}{x:.1f} {y:.1f}"
            pen = "L"
        parts.append(f'<path class="l" stroke="{colour}" d="{path}"/>')
        key = LEFT + 250 + number * 170
        parts.append(text(key, 18, line.label, f'fill="{colour}"'))
    return framed(parts, HEIGHT)


def framed(parts: Sequence[str], height: int) -> str:
    """Return the picture's text."""
    style = (
        "text{font:12px sans-serif}.g{stroke:#ccd;stroke-width:.6;fill:none}"
        ".m{stroke:#a33;stroke-dasharray:4 3;fill:none}text.m{fill:#a33;stroke:none}"
        ".l{fill:none;stroke-width:1.6}"
    )
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def tracked(name: str, title: str) -> str:
    """Return the tracks of a scenario's boats: steaming thin, fishing thick."""
    run, _ = opened(name)
    legs = [leg for voyage in run.voyages.values() for leg in voyage.legs]
    points = [point for leg in legs for point in (leg.start, leg.end)]
    south, west = (min(p[n] for p in points) for n in (0, 1))
    north, east = (max(p[n] for p in points) for n in (0, 1))
    scale = min((WIDTH - 2 * LEFT) / (east - west), 420 / (north - south))
    height = int((north - south) * scale) + 90
    parts = [text(LEFT, 18, title, 'font-weight="600"')]
    for number, (vessel, voyage) in enumerate(run.voyages.items()):
        colour = COLOURS[number]
        for is_fishing, pen in ((False, 0.8), (True, 2.0)):
            path, last = [], None
            for leg in voyage.legs:
                if leg.activity.is_fishing is not is_fishing:
                    continue
                for point in (leg.start, leg.end):
                    x = LEFT + (point[1] - west) * scale
                    y = 40 + (north - point[0]) * scale
                    command = "L" if point == last or point is leg.end else "M"
                    path.append(f"{command}{x:.1f} {y:.1f}")
                    last = point
            parts.append(
                f'<path fill="none" stroke="{colour}" stroke-width="{pen}" '
                f'd="{"".join(path)}"/>'
            )
        said = f"{vessel}, {voyage.legs[0].start[0]:.2f} N"
        parts.append(text(LEFT + 200 * number, height - 10, said, f'fill="{colour}"'))
    bar = scale / 6  # ten minutes of latitude
    parts.append(f'<path stroke="#334" d="M{WIDTH - 20 - bar:.0f} 20h{bar:.1f}"/>')
    parts.append(text(WIDTH - 20, 14, "10 nm", 'text-anchor="end"'))
    return framed(parts, height)


def crashing(name: str, hour: float) -> tuple[ScenarioRun, ScenarioRun]:
    """Return a crash left to itself, and one with two more aerators from an hour on."""
    left, _ = opened(name)
    saved, clock = opened(name)
    clock.advance(timedelta(hours=hour))
    for aerator in ("ao-7-quat-3", "ao-7-quat-4"):
        saved.switch_aerator(aerator, True)
    return left, saved


def charts() -> dict[str, Chart]:
    """Return every chart by the name of its file."""
    farm, _ = opened("healthy-farm")
    crash, saved = crashing("oxygen-crash", 44)
    tonight, kept = crashing("oxygen-tonight", 25)
    flood, _ = opened("flood")
    failed, _ = opened("aerator-failure")
    fouled, _ = opened("fouled-probe")
    oxygen = "dissolved_oxygen"
    return {
        "healthy-farm": Chart(
            "Oxygen",
            "mg/L",
            2,
            12,
            [
                Line("pond 1, 0.4 m", series(farm, "ao-1-tren", oxygen)),
                Line("pond 1, 1.2 m", series(farm, "ao-1-day", oxygen)),
                Line("sea cage, 1 m", series(farm, "long-1-mat", oxygen)),
            ],
        ),
        "oxygen-crash": Chart(
            "Oxygen",
            "mg/L",
            0,
            12,
            [
                Line("0.4 m", series(crash, "ao-7-tren", oxygen)),
                Line("1.2 m", series(crash, "ao-7-day", oxygen)),
                Line("two more aerators", series(saved, "ao-7-tren", oxygen)),
            ],
            [(43, "die-off")],
        ),
        "oxygen-tonight": Chart(
            "Oxygen",
            "mg/L",
            0,
            12,
            [
                Line("0.4 m", series(tonight, "ao-7-tren", oxygen)),
                Line("1.2 m", series(tonight, "ao-7-day", oxygen)),
                Line("two more aerators", series(kept, "ao-7-tren", oxygen)),
            ],
            [(21, "die-off")],
        ),
        "flood": Chart(
            "Salinity",
            "PSU",
            0,
            36,
            [
                Line("cage, 1 m", series(flood, "long-5-mat", "salinity")),
                Line("cage, 5 m", series(flood, "long-5-sau", "salinity")),
                Line("pond, 0.3 m", series(flood, "ao-9-tren", "salinity")),
            ],
            [(30, "rain")],
        ),
        "aerator-failure": Chart(
            "Oxygen and current of aerator 1",
            "mg/L, A",
            0,
            8,
            [
                Line("", series(failed, "ao-3", oxygen, every_h=0.25)),
                Line("", series(failed, "ao-3-quat-1", "current", every_h=0.1)),
            ],
            [(25, "seized"), (49, "mains off")],
        ),
        "fouled-probe": Chart(
            "Oxygen",
            "mg/L",
            2,
            12,
            [
                Line("fouled", series(fouled, "ao-4-a", oxygen)),
                Line("beside it", series(fouled, "ao-4-b", oxygen)),
            ],
            [(201, "cleaned")],
        ),
    }


def main() -> None:
    """Write all pictures."""
    HERE.mkdir(exist_ok=True)
    for name, chart in charts().items():
        (HERE / f"{name}.svg").write_text(drawn(chart), encoding="utf-8")
    for name, title in (
        ("tuna-trip", "One longline trip: ten sets, each hauled back along the line"),
        ("trawler-inshore", "Two trawlers and a gillnetter, fishing drawn thick"),
        ("closed-reef", "A tow off Hòn Mun, and a gillnetter that passes it"),
    ):
        (HERE / f"{name}.svg").write_text(tracked(name, title), encoding="utf-8")


if __name__ == "__main__":
    main()
