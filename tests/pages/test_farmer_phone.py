"""A farmer's phone: written without a network and sent once, pages as last seen, installed."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.chromium import browsing, chromium
from tests.pages.farms import BOATS, PHONES, PIN, Farms
from tests.pages.test_doors import enter
from tests.pages.test_duty_js import served
from tests.pages.world import open_empty
from web.app import create_app
from web.pages import STATIC

pytestmark = pytest.mark.live

MOST_BYTES = 150_000
"""What the first page may weigh, compressed (issue 6)."""


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    chromium()
    folder: Path = tmp_path_factory.mktemp("farmer")
    with open_empty(folder) as world:
        farms = Farms(world, folder)
        farms.services = replace(farms.services, photos=folder / "photos")
        yield farms


@pytest.fixture(scope="module")
def url(farms: Farms) -> Iterator[str]:
    with served(farms.services) as url:
        yield url


@pytest.fixture(scope="module")
def phone(
    url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    with browsing(tmp_path_factory.mktemp("phone")) as context:
        yield context


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
    page.goto(f"{url}/")
    page.click('form[action="/sign-out"] button')
    expect(page.locator('a[href="/sign-in"]').first).to_be_visible()
    assert not [one for one in kept_names(page) if one.startswith("gw-seen")]
    assert said == []


def kept_names(page: Page) -> list[str]:
    found: list[str] = page.evaluate("caches.keys()")
    return found


def test_the_site_can_be_installed(url: str, phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto(f"{url}/sign-in")
    session: Any = phone.new_cdp_session(page)
    found = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert found == []
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"] == f"{url}/manifest.webmanifest"


def test_the_first_load_is_light(farms: Farms) -> None:
    """What a farmer's pages need before they are whole, from nothing, compressed."""
    site = enter(TestClient(create_app(farms.services), follow_redirects=False), "hoa")
    for path in ("/", "/units/hoa-ao", "/records/today"):
        page, weights = site.get(path).text, {path: weight(site, path)}
        wanted = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
        wanted |= {one for name in wanted for one in imported(name)}
        weights |= {one: weight(site, one) for one in wanted}
        assert sum(weights.values()) <= MOST_BYTES, weights


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


def picture() -> Any:
    raw = io.BytesIO()
    Image.new("RGB", (640, 480), "#6a4a3a").save(raw, "JPEG")
    return {"name": "bao.jpg", "mimeType": "image/jpeg", "buffer": raw.getvalue()}


def test_a_logbook_written_at_sea_is_in_the_boats_book_once(
    farms: Farms, url: str, phone: BrowserContext
) -> None:
    page, said = phone.new_page(), list[str]()
    page.on("pageerror", lambda one: said.append(str(one)))
    sign_in(page, url)
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
    assert said == []
