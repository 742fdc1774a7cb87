"""Every person's way from the sign-in page to its result, on a phone and at a desk.

At a desk with ``make long``: it is the same way with more room. Outside a demo: those on duty set a second factor up at their first visit and give its code at
the next. What happens with no network, and the nights that alarms are about, are told in
test_farmer_phone, test_duty_js and tests/stories.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from greenwater.kernel.reading import instant, milliseconds
from greenwater.reference.procedures import Task
from greenwater.storage.registry.people import OrganisationKind, Role
from tests.chromium import DESKTOP, FLAGS, PHONE, chromium
from tests.pages.farms import BASE, BOATS, PHONES, PIN, Farms, pin_hash
from tests.pages.inspecting import comes, enrols, signs
from tests.pages.serving import served
from tests.pages.world import NOW_MS, open_empty
from traceability.book.books import Books
from web.app import create_app
from web.door.totp import STEP_MS, code_at

COMMUNE = "22525"
EXTRA = {
    "xa": ("0905000011", "xa-vh", Role.OFFICER),
    "tinh": ("0905000012", "so", Role.OFFICER),
    "quan": ("0905000013", "quan-tri", Role.ADMIN),
    "be": ("0905000014", "be", Role.FARMER),
    "chu-hoa": ("0905000015", "hoa", Role.BOAT_OWNER),
    "chu-binh": ("0905000016", "binh", Role.BOAT_OWNER),
}
SIZES = {"phone": ("hoa", PHONE), "desk": ("binh", DESKTOP)}
"""On each size somebody else's farm and boat: what one journey does is not done already."""


@dataclass
class House:
    """A site with people, and a browser. ``wrong`` is what nobody should see."""

    farms: Farms
    url: str
    browser: Browser
    factors: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @contextmanager
    def visit(self, look: Any, person: str = "") -> Iterator[Page]:
        """One person's browser of one size, signed in unless it is nobody's."""
        context = self.browser.new_context(**look)
        context.on("request", lambda one: self._ask(one.url))
        context.on("console", lambda one: self._hear(one.type, one.text))
        context.on("weberror", lambda one: self.wrong.append(str(one.error)))
        page = context.new_page()
        try:
            if person:
                self._comes_in(page, person)
            yield page
        finally:
            context.close()
        seen, self.wrong = self.wrong, []
        assert seen == []

    def _ask(self, address: str) -> None:
        at = urlsplit(address)
        if at.scheme in ("http", "https") and at.netloc != urlsplit(self.url).netloc:
            self.wrong.append(f"asked {address}")

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self.wrong.append(text)

    def _comes_in(self, page: Page, person: str) -> None:
        clock = self.farms.world.clock
        page.goto(f"{self.url}/sign-in")
        page.fill("#phone", EXTRA[person][0] if person in EXTRA else PHONES[person])
        page.fill("#secret", PIN)
        press(page, "main form button")
        if page.locator("#code").count():
            secret = self.factors.get(person) or page.inner_text("main code")
            self.factors[person] = secret.replace(" ", "")
            clock.advance(timedelta(milliseconds=STEP_MS))  # a code counts once
            step = milliseconds(clock.now()) // STEP_MS
            page.fill("#code", code_at(self.factors[person], step))
            press(page, "main form button")
        expect(page.locator('form[action="/sign-out"]')).to_be_visible()


def press(page: Page, what: str) -> None:
    """Click what leads to another page, and be there."""
    with page.expect_navigation():
        page.click(what)


def _people(farms: Farms) -> None:
    registry = farms.registry
    for office, kind, task, commune in (
        ("xa-vh", OrganisationKind.COMMUNE, Task.CHECK, COMMUNE),
        ("so", OrganisationKind.AUTHORITY, Task.DECIDE, None),
        ("quan-tri", OrganisationKind.AUTHORITY, None, None),
        ("be", OrganisationKind.HOUSEHOLD, None, None),
    ):
        registry.add_organisation(office, f"Nơi {office}", kind=kind)
        if task is not None:
            registry.add_office(office, task, commune=commune)
    for person, (phone, organisation, role) in EXTRA.items():
        registry.add_person(person, f"Ông {person}", phone)
        registry.add_member(person, organisation, role)
        registry.set_secret(person, pin_hash(), is_pin=True)
    registry.add_site("be-s", organisation="be", name="Bè Vạn Hưng", commune=COMMUNE)
    books = Books(registry, farms.world.telemetry, farms.world.clock)
    books.add_product(
        "be", gtin="09521234543237", name_vi="Cá bớp", name_en="", species="CBA"
    )
    for size in SIZES:
        registry.add_unit(
            f"be-{size}", site="be-s", name=f"Lồng {size}", kind="cage", species="CBA"
        )
        books.open_crop(
            "be", crop=f"be-vu-{size}", unit=f"be-{size}", product="09521234543237",
            name=f"Vụ {size}", started_ms=NOW_MS,
        )  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("journeys")
    with open_empty(folder) as world, sync_playwright() as play:
        farms = Farms(world, folder)
        _people(farms)
        services = replace(farms.services, is_demo=False, photos=folder / "photos")
        browser = play.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        with served(create_app(services)) as url:
            yield House(farms, url, browser)
        browser.close()


