"""Draw the plot of docs/alarms.md: ``python docs/plot_alarms.py``, from the root.

The flood scenario at a lobster cage: salinity at one metre, and what its alarm did.
"""

from collections.abc import Mapping
from pathlib import Path

from analytics.alarms.replaying import Row, replayed
from analytics.flagging import is_believable
from cli.demo.simulation import measured, readings_of
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import load_scenario
from greenwater.derived.chemistry import salinity_psu
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock

FILE = Path(__file__).parent / "img" / "alarms.svg"
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 300, 46, 34, 40
FROM_H, TO_H, TOP_PSU = 24.0, 84.0, 36.0
LOOKS = {"warn": "#b4480a", "critical": "#9b1c1c", "returned": "#1d6b3f"}
LEVELS = ((28.0, "warning below 28", "#b4480a"), (22.0, "critical below 22", "#9b1c1c"))


def rows(probe: str) -> tuple[list[Row], float]:
    """Return what a probe of the flood measures every ten minutes, and its beginning."""
    scenario = load_scenario("flood")
    run, known = ScenarioRun(scenario, ManualClock(scenario.start)), measured(scenario)
    end_s = scenario.start_s + scenario.duration_h * 3600
    found: list[Row] = [
        (row.taken_ms, {one.channel: one.value for one in readings_of(row, known)})
        for row in run.history(scenario.start_s, end_s, 600)
        if row.probe == probe
    ]
    return found, scenario.start_s


def drawn() -> str:
    """Return the picture."""
    told, start_s = rows("long-5-mat")
    points = [
        (at_ms / 3_600_000 - start_s / 3600, salt)
        for at_ms, values in told
        if (salt := _salt(values)) is not None
    ]
    across = (WIDTH - LEFT - 12) / (TO_H - FROM_H)
    down = (HEIGHT - TOP - BOTTOM) / TOP_PSU

    def place(hour: float, value: float) -> tuple[float, float]:
        return LEFT + (hour - FROM_H) * across, HEIGHT - BOTTOM - value * down

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="16">Salinity at 1 m in a lobster cage, PSU (simulated flood), '
        "and its one alarm</text>",
    ]
    for value, name, colour in LEVELS:
        _, y = place(FROM_H, value)
        lines.append(
            f'<line x1="{LEFT}" x2="{WIDTH - 12}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{colour}" stroke-dasharray="4 4"/>'
            f'<text x="{WIDTH - 14}" y="{y - 4:.1f}" fill="{colour}" text-anchor="end">{name}</text>'
        )
    path = " ".join(
        f"{x:.1f},{y:.1f}"
        for hour, value in points
        if FROM_H <= hour <= TO_H
        for x, y in [place(hour, value)]
    )
    lines.append(
        f'<polyline points="{path}" fill="none" stroke="#0b5cad" stroke-width="1.6"/>'
    )
    for hour, word, kind in events(told, start_s):
        x, _ = place(hour, 0)
        tall = {"warn": TOP + 4, "critical": TOP + 18, "returned": TOP + 4}[kind]
        lines.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{tall + 4}" y2="{HEIGHT - BOTTOM}" '
            f'stroke="{LOOKS[kind]}"/>'
            f'<text x="{x + 4:.1f}" y="{tall + 8}" fill="{LOOKS[kind]}">{word}</text>'
        )
    for hour in range(int(FROM_H), int(TO_H) + 1, 12):
        x, y = place(hour, 0)
        lines.append(
            f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{hour} h</text>'
        )
    for value in (0, 10, 20, 30):
        _, y = place(FROM_H, value)
        lines.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


def _salt(values: Mapping[Channel, float | None]) -> float | None:
    conductivity, celsius = (
        values.get(Channel.CONDUCTIVITY),
        values.get(Channel.TEMPERATURE),
    )
    if conductivity is None or celsius is None:
        return None
    return float(salinity_psu(conductivity, celsius))


def events(told: list[Row], start_s: float) -> list[tuple[float, str, str]]:
    """Return hour, words and kind of what the alarm did."""
    found = replayed(told, species="NUR", believes=is_believable)
    (alarm,) = [one for one in found.alarms.values() if one.channel == "salinity"]
    worse_ms = next(
        at_ms for condition, at_ms in found.worse if condition == alarm.condition
    )

    def hour(ms: int) -> float:
        return ms / 3_600_000 - start_s / 3600

    return [
        (hour(alarm.raised_ms), f"warning {hour(alarm.raised_ms):.1f} h", "warn"),
        (hour(worse_ms), f"critical {hour(worse_ms):.1f} h", "critical"),
        (hour(alarm.returned_ms or 0), "over", "returned"),
    ]


if __name__ == "__main__":
    FILE.write_text(drawn(), encoding="utf-8")
