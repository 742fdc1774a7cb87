"""Trips on the page: what is typed wrong comes back, two people lift, cures lead somewhere."""

import csv
import io
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import open_registry
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.trips import Sailed
from greenwater.storage.registry.vessel_changes import VesselFacts
from greenwater.storage.telemetry import open_telemetry
from tests.contracts.boats import DAY, REGISTRATION, Boat, a_haul, a_trip, a_violation
from tests.contracts.registries import NOW
from tests.pages.reading_pages import Node, parse_page
from tests.templates import empty_registry
from tests.unit.test_photos import SVG, picture
from traceability.label.labels import Published
from traceability.proof.keys import Signer, open_signer
from traceability.proof.verify import read_status
from traceability.sea.cards import check_card
from traceability.told import book_device
from web.app import create_app
from web.door.doors import COOKIE, csrf_of
from web.ports import Services

AT = "/trips/trip-1"


@pytest.fixture
def boat(tmp_path: Path) -> Iterator[Boat]:
    telemetry = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    with open_registry(empty_registry(tmp_path / "registry.db")) as registry:
        boat = Boat(registry, telemetry)
        for person in ("bon", "sau", "ut", "minh", "tam"):
            registry.open_session(person, person, now_ms=0, expires_ms=2**53)
        yield boat
    telemetry.close()


class Visit:
    """Somebody at the site of one boat."""

    def __init__(
        self,
        boat: Boat,
        person: str,
        *,
        signer: Signer | None = None,
        photos: Path | None = None,
    ) -> None:
        services = Services(
            boat.registry, boat.telemetry, boat.clock, signer=signer, photos=photos
        )
        self.client = TestClient(create_app(services), follow_redirects=False)
        self.client.cookies.set(COOKIE, person)
        self._csrf = csrf_of(person)

    def see(self, path: str) -> Node:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.text[:500])
        return parse_page(answer.text)

    def send(
        self, path: str, photo: bytes | None = None, /, **fields: str
    ) -> tuple[int, str]:
        data = {"id": str(uuid.uuid4()), **fields, "csrf": self._csrf}
        files = None if photo is None else {"photo": ("../x.svg", photo, "image/svg")}
        answer = self.client.post(path, data=data, files=files)
        return answer.status_code, answer.headers.get("location", answer.text)


RECORDS = f"/vessels/{REGISTRATION}/records"


def test_what_was_typed_wrong_comes_back_with_the_field_named(boat: Boat) -> None:
    visit = Visit(boat.sail(), "ut")
    typed = {
        "kind": "catch", "trip": "trip-1", "behalf": "sau",
        "happened": "2026-06-10T10:00", "f_species_1": "YFT", "f_kg_1": "nhiều",
        "f_species_2": "BET", "f_kg_2": "12,5",
    }  # fmt: skip
    status, text = visit.send(RECORDS, **typed)
    page = parse_page(text)
    assert status == 422
    assert "nhiều" in page.one("fieldset").one(class_="warning").text
    kept = {one.attrs["name"]: one.attrs.get("value") for one in page.all("input")}
    assert (kept["f_kg_1"], kept["f_kg_2"]) == ("nhiều", "12,5")
    assert kept["happened"] == "2026-06-10T10:00"
    status, where = visit.send(RECORDS, **typed | {"f_kg_1": "1.200"})
    assert (status, where) == (303, AT)
    assert boat.books.view("trip-1").book.caught == {"BET": 12.5, "YFT": 1200}


def test_a_trip_that_positions_do_not_show_is_entered_by_hand(boat: Boat) -> None:
    boat.at(NOW + DAY)
    visit = Visit(boat, "sau")
    page = visit.see(f"/vessels/{REGISTRATION}/book")
    (new,) = [
        one.attrs["href"] for one in page.all("a") if "kind=trip" in one.attrs["href"]
    ]
    trip = new.rpartition("trip=")[2]
    status, where = visit.send(
        RECORDS, kind="trip", trip=trip, happened="2026-05-28T20:00",
        f_departure_ms="2026-05-28T20:00", f_departure_port="CHR", f_gear="LLD",
        f_crew="9",
    )  # fmt: skip
    assert (status, where) == (303, f"/trips/{trip}")
    page = visit.see(where)
    assert "do tàu tự khai" in page.one(id="found").text
    assert page.one(id="confirm").all("button"), "the skipper may confirm"
    assert trip in [one.attrs["href"][7:] for one in
                    visit.see(f"/vessels/{REGISTRATION}/book").all("a")]  # fmt: skip


