"""The map of goods' way: coarse, numbered, small, told in words as well."""

import re

import pytest

from greenwater.storage.registry.places import SiteInfo, SiteKind
from traceability.book.locality import Locality, locality_of
from traceability.label.places import StoryPlace, farm_place, in_order
from web.views.storymap import WIDTH, bounds_of, story_map
from web.words import Lang

FARM = StoryPlace("farm", "xã Vạn Hưng", 1_780_000_000_000, (12.6, 109.2, 12.7, 109.3))
TRIP = (
    StoryPlace("departure", "Hòn Rớ", 1_780_000_000_000, (12.2, 109.19, 12.2, 109.19)),
    StoryPlace("waters", "71", 1_780_000_000_000, (10.0, 110.0, 15.0, 115.0)),
    StoryPlace("landing", "Hòn Rớ", 1_780_900_000_000, (12.2, 109.19, 12.2, 109.19)),
    StoryPlace("processing", "Nhà máy Bốn Sáu", 1_781_000_000_000),
)


def test_a_farm_is_a_square_of_a_tenth_of_a_degree_and_no_point() -> None:
    site = SiteInfo("trai", "hoa", "Trại", SiteKind.FARM, "22561", 12.6789, 109.2345)
    assert locality_of(site) == Locality("22561", (12.6, 109.2, 12.7, 109.3))
    south = SiteInfo("nam", "hoa", "Nam", SiteKind.FARM, None, -0.05, -109.25)
    assert locality_of(south) == Locality("", (-0.1, -109.3, 0.0, -109.2))
    nowhere = SiteInfo("x", "hoa", "X", SiteKind.FARM, "22561", None, None)
    place = farm_place(locality_of(nowhere), 5)
    assert (place.box, place.at_ms) == (None, 5)
    assert not story_map(Lang.VI, (place,)).svg
    assert [one.number for one in story_map(Lang.VI, (place,)).steps] == [""]


def test_what_stands_on_the_map_stands_in_the_list_too() -> None:
    drawn = story_map(Lang.VI, TRIP)
    assert [(one.number, one.kind) for one in drawn.steps] == [
        ("1", "Xuất bến"), ("2", "Đánh bắt"), ("3", "Bốc dỡ qua cảng"), ("", "Chế biến"),
    ]  # fmt: skip
    assert drawn.steps[1].name == (
        "vùng biển FAO 71, trong ô 10–15° vĩ bắc, 110–115° kinh đông"
    )
    pins = re.findall(r'class="pin".*?<text[^>]*>([^<]*)</text>', drawn.svg)
    assert pins == ["1·3", "2"], "one port is one mark"
    assert "Hòn Rớ" in drawn.svg.partition("aria-label")[2].partition(">")[0]


@pytest.mark.parametrize("places", [(FARM,), TRIP])
def test_a_map_is_light_and_keeps_within_a_phone(
    places: tuple[StoryPlace, ...],
) -> None:
    svg = story_map(Lang.VI, places).svg
    assert len(svg.encode()) < 8_000
    _, _, width, height = map(float, re.findall(r'viewBox="([^"]+)"', svg)[0].split())
    assert width == WIDTH
    assert 0.55 * width < height < 1.15 * width
    for name in ("x", "x1", "x2"):
        assert all(
            0 <= float(one) <= width for one in re.findall(f' {name}="([^"]+)"', svg)
        )


def test_neighbours_share_the_ground_under_their_maps() -> None:
    near = (12.6, 109.2, 12.7, 109.3)
    west, south, east, north = bounds_of([near])
    assert west < 109.2
    assert east > 109.3
    assert (south < 12.6, north > 12.7) == (True, True)


def test_places_are_told_by_time_and_once() -> None:
    again = StoryPlace("farm", FARM.name, FARM.at_ms + 5, FARM.box)
    late = StoryPlace("packing", "Vựa Bình", FARM.at_ms + 9)
    assert in_order([late, again, FARM]) == (FARM, late)
