"""What the pages tell: fresh, old, silent, simulated, missing."""

import re
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source
from greenwater.kernel.wire.messages import Status
from greenwater.storage.registry.alarms import Alarm, AlarmState
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.watching import Pass
from greenwater.storage.telemetry import open_telemetry
from tests.pages.reading_pages import Node, parse_page
from tests.pages.world import (
    BOTTOM,
    DO,
    HOUR_MS,
    LONG_AGO_MS,
    MINUTE_MS,
    NOW_MS,
    TOP,
    World,
)
from web.app import create_app
from web.views.finding import MOST


def page_of(site: TestClient, path: str) -> Node:
    answer = site.get(path)
    assert answer.status_code == 200, answer.text
    return parse_page(answer.text)


def unit_of(page: Node, name: str) -> Node:
    (found,) = [
        one
        for one in page.all("article")
        if one.all("h4") and one.all("h4")[0].all("a")[0].text == name
    ]
    return found


def notices_of(node: Node) -> list[str]:
    return [item.text for item in node.all("li")]


@pytest.fixture(scope="module")
def board(site: TestClient) -> Node:
    return page_of(site, "/?lang=vi")


def test_the_first_page_shows_sites_rafts_and_units_in_their_order(board: Node) -> None:
    headings = [one.text for one in board.all() if one.tag in ("h2", "h3", "h4")]
    simulated = " SỐ LIỆU MÔ PHỎNG"
    assert headings == [
        "Bè Vạn Thắng",
        "Lồng 1",
        "Trại tôm ông An",
        "Cụm ao phía đông",
        "Ao 1" + simulated,
        "Ao 2" + simulated,
        "Ao 3" + simulated,
        "Ao 10",
        "Tàu cá",
        "Tàu Mới KH-90000-TS",
        "Tàu Biển Đông KH-91234-TS" + simulated,
        "Tàu Hải Âu KH-95123-TS" + simulated,
        "Hộp đo chưa gắn vào ao, lồng hay tàu nào",
    ]


def test_two_depths_of_one_pond_are_two_cards_and_two_lines(board: Node) -> None:
    pond = unit_of(board, "Ao 1")
    titles = [one.text.split(" 1 ")[0] for one in pond.all("h5")]
    assert titles[:2] == ["Sâu 0,5 m", "Sâu 1,5 m"]
    legend = pond.one("span", class_="legend")
    assert [key.text for key in legend.all("span")] == ["Sâu 0,5 m", "Sâu 1,5 m"]
    assert pond.all("polyline", class_="l0")
    assert pond.all("polyline", class_="l1")


def test_values_stand_with_unit_and_age(board: Node) -> None:
    top = unit_of(board, "Ao 1").one(data_probe=f"box-1/{TOP}")
    values = {one.one("dt").text: one.one("b").text for one in top.all(class_="value")}
    assert re.fullmatch(r"[345],\d mg/L", values["Oxy"])
    assert re.fullmatch(r"2\d,\d °C", values["Nhiệt độ"])
    assert re.fullmatch(r"[678],\d\d", values["pH"])
    assert top.one(class_="age").text == "1 phút trước"
    assert "fresh" in top.classes


def test_mains_loss_is_told_in_words(board: Node) -> None:
    mains = unit_of(board, "Ao 1").one(data_probe="box-1/mains")
    assert mains.one("b").text == "mất điện"
    assert mains.one("h5").text.startswith("Điện lưới")


def test_a_hole_is_drawn_as_a_hole_and_told(board: Node) -> None:
    pond = unit_of(board, "Ao 1")
    assert len(pond.all("polyline", class_="l0")) == 1
    assert len(pond.all("polyline", class_="l1")) == 2
    notes = [note.text for note in pond.all("p", class_="note")]
    assert notes == ["Sâu 1,5 m: Không có số đo từ 22:15 hôm qua đến 00:15"]


def test_old_values_are_grey_and_say_how_old(board: Node) -> None:
    pond = unit_of(board, "Ao 2")
    assert "stale" in pond.classes
    assert pond.one(class_="age").text == "Số cũ, 40 phút trước"
    assert all("stale" in value.classes for value in pond.all(class_="value"))


