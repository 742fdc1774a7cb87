"""What stands on a chart beside its lines, and how it is drawn. Pure.

Limits of the species, readings whose quality is doubted, stretches that were odd, readings
taken by hand, and what is forecast with its band. A shape stands with every colour.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from markupsafe import Markup

from greenwater.kernel.quality import Flag, Flagged
from web.views.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, Scale

APART: Final = 7.0
"""Marks of doubt closer than this, in a drawing's own measure, are told by one."""

REACH: Final = 0.35
"""How far beyond its lines a chart shows a limit, as a share of their highest value."""


@dataclass(frozen=True)
class LimitMark:
    """A level that people act on, while it held: ``severity`` is a CSS class.

    ``from_ms``, ``to_ms`` None: it held when the chart begins; it holds as it ends.
    """

    severity: str
    value: float
    words: str
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True)
class Doubt:
    """A bucket in which the worst reading is suspect or failed, where its line runs."""

    at_ms: float
    value: float
    is_failed: bool


@dataclass(frozen=True)
class HandMark:
    """One reading of somebody's own meter."""

    at_ms: int
    value: float


@dataclass(frozen=True)
class OddMark:
    """A stretch of an episode: the probe's trouble, or the water's."""

    start_ms: int
    end_ms: int
    is_sensor: bool
    words: str


@dataclass(frozen=True)
class AheadMark:
    """A forecast of one line: (instant, value, low, high), the last reading first."""

    line: int
    points: tuple[tuple[int, float, float, float], ...]


@dataclass(frozen=True)
class Marks:
    """All of a chart. It fits ``charts.Marked``."""

    limits: Sequence[LimitMark] = ()
    doubts: Sequence[Doubt] = ()
    hand: Sequence[HandMark] = ()
    odd: Sequence[OddMark] = ()
    ahead: Sequence[AheadMark] = field(default=())

    def extremes(self) -> tuple[float, float] | None:
        """Return the lowest and highest reading taken by hand."""
        values = [one.value for one in self.hand]
        return (min(values), max(values)) if values else None

    def room(self, low: float, high: float) -> tuple[float, float]:
        """Return the values that must fit: limits too, where they are not far."""
        values = [low, high, *(one.value for one in self.hand)]
        values += [edge for one in self.ahead for at in one.points for edge in at[1:]]
        low, high = min(values), max(values)
        reach = max(high - low, REACH * abs(high))
        near = [
            one.value for one in self.limits if low - reach <= one.value <= high + reach
        ]
        return min([low, *near]), max([high, *near])

    def end_ms(self, end_ms: int) -> int:
        """Return until when the drawing goes on: the last hour that is forecast."""
        return max([end_ms, *(one.points[-1][0] for one in self.ahead)])

    def behind(self, scale: Scale) -> list[Markup]:
        """Return what lies under the lines."""
        parts = [_shaded(one, scale) for one in self.odd]
        parts += [
            _limit(one, scale)
            for one in self.limits
            if scale.low < one.value < scale.high
        ]
        return parts

    def before(self, scale: Scale) -> list[Markup]:
        """Return what lies over them."""
        parts = [part for one in self.ahead for part in _forecast(one, scale)]
        parts += [_doubt(one, scale) for one in _thinned(self.doubts, scale)]
        parts += [_by_hand(one, scale) for one in self.hand]
        return parts

    def document(self) -> dict[str, Any]:
        """Return the same for a script; instants in seconds since 1970."""
        return {
            "limits": [
                {
                    "severity": one.severity,
                    "value": one.value,
                    "words": one.words,
                    "start": _seconds(one.from_ms),
                    "end": _seconds(one.to_ms),
                }
                for one in self.limits
            ],
            "doubts": [
                [one.at_ms / 1000, one.value, one.is_failed] for one in self.doubts
            ],
            "hand": [[one.at_ms / 1000, one.value] for one in self.hand],
            "odd": [
                {
                    "start": one.start_ms / 1000,
                    "end": one.end_ms / 1000,
                    "is_sensor": one.is_sensor,
                    "words": one.words,
                }
                for one in self.odd
            ],
            "ahead": [
                {
                    "line": one.line,
                    "points": [[at / 1000, *rest] for at, *rest in one.points],
                }
                for one in self.ahead
            ],
        }


