"""A farmer's phone: written without a network and sent once, pages as last seen, installed."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from msgspec.structs import replace as replaced
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from analytics.alarms.pushing import Pushed, packed, subscription_of
from greenwater.storage.registry.books import Record
from greenwater.storage.registry.bulletins import Bulletin
from greenwater.storage.registry.certification import Calibration
from tests.chromium import browsing, chromium, network_is_back, push_comes
from tests.pages.farms import BOATS, PHONES, PIN, Farms, csrf, enter
from tests.pages.inspecting import comes
from tests.pages.reading_pages import Node, parse_page
from tests.pages.serving import served
from tests.pages.world import HOUR_MS, NOW_MS, open_empty
from web.app import create_app
from web.assets import STATIC
from web.ports import Pushing

POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
MOST_BYTES = 150_000
"""What the first page may weigh, compressed (issue 6)."""


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("farmer")
    with open_empty(folder) as world:
        farms = Farms(world, folder)
        farms.services = replace(
            farms.services, photos=folder / "photos", pushing=Pushing(key=POINT)
        )
        yield farms


@pytest.fixture(scope="module")
def site(farms: Farms) -> TestClient:
    """A browser without scripts, signed in."""
    client = TestClient(create_app(farms.services), follow_redirects=False)
    return enter(client, "hoa")


@pytest.fixture(scope="module")
def url(farms: Farms) -> Iterator[str]:
    with served(create_app(farms.services)) as url:
        yield url


@pytest.fixture(scope="module")
def phone(
    url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    chromium()
    with browsing(tmp_path_factory.mktemp("phone")) as context:
        yield context


@pytest.mark.live
def test_what_is_written_without_a_network_is_in_the_book_once(
    farms: Farms, url: str, phone: BrowserContext
) -> None:
    page, said = phone.new_page(), list[str]()
    page.on("pageerror", lambda one: said.append(str(one)))
    sign_in(page, url)
    expect(page.locator("body[data-pages=kept]")).to_have_count(1, timeout=30_000)

    phone.set_offline(True)
    page.goto(f"{url}/records/today")
    expect(page.locator("#lost")).to_contain_text("Không có mạng. Trang này lưu")
    feeds(page, "92,5", "Cám số 2")
    feeds(page, "1.250", "Cám số 3", photo=True)
    measures(page, "4,6")
    expect(page.locator("#unsent")).to_have_attribute("data-count", "3")
    page.goto(f"{url}/units/hoa-ao")
    expect(page.locator("h1")).to_have_text("Ao của hoa")
    expect(page.locator("#unsent")).to_have_text("Chưa gửi (3)")
    expect(page.locator(".age").first).to_contain_text("lúc ")
    assert page.evaluate(OLD_FILES) == [True, True]
    page.click('form[action="/sign-out"] button')
    expect(page.locator("#lost")).to_contain_text("Còn 3 ghi chép chưa gửi")
    before = {one.id for one in farms.registry.records(crop="hoa-vu")}

    phone.set_offline(False)
    expect(page.locator("#unsent")).to_have_attribute("data-count", "0", timeout=30_000)
    records = [
        one
        for one in farms.registry.records(organisation="hoa")
        if one.kind in ("feed_use", "water_measure") and one.id not in before
    ]
    assert sorted(str(one.fields.get("kg")) for one in records) == [
        "1250", "92.5", "None",
    ]  # fmt: skip
    (photographed,) = (one for one in records if farms.registry.photos(one.id))
    assert photographed.fields["product"] == "Cám số 3"
    is_refused_beside_its_field(page, f"{url}/records/today", "feed_use")
    page.goto(f"{url}/")
    page.click('form[action="/sign-out"] button')
    expect(page.locator('a[href="/sign-in"]').first).to_be_visible()
    assert not [one for one in kept_names(page) if one.startswith("gw-seen")]
    assert said == []


@pytest.mark.live
def test_what_was_typed_stays_when_language_or_look_is_switched(
    url: str, phone: BrowserContext
) -> None:
    page = phone.new_page()
    page.goto(f"{url}/sign-in?lang=vi")
    page.fill("#phone", PHONES["hoa"])
    page.fill("#secret", PIN)
    page.click("a.switch")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#phone")).to_have_value(PHONES["hoa"])
    expect(page.locator("#secret")).to_have_value("")
    sign_in(page, url)
    page.goto(f"{url}/units/new?lang=vi")
    name, area = page.locator("#name"), page.locator("#area_m2")
    name.fill("Ao số 9 🦐")
    page.select_option("#kind", "cage")
    page.click("details > summary")
    area.fill("1.250,5")
    page.click("a.switch")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(area).to_have_value("1250.5")
    expect(page.locator("details[open] #area_m2")).to_be_visible()
    page.click("footer a >> nth=0")
    expect(name).to_have_value("Ao số 9 🦐")
    expect(page.locator("#kind")).to_have_value("cage")
    # The page that answered a form, switched, is the form again, with all that stood in it.
    area.fill("wide")
    page.click("main form button.main")
    expect(page.locator("#t_area_m2")).to_be_visible()
    page.click("a.switch")
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(area).to_have_value("wide")
    expect(name).to_have_value("Ao số 9 🦐")
    # What is to be confirmed stays open while the page is brought up to date.
    page.goto(f"{url}/units/hoa-ao")
    page.click("#on-hoa-quat-1 > summary")
    told = page.locator("[data-aerator] p").first
    told.evaluate("(one) => { one.textContent = 'old'; }")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(told).not_to_have_text("old")
    expect(page.locator("#on-hoa-quat-1 button")).to_be_visible()
    # Once, in this tab: the page opened again is empty, and nothing is kept.
    page.goto(f"{url}/units/new?theme=auto")
    expect(name).to_have_value("")
    assert page.evaluate("sessionStorage.getItem('gw-typed')") is None
    page.close()


def is_refused_beside_its_field(page: Page, address: str, kind: str) -> None:
    """See a number that is none told beside its field, and no longer once it is one."""
    page.goto(address)
    opened(page, kind)
    page.fill("#feed_use_product", "Cám số 2")
    page.fill("#feed_use_kg", "nhiều")
    page.click(f"#{kind} button.main")
    expect(page.locator("#feed_use_kg + p.warning")).to_contain_text("“nhiều”")
    expect(page.locator("#feed_use_kg")).to_be_focused()
    expect(page.locator("#unsent")).to_have_attribute("data-count", "0")
    page.fill("#feed_use_kg", "0,5")
    page.click(f"#{kind} button.main")
    expect(page.locator(f"#{kind} [data-done]")).to_be_visible()
    expect(page.locator("#feed_use_kg + p.warning")).to_have_count(0)


OLD_FILES = """Promise.all(["/static/site.css?v=old", "/static/@old/keep.js"].map(
    (one) => fetch(one).then(({ ok }) => ok, () => false)))"""
"""What a page asks for that was kept before the site's last update."""