def test_silence_says_since_when_what_was_last_and_what_to_do(board: Node) -> None:
    pond = unit_of(board, "Ao 3")
    assert "silent" in pond.classes
    silence, offline, backlog, room = notices_of(pond)
    assert re.fullmatch(
        r"Không nhận được số đo từ 23:12 hôm qua\. Lần cuối: Oxy \d,\d mg/L\. "
        r"Không biết hiện ra sao – nên ra xem\.",
        silence,
    )
    assert offline == "Hộp đo box-3 không có mạng từ 00:12."
    assert backlog == "Trên hộp còn 1.204 số đo chờ gửi."
    assert room == "Bộ nhớ hộp box-3 còn đủ 5 ngày."


def test_readings_given_up_by_the_box_are_shaded_and_told(board: Node) -> None:
    pond = unit_of(board, "Ao 3")
    assert len(pond.all("rect", class_="gap")) == 1
    notes = [note.text for note in pond.all("p", class_="note")]
    assert notes[-1] == (
        "1.204 số đo đã bị bỏ từ 13:12 hôm qua đến 15:12 hôm qua (bộ nhớ hộp đầy)"
    )


def test_a_small_backlog_of_a_box_online_is_not_worth_a_sentence(board: Node) -> None:
    assert not any("chờ gửi" in one for one in notices_of(unit_of(board, "Ao 1")))


def test_a_probe_that_does_not_answer_is_named_where_it_hangs(board: Node) -> None:
    told = "Đầu đo không trả lời: Sâu {}."
    assert told.format("1,5 m") in notices_of(unit_of(board, "Ao 1"))
    assert told.format("0,8 m") in notices_of(unit_of(board, "Ao 2"))


def test_a_bad_answer_is_neither_a_number_nor_nothing(board: Node) -> None:
    value = board.one(data_value="box-be/do-4/ph")
    assert value.one("b").text == "lỗi đầu đo"
    assert "bad" in value.classes


def test_a_pond_without_a_probe_says_so(board: Node) -> None:
    pond = unit_of(board, "Ao 10")
    assert pond.one("p", class_="nothing").text == "Chưa có đầu đo nào gắn ở đây."
    assert not pond.all("svg")


def test_a_probe_that_hangs_nowhere_is_shown_all_the_same(board: Node) -> None:
    (unplaced,) = [
        one for one in board.all("section") if one.attrs.get("id") == "unplaced"
    ]
    assert unplaced.one("h5").text.startswith("box-be · spare")


def test_what_a_box_tells_of_itself_stands_at_its_site(board: Node) -> None:
    (raft,) = [
        one
        for one in board.all("section")
        if one.attrs.get("id") == "site-be-van-thang"
    ]
    box = raft.one(data_probe="box-be/box")
    assert box.one("h5").text.startswith("box-be ")
    assert box.one("dt").text == "Pin"
    assert re.fullmatch(r"1[123],\d\d V", box.one("b").text)


def test_an_aerators_clamp_is_told_as_aerator_and_mains(own_world: World) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.registry.add_unit("u", site="s", name="U")
    own_world.add_device("box-1", site="s")
    box, probe = DeviceId("box-1"), ProbeId("ao-1-quat-1")
    own_world.hang(box, probe, unit="u", profile="aerator_monitor")
    own_world.telemetry.write(
        [
            Reading(box, probe, Channel.CURRENT, NOW_MS, 0.0),
            Reading(box, probe, Channel.CONTACT, NOW_MS, 1.0),
        ]
    )
    with TestClient(create_app(own_world.services)) as site:
        card = page_of(site, "/?lang=vi").one(class_="probe")
    assert card.text == "Quạt nước 1 vừa xong Dòng điện 0,0 A Điện lưới có điện"


def test_a_boat_has_a_position_and_a_sketch_of_its_track(board: Node) -> None:
    boat = unit_of(board, "Tàu Hải Âu")
    assert "Vị trí lúc 03:11 · 1 phút trước" in boat.text
    assert re.search(r"1[123]°\d\d,\d' B – 1\d\d°\d\d,\d' Đ", boat.text)
    assert re.search(r"\d,\d hải lý/giờ, hướng \d+°", boat.text)
    assert len(boat.all("polyline")) == 2
    assert "hải lý" in boat.text


