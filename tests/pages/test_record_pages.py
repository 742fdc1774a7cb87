"""The book on a phone: few taps, versions, photos, files; and for programs."""

import datetime as dt
import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from greenwater.reference.records import KINDS
from greenwater.storage.registry.people import Role
from tests.pages.farms import BOATS, PIN, Farms, pin_hash
from tests.pages.reading_pages import parse_page
from tests.pages.world import open_empty
from traceability.book.tables import plain
from traceability.book.workbooks import csv_of_workbook
from traceability.sea.importing import KINDS as SEA_KINDS
from traceability.sea.importing import sea_titles
from web.api.batches import MAX_BYTES
from web.app import create_app
from web.door.doors import COOKIE, csrf_of
from web.farm.record_import import names_of, title_of
from web.sea.importing import sea_names, sea_title
from web.words import Lang
from web.workbooks import workbook

PHONES = {"hoa": "0905000001", "binh": "0905000002", "tam": "0905000009"}


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("books")
    with open_empty(folder) as world:
        farms = Farms(world, folder)
        farms.registry.add_person("tam", "Anh Tám", PHONES["tam"])
        farms.registry.add_member("tam", "hoa", Role.TECHNICIAN)
        farms.registry.set_secret("tam", pin_hash(), is_pin=True)
        farms.services = replace(farms.services, photos=folder / "photos")
        yield farms


class Phone:
    """Somebody's phone, signed in."""

    def __init__(self, client: TestClient, person: str) -> None:
        form = {"phone": PHONES[person], "secret": PIN}
        assert client.post("/sign-in", data=form).status_code == 303
        self.client, self.csrf = client, csrf_of(client.cookies[COOKIE])

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return parse_page(answer.text)

    def post(self, path: str, *, files: Any = None, **form: str) -> Any:
        return self.client.post(path, data={"csrf": self.csrf, **form}, files=files)

    def enter(self, kind: str, **form: str) -> str:
        """Enter a record of the farm's crop; return its id."""
        name = form.pop("id", str(uuid.uuid4()))
        places = {"crop", "unit", "site", "nowhere"}
        if not places & set(form):
            form["crop"] = "hoa-vu"
        form.pop("nowhere", None)
        form.setdefault("happened", "2026-11-20T07:30")
        answer = self.post("/records", kind=kind, id=name, **form)
        assert answer.status_code == 303, answer.text
        return name

    def sync(self, *records: Any, **headers: Any) -> Any:
        return self.client.post(
            "/api/v1/records",
            content=json.dumps({"records": records}),
            headers={"x-csrf-token": self.csrf, **headers},
        )


@pytest.fixture(scope="module")
def phones(farms: Farms) -> Iterator[Callable[[str], Phone]]:
    """Phones of people, signed in once: they only use their pages."""
    opened: dict[str, Phone] = {}

    def phone_of(person: str) -> Phone:
        if person not in opened:
            client = TestClient(create_app(farms.services), follow_redirects=False)
            opened[person] = Phone(client, person)
        return opened[person]

    yield phone_of
    for phone in opened.values():
        phone.client.close()


@pytest.fixture(scope="module")
def hoa(phones: Callable[[str], Phone]) -> Phone:
    return phones("hoa")


