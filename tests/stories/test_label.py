"""From a pond to a shopper and an inspector: books, gate, lot, label, check, recall."""

import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from cli.demo.shrimp_farm import FARMER, GTIN, INSPECTOR, UNIT, add_people
from cli.demo.simulation import ScenarioStart, Simulation
from cli.home import Home
from greenwater.kernel.reading import local
from greenwater.storage.registry import Registry
from tests.chromium import browsing
from tests.live.system import ROOT, clean_environ
from tests.stories.paper import CODE_MM, Seen, film, scanned
from tests.stories.scenes import sign_in, wait_for
from tests.stories.theatre import Backing, Embedded, Theatre, playing

pytestmark = [pytest.mark.live, pytest.mark.slow]
SHORT_ON = Embedded.name

OPENS = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
"""10:00 in Khánh Hòa, a fine day."""

SPEED = 240.0
CROP = timedelta(days=30)
WITHDRAWAL = timedelta(days=28)
LEFT = timedelta(minutes=320)
"""How much of the withdrawal is left when the curtain rises: 80 s of a clock on the wall."""

LABELS = 24


def test_from_a_pond_to_a_shopper_and_an_inspector(
    backing: Backing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # At this speed a forecast every ten minutes is one every 2.5 s: a core's whole work.
    monkeypatch.setenv("GREENWATER_ANALYTICS_FORECAST_EVERY_S", "0")

    def prepare(registry: Registry, _home: Home, _stage: Simulation) -> None:
        add_people(registry)

    casting = [ScenarioStart("oxygen-crash", timedelta(hours=10), CROP)]
    stage = playing(
        tmp_path / "home", backing, casting, opens=OPENS, speed=SPEED, prepare=prepare
    )
    with (
        stage as theatre,
        sync_playwright() as play,
        browsing(tmp_path / "farmer", play=play) as phone,
        browsing(tmp_path / "shopper", play=play) as other,
    ):
        farmer = phone.new_page()
        sign_in(farmer, theatre, FARMER)
        opens_the_book(farmer, theatre)
        the_gate_refuses_while_withdrawal_runs(farmer)
        lot = after_it_a_lot_is_made(farmer, theatre)
        paper = labels_are_printed(farmer, phone, lot)
        greenwater_verifies_the_sheet_offline(theatre, tmp_path, lot, farmer)

        shopper = other.new_page()
        a_shopper_opens_the_passport(shopper, theatre, paper[0])
        seen = film(paper[1].picture, tmp_path / "seen.mjpeg")
        with browsing(tmp_path / "duty", play=play, camera=seen) as duty:
            inspector = duty.new_page()
            an_inspector_installs_the_page(inspector, theatre)
            duty.set_offline(True)
            he_checks_without_a_network(inspector, paper[1], tmp_path)
            duty.set_offline(False)
            a_recall_turns_it_red(farmer, lot, shopper, inspector, paper)


def opens_the_book(page: Page, theatre: Theatre) -> None:
    """A product, a crop, and what happened to it, typed on the phone."""
    page.goto(theatre.page_url + "/records")
    page.click("text=Mở vụ nuôi")
    expect(page).to_have_url(theatre.page_url + "/products/new")
    page.fill("#name_vi", "Tôm thẻ chân trắng Ninh Hòa")
    page.select_option("#species", "PNV")
    page.fill("#gtin", "9521234543214")
    page.click("main form button")
    expect(page.locator(".warning[role=alert]")).to_contain_text("9521234543214")
    page.fill("#gtin", GTIN)
    page.click("main form button")
    page.select_option("#unit", UNIT)
    page.fill("#name", "Vụ 1/2026, ao 7")
    page.fill("#started", typed(OPENS - CROP))
    page.click("main form button")
    expect(page.locator("h1")).to_have_text("Vụ 1/2026, ao 7")

    enter(page, "Thả giống", OPENS - CROP + timedelta(hours=2), count="300.000",
          size="PL12", hatchery="Trại giống Ninh Thuận")  # fmt: skip
    enter(page, "Cho ăn", OPENS - timedelta(days=9), product="Thức ăn số 2", kg="92,5")
    enter(page, "Thuốc, hóa chất", OPENS + LEFT - WITHDRAWAL, product="Oxytet 20 %",
          substance="oxytetracycline", amount="5 kg", reason="đốm trắng",
          withdrawal_days="28")  # fmt: skip


def typed(at: datetime) -> str:
    """Return an instant as a phone's date field holds it."""
    return local(int(at.timestamp() * 1000)).strftime("%Y-%m-%dT%H:%M")


def enter(page: Page, kind: str, at: datetime | None, **fields: str) -> None:
    """Enter one record; None: now, as the form has it."""
    page.click(f"nav.kinds >> text={kind}")
    if at is not None:
        page.fill("#happened", typed(at))
    for name, value in fields.items():
        page.fill(f"#f_{name}", value)
    page.click("main form button")
    expect(page.locator(".entry").first).to_be_visible()


def the_gate_refuses_while_withdrawal_runs(page: Page) -> None:
    """It says so, and until when; the way round it needs a reason and a second person."""
    expect(page.locator("#gate")).to_contain_text("Chưa cấp được tem")
    expect(page.locator("#gate")).to_contain_text("oxytetracycline")
    expect(page.locator("#gate")).to_contain_text("01/06/2026")
    expect(page.locator("[data-withheld]")).to_be_visible()
    expect(page.locator("#gate form[action$='/lots'] button")).to_have_count(0)


def after_it_a_lot_is_made(page: Page, theatre: Theatre) -> str:
    """Harvested when the withdrawal is over; the water's evidence is frozen in."""
    over = OPENS + LEFT
    wait_for("the withdrawal is over", lambda: theatre.clock.now() > over, theatre)
    page.reload()
    expect(page.locator("[data-withheld]")).to_have_count(0)
    enter(page, "Thu hoạch", None, kg="2.500")
    page.click("text=Lập lô hàng")
    expect(page.locator(".measure").first).to_be_visible()
    oxygen = page.locator(".measure", has_text="Oxy hòa tan")
    for words in ("thời gian trong ngưỡng", "Lâu nhất ngoài ngưỡng", "0 % đo tay"):
        expect(oxygen).to_contain_text(words)
    return page.url.rsplit("/", 1)[1]


def labels_are_printed(page: Page, phone: BrowserContext, lot: str) -> list[Seen]:
    """Every code on the sheet is read back at 25 mm and 300 dpi."""
    page.fill("#count", str(LABELS))
    page.click("text=Cấp tem")
    expect(page.locator("[data-label]").first).to_be_visible()
    sheet = phone.request.get(page.url.partition("#")[0] + "/labels.pdf")
    assert sheet.ok, sheet.status
    paper = scanned(sheet.body())
    assert len({one.text for one in paper}) == LABELS
    shown = {
        one.get_attribute("data-label") for one in page.locator("[data-label]").all()
    }
    assert shown <= {one.text for one in paper}
    for one in paper:
        assert one.width_mm == pytest.approx(CODE_MM, abs=0.5), one.width_mm
    return paper


def greenwater_verifies_the_sheet_offline(
    theatre: Theatre, folder: Path, lot: str, page: Page
) -> None:
    """With the published keys and list, and nothing else."""
    sheet = folder / "sheet.pdf"
    sheet.write_bytes(
        page.request.get(f"{theatre.page_url}/lots/{lot}/labels.pdf").body()
    )
    words = [sys.executable, "-m", "cli", "verify", str(sheet)]
    for name in ("keys", "status"):
        file = folder / f"{name}.json"
        address = f"{theatre.page_url}/api/v1/labels/{name}.json"
        with urllib.request.urlopen(address, timeout=30) as answer:
            file.write_bytes(answer.read())
        words += [f"--{name}", str(file)]
    environ = clean_environ() | {"GREENWATER_HOME": str(folder / "nowhere")}
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, cwd=ROOT, env=environ
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("valid:") == LABELS


def a_shopper_opens_the_passport(page: Page, theatre: Theatre, label: Seen) -> None:
    """What it is, who made it, is the label valid, how the water was."""
    assert label.text.startswith(theatre.page_url + "/01/")
    page.goto(label.text)
    expect(page.locator("[data-code=valid]")).to_contain_text("Tem hợp lệ")
    for words in (
        "Tôm thẻ chân trắng Ninh Hòa",
        "Hộ nuôi Ninh Hòa",
        "2.500 kg",
        "Oxy hòa tan",
        "Thả giống",
        "mô phỏng",
    ):
        expect(page.locator("main")).to_contain_text(words)
    forged = label.text[:-1] + ("A" if label.text[-1] != "A" else "B")
    page.goto(forged)
    expect(page.locator(".verdict.bad")).to_contain_text("bị sửa")


def an_inspector_installs_the_page(page: Page, theatre: Theatre) -> None:
    """Signed in by password; the page keeps itself, keys and list on the phone."""
    sign_in(page, theatre, INSPECTOR, is_pin=False)
    page.goto(theatre.page_url + "/check")
    expect(page.locator("#check[data-installed]")).to_have_count(1, timeout=60_000)
    expect(page.locator("[data-part=lists][data-state=fresh]")).to_have_count(1)


def he_checks_without_a_network(page: Page, label: Seen, folder: Path) -> None:
    """Opened, read by camera, by photo and by typing, and judged with no network."""
    page.reload()
    expect(page.locator("#check[data-ready]")).to_have_count(1)
    verdict = page.locator("[data-part=verdict]")
    page.click("[data-part=camera]")
    expect(verdict).to_have_attribute("data-code", "valid", timeout=60_000)
    expect(verdict).to_have_attribute("data-online", "false")
    expect(page.locator("[data-part=checked]")).to_contain_text("01/06/2026")

    label.picture.save(folder / "photo.png")
    page.reload()
    page.set_input_files("[data-part=photo]", folder / "photo.png")
    expect(verdict).to_have_attribute("data-code", "valid", timeout=60_000)

    altered = label.text.replace("/10/", "/10/X", 1)
    page.fill("#typed", altered)
    page.click(".typed button")
    expect(verdict).to_have_attribute("data-code", "altered")
    expect(verdict).to_contain_text("bị sửa")


def a_recall_turns_it_red(
    farmer: Page, lot: str, shopper: Page, inspector: Page, paper: list[Seen]
) -> None:
    """On the passport, and on the inspector's phone, with a network and then without."""
    farmer.click("#recall summary")
    farmer.fill("#reason", "phát hiện kháng sinh vượt mức")
    farmer.fill("#rphone", "0905 123 456")
    farmer.check("#recall input[type=checkbox]")
    farmer.click("#recall form button")
    expect(farmer.locator(".recalled")).to_contain_text("phát hiện kháng sinh")

    shopper.goto(paper[0].text)
    red = shopper.locator(".verdict.bad[data-code=recalled]")
    expect(red).to_contain_text("phát hiện kháng sinh vượt mức")
    expect(red).to_contain_text("0905 123 456")

    verdict = inspector.locator("[data-part=verdict]")
    for is_offline in (False, True):
        inspector.context.set_offline(is_offline)
        inspector.reload()
        inspector.fill("#typed", paper[1].text)
        inspector.click(".typed button")
        expect(verdict).to_have_attribute("data-code", "recalled")
        expect(verdict).to_contain_text("0905 123 456")
