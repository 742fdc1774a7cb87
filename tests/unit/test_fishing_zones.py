"""Zones by the fixtures of domain.md §3.2, ports by theirs."""

import pytest

from greenwater.reference.ports import PORTS, port_at
from greenwater.reference.vessels import VesselClass, vessel_class
from greenwater.reference.zones import ZONES, is_closed_to, is_near_edge, zone_at


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone"),
    [
        (12.2, 109.30, "coastal"),
        (12.2, 109.70, "inshore"),
        (12.2, 110.20, "offshore"),
        (8.70, 111.92, "coastal"),
        (9.2, 111.0, "offshore"),
        (10.53, 109.06, "coastal"),
        (10.40, 109.10, "offshore"),
        (8.80, 106.61, "coastal"),
    ],
)
def test_zone(latitude: float, longitude: float, zone: str) -> None:
    assert zone_at(latitude, longitude) == zone


def test_nothing_is_closed_within_the_buffer_of_a_line() -> None:
    kind = VesselClass.FROM_15
    assert is_near_edge(12.2, 109.9739)
    assert not is_closed_to(kind, 12.2, 109.9739 - 0.001)
    assert is_closed_to(kind, 12.2, 109.9739 - 0.006)
    assert not is_closed_to(kind, 12.2, 110.2)


@pytest.mark.parametrize(
    ("length_m", "closed"),
    [(9.0, ["inshore", "offshore"]), (13.0, ["offshore"]), (15.0, []), (30.0, [])],
)
def test_a_vessel_that_serves_others_has_waters_of_its_own(
    length_m: float, closed: list[str]
) -> None:
    kind = vessel_class(length_m)
    places = {"coastal": 109.30, "inshore": 109.70, "offshore": 110.20}
    assert closed == [
        zone
        for zone, longitude in places.items()
        if is_closed_to(kind, 12.2, longitude, serves=True)
    ]


def test_where_an_islands_shore_is_not_known_nothing_is_closed() -> None:
    kind, belt = VesselClass.FROM_12, (6.0 + 1.3) / 60
    assert is_closed_to(kind, 10.53 - belt + 1.1 / 60, 108.94)
    assert not is_closed_to(kind, 10.53 - belt + 0.9 / 60, 108.94)
    assert zone_at(10.53 - belt + 0.9 / 60, 108.94) == "coastal"


def test_all_points_are_held_and_none_is_called_verified() -> None:
    assert (len(ZONES.coastal_line), len(ZONES.inshore_line)) == (18, 18)
    assert not ZONES.verified
    assert len(PORTS.port) == 21
    assert not PORTS.verified
    near = port_at(12.2, 109.195)
    assert near is not None
    assert near.code == "CHR"
    assert port_at(8.86, 104.81) is None
