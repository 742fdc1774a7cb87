"""Closed areas: where, when and for which gear; what was not found closes nothing."""

import pytest
from msgspec.structs import replace

from greenwater.kernel.errors import InvariantError
from greenwater.reference.closed_areas import (
    AREAS,
    CLOSED,
    OUTLINES,
    ClosedArea,
    closed_area_at,
    read_closed_areas,
    waters_of,
)
from greenwater.reference.gears import Gear, gear_of

MAY_MS = 1_778_000_000_000  # 5 May 2026 in Vietnam
TRAWL, NET = gear_of("OTB"), gear_of("GNS")


@pytest.mark.parametrize(
    ("latitude", "longitude", "code"),
    [
        (12.1672, 109.3053, "NT-MUN"),
        (12.1672, 109.3174 + 0.0140, "NT-MUN"),  # 0.82 nm off the island's box
        (12.1672, 109.3174 + 0.0150, None),  # 0.88 nm: within the buffer of the edge
        (12.1672, 109.3174 + 0.0180, None),
        (12.1757, 109.2437, "NT-TAM"),
        (12.30, 109.30, None),
    ],
)
def test_where(latitude: float, longitude: float, code: str | None) -> None:
    area = closed_area_at(latitude, longitude, MAY_MS, TRAWL)
    assert (None if area is None else area.code) == code


def an_area(**more: object) -> ClosedArea:
    return replace(AREAS["NT-MUN"], **more)


def test_a_season_and_its_gears() -> None:
    spring = an_area(season=("04-01", "05-05"), gears=["OTB"])
    assert spring.is_closed(MAY_MS, TRAWL)
    assert not spring.is_closed(MAY_MS, NET)
    assert not spring.is_closed(MAY_MS + 86_400_000, TRAWL), "the day after the last"
    winter = an_area(season=("11-15", "01-31"))
    assert not winter.is_closed(MAY_MS, TRAWL)
    assert winter.is_closed(MAY_MS - 120 * 86_400_000, TRAWL), (
        "over the turn of the year"
    )


def test_a_place_is_closed_in_its_season_to_its_gears_only() -> None:
    spring = waters_of([an_area(season=("04-01", "05-05"), gears=("OTB",))])
    there = AREAS["NT-MUN"].core[0]

    def code(at_ms: int, gear: Gear) -> str | None:
        found = closed_area_at(*there, at_ms, gear, spring)
        return None if found is None else found.code

    assert code(MAY_MS, TRAWL) == "NT-MUN"
    assert code(MAY_MS, NET) is None
    assert code(MAY_MS + 86_400_000, TRAWL) is None


def test_nothing_is_verified_and_every_gap_is_said() -> None:
    assert not any(one.verified for one in CLOSED.area)
    placeless = [one for one in CLOSED.area if not one.core]
    assert {one.code for one in placeless} == {"NT-OTHERS", "RAN-TRAO", "SEASON-KH"}
    assert all(one.gap_vi and one.gap_en for one in CLOSED.area)
    assert set(OUTLINES) == {one.code for one in CLOSED.area} - {
        one.code for one in placeless
    }


@pytest.mark.parametrize(
    "wrong",
    [{"belt_nm": 0.0}, {"core": (), "gap_vi": ""}, {"season": ("1 April", "07-31")}],
)
def test_a_row_that_an_officer_wrote_wrong_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(InvariantError, match="closed area NT-MUN"):
        read_closed_areas(replace(CLOSED, area=[an_area(**wrong)]))
