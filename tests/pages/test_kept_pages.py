"""Public pages are kept, and never a moment longer than what they tell."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from greenwater.kernel.clock import ManualClock
from greenwater.storage.registry import Registry
from greenwater.storage.registry.change_marks import Stamp
from greenwater.storage.registry.inspections import Inspection, InspectorKey
from tests.pages.farms import GTINS, PHONES, PIN, Farms
from tests.pages.reading_pages import parse_page
from tests.pages.world import NOW, NOW_MS, open_empty
from traceability.label.labels import Labels
from web.app import create_app
from web.labels.kept_pages import MOST_ADDRESS, KeptPages, may_keep
from web.labels.kept_passports import MOST as MOST_LOTS
from web.labels.kept_passports import KeptPassports

FEW = 4
"""So many statements ask whether a kept page holds, with those that write down scans which
were counted since."""


class SteadyClock(ManualClock):
    """Stands still, while what waits for it really waits."""

    def real_seconds(self, simulated: float) -> float:
        return simulated


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("kept")
    with open_empty(folder) as world:
        made = Farms(world, folder)
        made.services = replace(made.services, clock=SteadyClock(NOW))
        yield made


class Site:
    """A site, a label of hoa's, and whether its page was made or kept."""

    def __init__(self, farms: Farms, client: TestClient) -> None:
        self.registry, self.client = farms.registry, client
        services = farms.services
        self.labels = Labels(
            farms.registry,
            farms.signer,
            services.clock,
            services.public_url,
            os.urandom,
        )
        self.lot = farms.lots["hoa"]
        self.label = self.labels.issue("hoa", self.lot, 1)[0]
        self.path = self.label.uri.partition("nuocxanh.example")[2]
        self._statements, self._is_made = 0, False
        event.listen(
            farms.registry._sessions.engine, "before_cursor_execute", self._count
        )

    def _count(self, _on: object, _cursor: object, statement: str, *_: object) -> None:
        if isinstance(threading.current_thread(), threading.Timer):
            return  # scans asked for before, which are counted together
        self._statements += 1
        # A label is looked up for a page that is made, and never for one that is kept.
        self._is_made |= "WHERE label.uri =" in statement

    def asks(self, path: str = "", **headers: str) -> int:
        """Ask for a page; return how many statements that took, the ``BEGIN`` aside."""
        self._statements = 0
        answer = self.client.get(path or self.path, headers=headers)
        assert answer.status_code == 200
        return self._statements // 2

    def makes(self, path: str = "", **headers: str) -> bool:
        """Ask for a page; return whether it was made anew."""
        self._is_made = False
        self.asks(path, **headers)
        return self._is_made

    def text(self) -> str:
        """Return the page as anybody gets it now."""
        return str(self.client.get(self.path).text)


@pytest.fixture
def site(farms: Farms) -> Iterator[Site]:
    with TestClient(create_app(farms.services), follow_redirects=False) as client:
        yield Site(farms, client)


