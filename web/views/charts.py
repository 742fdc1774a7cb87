"""Lines with their gaps: where a line breaks, and a small drawing of it in SVG.

A line is never drawn across missing data. It breaks where a whole bucket is missing
although the probe speaks several times a bucket; where it speaks more seldom, after two
and a half times its usual interval. Its interval may change within what is shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final, Protocol

from markupsafe import Markup, escape

from greenwater.derived.unit_water import Made
from greenwater.kernel.reading import Gap
from greenwater.storage.telemetry.ports import Bucket, Span

MINUTE_MS: Final = 60_000
WIDTH, HEIGHT = 320.0, 96.0
LEFT, RIGHT, TOP, BOTTOM = 38.0, 4.0, 8.0, 18.0
LINES_TOLD_APART: Final = 4
EVEN_STEPS: Final = 3
"""So many equal steps on one side show at what interval a probe spoke there."""

PERIODS: Final[dict[int, int]] = {
    6: MINUTE_MS,
    24: 5 * MINUTE_MS,
    7 * 24: 30 * MINUTE_MS,
    30 * 24: 120 * MINUTE_MS,
}
"""Hours that may be looked at, and the buckets they are cut into."""


@dataclass(frozen=True)
class Line:
    """One channel of one probe, in buckets; ``gaps`` are those the box confessed.

    ``span`` is the stretch of the probe's series that it shows, ``made`` says whether the
    probe told it so.
    """

    label: str
    buckets: Sequence[Bucket]
    gaps: Sequence[Gap]
    span: Span | None = None
    made: Made = Made.TOLD


@dataclass(frozen=True)
class Window:
    """``[start_ms, end_ms)`` in buckets of ``every_ms``."""

    start_ms: int
    end_ms: int
    every_ms: int

    @staticmethod
    def until(now_ms: int, hours: int) -> "Window":
        """Return the last so many hours, ending with the bucket that ``now`` is in."""
        every_ms = PERIODS[hours]
        end_ms = now_ms // every_ms * every_ms + every_ms
        return Window(end_ms - hours * 60 * MINUTE_MS, end_ms, every_ms)


def longest_step_ms(buckets: Sequence[Bucket], every_ms: int) -> float:
    """Return how far apart two buckets may start and still be joined."""
    if len(buckets) < 2 or median(bucket.number for bucket in buckets) >= 2:
        return 1.5 * every_ms
    return 2.5 * median(b.start_ms - a.start_ms for a, b in pairwise(buckets))


def even_step_ms(buckets: Sequence[Bucket]) -> float:
    """Return the step of a few buckets that follow each other evenly, else nothing."""
    if len(buckets) <= EVEN_STEPS or any(bucket.number > 1 for bucket in buckets):
        return 0.0
    steps = sorted(b.start_ms - a.start_ms for a, b in pairwise(buckets))
    usual_ms = steps[len(steps) // 2]
    return usual_ms if 1.5 * steps[0] >= usual_ms >= steps[-1] / 1.5 else 0.0


def stretches(buckets: Sequence[Bucket], every_ms: int) -> list[list[Bucket]]:
    """Return the buckets as stretches with nothing missing inside."""
    longest_ms = [longest_step_ms(buckets, every_ms)] * len(buckets)
    steps = [b.start_ms - a.start_ms for a, b in pairwise(buckets)]
    if steps and max(steps) > longest_ms[0]:
        for at in range(len(steps) - EVEN_STEPS + 1):
            even_ms = 2.5 * even_step_ms(buckets[at : at + EVEN_STEPS + 1])
            if not even_ms:
                continue
            for beside in range(max(0, at - 1), min(len(steps), at + EVEN_STEPS + 1)):
                longest_ms[beside] = max(longest_ms[beside], even_ms)
    found: list[list[Bucket]] = [[*buckets[:1]]] if buckets else []
    for bucket, step_ms, most_ms in zip(buckets[1:], steps, longest_ms, strict=False):
        if step_ms <= most_ms:
            found[-1].append(bucket)
        else:
            found.append([bucket])
    return found


def holes(line: Line, window: Window) -> list[tuple[int, int]]:
    """Return where data is missing: between stretches, and from the last one to now."""
    parts = stretches(line.buckets, window.every_ms)
    found = [
        (before[-1].start_ms + window.every_ms, after[0].start_ms)
        for before, after in pairwise(parts)
    ]
    if parts:
        heard_ms = parts[-1][-1].start_ms
        longest_ms = max(
            longest_step_ms(line.buckets, window.every_ms),
            2.5 * even_step_ms(line.buckets[-1 - EVEN_STEPS :]),
        )
        if window.end_ms - heard_ms > longest_ms + window.every_ms:
            found.append((heard_ms + window.every_ms, window.end_ms))
    return found


def extremes(lines: Sequence[Line]) -> tuple[float, float] | None:
    """Return the lowest and highest value of all lines."""
    buckets = [bucket for line in lines for bucket in line.buckets]
    if not buckets:
        return None
    return min(b.minimum for b in buckets), max(b.maximum for b in buckets)


def padded(low: float, high: float) -> tuple[float, float]:
    """Return limits for an axis: a little more than the values, and never nothing."""
    room = (high - low) * 0.08
    if low - room == low or high + room == high:  # flat, or lost in rounding
        room = max(abs(high) * 0.02, 0.1)
    return low - room, high + room


class Marked(Protocol):
    """What else a drawing shows: it may need more room, in value and in time."""

    def extremes(self) -> tuple[float, float] | None:
        """Return the lowest and highest value of its own, where no line has any."""
        ...

    def room(self, low: float, high: float) -> tuple[float, float]:
        """Return the values that must fit, the lines' own included."""
        ...

    def end_ms(self, end_ms: int) -> int:
        """Return until when the drawing goes on."""
        ...

    def behind(self, scale: "Scale") -> list[Markup]:
        """Return what lies under the lines."""
        ...

    def before(self, scale: "Scale") -> list[Markup]:
        """Return what lies over them."""
        ...


