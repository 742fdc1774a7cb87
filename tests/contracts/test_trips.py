"""Trips and hauls in the registry: the same again is one, what came late replaces."""

import pytest
from msgspec.structs import replace

from greenwater.kernel.errors import MissingError
from greenwater.kernel.trips import Haul, Trip, Violation
from greenwater.storage.registry import Registry
from greenwater.storage.registry.trips import Sailed
from tests.contracts.registries import HOUR, NOW

BOAT = "KH-95123-TS"
TRIP = Trip(
    id="t1",
    vessel=BOAT,
    departure_ms=NOW,
    departure_port="CHR",
    hauls=1,
    minutes={"offshore": 640.5},
)
HAUL = Haul(
    id="h1",
    vessel=BOAT,
    trip="t1",
    number=1,
    gear="LLD",
    set_ms=NOW + HOUR,
    set_at=(12.1, 112.2),
    began_ms=NOW + 9 * HOUR,
    began_at=(12.2, 112.3),
    ended_ms=NOW + 19 * HOUR,
    ended_at=(12.0, 112.1),
    minutes={"offshore": 640.5},
)
CLOSED = Violation(
    id="c1",
    vessel=BOAT,
    trip="t1",
    zone="inshore",
    allowed="offshore",
    kind="15-<24",
    gear="LLD",
    began_ms=NOW + 2 * HOUR,
    until_ms=NOW + 3 * HOUR,
    is_over=True,
    minutes=60.0,
    fixes=12,
    mean_kn=2.9,
    first_at=(12.2, 109.7),
    source="reference",
    is_verified=False,
)


@pytest.fixture(autouse=True)
def two_boats(registry: Registry) -> None:
    for name, boat in (("hoa", BOAT), ("lan", "KH-90415-TS")):
        registry.add_organisation(name, f"Hộ {name}")
        registry.add_vessel(boat, organisation=name, name=boat, length_m=17, gear="LLD")


def all_of_it(**more: int) -> Sailed:
    return Sailed(vessel=BOAT, trips=[TRIP], hauls=[HAUL], violations=[CLOSED], **more)


def test_what_is_kept_is_found_again_and_twice_is_once(registry: Registry) -> None:
    registry.save_trips([all_of_it()])
    registry.save_trips([all_of_it()])
    assert registry.trips(vessel="kh 95123 ts") == [TRIP]
    assert registry.hauls("t1") == [HAUL]
    assert registry.violations(vessel=BOAT) == [CLOSED]
    assert registry.trips(from_ms=NOW + 1) == []


def test_a_trip_goes_on_and_lands(registry: Registry) -> None:
    registry.save_trips([all_of_it()])
    landed = replace(TRIP, landing_ms=NOW + 99 * HOUR, landing_port="CHR", hauls=2)
    registry.save_trips([Sailed(vessel=BOAT, trips=[landed])])
    assert registry.trips() == [landed]
    assert registry.hauls("t1") == [HAUL]


def test_late_positions_replace_what_began_since(registry: Registry) -> None:
    before = replace(TRIP, id="t0", departure_ms=NOW - 99 * HOUR)
    other = replace(TRIP, id="o1", vessel="KH-90415-TS")
    registry.save_trips([all_of_it(), Sailed(vessel=BOAT, trips=[before])])
    registry.save_trips([Sailed(vessel="KH-90415-TS", trips=[other])])
    unset = replace(HAUL, id="h2", set_ms=None, set_at=None)
    registry.save_trips(
        [Sailed(vessel=BOAT, trips=[TRIP], hauls=[unset], since_ms=NOW)]
    )
    assert {one.id for one in registry.trips()} == {"t0", "t1", "o1"}
    page = registry.trips_between(NOW - 99 * HOUR, NOW + 1, limit=2)
    assert [one.id for one in page] == ["t0", "o1"], "the oldest first, then by id"
    last = page[-1].departure_ms, page[-1].id
    rest = registry.trips_between(NOW - 99 * HOUR, NOW + 1, after=last)
    assert [one.id for one in rest] == ["t1"], "of two at one instant none is lost"
    assert registry.trips_between(NOW - 99 * HOUR, NOW, vessel=BOAT) == [before]
    assert registry.hauls_between(HAUL.began_ms, HAUL.began_ms + 1) == [unset]
    assert not registry.hauls_between(HAUL.began_ms + 1, NOW + 99 * HOUR)
    assert registry.hauls("t1") == [unset]
    assert registry.violations() == []


def test_only_the_owner_sees_them(registry: Registry) -> None:
    registry.save_trips([all_of_it()])
    assert registry.visible_to_organisation("hoa").trips() == [TRIP]
    assert registry.visible_to_organisation("lan").trips() == []
    assert registry.visible_to_organisation("lan").hauls("t1") == []
    assert registry.visible_to_organisation("lan").hauls_between(0, 2**50) == []
    assert registry.visible_to_organisation("lan").violations() == []


def test_a_vessel_that_nobody_knows_is_refused_and_nothing_kept(
    registry: Registry,
) -> None:
    with pytest.raises(MissingError):
        registry.save_trips([all_of_it(), Sailed(vessel="KH-99999-TS")])
    assert registry.trips() == []
