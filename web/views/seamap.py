"""The sea as a drawing: coast, the two reference lines, what is at sea. For pages without
scripts, and for paper; with scripts Leaflet draws the same.

Land is Natural Earth's, without boundaries of states; the lines are reference values.
"""

import functools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from markupsafe import Markup
from shapely import Polygon, box

from greenwater.reference.closed_areas import AREAS, OUTLINES
from greenwater.reference.zones import ZONES
from web.assets import STATIC
from web.views.lights import Light
from web.words import Lang

LAND: Final = STATIC / "vendor" / "land" / "land.json"
WIDTH: Final = 640.0
CLOSE: Final = 45.0
"""Marks nearer than this would have their labels on one another."""

HOME: Final = (108.6, 10.9, 110.8, 13.1)
"""West, south, east, north (°) of Khánh Hòa's sea: what is shown at the least."""
MARGIN: Final = 0.3
LEAST: Final = 0.4
"""No map is smaller (°): a boat at its berth is not blown up."""

Point = tuple[float, float]
"""Latitude and longitude in degrees."""


class Spot(NamedTuple):
    """A small mark on a track: a haul's number, a warning; ``told`` is said of it."""

    at: Point
    kind: str
    text: str
    told: Sequence[str] = ()


Line = tuple[str, Sequence[Point]]
"""What kind of track, and its points."""


class Mark(NamedTuple):
    """Something at a place; ``label`` stands beside it."""

    at: Point
    light: Light
    label: str


@functools.cache
def _land() -> Sequence[Polygon]:
    if not LAND.is_file():  # built without page assets: the sea has no coast
        return ()
    coordinates: list[Any] = json.loads(LAND.read_bytes())["coordinates"]
    return [Polygon(rings[0]).buffer(0) for rings in coordinates if len(rings[0]) > 3]


def bounds_of(points: Iterable[Point]) -> tuple[float, float, float, float]:
    """Return west, south, east, north (°) that hold Khánh Hòa's sea and all points."""
    some = list(points)
    lats, lons = [lat for lat, _ in some], [lon for _, lon in some]
    west, south, east, north = HOME
    return (
        min([west, *(lon - MARGIN for lon in lons)]),
        min([south, *(lat - MARGIN for lat in lats)]),
        max([east, *(lon + MARGIN for lon in lons)]),
        max([north, *(lat + MARGIN for lat in lats)]),
    )


def frame_of(points: Iterable[Point]) -> tuple[float, float, float, float]:
    """Return west, south, east, north (°) around points, never smaller than a bay.

    A frame is not much longer than wide, so that it fits a phone either way.
    """
    some = list(points)
    if not some:
        return HOME
    lats, lons = [lat for lat, _ in some], [lon for _, lon in some]
    middle = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    high, wide = max(lats) - min(lats), max(lons) - min(lons)
    high, wide = high + 2 * MARGIN / 3, wide + 2 * MARGIN / 3
    high, wide = max(high, LEAST, wide / 2), max(wide, LEAST, high / 1.6)
    return (
        middle[1] - wide / 2,
        middle[0] - high / 2,
        middle[1] + wide / 2,
        middle[0] + high / 2,
    )


def sea_map(
    marks: Sequence[Mark],
    tracks: Sequence[Line] = (),
    spots: Sequence[Spot] = (),
    *,
    alt: str,
    bounds: tuple[float, float, float, float] | None = None,
) -> Markup:
    """Draw the sea with marks, tracks and spots on it; ``bounds`` None: all of them."""
    held = [mark.at for mark in marks] + [at for _, line in tracks for at in line]
    flat = Flat(bounds or bounds_of(held))
    parts = [Markup('<rect class="sea" width="{:g}" height="{:.0f}"/>').format(
        WIDTH, flat.height)]  # fmt: skip
    parts += [_path("land", ring, flat) for ring in coasts(flat)]
    parts += [_path("zone area", ring, flat) for ring in OUTLINES.values()]
    for name, line in (
        ("coastal", ZONES.coastal_line),
        ("inshore", ZONES.inshore_line),
    ):
        parts.append(_line(f"zone {name}", line, flat))
    parts += [
        _line(f"track {kind}", line, flat) for kind, line in tracks if len(line) > 1
    ]
    parts += [_spot(spot, flat) for spot in spots]
    stand = [flat.at(*mark.at) for mark in marks]
    parts += [
        _mark(mark, stand[number], is_end=is_at_end(number, stand))
        for number, mark in enumerate(marks)
    ]
    return Markup(
        '<svg class="seamap" viewBox="0 0 {w:g} {h:.0f}" role="img" aria-label="{a}">'
        "{b}</svg>"
    ).format(w=WIDTH, h=flat.height, a=alt, b=Markup("").join(parts))


