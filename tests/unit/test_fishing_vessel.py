"""Trips, hauls and closed zones of simulated vessels, whose truth is known."""

from functools import cache
from itertools import groupby

import msgspec
import pytest

from analytics.alarms.afloat import zone_alarm
from analytics.fishing.vessel import (
    Changes,
    Haul,
    Position,
    Trip,
    VesselState,
    Violation,
)
from analytics.places import Place
from firmware_sim.scenarios import load_scenario
from firmware_sim.vessels.voyage import Voyage
from firmware_sim.world import World
from greenwater.reference.gears import gear_of
from greenwater.reference.vessels import vessel_class
from greenwater.storage.registry.places import VesselInfo

MIN_MS = 60_000


@cache
def a_world(name: str) -> World:
    return World(load_scenario(name), {})


def positions(name: str, vessel: str) -> list[Position]:
    """Return what the box of a simulated vessel reports, its receiver's faults in it."""
    world = a_world(name)
    (device,) = (one for one in world.scenario.devices if one.vessel == vessel)
    source = world.positions[device.id, "gps"]
    start_s = world.scenario.start_s
    found = []
    for step in range(int(world.scenario.duration_h * 3600 / device.interval_s)):
        t_s = start_s + step * device.interval_s
        fix = source.fix_at(t_s)
        if fix is not None:
            found.append(
                Position(round(t_s * 1000), fix.latitude, fix.longitude, fix.speed_kn)
            )
    return found


def a_state(name: str, vessel: str) -> VesselState:
    (info,) = (one for one in a_world(name).scenario.vessels if one.id == vessel)
    assert info.length_m is not None
    return VesselState(vessel, gear=info.gear or "", kind=vessel_class(info.length_m))


def last_of_each(changes: Changes) -> tuple[list[Trip], list[Haul], list[Violation]]:
    return (
        list({one.id: one for one in changes.trips}.values()),
        list({one.id: one for one in changes.hauls}.values()),
        list({one.id: one for one in changes.violations}.values()),
    )


@cache
def found(name: str, vessel: str) -> tuple[list[Trip], list[Haul], list[Violation]]:
    return last_of_each(a_state(name, vessel).take(positions(name, vessel)))


def true_hauls(voyage: Voyage) -> list[tuple[float, float]]:
    """Return when each haul began to be set and was over, in ms."""
    fishing = [leg for leg in voyage.legs if leg.haul is not None]
    ends = []
    for _, group in groupby(fishing, key=lambda leg: leg.haul):
        legs = list(group)
        ends.append((legs[0].start_s * 1000, legs[-1].end_s * 1000))
    return ends


def test_a_tuna_trip_has_its_ten_hauls() -> None:
    trips, hauls, violations = found("tuna-trip", "KH-95123-TS")
    voyage = a_world("tuna-trip").voyages["KH-95123-TS"]
    (trip,) = trips
    assert (trip.departure_port, trip.landing_port, trip.hauls) == ("CHR", "CHR", 10)
    assert trip.landing_ms is not None
    assert abs(trip.departure_ms - voyage.legs[0].start_s * 1000) < 20 * MIN_MS
    assert abs(trip.landing_ms - voyage.legs[-1].end_s * 1000) < 20 * MIN_MS
    truth = true_hauls(voyage)
    assert len(hauls) == len(truth) == 10
    for haul, (began_ms, ended_ms) in zip(hauls, truth, strict=True):
        assert abs(haul.ended_ms - ended_ms) < 30 * MIN_MS
        assert haul.set_ms is not None
        assert abs(haul.set_ms - began_ms) < 45 * MIN_MS
    assert set(trip.minutes) == {"offshore"}
    assert not violations


def test_the_trawler_inside_the_line_is_flagged_and_no_other() -> None:
    name = "trawler-inshore"
    assert not found(name, "KH-92011-TS")[2]
    assert not found(name, "KH-90415-TS")[2]
    trips, hauls, violations = found(name, "KH-92077-TS")
    assert violations
    for one in violations:
        assert (one.zone, one.allowed, one.kind) == ("coastal", "inshore", "12-<15")
        assert one.minutes >= 30
        assert 2 < one.mean_kn < 4.5
        assert one.is_over
        assert not one.is_verified
        assert one.trip == trips[0].id
    assert {one.began_ms for one in violations} <= {one.began_ms for one in hauls}


