"""Who is called of a family, set by itself; what a demo says stays on its page."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient

from analytics.alarms.addresses import check_ways, is_plain
from analytics.alarms.calling import order_of
from analytics.alarms.notifying import Notifier, send_by_apprise
from analytics.alarms.pushing import subscription_of
from analytics.alarms.ways import Way, Ways
from analytics.bulletins import on_watch
from cli.demo.phones import add_calls, gateway
from cli.demo.shrimp_farm import FARM, add_people
from cli.demo.tuna_boat import HOUSEHOLD, add_crew
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.reading import instant
from greenwater.storage.registry import open_registry
from greenwater.storage.registry.bulletins import BulletinCopy
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.watching import Notification, Pass
from tests.pages.farms import BASE, PHONES, Farms, csrf, enter, pin_hash
from tests.pages.reading_pages import Node, parse_page
from tests.pages.world import HOUR_MS, NOW, NOW_MS, open_empty
from tests.templates import empty_registry
from web.app import create_app
from web.demo import MESSAGES, Message
from web.door.doors import COOKIE
from web.farm.calls import MOST_TESTS
from web.ports import House, Pushing

POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("calls")
    with open_empty(folder) as world:
        yield Farms(world, folder)


@pytest.fixture(scope="module")
def site(farms: Farms) -> TestClient:
    """The farmer, where no gateway is set."""
    client = TestClient(create_app(farms.services), follow_redirects=False)
    return enter(client, "hoa")


def page_of(site: TestClient, path: str) -> Node:
    answer = site.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return parse_page(answer.text)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo, where its gateway keeps what it is sent."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def household(farms: Farms, demo: Path) -> Iterator[TestClient]:
    """Who helps at hoa's farm, signed in where text messages and mail can be sent."""
    farms.registry.add_person("tam", "Trần Văn Tám", "0905000021")
    farms.registry.add_member("tam", "hoa", Role.TECHNICIAN)
    farms.registry.set_secret("tam", pin_hash(), is_pin=True)
    PHONES["tam"] = "0905000021"
    services = replace(
        farms.services, ways=(Way.SMS, Way.MAIL), house=House(folder=demo)
    )
    yield enter(TestClient(create_app(services), follow_redirects=False), "tam")
    for one in farms.registry.contacts():
        farms.registry.drop_contact(one.organisation, one.person, one.url)


def posted(client: TestClient, path: str, **fields: str) -> Any:
    return client.post(path, data={**fields, "csrf": csrf(client)})


def order(farms: Farms) -> list[tuple[str, str, int]]:
    return [(one.person, one.url, one.place) for one in farms.registry.contacts()]