def kept_names(page: Page) -> list[str]:
    found: list[str] = page.evaluate("caches.keys()")
    return found


ASKED = """(point) => {
  const one = {
    toJSON: () => ({
      endpoint: "https://fcm.googleapis.com/fcm/send/x",
      keys: { p256dh: point, auth: "BTBZMqHH6r4Tts7J_aSIgg" },
    }),
  };
  PushManager.prototype.subscribe = async (wanted) => {
    localStorage.setItem("asked", JSON.stringify(wanted));
    return one;
  };
  PushManager.prototype.getSubscription = async () => (localStorage.getItem("asked") ? one : null);
}"""
"""A push service as the browser shows it: a true one is not in reach of a test."""

SHOWN = """async () => {
  const known = await (await navigator.serviceWorker.ready).getNotifications();
  return known.map(({ title, body, tag, lang, requireInteraction }) =>
    [title, body, tag, lang, requireInteraction]);
}"""
TAPPED = """async () => {
  const opened = [];
  Object.defineProperty(self.clients, "openWindow", { value: async (at) => opened.push(at), configurable: true });
  for (const notification of await self.registration.getNotifications())
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  return [opened, (await self.registration.getNotifications()).length];
}"""

RENEWED = """async (point) => {
  const one = {
    toJSON: () => ({
      endpoint: "https://fcm.googleapis.com/fcm/send/renewed",
      keys: { p256dh: point, auth: "BTBZMqHH6r4Tts7J_aSIgg" },
    }),
  };
  const asked = [];
  PushManager.prototype.subscribe = async (wanted) => asked.push(wanted.applicationServerKey) && one;
  const happening = new Event("pushsubscriptionchange");
  let done;
  happening.waitUntil = (promise) => (done = promise);
  self.dispatchEvent(happening);
  await done;
  if (asked[0] !== point) throw new Error(`asked with ${asked}`);
}"""
"""The event itself no test can have the browser make; all that follows it is the worker's."""


