"""Plays both stories and takes a picture of every page, on a phone and on a desktop.

    python -m tests.stories.screenshots docs/screenshots

Pictures are for people to look at: they go into the documentation, and nothing compares
them.
"""

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import BrowserContext, Page, sync_playwright

from cli.cast import (
    CROP,
    FARM,
    FARMER,
    INSPECTOR,
    OFFICER,
    UNIT,
    add_people,
    open_books,
)
from cli.home import Home
from cli.run import answers, free_port, greenwater
from cli.stage import Casting, Stage
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry import open_telemetry
from tests.chromium import DESKTOP, browsing
from tests.live.system import ROOT, clean_environ
from tests.stories.receiver import Receiver, receiving
from tests.stories.scenes import alarms_of, sign_in, wait_for
from tests.stories.theatre import Embedded, Theatre, playing
from traceability.keys import open_signer

OPENS = datetime(2026, 6, 1, 17, 50, tzinfo=UTC)
PASSED = OPENS - datetime(2026, 5, 31, 17, 0, tzinfo=UTC)
CROP_AGE = timedelta(days=96)
COLOURS = 128
DESK: Mapping[str, Any] = {
    **DESKTOP,
    "is_mobile": False,
    "has_touch": False,
    "device_scale_factor": 1,
}


class Album:
    """Two browsers side by side, and a folder for what they see."""

    def __init__(
        self,
        folder: Path,
        theatre: Theatre,
        receiver: Receiver,
        phone: BrowserContext,
        desk: BrowserContext,
    ) -> None:
        self._folder, self.theatre, self.receiver = folder, theatre, receiver
        self.phone, self.desk = phone.new_page(), desk.new_page()

    @property
    def both(self) -> tuple[tuple[str, Page], tuple[str, Page]]:
        """The two pages, with what they stand for."""
        return (("phone", self.phone), ("desktop", self.desk))

    def take(self, name: str, path: str = "", *, wait: str = "main") -> None:
        """Take both pictures of a page; without a path, of what is there."""
        for device, page in self.both:
            if path:
                page.goto(self.theatre.page_url + path)
            page.wait_for_selector(wait)
            page.wait_for_timeout(700)  # charts draw themselves
            self.keep(f"{name}-{device}", page)

    def keep(self, name: str, page: Page) -> None:
        """Keep one picture, small enough for a repository."""
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        file = self._folder / f"{name}.png"
        picture.convert("RGB").quantize(COLOURS).save(file, optimize=True)
        print(f"{file.name}: {file.stat().st_size // 1024} kB")

    def enter(self, person: str, *, is_pin: bool = True) -> None:
        """Sign in on both."""
        for _, page in self.both:
            page.context.clear_cookies()
            sign_in(page, self.theatre, person, is_pin=is_pin)


def tour(album: Album) -> None:
    """Every page, in the order of the stories."""
    theatre = album.theatre
    album.take("landing", "/")
    album.take("sign-in", "/sign-in")
    with a_demo(theatre) as url:
        for device, page in album.both:
            page.goto(f"{url}/demo")
            album.keep(f"demo-{device}", page)
    album.enter(FARMER)
    album.take("farm-calm", "/")
    album.take("crop-refused", f"/crops/{CROP}")
    wait_for("an alarm", lambda: bool(alarms_of(theatre, "limit")), theatre)
    album.take("farm-alarm", "/", wait="[data-alarm]")
    alarm = f"/alarms/{alarms_of(theatre, 'limit')[0].id}"
    album.take("alarm", alarm)
    wait_for("a message", lambda: bool(links_about_oxygen(album.receiver)), theatre)
    album.take("alarm-by-link", path_of(links_about_oxygen(album.receiver)[0]))
    album.phone.goto(theatre.page_url + alarm)
    album.phone.click("text=Tôi đã nhận, tôi xử lý")
    album.phone.wait_for_selector("[data-state=acknowledged]")
    for quat in ("ao-7-quat-3", "ao-7-quat-4"):
        row = album.phone.locator(f"[data-aerator={quat}]")
        if row.get_attribute("data-state") != "running":
            row.locator("button").click()
            album.phone.wait_for_selector(f"[data-aerator={quat}][data-state=running]")
    album.take("alarm-taken", alarm)
    album.take("unit", f"/units/{UNIT}")
    album.take("alarms", "/alarms")
    books(album)
    album.take("alarm-over", alarm)


