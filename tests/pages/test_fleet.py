"""The fleet's page: where boats are, by whom they were heard, and what is due."""

import json
import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from shapely import Point, Polygon, union_all

from analytics.fishing.monitoring import Contact
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.kernel.trips import Trip
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.trips import Sailed
from tests.pages.farms import BASE, PHONES, enter, pin_hash
from tests.pages.reading_pages import parse_page
from tests.pages.world import HOUR_MS, NOW_MS, World
from web.app import create_app
from web.sea.fleet import Fix, boat_view, standing_of
from web.settings import tiles_of
from web.views.cards import probe_view, titles
from web.views.facts import Snapshots
from web.views.lights import Light
from web.views.seamap import HOME, LAND, Mark, bounds_of, sea_map
from web.words import Lang, say

SEA, PORT = (11.7, 111.2), (12.1975, 109.1920)
MINUTE_MS = 60_000


def at(world: World, vessel: str, place: tuple[float | None, float | None], ago_ms: int,
       source: Source = Source.VMS) -> None:  # fmt: skip
    """Let a boat be heard somewhere."""
    device = f"{source}-{vessel.lower()[3:8]}"
    world.add_device(device, vessel=vessel, is_simulated=False)
    world.hang(
        device, "gps", vessel=vessel, source=source, from_ms=NOW_MS - 400 * HOUR_MS
    )
    told = zip((Channel.LATITUDE, Channel.LONGITUDE), place, strict=True)
    world.telemetry.write(
        [
            Reading(DeviceId(device), ProbeId("gps"), channel, NOW_MS - ago_ms, value)
            for channel, value in told
        ]
    )


def boats(world: World) -> dict[str, str]:
    """Register two long boats and a short one; return the ids by name."""
    world.registry.add_organisation("htx", "HTX")
    for number, name, length in (
        (1, "Hải Âu", 18.0),
        (2, "Biển Đông", 18.0),
        (3, "Thuyền thúng", 8.0),
    ):
        world.registry.add_vessel(
            f"KH-9900{number}-TS", organisation="htx", name=name, length_m=length
        )
    return {"Hải Âu": "KH-99001-TS", "Biển Đông": "KH-99002-TS"}


@pytest.mark.parametrize(
    ("fixes", "state", "light"),
    [
        ([(SEA, 30 * MINUTE_MS, Source.VMS)], "tracked", "ok"),
        ([(SEA, 3 * HOUR_MS, Source.VMS)], "late", "look"),
        ([(SEA, 7 * HOUR_MS, Source.VMS)], "lost", "act"),
        ([(SEA, 7 * HOUR_MS, Source.VMS), (SEA, HOUR_MS, Source.VOICE)],
         "reporting", "look"),
        ([(SEA, 241 * HOUR_MS, Source.VMS), (SEA, HOUR_MS, Source.VOICE)],
         "overdue", "act"),
        ([(SEA, 9 * HOUR_MS, Source.VMS), (SEA, MINUTE_MS, Source.BOX)], "lost", "act"),
    ],
)  # fmt: skip
def test_what_is_due_follows_monitoring_alone(
    own_world: World,
    fixes: list[tuple[tuple[float, float], int, Source]],
    state: str,
    light: str,
) -> None:
    ids = boats(own_world)
    for place, ago_ms, source in fixes:
        at(own_world, ids["Hải Âu"], place, ago_ms, source)
    found = [Fix(NOW_MS - ago, *place, source) for place, ago, source in fixes]
    contact = Contact(is_required=True)
    assert standing_of(contact, found, None, NOW_MS).state == state
    facts = Snapshots().now(own_world.services)
    info = next(one for one in facts.vessels if one.id == ids["Hải Âu"])
    view = boat_view(Lang.VI, facts, info)
    assert view.light == Light(light)
    assert bool(view.due) is (state != "tracked")


def test_a_long_boat_with_a_box_alone_is_never_red(own_world: World) -> None:
    ids = boats(own_world)
    at(own_world, ids["Hải Âu"], SEA, 60 * HOUR_MS, Source.BOX)
    facts = Snapshots().now(own_world.services)
    info = next(one for one in facts.vessels if one.id == ids["Hải Âu"])
    view = boat_view(Lang.VI, facts, info)
    assert (view.light.name, view.due) == ("ok", ())


