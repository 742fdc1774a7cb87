"""Where a boat has been, as a small drawing: its track, a scale and north.

No map and no boundary stands behind it. The line breaks where positions are missing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from greenwater.storage.telemetry.ports import Bucket
from web.views.charts import stretches

SIZE: Final = 160.0
EDGE: Final = 18.0
MILES_PER_DEGREE: Final = 60.0
SCALES_NM: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Fix:
    """Where a boat was, on average, for a little while."""

    at_ms: int
    latitude: float
    longitude: float


def fixes(latitudes: Sequence[Bucket], longitudes: Sequence[Bucket]) -> list[Fix]:
    """Return the positions of those buckets that have both."""
    by_start = {bucket.start_ms: bucket.mean for bucket in longitudes}
    return [
        Fix(bucket.start_ms, bucket.mean, by_start[bucket.start_ms])
        for bucket in latitudes
        if bucket.start_ms in by_start
    ]


@dataclass(frozen=True)
class Sketch:
    """The drawing, and how many nautical miles its scale bar stands for."""

    svg: Markup
    scale_nm: float


def sketch(
    track: Sequence[Fix],
    every_ms: int,
    *,
    course: float | None,
    alt: str,
    north: str,
) -> Sketch:
    """Draw a track; the arrow is the last position, turned to the course if known."""
    if not track:
        return Sketch(Markup(""), 0)
    flat = _Flat(track)
    parts = [_line(part, flat) for part in _unbroken(track, every_ms)]
    x, y = flat.at(track[-1])
    parts.append(_boat(x, y, course))
    bar = flat.pixels_per_nm * flat.bar_nm
    parts.append(
        Markup(
            '<path class="bar" d="M{:g} {:g}h{:.1f}"/>'
            '<text class="north" x="{:g}" y="12">↑{}</text>'
        ).format(EDGE / 2, SIZE - 6, bar, SIZE - 22, north)
    )
    svg = Markup(
        '<svg viewBox="0 0 {s:g} {s:g}" role="img" aria-label="{a}">{b}</svg>'
    ).format(s=SIZE, a=alt, b=Markup("").join(parts))
    return Sketch(svg, flat.bar_nm)


class _Flat:
    """The neighbourhood of a track laid flat, in pixels."""

    def __init__(self, track: Sequence[Fix]) -> None:
        lats = [fix.latitude for fix in track]
        lons = [fix.longitude for fix in track]
        self._lat = (min(lats) + max(lats)) / 2
        self._lon = (min(lons) + max(lons)) / 2
        self._squeeze = math.cos(math.radians(self._lat))
        wide_nm = (max(lons) - min(lons)) * MILES_PER_DEGREE * self._squeeze
        high_nm = (max(lats) - min(lats)) * MILES_PER_DEGREE
        # A boat at its berth is not blown up until its anchor swing looks like a trip.
        across_nm = max(wide_nm, high_nm, 0.2)
        self.pixels_per_nm = (SIZE - 2 * EDGE) / across_nm
        self.bar_nm = max(
            (nm for nm in SCALES_NM if nm <= across_nm / 2), default=SCALES_NM[0]
        )

    def at(self, fix: Fix) -> tuple[float, float]:
        east_nm = (fix.longitude - self._lon) * MILES_PER_DEGREE * self._squeeze
        north_nm = (fix.latitude - self._lat) * MILES_PER_DEGREE
        return (
            SIZE / 2 + east_nm * self.pixels_per_nm,
            SIZE / 2 - north_nm * self.pixels_per_nm,
        )


def _unbroken(track: Sequence[Fix], every_ms: int) -> list[list[Fix]]:
    buckets = [Bucket(fix.at_ms, 1, 0.0, 0.0, 0.0) for fix in track]
    by_start = {fix.at_ms: fix for fix in track}
    return [
        [by_start[bucket.start_ms] for bucket in part]
        for part in stretches(buckets, every_ms)
    ]


def _line(part: Sequence[Fix], flat: _Flat) -> Markup:
    points = " ".join("{:.1f},{:.1f}".format(*flat.at(fix)) for fix in part)
    if len(part) == 1:
        x, y = flat.at(part[0])
        return Markup('<circle class="l0" cx="{:.1f}" cy="{:.1f}" r="1.6"/>').format(
            x, y
        )
    return Markup('<polyline class="l0" points="{}"/>').format(points)


def _boat(x: float, y: float, course: float | None) -> Markup:
    if course is None:
        return Markup('<circle class="boat" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(
            x, y
        )
    return Markup(
        '<path class="boat" transform="translate({:.1f} {:.1f}) rotate({:.0f})" '
        'd="M0 -7L4.5 6L0 3L-4.5 6Z"/>'
    ).format(x, y, course)
