"""Draw the map of docs/analytics-boats.md: ``python docs/plot_boats.py``, from the root.

Two simulated vessels as their positions are read by the code that reads all vessels. The
lines are reference values that nobody has verified; no national boundary is drawn.
"""

from pathlib import Path

from analytics.fishing.vessel import Changes, Position, VesselState
from firmware_sim.scenarios import load_scenario
from firmware_sim.vessels.voyage import Voyage
from firmware_sim.world import World
from greenwater.reference.ports import PORTS
from greenwater.reference.vessels import vessel_class
from greenwater.reference.zones import ZONES

FILE = Path(__file__).parent / "img" / "boats.svg"
WIDTH, HEIGHT = 800, 400
WEST, SOUTH, EAST, NORTH = 108.85, 11.1, 113.05, 13.1
EVERY_S = 900
KINDS = (
    ("#8a9aa8", 1.0, "steaming"),
    ("#0b5cad", 2.0, "setting the line"),
    ("#0a7a3d", 3.0, "haul"),
    ("#c0261c", 3.5, "haul in a zone closed to the class"),
)


def place(latitude: float, longitude: float) -> str:
    """Return a place on the picture."""
    x = (longitude - WEST) / (EAST - WEST) * WIDTH
    y = (NORTH - latitude) / (NORTH - SOUTH) * HEIGHT
    return f"{x:.1f},{y:.1f}"


def sailed(scenario: str, vessel: str) -> tuple[list[Position], Changes]:
    """Return a simulated vessel's positions, and what was found in them."""
    world = World(load_scenario(scenario), {})
    info = next(one for one in world.scenario.vessels if one.id == vessel)
    voyage: Voyage = world.voyages[vessel]
    start_s = int(world.scenario.start_s)
    positions = []
    for t_s in range(start_s, int(voyage.legs[-1].end_s) + 3600, EVERY_S):
        fix = voyage.fix_at(t_s)
        positions.append(
            Position(t_s * 1000, fix.latitude, fix.longitude, fix.speed_kn)
        )
    kind = vessel_class(info.length_m or 0.1)
    state = VesselState(vessel, gear=info.gear or "", kind=kind)
    return positions, state.take(positions)


def way(positions: list[Position], from_ms: int, to_ms: int, kind: int) -> str:
    """Return a stretch of a vessel's way."""
    colour, width, _ = KINDS[kind]
    points = " ".join(
        place(one.latitude, one.longitude)
        for one in positions
        if from_ms <= one.time_ms <= to_ms
    )
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" '
        f'stroke-width="{width}" stroke-linejoin="round"/>'
    )


def ways(scenario: str, vessel: str) -> list[str]:
    """Return all of a vessel's way."""
    positions, changes = sailed(scenario, vessel)
    lines = [way(positions, 0, positions[-1].time_ms, 0)]
    closed = [(one.began_ms, one.until_ms) for one in changes.violations]
    for haul in changes.hauls:
        if haul.set_ms is not None:
            lines.append(way(positions, haul.set_ms, haul.began_ms, 1))
        lines.append(way(positions, haul.began_ms, haul.ended_ms, 2))
    return lines + [way(positions, *one, 3) for one in closed]


def seas() -> list[str]:
    """Return the waters landward of each line, the wider ones first."""
    lines = []
    for line, colour in (
        (ZONES.inshore_line, "#dcebf7"),
        (ZONES.coastal_line, "#bcd8ee"),
    ):
        points = " ".join(place(*point) for point in line[6:12])
        north, south = line[6], line[11]
        corners = f"{place(south[0], 100.0)} {place(north[0], 100.0)}"
        lines.append(f'<polygon points="{points} {corners}" fill="{colour}"/>')
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="#5b87ab" '
            'stroke-dasharray="6 4"/>'
        )
    return lines


def words() -> list[str]:
    """Return ports, names of waters and what colours mean."""
    lines = []
    for port in PORTS.port:
        if port.code in ("CHR", "CDL") and port.latitude and port.longitude:
            x, y = place(port.latitude, port.longitude).split(",")
            lines.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#222"/>')
            lines.append(f'<text x="{float(x) - 60:.1f}" y="{y}">{port.name}</text>')
    for longitude, name in (
        (108.87, "coastal"),
        (109.34, "inshore"),
        (110.4, "offshore"),
    ):
        x, y = place(11.3, longitude).split(",")
        lines.append(f'<text x="{x}" y="{y}" fill="#33607f">{name}</text>')
    for number, (colour, width, name) in enumerate(KINDS):
        down = 44 + 18 * number
        lines.append(
            f'<path d="M{WIDTH - 240} {down - 4}h24" stroke="{colour}" '
            f'stroke-width="{width}"/>'
        )
        lines.append(f'<text x="{WIDTH - 208}" y="{down}">{name}</text>')
    title = "Two simulated vessels; lines: reference, not verified; no boundary drawn"
    lines.append(f'<text x="{WIDTH - 480}" y="18">{title}</text>')
    return lines


def drawn() -> str:
    """Return the picture."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#f3f8fc"/>',
        *seas(),
        *ways("tuna-trip", "KH-95123-TS"),
        *ways("trawler-inshore", "KH-92077-TS"),
        *words(),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(drawn())