def test_where_there_is_one_place_a_kind_leads_straight_to_its_form(hoa: Phone) -> None:
    page = hoa.get("/records")
    links = {one.attrs["href"] for one in page.all("a", class_="button")}
    assert {f"/records/new?kind={kind}" for kind in KINDS} <= links
    for kind, place in (("feed_use", "crop=hoa-vu"), ("water_measure", "unit=hoa-ao"),
                        ("feed_in", "site=hoa-trai")):  # fmt: skip
        answer = hoa.client.get(f"/records/new?kind={kind}")
        assert answer.headers["location"] == f"/records/new?kind={kind}&{place}"
    assert hoa.get("/records/new?kind=complaint").one("form", action="/records")
    for none in ("kind=feed", "kind=feed&crop=hoa-vu"):
        assert hoa.client.get(f"/records/new?{none}").status_code == 422


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_entered_and_shown_in_words(hoa: Phone, kind: str) -> None:
    about = KINDS[kind]
    place = {"crop": {"crop": "hoa-vu"}, "unit": {"unit": "hoa-ao"},
             "site": {"site": "hoa-trai"}, "organisation": {"nowhere": ""}}  # fmt: skip
    typed = {
        "number": "3", "text": "chữ", "date": "2027-01-31",
        "choice": "",
    }  # fmt: skip
    fields = {
        f"f_{one.name}": one.choices[0] if one.choices else typed[one.type]
        for one in about.fields
        if one.name != "birth_year"
    }
    name = hoa.enter(kind, **place[about.place], **fields)
    shown = hoa.get(f"/records/{name}").one("main").text
    assert "31/01/2027" in shown or "date" not in {one.type for one in about.fields}
    assert "choice_" not in shown
    correction = hoa.get(f"/records/new?corrects={name}")
    assert correction.one("input", name="corrects").attrs["value"] == name


def test_cleaning_a_probe_is_written_and_its_age_told_beyond_a_fortnight(
    phones: Any,
) -> None:
    binh = phones("binh")

    def told() -> str:
        (item,) = [
            one
            for one in binh.get("/units/binh-ao").all("li")
            if "data-health" in one.attrs
        ]
        return str(item.text)

    name = ""
    for day, words in (
        ("06", "Đầu đo chưa vệ sinh 16 ngày; thông lệ là 14 ngày một lần."),
        ("20", "Vệ sinh 2 ngày trước."),
    ):
        happened = f"2026-11-{day}T20:12"
        name = binh.enter("probe_cleaning", unit="binh-ao", happened=happened)
        assert words in told()
    assert "Chuẩn yêu cầu" not in binh.get(f"/records/{name}").text


def test_a_form_typed_wrong_keeps_its_place_its_choice_and_for_whom(
    phones: Any,
) -> None:
    tam = phones("tam")
    answer = tam.post(
        "/records", kind="waste", id=str(uuid.uuid4()), site="hoa-trai",
        happened="2026-11-20T07:30", f_waste_kind="sludge", f_volume_m3="nhiều",
        behalf_of="hoa",
    )  # fmt: skip
    assert answer.status_code == 422
    page = parse_page(answer.text)
    assert page.one(id="t_volume_m3").text.count("nhiều") == 1
    assert page.one("input", name="site").attrs["value"] == "hoa-trai"
    chosen = [
        one.attrs["value"] for one in page.all("option") if "selected" in one.attrs
    ]
    assert chosen == ["sludge", "hoa"]
    for typed, told in (
        ("-5", "phải từ 0 đến"), ("9" * 400, "phải từ 0 đến"),
        ("🦐" * 99, "không phải là số"),
    ):  # fmt: skip
        answer = tam.post(
            "/records", kind="waste", id=str(uuid.uuid4()), site="hoa-trai",
            happened="2026-11-20T07:30", f_waste_kind="sludge", f_volume_m3=typed,
        )  # fmt: skip
        words = parse_page(answer.text).one(id="t_volume_m3").text
        assert told in words
        assert len(words) < 120, "it repeats what was typed, but not all of it"


def test_who_enters_for_another_is_confirmed_by_him(phones: Any, farms: Farms) -> None:
    tam, hoa = phones("tam"), phones("hoa")
    name = tam.enter("feed_use", f_product="x", f_kg="2", behalf_of="hoa")
    assert (
        "Anh Tám ghi thay cho Chủ hoa" in tam.get(f"/records/{name}").one("main").text
    )
    assert not tam.get(f"/records/{name}").all(
        "form", action=f"/records/{name}/confirm"
    )
    assert tam.post(f"/records/{name}/confirm").status_code == 422
    assert name in str(hoa.client.get("/records").text.split('id="waiting"')[1][:600])
    assert hoa.get(f"/records/{name}").one("form", action=f"/records/{name}/confirm")
    assert hoa.post(f"/records/{name}/confirm").status_code == 303
    assert "đã xác nhận" in hoa.get(f"/records/{name}").one("main").text
    assert 'id="waiting"' not in hoa.client.get("/records").text
    assert len(farms.registry.confirmations({name})) == 1


