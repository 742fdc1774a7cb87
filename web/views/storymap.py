"""The way of goods as a drawing: numbered places on the coast, and the list that goes with it.

Land is Natural Earth's, without boundaries of states. A farm is a square, a fishing ground
a large one; the line between places says their order and is no track.
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup
from shapely import Point as Dot

from greenwater.reference.provinces import PROVINCES
from traceability.book.locality import Box
from traceability.label.places import StoryPlace
from web.views.formats import day
from web.views.seamap import Flat, coasts, lands_in, points_of
from web.words import Lang, say

WIDTH: Final = 360.0
MARGIN: Final = 0.5
LEAST: Final = 2.6
"""No map is smaller (°): the coast is to be known again."""

FLATTEST: Final = 0.62
"""A map is at least so high for its width, and no higher than wide."""

NEAR: Final = 22.0
"""Marks nearer than this (px) become one."""

CHAR: Final = 7.0
MOST_NAMES: Final = 4


@dataclass(frozen=True)
class Step:
    """One place in words; ``number`` is on the map, empty: it is not on it."""

    number: str
    kind: str
    name: str
    day: str


@dataclass(frozen=True)
class StoryMap:
    """The drawing, empty where no place has a position, and its list."""

    svg: Markup
    steps: Sequence[Step]
    has_line: bool = False


@functools.lru_cache(maxsize=512)
def story_map(lang: Lang, places: tuple[StoryPlace, ...]) -> StoryMap:
    """Draw the places of goods' way; the same ones are drawn once."""
    placed = [one for one in places if one.box is not None]
    numbers = {one: str(number) for number, one in enumerate(placed, 1)}
    steps = [
        Step(
            numbers.get(one, ""),
            say(lang, f"place_{one.kind}"),
            place_name(lang, one),
            day(one.at_ms),
        )
        for one in places
    ]
    if not placed:
        return StoryMap(Markup(""), steps)
    told = "; ".join(f"{s.number}. {s.kind}: {s.name}" for s in steps if s.number)
    alt = say(lang, "storymap_alt", places=told)
    boxes = [one.box for one in placed if one.box is not None]
    return StoryMap(_drawn(lang, boxes, alt), steps, len(boxes) > 1)


def place_name(lang: Lang, place: StoryPlace) -> str:
    """Return what a place is called; of waters FAO's number and the square."""
    if place.kind != "waters":
        return place.name
    if place.box is None:
        return say(lang, "storymap_waters", area=place.name)
    south, west, north, east = (f"{one:g}" for one in place.box)
    corners = {"south": south, "west": west, "north": north, "east": east}
    return say(lang, "storymap_waters_in", area=place.name, **corners)


def _drawn(lang: Lang, boxes: Sequence[Box], alt: str) -> Markup:
    bounds = bounds_of(boxes)
    flat = Flat(bounds, WIDTH)
    middles = [_middle(box, flat) for box in boxes]
    parts = [_ground(lang, bounds)]
    parts += [_square(box, flat) for box in boxes]
    parts += [_leg(one, other) for one, other in pairwise(middles)]
    parts += [_pin(at, text) for at, text in _joined(middles)]
    return Markup(
        '<svg class="storymap" viewBox="0 0 {w:g} {h:.0f}" role="img" aria-label="{a}">'
        "{b}</svg>"
    ).format(w=WIDTH, h=flat.height, a=alt, b=Markup("").join(parts))


def bounds_of(boxes: Iterable[Box]) -> tuple[float, float, float, float]:
    """Return west, south, east, north (°) of a map that holds all boxes, for a phone."""
    some = list(boxes)
    south, west = min(box[0] for box in some), min(box[1] for box in some)
    north, east = max(box[2] for box in some), max(box[3] for box in some)
    high, wide = north - south + 2 * MARGIN, east - west + 2 * MARGIN
    wide = max(wide, high, LEAST)
    high = max(high, wide * FLATTEST)
    # To the tenth, so that maps of neighbours are of the same ground.
    middle_y, middle_x = round((south + north) / 2, 1), round((west + east) / 2, 1)
    return (
        round(middle_x - wide / 2, 2),
        round(middle_y - high / 2, 2),
        round(middle_x + wide / 2, 2),
        round(middle_y + high / 2, 2),
    )