def test_a_family_sets_its_calls_itself(farms: Farms, household: TestClient) -> None:
    registry = farms.registry
    for one in registry.contacts():
        registry.drop_contact(one.organisation, one.person, one.url)
    page = page_of(household, "/calls")
    assert "Chưa có ai để báo" in page.one("p", data_nobody="").text
    assert "Chủ hoa, Trần Văn Tám" in page.one("p", data_unreached="").text
    assert page.one("input", id="to-sms").attrs["value"] == "0905000021"
    assert [one.text for one in page.all("summary")] == [
        "Thêm số nhận tin nhắn", "Thêm thư điện tử",
    ]  # fmt: skip

    add = {"organisation": "hoa", "way": "sms"}
    for wrong in ("113", "json://127.0.0.1/x"):
        refused = posted(household, "/calls/ways", **add, to=wrong)
        assert refused.status_code == 422
        field = parse_page(refused.text).one("input", id="to-sms")
        assert (field.attrs["value"], field.attrs["aria-invalid"]) == (wrong, "true")
    for forged in ({"way": "telegram"}, {"organisation": "binh"}):
        answer = posted(household, "/calls/ways", **{**add, **forged}, to="0905000021")
        assert answer.status_code == 422, forged
    assert order(farms) == []
    assert posted(household, "/calls/ways", **add, to="0905000021").status_code == 303
    registry.add_contact("hoa", "hoa", "json://192.0.2.1/secret", place=1)
    assert order(farms)[0] == ("tam", "to-sms://84905000021", 0)
    assert [one.is_given for one in registry.consents("tam")] == [True]
    page = page_of(household, "/calls")
    assert (
        "1. Trần Văn Tám – tin nhắn SMS …\N{WORD JOINER}021"
        in page.all("li", data_call="1")[0].text
    )
    assert "84905000021" not in page.text

    where = {"organisation": "hoa", "person": "hoa"}
    assert posted(household, "/calls/order", **where, step="earlier").status_code == 303
    assert [(one, place) for one, _, place in order(farms)] == [("hoa", 0), ("tam", 1)]
    span = {"start": "18:00", "end": "06:00"}
    assert posted(household, "/calls/hours", **where, **span).status_code == 303
    assert registry.contacts()[0].hours == (1080, 360)
    assert (
        "18:00–06:00" in page_of(household, "/calls").all("li", data_call="1")[0].text
    )
    assert not page_of(household, "/calls").all("p", data_gap=""), "tam is there always"
    posted(household, "/calls/hours", organisation="hoa", person="tam", **span)
    assert (
        "Từ 06:00 đến 18:00" in page_of(household, "/calls").one("p", data_gap="").text
    )
    half = posted(household, "/calls/hours", **where, start="18:00", end="")
    assert half.status_code == 422
    elsewhere = {"organisation": "binh", "person": "binh", "step": "later"}
    assert posted(household, "/calls/order", **elsewhere).status_code == 404
    gone = {"organisation": "hoa", "person": "minh"}
    assert posted(household, "/calls/order", **gone, step="later").status_code == 404
    registry.add_member("an", "hoa", Role.DELEGATE)
    only_writes = enter(TestClient(household.app, follow_redirects=False), "an")
    for path in ("/calls/order", "/calls/hours"):
        assert posted(only_writes, path, **where, **span).status_code == 403
    assert "Đổi thứ tự" not in only_writes.get("/calls").text
    more = [
        posted(household, "/calls/ways", **add, to=f"090500002{n}") for n in range(5)
    ]
    assert [one.status_code for one in more] == [303, 303, 303, 303, 422]
    assert "Đã có 4 nơi nhận" in more[-1].text


def test_the_last_way_is_ended_only_once_one_knows_what_that_means(
    farms: Farms, household: TestClient
) -> None:
    registry = farms.registry
    for one in registry.contacts():
        registry.drop_contact(one.organisation, one.person, one.url)
    url = "to-sms://84905000021"
    registry.add_contact("hoa", "tam", url)
    registry.add_contact("hoa", "hoa", "json://192.0.2.1/x", place=1)

    def ended(**more: str) -> Any:
        card = page_of(household, "/calls").one("article", class_="card")
        (name,) = [one.attrs["value"] for one in card.all("input", name="contact")]
        return posted(household, "/calls/ways/end", contact=name, **more)

    asked = ended()
    assert "không được báo nữa khi có cảnh báo; người khác" in asked.text
    registry.drop_contact("hoa", "hoa", "json://192.0.2.1/x")
    asked = ended()
    assert asked.status_code == 422
    assert "không còn ai được báo" in asked.text
    assert order(farms) == [("tam", url, 0)]
    assert ended(sure="on").status_code == 303
    assert order(farms) == []
    posted(household, "/calls/ways/end", contact="another")


def test_where_nothing_can_be_sent_the_page_says_who_can_change_it(
    site: TestClient,
) -> None:
    page = page_of(site, "/calls")
    assert "Người quản trị nối được" in page.one("p", data_unset="").text
    assert not page.all("details", class_="card")


def test_tests_cost_money_and_are_counted(farms: Farms, household: TestClient) -> None:
    farms.registry.add_contact("hoa", "tam", "to-sms://84905000021")
    assert posted(household, "/calls/test").status_code == 303
    clock = ManualClock(NOW)
    for _ in range(3):
        Notifier(farms.registry, clock, "http://x").send_due()  # no gateway is set
        clock.advance(timedelta(seconds=40))
    assert "gửi thử lúc 03:12 không được" in page_of(household, "/calls").text
    copies = [
        BulletinCopy(
            id=f"test/tam/x/{n}", organisation="hoa", person="tam", url="to-sms://1",
            head="", text="", due_ms=NOW_MS - n,
        )
        for n in range(MOST_TESTS)
    ]  # fmt: skip
    farms.registry.save_bulletins([], copies)
    answer = posted(household, "/calls/test")
    assert answer.status_code == 422
    assert f"Đã gửi thử {MOST_TESTS} lần" in answer.text