def test_versions_stay_and_a_person_chooses_between_two(hoa: Phone) -> None:
    first = hoa.enter("feed_use", f_product="x", f_kg="5")
    low, high = (str(uuid.UUID(int=n)) for n in (7, 8))
    for name, kg in ((low, "6"), (high, "7")):
        hoa.enter("feed_use", id=name, corrects=first, f_product="x", f_kg=kg)
    page = hoa.get(f"/records/{first}")
    assert "Hai bản khác nhau" in page.one("main").text
    keep = {
        one.attrs["action"] for one in page.all("form") if "keep" in one.attrs["action"]
    }
    assert keep == {f"/records/{low}/keep", f"/records/{high}/keep"}
    for _ in range(2):
        assert hoa.post(f"/records/{high}/keep").status_code == 303
    after = hoa.get(f"/records/{first}")
    assert "Hai bản khác nhau" not in after.one("main").text
    assert len(after.one("ol", class_="history").all("li")) == 4, "twice is once"
    assert "7 kg" in next(
        one.text for one in after.all("li") if "đang tính" in one.text
    )


def test_what_is_banned_is_entered_and_red_what_is_limited_says_how_much(
    hoa: Phone,
) -> None:
    drug = {"f_product": "x", "f_amount": "1 kg", "f_reason": "bệnh"}
    banned = hoa.enter("drug_chem_use", f_substance="Trifluralin", **drug)
    page = hoa.get(f"/records/{banned}")
    assert "CHẤT CẤM theo TT 10/2016" in page.one("p", class_="recalled").text
    limited = hoa.enter("drug_chem_use", f_substance="Florfenicol 40 %", **drug)
    text = hoa.get(f"/records/{limited}").one("main").text
    assert "florfenicol: dư lượng tối đa 1.000 µg/kg" in text
    assert "chưa đối chiếu văn bản" in text


def test_what_is_used_and_was_never_bought_is_told(hoa: Phone) -> None:
    hoa.enter("feed_in", site="hoa-trai", f_product="Cám Sóng", f_kg="10")
    hoa.enter("feed_use", f_product="cám sóng", f_kg="12,5")
    text = hoa.get("/records").one("main").text
    assert "Cám Sóng: nhập 10 kg, dùng 12,5 kg, còn -2,5 kg" in text
    assert "dùng nhiều hơn nhập" in text


def test_a_meters_reading_stands_on_the_ponds_page(hoa: Phone) -> None:
    hoa.enter("water_measure", unit="hoa-ao", f_transparency="35",
              happened="2026-11-23T02:00")  # fmt: skip
    page = hoa.client.get("/units/hoa-ao").text
    assert "Độ trong" in page
    assert "35" in page
    assert "ĐO TAY" in page
    assert "cùng lúc ra số khác nhau" not in page
    hoa.enter("water_measure", unit="hoa-ao", f_transparency="50",
              happened="2026-11-23T02:02")  # fmt: skip
    told = hoa.get("/units/hoa-ao").one("p", data_dispute="").text
    assert "35 cm · 50 cm" in told.replace("\N{NO-BREAK SPACE}", " "), "both are told"


def test_green_figures_stand_on_the_crop_and_on_the_passport(
    hoa: Phone, farms: Farms
) -> None:
    crop = hoa.get("/crops/hoa-vu").one(id="green").text
    assert "Hệ số thức ăn" in crop
    assert "do cơ sở tự khai" in crop
    lot = farms.registry.get_lot(farms.lots["hoa"])
    path = f"/passport/{lot.product}/{lot.code}"
    assert "Giờ chạy quạt nước" in hoa.get(path).one(id="green").text
    document = hoa.client.get(f"/api/v1/passports/{lot.product}/{lot.code}").json()
    names = [one["name"] for one in document["green"][0]["figures"]]
    assert names == ["fcr", "antibiotic_days", "aerator_hours", "energy", "effluent", "waste",
                     "survival"]  # fmt: skip