def test_a_correction_opens_with_what_was_written_and_shows_both(boat: Boat) -> None:
    boat.sail()
    wrong = boat.catch(1, ("YFT", 300))
    visit = Visit(boat, "ut")
    entry = visit.see(AT).one("li", data_record=wrong.id)
    (_, fix) = [one.attrs["href"] for one in entry.all("a")]
    form = visit.see(fix).one("form", class_="form")
    known = {one.attrs["name"]: one.attrs.get("value", "") for one in form.all("input")}
    assert known["f_kg_1"] == "300"
    sent = {**known, "f_species_1": "YFT", "f_kg_1": "310", "behalf": "sau"}
    assert visit.send(RECORDS, **sent) == (303, AT)
    page = visit.see(AT)
    assert "corrected" in page.one("li", data_record=wrong.id).classes
    assert len(page.all("li", data_kind="catch")) == 2
    assert boat.books.view("trip-1").book.caught == {"YFT": 310}


def test_two_people_lift_an_expired_paper_on_the_page(boat: Boat) -> None:
    landing = boat.sail().fill()
    licence = next(
        one
        for one in boat.registry.vessel_records(vessel=REGISTRATION)
        if one.fields.get("paper") == "licence"
    )
    expired = licence.fields | {"until_day": "2026-06-01"}
    boat.write("paper", expired, trip=None, person="bon", corrects=licence.id)
    owner, officer = Visit(boat, "bon"), Visit(boat, "minh")
    refusal = owner.see(AT).one(data_species="YFT").one("li", data_code="paper-expired")
    form = {
        one.attrs["name"]: one.attrs.get("value", "") for one in refusal.all("input")
    }
    assert form["subject"] == f"landing/{landing.id}/licence"
    weak = owner.send(f"{AT}/overrides", **form | {"reason": "ok"})
    assert weak[0] == 409
    other = {"subject": "landing/elsewhere/licence", "reason": "đang chờ cấp lại"}
    assert owner.send(f"{AT}/overrides", **form | other)[0] == 409
    assert (
        owner.send(f"{AT}/overrides", **form | {"reason": "đang chờ cấp lại"})[0] == 303
    )
    assert not owner.see(AT).one(data_species="YFT").all("button", text="đồng ý")
    (asked,) = boat.registry.overrides()
    assert owner.send(f"{AT}/overrides/agree", override=asked.id)[0] == 409
    seen = officer.see(AT).one(data_species="YFT")
    assert "đang chờ cấp lại" in seen.text
    assert officer.send(f"{AT}/overrides/agree", override=asked.id)[0] == 303
    page = owner.see(AT).one(data_species="YFT")
    assert "hai người ký" in page.text
    assert not page.all("li", data_code="paper-expired")


def test_every_cure_leads_to_a_page(boat: Boat) -> None:
    boat.sail()
    boat.found([a_trip()], [a_haul(1)], [a_violation(is_verified=True)])
    boat.land(("YFT", 700))
    visit = Visit(boat, "sau")
    page = visit.see(AT)
    cures = {
        one.attrs["href"]
        for refusal in page.one(data_species="YFT").all("li")
        for one in refusal.all("a")
    }
    assert len(cures) >= 3
    for cure in cures:
        path, _, part = cure.partition("#")
        found = visit.see(path)
        assert not part or found.all(id=part)
    zone = page.one(id="zones")
    assert "vùng lộng" in zone.text
    (statement,) = [one.attrs["href"] for one in zone.all("a")]
    form = visit.see(statement).one("form", class_="form")
    known = {one.attrs["name"]: one.attrs.get("value", "") for one in form.all("input")}
    said = {"f_finding": "passing", "f_text": "tàu chạy qua, không thả câu"}
    assert visit.send(RECORDS, **known | said) == (303, AT)
    assert "chạy qua" in visit.see(AT).one(id="zones").text