@pytest.fixture
def pushed(farms: Farms) -> Iterator[TestClient]:
    """The farmer's own phone, where messages can be pushed."""
    services = replace(farms.services, pushing=Pushing(key=POINT, hosts=()))
    yield enter(TestClient(create_app(services), follow_redirects=False), "hoa")
    for one in farms.registry.contacts():
        farms.registry.drop_contact(one.organisation, one.person, one.url)


def browsers(farms: Farms) -> list[tuple[str, str, str]]:
    """Return who is told in which browser, and in which language."""
    found = [
        (one.person, subscription_of(one.url)) for one in farms.registry.contacts()
    ]
    return [(who, one.name, one.lang) for who, one in found if one is not None]


def reached(farms: Farms) -> list[tuple[str, int, tuple[int, int] | None]]:
    """Return at which addresses browsers are told, in which place and at which hours."""
    found = [(subscription_of(one.url), one) for one in farms.registry.contacts()]
    return [(to.endpoint, one.place, one.hours) for to, one in found if to is not None]


def test_a_phone_is_told_until_somebody_signs_out_there(
    farms: Farms, pushed: TestClient, household: TestClient
) -> None:
    page = page_of(pushed, "/calls")
    form = page.one("form", id="push")
    assert form.attrs["data-key"] == POINT
    assert "hidden" in form.attrs, "without a script there is no button, and a line why"
    seen = [one for one in page.all("p") if "data-push-why" in one.attrs]
    (line,) = [one.text for one in seen if "hidden" not in one.attrs]
    assert line.startswith("Muốn báo trên")
    add = {
        "organisation": "hoa",
        "endpoint": "https://fcm.googleapis.com/fcm/send/a:b",
        "key": POINT,
        "secret": "BTBZMqHH6r4Tts7J_aSIgg",
    }
    for wrong in (
        {"endpoint": "https://127.0.0.1/x"}, {"endpoint": ""}, {"key": "x"},
        {"organisation": "binh"},
    ):  # fmt: skip
        assert posted(pushed, "/calls/ways/push", **{**add, **wrong}).status_code == 422
    assert browsers(farms) == []
    agent = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile"}
    for _ in range(2):  # the same again is one
        assert posted(pushed, "/calls/ways/push", **add).status_code == 303
    assert browsers(farms) == [("hoa", "", "vi")]
    pushed.headers.update(agent)
    enter(pushed, "hoa")
    assert posted(pushed, "/calls/ways/push", **add).status_code == 303
    assert browsers(farms) == [("hoa", "Chrome, Android", "vi")]
    page = page_of(pushed, "/calls")
    card = page.one("article", class_="card")
    assert "Thông báo trên máy (Chrome, Android) – máy này" in card.text
    assert page.one("form", id="push").attrs["data-here"] == "yes"
    assert "fcm" not in page.text

    farms.registry.set_contact_hours("hoa", "hoa", (1080, 360))
    renewed = {**add, "endpoint": "https://fcm.googleapis.com/fcm/send/c:d"}
    stranger = TestClient(pushed.app, follow_redirects=False)
    at = "/calls/ways/push/renewed"
    assert stranger.post(at, data=renewed).status_code == 204
    pushed.cookies.delete(COOKIE)  # its session has run out
    elsewhere = pushed.post(at, data={**renewed, "endpoint": "https://127.0.0.1/x"})
    assert elsewhere.status_code == 422
    before = reached(farms)
    assert {one for one, _, _ in before} >= {add["endpoint"]}, "nobody else moves it"
    assert pushed.post(at, data=renewed).status_code == 204
    moved = [(renewed["endpoint"], *rest) for _, *rest in before]
    assert reached(farms) == moved, "its place and hours stay"
    enter(pushed, "hoa")

    other = enter(TestClient(pushed.app, follow_redirects=False), "hoa")
    assert not page_of(other, "/calls").all("b", data_here="")
    posted(other, "/sign-out")
    assert len(browsers(farms)) == 1, "he signed out on another one"
    assert not page_of(household, "/calls").all("form", id="push")
    unset = posted(household, "/calls/ways/push", **add)
    assert unset.status_code == 422, "no key is there"
    enter(pushed, "hoa")  # another session, the same phone
    assert len(browsers(farms)) == 1
    posted(pushed, "/sign-out")
    assert browsers(farms) == []


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
def test_a_demos_messages_stay_on_its_page(household: TestClient, demo: Path) -> None:
    """By apprise and the gateway of ``greenwater demo``, as analytics sends them."""
    assert "data-message" not in household.get("/demo").text
    with gateway(demo, lambda: instant(NOW_MS)) as via:
        assert via.startswith("json://127.0.0.1:")
        ways = Ways(sms=via)
        check_ways(ways)
        address = ways.address_of("to-sms://84905000021")
        for text in ("MO PHONG. AO 3. Nhan: {}/a/khoa", "<b>thu</b>"):
            assert send_by_apprise(address, "", text.format(BASE))
    kept = msgspec.json.decode((demo / MESSAGES).read_bytes(), type=list[Message])
    assert [one.to for one in kept] == ["84905000021"] * 2
    first, last = page_of(household, "/demo").all("li", data_message="")
    assert first.text == "Gửi Trần Văn Tám 03:12 <b>thu</b>"
    assert "MO PHONG. AO 3. Nhan:" in last.text
    assert last.one("a").attrs["href"] == "/a/khoa"


