"""What hostile senders get: headers on every answer, and nothing kept of what they send."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from greenwater.kernel.errors import ConfigError, InvariantError
from greenwater.storage.registry import Registry
from tests.pages.farms import Farms, enter
from tests.pages.world import open_empty
from tests.unit.test_photos import HOSTILE as PICTURES
from tests.unit.test_photos import SVG, picture
from web.app import create_app
from web.door.bodies import MOST_BYTES, MOST_FIELDS
from web.door.doors import COOKIE, csrf_of
from web.door.hosts import hosts_of
from web.middleware import HEADERS
from web.ports import House

TLS = "https://testserver"
SEEN = {
    "/": 200, "/sign-in": 200, "/check": 200, "/no-such-page": 404, "/account": 303,
    "/static/site.css": 200, "/static/none": 404, "/static/../app.py": 404, "/sw.js": 200, "/favicon.ico": 200,
    "/api/v1/readings": 401, "/api/v1/none": 404, "/api/v1/labels/keys.json": 200,
    "/healthz": 200, "/passport/09521234543999": 404, "/live.json": 401, "/epcis/events": 401,
}  # fmt: skip
"""An address, and how it answers somebody unknown."""


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    with open_empty(folder) as world:
        yield Farms(world, folder)


@pytest.fixture(scope="module")
def app(farms: Farms, tmp_path_factory: pytest.TempPathFactory) -> Any:
    photos = tmp_path_factory.mktemp("photos")
    return create_app(replace(farms.services, is_demo=False, photos=photos))


def come(app: Any) -> TestClient:
    return TestClient(app, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def hoa(app: Any) -> TestClient:
    return enter(come(app), "hoa")


def is_dressed(answer: Any) -> bool:
    names = {*HEADERS, "Strict-Transport-Security"}
    policy = answer.headers.get("content-security-policy", "")
    needed = (
        "default-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors",
    )
    return all(name in answer.headers for name in names) and all(
        one in policy for one in needed
    )


def test_every_answer_has_its_headers(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = come(app)
    for path, status in SEEN.items():
        answer = client.get(f"{TLS}{path}")
        assert (path, answer.status_code) == (path, status)
        assert is_dressed(answer), (path, dict(answer.headers))
        kind = answer.headers.get("content-type", "")
        assert not answer.content or kind, path
        assert not kind.startswith("text/") or "charset=utf-8" in kind, (path, kind)
    odd = [
        client.put(f"{TLS}/"),
        client.request("TRACE", f"{TLS}/"),
        client.post(f"{TLS}/sign-in", headers={"sec-fetch-site": "cross-site"}),
        client.post(f"{TLS}/sign-in", content=b"{"),
    ]
    assert [one.status_code for one in odd] == [405, 405, 403, 422]
    assert all(is_dressed(one) for one in odd)

    def fail(*_: object) -> None:
        raise InvariantError("secret of ours")

    monkeypatch.setattr(Registry, "recalls", fail)
    monkeypatch.setattr(Registry, "labels", fail)
    monkeypatch.setattr(Registry, "find_label_at", fail)
    answer = client.get(f"{TLS}/api/v1/labels/check", params={"text": "x"})
    assert answer.status_code == 500
    assert is_dressed(answer)
    assert "secret of ours" not in answer.text

    monkeypatch.setattr(Registry, "find_link", fail)
    with capture_logs() as told:
        assert client.get(f"{TLS}/join/opens-a-door").status_code == 500
    assert [one["path"] for one in told] == ["/join/…"], "no log has what opens"


def test_a_demo_gives_its_authority_and_nobody_else_does(
    farms: Farms, app: Any, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("a certificate")
    house = House(authority=tmp_path / "ca.pem")
    demo = come(create_app(replace(farms.services, house=house)))
    given = demo.get(f"{TLS}/demo/authority.crt")
    assert (given.status_code, given.text) == (200, "a certificate")
    assert "strict-transport-security" not in given.headers
    assert come(app).get("/demo/authority.crt").status_code == 404


def test_no_answer_says_what_it_runs_on(app: Any) -> None:
    client = come(app)
    for path in SEEN:
        headers = client.get(path).headers
        assert not {"server", "x-powered-by", "via"} & {one.lower() for one in headers}


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"0" * 20_000_000)
    return out.getvalue()


FILES = {
    **PICTURES,
    "zip bomb": zip_bomb(),
    "gzip bomb": gzip.compress(b"0" * 20_000_000),
    "xml entities": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><x>&a;</x>',
    "one long line": b"kind;" + b"x" * 3_000_000,
    "nul": b"happened;kg\n\0;\0\n",
    "wide": b";".join(b"a" for _ in range(200_000)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_in_a_sentence_and_nothing_is_kept(
    name: str, farms: Farms, hoa: TestClient
) -> None:
    token, record = csrf_of(hoa.cookies[COOKIE]), farms.records["hoa"]
    caught = farms.catches["hoa"]
    before = len(farms.registry.records())
    doors = {
        f"/records/{record}/photos": ("photo", {}),
        f"/vessel-records/{caught}/photos": ("photo", {}),
        "/records/import": ("file", {"crop": "hoa-vu", "kind": "harvest", "sure": "1"}),
    }
    for path, (field, form) in doors.items():
        files = {field: ("../../x.jpg", FILES[name], "image/jpeg")}
        answer = hoa.post(path, data={"csrf": token, **form}, files=files)
        assert answer.status_code in (200, 409, 413, 422), (path, answer.status_code)
        assert "<script>alert" not in answer.text
    assert farms.registry.photos(record) == []
    assert farms.registry.vessel_photos(caught) == []
    assert len(farms.registry.records()) == before
    for path in ("/epcis/capture", "/api/v1/records", "/api/v1/inspections"):
        answer = hoa.post(
            path, content=FILES[name], headers={"content-encoding": "gzip"}
        )
        assert 400 <= answer.status_code < 500, (path, answer.status_code)


def test_a_polyglot_is_shown_as_the_picture_alone(
    farms: Farms, hoa: TestClient
) -> None:
    record = farms.records["hoa"]
    raw = picture("JPEG", comment=SVG) + SVG + zip_bomb()
    answer = hoa.post(
        f"/records/{record}/photos",
        data={"csrf": csrf_of(hoa.cookies[COOKIE])},
        files={"photo": ("x.svg", raw, "image/svg+xml")},
    )
    assert answer.status_code == 303
    (kept,) = farms.registry.photos(record)
    shown = hoa.get(f"/records/{record}/photos/{kept.digest}")
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert b"script" not in shown.content
    assert b"PK\x03\x04" not in shown.content


@pytest.mark.parametrize(
    ("path", "person", "status"),
    [
        ("/api/v1/inspections", None, 401),
        ("/api/v1/inspections", "hoa", 403),
        ("/api/v1/inspections/i/photos/d", "hoa", 403),
        ("/api/v1/records", None, 401),
        ("/epcis/capture", None, 401),
        ("/api/v1/steps", None, 401),
    ],
)
def test_who_sends_is_asked_before_it_is_read(
    path: str, person: str | None, status: int, app: Any, hoa: TestClient
) -> None:
    cookies = "; ".join(f"{name}={value}" for name, value in hoa.cookies.items())
    headers = {"content-length": str(MOST_BYTES)} | (
        {"cookie": cookies} if person else {}
    )
    told: list[Any] = []

    async def unread() -> Any:
        raise AssertionError("the body was read")

    async def heard(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": b"", "scheme": "http", "server": ("testserver", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1), "root_path": "", "http_version": "1.1",
    }  # fmt: skip
    anyio.run(app, scope, unread, heard)
    assert told[0]["status"] == status, b"".join(one.get("body", b"") for one in told)


def test_a_site_called_by_another_name_says_so_and_no_link_has_it(
    farms: Farms, app: Any
) -> None:
    hosts = hosts_of("https://ao.example/", "ao-2.example, ao-3.example")
    named = come(create_app(replace(farms.services, hosts=hosts)))
    for host in (
        "ao.example",
        "AO-2.example:8443",
        "[::1]:80",
        "10.0.0.7",
        "x.localhost",
    ):
        assert named.get("/sign-in", headers={"host": host}).status_code == 200, host
    for host in (
        "evil.example",
        "8.8.8.8",
        "ao.example.evil.example",
        "ao.example@e",
        "a:b",
    ):
        refused = named.get("/sign-in", headers={"host": host})
        assert refused.status_code == 421, host
        assert "không có tên" in refused.text
        assert "default-src 'none'" in refused.headers["content-security-policy"]
    program = named.get("/api/v1/readings", headers={"host": "evil.example"})
    assert program.json()["type"] == "urn:greenwater:problem:misdirected"
    # Where any name will do, it still stands in no address that is given back.
    elsewhere = come(app).get("/sign-in/", headers={"host": "evil.example"})
    assert (elsewhere.status_code, elsewhere.headers["location"]) == (307, "/sign-in")
    with pytest.raises(ConfigError, match="without scheme and port"):
        hosts_of("https://ao.example", "https://ao-2.example")


@pytest.mark.parametrize("path", ["/sign-in", "/report-label"])
def test_nobody_fills_the_disk_through_a_form(path: str, app: Any) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        for _ in range(3 * MOST_BYTES // 2**20):
            sent += 1
            yield bytes(2**20)

    kind = {"content-type": "multipart/form-data; boundary=x"}
    for content in (b"x" * (MOST_BYTES + 1), endless()):
        answer = come(app).post(path, content=content, headers=kind)
        assert answer.status_code == 413


def test_a_form_of_nothing_but_separators_is_not_read(app: Any) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    statuses = [
        come(app).post("/sign-in", content=b"&" * many, headers=kind).status_code
        for many in (MOST_FIELDS - 1, MOST_FIELDS)
    ]
    assert statuses == [422, 400]
