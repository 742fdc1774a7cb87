"""Readiness, dossiers and certificates on pages, with the eyes of every role."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cli.demo.offices import AUDITOR, CODE, WARD_OFFICER
from cli.demo.registration import register
from cli.demo.shrimp_farm import FARMER, INSPECTOR, OFFICER, add_people, open_books
from firmware_sim.scenarios import load_scenario
from greenwater.kernel.reading import milliseconds
from greenwater.reference.procedures import Task
from greenwater.storage.registry.people import OrganisationKind, Role
from tests.pages.farms import GTINS, Farms
from tests.pages.reading_pages import Node, parse_page
from tests.pages.world import NOW, NOW_MS, open_empty
from traceability.book.books import Books
from traceability.proof.keys import open_signer
from traceability.vietgap.certificates import certificate_state
from traceability.vietgap.claims import certificate_shown
from web.app import create_app
from web.door.doors import COOKIE, Doors, csrf_of

WHY = "thiếu phiếu xét nghiệm nước"
PEOPLE = ("hoa", "binh", "minh", "an", "xa", "xb", "tinh", "be")
Visit = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    """The two farms, and a raft in commune 22525 with offices of communes and province."""
    folder: Path = tmp_path_factory.mktemp("farms")
    with open_empty(folder) as world:
        made, registry = Farms(world, folder), world.registry
        for office, person, kind, task, commune in (
            ("xa-vh", "xa", OrganisationKind.COMMUNE, Task.CHECK, "22525"),
            ("xa-nn", "xb", OrganisationKind.COMMUNE, Task.CHECK, "22561"),
            ("so", "tinh", OrganisationKind.AUTHORITY, Task.DECIDE, None),
        ):
            registry.add_organisation(office, f"Văn phòng {office}", kind=kind)
            registry.add_office(office, task, commune=commune)
            registry.add_person(person, f"Cán bộ {person}")
            registry.add_member(person, office, Role.OFFICER)
        registry.add_organisation("be", "HTX bè")
        registry.add_person("be", "Chủ bè")
        registry.add_member("be", "be", Role.FARMER)
        registry.add_site(
            "be-s", organisation="be", name="Bè Vạn Hưng", commune="22525"
        )
        registry.add_unit(
            "be-1", site="be-s", name="Lồng 1", kind="cage", species="SLV"
        )
        books = Books(registry, world.telemetry, world.clock)
        books.add_product(
            "be", gtin="09521234543237", name_vi="Cá bớp", name_en="", species="CBA"
        )
        books.open_crop(
            "be", crop="be-vu", unit="be-1", product="09521234543237", name="Vụ bè",
            started_ms=NOW_MS,
        )  # fmt: skip
        yield made


@pytest.fixture(scope="module")
def visit(farms: Farms) -> Iterator[Visit]:
    """Browsers of people who have signed in, by name; "" has not."""
    site, doors = create_app(farms.services), Doors(farms.services)
    with ExitStack() as opened:
        clients: dict[str, TestClient] = {}

        def client(person: str) -> TestClient:
            if person not in clients:
                made = TestClient(site, follow_redirects=False)
                clients[person] = opened.enter_context(made)
            if person:  # anew: a session lasts for thirty days, a dossier for longer
                clients[person].cookies.set(COOKIE, doors.open(person))
            return clients[person]

        yield client


def post(client: TestClient, path: str, **fields: str) -> tuple[int, str]:
    token = csrf_of(client.cookies[COOKIE])
    answer = client.post(path, data={"csrf": token, **fields})
    return answer.status_code, answer.headers.get("location", answer.text)


def page(client: TestClient, path: str) -> Node:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return parse_page(answer.text)


def forms(client: TestClient, dossier: str) -> set[str]:
    found = page(client, dossier).all("input", name="kind")
    return {one.attrs["value"] for one in found}


def test_a_farmer_sees_what_is_missing_each_with_the_way_to_its_cure(
    visit: Visit,
) -> None:
    shown = page(visit("hoa"), "/crops/hoa-vu/readiness")
    criteria = {
        one.attrs["data-criterion"]: one for one in shown.all("li", class_="entry")
    }
    assert len(criteria) == 22
    assert criteria["1.1"].attrs["data-look"] == "doubt"
    assert criteria["2.4"].attrs["data-look"] == "good", (
        "harvested, nothing was treated"
    )
    assert "chưa ghi:" in criteria["1.1"].text
    cures = {one.attrs["href"] for one in criteria["1.1"].all("a")}
    assert cures == {"/records/new?crop=hoa-vu&kind=site_registration"}
    for href in {a.attrs["href"] for one in criteria.values() for a in one.all("a")}:
        assert visit("hoa").get(href).status_code == 200, href
    assert len(shown.all("svg")) >= 2
    assert "giá trị tham khảo" in shown.text
    assert "TCVN 13528-1:2022" in shown.text
    cages = page(visit("be"), "/crops/be-vu/readiness")
    assert "QĐ 3824" in cages.text
    assert {one.attrs.get("data-criterion") for one in cages.all("li")} >= {"1.2.1"}


def test_a_calibration_that_is_entered_shows_and_one_in_the_future_does_not(
    visit: Visit,
) -> None:
    client, path = visit("hoa"), "/crops/hoa-vu/calibrations"
    probe = "hoa-hop/hoa-tren"
    before = page(client, "/crops/hoa-vu/readiness").one("section", id="calibrations")
    assert "chưa ghi lần hiệu chuẩn nào" in before.text
    for fields, sentence in (
        ({"happened": "2027-01-01T10:00", "reference": "x"}, "ở tương lai"),
        ({"happened": "", "reference": "x"}, "Ngày giờ chưa đúng"),
        ({"happened": "2026-11-01T10:00", "reference": " "}, "đối chiếu đầu đo với gì"),
    ):
        status, text = post(client, path, probe=probe, **fields)
        assert (status, sentence in text) == (422, True), (
            sentence,
            parse_page(text).all(class_="warning"),
        )
    good = {
        "probe": probe,
        "happened": "2026-11-01T10:00",
        "reference": "dung dịch pH 7",
    }
    assert post(client, path, **good)[0] == 303
    after = page(client, "/crops/hoa-vu/readiness").one("section", id="calibrations")
    assert "21 ngày trước" in after.text
    assert "dung dịch pH 7" in after.text
    other = {**good, "probe": "binh-hop/binh-tren"}
    assert post(client, path, **other)[0] == 404, "another farm's probe"


def test_vietgap_from_the_farmers_phone_to_the_auditors_decision(
    farms: Farms, visit: Visit
) -> None:
    hoa, an = visit("hoa"), visit("an")
    status, dossier = post(
        hoa, "/crops/hoa-vu/dossiers", procedure="vietgap", office="to-chuc"
    )
    assert status == 303
    assert forms(hoa, dossier) == {"submit", "withdraw"}
    assert an.get(dossier).status_code == 404, "a draft is the farmer's alone"
    assert hoa.get(f"{dossier}/receipt").status_code == 404
    status, text = post(hoa, f"{dossier}/steps", kind="submit", expected_kg="nhiều")
    assert (status, "không phải là số kg" in text) == (422, True)
    assert 'value="nhiều"' in text, "what was typed is kept"
    members = "Nguyễn Văn A; Vạn Hưng; tôm thẻ; 3.000; 5000"
    status, text = post(hoa, f"{dossier}/steps", kind="submit", members="; x")
    assert (status, "Danh sách thành viên" in text) == (422, True)
    sent = {"kind": "submit", "expected_kg": "5.000", "members": members}
    assert post(hoa, f"{dossier}/steps", **sent)[0] == 303
    receipt = page(hoa, f"{dossier}/receipt").text
    assert "hẹn trả kết quả" in receipt
    assert "VG-261123-0001" in receipt
    assert "06/01/2027" in receipt, "30 working days after a Monday"

    queue = page(an, "/dossiers")
    assert "1 hồ sơ đang giải quyết, 0 quá hẹn" in queue.text
    assert queue.all("a", class_="crop")[0].attrs["href"] == dossier
    assert forms(an, dossier) == {"accept", "ask"}
    seen = page(an, dossier)
    assert "sản lượng dự kiến 5.000 kg" in seen.text.replace("\xa0", " ")
    members = "Nguyễn Văn A, Vạn Hưng, tôm thẻ, 3.000 m², 5.000 kg"
    assert members in seen.text.replace("\xa0", " "), "a point parts thousands"
    assert len(seen.all("li", class_="entry")) == 22
    assert not [a for a in seen.all("a") if "/records" in a.attrs["href"]]
    status, text = post(an, f"{dossier}/steps", kind="ask", text="thêm")
    assert (status, "ít nhất 10 ký tự" in text) == (422, True)
    assert post(an, f"{dossier}/steps", kind="ask", text=WHY)[0] == 303
    asked = page(hoa, dossier)
    assert WHY in asked.text
    assert "Tạm dừng tính ngày" in asked.text
    assert forms(hoa, dossier) == {"supply", "withdraw"}
    assert post(hoa, f"{dossier}/steps", kind="supply", text="đã gửi")[0] == 303
    assert post(an, f"{dossier}/steps", kind="accept")[0] == 303
    assert post(an, f"{dossier}/steps", kind="ask", text=WHY)[0] == 409, "only once"
    status, text = post(an, f"{dossier}/steps", kind="grant", code="KH-1", months="24")
    assert (status, "Mã số không dùng được" in text) == (422, True)
    suggested = page(an, dossier).one("input", id="code").attrs["value"]
    assert suggested == "VietGAP-TS-13-01-KH-0003"
    granted = {"kind": "grant", "code": suggested, "months": "24"}
    assert post(an, f"{dossier}/steps", **granted)[0] == 303
    done = page(hoa, dossier)
    assert [one.attrs["data-step"] for one in done.all("li") if "data-step" in one.attrs] == [
        "submit", "ask", "supply", "accept", "grant",
    ]  # fmt: skip
    assert "đúng hẹn" in done.text
    assert "Đỗ An" in done.text
    assert done.one("p", data_whole="yes").text.startswith("5 bước còn nguyên")
    (card,) = done.all("section", class_="gate")[:1]
    certificate = next(
        one.attrs["href"]
        for one in card.all("a")
        if one.attrs["href"].startswith("/certificates/")
    )
    shown = page(hoa, certificate)
    assert "còn hiệu lực" in shown.text
    assert "23/11/2028" in shown.text
    for person in ("binh", "xa", "xb", "be"):
        assert visit(person).get(dossier).status_code == 404, person
        assert visit(person).get(certificate).status_code == 404, person
        assert visit(person).get(f"/api/v1{dossier}").status_code == 404, person
    assert visit("").get(dossier).status_code == 303
    assert visit("").get(f"/api/v1{dossier}").status_code == 401
    document = an.get(f"/api/v1{dossier}").json()
    assert document["is_whole"] is True
    assert document["progress"]["state"] == "granted"
    assert len(document["steps"]) == 5
    listed = hoa.get("/api/v1/dossiers").json()["dossiers"]
    assert {one["organisation"] for one in listed} == {"hoa"}


def test_a_registration_goes_from_the_raft_by_the_commune_to_the_province(
    visit: Visit,
) -> None:
    be, xa, tinh = visit("be"), visit("xa"), visit("tinh")
    status, text = post(
        visit("hoa"), "/crops/hoa-vu/dossiers", procedure="cage_registration"
    )
    assert (status, "chưa nhận hồ sơ trực tuyến" in text) == (422, True)
    status, dossier = post(be, "/crops/be-vu/dossiers", procedure="cage_registration")
    assert status == 303
    assert post(be, f"{dossier}/steps", kind="submit")[0] == 303
    assert "Hẹn trả kết quả 01/12/2026" in page(be, dossier).text, "24/11 is off"
    assert xa.get("/").headers["location"] == "/dossiers"
    ways = {one.attrs["href"] for one in page(xa, "/dossiers").one("nav").all("a")}
    assert ways - {"/demo"} == {"/dossiers", "/check", "/account"}, (
        "nothing that is empty for him"
    )
    assert forms(xa, dossier) == {"accept", "ask"}
    assert forms(tinh, dossier) == {"ask"}
    assert post(tinh, f"{dossier}/steps", kind="accept")[0] == 409
    assert post(xa, f"{dossier}/steps", kind="accept")[0] == 303
    status, text = post(xa, f"{dossier}/steps", kind="check")
    assert (status, "Chọn thực tế" in text) == (422, True)
    assert post(xa, f"{dossier}/steps", kind="check", fits="yes")[0] == 303
    assert forms(tinh, dossier) == {"grant", "refuse", "ask"}
    status, text = post(tinh, f"{dossier}/steps", kind="refuse", text="không")
    assert (status, "ít nhất 10 ký tự" in text) == (422, True)
    code = page(tinh, dossier).one("input", id="code").attrs["value"]
    assert code == "56-22525-0001"
    assert post(tinh, f"{dossier}/steps", kind="grant", code=code)[0] == 303
    assert "56-22525-0001" in page(be, dossier).text
    for person in ("hoa", "binh", "an", "xb", "minh"):
        assert visit(person).get(dossier).status_code == 404, person
        assert post(visit(person), f"{dossier}/steps", kind="accept")[0] == 404, person


def test_overdue_comes_first_and_is_counted(farms: Farms, visit: Visit) -> None:
    sent = []
    for person in ("hoa", "binh"):
        client = visit(person)
        _, dossier = post(
            client,
            f"/crops/{person}-vu/dossiers",
            procedure="vietgap",
            office="to-chuc",
        )
        assert post(client, f"{dossier}/steps", kind="submit")[0] == 303
        sent.append(dossier)
        farms.world.clock.advance(timedelta(days=30))
    try:
        queue = page(visit("an"), "/dossiers")
        assert "2 hồ sơ đang giải quyết, 1 quá hẹn" in queue.text
        late = queue.all("div", data_overdue="")
        assert [one.one("a").attrs["href"] for one in late] == [sent[0]]
        assert [one.attrs["href"] for one in queue.all("a", class_="crop")][:2] == sent
        assert "Quá hẹn" in page(visit("hoa"), sent[0]).text
        assert "Hẹn trả kết quả" in page(visit("binh"), sent[1]).text
    finally:
        farms.world.clock.advance(timedelta(days=-60))


def test_a_suspended_certificate_shows_and_only_who_granted_it_acts(
    farms: Farms, visit: Visit
) -> None:
    certificate = f"/certificates/{farms.certificates['binh']}"
    labels = f"/lots/{farms.lots['binh']}/labels"
    acts, claims = f"{certificate}/acts", f"{certificate}/claims"
    suspended = {"kind": "suspended", "text": WHY}
    for person in ("hoa", "xa", "be", "binh"):
        assert post(visit(person), acts, **suspended)[0] == 404, person
    assert post(visit("an"), acts, kind="suspended", text="x")[0] == 422
    on = {"product": GTINS["binh"], "on": "on"}
    for person in ("hoa", "an"):
        assert post(visit(person), claims, **on)[0] == 404, person
    assert post(visit("binh"), claims, **on)[0] == 303
    assert "Thôi ghi trên tem" in page(visit("binh"), certificate).text
    farms.world.clock.advance(timedelta(minutes=1))
    assert post(visit("binh"), labels, count="1")[0] == 303
    newest = max(
        farms.registry.labels(lot=farms.lots["binh"]), key=lambda one: one.issued_ms
    )
    public = newest.uri.partition("nuocxanh.example")[2]

    def told(doubt: str = "") -> str:
        seen = page(visit(""), public)
        doubts = [one.text for one in seen.all("p", **{"data-part": "certificate"})]
        assert [doubt in one for one in doubts] == [True] * bool(doubt)
        standards = [] if doubt else ["VietGAP, TCVN 13528-1:2022"]
        assert [one.text for one in seen.all("dd") if "TCVN" in one.text] == standards
        cards = seen.all(class_="card")
        facts = [one.text for card in cards for one in card.all("dd")]
        at = facts.index("VietGAP-TS-13-01-KH-0002")
        assert facts[at + 1] == "Tổ chức chứng nhận"
        return facts[at + 2]

    assert told().startswith("còn hiệu lực đến ")
    assert post(visit("an"), acts, **suspended)[0] == 303
    assert "bị đình chỉ" in page(visit("binh"), certificate).text
    assert told("này bị đình chỉ") == "bị đình chỉ"
    status, text = post(visit("binh"), labels, count="1")
    assert (status, "KH-0002 đang bị đình chỉ" in text) == (409, True)
    assert post(visit("an"), acts, kind="resumed", text="đã khắc phục xong")[0] == 303
    farms.world.clock.advance(timedelta(days=740))
    try:
        assert "hết hạn, đang gia hạn" in page(visit("binh"), certificate).text
        assert told("này hết hiệu lực") == "hết hiệu lực", "no grace for shoppers"
        status, text = post(visit("binh"), labels, count="1")
        assert (status, "đang gia hạn" in text) == (409, True)
    finally:
        farms.world.clock.advance(timedelta(days=-740))
    assert post(visit("an"), acts, kind="withdrawn", text=WHY)[0] == 303
    status, text = post(visit("an"), acts, kind="resumed", text=WHY)
    assert (status, "không khôi phục được" in text) == (409, True)


def test_the_demo_has_dossiers_under_way_and_a_certificate_that_says_simulated(
    tmp_path: Path,
) -> None:
    scenario = load_scenario("oxygen-crash")
    began = NOW - timedelta(days=96)
    with open_empty(tmp_path) as world:
        registry, signer = (
            world.registry,
            open_signer(tmp_path / "keys", world.registry, NOW_MS),
        )
        began_ms = milliseconds(began)
        register(scenario, registry, from_ms=began_ms, now_ms=began_ms)
        add_people(registry, with_secrets=False)
        open_books(
            registry, world.telemetry, signer, NOW, withdrawal_left=timedelta(hours=1),
            public_url="http://x",
        )  # fmt: skip
        seen = {
            who: [one.code for one in registry.dossiers_for(who)]
            for who in (FARMER, AUDITOR, WARD_OFFICER, OFFICER, INSPECTOR)
        }
        assert [len(seen[one]) for one in seen] == [2, 1, 1, 1, 0]
        (certificate,) = registry.certificates()
        assert (certificate.raw_code, certificate.is_simulated) == (CODE, True)
        acts = registry.certificate_acts(certificate.id)
        assert certificate_state(certificate, acts, NOW_MS) == "valid"
        (lot,) = (one for one in registry.lots() if one.origin == "harvest")
        shown = certificate_shown(registry, lot, None, NOW_MS)
        assert shown is not None
        assert shown.code == CODE
