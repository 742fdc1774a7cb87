"""Boats: speeds, zones, days, and that any instant may be asked for."""

import statistics
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import load_scenario
from firmware_sim.vessels.chart import (
    PORTS,
    bearing_deg,
    distance_nm,
    moved,
    port,
)
from firmware_sim.vessels.plan import Activity, Fishery, Trip
from firmware_sim.vessels.voyage import Voyage
from firmware_sim.waters.sky import local_hour
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import ConfigError
from tests.examples import examples

START_S = datetime.fromisoformat("2026-04-01T00:00:00+07:00").timestamp()

TRIPS = {
    Fishery.TUNA_LONGLINE: Trip(
        Fishery.TUNA_LONGLINE, "CHR", (12.0, 112.4), 6, via=((12.13, 109.33),)
    ),
    Fishery.TRAWL: Trip(Fishery.TRAWL, "CDL", (12.45, 109.78), 8),
    Fishery.COASTAL: Trip(Fishery.COASTAL, "CVL", (12.30, 109.38), 2, leave_h=16),
}
SPEEDS = {  # of each activity's legs: the typical, and the least and most of any
    Fishery.TUNA_LONGLINE: {
        Activity.STEAM: (7.5, 8.8, 7.0, 9.5),
        Activity.SET: (7.2, 8.8, 6.8, 9.3),
        Activity.HAUL: (2.4, 3.4, 1.8, 4.2),
        Activity.SOAK: (0.2, 1.0, 0.1, 1.1),
    },
    Fishery.TRAWL: {
        Activity.STEAM: (7.0, 8.2, 6.5, 8.9),
        Activity.TOW: (2.7, 3.6, 2.4, 4.0),
    },
    Fishery.COASTAL: {
        Activity.STEAM: (6.0, 7.0, 5.5, 7.5),
        Activity.SET: (3.0, 4.0, 2.7, 4.3),
        Activity.HAUL: (1.0, 1.8, 0.8, 2.1),
        Activity.SOAK: (0.1, 0.6, 0.1, 0.7),
    },
}

SHORE_LINE = ((15.3778, 109.1397), (12.6550, 109.5694), (11.1497, 109.1572))
INSHORE_LINE = ((15.6211, 109.6244), (12.6144, 110.0897), (10.7767, 109.5761))
"""Points 8 to 10 of the two lines (domain.md §3.2), reference only."""


def a_voyage(fishery: Fishery, seed: int = 1) -> Voyage:
    return Voyage(TRIPS[fishery], seed=seed, name="b", start_s=START_S)


def longitude_of(line: tuple[tuple[float, float], ...], latitude: float) -> float:
    for north, south in pairwise(line):
        if south[0] <= latitude <= north[0]:
            share = (latitude - south[0]) / (north[0] - south[0])
            return south[1] + (north[1] - south[1]) * share
    raise AssertionError(latitude)


def zone_of(point: tuple[float, float]) -> str:
    latitude, longitude = point
    if longitude < longitude_of(SHORE_LINE, latitude):
        return "coastal"
    inshore = longitude < longitude_of(INSHORE_LINE, latitude)
    return "inshore" if inshore else "offshore"


def fishing_zones(voyage: Voyage) -> set[str]:
    return {
        zone_of(point)
        for leg in voyage.legs
        if leg.activity.is_fishing
        for point in (leg.start, leg.end)
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("fishery", list(Fishery))
def test_speeds_are_those_of_the_activity(fishery: Fishery, seed: int) -> None:
    voyage = a_voyage(fishery, seed)
    for activity, (low, high, least, most) in SPEEDS[fishery].items():
        speeds = [x.speed_kn for x in voyage.legs if x.activity is activity]
        assert low <= statistics.fmean(speeds) <= high
        assert least <= min(speeds)
        assert max(speeds) <= most


@pytest.mark.parametrize("fishery", list(Fishery))
def test_a_trip_begins_and_ends_at_its_berth_without_a_jump(fishery: Fishery) -> None:
    voyage, berth = a_voyage(fishery), port(TRIPS[fishery].port)
    assert voyage.legs[0].start == berth
    assert voyage.legs[-1].end == berth
    for before, after in pairwise(voyage.legs):
        assert before.end == after.start
        assert before.end_s == after.start_s
    assert voyage.leg_at(START_S - 1) is None
    assert voyage.leg_at(voyage.legs[-1].end_s) is None
    assert voyage.position_at(START_S) == voyage.position_at(START_S + 9e7) == berth


@pytest.mark.parametrize("fishery", list(Fishery))
def test_every_haul_is_there_once_and_in_order(fishery: Fishery) -> None:
    hauls = [
        s.haul for s in a_voyage(fishery).stretches() if s.activity is Activity.SET
    ]
    assert hauls == list(range(1, TRIPS[fishery].hauls + 1))
    assert all(
        (leg.haul is None) != leg.activity.is_fishing for leg in a_voyage(fishery).legs
    )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("fishery", "zone"),
    [
        (Fishery.TUNA_LONGLINE, "offshore"),
        (Fishery.TRAWL, "inshore"),
        (Fishery.COASTAL, "coastal"),
    ],
)
def test_boats_fish_in_the_zone_of_their_class(
    fishery: Fishery, zone: str, seed: int
) -> None:
    assert fishing_zones(a_voyage(fishery, seed)) == {zone}


