"""The page in a real browser: live, with gaps, and with nothing to complain about."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from tests.chromium import DESKTOP, browsing, chromium
from tests.pages.serving import served
from tests.pages.world import DO, HOLE_MS, NOW_MS, TOP, World, open_world
from web.app import create_app
from web.assets import STATIC

pytestmark = pytest.mark.live

PLOT = STATIC / "vendor" / "uplot" / "uPlot.iife.min.js"
LINES = "document.querySelector('[data-unit=ao-1] figure').plot"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    chromium()
    desk = {**DESKTOP, "is_mobile": False, "has_touch": False}
    with browsing(tmp_path_factory.mktemp("browser"), **desk) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """A province of our own, served; and its address."""
    with (
        open_world(tmp_path_factory.mktemp("seen")) as world,
        served(create_app(world.services)) as url,
    ):
        yield world, url


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize(
    "path", ["/?lang=vi", "/?lang=en", "/units/ao-1", "/vessels/KH-95123-TS"]
)
def test_nothing_is_wider_than_the_screen(
    page: Page, seen: tuple[World, str], width: int, path: str
) -> None:
    complaints: list[str] = []

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error":
            complaints.append(said.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(seen[1] + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []


def test_new_readings_appear_without_a_reload(
    page: Page, seen: tuple[World, str]
) -> None:
    world, address = seen
    page.goto(address + "/?lang=vi")
    page.evaluate("window.isTheSamePage = true")
    reading = Reading(DeviceId("box-1"), ProbeId(TOP), DO, NOW_MS, 9.9)
    world.telemetry.write([reading])
    shown = page.locator(f'[data-value="box-1/{TOP}/{DO}"] b').first
    expect(shown).to_contain_text("9,9", timeout=15_000)
    assert page.evaluate("window.isTheSamePage") is True


@pytest.mark.skipif(not PLOT.is_file(), reason="uPlot is not built into web/static")
def test_two_lines_share_a_chart_and_a_gap_of_one_stays_a_gap(
    page: Page, seen: tuple[World, str]
) -> None:
    """The other line has points all through the gap, which must not bridge it."""
    page.set_viewport_size({"width": 1280, "height": 2400})
    page.goto(seen[1] + "/?lang=vi")
    page.wait_for_function(f"() => {LINES}")
    times, *columns = page.evaluate(f"{LINES}.data.map((c) => Array.from(c))")
    top, bottom = columns[1], columns[4]
    inside = [
        (above, below)
        for time, above, below in zip(times, top, bottom, strict=True)
        if HOLE_MS[0] + 300_000 <= time * 1000 < HOLE_MS[1] - 300_000
    ]
    assert len(inside) > 15
    assert all(above is not None for above, _ in inside)
    # A null is a gap to uPlot; what is merely undefined it would draw across.
    kinds = page.evaluate(
        f"{LINES}.data[0].map((t, i) => [t, {LINES}.data[5][i] === null]).filter("
        f"([t]) => t >= {HOLE_MS[0] / 1000 + 300} && t < {HOLE_MS[1] / 1000 - 300}"
        ").every(([, isNull]) => isNull)"
    )
    assert kinds is True
    assert all(below is None for _, below in inside)
    assert math.isclose(min(v for v in bottom if v is not None), 4.2, abs_tol=1.2)


def test_a_lost_server_is_admitted(page: Page, tmp_path: Path) -> None:
    lost = page.locator("#lost")
    with open_world(tmp_path) as world, served(create_app(world.services)) as url:
        page.goto(f"{url}/?lang=vi")
        expect(lost).to_be_hidden()
    # A server that hangs is asked for 20 s before the page believes that it is lost.
    expect(lost).to_be_visible(timeout=60_000)
    expect(lost).to_contain_text("Mất kết nối với máy chủ từ ")
    expect(lost).to_contain_text("Số trên trang là số cũ.")
