"""Scans, copies, reports and inspections on the pages."""

import os
import threading
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient

from greenwater.kernel.reading import DAY_MS
from greenwater.storage.registry.scans import Scan
from tests.pages.farms import BASE, BOATS, PHONES, PIN, Farms
from tests.pages.reading_pages import parse_page
from tests.pages.world import HOUR_MS, NOW_MS, open_empty
from traceability.label.inspections import DOMAIN
from traceability.label.labels import Labels
from traceability.proof.copies import THRESHOLDS
from traceability.proof.keys import Signer
from traceability.proof.links import to_text
from traceability.proof.seals import seal
from web.app import create_app
from web.door.doors import COOKIE, csrf_of
from web.labels import scan_counter
from web.labels.scans import FREE_REPORTS

HOUR = NOW_MS - NOW_MS % HOUR_MS
VESSELS = "/api/v1/inspections/vessels.json"


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("farms")
    with open_empty(folder) as world:
        yield Farms(world, folder)


@pytest.fixture
def site(farms: Farms) -> Iterator[TestClient]:
    """A site of one's own (it remembers who sends much), and a new label of hoa's."""
    clock = farms.services.clock
    labels = Labels(farms.registry, farms.signer, clock, BASE, os.urandom)
    farms.labels["hoa"] = labels.issue("hoa", farms.lots["hoa"], 1)[0].id
    with TestClient(create_app(farms.services), follow_redirects=False) as client:
        yield client


def enter(site: TestClient, person: str) -> str:
    """Sign in; return what forms carry."""
    site.cookies.clear()
    site.post("/sign-in", data={"phone": PHONES[person], "secret": PIN})
    return csrf_of(site.cookies[COOKIE])


def uri_of(farms: Farms) -> str:
    label = farms.registry.find_label(farms.labels["hoa"])
    assert label is not None
    return label.uri


def path_of(uri: str) -> str:
    return uri.partition("nuocxanh.example")[2]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans are written at once, from the thread that gathers them."""
    monkeypatch.setattr(scan_counter, "EVERY_S", 0.0)


def counted(farms: Farms, serial: str) -> Sequence[Scan]:
    """Return a label's scans, once what waits to be counted has been."""
    for one in threading.enumerate():
        if isinstance(one, threading.Timer):
            one.join()
    return farms.registry.scans_of(serial)


def test_a_scan_keeps_the_hour_and_no_place(site: TestClient, farms: Farms) -> None:
    serial, uri = farms.labels["hoa"], uri_of(farms)
    for _ in range(2):
        assert site.get(path_of(uri)).status_code == 200
    site.head(path_of(uri))
    site.get("/api/v1/labels/check", params={"text": uri})
    (kept,) = counted(farms, serial)
    assert (kept.hour_ms, kept.place, kept.count) == (HOUR, "", 3)

    site.get(path_of(uri)[:-1] + "x")
    enter(site, "hoa")
    site.get(path_of(uri))
    (kept,) = counted(farms, serial)
    assert kept.count == 3, "neither what is altered nor the producer's own look counts"