def test_the_second_trawler_of_the_scenario_fishes_where_it_may_not() -> None:
    scenario = load_scenario("trawler-inshore")
    voyages = ScenarioRun(scenario, ManualClock(scenario.start)).voyages
    assert fishing_zones(voyages["KH-92011-TS"]) == {"inshore"}
    assert fishing_zones(voyages["KH-92077-TS"]) == {"coastal"}
    assert fishing_zones(voyages["KH-90415-TS"]) == {"coastal"}


def test_the_tuna_boat_of_the_scenario_stays_offshore_and_far_from_others() -> None:
    scenario = load_scenario("tuna-trip")
    voyage = ScenarioRun(scenario, ManualClock(scenario.start)).voyages["KH-95123-TS"]
    assert fishing_zones(voyage) == {"offshore"}
    assert max(leg.end[1] for leg in voyage.legs) < 113.5
    assert voyage.legs[-1].end_s < scenario.start_s + scenario.duration_h * 3600


@pytest.mark.parametrize("seed", range(4))
def test_longlines_are_set_in_the_afternoon(seed: int) -> None:
    for stretch in a_voyage(Fishery.TUNA_LONGLINE, seed).stretches():
        if stretch.activity is Activity.SET:
            assert 14.5 <= local_hour(stretch.start_s) <= 17
            assert 3 <= (stretch.end_s - stretch.start_s) / 3600 <= 5
        if stretch.activity is Activity.HAUL:
            assert 6 <= (stretch.end_s - stretch.start_s) / 3600 <= 18


@settings(max_examples=examples(25))
@given(
    fishery=st.sampled_from(list(Fishery)),
    seed=st.integers(0, 2**31),
    hours=st.lists(st.floats(0, 220), min_size=1, max_size=6),
)
def test_any_instant_may_be_asked_for_in_any_order(
    fishery: Fishery, seed: int, hours: list[float]
) -> None:
    one, other = a_voyage(fishery, seed), a_voyage(fishery, seed)
    there = {h: one.fix_at(START_S + h * 3600) for h in hours}
    assert there == {
        h: other.fix_at(START_S + h * 3600) for h in sorted(hours, reverse=True)
    }


@pytest.mark.parametrize("fishery", list(Fishery))
def test_speed_and_course_are_those_of_the_track_that_is_shown(
    fishery: Fishery,
) -> None:
    voyage, fixes = a_voyage(fishery), []
    for step in range(6 * 60):
        fixes.append(voyage.fix_at(START_S + (10 * 3600) + step * 10))
    for before, here, after in zip(fixes, fixes[1:], fixes[2:], strict=False):
        assert here.speed_kn == pytest.approx(
            distance_nm(before[:2], after[:2]) / (20 / 3600), abs=1e-6
        )
        assert here.course_deg == pytest.approx(
            bearing_deg(before[:2], after[:2]), abs=1e-6
        )
        assert 0 <= here.course_deg < 360


def test_the_receiver_errs_by_metres_and_a_moored_boat_hardly_moves() -> None:
    voyage = a_voyage(Fishery.TRAWL)
    off = [
        distance_nm(voyage.position_at(t), voyage.fix_at(t)[:2]) * 1852
        for t in [START_S + 7 * n for n in range(3000)]
    ]
    assert 1 < statistics.fmean(off) < 6
    assert max(off) < 20
    moored = [voyage.fix_at(START_S - 9000 + n).speed_kn for n in range(3000)]
    assert max(moored) < 0.7
    assert statistics.fmean(moored) < 0.3


def test_another_trip_follows_after_the_rest() -> None:
    voyage = Voyage(
        Trip(Fishery.COASTAL, "CVL", (12.3, 109.38), 1, trips=3, rest_h=10),
        seed=1,
        name="b",
        start_s=START_S,
    )
    rests = [s for s in voyage.stretches() if s.activity is Activity.MOORED]
    assert [(s.end_s - s.start_s) / 3600 for s in rests] == pytest.approx([10, 10])
    sets = [leg.start for leg in voyage.legs if leg.activity is Activity.SET]
    assert len(set(sets)) == len(sets)


@given(bearing=st.floats(0, 359.99), nm=st.floats(0.01, 200), latitude=st.floats(8, 16))
def test_moving_goes_as_far_and_in_the_direction_asked(
    bearing: float, nm: float, latitude: float
) -> None:
    start = (latitude, 110.0)
    there = moved(start, bearing, nm)
    assert distance_nm(start, there) == pytest.approx(nm, rel=1e-6)
    turned = (bearing_deg(start, there) - bearing + 180) % 360 - 180
    assert turned == pytest.approx(0, abs=1e-4)


def test_an_unknown_port_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no port 'XXX'; there are CCN, CDB"):
        port("XXX")
    assert all(8 < lat < 16 and 108 < lon < 116 for lat, lon in PORTS.values())
