"""Tables of trips: each trip and each haul once, however it is known; offshore areas."""

import pytest
from msgspec.structs import replace

from greenwater.kernel.trips import Haul, Trip
from greenwater.reference.offshore_areas import (
    OFFSHORE,
    offshore_area_at,
    offshore_minutes,
)
from greenwater.storage.registry.places import VesselInfo
from greenwater.storage.registry.vessel_books import VesselRecord
from traceability.sea.trip_list import trips_listed
from web.views.triptables import TABLES, Period, column_words, table_rows
from web.views.waters import waters_text
from web.words import Lang

HOUR, NOW = 3_600_000, 1_780_000_000_000
BOAT = VesselInfo("KH-95123-TS", "htx", "Ba Tàu", 17.2, "LLD")
TRIP = Trip(
    id="seen", vessel=BOAT.id, departure_ms=NOW, departure_port="CHR",
    landing_ms=NOW + 90 * HOUR, landing_port="CHR", hauls=1, minutes={"offshore": 60.0},
)  # fmt: skip
HAUL = Haul(
    id="h1", vessel=BOAT.id, trip="seen", number=1, gear="LLD", set_ms=None, set_at=None,
    began_ms=NOW + 9 * HOUR, began_at=(10.1, 111.0), ended_ms=NOW + 19 * HOUR,
    ended_at=(9.9, 111.0), minutes={"offshore": 60.0, "inshore": 20.0},
)  # fmt: skip


def record(
    name: str, trip: str, kind: str, at_ms: int, **fields: object
) -> VesselRecord:
    return VesselRecord(
        id=name, organisation="htx", vessel=BOAT.id, kind=kind, trip=trip,
        happened_ms=at_ms, entered_ms=at_ms, received_ms=at_ms, entered_by="ut",
        entered_for="ut", fields=fields, source="hand", digest=name, corrects=None,
    )  # fmt: skip


def declared(name: str, trip: str, from_h: int, until_h: int) -> VesselRecord:
    return record(
        name, trip, "trip", NOW + from_h * HOUR, departure_ms=NOW + from_h * HOUR,
        departure_port="CHR", return_ms=NOW + until_h * HOUR, return_port="CHR",
        gear="LLD", crew=8,
    )  # fmt: skip


def test_each_trip_and_each_haul_is_told_once_however_it_is_known() -> None:
    loose = replace(HAUL, id="h2", trip=None, began_ms=NOW + 209 * HOUR)
    lost = replace(HAUL, id="h3", trip=None, began_ms=NOW + 500 * HOUR)
    records = [
        declared("r1", "of-the-family", 1, 89),  # the seen trip under its own id
        declared("r2", "unseen", 200, 280),
        record("r3", "of-the-family", "catch", NOW + 20 * HOUR, haul="h1",
               lines=[{"species": "YFT", "kg": 120.0}]),
        record("r4", "only-a-catch", "catch", NOW + 900 * HOUR,
               lines=[{"species": "YFT", "kg": 1.0}]),
    ]  # fmt: skip
    again = replace(TRIP, id="after", departure_ms=NOW + 700 * HOUR, landing_ms=None)
    found = trips_listed(BOAT, [TRIP, again], [HAUL, loose, lost], records, NOW)
    assert [one.id for one in found.trips] == [
        "of-the-family", "unseen", "after", "only-a-catch",
    ]  # fmt: skip
    ways = [one.found for one in found.trips]
    assert ways[0] is not None
    assert ways[0].trip.id == "seen"
    assert ways[1] is not None
    assert ways[1].is_declared
    assert [one.id for one in ways[1].hauls] == ["h2"]
    assert [one.id for one in found.loose] == ["h3"]
    whole = Period(NOW, NOW + 1000 * HOUR)
    rows = {one: table_rows(Lang.EN, one, [(BOAT, found)], whole) for one in TABLES}
    hauls = [dict(zip(TABLES["hauls"], row, strict=True)) for row in rows["hauls"]]
    assert [one["trip"] for one in hauls] == [
        "of-the-family", "unseen", "", "only-a-catch",
    ]  # fmt: skip
    assert [one["caught_kg"] for one in hauls] == [120.0, None, None, 1.0]
    assert hauls[0]["areas"] == "3, 4"
    trips = [dict(zip(TABLES["trips"], row, strict=True)) for row in rows["trips"]]
    assert [one["ends"] for one in trips] == [
        "as declared, with positions", "as declared", "by positions", "not known",
    ]  # fmt: skip
    by_waters = [dict(zip(TABLES["zones"], row, strict=True)) for row in rows["zones"]]
    assert sum(one["hours"] for one in by_waters) == pytest.approx(
        3 * 80 / 60, abs=0.05
    )
    assert (
        len(table_rows(Lang.EN, "hauls", [(BOAT, found)], Period(NOW, NOW + HOUR))) == 0
    )
    for lang in Lang:
        assert all(title and why for title, why in column_words(lang))


@pytest.mark.parametrize(
    ("place", "area"),
    [((18.0, 107.3), 1), ((17.0, 108.5), 1), ((15.0, 111.0), 2), ((12.0, 111.0), 3),
     ((10.0, 111.0), 3), ((8.7, 111.9), 4), ((8.0, 106.0), 5), ((8.5, 104.0), 6),
     ((10.2, 104.0), 6)],
)  # fmt: skip
def test_the_six_offshore_areas(place: tuple[float, float], area: int) -> None:
    assert not OFFSHORE.verified
    assert offshore_area_at(*place) == area


def test_a_haul_in_two_areas_shares_its_offshore_time_out() -> None:
    shared = offshore_minutes(HAUL.minutes, HAUL.began_at, HAUL.ended_at)
    assert set(shared) == {3, 4}
    assert sum(shared.values()) == pytest.approx(60.0, abs=0.2)
    assert offshore_minutes({"inshore": 5.0}, HAUL.began_at, HAUL.ended_at) == {}
    told = "vùng lộng 25 %, vùng khơi 75 % (khu vực 3, 4)"
    assert waters_text(Lang.VI, HAUL) == told
    alone = replace(HAUL, minutes={"coastal": 9.0})
    assert waters_text(Lang.EN, alone) == "coastal waters"