def test_a_boat_out_of_coverage_is_normal(board: Node) -> None:
    boat = unit_of(board, "Tàu Biển Đông")
    assert notices_of(boat) == [
        "Hộp đo ngoài vùng phủ sóng từ 18:12 hôm qua – bình thường với chuyến biển xa."
    ]


def test_a_boat_without_a_position_says_so(board: Node) -> None:
    boat = unit_of(board, "Tàu Mới")
    assert "Chưa có vị trí nào" in boat.text
    assert not boat.all("svg")


def test_simulated_data_says_so_before_anything_else(board: Node) -> None:
    banner = board.one("p", class_="simulated")
    assert banner.one("strong").text == "SỐ LIỆU MÔ PHỎNG"
    assert "SỐ LIỆU MÔ PHỎNG" not in unit_of(board, "Lồng 1").text


def test_real_data_bears_no_such_banner(site: TestClient) -> None:
    assert not page_of(site, "/units/long-1").all(class_="simulated")
    assert page_of(site, "/units/ao-1").all(class_="simulated")


def test_a_box_may_say_itself_that_it_is_simulated(own_world: World) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.registry.add_unit("u", site="s", name="U")
    own_world.add_device("box-1", site="s", is_simulated=False)
    own_world.hang("box-1", "p", unit="u")
    own_world.tell("box-1", Status(True, "b", is_simulated=True))
    with TestClient(create_app(own_world.services)) as site:
        assert page_of(site, "/").all(class_="simulated")


def test_a_unit_page_has_a_chart_for_each_channel(site: TestClient) -> None:
    page = page_of(site, "/units/ao-1?lang=vi")
    assert [one.attrs["id"] for one in page.all("figure")] == [
        "dissolved_oxygen",
        "temperature",
        "ph",
        "contact",
    ]


@pytest.mark.parametrize(("hours", "chosen"), [("6", "6 giờ"), ("720", "30 ngày")])
def test_a_period_can_be_chosen(site: TestClient, hours: str, chosen: str) -> None:
    page = page_of(site, f"/units/ao-1?hours={hours}&lang=vi")
    assert page.one("main").one("nav").one("b").text == chosen


@pytest.mark.parametrize("hours", ["", "5", "-24", "x", "٢٤", "1e9", "9" * 50])
def test_a_period_that_there_is_not_is_a_day(site: TestClient, hours: str) -> None:
    page = page_of(site, f"/units/ao-1?hours={hours}&lang=vi")
    assert page.one("main").one("nav").one("b").text == "24 giờ"


def test_english_is_asked_for_once_and_kept(world: World) -> None:
    with TestClient(create_app(world.services)) as site:
        assert page_of(site, "/").one("html").attrs["lang"] == "vi"
        english = page_of(site, "/?lang=en")
        assert english.one("html").attrs["lang"] == "en"
        assert english.one(class_="simulated").one("strong").text == "SIMULATED DATA"
        assert "Old, 40 min ago" in unit_of(english, "Ao 2").text
        assert "1,204 readings still wait on the box." in unit_of(english, "Ao 3").text
        assert page_of(site, "/units/ao-1").one("html").attrs["lang"] == "en"
        assert page_of(site, "/?lang=vi").one("html").attrs["lang"] == "vi"


def test_no_word_is_left_in_the_other_language(site: TestClient) -> None:
    english = page_of(site, "/?lang=en").one("main").text
    for word in ("phút", "giờ", "Sâu", "không", "Độ", "hướng", "hôm qua"):
        assert word not in english, word
    vietnamese = page_of(site, "/?lang=vi").one("main").text
    for word in ("ago", "deep", "Oxygen", "yesterday", "course", "reading"):
        assert word not in vietnamese, word


