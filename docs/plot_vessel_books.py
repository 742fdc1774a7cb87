"""Draw the flow of docs/vessel-books.md: ``python docs/plot_vessel_books.py``, from the root."""

from pathlib import Path

FILE = Path(__file__).parent / "img" / "vessel-books.svg"
WIDTH, HEIGHT = 760, 330
INK, SOFT, GREEN, BLUE, LINE = "#10201c", "#45544f", "#0a6b52", "#0b5cad", "#c4cfca"

BOXES = (
    # x, y, width, colour, head, lines
    (10, 40, 150, BLUE, "positions", ("box, VMS, radio", "late or never")),
    (10, 150, 150, GREEN, "phones", ("family writes,", "in any order, twice")),
    (205, 40, 150, BLUE, "analytics", ("trip, hauls, zones,", "replaced when late")),
    (205, 150, 150, GREEN, "the book", ("records, only added;", "folded to one state")),
    (400, 40, 150, BLUE, "frozen copy", ("what the skipper saw,", "with its digest")),
    (400, 150, 150, GREEN, "confirmed", ("by the skipper,", "record by record")),
    (595, 95, 155, GREEN, "gate", ("all refusals at once,", "unverified lines warn")),
    (10, 260, 150, GREEN, "landing", ("weighed at the port", "kg by species")),
    (205, 260, 150, GREEN, "lot", ("drawn under a lock,", "evidence frozen in")),
    (
        400,
        260,
        150,
        GREEN,
        "labels, passport",
        ("square of 5°, FAO 71,", "never a position"),
    ),
    (
        595,
        260,
        155,
        GREEN,
        "receipt, SC, CC",
        ("drawn down (trừ lùi),", "not a submission"),
    ),
)
ARROWS = (
    (160, 65, 205, 65), (160, 175, 205, 175), (355, 65, 400, 65), (355, 175, 400, 175),
    (280, 95, 280, 150), (475, 150, 475, 95), (550, 165, 595, 130), (550, 75, 595, 110),
    (160, 285, 205, 285), (355, 285, 400, 285), (85, 205, 85, 260),
    (672, 150, 672, 235),
)  # fmt: skip


def box(
    x: int, y: int, width: int, colour: str, head: str, lines: tuple[str, ...]
) -> str:
    """Return one box with its words."""
    text = f'<text x="{x + 10}" y="{y + 18}" class="h">{head}</text>'
    for number, line in enumerate(lines):
        text += f'<text x="{x + 10}" y="{y + 34 + 13 * number}">{line}</text>'
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="54" rx="6" fill="#fff" '
        f'stroke="{colour}" stroke-width="1.6"/>{text}'
    )


def arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    """Return one arrow."""
    return f'<path d="M{x1} {y1}L{x2} {y2}" class="a" marker-end="url(#m)"/>'


def draw() -> str:
    """Return the picture."""
    parts = [box(*one) for one in BOXES] + [arrow(*one) for one in ARROWS]
    parts.append(
        '<path d="M672 235H280V260" class="a" marker-end="url(#m)"/>'
        f'<text x="10" y="20" fill="{BLUE}">measured</text>'
        f'<text x="90" y="20" fill="{GREEN}">declared</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="11">'
        f"<style>text{{fill:{SOFT}}}.h{{font-weight:700;font-size:13px;fill:{INK}}}"
        f".a{{stroke:{SOFT};stroke-width:1.2;fill:none}}</style>"
        '<defs><marker id="m" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{SOFT}"/>'
        f'</marker></defs><rect width="{WIDTH}" height="{HEIGHT}" fill="#f7faf8" '
        f'stroke="{LINE}"/>{"".join(parts)}</svg>\n'
    )


if __name__ == "__main__":
    FILE.write_text(draw(), encoding="utf-8")
