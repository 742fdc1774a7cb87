"""Who comes in, and what nobody can make the site do behind a person's back."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

import web
from greenwater.kernel.ids import DeviceId
from greenwater.reference.records import KINDS
from greenwater.reference.vessel_records import VESSEL_KINDS
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.watching import Notification
from tests.pages.farms import BOATS, GTINS, PHONES, PIN, Farms, csrf, enter, pin_hash
from tests.pages.reading_pages import parse_page
from tests.pages.world import HOUR_MS, NOW, NOW_MS, open_empty
from web.app import create_app
from web.door.doors import COOKIE, csrf_of, safe_next
from web.words import WORDS, Lang


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("farms")
    with open_empty(folder) as world:
        yield Farms(world, folder)


@pytest.fixture
def visitor(farms: Farms) -> Iterator[TestClient]:
    """Somebody who has not signed in, at a site of his own (it remembers wrong tries)."""
    with TestClient(create_app(farms.services), follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize(
    "written", ["0905000001", "0905 000 001", "+84905000001", "0905.000.001"]
)
def test_a_number_may_be_written_as_people_do(
    visitor: TestClient, written: str
) -> None:
    answer = visitor.post("/sign-in", data={"phone": written, "secret": PIN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_cookie_is_for_the_server_alone(visitor: TestClient) -> None:
    answer = visitor.post("/sign-in", data={"phone": PHONES["hoa"], "secret": PIN})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie, "this site is plain http"
    answer = visitor.post(
        "https://testserver/sign-in", data={"phone": PHONES["hoa"], "secret": PIN}
    )
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_new_session_at_every_sign_in(visitor: TestClient) -> None:
    chosen = {"cookie": f"{COOKIE}=chosen-by-somebody-else"}
    form = {"phone": PHONES["hoa"], "secret": PIN}
    visitor.post("/sign-in", data=form, headers=chosen)
    first = visitor.cookies[COOKIE]
    assert first != "chosen-by-somebody-else"
    visitor.cookies.clear()
    assert enter(visitor, "hoa").cookies[COOKIE] != first


def test_what_is_kept_of_a_session_does_not_open_it(
    farms: Farms, visitor: TestClient
) -> None:
    enter(visitor, "hoa")
    database = (farms.world.registry._sessions.engine.url.database) or ""
    assert visitor.cookies[COOKIE].encode() not in Path(database).read_bytes()


def test_signing_out_ends_the_session_for_good(visitor: TestClient) -> None:
    token = enter(visitor, "hoa").cookies[COOKIE]
    assert visitor.get("/alarms").status_code == 200
    answer = visitor.post("/sign-out", data={"csrf": csrf(visitor)})
    assert answer.status_code == 303
    visitor.cookies.set(COOKIE, token)
    assert visitor.get("/alarms").headers["location"] == "/sign-in?next=%2Falarms"


def test_a_farmers_session_ends_after_ninety_days(
    farms: Farms, visitor: TestClient
) -> None:
    enter(visitor, "hoa")
    farms.world.clock.advance(timedelta(days=89))
    try:
        assert visitor.get("/alarms").status_code == 200
        farms.world.clock.advance(timedelta(days=2))
        assert visitor.get("/alarms").status_code == 303
    finally:
        farms.world.clock.advance(NOW - farms.world.clock.now())


def test_what_stood_in_a_form_that_came_too_late_comes_back(
    visitor: TestClient,
) -> None:
    """The session ended while somebody wrote; on a browser that runs no scripts too."""
    enter(visitor, "hoa")
    form = {"csrf": csrf(visitor), "reason": "thay màng <b>", "old": "mã bí mật"}
    visitor.post("/sign-out", data={"csrf": form["csrf"]})
    page = {"referer": "http://testserver/units/hoa-ao/service?hours=6"}
    for path in ("/units/hoa-ao/service", "/records/x/photos"):
        answer = visitor.post(path, data=form, headers=page)
        main = parse_page(answer.text).one("main")
        assert "phiên đăng nhập đã hết" in main.text.lower(), (path, main.text)
        assert (answer.status_code, main.one("ul").text) == (403, "thay màng <b>")
        way = main.one("a", class_="main").attrs["href"]
        assert way == "/sign-in?next=%2Funits%2Fhoa-ao%2Fservice%3Fhours%3D6"
    enter(visitor, "hoa")
    answer = visitor.post("/units/hoa-ao/service", data=form, headers=page)
    way = parse_page(answer.text).one("main").one("a", class_="main").attrs["href"]
    assert way == "/units/hoa-ao/service?hours=6", "in again elsewhere: a new form"
    page = {"referer": "https://evil.example/units/hoa-ao/service"}
    answer = visitor.post("/units/hoa-ao/service", data=form, headers=page)
    assert "evil.example" not in answer.text


def test_the_language_is_changed_on_the_page_of_a_form_that_was_answered(
    visitor: TestClient,
) -> None:
    """What answers a form stands where nothing can be opened: links lead to its page."""
    enter(visitor, "hoa")
    page = {"referer": "http://testserver/units/new?lang=vi"}
    answer = visitor.post("/units", data={"csrf": csrf(visitor)}, headers=page)
    assert answer.status_code == 422
    for one in ("switch", "theme=dark"):
        href = re.search(
            rf'<a (?:class="{one}" )?href="(/units/new[^"]*)"', answer.text
        )
        assert href, (one, answer.text)
        assert visitor.get(html.unescape(href[1])).status_code == 200
    answer = visitor.get("/units/hoa-ao/service/end?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (
        303, "/units/hoa-ao/service?lang=en"
    )  # fmt: skip


@pytest.mark.parametrize("phone", [PHONES["binh"], "0905999999", "không phải số"])
def test_wrong_tries_wait_longer_and_longer_whether_the_number_is_anybodys_or_not(
    farms: Farms, visitor: TestClient, phone: str
) -> None:
    told = []
    for _ in range(5):
        answer = visitor.post("/sign-in", data={"phone": phone, "secret": "999999"})
        assert answer.status_code == 422
        told.append(parse_page(answer.text).one(class_="warning").text)
    assert len(set(told[:3])) == 1, "one sentence, whichever of the two was wrong"
    assert "30" in told[3], "the wait is named"
    asked: list[str] = []
    engine = farms.registry._sessions.engine
    count = lambda _c, _x, sql, *_: asked.append(sql.split()[0])  # noqa: E731
    event.listen(engine, "before_cursor_execute", count)
    right = visitor.post("/sign-in", data={"phone": phone, "secret": PIN})
    event.remove(engine, "before_cursor_execute", count)
    assert right.status_code == 422, "too early, even with the right one"
    is_number = phone[0].isdigit()
    assert asked.count("SELECT") == 1 + is_number, "as long for a number nobody has"
    assert enter(visitor, "hoa").get("/").status_code == 200, "others are not kept out"
    farms.registry.end_try("binh", forgives=True)


def test_one_address_does_not_try_every_number(farms: Farms) -> None:
    with TestClient(create_app(farms.services)) as client:
        codes = [
            client.post(
                "/sign-in", data={"phone": f"09051{n:05}", "secret": "999999"}
            ).text
            for n in range(40)
        ]
        assert "30" in parse_page(codes[-1]).one(class_="warning").text


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "\\\\evil", "evil",
     "javascript:alert(1)", "/%5cevil\\x", "///evil", "/\\/evil", " //evil", "/\t/evil.example",
     "/\n/evil.example", "\t//evil.example"],
)  # fmt: skip
def test_the_way_back_is_a_page_of_ours(visitor: TestClient, target: str) -> None:
    answer = visitor.post(
        "/sign-in", data={"phone": PHONES["hoa"], "secret": PIN, "next": target}
    )
    assert answer.headers["location"] == "/"
    assert safe_next("/alarms?x=1") == "/alarms?x=1"


ROUTE = re.compile(r"\broutes\.(get|post)\(\s*\"([^\"]+)\"")
"""How every route of the site is written (``app.routes`` hides included ones)."""


def routes_of(method: str) -> list[str]:
    text = "".join(one.read_text() for one in Path(web.__file__).parent.rglob("*.py"))
    found = {path for verb, path in ROUTE.findall(text) if verb == method}
    assert len(found) > 10, "the routes are written otherwise now"
    return sorted(found)


ASKED = {
    "/api/v1/series": "?unit={unit}&channel=dissolved_oxygen",
    "/units/{unit}/chart.json": "?channel=dissolved_oxygen",
    "/records/new": "?crop={crop}&kind=harvest",
    "/vessels/{vessel}/records/new": "?kind=catch&trip={trip}",
    "/fleet/tables": "?vessel={vessel}",
    "/fleet/trips.xlsx": "?vessel={vessel}",
    "/fleet/trips.csv": "?vessel={vessel}",
    "/fleet/hauls.csv": "?vessel={vessel}",
    "/fleet/zones.csv": "?vessel={vessel}",
    "/api/v1/trips": "?vessel={vessel}",
    "/api/v1/hauls": "?vessel={vessel}",
}


def filled(farms: Farms, path: str, farm: str) -> str:
    """Return a route's path, and what must be asked, with a farm's own things in it."""
    path += ASKED.get(path, "")
    things = {
        "unit": f"{farm}-ao", "site": f"{farm}-trai", "alarm": farms.alarms[farm],
        "crop": f"{farm}-vu", "lot": farms.lots[farm], "serial": farms.labels[farm],
        "probe": f"{farm}-quat-1", "gtin": GTINS[farm], "vessel": BOATS[farm],
        "trip": f"{farm}-bien", "span": "20260601-0", "catch": "0", "papers": "0",
        "made": "202606010000",
        "person": farm, "token": "x" * 22, "name": "keys",
        "report": farms.reports[farm], "key": "x" * 8,
        "record": farms.records[farm], "written": farms.catches[farm], "digest": "0" * 64, "override": "x",
        "session": "0" * 16, "step": "x", "short": "x" * 12, "purpose": "x", "invitation": "x", "device": f"{farm}-hop", "entry": "1",
        "channel": "dissolved_oxygen", "raft": f"{farm}-be", "inspection": "x", "dossier": farms.dossiers[farm], "certificate": farms.certificates[farm],
    }  # fmt: skip

    def thing(found: re.Match[str]) -> str:
        assert found[1] in things, (
            f"{path}: filled() in tests/pages/test_doors.py knows no {found[1]!r}: add "
            "one of a farm's own to things"
        )
        return things[found[1]]

    return re.sub(r"\{(\w+)(:\w+)?\}", thing, path)


OWN_POSTS = {
    "/sign-out", "/calls/test", "/calls/ways", "/calls/ways/push", "/calls/ways/end", "/products", "/units", "/report-label", "/scans/place", "/inspections/keys",
    "/inspections/keys/{key}/end", "/sign-in/code", "/account/sessions/end", "/account/secret",
    "/account/second-factor", "/account/second-factor/end", "/account/invitations",
    "/account/tokens",
}  # fmt: skip
"""What everybody may do, or nobody but an inspector, whose farm it ever is."""

OPEN_POSTS = {
    "/sign-in": "nobody has a session yet",
    "/demo/{person}": "a demo has no secrets",
    "/a/{token}": "the token is the secret",
    "/join/{token}": "the token is the secret",
    "/once/{token}": "the token is the secret, and only in a demo",
    "/calls/ways/push/renewed": "the browser's own name, a cookie, is the secret",
    "/api/v1/inspections": "each statement is signed by the inspector's phone",
}


def test_every_post_refuses_another_sites_form(
    farms: Farms, visitor: TestClient
) -> None:
    enter(visitor, "hoa")
    for path in routes_of("post"):
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "https://evil.example"},
            {"origin": "null"},
        ):
            answer = visitor.post(
                filled(farms, path, "hoa"),
                headers=headers,
                data={"csrf": csrf(visitor), "on": "on", "reason": "x"},
            )
            assert answer.status_code == 403, (path, headers)
    assert visitor.get("/alarms").status_code == 200, "nor was anybody signed out"


def test_every_form_carries_what_only_its_own_session_has(
    farms: Farms, visitor: TestClient
) -> None:
    enter(visitor, "hoa")
    posts = [one for one in routes_of("post") if one not in OPEN_POSTS]
    assert len(posts) >= 9
    every = {
        "harvest": farms.records["hoa"], "count": "1", "reason": "x", "phone": "0905",
        "on": "on", "sure": "on", "kind": "suspended",
    }  # fmt: skip
    for path in posts:
        for token in ("", "0" * 32, csrf_of("another session")):
            answer = visitor.post(
                filled(farms, path, "hoa"), data={**every, "csrf": token}
            )
            assert answer.status_code in (403, 422), (path, token, answer.status_code)
            assert answer.status_code == 403 or not token, path
    assert farms.registry.list_commands(DeviceId("hoa-hop")) == []
    assert farms.registry.recalls() == []
    assert farms.registry.get_alarm(farms.alarms["hoa"]).acknowledged_ms is None


PUBLIC = (
    "/01/", "/passport/", "/api/v1/passports/", "/api/v1/ledger/roots", "/check", "/api/v1/labels", "/sw.js", "/manifest", "/sign-in", "/demo", "/a/", "/join/", "/once/",
    "/card/", "/no-network", "/favicon.ico", "/report-label", "/.well-known/jwks.json", "/healthz", "/api/v1/openapi.json", "/api/v1/health", "/static",
)  # fmt: skip


def test_who_has_not_signed_in_sees_nothing_of_any_farm(
    farms: Farms, visitor: TestClient
) -> None:
    for path in routes_of("get"):
        if path == "/" or path.startswith(PUBLIC):
            continue
        answer = visitor.get(filled(farms, path, "hoa"))
        assert answer.status_code in (303, 401), (path, answer.status_code)
        assert "Ao của" not in answer.text


def test_one_farmer_sees_nothing_of_another(farms: Farms, visitor: TestClient) -> None:
    enter(visitor, "binh")
    for path in routes_of("get"):
        if path.startswith(
            ("/passport/", "/demo", "/events", "/api/v1/labels", "/card/")
        ):
            continue
        answer = visitor.get(filled(farms, path, "hoa"))
        if "{" in path + ASKED.get(path, ""):
            assert answer.status_code == 404, (path, answer.status_code)
        for words in ("Ao của hoa", "Tôm hoa", "Vụ hoa", "hoa-hop", "Trại giống hoa",
                      "Tàu hoa", "Vựa hoa"):  # fmt: skip
            assert words not in answer.text, (path, words)


def test_one_farmer_changes_nothing_of_another(
    farms: Farms, visitor: TestClient
) -> None:
    enter(visitor, "binh")
    data = {
        "csrf": csrf(visitor), "harvest": farms.records["hoa"], "count": "1",
        "reason": "x", "phone": "0905000009", "on": "on", "sure": "on", "crop": "hoa-vu",
        "kind": "harvest", "f_kg": "1", "happened": "2026-11-22T10:00", "unit": "hoa-ao",
        "product": GTINS["hoa"], "started": "2026-11-22T10:00", "name": "x", "id": "x",
    }  # fmt: skip
    for path in routes_of("post"):
        if path in OPEN_POSTS or path in OWN_POSTS:
            continue
        answer = visitor.post(filled(farms, path, "hoa"), data=data)
        # What programs call wants its token in a header, and a body of its own.
        refused = (403, 404) if path.startswith("/api/") else (404,)
        assert answer.status_code in refused, (path, answer.status_code)
    assert farms.registry.list_commands(DeviceId("hoa-hop")) == []
    assert farms.registry.recalls() == []


def test_who_has_two_farms_and_a_boat_tells_them_apart(
    farms: Farms, visitor: TestClient
) -> None:
    """Two farms may both have a first pond; and the family's boat has a way to it."""
    farms.registry.add_person("nam", "Nam", "0905000077")
    for farm, role in (
        ("hoa", Role.FARMER),
        ("binh", Role.FARMER),
        ("binh", Role.SKIPPER),
    ):
        farms.registry.add_member("nam", farm, role)
    farms.registry.set_secret("nam", pin_hash(), is_pin=True)
    visitor.post("/sign-in", data={"phone": "0905000077", "secret": PIN})
    sites = {one.id: one.name for one in farms.registry.sites()}
    home = parse_page(visitor.get("/").text)
    told = {one.text for one in home.all("small", class_="note")}
    assert {sites["hoa-trai"], sites["binh-trai"]} <= told
    assert "/vessels" in [
        one.attrs["href"] for one in home.one("nav", class_="ways").all("a")
    ]
    for path in ("/alarms", "/records/today", "/records/new?kind=water_measure"):
        text = parse_page(visitor.get(path).text).one("main").text
        assert sites["hoa-trai"] in text, path
        assert sites["binh-trai"] in text, path
    enter(visitor, "hoa")
    assert not parse_page(visitor.get("/").text).all("small", class_="note")
    assert sites["hoa-trai"] not in parse_page(visitor.get("/alarms").text).text