def test_photos_are_put_on_an_entry_and_shown_to_who_sees_the_boat_alone(
    boat: Boat, tmp_path: Path
) -> None:
    boat.sail()
    family, skipper, officer, stranger = (
        Visit(boat, one, photos=tmp_path) for one in ("ut", "sau", "minh", "tam")
    )
    form = family.see(f"{RECORDS}/new?kind=catch&trip=trip-1").one("main").one("form")
    assert form.attrs["enctype"] == "multipart/form-data", "without scripts too"
    typed = {
        "kind": "catch", "trip": "trip-1", "behalf": "sau", "id": str(uuid.uuid4()),
        "happened": "2026-06-10T10:00", "f_species_1": "YFT", "f_kg_1": "300",
    }  # fmt: skip
    papers = boat.registry.vessel_records()
    status, text = family.send(RECORDS, SVG, **typed)
    assert (status, boat.registry.vessel_records()) == (422, papers)
    assert "Tệp không phải ảnh" in parse_page(text).one("main").text
    first = picture("JPEG", comment=b"secret place")
    for _ in range(2):
        assert family.send(RECORDS, first, **typed) == (303, AT)
    here, later = f"/vessel-records/{typed['id']}", picture("PNG", (30, 20))
    assert skipper.send(f"{here}/photos", later) == (303, f"{here}#photos")
    assert skipper.send(f"{here}/photos", b"PK\x03\x04")[0] == 422
    kept = boat.registry.vessel_photos(typed["id"])
    assert {one.added_by for one in kept} == {"ut", "sau"}
    entry = family.see(AT).one("li", data_kind="catch")
    ways = [one.attrs["href"] for one in entry.all("a")]
    assert ways[:2] == [here, f"{here}#photos"]
    assert "2 ảnh" in entry.text
    shown = [f"{here}/photos/{one.digest}" for one in kept]
    for visit in (family, skipper, officer):
        assert [one.attrs["src"] for one in visit.see(here).all("img")] == shown
        answer = visit.client.get(shown[0])
        assert answer.headers["content-type"] == "image/jpeg"
        assert b"secret" not in answer.content
    assert stranger.client.get(here).status_code == 404
    assert stranger.client.get(shown[0]).status_code == 404
    assert stranger.send(f"{here}/photos", later)[0] == 404
    assert officer.send(f"{here}/photos", later)[0] == 403
    assert officer.see(here).all("input", type="file") == []
    with zipfile.ZipFile(
        io.BytesIO(family.client.get("/account/data.zip").content)
    ) as mine:
        carried = [one for one in mine.namelist() if one.endswith(".jpg")]
        assert carried == [
            f"ba-tau/photos/{one}.jpg" for one in sorted(one.digest for one in kept)
        ]
        assert typed["id"] in mine.read("ba-tau/photos.json").decode()
    declared = boat.declare()
    there = f"/vessel-records/{declared.id}"
    assert officer.send(f"{there}/photos", later) == (303, f"{there}#photos")
    (of_catch,) = (one.digest for one in kept if one.added_by == "ut")
    assert family.client.get(f"{there}/photos/{of_catch}").status_code == 404
    paper = boat.paper("licence").id
    book = family.see(f"/vessels/{REGISTRATION}/book")
    assert book.one("li", data_record=paper).all("a")[0].attrs["href"].endswith(paper)


def test_an_officer_looks_and_states_and_enters_nothing_else(boat: Boat) -> None:
    boat.sail().declare()
    officer = Visit(boat, "minh")
    officer.see(AT)
    typed = {"trip": "trip-1", "happened": "2026-06-10T10:00"}
    status, _ = officer.send(
        RECORDS, kind="catch", f_species_1="YFT", f_kg_1="1", **typed
    )
    assert status == 403
    assert officer.send(f"{AT}/confirm")[0] == 403
    status, _ = officer.send(
        RECORDS, kind="statement", f_violation="v-1", f_finding="upheld",
        f_text="đã lập biên bản", **typed,
    )  # fmt: skip
    assert status == 303