def test_a_position_told_by_voice_is_called_so(own_world: World) -> None:
    ids = boats(own_world)
    at(own_world, ids["Hải Âu"], SEA, 3 * HOUR_MS, Source.VOICE)
    facts = Snapshots().now(own_world.services)
    (told,) = facts.on_vessels[ids["Hải Âu"]]
    (title,) = titles(Lang.VI, [told])
    assert title == "Báo qua bộ đàm"
    assert probe_view(Lang.VI, told, title, facts.now_ms).state == "fresh"


def test_a_position_told_by_voice_and_taken_back_hides_no_earlier_one(
    own_world: World,
) -> None:
    ids = boats(own_world)
    at(own_world, ids["Hải Âu"], SEA, 9 * HOUR_MS)
    for hours in (4, 2, 1):
        at(own_world, ids["Hải Âu"], SEA, hours * HOUR_MS, Source.VOICE)
    at(own_world, ids["Hải Âu"], (None, None), 1 * HOUR_MS, Source.VOICE)
    at(own_world, ids["Hải Âu"], (None, None), 2 * HOUR_MS, Source.VOICE)
    facts = Snapshots().now(own_world.services)
    info = next(one for one in facts.vessels if one.id == ids["Hải Âu"])
    view = boat_view(Lang.VI, facts, info)
    assert (view.word, view.at) == (say(Lang.VI, "fleet_reporting"), SEA)


def test_what_is_due_begins_when_a_boat_left_port(own_world: World) -> None:
    ids = boats(own_world)
    at(own_world, ids["Hải Âu"], SEA, 20 * HOUR_MS)
    at(own_world, ids["Hải Âu"], SEA, MINUTE_MS, Source.BOX)
    facts = Snapshots().now(own_world.services)
    info = next(one for one in facts.vessels if one.id == ids["Hải Âu"])
    trip = Trip(
        id="trip-1", vessel=info.id, departure_ms=NOW_MS - HOUR_MS, departure_port="CDL"
    )
    assert boat_view(Lang.VI, facts, info, trip).light == Light("ok")
    assert boat_view(Lang.VI, facts, info).light == Light("act")


def test_a_short_boat_out_of_coverage_is_never_red(own_world: World) -> None:
    boats(own_world)
    at(own_world, "KH-99003-TS", SEA, 60 * HOUR_MS, Source.BOX)
    at(own_world, "KH-99003-TS", SEA, -20 * HOUR_MS, Source.BOX)  # a clock gone wrong
    facts = Snapshots().now(own_world.services)
    (newest,) = facts.on_vessels["KH-99003-TS"]
    assert {r.taken_ms for r in newest.readings} == {NOW_MS - 60 * HOUR_MS}
    info = next(one for one in facts.vessels if one.id == "KH-99003-TS")
    view = boat_view(Lang.VI, facts, info)
    assert (view.light.name, view.due) == ("ok", ())


def test_the_page_has_all_boats_trouble_first_and_a_map_without_scripts(
    own_world: World,
) -> None:
    ids = boats(own_world)
    at(own_world, ids["Hải Âu"], PORT, 5 * MINUTE_MS)
    at(own_world, ids["Biển Đông"], SEA, 7 * HOUR_MS)
    with TestClient(create_app(own_world.services)) as client:
        page = parse_page(client.get("/fleet").text)
        data = client.get("/fleet.json").json()
    cards = page.all("li", class_="boat-card")
    assert [one.attrs["data-boat"] for one in cards] == [
        ids["Biển Đông"], "KH-99003-TS", ids["Hải Âu"]
    ]  # fmt: skip
    assert "Quá hạn báo vị trí" in cards[0].text
    assert "trị số tham khảo" in cards[0].text
    assert "Chưa từng có vị trí" in cards[1].text
    assert "trong cảng" in cards[2].text
    assert len(page.all("g", class_="mark")) == 2
    assert {one["name"] for one in data["boats"]} == {"Hải Âu", "Biển Đông"}
    west, south, east, north = data["bounds"]
    assert south < SEA[0] < north and west < SEA[1] < east  # noqa: PT018


def test_the_map_holds_what_is_on_it_and_speaks_names_as_text() -> None:
    mark = Mark((17.5, 112.0), Light("act"), "<script>x</script>")
    drawing = sea_map([mark], [("way", [SEA, PORT])], alt="biển")
    assert "<script>" not in drawing
    assert "&lt;script&gt;" in drawing
    bounds = bounds_of([mark.at])
    assert bounds[2] > 112.0
    assert bounds_of([]) == HOME