STUCK = """async () => {
  const [shown, kept, wait] = [[], [], self.setTimeout];
  self.registration.showNotification = (title) => {
    shown.push(title);
    return title === "stuck" ? new Promise(() => {}) : Promise.reject(new Error("not shown"));
  };
  self.setTimeout = (then) => wait(then);
  for (const title of ["stuck", "refused", "last"]) {
    const happening = new Event("push");
    happening.data = { json: () => ({ title }) };
    happening.waitUntil = (promise) => kept.push(promise);
    self.dispatchEvent(happening);
  }
  await Promise.race([Promise.allSettled(kept.slice(1)), new Promise((done) => wait(done, 3000))]);
  self.setTimeout = wait;
  delete self.registration.showNotification;
  return shown;
}"""
"""A browser that fetches the icon of the first message for ever, and may not show the second."""


@pytest.fixture
def callable_farms(farms: Farms) -> Iterator[Farms]:
    """Farms whose people can be called as long as one test lasts."""
    yield farms
    for one in farms.registry.contacts():
        farms.registry.drop_contact(one.organisation, one.person, one.url)


@pytest.mark.live
def test_an_alarm_rings_on_the_phone_that_asked_and_a_tap_opens_it(
    callable_farms: Farms, url: str, phone: BrowserContext
) -> None:
    page, said = phone.new_page(), list[str]()
    page.on("pageerror", lambda one: said.append(str(one)))
    page.add_init_script(f"({ASKED})('{POINT}')")
    sign_in(page, url)
    page.goto(f"{url}/calls")
    phone.grant_permissions([], origin=url)
    page.click("#push button")
    expect(page.locator("[data-push-why=denied]")).to_be_visible()
    phone.grant_permissions(["notifications"], origin=url)
    page.click("#push button")
    expect(page.locator("[data-here]").first).to_be_attached()
    expect(page.locator("#push")).to_be_hidden()
    expect(page.locator("[data-push-why]:visible")).to_have_count(0)
    asked = page.evaluate("JSON.parse(localStorage.getItem('asked'))")
    assert asked == {"userVisibleOnly": True, "applicationServerKey": POINT}
    (contact,) = callable_farms.registry.contacts()
    assert contact.person == "hoa"
    assert subscription_of(contact.url) is not None
    page.evaluate("localStorage.removeItem('asked')")
    page.reload()
    expect(page.locator("[data-push-why=silent]")).to_be_visible()
    expect(page.locator("#push button")).to_be_visible()

    message = Pushed(
        title="Nguy cấp 03:02 – Ao 3",
        text="Oxy 2,8",
        path="/a/khoa",
        tag="a1",
        critical=True,
    )
    for one in (message, replaced(message, text="Oxy 2,5")):
        push_comes(phone, url, packed(one).decode())
    shown = ["Nguy cấp 03:02 – Ao 3", "Oxy 2,5", "a1", "vi", True]
    comes(lambda: page.evaluate(SHOWN) == [shown])
    worker = phone.service_workers[0]
    assert worker.evaluate(TAPPED) == [[f"{url}/a/khoa"], 0]
    # Of another tag: a browser that still forgets the first takes the next of its tag along.
    evil = replaced(message, path="https://evil.example/", tag="a2")
    push_comes(phone, url, packed(evil).decode())
    comes(lambda: len(page.evaluate(SHOWN)) == 1)
    assert worker.evaluate(TAPPED)[0] == ["/alarms"]
    worker.evaluate(RENEWED, POINT)
    (contact,) = callable_farms.registry.contacts()
    renewed = subscription_of(contact.url)
    assert renewed is not None
    assert renewed.endpoint == "https://fcm.googleapis.com/fcm/send/renewed"
    assert said == []