def joined_limits(limits: Iterable[LimitMark]) -> list[LimitMark]:
    """Return limits in order of time, of which those that go on unchanged are one."""
    found: list[LimitMark] = []
    for one in limits:
        longer = [
            at
            for at, before in enumerate(found)
            if before.to_ms is not None
            and before == replace(one, from_ms=before.from_ms, to_ms=one.from_ms)
        ]
        if longer:
            found[longer[0]] = replace(found[longer[0]], to_ms=one.to_ms)
        else:
            found.append(one)
    return found


def doubts_of(line: Line, flags: Iterable[Flagged], every_ms: int) -> list[Doubt]:
    """Return where a line is doubted: its buckets that hold a suspect or failed reading."""
    worst: dict[int, Flag] = {}
    for one in flags:
        if one.flag in (Flag.SUSPECT, Flag.FAIL):
            start_ms = one.taken_ms // every_ms * every_ms
            worst[start_ms] = max(one.flag, worst.get(start_ms, one.flag))
    return [
        Doubt(
            bucket.start_ms + every_ms / 2,
            bucket.mean,
            worst[bucket.start_ms] is Flag.FAIL,
        )
        for bucket in line.buckets
        if bucket.start_ms in worst
    ]


def _thinned(doubts: Sequence[Doubt], scale: Scale) -> list[Doubt]:
    found: list[Doubt] = []
    for one in sorted(doubts, key=lambda one: one.at_ms):
        last = found[-1] if found else None
        is_new = last is None or one.is_failed != last.is_failed
        if (
            is_new
            or last is None
            or scale.x(one.at_ms) - scale.x(last.at_ms) >= APART
            or abs(scale.y(one.value) - scale.y(last.value)) >= APART
        ):
            found.append(one)
    return found


def _shaded(one: OddMark, scale: Scale) -> Markup:
    left, right = scale.x(one.start_ms), scale.x(one.end_ms)
    return Markup(
        '<rect class="odd {}" x="{:.1f}" y="{:g}" width="{:.1f}" height="{:g}">'
        "<title>{}</title></rect>"
    ).format(
        "sensor" if one.is_sensor else "water",
        left,
        TOP,
        max(right - left, 1.0),
        HEIGHT - BOTTOM - TOP,
        one.words,
    )


def _limit(one: LimitMark, scale: Scale) -> Markup:
    y = scale.y(one.value)
    left = LEFT if one.from_ms is None else scale.x(one.from_ms)
    right = WIDTH - RIGHT if one.to_ms is None else scale.x(one.to_ms)
    return Markup(
        '<path class="limit {}" d="M{:.4g} {:.1f}H{:.4g}"><title>{}</title></path>'
    ).format(one.severity, left, y, right, one.words)


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _forecast(one: AheadMark, scale: Scale) -> list[Markup]:
    at = [
        (scale.x(ms), scale.y(v), scale.y(a), scale.y(b)) for ms, v, a, b in one.points
    ]
    upper = [f"{x:.1f},{top:.1f}" for x, _, _, top in at]
    lower = [f"{x:.1f},{least:.1f}" for x, _, least, _ in at]
    middle = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in at)
    outline = " ".join((*upper, *reversed(lower)))
    return [
        Markup('<polygon class="band" points="{}"/>').format(outline),
        Markup('<polyline class="l{} ahead" points="{}"/>').format(one.line, middle),
    ]


def _doubt(one: Doubt, scale: Scale) -> Markup:
    x, y = scale.x(one.at_ms), scale.y(one.value)
    if one.is_failed:
        shape = f"M{x - 2.5:.1f} {y - 2.5:.1f}l5 5m0-5l-5 5"
    else:
        shape = f"M{x:.1f} {y - 3:.1f}l3 5.2h-6z"
    kind = "failed" if one.is_failed else "suspect"
    return Markup('<path class="doubt {}" d="{}"/>').format(kind, shape)


def _by_hand(one: HandMark, scale: Scale) -> Markup:
    x, y = scale.x(one.at_ms), scale.y(one.value)
    shape = f"M{x:.1f} {y - 3.4:.1f}l3.4 3.4l-3.4 3.4l-3.4-3.4z"
    return Markup('<path class="byhand" d="{}"/>').format(shape)
