"""Plays the demo's night and takes a picture of every page: ``make screenshots``.

    python -m tests.stories.screenshots docs/screenshots

Pictures are for people to look at: they go into the documentation, and nothing compares
them. First the scenes of the two stories, in their order; then, as each role, one page of
every kind that a link leads to.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

from cli.demo.night import tonight as tonight_of
from cli.demo.phones import add_calls, gateway
from cli.demo.running import NIGHT, STORIES, open_the_books
from cli.demo.shrimp_farm import CROP, FARM, FARMER, INSPECTOR, UNIT
from cli.demo.simulation import Simulation
from cli.demo.tuna_boat import OWNER
from cli.home import Home
from cli.processes import answers, free_port, greenwater
from firmware_sim.scenarios import load_scenario
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.people import Role
from tests.chromium import browsing
from tests.live.system import ROOT, clean_environ
from tests.pages.walking import Walk
from tests.stories.album import DESK, Album, name_of
from tests.stories.receiver import Receiver, receiving
from tests.stories.scenes import alarms_of, wait_for
from tests.stories.theatre import Embedded, Theatre, playing

TONIGHT = tonight_of(load_scenario(NIGHT), datetime(2026, 6, 2, 5, tzinfo=UTC))
OPENS = TONIGHT.opens
PLAYED = (STORIES[0]._replace(passed=OPENS - TONIGHT.began), *STORIES[1:])
SPEED = 30.0
WITHDRAWAL_LEFT = timedelta(minutes=45)
"""Over when the alarm comes; a slow machine has taken the refusal before."""

STEPS_IN = (
    "",
    FARMER,
    "anh-bon",
    INSPECTOR,
    "chi-xuan",
    "chi-hoa",
    "anh-duc",
    "anh-quan",
)
"""Who walks through the site, nobody in particular first."""


ALIKE = ("hours", "next", "unit", "kind", "kind&site", "trip", "corrects")
"""What is asked of pages that look as others do without it."""

SHOWN = {"alarms-one", "lots-one", "units-one"}
"""Pages that a scene has shown already."""


class Sightseeing(Walk):
    """A walk that takes pictures instead of finding fault."""

    asks_files = False

    def __init__(self, album: Album) -> None:
        super().__init__(album.base, album.phone.context)
        self._album = album

    def look(self, kind: str, path: str) -> None:
        """Take one page of a kind, on both devices."""
        name = name_of(kind)
        is_like = kind.partition("?")[2] in ALIKE or name in SHOWN
        if name not in self._album.titles and not is_like:
            self._album.take(name, path)


def enter(album: Album, person: str) -> None:
    """Step into a role, on both devices."""
    for _, page in album.both:
        page.context.clear_cookies()
        if person:
            answer = page.context.request.post(f"{album.base}/demo/{person}")
            assert answer.ok, person


def tonight(album: Album, theatre: Theatre, receiver: Receiver) -> None:
    """The night: calm, an alarm, somebody who takes care, the morning."""
    enter(album, FARMER)
    album.take("crop-refused", f"/crops/{CROP}")
    album.take("farm-calm", "/")
    enter(album, "")
    album.take("demo", "/demo")
    enter(album, FARMER)
    wait_for("an alarm", lambda: bool(alarms_of(theatre, "limit")), theatre)
    album.take("farm-alarm", "/", wait="[data-alarm]")
    album.take("demo-alarm", "/demo")
    alarm = f"/alarms/{alarms_of(theatre, 'limit')[0].id}"
    album.take("alarm", alarm)
    wait_for("a message", lambda: bool(links_about_oxygen(receiver)), theatre)
    album.take("alarm-by-link", path_of(links_about_oxygen(receiver)[0]))
    phone = album.phone
    phone.goto(theatre.page_url + alarm)
    phone.click("text=Tôi đã nhận, tôi xử lý")
    phone.wait_for_selector("[data-state=acknowledged]")
    for quat in ("ao-7-quat-3", "ao-7-quat-4"):
        row = phone.locator(f"[data-aerator={quat}]")
        if row.get_attribute("data-state") != "running":
            row.locator("summary").click()
            row.locator("button").click()
            phone.wait_for_selector(f"[data-aerator={quat}][data-state=running]")
    album.take("alarm-taken", alarm)
    album.take("unit-night", f"/units/{UNIT}")


def road(album: Album) -> None:
    """From the book to a lot, its labels, a shopper, an inspector, a recall."""
    phone, url = album.phone, album.base
    for _, page in album.both:
        page.goto(f"{url}/records/new?crop={CROP}&kind=harvest")
        page.fill("#f_kg", "nhiều")
        page.click("main form button")
        page.wait_for_selector(".warning")
    album.take("record-wrong")
    phone.fill("#f_kg", "26")
    phone.click("main form button")
    phone.click("text=Lập lô hàng >> nth=0")
    phone.wait_for_selector("#labels")
    lot = phone.url.removeprefix(url).partition("#")[0]
    path = issued(album, lot)
    album.take("lot", lot)
    album.take("passport", path)
    album.take("passport-altered", path[:-1] + ("A" if path[-1] != "A" else "B"))
    album.take("passport-english", f"{path}&lang=en")
    album.take("error", "/units/khong-co?lang=vi")
    enter(album, INSPECTOR)
    for _, page in album.both:
        page.goto(f"{url}/check")
        page.wait_for_selector("#check[data-ready]")
        page.fill("#typed", url + path)
        page.click(".typed button")
    album.take("check-valid", wait=".verdict:not([hidden])")
    enter(album, FARMER)
    for _, page in album.both:
        page.goto(url + lot)
        page.click("#recall summary")
        page.fill("#reason", "phát hiện kháng sinh vượt mức")
        page.fill("#rphone", "0905 123 456")
    album.take("recall", at="#recall")
    phone.check("#recall input[type=checkbox]")
    phone.click("#recall form button")
    phone.wait_for_selector(".recalled")
    album.take("passport-recalled", path)


def caught(album: Album, theatre: Theatre) -> None:
    """The fleet as who watches it sees it; what a shopper sees of a boat's catch."""
    enter(album, INSPECTOR)
    album.take("fleet", "/fleet", wait=".seamark")
    with open_registry(theatre.home.registry_url) as registry:
        lot = next(one.id for one in registry.lots() if one.landing)
    enter(album, OWNER)
    album.take("passport-catch", issued(album, f"/lots/{lot}"))