def test_every_link_from_the_first_page_resolves(site: TestClient) -> None:
    seen: set[str] = set()
    waiting = ["/?lang=vi"]
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = site.get(address)
        assert answer.status_code < 400, address
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        for node in parse_page(answer.text).all():
            for name in ("href", "src", "data-source", "data-live"):
                link = node.attrs.get(name, "")
                if "theme=" in link and urlsplit(address).path != "/":
                    continue  # by day and by night it is the same page
                if link and not link.startswith("#") and "vendor" not in link:
                    waiting.append(urljoin(address, link).split("#")[0])
    assert len(seen) > 40


def test_everything_works_without_a_script(board: Node) -> None:
    """Values as text, charts as drawings, and a page that reloads itself."""
    refresh = board.one("noscript").one("meta")
    assert refresh.attrs == {"http-equiv": "refresh", "content": "60"}
    charts = board.all("figure", class_="chart")
    assert len(charts) == 4
    assert all(chart.all("svg") for chart in charts)


def test_no_script_or_style_is_inline_and_none_is_from_elsewhere(
    site: TestClient,
) -> None:
    answer = site.get("/units/ao-1")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for node in parse_page(answer.text).all():
        assert "style" not in node.attrs
        assert not any(name.startswith("on") for name in node.attrs)
        assert node.tag != "style"
        if node.tag == "script":
            assert node.attrs["src"].startswith("/static/")
            assert not node.children
        for name in ("src", "href", "action"):
            assert "//" not in node.attrs.get(name, "")


def test_a_page_is_light(site: TestClient) -> None:
    """A first visit on a cheap phone, but for uPlot's own 23 KB: under 40 KB."""
    total = 0
    for path in ("/", "/static/site.css", "/static/live.js", "/static/charts.js"):
        with site.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
            assert answer.headers["content-encoding"] == "gzip"
            total += sum(len(part) for part in answer.iter_raw())
    assert total < 40_000


def test_names_from_the_registry_are_escaped(own_world: World) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="<script>alert(1)</script>")
    own_world.registry.add_unit("u", site="s", name='"><img src=x onerror=alert(1)>')
    with TestClient(create_app(own_world.services)) as site:
        page = page_of(site, "/")
    assert page.one("h2").text == "<script>alert(1)</script>"
    assert not page.all("img")


def test_an_empty_platform_says_what_to_do(own_world: World) -> None:
    with TestClient(create_app(own_world.services)) as site:
        page = page_of(site, "/?lang=vi")
    assert "Chưa có trại nuôi hay tàu cá nào." in page.text
    assert page.one("code").text.endswith("greenwater device add")


def test_a_moved_probe_takes_nothing_along(own_world: World) -> None:
    """What it read in the pond before stays in the pond before."""
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.registry.add_unit("a", site="s", name="Ao 1")
    own_world.registry.add_unit("b", site="s", name="Ao 2")
    own_world.add_device("box-1", site="s")
    own_world.hang("box-1", "p", unit="a")
    own_world.feed("box-1", "p", DO, until_ms=NOW_MS - 2 * HOUR_MS)
    own_world.hang("box-1", "p", unit="b", from_ms=NOW_MS - HOUR_MS)
    with TestClient(create_app(own_world.services)) as site:
        page = page_of(site, "/?lang=vi")
        assert "Chưa có đầu đo nào" in unit_of(page, "Ao 1").text
        moved = unit_of(page, "Ao 2")
        assert "Chưa có số đo nào" in moved.text
        assert not moved.all("polyline")
        there = site.get("/api/v1/series?unit=a&channel=dissolved_oxygen").json()
        here = site.get("/api/v1/series?unit=b&channel=dissolved_oxygen").json()
    assert len(there["lines"]) == 1
    assert here["lines"] == []


def test_a_person_sees_only_what_is_theirs(world: World) -> None:
    world.registry.add_person("ba-hoa", "Bà Hoa")
    world.registry.add_member("ba-hoa", "htx", Role.FARMER)
    services = replace(world.services, viewer="ba-hoa")
    with TestClient(create_app(services)) as site:
        text = site.get("/").text + site.get("/api/v1/units").text
        assert "Lồng 1" in text
        assert "Ao 1" not in text
        assert "box-1" not in text
        assert site.get("/units/ao-1").status_code == 404
        answer = site.get("/api/v1/series?unit=ao-1&channel=ph")
        assert answer.status_code == 404