@pytest.mark.skipif(not LAND.is_file(), reason="built without page assets")
def test_nha_trang_is_on_land_and_the_sea_is_not() -> None:
    rings = json.loads(LAND.read_bytes())["coordinates"]
    land = union_all([Polygon(one[0]).buffer(0) for one in rings if len(one[0]) > 3])
    assert land.covers(Point(109.05, 12.26))
    assert not land.covers(Point(SEA[1], SEA[0]))
    assert land.covers(Point(108.0, 14.0)), "the highlands"


def test_an_owner_ashore_sees_first_how_his_boats_are(own_world: World) -> None:
    """Trouble first, with what is due and when: not behind another page's map."""
    boats(own_world)
    at(own_world, "KH-99001-TS", SEA, HOUR_MS)
    at(own_world, "KH-99002-TS", SEA, 3 * HOUR_MS)
    registry, PHONES["chu"] = own_world.registry, "0905000088"
    left_ms = NOW_MS - 30 * HOUR_MS
    trip = Trip(
        id="t-2", vessel="KH-99002-TS", departure_ms=left_ms, departure_port="CDL"
    )
    registry.save_trips([Sailed(vessel=trip.vessel, trips=[trip])])
    registry.add_person("chu", "Chủ tàu", PHONES["chu"])
    registry.add_member("chu", "htx", Role.BOAT_OWNER)
    registry.set_secret("chu", pin_hash(), is_pin=True)
    guarded = replace(own_world.services, is_guarded=True)
    with TestClient(
        create_app(guarded), base_url=BASE, follow_redirects=False
    ) as client:
        page = parse_page(enter(client, "chu").get("/vessels").text)
    cards = page.one("main").all("section", class_="card")
    told = [card for card in cards if card.all("h2")[0].all("a")]
    assert told[0].all("h2")[0].text.startswith("Biển Đông")
    assert "Tín hiệu giám sát trễ" in told[0].text
    assert "Báo vị trí trước" in told[0].all("p", data_due="")[0].text
    links = [one.attrs["href"] for one in told[0].all("a")]
    assert "/vessels/KH-99002-TS/log" in links, "what he comes for"
    assert any("kind=position" in one for one in links), "what is due can be done"
    assert "Giám sát bình thường" in " ".join(one.text for one in told)


def test_a_position_half_told_is_none(own_world: World) -> None:
    boats(own_world)
    at(own_world, "KH-99003-TS", SEA, HOUR_MS, Source.BOX)
    facts = Snapshots().now(own_world.services)
    (hanging,) = facts.on_vessels["KH-99003-TS"]
    half = replace(hanging, readings=hanging.readings[:1])
    facts = replace(facts, on_vessels={"KH-99003-TS": (half,)})
    info = next(one for one in facts.vessels if one.id == "KH-99003-TS")
    assert boat_view(Lang.EN, facts, info).at is None


def test_ground_from_elsewhere_is_asked_for_on_maps_alone_and_only_where_it_is_named(
    world: World,
) -> None:
    """The address stands on the map's page, its host in that page's policy and in no other."""
    tiles = tiles_of("https://nen.example/{z}/{x}/{y}.png", "© Nền mẫu")
    with TestClient(create_app(replace(world.services, tiles=tiles))) as client:
        fleet, home = client.get("/fleet"), client.get("/board")
    (sea,) = [
        one for one in parse_page(fleet.text).all("div") if one.attrs.get("id") == "sea"
    ]
    assert sea.attrs["data-tiles"] == "https://nen.example/{z}/{x}/{y}.png"
    assert "© Nền mẫu" in fleet.text
    assert "Natural Earth" not in fleet.text
    assert (
        "img-src 'self' https://nen.example;"
        in fleet.headers["content-security-policy"]
    )
    assert "nen.example" not in home.headers["content-security-policy"]
    with TestClient(create_app(world.services)) as client:
        plain = client.get("/fleet")
    assert "data-tiles" not in plain.text
    assert "img-src 'self';" in plain.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("address", "credit", "what"),
    [
        ("http://nen.example/{z}/{x}/{y}.png", "©", "write it with https"),
        ("https://nen.example/{z}/{x}.png", "©", "{z}, {x}, {y}"),
        ("https://nen.example;script-src */{z}/{x}/{y}", "©", "is no address of tiles"),
        ("https://a:b@nen.example/{z}/{x}/{y}", "©", "is no address of tiles"),
        ("https://nen.example/{z}/{x}/{y}.png", " ", "map_credit is not"),
    ],
)
def test_tiles_that_cannot_be_are_refused_in_a_sentence(
    address: str, credit: str, what: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(what)):
        tiles_of(address, credit)