@pytest.fixture(params=["phone", pytest.param("desk", marks=pytest.mark.long)])
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


pytestmark = pytest.mark.live


def test_a_farmer_takes_an_alarm_writes_the_day_and_labels_a_lot(
    house: House, size: str
) -> None:
    farm, look = SIZES[size]
    with house.visit(look, farm) as page:
        expect(page.locator(f"#main >> text=Ao của {farm}").first).to_be_visible()
        press(page, "article.alarm h2 a, article.alarm h3 a")
        press(page, 'form[action$="/acknowledge"] button')
        expect(page.locator("#alarm article")).to_have_attribute(
            "data-state", "acknowledged"
        )
        page.goto(f"{house.url}/records/today")
        page.click("#feed_use > summary")
        page.fill("#feed_use_product", "Cám số 2")
        page.fill("#feed_use_kg", "12,5")
        page.click("#feed_use button.main")
        expect(page.locator("#feed_use [data-done]")).to_be_visible()
        expect(page.locator("#unsent")).to_have_attribute("data-count", "0")
        press(page, 'nav.ways a[href="/records"]')
        press(page, f"text=Vụ {farm}")
        press(page, "a[href^='/lots/']")
        page.fill("#count", "3")
        press(page, "#labels form[method=post] button")
        expect(page.locator("[data-label]")).to_have_count(5)
        form = page.locator("#labels form[method=get]")
        paper = form.locator("select").first.input_value()
        sheet = page.request.get(
            f"{house.url}{form.get_attribute('action')}?paper={paper}"
        )
        assert (sheet.status, sheet.body()[:5]) == (200, b"%PDF-")


def test_a_shopper_reads_a_passport_and_reports_a_label(
    house: House, size: str
) -> None:
    farm, look = SIZES[size]
    label = house.farms.registry.find_label(house.farms.labels[farm])
    assert label is not None
    with house.visit(look) as page:
        page.goto(house.url + label.uri.removeprefix(BASE))
        expect(page.locator("main")).to_contain_text("Tem hợp lệ")
        expect(page.locator("main")).to_contain_text(f"Ao của {farm}")
        press(page, "a[href*='/report-label']")
        assert page.input_value("#rtext"), "the label is filled in already"
        page.fill("#rnote", "Chợ Đầm: tem rách")
        press(page, "main form button")
        expect(page.locator("[role=status]").first).to_be_visible()


def test_a_boats_owner_goes_from_the_fleet_to_a_label(house: House, size: str) -> None:
    farm, look = SIZES[size]
    with house.visit(look, f"chu-{farm}") as page:
        press(page, 'nav.ways a[href="/fleet"]')
        expect(page.locator("main")).to_contain_text(f"Tàu {farm}")
        press(page, 'nav.ways a[href="/vessels"]')
        press(page, f"a[href='/vessels/{BOATS[farm]}/book']")
        for paper in ("registration", "licence"):
            page.goto(f"{house.url}/vessels/{BOATS[farm]}/records/new?kind=paper")
            page.select_option("[name=f_paper]", paper)
            page.fill("[name=f_number]", f"MP-{paper}")
            page.fill("[name=f_from_day]", "2025-01-05")
            press(page, "main form button.main")
        page.goto(f"{house.url}/vessels/{BOATS[farm]}/book")
        press(page, "a[href^='/trips/']")
        expect(page.locator("#weights")).to_contain_text("300")
        trip = page.url
        press(page, "a[href$='/card']")
        expect(page.locator("img.cardcode")).to_be_visible()
        page.goto(f"{house.url}/products/new")
        page.fill("#name_vi", "Cá ngừ vây vàng")
        page.select_option("#species", "YFT")
        page.fill("#gtin", {"hoa": "09521234543244", "binh": "09521234543251"}[farm])
        press(page, "main form button.main")
        page.goto(trip)
        press(page, "form[action$='/lots'] button")
        if "/lots/" not in page.url:
            press(page, "a[href^='/lots/']")
        page.fill("#count", "2")
        press(page, "#labels form[method=post] button")
        label = page.locator("[data-label]").first.get_attribute("data-label")
    with house.visit(look) as page:
        page.goto(house.url + str(label).removeprefix(BASE))
        expect(page.locator("main")).to_contain_text("Tem hợp lệ")
        expect(page.locator("main")).to_contain_text(BOATS[farm])


def test_an_inspector_finds_a_vessel_and_signs_what_a_label_showed(
    house: House, size: str
) -> None:
    farm, look = SIZES[size]
    label = house.farms.registry.find_label(house.farms.labels[farm])
    assert label is not None
    with house.visit(look, "minh") as page:
        page.clock.set_fixed_time(instant(NOW_MS))
        page.goto(f"{house.url}/inspections/today")
        press(page, "a[href='/inspections/vessels']")
        page.fill("#number", BOATS[farm].replace("-", " "))
        press(page, "main form button")
        expect(page.locator("[data-trip]").first).to_contain_text("300")
        enrols(page, house.url)
        page.goto(f"{house.url}/check")
        signs(page, label.uri, "conformant", [])
        comes(lambda: bool(house.farms.registry.inspections(lot=label.lot)))
        expect(page.locator("[data-part=waiting]")).to_have_attribute("data-count", "0")
    (found,) = house.farms.registry.inspections(lot=label.lot)
    assert found.result == "conformant"