def test_a_phone_that_was_offline_sends_its_batch_in_any_order_and_again(
    boat: Boat,
) -> None:
    boat.sail()
    visit = Visit(boat, "ut")

    def sent(kind: str, number: int, **more: object) -> dict[str, object]:
        return {
            "id": str(uuid.UUID(int=number)), "kind": kind, "trip": "trip-1",
            "happened": "2026-06-10T10:00+07:00", "entered": "2026-06-11T08:00+07:00",
            "behalf_of": "sau", **more,
        }  # fmt: skip

    lines = [{"species": "YFT", "kg": 300}]
    declared = {
        "departure_ms": NOW, "departure_port": "CHR", "gear": "LLD", "crew": 9,
    }  # fmt: skip
    caught = sent("catch", 1, fields={"lines": lines})
    fixed = sent("catch", 2, fields={"lines": [{"species": "YFT", "kg": 310}]},
                 corrects=caught["id"])  # fmt: skip
    wrong = sent("catch", 3, fields={"lines": [{"species": "CÁ", "kg": 1}]})
    batch = [fixed, wrong, sent("trip", 4, fields=declared), caught]
    path = f"/api/v1/vessels/{REGISTRATION}/records"
    headers = {"x-csrf-token": csrf_of("ut")}

    def post(records: object, **more: str) -> list[str]:
        answer = visit.client.post(
            path, json={"records": records}, headers=headers | more
        )
        assert answer.status_code == 200, answer.text
        return [one["status"] for one in answer.json()["results"]]

    assert post(batch) == ["stored", "refused", "stored", "stored"]
    assert post([caught, fixed]) == ["same", "same"]
    assert post([caught | {"fields": {"lines": [*lines, *lines]}}]) == ["refused"]
    assert post([caught | {"source": "import"}]) == ["conflict"]
    assert post(["nonsense", {}, {"id": 7}]) == ["refused"] * 3
    assert boat.books.view("trip-1").book.caught == {"YFT": 310}
    assert visit.client.post(path, json={"records": []}).status_code == 403
    for body in (b"[]", b"{", b'{"records": 1}', b'{"records": [], "x": []}'):
        assert visit.client.post(path, content=body, headers=headers).status_code == 422
    listed = visit.client.get(path).json()["records"]
    covers = {
        one["id"]: one["digest"]
        for one in listed
        if one["counts"] and one["kind"] in ("trip", "catch")
    }
    skipper = Visit(boat, "sau")
    told = sent("confirmation", 5, fields={"covers": covers}, behalf_of=None)
    for expected in ("stored", "same"):
        answer = skipper.client.post(
            path, json={"records": [told]}, headers={"x-csrf-token": csrf_of("sau")}
        )
        assert [one["status"] for one in answer.json()["results"]] == [expected]
    assert boat.books.view("trip-1").book.is_confirmed


def card_on(page: Node) -> str:
    """The address of the card on a trip card's page; empty: there is none."""
    cards = [one.attrs.get("data-card", "") for one in page.all("a")]
    return next(filter(None, cards), "")


def test_cards_are_called_in_by_the_boats_people_and_told_to_all(
    boat: Boat, tmp_path: Path
) -> None:
    boat.sail().fill()
    signer = open_signer(tmp_path / "keys", boat.registry, NOW)
    minute = 60_000

    def visit(person: str) -> Visit:
        return Visit(boat, person, signer=signer)

    family = visit("ut")
    page = family.see(f"{AT}/card")
    card = card_on(page)
    shown = card.removeprefix("http://127.0.0.1:8000")
    assert "verdict good" in family.client.get(shown).text
    sent = {"act": str(uuid.uuid4()), "reason": "lost"}
    assert family.send(f"{AT}/card/end", **sent | {"reason": "x"})[0] == 409
    assert visit("minh").send(f"{AT}/card/end", **sent)[0] in (403, 404)
    assert not boat.registry.card_revocations()
    for _ in range(2):
        assert family.send(f"{AT}/card/end", **sent) == (303, f"{AT}/card")
    assert len(boat.registry.card_revocations()) == 1
    checked = parse_page(family.client.get(shown).text)
    assert checked.one("article").attrs["data-code"] == "cancelled"
    page = family.see(f"{AT}/card")
    assert "đã hủy" in page.one(id="main").text
    assert not card_on(page), "a card of this very minute is called in"
    document = family.client.get("/api/v1/labels/status.json").content
    published = Published(boat.registry, signer, boat.clock)
    (told,) = read_status(document, published.keys()).cards
    assert (
        check_card(card, published.keys(), NOW, published.status()).code == "cancelled"
    )
    boat.at(told.until_ms + minute)
    fresh = card_on(family.see(f"{AT}/card"))
    status = published.status()
    now_ms = told.until_ms + minute
    assert check_card(fresh, published.keys(), now_ms, status).code == "valid"
    boat.at(told.until_ms + 8 * DAY)
    assert published.status().cards == (), "a card that old is worth nothing anyway"