def books(album: Album) -> None:
    """The book, a lot, its labels; what a shopper, an inspector and an officer see."""
    phone, url = album.phone, album.theatre.page_url
    album.take("records", "/records")
    album.take("crop-gate", f"/crops/{CROP}")
    album.take("record-new", f"/records/new?crop={CROP}&kind=drug_chem_use")
    album.take("product-new", "/products/new")
    album.take("crop-new", "/crops/new")
    album.take("no-network", "/no-network")
    for device, page in album.both:
        page.goto(f"{url}/records/new?crop={CROP}&kind=harvest")
        page.fill("#f_kg", "nhiều")
        page.click("main form button")
        page.wait_for_selector(".warning")
        album.keep(f"record-wrong-{device}", page)
    phone.fill("#f_kg", "2.500")
    phone.click("main form button")
    phone.click("text=Lập lô hàng >> nth=0")
    phone.wait_for_selector("#labels")
    lot = phone.url.removeprefix(url).partition("#")[0]
    phone.click("text=Cấp tem")
    phone.wait_for_selector("[data-label]")
    label = str(phone.locator("[data-label]").first.get_attribute("data-label"))
    album.take("lot", lot)
    path = label.removeprefix(url)
    album.take("passport", path)
    album.take("passport-altered", path[:-1] + ("A" if path[-1] != "A" else "B"))
    album.take("passport-english", f"{path}&lang=en" if "?" in path else path)
    album.enter(INSPECTOR, is_pin=False)
    album.take("check", "/check", wait="#check[data-ready]")
    for _, page in album.both:
        page.fill("#typed", label)
        page.click(".typed button")
    album.take("check-genuine", wait=".verdict.good")
    album.enter(OFFICER, is_pin=False)
    album.take("board", "/")
    album.take("vessel", "/vessels/KH-95123-TS")
    album.take("error", "/units/khong-co")
    album.enter(FARMER)
    for device, page in album.both:
        page.goto(url + lot)
        page.click("#recall summary")
        page.fill("#reason", "phát hiện kháng sinh vượt mức")
        page.fill("#rphone", "0905 123 456")
        album.keep(f"recall-{device}", page)
    phone.check("#recall input[type=checkbox]")
    phone.click("#recall form button")
    phone.wait_for_selector(".recalled")
    album.take("passport-recalled", path)


def links_about_oxygen(receiver: Receiver) -> list[str]:
    """Return the links of the messages about the pond's oxygen."""
    told = [one["message"] for one in receiver.messages]
    return [one.split()[-1] for one in told if "Ao 7: oxy" in one]


def path_of(url: str) -> str:
    """Return what stands behind the host."""
    return "/" + url.split("/", 3)[3]


@contextmanager
def a_demo(theatre: Theatre) -> Iterator[str]:
    """The same platform's site once more, as visitors of a demo find it."""
    port = free_port()
    environ = {
        "GREENWATER_HOME": str(theatre.home.path),
        "GREENWATER_CLOCK": str(theatre.clock),
        "GREENWATER_WEB_IS_DEMO": "true",
        "GREENWATER_PUBLIC_URL": theatre.page_url,
    }
    site = subprocess.Popen(
        greenwater("web", "--port", str(port)),
        env=clean_environ() | environ,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for("the demo's page", lambda: answers(port), theatre)
        yield f"http://127.0.0.1:{port}"
    finally:
        site.terminate()
        site.wait(30)


def main(folder: Path) -> None:
    """Play, look, keep."""
    folder.mkdir(parents=True, exist_ok=True)

    def prepare(registry: Registry, home: Home, _stage: Stage) -> None:
        add_people(registry)
        registry.add_contact(FARM, FARMER, receiver.url, place=0)
        telemetry = open_telemetry(home.telemetry_url)
        open_books(
            registry,
            telemetry,
            open_signer(home.path / "keys", registry, milliseconds(OPENS - CROP_AGE)),
            OPENS,
            withdrawal_left=timedelta(minutes=45),
            public_url="http://127.0.0.1",
        )
        telemetry.close()

    casting = [
        Casting("oxygen-crash", PASSED, CROP_AGE),
        Casting("tuna-trip", timedelta(days=2)),
    ]
    with (
        receiving() as receiver,
        tempfile.TemporaryDirectory(prefix="greenwater-pictures-") as temporary,
    ):
        place = Path(temporary)
        stage = playing(
            place / "home", Embedded(), casting, opens=OPENS, speed=120, prepare=prepare
        )
        with (
            stage as theatre,
            sync_playwright() as play,
            browsing(place / "phone", play=play, device_scale_factor=1) as phone,
            browsing(place / "desk", play=play, **DESK) as desk,
        ):
            tour(Album(folder, theatre, receiver, phone, desk))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
