"""An inspector's phone with no network: it signs, keeps, sends once, and stays signed in."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from greenwater.kernel.reading import instant
from tests.chromium import browsing, chromium, network_is_back
from tests.harm import printed
from tests.pages.farms import PHONES, PIN, Farms
from tests.pages.inspecting import comes, enrols, signs
from tests.pages.serving import served
from tests.pages.world import NOW_MS, open_empty
from tests.stories.paper import film, tilted
from web.app import create_app


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("farms")
    with open_empty(folder) as world:
        yield Farms(world, folder)


@pytest.mark.live
def test_a_phone_signs_without_a_network_and_sends_once(
    farms: Farms, tmp_path: Path
) -> None:
    chromium()
    label = farms.registry.find_label(farms.labels["hoa"])
    assert label is not None
    services = replace(farms.services, photos=tmp_path / "photos")
    picture = tmp_path / "haul.png"
    Image.new("RGB", (2400, 1800), (20, 90, 140)).save(picture)
    code = printed(label.uri, "Q", 0.4, 300).convert("RGB")
    seen = film(tilted(code), tmp_path / "seen.mjpeg")
    with (
        served(create_app(services)) as url,
        browsing(tmp_path / "phone", camera=seen) as context,
    ):
        page = context.new_page()
        page.clock.set_fixed_time(instant(NOW_MS))
        page.goto(f"{url}/sign-in")
        page.fill("#phone", PHONES["minh"])
        page.fill("#secret", PIN)
        page.click("main form button")
        expect(page.locator('form[action="/sign-out"]')).to_be_visible(timeout=60_000)
        enrols(page, url)
        page.goto(f"{url}/check")
        expect(page.locator("#check[data-installed]")).to_have_count(1, timeout=60_000)

        page.wait_for_function("caches.has('gw-duty')")
        context.set_offline(True)
        page.reload()
        looks_a_vessel_up(page)
        page.click("[data-part=camera]")
        verdict = page.locator("[data-part=verdict]")
        expect(verdict).to_have_attribute("data-code", "valid", timeout=60_000)
        expect(verdict).to_contain_text("chưa kiểm tra trực tuyến")
        for result, photos in (("conformant", []), ("non_conformant", [picture])):
            signs(page, label.uri, result, photos)
        expect(page.locator("[data-part=waiting]")).to_have_attribute("data-count", "2")
        page.click('form[action="/sign-out"] button')
        expect(page.locator("#lost")).to_contain_text("Còn 2 lượt kiểm tra chưa gửi")
        assert farms.registry.inspections() == []

        context.set_offline(False)
        expect(page.locator("[data-part=waiting]")).to_have_attribute("data-count", "0")

        context.set_offline(True)
        signs_of_a_vessel(page, picture)
        assert farms.registry.vessel_inspections() == []
        page.goto(f"{url}/inspections")
        expect(page.locator("#lost")).to_contain_text("Không có mạng. Trang này lưu")
        expect(page.locator("[data-unsent]")).to_contain_text("KH-91001-TS")
        page.close()
        context.set_offline(False)
        network_is_back(context, url, "gw-send")
        page = context.new_page()
        comes(lambda: len(farms.registry.vessel_inspections()) == 1)
        page.goto(f"{url}/inspections")
        expect(page.locator("#duty-unsent")).to_be_hidden()
        expect(page.locator("main")).to_contain_text("cán bộ thấy cân 310,5 kg")
        page.click('form[action="/sign-out"] button')
        expect(page.locator('a[href="/sign-in"]').first).to_be_visible()
        assert page.evaluate("caches.has('gw-duty')") is False, "others' boats are gone"
    kept = farms.registry.inspections()
    assert sorted(one.result for one in kept) == ["conformant", "non_conformant"]
    assert {one.label for one in kept} == {label.id}
    (photo,) = farms.registry.inspection_photos(*(one.id for one in kept))
    (of_vessel,) = farms.registry.vessel_inspections()
    (same,) = farms.registry.vessel_inspection_photos(of_vessel.id)
    assert same.digest == photo.digest, "one picture, signed twice"
    (shown,) = (tmp_path / "photos").glob("[0-9a-f][0-9a-f]/*.jpg")
    signed = (tmp_path / "photos" / "signed" / f"{photo.digest}.bin").read_bytes()
    assert (shown.stem, hashlib.sha256(signed).hexdigest()) == (
        photo.kept,
        photo.digest,
    )
    with Image.open(shown) as drawn:
        assert drawn.size == (1600, 1200)


def looks_a_vessel_up(page: Page) -> None:
    """Its papers and weights are there with no network, as of the list's time."""
    expect(page.locator("#check[data-ready]")).to_have_count(1)
    verdict = page.locator("[data-part=verdict]")
    for number, code in (("kh 91001 ts", "vessel"), ("KH99999", "vessel_none")):
        page.fill("#typed", number)
        page.click(".typed button")
        expect(verdict).to_have_attribute("data-code", code)
        expect(page.locator("[data-part=checked]")).to_contain_text(
            "chưa kiểm tra trực tuyến"
        )
        if code == "vessel":
            for words in ("Tàu hoa KH-91001-TS", "Hộ hoa", "ghi 0 kg, cân 300 kg"):
                expect(verdict).to_contain_text(words)


def signs_of_a_vessel(page: Page, picture: Path) -> None:
    """Papers, kilograms and a photo of a vessel, with no network; its label's form is gone."""
    page.fill("#typed", "KH 91001 TS")
    page.click(".typed button")
    form = page.locator("[data-part=inspect-vessel]")
    expect(form).to_be_visible()
    expect(page.locator("[data-part=inspect]")).to_be_hidden()
    expect(form).to_contain_text("kg thấy cân (sổ ghi 0, cảng cân 300)")
    page.select_option("#vpapers", "bad")
    page.select_option("#vport", "CHR")
    page.fill("#vkg0", "ba trăm")
    page.click("[data-part=inspect-vessel] button[value=non_conformant]")
    expect(page.locator("[data-part=vsigned]")).to_contain_text("Số kg chưa đúng")
    page.fill("#vkg0", "310,5")
    page.set_input_files("#vphotos", [picture])
    page.click("[data-part=inspect-vessel] button[value=non_conformant]")
    expect(page.locator("[data-part=waiting]")).to_have_attribute("data-count", "1")