@pytest.mark.live
def test_an_alarm_rings_though_the_one_before_it_hangs(
    url: str, phone: BrowserContext
) -> None:
    page = phone.new_page()
    page.goto(f"{url}/sign-in")
    page.evaluate(
        'navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready)'
        ".then(() => null)"
    )
    assert phone.service_workers[0].evaluate(STUCK) == ["stuck", "refused", "last"]


@pytest.mark.live
def test_the_site_can_be_installed(url: str, phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto(f"{url}/sign-in")
    session: Any = phone.new_cdp_session(page)
    found = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert found == []
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"] == f"{url}/manifest.webmanifest"


def test_the_first_load_is_light(site: TestClient) -> None:
    """What a farmer's pages need before they are whole, from nothing, compressed."""
    for path in ("/", "/units/hoa-ao", "/records/today"):
        page, weights = site.get(path).text, {path: weight(site, path)}
        wanted = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
        wanted |= {one for name in wanted for one in imported(name)}
        weights |= {one: weight(site, one) for one in wanted}
        assert sum(weights.values()) <= MOST_BYTES, weights


def page_of(site: TestClient, path: str) -> Node:
    answer = site.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return parse_page(answer.text)


def test_the_first_page_says_how_it_goes_how_old_it_is_and_how_the_night_will_be(
    farms: Farms, site: TestClient
) -> None:
    farms.registry.save_bulletins(
        [
            Bulletin(
                organisation="hoa", unit="hoa-ao", kind="evening", day="2026-11-22",
                made_ms=NOW_MS - HOUR_MS, vi="Đêm nay oxy 3,1", en="Tonight 3.1",
            )
        ],
        [],
    )  # fmt: skip
    card = page_of(site, "/").one("section", class_="homeunit")
    assert "Oxy 5,2 mg/L" in card.text
    assert "→ gần như không đổi" in card.text
    assert "1 phút trước" in card.text
    assert card.one("p", class_="bulletin").text == "Đêm nay oxy 3,1"


def test_one_hears_whether_it_rings(farms: Farms, site: TestClient) -> None:
    """Who is next stands there; a test goes to one's own addresses, once a minute."""
    url = "json://192.0.2.1/secret"
    farms.registry.add_contact("hoa", "hoa", url, place=1, hours=(600, 660))
    farms.registry.add_contact("hoa", "binh", "tgram://token/chat", place=0)
    calls = page_of(site, "/calls").one("ol", class_="entries").all("li")
    assert [one.text[:2] for one in calls] == ["1.", "2."]
    assert "● đang trực" in calls[0].text
    assert "○ ngoài giờ trực · 10:00–11:00" in calls[1].text
    assert "secret" not in page_of(site, "/calls").text
    for _ in range(2):
        sent = site.post("/calls/test", data={"csrf": csrf(site)})
        assert sent.status_code == 303
    (due,) = farms.registry.due_copies(NOW_MS)
    assert (due.person, due.url) == ("hoa", url)
    assert "đang gửi thử (lúc 03:12)" in page_of(site, "/calls").text
    farms.registry.copy_sent(due.id, NOW_MS)
    assert "đã gửi thử lúc 03:12" in page_of(site, "/calls").text


def test_probes_are_told_with_their_calibration(farms: Farms, site: TestClient) -> None:
    def told() -> str:
        page = page_of(site, "/units/hoa-ao")
        (item,) = [one for one in page.all("li") if "data-health" in one.attrs]
        return item.text

    assert "▲ Chưa ghi lần hiệu chuẩn nào." in told()
    month_ago_ms = NOW_MS - 30 * 24 * HOUR_MS
    done = Calibration("hoa-hop", "hoa-tren", month_ago_ms, "dung dịch bão hòa", "hoa")
    farms.registry.add_calibration(done, now_ms=NOW_MS)
    assert "Hiệu chuẩn 30 ngày trước, theo dung dịch bão hòa." in told()
    assert "▲ Hiệu chuẩn" not in told()


def test_the_day_is_written_without_scripts_too(farms: Farms, site: TestClient) -> None:
    page = page_of(site, "/records/today?unit=hoa-ao&kind=feed_use")
    form = next(
        one for one in page.all("form") if one.attrs.get("data-book") == "Cho ăn"
    )
    sent = {
        one.attrs["name"]: one.attrs.get("value", "")
        for one in form.all("input")
        if one.attrs.get("name")
    }
    sent |= {"crop": "hoa-vu", "f_product": "Cám", "f_kg": "12,5"}
    assert site.post("/records", data=sent).headers["location"] == "/crops/hoa-vu"
    assert "12,5" in page_of(site, "/records/today").text


def imported(address: str) -> set[str]:
    """Return what a module's address leads to, at any depth."""
    folder, _, name = address.rpartition("/")
    if "@" not in folder:
        return set()
    text = (STATIC / name).read_text()
    found = {f"{folder}/{one}" for one in re.findall(r'from "\./([^"]+)"', text)}
    return found | {more for one in found for more in imported(one)}


def weight(site: TestClient, address: str) -> int:
    headers = {"Accept-Encoding": "gzip"}
    with site.stream("GET", address, headers=headers) as answer:
        assert answer.status_code == 200, address
        return sum(map(len, answer.iter_raw()))


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/sign-in")
    page.fill("#phone", PHONES["hoa"])
    page.fill("#secret", PIN)
    page.click("main form button")
    page.wait_for_url(f"{url}/")


def feeds(page: Page, kg: str, product: str, *, photo: bool = False) -> None:
    opened(page, "feed_use")
    page.fill("#feed_use_product", product)
    page.fill("#feed_use_kg", kg)
    if photo:
        page.set_input_files("#feed_use_photos", [picture()])
    saves(page, "feed_use")


def measures(page: Page, oxygen: str) -> None:
    opened(page, "water_measure")
    page.fill("#water_measure_dissolved_oxygen", oxygen)
    saves(page, "water_measure")


def opened(page: Page, kind: str) -> None:
    if page.get_attribute(f"#{kind}", "open") is None:
        page.click(f"#{kind} > summary")


def saves(page: Page, kind: str) -> None:
    page.click(f"#{kind} button.main")
    expect(page.locator(f"#{kind} [data-done]")).to_contain_text("Đã ghi trên máy này")


def picture(colour: str = "#6a4a3a") -> Any:
    raw = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(raw, "JPEG")
    return {"name": "bao.jpg", "mimeType": "image/jpeg", "buffer": raw.getvalue()}


@pytest.mark.live
def test_a_logbook_written_at_sea_is_in_the_boats_book_once(
    farms: Farms, url: str, phone: BrowserContext
) -> None:
    page, said = phone.new_page(), list[str]()
    page.on("pageerror", lambda one: said.append(str(one)))
    sign_in(page, url)
    expect(page.locator("body[data-pages=kept]")).to_have_count(1, timeout=30_000)
    log = f"{url}/vessels/{BOATS['hoa']}/log"
    page.goto(log)
    expect(page.locator("body[data-logs=kept]")).to_have_count(1, timeout=30_000)
    before = {one.id for one in farms.registry.vessel_records(vessel=BOATS["hoa"])}

    phone.set_offline(True)
    page.goto(log)
    expect(page.locator("#lost")).to_contain_text("Không có mạng")
    page.click("#trip > summary")
    page.fill("#trip_happened", "2026-11-22T20:00")
    page.fill("#trip_departure_ms", "2026-11-22T20:00")
    page.fill("#trip_crew", "7")
    page.click("#trip button.main")
    expect(page.locator("#trip [data-done]")).to_contain_text("Đã giữ trên máy")
    page.click("#catch > summary")
    expect(page.locator("#catch_trip option:checked")).to_contain_text("22/11/2026")
    page.select_option("#catch_species_1", "YFT")
    page.fill("#catch_kg_1", "1.200,5")
    page.set_input_files("#catch_photo", [picture(), picture("#204060")])
    page.click("#catch button.main")
    expect(page.locator("#sea-unsent")).to_have_attribute("data-count", "2")
    page.click('form[action="/sign-out"] button')
    expect(page.locator("#lost")).to_contain_text("2 lần ghi nhật ký chưa gửi")

    phone.set_offline(False)
    sent = page.locator("#sea-unsent")
    expect(sent).to_have_attribute("data-count", "0", timeout=30_000)
    records = [
        one
        for one in farms.registry.vessel_records(vessel=BOATS["hoa"])
        if one.id not in before
    ]
    by_kind = {one.kind: one for one in records}
    assert len(records) == len(by_kind) == 2, records
    assert by_kind["catch"].fields["lines"] == [{"species": "YFT", "kg": 1200.5}]
    assert by_kind["catch"].trip == by_kind["trip"].trip
    assert len(farms.registry.vessel_photos(by_kind["catch"].id)) == 2
    page.goto(log)
    opened(page, "catch")
    page.select_option("#catch_species_1", "YFT")
    page.fill("#catch_kg_1", "nhiều")
    page.click("#catch button.main")
    expect(page.locator("#catch fieldset > p.warning")).to_contain_text("nhiều")
    expect(page.locator("#catch_species_1")).to_be_focused()
    assert said == []
    sent_with_every_page_closed(farms, url, phone, page, log)


def sent_with_every_page_closed(
    farms: Farms, url: str, phone: BrowserContext, page: Page, log: str
) -> None:
    """Both books of somebody who shuts the site before the network is back, photos too."""
    before = {one.id for one in farms.registry.records(organisation="hoa")}
    phone.set_offline(True)
    page.goto(log)
    opened(page, "catch")
    page.select_option("#catch_species_1", "BET")
    page.fill("#catch_kg_1", "80")
    page.set_input_files("#catch_photo", [picture()])
    page.click("#catch button.main")
    expect(page.locator("#sea-unsent")).to_have_attribute("data-count", "1")
    page.goto(f"{url}/records/today")
    feeds(page, "33", "Cám số 4", photo=True)
    for one in phone.pages:
        if one.url.startswith(url):
            one.close()
    phone.set_offline(False)
    network_is_back(phone, url, "gw-send")

    def new() -> list[Record]:
        records = farms.registry.records(organisation="hoa")
        return [one for one in records if one.id not in before]

    comes(lambda: bool(new()) and bool(farms.registry.photos(new()[0].id)))
    (fed,) = new()
    assert (fed.kind, fed.fields["kg"]) == ("feed_use", 33)
    comes(lambda: bool(farms.registry.vessel_photos(*caught(farms, "BET"))))
    page = phone.new_page()
    page.goto(f"{url}/records/today")
    expect(page.locator("#unsent")).to_be_hidden()
    assert len(caught(farms, "BET")) == 1


def caught(farms: Farms, species: str) -> list[str]:
    records = farms.registry.vessel_records(vessel=BOATS["hoa"], kind="catch")
    return [one.id for one in records if one.fields["lines"][0]["species"] == species]