def test_a_boat_is_changed_by_its_owner_and_renumbered_by_the_administrator(
    boat: Boat,
) -> None:
    boat.sail()
    boat.registry.add_person("quan", "Quân")
    boat.registry.add_member("quan", "chi-cuc", Role.ADMIN)
    boat.registry.add_member("minh", "chi-cuc", Role.INSPECTOR)
    now_ms = milliseconds(boat.clock.now())
    for person in ("quan", "tam", "minh"):
        boat.registry.open_session(
            f"{person}-2", person, now_ms=now_ms, expires_ms=2**53
        )
    owner, edit = Visit(boat, "bon"), f"/vessels/{REGISTRATION}/edit"
    form = owner.see(f"/vessels/{REGISTRATION}/records/new?kind=trip&trip=trip-1")
    left = form.one("input", name="f_departure_ms").attrs["value"]
    assert left, "what positions show need not be typed"
    trip = f"/vessels/{REGISTRATION}/records/new?kind=trip"
    assert "People on board (people)" in owner.client.get(f"{trip}&lang=en").text
    assert "(người)" in owner.client.get(f"{trip}&lang=vi").text
    for person, status in (("ut", 403), ("minh-2", 403), ("tam-2", 404)):
        answer = Visit(boat, person).client.get(edit)
        assert answer.status_code == status, (person, answer.headers)
        assert Visit(boat, person).send(edit, name="X")[0] == status, person
    assert owner.see(edit).one("input", id="length_m").attrs["value"] == "17,2"
    facts = {"name": "Ba Tàu 2", "gear": "LLD", "home_port": "CHR", "radio": "Kênh 6"}
    status, text = owner.send(edit, length_m="mười", **facts)
    assert (status, "mười" in text) == (422, True)
    assert owner.send(edit, length_m="17,5", **facts) == (303, edit)
    (change,) = boat.registry.vessel_changes(REGISTRATION)
    assert change.was["name"] == "Ba Tàu"
    assert change.became["length_m"] == 17.5
    assert "Ba Tàu → Ba Tàu 2" in owner.see(edit).text
    assert owner.send(edit, length_m="17,5", trade="kéo", **facts)[0] == 422
    assert owner.send(edit, length_m="17,5", trade="logistics", **facts)[0] == 303
    assert not boat.registry.get_vessel(REGISTRATION).catches
    assert owner.send(edit, length_m="17,5", **facts)[0] == 303
    assert not boat.registry.get_vessel(REGISTRATION).catches, (
        "an older form says nothing"
    )
    assert "Đánh bắt → Hậu cần" in owner.see(edit).text
    assert 'value="logistics" selected' in owner.client.get(edit).text
    assert "Hậu cần" in owner.see(f"/vessels/{REGISTRATION}/book").one(id="facts").text
    book = owner.see(f"/vessels/{REGISTRATION}/book")
    assert "Kênh 6" in book.one(id="facts").text
    assert owner.send(f"/vessels/{REGISTRATION}/number", number="KH 95999 TS")[0] == 403

    admin, new = Visit(boat, "quan-2"), "KH-95999-TS"
    where = f"/vessels/{REGISTRATION}/number"
    assert admin.send(where, number="KH-90415-TS")[0] == 422, "another boat's"
    assert admin.send(where, number="kh 95999 ts") == (303, f"/vessels/{new}/edit")
    (hung,) = boat.registry.deployments(vessel=new)
    assert hung.to_ms is None
    (before,) = boat.registry.deployments(vessel=REGISTRATION)
    assert before.to_ms == hung.from_ms
    assert boat.registry.trips(vessel=REGISTRATION), "its trips stay where they were"
    duty = Visit(boat, "minh-2")
    old = duty.see(f"/inspections/vessels?number={REGISTRATION}")
    assert new in old.one(data_successor="").text
    page = duty.see(f"/inspections/vessels?number={new}")
    assert REGISTRATION in page.one(data_former="").text
    assert admin.send(f"/vessels/{REGISTRATION}/service", to="back")[0] == 422
    assert owner.send(f"/vessels/{new}/service", to="out")[0] == 303
    assert new not in owner.see("/fleet").text
    assert "ngừng hoạt động" in owner.see("/vessels").one(id="gone").text
    assert owner.send(f"/vessels/{new}/service", to="back")[0] == 303
    assert boat.registry.get_vessel(new).is_in_service
    at_sea = Sailed(vessel=new, trips=[a_trip(id="on", vessel=new, landing_ms=None)])
    boat.registry.save_trips([at_sea])
    assert owner.send(f"/vessels/{new}/service", to="out")[0] == 422, "it is at sea"
    assert owner.send(f"/vessels/{new}/service", to="out", lost="on")[0] == 303