# Photos


def jpeg() -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    Image.new("RGB", (80, 60), (9, 120, 90)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_photo_is_shown_to_who_may_see_the_record_and_to_nobody_else(
    phones: Any, farms: Farms
) -> None:
    hoa, binh = phones("hoa"), phones("binh")
    name = hoa.enter("feed_use", f_product="x", f_kg="1")
    photo = {"photo": ("../../etc/x.svg", jpeg(), "image/svg+xml")}
    for _ in range(2):
        assert hoa.post(f"/records/{name}/photos", files=photo).status_code == 303
    (kept,) = farms.registry.photos(name)
    address = f"/records/{name}/photos/{kept.digest}"
    assert hoa.get(f"/records/{name}").one("img").attrs["src"] == address
    answer = hoa.client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert b"secret" not in answer.content
    assert "private" in answer.headers["cache-control"]
    assert binh.client.get(address).status_code == 404
    assert binh.post(f"/records/{name}/photos", files=photo).status_code == 404
    other = hoa.enter("feed_use", f_product="x", f_kg="1")
    assert hoa.client.get(f"/records/{other}/photos/{kept.digest}").status_code == 404


@pytest.mark.parametrize(
    "raw", [b"<svg onload=alert(1)>", b"", jpeg()[:100], b"PK\x03\x04" + b"\0" * 99]
)
def test_a_hostile_file_is_refused_on_the_page(
    hoa: Phone, farms: Farms, raw: bytes
) -> None:
    name = hoa.enter("feed_use", f_product="x", f_kg="1")
    answer = hoa.post(f"/records/{name}/photos", files={"photo": ("a.jpg", raw)})
    assert answer.status_code == 422
    assert "Chưa lưu được ảnh" in parse_page(answer.text).one("main").text
    assert farms.registry.photos(name) == []


def test_a_file_of_unknown_or_great_length_is_not_even_read(hoa: Phone) -> None:
    name = hoa.enter("feed_use", f_product="x", f_kg="1")

    def endless() -> Iterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    path = f"/records/{name}/photos"
    for headers in ({"content-length": "99999999"}, {}):
        answer = hoa.client.post(path, content=b"x", headers=headers)
        assert answer.status_code in (403, 422)


# Files


def test_a_file_is_tried_then_confirmed(hoa: Phone, farms: Farms) -> None:
    template = hoa.client.get("/records/import/template?kind=feed_use&format=xlsx")
    head = csv_of_workbook(template.content).strip().split(";")
    filled = {title_of(Lang.VI, "feed_use", name): value for name, value in (
        ("time", dt.datetime(2026, 11, 20, 7, 30)),  # noqa: DTZ001  (as Excel has it)
        ("product", "tệp"), ("kg", 1.5),
    )}  # fmt: skip
    row = [filled.get(one) for one in head]
    bad = ["nhiều" if one == 1.5 else one for one in row]
    raw = workbook({"so": [head, row, bad]})
    text = csv_of_workbook(raw, point=",")
    before = len(farms.registry.records(crop="hoa-vu"))
    answer = hoa.post("/records/import", files={"file": ("so.xlsx", raw)},
                      kind="feed_use", crop="hoa-vu")  # fmt: skip
    page = parse_page(answer.text)
    (trouble,) = [one for one in page.all("li") if "data-trouble" in one.attrs]
    assert "Dòng 3, cột kg: “nhiều”" in trouble.text
    assert len(farms.registry.records(crop="hoa-vu")) == before, "nothing was kept"
    form = {
        one.attrs["name"]: one.attrs["value"]
        for one in page.one(id="trial").one("form").all("input")
    }
    done = hoa.post("/records/import", **{**form, "text": text})
    assert "Đã lưu 1 dòng" in parse_page(done.text).one("main").text
    again = hoa.post("/records/import", **{**form, "text": text})
    assert "Đã lưu 0 dòng, 1 dòng đã có" in parse_page(again.text).one("main").text
    assert len(farms.registry.records(crop="hoa-vu")) == before + 1


def test_a_boats_file_is_tried_and_rows_of_one_haul_are_one_record(
    hoa: Phone, farms: Farms
) -> None:
    at = f"/vessels/{BOATS['hoa']}/import"
    template = hoa.client.get(f"{at}/template?kind=catch").content
    head = csv_of_workbook(template).strip().split(";")
    values = {"time": "20/11/2026 05:00", "trip": "chuyến tháng 11", "species": "Cá ngừ vây vàng",
              "kg": 120.5, "latitude": 11.5, "longitude": 112.5}  # fmt: skip
    names = {sea_title(Lang.VI, "catch", one): value for one, value in values.items()}
    row = [names.get(one) for one in head]
    second = ["BET" if one == values["species"] else one for one in row]
    wrong = ["cá lạ" if one == values["species"] else one for one in row]
    later = ["21/11/2026 05:00" if one == values["time"] else one for one in row]
    blind = [None if one == values["trip"] else one for one in later]
    raw = workbook({"a": [head, row, second, later, blind, wrong]})
    seen = farms.registry.vessel_records
    before = seen(vessel=BOATS["hoa"])
    tried = hoa.post(at, files={"file": ("so.xlsx", raw)}, kind="catch")
    page = parse_page(tried.text)
    troubles = [one.text for one in page.all("li") if "data-trouble" in one.attrs]
    assert ["Dòng 5" in troubles[0], "Dòng 6" in troubles[1]] == [True, True]
    assert seen(vessel=BOATS["hoa"]) == before, "nothing was kept"
    sure = {"kind": "catch", "sure": "on", "text": csv_of_workbook(raw, point=",")}
    for _ in range(2):
        assert hoa.post(at, **sure).status_code == 200
    made = [one for one in seen(vessel=BOATS["hoa"]) if one not in before]
    assert [one.fields["lines"] for one in made] == [
        [{"species": "BET", "kg": 120.5}, {"species": "YFT", "kg": 120.5}],
        [{"species": "YFT", "kg": 120.5}],
    ]
    assert {one.source for one in made} == {"import"}
    assert len({one.trip for one in made}) == 1


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("kind", SEA_KINDS)
def test_a_boats_templates_columns_are_found_again(lang: Lang, kind: str) -> None:
    names = sea_names(lang).columns
    columns = sea_titles(kind, str)
    titles = sea_titles(kind, lambda one: sea_title(lang, kind, one))
    assert [names[plain(one)] for one in titles] == columns


@pytest.mark.parametrize("lang", Lang)
@pytest.mark.parametrize("kind", KINDS)
def test_a_templates_columns_are_found_again(lang: Lang, kind: str) -> None:
    names = names_of(lang).columns
    for one in KINDS[kind].fields:
        assert names[plain(title_of(lang, kind, one.name))] == one.name


@pytest.mark.parametrize(
    "raw", [b"PK\x03\x04" + b"\0" * 99, b"\xff\xfe\x00", b"", b"a;b\n1;2", b"\x80\x81"]
)
def test_what_is_no_table_is_refused_in_a_sentence(hoa: Phone, raw: bytes) -> None:
    answer = hoa.post("/records/import", files={"file": ("x", raw)}, kind="feed_use")
    assert answer.status_code == 422
    assert "Chưa lưu được" in parse_page(answer.text).one("main").text


# For programs


def sent(**more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()), "kind": "feed_use", "crop": "hoa-vu",
        "happened": "2026-11-20T07:30+07:00", "fields": {"product": "x", "kg": 2},
        **more,
    }  # fmt: skip