class Flat:
    """A part of the sea laid flat: ``bounds`` (west, south, east, north), ``width`` px."""

    def __init__(
        self, bounds: tuple[float, float, float, float], width: float = WIDTH
    ) -> None:
        self.bounds, self.width = bounds, width
        west, south, east, north = bounds
        self._x = width / (east - west)
        self._y = self._x / math.cos(math.radians((south + north) / 2))
        self.height = (north - south) * self._y

    def at(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Return where a position is, in pixels from the left and from above."""
        west, _, _, north = self.bounds
        return (longitude - west) * self._x, (north - latitude) * self._y


def lands_in(flat: Flat) -> Iterator[Polygon]:
    """Yield the lands that lie in a part of the sea, whole."""
    frame = box(*flat.bounds)
    return (land for land in _land() if land.intersects(frame))


def coasts(flat: Flat) -> Iterator[Sequence[Point]]:
    """Yield the outlines of land in a part of the sea, no finer than a pixel."""
    frame = box(*flat.bounds)
    width = flat.bounds[2] - flat.bounds[0]
    for land in lands_in(flat):
        part = land.intersection(frame).simplify(width / flat.width)
        for one in getattr(part, "geoms", [part]):
            if isinstance(one, Polygon) and not one.is_empty:
                yield [(lat, lon) for lon, lat in one.exterior.coords]


def points_of(line: Iterable[Point], flat: Flat) -> str:
    """Return a line as SVG's ``points``."""
    return " ".join("{:.1f},{:.1f}".format(*flat.at(*at)) for at in line)


def area_lines(lang: Lang) -> list[dict[str, Any]]:
    """Return the closed areas that have a place, for the map's script."""
    return [
        {"name": lang.of(AREAS[code]), "points": ring}
        for code, ring in OUTLINES.items()
    ]


def _path(kind: str, ring: Sequence[Point], flat: Flat) -> Markup:
    return Markup('<polygon class="{}" points="{}"/>').format(
        kind, points_of(ring, flat)
    )


def _line(kind: str, line: Iterable[Point], flat: Flat) -> Markup:
    return Markup('<polyline class="{}" points="{}"/>').format(
        kind, points_of(line, flat)
    )


def _spot(spot: Spot, flat: Flat) -> Markup:
    x, y = flat.at(*spot.at)
    return Markup(
        '<g class="spot {k}"><title>{t}</title><circle cx="{x:.0f}" cy="{y:.0f}" '
        'r="11"/><text x="{x:.0f}" y="{y5:.0f}">{label}</text></g>'
    ).format(k=spot.kind, t=" · ".join(filter(None, spot.told)), x=x, y=y, y5=y + 5,
             label=spot.text)  # fmt: skip


def is_at_end(number: int, stand: Sequence[Point]) -> bool:
    """Return whether a mark's label stands to its left: the edge or another mark is right."""
    x, y = stand[number]
    crowd = [
        (right, at)
        for at, (right, below) in enumerate(stand)
        if abs(right - x) < CLOSE and abs(below - y) < CLOSE
    ]
    return x > WIDTH * 0.7 or (len(crowd) > 1 and min(crowd) == (x, number))


def _mark(mark: Mark, at: Point, *, is_end: bool) -> Markup:
    x, y = at
    return Markup(
        '<g class="mark {n}"><text x="{x:.0f}" y="{y:.0f}">{m}</text>'
        '<text class="name{e}" x="{lx:.0f}" y="{y:.0f}">{label}</text></g>'
    ).format(
        n=mark.light.name,
        x=x,
        y=y + 5,
        m=mark.light.mark,
        e=" end" if is_end else "",
        lx=x - 12 if is_end else x + 12,
        label=mark.label,
    )
