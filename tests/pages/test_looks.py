"""What docs/design-language.md promises of looks, measured in a real browser."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.chromium import browsing, chromium
from tests.pages.farms import PHONES, PIN, Farms
from tests.pages.world import open_empty
from web.app import create_app
from web.pages import STATIC
from web.server import serve

MIN_CONTRAST = 4.5
PAIRS = [
    ("ink", "paper"), ("ink", "ground"), ("soft", "paper"), ("soft", "ground"),
    ("green", "paper"), ("grey", "paper"), ("warn", "paper"), ("paper", "green"),
    ("paper", "sim"), ("good", "good-bg"), ("doubt", "doubt-bg"), ("bad", "bad-bg"),
    ("lost", "lost-bg"), ("paper", "bad"), ("ink", "doubt-bg"), ("ink", "bad-bg"),
    ("soft", "doubt-bg"), ("soft", "bad-bg"), ("soft", "lost-bg"),
]  # fmt: skip

SMALL = """
() => [...document.querySelectorAll("a.button, button, nav a, input, select, summary")]
  .filter((one) => !["hidden", "checkbox", "file"].includes(one.type) && one.checkVisibility())
  .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect().height])
  .filter(([, height]) => height > 0 && height < 43.5)
"""
WIDER = (
    "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
)


def tokens() -> dict[str, str]:
    css = (STATIC / "site.css").read_text()
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})\b", css))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(one * 2 for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(text: str, ground: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 : 1."""
    found = tokens()
    bright, dark = sorted((luminance(found[text]), luminance(found[ground])))[::-1]
    assert (bright + 0.05) / (dark + 0.05) >= MIN_CONTRAST


@pytest.fixture(scope="module")
def farm_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Farms, str]]:
    chromium()
    stop, ready = threading.Event(), threading.Event()
    ports: list[int] = []

    def opened(port: int) -> None:
        ports.append(port)
        ready.set()

    folder: Path = tmp_path_factory.mktemp("looks")
    with open_empty(folder) as world:
        farms = Farms(world, folder)
        thread = threading.Thread(
            target=serve,
            args=(create_app(farms.services), "127.0.0.1", 0, stop),
            kwargs={"on_ready": opened},
        )
        thread.start()
        try:
            assert ready.wait(90)
            yield farms, f"http://127.0.0.1:{ports[0]}"
        finally:
            stop.set()
            thread.join(10)


@pytest.fixture(scope="module")
def phone(
    farm_site: tuple[Farms, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    narrow: dict[str, Any] = {"viewport": {"width": 360, "height": 640}}
    with browsing(tmp_path_factory.mktemp("narrow"), **narrow) as context:
        page = context.new_page()
        page.goto(farm_site[1] + "/sign-in")
        page.fill("#phone", PHONES["hoa"])
        page.fill("#secret", PIN)
        page.click("main form button")
        page.wait_for_url(lambda url: "/sign-in" not in url)
        page.close()
        yield context


PLACES = (
    "/", "/alarms", "/alarms/{alarm}", "/units/{unit}", "/units/{unit}/service", "/records", "/crops/{crop}",
    "/lots/{lot}", "/goods", "/goods/{lot}", "/records/new?crop={crop}&kind=drug_chem_use", "/products/new",
    "/records/new?crop={crop}", "/records/{record}", "/records/import",
    "/check", "/demo", "/sign-in", "/no-such-page",
    "/account", "/account/who-sees", "/account/second-factor", "/account/invitations",
)  # fmt: skip


@pytest.mark.live
@pytest.mark.parametrize("place", PLACES)
def test_a_thumb_finds_everything_on_the_narrowest_phone(
    farm_site: tuple[Farms, str], phone: BrowserContext, place: str
) -> None:
    farms, url = farm_site
    path = place.format(
        alarm=farms.alarms["hoa"],
        unit="hoa-ao",
        crop="hoa-vu",
        lot=farms.lots["hoa"],
        record=farms.records["hoa"],
    )
    page: Page = phone.new_page()
    said: list[str] = []
    page.on(
        "console", lambda one: said.append(one.text) if one.type == "error" else None
    )
    page.on("pageerror", lambda one: said.append(str(one)))
    page.goto(url + path)
    page.wait_for_selector("main")
    assert page.evaluate(WIDER) <= 0, "nothing is wider than the screen"
    assert page.evaluate(SMALL) == []
    page.close()
    if place != "/no-such-page":
        assert said == []