def test_a_certifier_asks_for_more_and_grants(house: House, size: str) -> None:
    farm, look = SIZES[size]
    with house.visit(look, farm) as page:
        page.goto(f"{house.url}/crops/{farm}-vu/readiness")
        press(page, "#apply form:has([value=vietgap]) button")
        dossier = page.url
        press(page, "#do-submit button")
    with house.visit(look, "an") as page:
        _acts(page, dossier, "accept")
        page.fill("#text_ask", "Thiếu phiếu xét nghiệm nước")
        _acts(page, dossier, "ask")
    with house.visit(look, farm) as page:
        page.goto(dossier)
        expect(page.locator("main")).to_contain_text("Thiếu phiếu xét nghiệm nước")
        page.fill("#text_supply", "Đã gửi phiếu ngày 22/11")
        _acts(page, dossier, "supply")
    with house.visit(look, "an") as page:
        page.goto(dossier)
        expect(page.locator("main")).to_contain_text("Đã gửi phiếu ngày 22/11")
        page.fill("#code", f"VietGAP-TS-13-01-KH-01{len(farm)}0")
        _acts(page, dossier, "grant")
        press(page, "a[href^='/certificates/']")
        expect(page.locator("main")).to_contain_text("còn hiệu lực")


def test_a_commune_checks_the_province_decides_and_numbers_are_taken_away(
    house: House, size: str
) -> None:
    _, look = SIZES[size]
    with house.visit(look, "be") as page:
        page.goto(f"{house.url}/crops/be-vu-{size}/readiness")
        press(page, "#apply form:has([value=cage_registration]) button")
        dossier = page.url
        press(page, "#do-submit button")
    with house.visit(look, "xa") as page:
        _acts(page, dossier, "accept")
        page.select_option("#fits", "yes")
        _acts(page, dossier, "check")
    with house.visit(look, "tinh") as page:
        _acts(page, dossier, "grant")
        press(page, 'nav.ways a[href="/areas"]')
        expect(page.locator("main table").first).to_be_visible()
        with page.expect_download() as taken:
            page.click("a[href='/areas.xlsx']")
        assert Path(taken.value.path()).read_bytes()[:2] == b"PK"
    with house.visit(look, "be") as page:
        page.goto(dossier)
        expect(page.locator("section.gate")).to_have_attribute("data-state", "granted")


def test_an_administrator_lets_somebody_in_and_takes_a_box_out(
    house: House, size: str
) -> None:
    farm, look = SIZES[size]
    with house.visit(look, "quan") as page:
        press(page, 'nav.ways a[href="/admin"]')
        press(page, "a[href='/admin/people']")
        page.select_option("#organisation", farm)
        page.select_option("#role", "technician")
        press(page, "form[action='/admin/invitations'] button")
        link = page.inner_text(".shown code")
        with house.visit(look) as guest:
            guest.goto(house.url + urlsplit(link).path)
            guest.fill("#name", f"Thợ {farm}")
            guest.fill("#phone", {"hoa": "0905000021", "binh": "0905000022"}[farm])
            guest.fill("#secret", "806152")
            guest.fill("#again", "806152")
            guest.check("[name=agreed]")
            press(guest, "main form button")
            expect(guest.locator("main")).to_contain_text(f"Ao của {farm}")
        page.goto(f"{house.url}/admin/people")
        expect(page.locator("main")).to_contain_text(f"Thợ {farm}")
        press(page, "a[href='/admin/devices']")
        page.fill("#device", f"hop-moi-{size}")
        page.select_option("#place", f"site/{farm}-trai")
        press(page, "form[action='/admin/devices'] button")
        expect(page.locator(".shown .qr svg")).to_be_visible()
        box = page.locator(f"[data-device=hop-moi-{size}]")
        box.locator("summary").click()
        box.locator("[name=sure]").check()
        with page.expect_navigation():
            box.locator("button.danger").click()
        expect(page.locator(f"[data-device=hop-moi-{size}]")).to_contain_text(
            re.compile("đã thu|đã khóa|không còn", re.IGNORECASE)
        )
        press(page, "a[href='/admin/audit']")
        expect(page.locator("main")).to_contain_text(f"hop-moi-{size}")


def _acts(page: Page, dossier: str, kind: str) -> None:
    """Do one thing with a dossier, from its page, and stay there."""
    if page.url != dossier:
        page.goto(dossier)
    section = page.locator(f"#do-{kind}")
    if section.locator("summary").count():
        section.locator("details").evaluate("one => { one.open = true }")
    with page.expect_navigation():
        section.locator("button").click()
    assert page.url == dossier