@pytest.mark.parametrize("vessel", ["KH-92011-TS", "KH-92077-TS", "KH-90415-TS"])
def test_hauls_of_trawlers_and_gillnetters(vessel: str) -> None:
    trips, hauls, _ = found("trawler-inshore", vessel)
    voyage = a_world("trawler-inshore").voyages[vessel]
    end_ms = positions("trawler-inshore", vessel)[-1].time_ms
    truth = [one for one in true_hauls(voyage) if one[1] < end_ms]
    assert len(hauls) == len(truth)
    for haul, (began_ms, ended_ms) in zip(hauls, truth, strict=True):
        assert began_ms - 5 * MIN_MS < haul.began_ms < haul.ended_ms
        assert haul.ended_ms < ended_ms + 5 * MIN_MS
    landed = [one for one in trips if one.landing_ms is not None]
    assert len(landed) == (2 if vessel == "KH-90415-TS" else 1)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_same_however_it_is_cut_and_kept_between(size: int) -> None:
    name, vessel = "trawler-inshore", "KH-92077-TS"
    every = positions(name, vessel)
    state, all_of_it = a_state(name, vessel), Changes([], [], [])
    for start in range(0, len(every), size):
        some = state.take(every[start : start + size])
        all_of_it.trips.extend(some.trips)
        all_of_it.hauls.extend(some.hauls)
        all_of_it.violations.extend(some.violations)
        kept = msgspec.json.encode(state)
        state = msgspec.json.decode(kept, type=VesselState)
    assert last_of_each(all_of_it) == found(name, vessel)


def test_nothing_looks_ahead() -> None:
    name, vessel = "trawler-inshore", "KH-92077-TS"
    every = positions(name, vessel)
    cut = a_state(name, vessel).take(every[:900])
    whole = a_state(name, vessel).take(every)
    for some, more in (
        (cut.trips, whole.trips),
        (cut.hauls, whole.hauls),
        (cut.violations, whole.violations),
    ):
        assert list(more[: len(some)]) == list(some)
    assert cut.hauls
    assert not cut.violations[0].is_over


def test_transit_through_closed_waters_is_nothing() -> None:
    state = VesselState("v", gear="OTB", kind=vessel_class(14))
    way = [
        Position(hour * 6 * MIN_MS, 12.2, 109.2 + 0.0138 * hour, 8.0)
        for hour in range(60)
    ]
    changes = state.take(way)
    trip = changes.trips[-1]
    assert trip.passed.keys() == {"coastal", "NT-TRE"}
    assert 60 < sum(trip.passed.values()) < 120, "some 13 nm at 8 kn"
    assert not changes.hauls
    assert not changes.violations
    other = VesselState("v", gear="OTB", kind=vessel_class(14), catches=False)
    assert other.take(way).trips[-1].passed.keys() == {"NT-TRE"}


def test_a_tow_in_a_closed_area_is_a_candidate_and_a_passage_is_noted() -> None:
    trips, hauls, candidates = found("closed-reef", "KH-91512-TS")
    assert candidates, "it may fish in the coastal zone, and not off Hòn Mun"
    for one in candidates:
        assert (one.area, one.allowed, one.zone) == ("NT-MUN", "", "coastal")
        assert 15 <= one.minutes < 120
        assert not one.is_verified
        assert "GIS polygons" in one.source
    assert {one.trip for one in candidates} == {trips[0].id}
    info = VesselInfo("KH-91512-TS", "hoa", "Tàu Hòa", 11.5, "OTB")
    place = Place("hoa", None, None, None, None, is_simulated=True)
    told = zone_alarm(info, place, candidates[0])
    assert told.condition == "area/KH-91512-TS/NT-MUN"
    assert "khu vực cấm khai thác: 1" in told.detail["vi"]
    assert told.detail["verified"] is False
    assert trips[0].passed["NT-MUN"] > sum(one.minutes for one in candidates)
    trips, hauls, candidates = found("closed-reef", "KH-90233-TS")
    assert len(hauls) == 2
    assert not candidates, "it only sailed through"
    assert trips[-1].passed.keys() == {"NT-MUN"}