def test_a_departure_nobody_saw_is_said_at_the_port_and_its_hauls_count(
    boat: Boat,
) -> None:
    boat.sail()
    boat.found([], [a_haul(number, trip=None) for number in (1, 2, 3)])
    now_ms = milliseconds(boat.clock.now())
    boat.registry.open_session("minh-2", "minh", now_ms=now_ms, expires_ms=2**53)
    trip, officer, skipper = (
        str(uuid.uuid4()),
        Visit(boat, "minh-2"),
        Visit(boat, "sau"),
    )
    left = {
        "kind": "trip", "trip": trip, "happened": "2026-05-28T20:00",
        "f_departure_ms": "2026-05-28T20:00", "f_departure_port": "CHR",
        "f_gear": "LLD", "f_crew": "9",
    }  # fmt: skip
    assert officer.send(RECORDS, **left, behalf="sau")[0] == 303
    assert officer.send(RECORDS, **left | {"kind": "notice"})[0] == 403
    heard = {
        "kind": "position", "trip": trip, "happened": "2026-05-29T06:00",
        "f_latitude": "11,9", "f_longitude": "110,5", "f_heard_by": "Đài Nha Trang",
    }  # fmt: skip
    assert officer.send(RECORDS, **heard | {"f_longitude": ""})[0] == 422
    assert officer.send(RECORDS, **heard)[0] == 303
    newest = boat.telemetry.latest(book_device(REGISTRATION))
    assert [one.value for one in newest] == [11.9, 110.5]
    trip_page = skipper.see(f"/trips/{trip}").text
    assert "Báo vị trí qua bộ đàm" in trip_page
    assert "Đài Nha Trang" in trip_page
    page = skipper.see(f"/trips/{trip}")
    found = page.one(id="found")
    assert "do Minh khai thay Sau" in found.text
    assert "vùng khơi 30 giờ" in found.text, "three hauls of ten hours"
    assert [one.text for one in found.all("b")] == ["Mẻ 1", "Mẻ 2", "Mẻ 3"]
    (end,) = [
        one.attrs["href"] for one in found.all("a") if "end=1" in one.attrs["href"]
    ]
    form = skipper.see(end).one("form", class_="form")
    known = {one.attrs["name"]: one.attrs.get("value", "") for one in form.all("input")}
    assert known["f_return_ms"]
    back = left | {"corrects": end.partition("corrects=")[2].partition("&")[0]}
    back |= {"f_return_ms": known["f_return_ms"], "f_return_port": "CHR"}
    assert skipper.send(RECORDS, **back)[0] == 303
    view = boat.books.view(trip)
    assert view.found is not None
    assert (view.found.is_declared, view.conflicts) == (True, [])
    boat.books.confirm("sau", trip, record=str(uuid.uuid4()))
    # Positions that come late show the boat leaving another port, after its first haul.
    late = a_trip(
        id="late", departure_ms=NOW + 9 * DAY, departure_port="CDL", minutes={}, hauls=2
    )
    hauls = [a_haul(1, trip=None), a_haul(2, trip="late"), a_haul(3, trip="late")]
    boat.found([late], hauls)
    view = boat.books.view(trip)
    assert view.found is not None
    assert [one.id for one in view.found.hauls] == ["haul-1", "haul-2", "haul-3"]
    assert [one.what for one in view.conflicts] == ["departure", "return"]
    assert "departure" in view.drift, "the skipper had confirmed otherwise"
    page = skipper.see(f"/trips/{trip}")
    told = [one.text for one in page.all("p", data_conflict="")]
    assert "Giữ cả hai" in told[0]