def issued(album: Album, lot: str) -> str:
    """Issue labels of a lot; return the address of one, behind the host."""
    album.phone.goto(album.base + lot)
    with album.phone.expect_navigation():
        album.phone.click("#labels form[method=post] button")
    found = album.phone.locator("[data-label]").first
    return path_of(str(found.get_attribute("data-label")))


def doors(album: Album, theatre: Theatre) -> None:
    """What who has not signed in finds where it is no demo; an invitation, and its page."""
    enter(album, "")
    with elsewhere(theatre) as url:
        album.take("landing", f"{url}/")
    enter(album, FARMER)
    for _, page in album.both:
        page.goto(f"{album.base}/account/invitations")
        page.click("main form button.main")
        page.wait_for_selector(".shown")
    album.take("invitation-made")
    asked = [page.inner_text(".shown code") for _, page in album.both]
    enter(album, "")
    for (_, page), address in zip(album.both, asked, strict=True):
        page.goto(album.base + path_of(address))
    album.take("join")


def first_day(album: Album, theatre: Theatre) -> None:
    """What a farmer finds who was invited this minute, and has nothing yet."""
    with open_registry(theatre.home.registry_url) as registry:
        registry.add_organisation("sim-ho-moi", "Hộ mới (mô phỏng)")
        registry.add_person("chi-mai", "Lê Thị Mai", "0900000099")
        registry.add_member("chi-mai", "sim-ho-moi", Role.FARMER)
    enter(album, "chi-mai")
    for name, path in (
        ("empty-farm", "/"),
        ("empty-alarms", "/alarms"),
        ("empty-book", "/records"),
        ("first-pond", "/units/new"),
    ):
        album.take(name, path)


@contextmanager
def elsewhere(theatre: Theatre) -> Iterator[str]:
    """The same platform's site once more, as it is where it is no demo."""
    port = free_port()
    environ = {
        "GREENWATER_HOME": str(theatre.home.path),
        "GREENWATER_CLOCK": str(theatre.clock),
    }
    site = subprocess.Popen(
        greenwater("web", "--port", str(port)),
        env=clean_environ() | environ,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for("the other site", lambda: answers(port), theatre)
        yield f"http://127.0.0.1:{port}"
    finally:
        site.kill()  # it keeps nothing
        site.wait(30)


def everything(album: Album) -> None:
    """One page of every kind, as each role."""
    walk = Sightseeing(album)
    for person in STEPS_IN:
        enter(album, person)
        starts = ["/", "/account"] if person else ["/sign-in", "/check", "/no-network"]
        walk.go(person, starts)


def links_about_oxygen(receiver: Receiver) -> list[str]:
    """Return the links of the messages about the pond's oxygen."""
    told = [one["message"] for one in receiver.messages]
    return [one.split()[-1] for one in told if "Ao 7: oxy" in one]


def path_of(url: str) -> str:
    """Return what stands behind the host."""
    return "/" + url.split("/", 3)[3]


def main(folder: Path) -> None:
    """Play, look, keep."""
    folder.mkdir(parents=True, exist_ok=True)

    def prepare(registry: Registry, home: Home, _stage: Simulation) -> None:
        open_the_books(
            home,
            registry,
            OPENS,
            withdrawal_left=WITHDRAWAL_LEFT,
            public_url="http://127.0.0.1",
        )
        add_calls(registry)
        registry.add_contact(FARM, FARMER, receiver.url, place=0)

    with (
        ExitStack() as stack,
        receiving() as receiver,
        tempfile.TemporaryDirectory(prefix="greenwater-pictures-") as temporary,
    ):
        place = Path(temporary)
        via = stack.enter_context(gateway(place / "home", lambda: OPENS))
        stage = playing(
            place / "home",
            Embedded(),
            PLAYED,
            opens=OPENS,
            speed=SPEED,
            prepare=prepare,
            sms_via=via,
        )
        with (
            stage as theatre,
            sync_playwright() as play,
            browsing(
                place / "phone", play=play, lang="vi", device_scale_factor=1
            ) as phone,
            browsing(place / "desk", play=play, lang="vi", **DESK) as desk,
        ):
            for old in (*folder.glob("*.png"), *folder.glob("*.webp")):
                old.unlink()
            album = Album(folder, theatre.page_url, phone, desk)
            tonight(album, theatre, receiver)
            road(album)
            caught(album, theatre)
            doors(album, theatre)
            first_day(album, theatre)
            everything(album)
            album.write_index()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