def lying(longitude: float, speed_kn: float = 0.4) -> list[Position]:
    """Return an hour and a half at one place, and half an hour of going on."""
    stay = [Position(n * 10 * MIN_MS, 12.2, longitude, speed_kn) for n in range(10)]
    on = [
        Position((n + 10) * 10 * MIN_MS, 12.2, longitude + n * 0.02, 7.0)
        for n in range(4)
    ]
    return stay + on


@pytest.mark.parametrize(
    ("length_m", "longitude", "zone", "allowed"),
    [
        (9.0, 109.4, None, ""),
        (9.0, 109.7, "inshore", "coastal"),
        (13.0, 109.7, None, ""),
        (13.0, 110.2, "offshore", "coastal inshore"),
        (17.0, 110.2, None, ""),
    ],
)
def test_a_vessel_that_serves_others_is_told_of_where_it_may_not(
    length_m: float, longitude: float, zone: str | None, allowed: str
) -> None:
    state = VesselState("v", "OTB", vessel_class(length_m), catches=False)
    changes = state.take(lying(longitude))
    assert not changes.hauls
    if zone is None:
        assert not changes.violations
        return
    going_on, ended = changes.violations
    assert (going_on.id, going_on.is_over, ended.is_over) == (ended.id, False, True)
    assert (ended.zone, ended.allowed, ended.serves) == (zone, allowed, True)
    assert (ended.minutes, ended.rule_share, ended.is_verified) == (90.0, None, False)
    info = VesselInfo("v", "hoa", "Tàu Hòa", length_m, "OTB")
    place = Place("hoa", None, None, None, None, is_simulated=True)
    words = zone_alarm(info, place, ended).detail
    assert words["vi"].startswith("có thể làm hậu cần sai vùng: 90 phút nằm ở vùng")
    assert "làm hậu cần thì dừng" in words["advice_vi"]
    assert not state.take(
        [Position(one.time_ms + 300 * MIN_MS, one.latitude, one.longitude, 7.0)
         for one in lying(longitude, 7.0)]
    ).violations, "it passes"  # fmt: skip


def test_what_a_vessel_was_at_ends_with_what_it_was() -> None:
    state = VesselState("v", "OTB", vessel_class(13))
    tow = lying(110.2, 3.0)[:10]
    assert [one.serves for one in state.take(tow).violations] == [False]
    state.catches = False
    more = [Position(one.time_ms + 100 * MIN_MS, 12.2, 110.2, 0.4) for one in tow]
    changes = state.take(more)
    assert len(changes.hauls) == 1
    assert [(one.serves, one.is_over) for one in changes.violations] == [
        (False, True), (True, False)
    ]  # fmt: skip


def test_work_within_the_buffer_is_never_told() -> None:
    def told(longitude: float) -> int:
        state = VesselState("v", gear="OTB", kind=vessel_class(17))
        tow = [Position(n * 5 * MIN_MS, 12.2, longitude, 3.0) for n in range(40)]
        return len(state.take(tow).violations)

    assert told(109.9739 - 0.002) == 0  # 0.11 nm inside the line
    assert told(109.9739 - 0.004) == 1


def test_a_receiver_that_jumps_moves_no_vessel() -> None:
    state = VesselState("v", gear="OTB", kind=vessel_class(17))
    tow = [Position(n * 5 * MIN_MS, 12.2, 110.3, 3.0) for n in range(40)]
    tow[20] = Position(tow[20].time_ms, 12.2, 109.5, 3.0)
    state.take(tow)
    assert state.gear_state.work is not None
    assert set(state.gear_state.work.minutes) == {"offshore"}


def test_gears_by_code_and_by_word() -> None:
    assert gear_of("OTB").name == "trawl"
    assert gear_of("Drifting_longlines").name == "drifting longline"
    assert gear_of("Trollers").name == "trolling line"
    assert gear_of(None).name == gear_of("?").name == "not told"