def test_a_trip_at_sea_is_begun_in_the_book_from_what_positions_show(
    boat: Boat,
) -> None:
    boat.sail().found([a_trip(landing_ms=None, landing_port=None)], [a_haul(1)])
    family, officer = Visit(boat, "ut"), Visit(boat, "minh")
    page = family.see(AT)
    assert page.one("h1").text == "Chuyến biển từ 03:26 29/05/2026, chưa về"
    (begin,) = [one.attrs["href"] for one in page.one(id="confirm").all("a")]
    assert begin.endswith("kind=trip&trip=trip-1")
    form = family.see(f"/vessels/{REGISTRATION}/log").one(
        "form", data_sea="Chuyến biển"
    )
    (chosen,) = [one for one in form.all("option") if "selected" in one.attrs][:1]
    assert chosen.attrs["value"] == "trip-1", "not another trip"
    assert form.one("input", name="f_departure_ms").attrs["value"] == "2026-05-29T03:26"
    (write,) = [one for one in page.one(id="found").all("a")]
    assert write.text == "Ghi sản lượng mẻ này"
    written = boat.catch(1, ("YFT", 300))
    (mend,) = [one for one in family.see(AT).one(id="found").all("a")]
    assert mend.text == "Sửa", "written twice it would count twice"
    assert mend.attrs["href"].endswith(f"corrects={written.id}")
    now_ms = milliseconds(boat.clock.now())
    for passage, planned_ms in (
        ("in", now_ms + 30 * 60_000),
        ("out", now_ms - 2 * DAY),
    ):
        fields = {"passage": passage, "port": "CHR", "planned_ms": planned_ms}
        boat.write("notice", fields, at_ms=min(now_ms, planned_ms))
    (notice,) = officer.see("/fleet").one(id="notices").all("li")
    assert notice.text.startswith("▲ Ba Tàu (KH-95123-TS)"), "not an hour ahead"
    looked = officer.see(AT)
    hrefs = [one.attrs.get("href", "") for one in looked.one("main").all("a")]
    assert not [one for one in hrefs if "/log?" in one or "kind=catch" in one]
    assert begin in hrefs, "an officer at the port may say when it left"
    form_of = f"/vessels/{REGISTRATION}/records/new?kind=catch&trip=trip-1"
    assert officer.client.get(form_of).status_code == 403, "before it is filled in"


def table(visit: Visit, name: str, query: str = "") -> list[dict[str, str]]:
    answer = visit.client.get(f"/fleet/{name}.csv{SPAN}{query}")
    assert answer.status_code == 200, answer.text[:500]
    assert answer.content.startswith("\ufeff".encode()), "Excel needs the mark"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


SPAN = "?since=2026-05-20&until=2026-07-10"


