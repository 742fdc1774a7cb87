"""Planned farming areas on officers' pages: a list, and reference points on a map."""

from dataclasses import dataclass
from typing import Any, Final

from greenwater.reference.planned import PLANNED, PlannedGroup, PlannedPlace
from greenwater.reference.zones import ZONES
from web.views.formats import exact, number
from web.views.seamap import Spot, frame_of
from web.words import Lang, say

MARK: Final = "◇"


@dataclass(frozen=True)
class GroupView:
    """The areas of one former district."""

    name: str
    count: str
    hectares: str
    names: str


def group_views(lang: Lang) -> list[GroupView]:
    """Return the plan's list; an area that is on the map has its mark beside it."""
    return [
        GroupView(
            one.name,
            str(one.areas) if one.areas else "–",
            number(lang, one.hectares, 0),
            ", ".join(
                f"{place.name} {MARK}" if place.at else place.name
                for place in one.place
            ),
        )
        for one in PLANNED.group
    ]


def planned_spots(lang: Lang) -> list[Spot]:
    """Return the marks of the areas that have a place that stands for them."""
    return [
        Spot(place.at, "planned", MARK, _told(lang, group, place))
        for group in PLANNED.group
        for place in group.place
        if place.at is not None
    ]


def _told(lang: Lang, group: PlannedGroup, place: PlannedPlace) -> tuple[str, ...]:
    whole = say(
        lang, "area_planned_of", group=group.name, ha=exact(lang, group.hectares)
    )
    return place.name, say(lang, "area_planned_at", place=place.at_is), whole


def planned_bounds() -> tuple[float, float, float, float]:
    """Return west, south, east, north (°) that hold all marks."""
    return frame_of(
        place.at
        for group in PLANNED.group
        for place in group.place
        if place.at is not None
    )


def planned_document(lang: Lang) -> dict[str, Any]:
    """Return the layer for the map's script."""
    return {
        "bounds": planned_bounds(),
        "zones": {"coastal": ZONES.coastal_line, "inshore": ZONES.inshore_line},
        "spots": [
            {"at": one.at, "kind": one.kind, "text": one.text, "told": one.told}
            for one in planned_spots(lang)
        ],
        "boats": [],
    }