def test_a_batch_is_answered_one_by_one(hoa: Phone, farms: Farms) -> None:
    good = sent()
    clash = sent(id=good["id"], fields={"product": "x", "kg": 3})
    early = sent(corrects=str(uuid.uuid4()))
    wrong = [
        (sent(fields={"product": "x", "kg": "nhiều"}), "kg"),
        (sent(fields={"product": "x"}), "kg"),
        (sent(happened="hôm qua"), "happened"),
        (sent(happened="2026-11-20T07:30"), "happened"),
        (sent(happened="2126-11-20T07:30Z"), "happened"),
        (sent(crop=None), "crop"),
        (sent(crop="binh-vu"), None),
        (sent(id="7"), "id"),
        (sent(behalf_of="binh"), "behalf_of"),
        (sent(source="probe of mine"), "source"),
        (sent(colour="red"), ""),
        ({"id": "x"}, ""),
        ([], ""),
        ("a text", ""),
    ]
    answer = hoa.sync(good, good, clash, early, *[one for one, _ in wrong])
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [one["status"] for one in results[:4]] == [
        "stored",
        "same",
        "conflict",
        "stored",
    ]
    assert results[2]["href"] == f"/records/{good['id']}"
    assert "has not come yet" in results[3]["notice"]
    for (record, field), result in zip(wrong, results[4:], strict=True):
        assert result["status"] == "refused", record
        assert result["reason"]
        if field:
            assert result["field"] == field, (record, result)
    assert farms.registry.find_record(good["id"])


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"records": 1}', b"\xff", b'{"records": [}', b"[" * 5000,
     b'{"records": [], "more": 1}', json.dumps({"records": [{}] * 201}).encode(),
     b'{"records": [' + b" " * 1_000_000 + b"]}"],
)  # fmt: skip
def test_what_is_no_batch_is_refused_whole(hoa: Phone, body: bytes) -> None:
    answer = hoa.client.post(
        "/api/v1/records", content=body, headers={"x-csrf-token": hoa.csrf}
    )
    assert answer.status_code in (413, 422), answer.status_code