def test_the_demos_families_have_calls(tmp_path: Path) -> None:
    with open_registry(empty_registry(tmp_path / "demo.db")) as registry:
        for home in (FARM, HOUSEHOLD):
            registry.add_organisation(home, home)
        add_people(registry, with_secrets=False)
        add_crew(registry)
        add_calls(registry)
        told = registry.contacts()
        names = registry.names()
    assert {
        is_plain(one.url) and one.url.startswith("to-sms://849") for one in told
    } == {True}
    assert on_watch(told, FARM, names, "2026-11-27") == "Trần Văn Tám"
    assert order_of([one for one in told if one.organisation == FARM]) == [
        ["anh-tam"], ["chi-lan"],
    ]  # fmt: skip


def test_an_alarm_has_the_numbers_of_the_households_others(
    farms: Farms, site: TestClient, household: TestClient
) -> None:
    """One of the house telephones another with one touch; an officer sees no number."""
    path = f"/alarms/{farms.alarms['hoa']}"
    officer = TestClient(create_app(farms.services), follow_redirects=False)

    def numbers(client: TestClient) -> list[str]:
        shown = page_of(client, path).all("p", data_telephone="")
        return [one.attrs["href"] for row in shown for one in row.all("a")]

    own = f"tel:{farms.registry.get_person('hoa').phone}"
    assert "tel:+84905000021" in numbers(site)
    assert own not in numbers(site), "nobody telephones himself"
    assert own in numbers(household)
    assert numbers(enter(officer, "minh")) == []


def test_an_alarm_that_nobody_is_told_of_says_so(
    farms: Farms, site: TestClient
) -> None:
    """Nobody to tell, nobody reached, nobody on duty: each is one line; told is none."""
    registry, alarm = farms.registry, farms.alarms["hoa"]

    def said() -> list[str]:
        page = page_of(site, f"/alarms/{alarm}")
        return [one.text for one in page.all("p", data_untold="")]

    for one in registry.messages_waiting(alarm):
        registry.notification_failed(one, "x", next_ms=None, at_ms=NOW_MS)
    (nobody,) = said()
    assert "Không có ai để báo" in nobody
    later = Notification(
        id="later", organisation="hoa", alarm=alarm, step="raised", person="hoa",
        url="json://192.0.2.1/x", due_ms=NOW_MS + HOUR_MS,
    )  # fmt: skip
    registry.save_pass(Pass(saved_ms=NOW_MS, states={}, notifications=[later]))
    (waits,) = said()
    assert "Chủ hoa được báo lúc 04:12" in waits
    registry.notification_failed(later, "x", next_ms=NOW_MS + HOUR_MS, at_ms=NOW_MS)
    (failed,) = said()
    assert "Chưa tin nào tới được ai" in failed
    registry.notification_sent(later, NOW_MS)
    assert said() == []
