"""A trip's track: told apart by what the boat did, holes open, small enough for a phone."""

import json
import math
from itertools import pairwise
from pathlib import Path

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry
from tests.contracts.boats import DAY, TRIP_DAYS, Boat, a_haul
from tests.contracts.registries import HOUR, NOW
from tests.templates import empty_registry
from web.ports import Services
from web.views.seamap import frame_of
from web.views.tracks import Fix
from web.views.triptracks import (
    MOST_POINTS,
    believable,
    parts_of,
    small,
    track_document,
    track_facts,
    track_of,
)
from web.words import Lang

MINUTE = HOUR // 60


def way(hours: int, *, knots: float = 8.0, from_h: float = 0.0) -> list[Fix]:
    """A straight way east, a position each half hour."""
    return [
        Fix(NOW + round((from_h + half / 2) * HOUR), 12.0,
            110.0 + (from_h + half / 2) * knots / 60)
        for half in range(2 * hours + 1)
    ]  # fmt: skip


def test_a_hole_is_a_part_of_its_own_and_late_positions_close_it() -> None:
    whole = way(20)
    torn = [one for one in whole if not 6 <= (one.at_ms - NOW) / HOUR <= 12]
    assert [one.kind for one in parts_of(torn, ())] == ["way", "gap", "way"]
    assert [one.kind for one in parts_of(whole, ())] == ["way"]


def test_a_hole_begins_where_a_position_no_longer_holds() -> None:
    for minutes, kind in ((140, "way"), (141, "gap")):
        two = [Fix(NOW, 12.0, 110.0), Fix(NOW + minutes * MINUTE, 12.0, 110.3)]
        assert [one.kind for one in parts_of(two, ())] == [kind]


def test_hauling_and_lying_are_told_from_the_way_and_share_their_ends() -> None:
    lying = [Fix(NOW + half * HOUR // 2, 12.0, 110.0) for half in range(7)]
    on = [Fix(NOW + 3 * HOUR + one.at_ms - NOW, one.latitude, one.longitude)
          for one in way(8)[1:]]  # fmt: skip
    haul = a_haul(1, began_ms=NOW + 6 * HOUR, ended_ms=NOW + 9 * HOUR)
    parts = parts_of([*lying, *on], [haul])
    assert [one.kind for one in parts] == ["slow", "way", "work", "way"]
    for one, other in pairwise(parts):
        assert one.points[-1] == other.points[0]


def test_a_short_stop_does_not_break_a_way() -> None:
    track = way(10)
    track[8] = Fix(track[8].at_ms, track[7].latitude, track[7].longitude)
    assert [one.kind for one in parts_of(track, ())] == ["way"]


def test_what_no_boat_can_reach_is_left_out_but_not_for_ever() -> None:
    track = way(5)
    mad = Fix(track[4].at_ms + MINUTE, 18.0, 118.0)
    assert believable([*track[:5], mad, *track[5:]]) == track
    moved = [Fix(NOW + (6 + n) * HOUR, 18.0, 118.0) for n in range(5)]
    assert believable([*track, *moved])[-1] == moved[-1]


def test_twenty_days_every_minute_stay_small_and_keep_their_shape() -> None:
    wild = [
        Fix(NOW + minute * MINUTE, 11 + 0.8 * math.sin(minute / 300) + 0.02 * math.sin(minute / 7),
            111 + minute / 12_000 + 0.02 * math.cos(minute / 5))
        for minute in range(0, TRIP_DAYS * 1440, 10)
    ]  # fmt: skip
    parts = parts_of(wild, [a_haul(number) for number in range(1, 4)])
    made = small(parts)
    count = sum(len(one.points) for one in made)
    assert count <= max(MOST_POINTS, 2 * len(parts)), count
    assert [one.kind for one in made] == [one.kind for one in parts]
    assert math.dist(made[0].points[0], parts[0].points[0]) < 1e-3
    north = max(lat for one in made for lat, _ in one.points)
    assert abs(north - max(one.latitude for one in wild)) < 0.05


def test_a_frame_is_never_smaller_than_a_bay_nor_a_ribbon() -> None:
    west, south, east, north = frame_of([(12.2, 109.2)])
    assert (round(east - west, 2), round(north - south, 2)) == (0.4, 0.4)
    west, south, east, north = frame_of([(12.0, 109.0), (12.0, 117.0)])
    assert north - south >= (east - west) / 2


def test_a_trips_page_is_small_draws_all_of_it_and_follows_what_comes_late(
    tmp_path: Path,
) -> None:
    telemetry = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    with open_registry(empty_registry(tmp_path / "registry.db")) as registry:
        boat = Boat(registry, telemetry).sail()
        boat.fill()
        services = Services(registry, telemetry, boat.clock)
        view = boat.books.view("trip-1")

        def told(from_d: float, until_d: float) -> None:
            times = range(
                NOW + round(from_d * DAY), NOW + round(until_d * DAY), 20 * MINUTE
            )
            telemetry.write(
                [
                    Reading(DeviceId("tau-box"), ProbeId("gps"), channel, at_ms, value)
                    for at_ms in times
                    for channel, value in (
                        (Channel.LATITUDE, 11 + math.sin((at_ms - NOW) / DAY)),
                        (Channel.LONGITUDE, 110 + (at_ms - NOW) / DAY / 8),
                    )
                ]
            )  # fmt: skip

        told(0, 9)
        told(10, TRIP_DAYS)
        track = track_of(Lang.VI, services, view)
        assert "gap" in track.kinds
        assert "work" in track.kinds
        document = json.dumps(track_document(Lang.VI, track))
        assert len(document) < 25_000
        assert [one["text"] for one in json.loads(document)["spots"]] == ["1", "2", "3"]
        drawn = track_facts(Lang.VI, services, view)["track"]
        assert 'class="track gap"' in drawn
        assert drawn.count('class="spot haul"') == 3
        told(9, 10)
        assert "gap" not in track_of(Lang.VI, services, view).kinds
    telemetry.close()
