"""Draw the picture of docs/vietgap.md: ``python docs/plot_dossiers.py``, from the root.

The arrows are those that the state machine allows: it is walked, not drawn by hand.
"""

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path

from greenwater.kernel.errors import ConflictError
from greenwater.reference.procedures import Procedure, get_procedure
from traceability.vietgap.dossiers import (
    Kind,
    Move,
    Progress,
    Side,
    State,
    advance,
    closing_of,
    due_after,
)

FILE = Path(__file__).parent / "img" / "vietgap-dossiers.svg"
WIDTH, HEIGHT, BOX_W, BOX_H = 900, 420, 96, 34
PLACES = {
    State.DRAFT: (60, 130),
    State.SUBMITTED: (250, 130),
    State.ACCEPTED: (440, 90),
    State.ASKED: (330, 290),
    State.SUPPLIED: (540, 240),
    State.CHECKED: (650, 90),
    State.GRANTED: (835, 90),
    State.REFUSED: (835, 240),
    State.WITHDRAWN: (60, 330),
}
BENDS = {
    (State.ACCEPTED, State.GRANTED): -110.0,
    (State.ACCEPTED, State.CHECKED): -6.0,
    (State.CHECKED, State.GRANTED): -6.0,
    (State.DRAFT, State.SUBMITTED): -6.0,
    (State.ASKED, State.REFUSED): 70.0,
    (State.ACCEPTED, State.ASKED): 40.0,
    (State.CHECKED, State.ASKED): -30.0,
    (State.SUPPLIED, State.CHECKED): -20.0,
    (State.SUPPLIED, State.GRANTED): 6.0,
    (State.CHECKED, State.REFUSED): -34.0,
}
COLOURS = {Side.APPLICANT: "#0b5cad", Side.CHECKER: "#6b2d8c", Side.DECIDER: "#0a6b52"}
TODAY = dt.date(2026, 11, 27)
LATE_MS = 200 * 24 * 3_600_000

Arrow = tuple[State, Kind, State]


def arrows(procedure: Procedure) -> dict[Arrow, Side]:
    """Return every step that a dossier of a procedure can take, with who takes it."""
    found: dict[Arrow, Side] = {}
    waiting, seen = [Progress()], set[Progress]()
    while waiting:
        progress = waiting.pop()
        if progress in seen:
            continue
        seen.add(progress)
        for kind, side, after in steps(progress, procedure):
            found.setdefault((progress.state, kind, after.state), side)
            waiting.append(after)
    return found


def steps(
    progress: Progress, procedure: Procedure
) -> Iterator[tuple[Kind, Side, Progress]]:
    """Yield what may be done next, at once or much later."""
    now_ms = closing_of(TODAY)
    for at_ms in (now_ms, now_ms + LATE_MS):
        for kind in Kind:
            for side in Side:
                due_ms = due_after(progress, kind, at_ms, procedure)
                move = Move(kind, side, at_ms, due_ms, True)
                try:
                    yield kind, side, advance(progress, move, procedure)
                except ConflictError:
                    continue


def edge(start: State, end: State, bend: float) -> tuple[str, float, float]:
    """Return an arrow's path from box to box, and where its word stands."""
    (x0, y0), (x1, y1) = PLACES[start], PLACES[end]
    length = math.hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    cx, cy = (x0 + x1) / 2 - uy * bend, (y0 + y1) / 2 + ux * bend

    def border(x: float, y: float) -> tuple[float, float]:
        dx, dy = cx - x, cy - y
        scale = min(
            (BOX_W / 2 + 3) / abs(dx) if dx else math.inf,
            (BOX_H / 2 + 3) / abs(dy) if dy else math.inf,
        )
        return x + dx * scale, y + dy * scale

    (ax, ay), (bx, by) = border(x0, y0), border(x1, y1)
    path = f"M{ax:.0f} {ay:.0f}Q{cx:.0f} {cy:.0f} {bx:.0f} {by:.0f}"
    return path, (ax + 2 * cx + bx) / 4, (ay + 2 * cy + by) / 4


def drawn() -> str:
    """Return the picture."""
    body, commune = (
        arrows(get_procedure(name, TODAY)) for name in ("vietgap", "cage_registration")
    )
    both = {**commune, **body}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8Z" fill="#444"/></marker>'
        "</defs>",
    ]
    for (start, kind, end), side in sorted(both.items()):
        if kind is Kind.WITHDRAW and start is not State.DRAFT:
            continue  # from every open state: said below
        only = (start, kind, end) not in body or (start, kind, end) not in commune
        path, x, y = edge(start, end, BENDS.get((start, end), 26.0))
        colour = COLOURS[side]
        dash = ' stroke-dasharray="5 3"' if only else ""
        lines.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dash} '
            'marker-end="url(#tip)"/>'
        )
        lines.append(
            f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" text-anchor="middle" '
            f'stroke="#fff" stroke-width="3" paint-order="stroke">{kind}</text>'
        )
    for state, (x, y) in PLACES.items():
        lines.append(
            f'<rect x="{x - BOX_W / 2}" y="{y - BOX_H / 2}" width="{BOX_W}" '
            f'height="{BOX_H}" rx="8" fill="#eef3f0" stroke="#444"/>'
            f'<text x="{x}" y="{y + 4}" text-anchor="middle">{state}</text>'
        )
    for number, (side, colour) in enumerate(COLOURS.items()):
        lines.append(
            f'<text x="{250 + number * 110}" y="{HEIGHT - 34}" fill="{colour}">'
            f"■ {side}</text>"
        )
    lines.append(
        f'<text x="250" y="{HEIGHT - 12}">Dashed: only one of the two procedures. '
        "withdraw: from every state that is open.</text>"
    )
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    FILE.write_text(drawn())