def test_who_only_inspects_enters_nothing(farms: Farms, visitor: TestClient) -> None:
    enter(visitor, "minh")
    answer = visitor.post(
        "/units/hoa-ao/aerators/hoa-quat-1", data={"csrf": csrf(visitor), "on": "on"}
    )
    assert answer.status_code == 403
    answer = visitor.post(
        f"/alarms/{farms.alarms['hoa']}/acknowledge", data={"csrf": csrf(visitor)}
    )
    assert answer.status_code == 403


def pages_of(farms: Farms) -> list[str]:
    paths = [
        "/", "/alarms", "/records", "/crops/{crop}", "/lots/{lot}", "/goods", "/goods/{lot}", "/units/{unit}",
        "/alarms/{alarm}", "/units/{unit}/service", "/products/new", "/crops/new", "/check", "/sign-in", "/demo",
        "/scans", "/report-label", "/report-label?is_done=true",
        "/no-such-page",
    ]  # fmt: skip
    found = [filled(farms, path, "hoa") for path in paths]
    found += [f"/records/new?crop=hoa-vu&kind={kind}" for kind in KINDS]
    found += [
        filled(farms, path, "hoa")
        for path in (
            "/crops/{crop}/readiness", "/dossiers", "/dossiers/{dossier}",
            "/dossiers/{dossier}/receipt", "/certificates/{certificate}",
        )
    ]  # fmt: skip
    found += [
        "/account",
        "/account/who-sees",
        "/account/second-factor",
        "/account/invitations",
    ]
    found += [
        "/records/new", "/records/new?kind=complaint", "/records/import",
        f"/records/{farms.records['hoa']}",
        f"/records/new?corrects={farms.records['hoa']}",
    ]  # fmt: skip
    found += [
        filled(farms, path, "hoa")
        for path in (
            "/vessels", "/vessels/{vessel}", "/vessels/{vessel}/book", "/trips/{trip}",
            "/trips/{trip}/card", "/trips/{trip}/ecdt",
            "/card/{vessel}/{span}/{catch}/{papers}/{made}",
        )
    ]  # fmt: skip
    found += [
        f"/vessels/{BOATS['hoa']}/records/new?kind={kind}&trip=hoa-bien"
        for kind in VESSEL_KINDS
        if kind != "confirmation"
    ]
    label = next(
        one for one in farms.registry.labels() if one.id == farms.labels["hoa"]
    )
    found.append(label.uri.partition("nuocxanh.example")[2])
    return [*found, found[-1][:-1] + ("A" if found[-1][-1] != "A" else "B")]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_page_is_whole_in_both_languages(
    farms: Farms, visitor: TestClient, lang: str
) -> None:
    """No key for words, nothing inline, every field with its label, one heading."""
    enter(visitor, "hoa")
    keys = {key for key in WORDS[Lang(lang)] if "_" in key}
    for path in pages_of(farms):
        answer = visitor.get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
        page = parse_page(answer.text)
        assert page.one("html").attrs["lang"] == lang, path
        assert len(page.all("h1")) == 1 or path.startswith(("/01/", "/check")), path
        for node in page.all():
            assert not any(name.startswith("on") for name in node.attrs), (path, node)
            assert "style" not in node.attrs, (path, node.tag)
            for name in ("src", "href", "action"):
                assert not node.attrs.get(name, "").startswith(("http:", "javascript:"))
        for script in page.all("script"):
            assert script.attrs.get("src") or script.attrs.get("type") == (
                "application/json"
            ), path
        assert not page.all("style"), path
        named = {one.attrs.get("for") for one in page.all("label")}
        for field in (*page.all("input"), *page.all("select")):
            if field.attrs.get("type") in ("hidden", "file", "checkbox"):
                continue
            assert field.attrs.get("id") in named, (path, field.attrs)
        for picture in page.all("img"):
            assert "alt" in picture.attrs, path
        told = page.one("body").text
        for script in page.all("script"):
            told = told.replace(script.text, "")
        words = set(re.findall(r"[a-z]+(?:_[a-z]+)+", told))
        assert not words & keys, (path, words & keys)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy


def test_a_messages_link_shows_and_acknowledges_only_when_told_to_and_one_alarm(
    farms: Farms, visitor: TestClient
) -> None:
    alarm = farms.alarms["binh"]
    told = Notification(
        id="n1", organisation="binh", alarm=alarm, step="raised", person="binh",
        url="json://x", due_ms=NOW_MS,
    )  # fmt: skip
    later_ms = NOW_MS + HOUR_MS
    farms.registry.add_alarm_link("t" * 22, told, expires_ms=later_ms)
    for _ in range(2):
        page = visitor.get(f"/a/{'t' * 22}")
        assert page.status_code == 200
        assert "Ao của binh" in page.text
    assert farms.registry.get_alarm(alarm).acknowledged_ms is None, "a look is no act"
    done = visitor.post(f"/a/{'t' * 22}")
    assert done.status_code == 200
    assert f'href="/alarms/{alarm}"' in done.text, "what to do next, once signed in"
    assert f'href="/a/{"t" * 22}"' in done.text, "how it goes, signed in or not"
    first = farms.registry.get_alarm(alarm)
    assert (first.acknowledged_by, first.acknowledged_ms) == ("binh", NOW_MS)
    visitor.post(f"/a/{'t' * 22}")
    assert farms.registry.get_alarm(alarm) == first, "the second time changes nothing"
    assert COOKIE not in visitor.cookies, "it signs nobody in"
    over = visitor.get(f"/a/{'u' * 22}")
    assert over.status_code == 404
    assert 'href="/alarms"' in over.text, "where to look"
    farms.world.clock.advance(timedelta(hours=2))
    try:
        assert visitor.get(f"/a/{'t' * 22}").status_code in (404, 410)
        assert visitor.post(f"/a/{'t' * 22}").status_code in (404, 410)
    finally:
        farms.world.clock.advance(timedelta(hours=-2))


def test_a_demo_tells_what_goes_on_trouble_first_and_elsewhere_there_is_none(
    farms: Farms, visitor: TestClient
) -> None:
    page = visitor.get("/demo").text
    assert 0 < page.index("Ao của binh") < page.index("Vào vai Chủ hoa")
    assert page.count('class="homeunit look"') == 2
    assert "greenwater demo --lan" not in page, "phones reach this one"
    alone = replace(farms.services, public_url="http://127.0.0.1:8000")
    assert "greenwater demo --lan" in TestClient(create_app(alone)).get("/demo").text
    own = replace(farms.services, is_demo=False)
    assert TestClient(create_app(own)).get("/demo").status_code == 404


def test_the_night_may_be_chosen_and_is_kept(visitor: TestClient) -> None:
    assert 'data-theme="dark"' in visitor.get("/check?theme=dark").text
    assert 'data-theme="dark"' in visitor.get("/sign-in").text
    assert "data-theme" not in visitor.get("/check?theme=auto").text
    assert "data-theme" not in visitor.get('/check?theme="><b>').text
    assert "data-theme" not in visitor.get("/sign-in").text