def draw(
    lines: Sequence[Line],
    window: Window,
    *,
    alt: str,
    name_value: Callable[[float], str],
    name_time: Callable[[int], str],
    marks: Marked | None = None,
) -> Markup:
    """Return the lines as an SVG drawing, gaps as gaps."""
    found = extremes(lines) or (marks.extremes() if marks else None)
    if found and marks:
        found = marks.room(*found)
        end_ms = marks.end_ms(window.end_ms)
        scale = Scale(replace(window, end_ms=end_ms), *padded(*found))
    else:
        scale = Scale(window, *(padded(*found) if found else (0.0, 1.0)))
    parts = [_hatched(gap, scale) for line in lines for gap in line.gaps]
    parts += marks.behind(scale) if marks else []
    parts += axes(scale, found, name_value, name_time)
    for index, line in enumerate(lines):
        for part in stretches(line.buckets, window.every_ms):
            parts.append(stretch(part, scale, index % LINES_TOLD_APART))
    parts += marks.before(scale) if marks else []
    return Markup(
        '<svg viewBox="0 0 {w:g} {h:g}" role="img" aria-label="{alt}">{body}</svg>'
    ).format(w=WIDTH, h=HEIGHT, alt=alt, body=Markup("").join(parts))


@dataclass(frozen=True)
class Scale:
    """Where instants and values lie in a drawing."""

    window: Window
    low: float
    high: float

    def x(self, ms: float) -> float:
        """Return how far right an instant lies; outside the window at its edge."""
        share = (ms - self.window.start_ms) / (
            self.window.end_ms - self.window.start_ms
        )
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return how far down a value lies."""
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def stretch(buckets: Sequence[Bucket], scale: Scale, index: int) -> Markup:
    """Return an unbroken line, or a dot where there is one bucket alone."""
    half_ms = scale.window.every_ms / 2
    points = [(scale.x(b.start_ms + half_ms), scale.y(b.mean)) for b in buckets]
    if len(points) == 1:
        x, y = points[0]
        return Markup('<circle class="l{}" cx="{:.1f}" cy="{:.1f}" r="1.6"/>').format(
            index, x, y
        )
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polyline class="l{}" points="{}"/>').format(index, text)


def _hatched(gap: Gap, scale: Scale) -> Markup:
    left, right = scale.x(gap.start_ms), scale.x(gap.end_ms)
    return Markup(
        '<rect class="gap" x="{:.1f}" y="{:g}" width="{:.1f}" height="{:g}"/>'
    ).format(left, TOP, max(right - left, 1.0), HEIGHT - BOTTOM - TOP)


def axes(
    scale: Scale,
    found: tuple[float, float] | None,
    name_value: Callable[[float], str],
    name_time: Callable[[int], str],
) -> list[Markup]:
    """Return lines and figures for the values ``found``, and three instants."""
    parts = []
    for value in sorted(set(found or ())):
        parts.append(
            Markup(
                '<path class="grid" d="M{:g} {y:.1f}H{:g}"/>'
                '<text class="y" x="{:g}" y="{ty:.1f}">{}</text>'
            ).format(
                LEFT,
                WIDTH - RIGHT,
                LEFT - 3,
                escape(name_value(value)),
                y=scale.y(value),
                ty=scale.y(value) + 3,
            )
        )
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        ms = scale.window.start_ms + share * (
            scale.window.end_ms - scale.window.start_ms
        )
        parts.append(
            Markup('<text class="x {}" x="{:.1f}" y="{:g}">{}</text>').format(
                anchor, scale.x(ms), HEIGHT - 4, escape(name_time(int(ms)))
            )
        )
    return parts