def test_a_place_is_told_by_who_wants_to(site: TestClient, farms: Farms) -> None:
    uri, token = uri_of(farms), csrf_of("")
    page = site.get(path_of(uri)).text
    counted(farms, farms.labels["hoa"])
    assert 'action="/scans/place"' in page
    answer = site.post(
        "/scans/place", data={"csrf": token, "uri": uri, "place": "khanh-hoa"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, path_of(uri))
    (kept,) = counted(farms, farms.labels["hoa"])
    assert (kept.place, kept.count) == ("khanh-hoa", 1), "the scan that told no place"
    for data, status in (
        ({"uri": uri, "place": "Nha Trang"}, 422),
        ({"uri": uri[:-1], "place": "khanh-hoa"}, 404),
        ({"uri": "https://evil.example/", "place": "khanh-hoa"}, 404),
    ):
        answer = site.post("/scans/place", data={"csrf": token, **data})
        assert answer.status_code == status, data


def test_a_copy_is_told_with_care_to_the_public_and_plainly_on_duty(
    site: TestClient, farms: Farms
) -> None:
    serial, uri = farms.labels["hoa"], uri_of(farms)
    assert 'data-part="copied"' not in site.get(path_of(uri)).text
    for place in ("khanh-hoa", "ha-noi"):
        farms.registry.note_scan(serial, HOUR, place)
    page = site.get(path_of(uri)).text
    assert "Tem hợp lệ" in page
    assert "Chưa chắc là tem giả" in page
    assert "Hà Nội," not in page, "the public is not told where others were"

    enter(site, "minh")
    page = site.get(path_of(uri)).text
    assert 'data-code="copy_suspected"' in page
    listed = site.get("/scans").text
    assert serial in listed
    assert "quét ở Hà Nội và Khánh Hòa" in listed
    enter(site, "binh")
    assert serial not in site.get("/scans").text


def test_scans_are_forgotten(site: TestClient, farms: Farms) -> None:
    old_ms = HOUR - (THRESHOLDS.kept_days + 1) * DAY_MS
    farms.registry.note_scan(farms.labels["binh"], old_ms)
    site.get(path_of(uri_of(farms)))
    assert counted(farms, farms.labels["binh"]) == []


def test_a_report_reaches_producer_and_inspector(
    site: TestClient, farms: Farms
) -> None:
    uri, token = uri_of(farms), csrf_of("")
    forged = uri[:-1] + "x"
    data = {"csrf": token, "text": forged, "kind": "copied", "note": "Hai gói một số"}
    answer = site.post("/report-label", data={**data, "place": "khanh-hoa"})
    assert answer.status_code == 303
    assert "Đã nhận" in site.get(answer.headers["location"]).text
    enter(site, "binh")
    assert "Hai gói một số" not in site.get("/scans").text
    mine = ""
    for person in ("hoa", "minh"):
        mine = enter(site, person)
        page = site.get("/scans").text
        assert "Hai gói một số" in page
        assert "Khánh Hòa" in page
    (found,) = [one for one in farms.registry.label_reports() if one.kind == "copied"]
    for expected in (303, 409):
        done = site.post(
            f"/scans/reports/{found.id}", data={"csrf": mine, "answer": "Đã thu lại"}
        )
        assert done.status_code == expected
    assert "Đã thu lại" in site.get("/scans").text


def test_reports_of_what_is_not_ours_and_too_many_are_refused(
    site: TestClient, farms: Farms
) -> None:
    token = csrf_of("")
    for data in (
        {"text": "https://x.example/01/09521234543999/10/A", "kind": "copied"},
        {"text": "words", "kind": "copied"},
        {"text": uri_of(farms), "kind": "x"},
    ):
        answer = site.post("/report-label", data={"csrf": token, **data})
        assert answer.status_code == 422, data
        assert "Chưa gửi được" in answer.text
    data = {"csrf": token, "text": uri_of(farms), "kind": "torn"}
    states = [
        site.post("/report-label", data=data).status_code
        for _ in range(FREE_REPORTS + 1)
    ]
    assert states[-1] == 403, "somebody floods"
    assert 303 in states


def test_an_inspector_signs_on_his_phone_and_the_lot_shows_it(
    site: TestClient, farms: Farms
) -> None:
    signer = Signer(Ed25519PrivateKey.generate())
    lot = farms.registry.get_lot(farms.lots["hoa"])
    token = enter(site, "minh")
    form = {"csrf": token, "public": to_text(signer.public), "name": "Máy của Minh"}
    assert site.post("/inspections/keys", data=form).status_code == 303
    assert signer.kid in site.get("/inspections").text

    found = {
        "id": str(uuid.uuid4()), "at_ms": NOW_MS, "gtin": lot.product, "lot": lot.code,
        "serial": farms.labels["hoa"], "result": "non_conformant",
        "verdict": "valid", "list_ms": NOW_MS, "note": "Thiếu 40 g",
    }  # fmt: skip
    statement = seal(msgspec.json.encode(found).decode(), signer, DOMAIN)
    body = {"statements": [statement, "words", statement]}
    results = site.post("/api/v1/inspections", json=body).json()["results"]
    assert [one["state"] for one in results] == ["stored", "refused", "same"]
    assert results[0]["id"] == found["id"]
    assert "Thiếu 40 g" in site.get("/inspections").text

    site.cookies.clear()
    page = site.get(path_of(uri_of(farms))).text
    assert 'data-result="non_conformant"' in page
    assert "Không đạt" in page
    assert "Thiếu 40 g" not in page, "a note is for those on duty and the ledger"
    assert (
        'data-result="non_conformant"'
        in site.get(f"/passport/{lot.product}/{lot.code}").text
    )
    enter(site, "hoa")
    assert 'data-result="non_conformant"' in site.get(f"/lots/{lot.id}").text


def test_on_duty_one_sees_what_stands_out_and_any_vessel(
    site: TestClient, farms: Farms
) -> None:
    for place in ("khanh-hoa", "ha-noi"):
        farms.registry.note_scan(farms.labels["hoa"], HOUR, place)
    for path in ("/inspections/today", "/inspections/vessels", VESSELS):
        enter(site, "hoa")
        assert site.get(path).status_code == 403, path
    enter(site, "minh")
    today = parse_page(site.get("/inspections/today").text)
    told = {
        one.attrs["id"]: one.text for one in today.all("section") if "id" in one.attrs
    }
    assert farms.labels["hoa"] in told["copies"]
    assert "KH-91001-TS" in told["papers"]
    assert "ghi 0 kg, cân 300 kg" in told["weights"]
    assert "Không có" in told["recalled"]

    page = site.get("/inspections/vessels", params={"number": "kh 91001 ts"}).text
    for words in ("Tàu hoa", "Hộ hoa", "Giấy tờ", "300", 'href="/trips/hoa-bien"'):
        assert words in page, words
    for number in ("KH 99999 TS", "12345", "<script>"):
        answer = site.get("/inspections/vessels", params={"number": number})
        assert answer.status_code == 404
        assert "<script>" not in answer.text
    listed = site.get(VESSELS).json()
    assert [one["id"] for one in listed["vessels"]] == ["KH-91001-TS", "KH-91002-TS"]
    assert listed["at_ms"] == NOW_MS


def test_an_inspection_of_a_vessel_is_read_by_its_owner_and_on_duty(
    site: TestClient, farms: Farms
) -> None:
    signer = Signer(Ed25519PrivateKey.generate())
    token = enter(site, "minh")
    form = {"csrf": token, "public": to_text(signer.public), "name": "Máy ở cảng"}
    site.post("/inspections/keys", data=form)
    found = {
        "id": str(uuid.uuid4()), "at_ms": NOW_MS, "vessel": BOATS["hoa"],
        "result": "non_conformant", "papers": "bad", "weights": "", "port": "CHR",
        "weighed": [{"species": "YFT", "kg": 310.5, "wrote": 0}], "note": "<b>Thiếu sổ",
    }  # fmt: skip
    signed = [
        seal(msgspec.json.encode({**found, **more}).decode(), signer, DOMAIN)
        for more in ({}, {"id": str(uuid.uuid4()), "vessel": "KH-99999-TS"})
    ]
    results = site.post("/api/v1/inspections", json={"statements": signed}).json()
    stored, refused = results["results"]
    assert (stored["state"], refused["state"]) == ("stored", "refused")
    assert refused["reason"].startswith("không có tàu KH-99999-TS. Xem lại")
    words = (
        "Không đạt", "Giấy tờ trên tàu: Thiếu hoặc hết hạn", "cán bộ thấy cân 310,5 kg",
        "Lê Minh, Chi cục",
    )  # fmt: skip
    book = f"/vessels/{BOATS['hoa']}/book"
    for person, path in (
        ("minh", f"/inspections/vessels?number={BOATS['hoa']}"),
        ("minh", "/inspections"), ("minh", book), ("hoa", book),
    ):  # fmt: skip
        enter(site, person)
        page = site.get(path).text
        assert all(one in page for one in words), (person, path)
        assert "Sổ so với số cân" not in page, "not looked at"
        assert "&lt;b&gt;Thiếu sổ" in page
    enter(site, "minh")
    today = parse_page(site.get("/inspections/today").text)
    (group,) = [
        one for one in today.all("section") if one.attrs.get("id") == "inspected"
    ]
    assert "KH-91001-TS" in group.text
    (card, _) = site.get(VESSELS).json()["vessels"]
    assert "Không đạt" in card["inspected"]
    assert card["kilograms"] == [
        {"species": "YFT", "name": "Cá ngừ vây vàng", "wrote": 0.0, "weighed": 300.0}
    ]
    enter(site, "binh")
    assert site.get(book).status_code == 404


def test_only_inspectors_send_inspections(site: TestClient, farms: Farms) -> None:
    body = {"statements": ["x"]}
    assert site.post("/api/v1/inspections", json=body).status_code == 401
    enter(site, "hoa")
    assert site.post("/api/v1/inspections", json=body).status_code == 403
    assert site.get("/inspections").status_code == 403
    enter(site, "minh")
    for raw in (b"", b"[]", b'{"statements": 1}', b'{"statements": [], "x": 1}'):
        answer = site.post("/api/v1/inspections", content=raw)
        assert answer.status_code == 422, raw
    assert site.post("/api/v1/inspections", json={"statements": []}).json() == {
        "results": []
    }