def test_beyond_thirty_units_sites_are_links(own_world: World) -> None:
    registry = own_world.registry
    registry.add_organisation("o", "O")
    registry.add_site("s", organisation="o", name="S")
    for number in range(31):
        registry.add_unit(f"u{number}", site="s", name=f"Ao {number}")
    with TestClient(create_app(own_world.services)) as site:
        first = page_of(site, "/?lang=vi")
        assert not first.all("article")
        assert first.one("li", data_farm="s").text == "S · 31 ao, lồng"
        names = [one.text for one in page_of(site, "/sites/s").all("h4")]
    assert names == [f"Ao {number}" for number in range(31)]


def test_of_many_farms_those_in_trouble_stand_first_and_all_are_found(
    own_world: World,
) -> None:
    registry = own_world.registry
    registry.add_organisation("o", "O")
    for number in range(45):
        registry.add_site(f"s{number}", organisation="o", name=f"Trại {number:03}")
        registry.add_unit(f"u{number}", site=f"s{number}", name="Ao 1")
    alarm = Alarm(
        id="a", organisation="o", condition="c", kind="limit",
        severity="critical", state=AlarmState.RAISED, began_ms=NOW_MS - 60_000,
        raised_ms=NOW_MS, site="s44", unit="u44", channel="dissolved_oxygen",
        side="low", value=2.1, worst=2.1, limit=3.0, taken_ms=NOW_MS,
    )  # fmt: skip
    registry.save_pass(Pass(saved_ms=NOW_MS, states={}, alarms=[alarm]))
    with TestClient(create_app(own_world.services)) as site:
        page = page_of(site, "/?lang=vi")
        farms = [one.text for one in page.all("li") if "data-farm" in one.attrs]
        (urgent,) = page.all("li", data_urgent="a")
        asked = page_of(site, "/board?q=trai 043&lang=vi")
        found = [one.text for one in asked.all("li") if "data-farm" in one.attrs]
    assert (farms[0], len(farms)) == ("■ Trại 044 · 1 ao, lồng", MOST)
    assert "Ao 1 – Trại 044: oxy 2,1 mg/L" in urgent.text
    assert found == ["Trại 043 · 1 ao, lồng"]


def test_time_passes_by_the_clock_given(own_world: World) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.registry.add_unit("u", site="s", name="U")
    own_world.add_device("box-1", site="s")
    own_world.hang("box-1", "p", unit="u")
    own_world.feed("box-1", "p", DO)
    ages = []
    for _ in range(3):
        with TestClient(create_app(own_world.services)) as site:
            page = page_of(site, "/?lang=vi")
            ages.append((page.one(class_="updated").text, page.one(class_="age").text))
        own_world.clock.advance(timedelta(minutes=30))
    assert ages == [
        ("Cập nhật 03:12, 23/11/2026", "1 phút trước"),
        ("Cập nhật 03:42, 23/11/2026", "Số cũ, 31 phút trước"),
        ("Cập nhật 04:12, 23/11/2026", "Số cũ, 1 giờ trước"),
    ]


def test_a_box_whose_clock_is_ahead_is_not_called_old(own_world: World) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.registry.add_unit("u", site="s", name="U")
    own_world.add_device("box-1", site="s")
    own_world.hang("box-1", "p", unit="u")
    ahead = Reading(DeviceId("box-1"), ProbeId("p"), DO, NOW_MS + 4 * MINUTE_MS, 5.0)
    own_world.telemetry.write([ahead])
    own_world.tell("box-1", Status(True, "b", clock="unsynced"))
    with TestClient(create_app(own_world.services)) as site:
        page = page_of(site, "/?lang=vi")
    assert page.one(class_="age").text == "03:16"
    assert notices_of(page) == ["Đồng hồ hộp box-1 chưa đúng giờ."]