def test_tables_hold_ones_own_boats_trips_hauls_and_waters_and_are_noted(
    boat: Boat,
) -> None:
    boat.sail().fill()
    by_hand = {"latitude": 9.5, "longitude": 109.0,
               "lines": [{"species": "YFT", "kg": 12}]}  # fmt: skip
    boat.write("catch", by_hand, at_ms=NOW + 18 * DAY)
    facts = VesselFacts(name="=cmd", length_m=17.2, gear="LLD")
    boat.registry.change_vessel(REGISTRATION, facts, person="bon", at_ms=NOW)
    owner = Visit(boat, "bon")
    (trip,) = table(owner, "trips")
    assert (trip["Mã chuyến"], trip["Tàu"]) == ("trip-1", "'=cmd")
    assert (trip["Xuất bến"], trip["Bến đi"]) == ("2026-05-29 03:26", "Hòn Rớ")
    assert trip["Căn cứ"] == "do tàu khai, có vị trí"
    assert (trip["Số mẻ"], trip["Khu vực vùng khơi"]) == ("3", "3")
    assert (trip["Sản lượng ghi (kg)"], trip["Cân khi bốc dỡ (kg)"]) == (
        "872.0",
        "868.0",
    )
    hauls = table(owner, "hauls")
    assert [one["Nguồn"] for one in hauls] == ["theo vị trí"] * 3 + ["ghi tay"]
    assert "cá ngừ vây vàng 300\N{NO-BREAK SPACE}kg" in hauls[0]["Loài và số ký"]
    assert (hauls[0]["Vĩ độ thả"], hauls[0]["Giờ ở vùng khơi"]) == ("11.2", "10.0")
    assert hauls[3]["Kinh độ thu xong"] == "109"
    waters = table(owner, "zones", f"&vessel={REGISTRATION}")
    assert [(one["Tháng"], one["Khu vực"], one["Số giờ"], one["Số ngày"])
            for one in waters] == [("2026-06", "3", "30.0", "3")]  # fmt: skip
    assert not table(owner, "trips", f"&vessel={REGISTRATION}&lang=vi")[1:]
    book = load_workbook(
        io.BytesIO(owner.client.get(f"/fleet/trips.xlsx{SPAN}").content)
    )
    assert [len(list(one.values)) for one in book][:3] == [2, 5, 2]
    told = {row[0] for row in book["Mỗi cột là gì"].values if row}
    assert {*hauls[0], *trip, *waters[0]} <= told, "every column is explained"
    english = owner.client.get(f"/fleet/hauls.csv{SPAN}&lang=en").text
    assert "Registration no." in english
    other, officer = Visit(boat, "tam"), Visit(boat, "minh")
    assert table(other, "hauls") == []
    assert (
        other.client.get(f"/fleet/trips.xlsx?vessel={REGISTRATION}").status_code == 404
    )
    assert len(table(officer, "hauls")) == 4
    page = officer.see(f"/fleet/tables?vessel={REGISTRATION}")
    (chosen,) = [o for o in page.all("option") if "selected" in o.attrs]
    assert chosen.attrs["value"] == REGISTRATION
    assert "chưa ai đối chiếu" in page.one(id="columns").text
    for wrong in (
        "?since=2026-07-01&until=2026-06-01",
        "?since=2020-01-01",
        "?since=ngày",
    ):
        answer = officer.client.get(f"/fleet/trips.csv{wrong}")
        assert answer.status_code == 422, wrong
    span = f"vessel={REGISTRATION}&start=2026-05-01T00:00Z&end=2026-07-01T00:00Z"
    first = owner.client.get(f"/api/v1/hauls?{span}&limit=2")
    onward = first.links["next"]["url"]
    rest = owner.client.get(onward).json()["hauls"]
    told = first.json()["hauls"] + rest
    assert [one["haul"] for one in told] == ["haul-1", "haul-2", "haul-3"]
    assert (told[0]["offshore_areas"], told[0]["offshore_minutes"]) == ("3", 600.0)
    as_table = owner.client.get(f"/api/v1/trips?{span}&format=csv").text.splitlines()
    assert as_table[1].endswith(",catching")
    assert as_table[1].startswith(
        f"trip-1,{REGISTRATION},2026-05-28T20:26:40.000Z,CHR,"
    )
    assert other.client.get(f"/api/v1/trips?{span}").status_code == 404
    assert owner.client.get(f"/api/v1/trips?{span}&after=x").status_code == 422
    shown = owner.see(AT).one(id="found").text
    assert "khu vực 3 30 giờ" in shown
    assert "vùng khơi (khu vực 3)" in shown
    acts = [one.act for one in boat.registry.noted() if one.outcome == "done"]
    assert acts.count("tables_export") == 8