@functools.lru_cache(maxsize=256)
def _ground(lang: Lang, bounds: tuple[float, float, float, float]) -> Markup:
    """Draw sea and land with a few names on them."""
    flat = Flat(bounds, WIDTH)
    parts = [
        Markup('<rect class="sea" width="{:g}" height="{:.0f}"/>').format(
            WIDTH, flat.height
        )
    ]
    parts += [
        Markup('<polygon class="land" points="{}"/>').format(points_of(ring, flat))
        for ring in coasts(flat)
    ]
    parts += _names(flat)
    parts += _sea_name(lang, flat)
    return Markup("").join(parts)


def _names(flat: Flat) -> list[Markup]:
    """Name provinces at their centres, where there is room to the left of them."""
    found = []
    for one in PROVINCES.values():
        x, y = flat.at(*one.at)
        if 14 + CHAR * len(one.name) < x < WIDTH and 14 < y < flat.height - 6:
            found.append(
                Markup('<text class="town" x="{:.0f}" y="{:.0f}">{}</text>').format(
                    x - 14, y + 4, one.name
                )
            )
    return found[:MOST_NAMES]


def _sea_name(lang: Lang, flat: Flat) -> list[Markup]:
    """Name the sea, where there is sea."""
    west, south, east, north = flat.bounds
    at = Dot(west + (east - west) * 0.82, south + (north - south) * 0.88)
    if any(land.contains(at) for land in lands_in(flat)):
        return []
    x, y = flat.at(at.y, at.x)
    return [
        Markup('<text class="waters" x="{:.0f}" y="{:.0f}">{}</text>').format(
            x, y, say(lang, "storymap_sea")
        )
    ]


def _middle(box: Box, flat: Flat) -> tuple[float, float]:
    south, west, north, east = box
    return flat.at((south + north) / 2, (west + east) / 2)


def _square(box: Box, flat: Flat) -> Markup:
    """Draw what holds a place; a port is a point and has none."""
    south, west, north, east = box
    if south == north:
        return Markup("")
    (x, y), (right, low) = flat.at(north, west), flat.at(south, east)
    return Markup(
        '<rect class="where" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
    ).format(x, y, right - x, low - y)


def _leg(one: tuple[float, float], other: tuple[float, float]) -> Markup:
    return Markup(
        '<line class="leg" x1="{:.0f}" y1="{:.0f}" x2="{:.0f}" y2="{:.0f}"/>'
    ).format(*one, *other)


def _joined(
    middles: Sequence[tuple[float, float]],
) -> list[tuple[tuple[float, float], str]]:
    """Return marks with their numbers; those that would cover each other are one."""
    kept: list[tuple[tuple[float, float], list[str]]] = []
    for number, (x, y) in enumerate(middles, 1):
        for (mark_x, mark_y), numbers in kept:
            if abs(mark_x - x) < NEAR and abs(mark_y - y) < NEAR:
                numbers.append(str(number))
                break
        else:
            kept.append(((x, y), [str(number)]))
    return [(at, "·".join(numbers)) for at, numbers in kept]


def _pin(at: tuple[float, float], text: str) -> Markup:
    wide = 14 + CHAR * len(text)
    x = min(max(at[0], wide / 2 + 2), WIDTH - wide / 2 - 2)
    return Markup(
        '<g class="pin"><rect x="{l:.1f}" y="{t:.1f}" width="{w:.0f}" height="22" rx="11"/>'
        '<text x="{x:.1f}" y="{b:.1f}">{text}</text></g>'
    ).format(l=x - wide / 2, t=at[1] - 11, w=wide, x=x, b=at[1] + 5, text=text)