def test_a_page_is_made_once_and_asked_for_again(site: Site) -> None:
    assert site.makes()
    assert site.asks() <= FEW
    assert not site.makes()
    kept = site.client.get(site.path)
    assert kept.headers["cache-control"] == "no-cache"
    assert "Cookie" in kept.headers["vary"]
    shared = parse_page(kept.text).one("meta", property="og:description")
    assert "tem có còn giá trị không" in shared.attrs["content"], "sent on, it says so"
    assert "script-src 'self'" in kept.headers["content-security-policy"]
    known = {"If-None-Match": kept.headers["etag"]}
    again = site.client.get(site.path, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    for other in ({"Accept": "application/json"}, {"Cookie": "lang=en"}):
        assert site.makes(**other), other
        assert site.asks(**other) <= FEW, other
    packed = site.client.get(site.path, headers={"Accept-Encoding": "identity"})
    assert packed.text == kept.text


def recalled(site: Site) -> None:
    site.labels.recall("hoa", site.lot, "dư lượng", "0905000001")


def freed(site: Site) -> None:
    site.labels.end_recall("hoa", site.lot)


def inspected(site: Site) -> None:
    site.registry.add_inspector_key(InspectorKey("k1", "minh", "A" * 43, "máy", NOW_MS))
    site.registry.add_inspection(
        Inspection(
            "i1", "hoa", site.lot, None, "minh", "k1", "non_conformant",
            "", "{}", NOW_MS, NOW_MS,
        ),
        [],
    )  # fmt: skip


def told_elsewhere(site: Site) -> None:
    for place in ("khanh-hoa", "ha-noi"):
        site.registry.note_scan(site.label.id, NOW_MS - NOW_MS % 3_600_000, place)


def acted(kind: str) -> Callable[[Site], None]:
    return lambda site: site.labels.act("hoa", site.label.id, kind, "rách")


CHANGES: list[tuple[Callable[[Site], None], str]] = [
    (acted("suspended"), 'data-code="suspended"'),
    (acted("resumed"), 'data-code="valid"'),
    (recalled, 'data-code="recalled"'),
    (freed, 'data-code="valid"'),
    (inspected, 'data-result="non_conformant"'),
    (told_elsewhere, 'data-part="copied"'),
    (acted("revoked"), 'data-code="revoked"'),
]


def test_what_changes_a_verdict_changes_the_page_at_once(site: Site) -> None:
    lot_page = f"/passport/{GTINS['hoa']}/{site.registry.get_lot(site.lot).code}"
    for act, shown in CHANGES:
        site.asks(lot_page)
        assert site.asks(lot_page) <= FEW
        assert shown not in site.text()
        assert site.asks() <= FEW
        act(site)
        page = site.client.get(site.path)
        assert shown in page.text, shown
        assert site.asks() <= FEW, "and that page is kept"
        if act is recalled:
            assert shown in site.client.get(lot_page).text
            last = {"If-None-Match": page.headers["etag"]}
            assert site.client.get(site.path, headers=last).status_code == 304
        if act is freed:
            assert 'data-code="recalled"' not in site.client.get(lot_page).text


def test_a_label_first_looked_at_after_a_recall_tells_of_it(site: Site) -> None:
    """What labels of a lot share is held no longer than the lot's stamp."""
    one, other = (
        label.uri.partition("nuocxanh.example")[2]
        for label in site.labels.issue("hoa", site.lot, 2)
    )
    assert 'data-code="valid"' in site.text()
    recalled(site)
    assert 'data-code="recalled"' in site.client.get(one).text
    freed(site)
    assert 'data-code="valid"' in site.client.get(other).text


def test_what_a_backup_did_not_know_turns_its_labels(farms: Farms, site: Site) -> None:
    assert 'data-code="valid"' in site.text()
    farms.registry.raise_operator_alarm(
        "carried-revoked", site.label.id, "of a backup", NOW_MS
    )
    assert 'data-code="revoked"' in site.text()
    farms.registry.clear_operator_alarm("carried-revoked", site.label.id, NOW_MS)
    assert 'data-code="valid"' in site.text()


def test_other_work_in_the_registry_leaves_pages_kept(site: Site) -> None:
    site.asks()
    site.registry.add_person("khach", "Khách")
    assert site.asks() == 1, "the stamp, which is the same"
    assert site.asks() == 0, "and nothing at all while nothing changes"


def test_scans_of_kept_pages_are_counted(site: Site) -> None:
    for _ in range(5):
        site.asks()
    deadline_s = time.monotonic() + 10
    counted = 0
    while counted < 5 and time.monotonic() < deadline_s:
        time.sleep(0.05)
        counted = sum(one.count for one in site.registry.scans_of(site.label.id))
    assert counted == 5


def test_who_is_signed_in_gets_pages_of_his_own(site: Site) -> None:
    site.asks()
    site.client.post("/sign-in", data={"phone": PHONES["hoa"], "secret": PIN})
    assert site.makes()
    assert site.makes(), "never kept"
    assert "no-store" in site.client.get(site.path).headers["cache-control"]
    site.client.cookies.clear()
    assert site.asks() <= FEW, "and his left no trace"
    assert "hoa</a>" not in site.text()


def test_unknown_and_altered_labels_are_not_kept(site: Site) -> None:
    altered = site.path[:-1] + ("x" if site.path[-1] != "x" else "y")
    assert site.makes(altered)
    assert site.makes(altered)
    site.client.get("/passport/09521234543213/NONE")
    assert site.client.get("/passport/09521234543213/NONE").status_code == 404


class Marked:
    """As much of a registry as kept pages ask, with nothing ever changed."""

    def mark(self) -> str:
        return "m"

    def stamp_of(self, _lot: str, _label: str | None = None) -> Stamp:
        return Stamp((1,), (1,))


class Numbered:
    """A site all of whose pages are public and large; counts those that it makes."""

    made = 0

    async def __call__(self, scope: Any, _receive: object, send: Any) -> None:
        self.made += 1
        may_keep(scope, cast(Registry, Marked()), "lot")
        start = {"type": "http.response.start", "status": 200, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": b"x" * 100_000})


def test_pages_that_are_kept_have_a_bound_and_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Numbered()
    pages = KeptPages(made, cast(Registry, Marked()), SteadyClock(NOW))
    now_s = time.monotonic()

    def ask(query: str) -> None:
        scope: Any = {
            "type": "http", "method": "GET", "scheme": "http", "path": "/01/1",
            "query_string": query.encode(), "headers": [],
        }  # fmt: skip

        async def unasked() -> Any:
            raise AssertionError("the body was read")

        async def forget(_message: object) -> None: ...

        anyio.run(pages.__call__, scope, unasked, forget)

    for number in range(400):  # 40 MB of pages, 32 of which are kept
        ask(f"n={number}")
    ask("n=399")
    assert made.made == 400
    assert 300 < len(pages._kept) < 330
    ask("n=399&" + "x" * MOST_ADDRESS)
    assert len(pages._kept) < 330, "whatever is written behind an address takes no room"
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 1000)
    ask("n=1000")
    assert len(pages._kept) == 1


def test_what_is_kept_of_lots_has_a_bound_and_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = KeptPassports(cast(Registry, Marked()), SteadyClock(NOW))
    for number in range(MOST_LOTS + 20):
        kept.seen(f"lot-{number}", Stamp((1,), (1,)))
    assert len(kept._seen) == MOST_LOTS
    now_s = time.monotonic() + 1000
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    kept.seen("lot-0", Stamp((1,), (1,)))
    assert len(kept._seen) == 1


def test_a_withdrawn_key_is_told_apart_and_hides_no_recall(
    farms: Farms, site: Site
) -> None:
    """The last of this file: no label of the farms is good afterwards."""
    assert 'data-code="valid"' in site.text()
    farms.registry.revoke_signing_key(farms.signer.kid, at_ms=NOW_MS)
    page = site.text()
    assert 'data-code="revoked"' in page
    assert "Khóa ký tem này đã bị hủy" in page
    assert "Cơ sở đã hủy" not in page, "it was not the firm"
    assert 'data-part="recalled"' not in page
    recalled(site)
    page = site.text()
    assert 'data-code="revoked"' in page
    told = parse_page(page).one("p", **{"data-part": "recalled"}).text
    assert "dư lượng" in told
    assert "0905000001" in told
