"""The page in a real browser: live, with gaps, and with nothing to complain about."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from tests.chromium import chromium
from tests.pages.browser import Page, open_browser
from tests.pages.world import DO, HOLE_MS, NOW_MS, TOP, World, open_world
from web.app import create_app
from web.assets import STATIC
from web.server import serve

pytestmark = pytest.mark.live

PLOT = STATIC / "vendor" / "uplot" / "uPlot.iife.min.js"
LINES = "document.querySelector('[data-unit=ao-1] figure').plot"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_browser(chromium(), tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """A province of our own, served; and its address."""
    stop, ready = threading.Event(), threading.Event()
    ports: list[int] = []

    def opened(port: int) -> None:
        ports.append(port)
        ready.set()

    with open_world(tmp_path_factory.mktemp("seen")) as world:
        thread = threading.Thread(
            target=serve,
            args=(create_app(world.services), "127.0.0.1", 0, stop),
            kwargs={"on_ready": opened},
        )
        thread.start()
        assert ready.wait(90)
        yield world, f"http://127.0.0.1:{ports[0]}"
        stop.set()
        thread.join(10)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 600), (1280, 900)])
@pytest.mark.parametrize(
    "path", ["/?lang=vi", "/?lang=en", "/units/ao-1", "/vessels/KH-95123-TS"]
)
def test_nothing_is_wider_than_the_screen(
    browser: Page, seen: tuple[World, str], width: int, height: int, path: str
) -> None:
    browser.complaints.clear()
    browser.size(width, height, phone=width < 500)
    browser.open(seen[1] + path)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.complaints == []


def test_new_readings_appear_without_a_reload(
    browser: Page, seen: tuple[World, str]
) -> None:
    world, address = seen
    browser.size(1280, 900)
    browser.open(address + "/?lang=vi")
    browser.value("window.isTheSamePage = true")
    reading = Reading(DeviceId("box-1"), ProbeId(TOP), DO, NOW_MS, 9.9)
    world.telemetry.write([reading])
    shown = f"document.querySelector('[data-value=\"box-1/{TOP}/{DO}\"] b').textContent"
    browser.wait(f"{shown}.startsWith('9,9')")
    assert browser.value("window.isTheSamePage") is True


@pytest.mark.skipif(not PLOT.is_file(), reason="uPlot is not built into web/static")
def test_two_lines_share_a_chart_and_a_gap_of_one_stays_a_gap(
    browser: Page, seen: tuple[World, str]
) -> None:
    """The other line has points all through the gap, which must not bridge it."""
    browser.size(1280, 2400)
    browser.open(seen[1] + "/?lang=vi")
    browser.wait(LINES)
    times, *columns = browser.value(f"{LINES}.data.map((c) => Array.from(c))")
    top, bottom = columns[1], columns[4]
    inside = [
        (above, below)
        for time, above, below in zip(times, top, bottom, strict=True)
        if HOLE_MS[0] + 300_000 <= time * 1000 < HOLE_MS[1] - 300_000
    ]
    assert len(inside) > 15
    assert all(above is not None for above, _ in inside)
    # A null is a gap to uPlot; what is merely undefined it would draw across.
    kinds = browser.value(
        f"{LINES}.data[0].map((t, i) => [t, {LINES}.data[5][i] === null]).filter("
        f"([t]) => t >= {HOLE_MS[0] / 1000 + 300} && t < {HOLE_MS[1] / 1000 - 300}"
        ").every(([, isNull]) => isNull)"
    )
    assert kinds is True
    assert all(below is None for _, below in inside)
    assert math.isclose(min(v for v in bottom if v is not None), 4.2, abs_tol=1.2)


def test_a_lost_server_is_admitted(browser: Page, tmp_path: Path) -> None:
    stop, ready = threading.Event(), threading.Event()
    ports: list[int] = []

    def opened(port: int) -> None:
        ports.append(port)
        ready.set()

    with open_world(tmp_path) as world:
        thread = threading.Thread(
            target=serve,
            args=(create_app(world.services), "127.0.0.1", 0, stop),
            kwargs={"on_ready": opened},
        )
        thread.start()
        assert ready.wait(90)
        browser.open(f"http://127.0.0.1:{ports[0]}/?lang=vi")
        assert browser.value("document.getElementById('lost').hidden") is True
        stop.set()
        thread.join(10)
    # A server that hangs is asked for 20 s before the page believes that it is lost.
    browser.wait("!document.getElementById('lost').hidden", timeout_s=60)
    told = browser.value("document.getElementById('lost').textContent")
    assert told.startswith("Mất kết nối với máy chủ từ ")
    assert told.endswith("Số trên trang là số cũ.")