def test_a_batch_that_is_too_large_is_not_cut_short(hoa: Phone) -> None:
    whole = json.dumps({"records": [sent()]}).encode().ljust(MAX_BYTES + 1)
    answer = hoa.client.post(
        "/api/v1/records", content=whole, headers={"x-csrf-token": hoa.csrf}
    )
    assert answer.status_code == 422
    assert f"at most {MAX_BYTES} bytes" in answer.text


def test_a_batch_needs_a_session_its_token_and_a_person_who_keeps_books(
    hoa: Phone, farms: Farms
) -> None:
    assert hoa.sync(sent(), **{"x-csrf-token": "0" * 32}).status_code == 403
    assert hoa.sync(sent(), **{"x-csrf-token": b"\xe1\xbb\x99"}).status_code == 403
    session = dict(hoa.client.cookies)
    hoa.client.cookies.clear()
    assert hoa.sync(sent()).status_code == 401
    hoa.client.cookies.update(session)


def test_the_book_is_listed_by_pages_and_only_ones_own(
    phones: Any, farms: Farms
) -> None:
    hoa, binh = phones("hoa"), phones("binh")
    names, after = [], ""
    while after is not None:
        answer = hoa.client.get(f"/api/v1/records?limit=2{after and f'&after={after}'}")
        names += [one["id"] for one in answer.json()["records"]]
        after = answer.json()["next"]
    ours = {one.id for one in farms.registry.records(organisation="hoa")}
    assert sorted(names) == sorted(ours)
    theirs = {one["id"] for one in binh.client.get("/api/v1/records").json()["records"]}
    assert not theirs & ours
    for bad in ("after=x", "after=1.", "limit=0", "limit=201", "limit=x"):
        assert hoa.client.get(f"/api/v1/records?{bad}").status_code == 422


def test_a_programs_token_reads_if_it_may(hoa: Phone, farms: Farms) -> None:
    now_ms = round(farms.world.clock.now().timestamp() * 1000)
    for scope, status in (("records:read", 200), ("epcis:query", 403)):
        farms.registry.add_api_token(
            scope, f"secret of {scope}", organisation="binh", name=scope,
            scopes=frozenset({scope}), now_ms=now_ms,
            expires_ms=now_ms + round(dt.timedelta(days=1).total_seconds() * 1000),
        )  # fmt: skip
        answer = hoa.client.get(
            "/api/v1/records", headers={"authorization": f"Bearer secret of {scope}"}
        )
        assert answer.status_code == status
        for one in answer.json().get("records", ()):
            assert one["organisation"] == "binh"