@pytest.mark.parametrize(
    ("source", "badge"),
    [(Source.HAND, "ĐO TAY"), (Source.IMPORT, "NHẬP TỪ TỆP"), (Source.PROBE, None)],
)
def test_readings_made_by_hand_are_marked_as_such(
    own_world: World, source: Source, badge: str | None
) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.registry.add_unit("u", site="s", name="U")
    own_world.add_device("box-1", site="s")
    own_world.hang("box-1", "p", unit="u", source=source)
    own_world.feed("box-1", "p", DO)
    with TestClient(create_app(own_world.services)) as site:
        badges = [one.text for one in page_of(site, "/?lang=vi").all("em")]
    assert badges == ([badge] if badge else [])


def test_a_revoked_box_is_said_to_be_shut_out(own_world: World) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.registry.add_unit("u", site="s", name="U")
    own_world.add_device("box-1", site="s")
    own_world.hang("box-1", "p", unit="u")
    own_world.registry.revoke_device("box-1", NOW_MS)
    with TestClient(create_app(own_world.services)) as site:
        assert notices_of(page_of(site, "/?lang=vi")) == ["Hộp đo box-1 đã bị khóa."]


def test_one_old_channel_of_a_fresh_probe_says_its_own_age(own_world: World) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.registry.add_unit("u", site="s", name="U")
    own_world.add_device("box-1", site="s")
    own_world.hang("box-1", "p", unit="u")
    own_world.feed("box-1", "p", DO)
    old_ms = NOW_MS - 20 * MINUTE_MS
    box, probe = DeviceId("box-1"), ProbeId("p")
    own_world.telemetry.write([Reading(box, probe, Channel.PH, old_ms, 8.0)])
    with TestClient(create_app(own_world.services)) as site:
        page = page_of(site, "/?lang=vi")
    assert page.one(data_value="box-1/p/ph").one("i").text == "Số cũ, 20 phút trước"
    assert page.one(data_value="box-1/p/dissolved_oxygen").one("i").text == ""


@pytest.mark.parametrize("path", ["/units/none", "/sites/none", "/vessels/x", "/none"])
def test_a_page_that_there_is_not_is_told_in_words(site: TestClient, path: str) -> None:
    answer = site.get(path, params={"lang": "vi"})
    assert answer.status_code == 404
    assert parse_page(answer.text).one("h1").text == "Không có trang này."


def test_a_store_that_does_not_answer_is_told_and_tried_again(own_world: World) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.add_device("box-1", site="s")
    with closing(open_telemetry("influxdb://127.0.0.1:1/greenwater")) as nobody:
        services = replace(own_world.services, telemetry=nobody)
        site = TestClient(create_app(services))
        answer = site.get("/?lang=vi")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "10"
        page = parse_page(answer.text)
        assert page.one("h1").text == "Chưa đọc được số liệu."
        assert page.all("meta")[-1].attrs["content"] == "10"
        assert site.get("/healthz").status_code == 503
        assert site.get("/api/v1/units").json()["status"] == 503


def test_many_open_pages_ask_the_stores_once(world: World) -> None:
    """A hundred phones at one farm cost little more than one."""
    with TestClient(create_app(world.services)) as site:
        site.get("/live.json")
        before_s = time.perf_counter()
        for _ in range(50):
            assert site.get("/live.json").status_code == 200
        assert time.perf_counter() - before_s < 3


def test_a_probe_moved_between_depths_is_two_lines(own_world: World) -> None:
    own_world.registry.add_organisation("o", "O")
    own_world.registry.add_site("s", organisation="o", name="S")
    own_world.registry.add_unit("u", site="s", name="U")
    own_world.add_device("box-1", site="s")
    own_world.hang("box-1", BOTTOM, unit="u", depth_m=1.5, from_ms=LONG_AGO_MS)
    own_world.hang("box-1", BOTTOM, unit="u", depth_m=0.5, from_ms=NOW_MS - 6 * HOUR_MS)
    own_world.feed("box-1", BOTTOM, DO)
    with TestClient(create_app(own_world.services)) as site:
        answer = site.get("/api/v1/series?unit=u&channel=dissolved_oxygen&lang=en")
    deep, shallow = answer.json()["lines"]
    assert (deep["label"], shallow["label"]) == ("1.5\xa0m deep", "0.5\xa0m deep")
    assert deep["t"][-1] < shallow["t"][0]
