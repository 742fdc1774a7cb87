"""The first day of a farm and of a boat: nothing is there, and each page says what to do."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.storage.registry.books import Crop
from greenwater.storage.registry.people import OrganisationKind, Role
from tests.pages.reading_pages import parse_page
from tests.pages.world import NOW_MS, World, open_empty
from traceability.gs1.demonstration import demonstration_gtins, is_demonstration
from traceability.proof.links import parse_gtin
from web.app import create_app
from web.door.doors import COOKIE, csrf_of
from web.door.hashing import hash_secret

PIN = "274913"
PEOPLE = {
    "hoa": ("ho", Role.FARMER), "an": ("khac", Role.FARMER), "binh": ("tau", Role.BOAT_OWNER),
    "quan": ("qt", Role.ADMIN), "duyen": ("cc", Role.OFFICER),
}  # fmt: skip


class Site:
    """A site where people are invited and nothing else is."""

    def __init__(self, world: World) -> None:
        self.world, self.registry = world, world.registry
        for one in ("ho", "khac", "tau"):
            self.registry.add_organisation(one, f"Hộ {one}")
        for one in ("qt", "cc"):
            self.registry.add_organisation(one, one, kind=OrganisationKind.AUTHORITY)
        secret = hash_secret(PIN, is_pin=True)
        for number, (person, (where, role)) in enumerate(PEOPLE.items(), 1):
            self.registry.add_person(person, person, f"090500000{number}")
            self.registry.add_member(person, where, role)
            self.registry.set_secret(person, secret, is_pin=True)
        self._app = create_app(replace(world.services, is_guarded=True, is_demo=True))

    def enter(self, person: str) -> TestClient:
        client = TestClient(self._app, follow_redirects=False)
        assert client.post(f"/demo/{person}").status_code == 303
        return client

    def hung(self, unit: str) -> list[tuple[str, float | None]]:
        found = self.registry.deployments(
            unit=unit, start_ms=NOW_MS, end_ms=NOW_MS + 10**9
        )
        return [(str(one.probe), one.depth_m) for one in found if one.to_ms is None]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("first")
    with open_empty(folder) as world:
        yield Site(world)


def post(client: TestClient, path: str, **form: str) -> tuple[int, str]:
    """Send a form; return the status, and where it leads or what is wrong."""
    answer = client.post(path, data={"csrf": csrf_of(client.cookies[COOKIE]), **form})
    if answer.status_code == 303:
        return 303, answer.headers["location"]
    troubles = parse_page(answer.text).all("p", role="alert") or []
    return answer.status_code, " ".join(one.text for one in troubles if one.text)


def unit_of(site: Site, client: TestClient, name: str) -> str:
    """Add a pond, and the farm with the first one; return its id."""
    status, path = post(
        client, "/units", farm="Trại Hòa", commune="", kind="pond", name=name,
        species="PNV", area_m2="2.500", depth_m="1,5",
    )  # fmt: skip
    assert status == 303, path
    return path.removeprefix("/units/")


def test_a_farmer_begins_with_nothing_and_adds_what_he_has(site: Site) -> None:
    client = site.enter("hoa")
    assert 'href="/units/new"' in client.get("/").text
    assert 'name="farm"' in client.get("/units/new").text, "the first one asks for it"
    assert post(client, "/units", name="Ao 3", kind="pond") == (
        422,
        "Chưa ghi tên trại nuôi.",
    )
    assert post(client, "/units", farm="Trại Hòa", name=" ", kind="pond")[0] == 422
    wrong = post(client, "/units", farm="x", name="Ao 3", kind="pond", depth_m="sâu")
    assert wrong[0] == 422
    assert "sâu" in wrong[1]
    assert site.registry.sites() == [], "what is wrong leaves nothing behind"

    unit = unit_of(site, client, "Ao 3")
    (farm,) = site.registry.sites()
    assert (farm.name, farm.organisation) == ("Trại Hòa", "ho")
    info = site.registry.get_unit(unit)
    assert (info.name, info.species, info.area_m2, info.depth_m) == (
        "Ao 3",
        "PNV",
        2500,
        1.5,
    )
    page = client.get(f"/units/{unit}").text
    assert f"/records/new?kind=water_measure&amp;unit={unit}" in page
    assert '<a href="/">← Ao của tôi</a>' in page
    looked_at = site.enter("duyen").get(f"/units/{unit}").text
    assert '<a href="/board">← Tất cả trại và tàu</a>' in looked_at
    assert f"/units/{unit}/probes" in page
    assert 'name="farm"' not in client.get("/units/new").text
    status, words = post(client, "/units", name="ao 3", kind="pond")
    assert (status, "đã có rồi" in words) == (422, True)
    assert "Ao 3" in client.get("/").text
    assert "unit_add" in {one.act for one in site.registry.noted()}


def test_probes_are_hung_moved_and_taken_out_by_the_farms_own_people(
    site: Site,
) -> None:
    client = site.enter("hoa")
    one = unit_of(site, client, "Ao 5")
    assert "Không còn đầu đo nào" in client.get(f"/units/{one}/probes").text
    site.world.add_device("hop-1", site=site.registry.get_unit(one).site)
    site.world.telemetry.write(
        [
            Reading(DeviceId("hop-1"), ProbeId(probe), channel, NOW_MS - 1000, value)
            for probe, channel, value in (
                ("do-1", Channel.DISSOLVED_OXYGEN, 5.0),
                ("quat-2", Channel.CURRENT, 4.0),
                ("box", Channel.BATTERY, 12.0),
            )
        ]
    )
    other = unit_of(site, client, "Ao 6")
    page = parse_page(client.get(f"/units/{one}/probes").text)
    offered = {option.attrs["value"] for option in page.all("option")}
    assert offered == {"hop-1/do-1", "hop-1/quat-2"}, "a box's battery hangs nowhere"

    hang = f"/units/{one}/probes"
    assert post(client, hang, probe="hop-1/do-1", depth_m="sâu")[0] == 422
    assert post(client, hang, probe="hop-1/do-1", depth_m="1,2")[0] == 303
    assert post(client, hang, probe="hop-1/quat-2")[0] == 303
    assert sorted(site.hung(one)) == [("do-1", 1.2), ("quat-2", None)]
    assert "Quạt" in client.get(hang).text, "what watches a motor is an aerator"

    site.world.clock.advance(timedelta(minutes=5))
    assert "đang ở Ao 5" in client.get(f"/units/{other}/probes").text
    moved = post(client, f"/units/{other}/probes", probe="hop-1/do-1", depth_m="0,5")
    assert moved[0] == 303
    assert (site.hung(one), site.hung(other)) == ([("quat-2", None)], [("do-1", 0.5)])

    site.world.clock.advance(timedelta(minutes=5))
    assert post(client, f"{hang}/end", probe="hop-1/quat-2")[0] == 303
    assert site.hung(one) == []
    assert post(client, f"{hang}/end", probe="hop-1/quat-2")[0] == 404

    # Noted at the wrong pond: what it read there was this one's all along, or nobody's.
    then_ms = milliseconds(site.world.clock.now()) - 60_000
    assert "ghi nhầm chỗ" in client.get(hang).text
    assert post(client, hang, probe="hop-1/do-1", depth_m="0,5", wrong="on")[0] == 303
    at = site.registry.where("hop-1", "do-1", then_ms)
    assert at is not None
    assert (at.unit, site.hung(other), site.hung(one)) == (one, [], [("do-1", 0.5)])
    assert post(client, f"{hang}/end", probe="hop-1/do-1", wrong="on")[0] == 303
    assert site.registry.where("hop-1", "do-1", then_ms) is None


def test_nobody_else_adds_to_a_farm(site: Site) -> None:
    mine = unit_of(site, site.enter("hoa"), "Ao 9")
    stranger = site.enter("an")
    assert stranger.get(f"/units/{mine}/probes").status_code == 404
    assert post(stranger, f"/units/{mine}/probes", probe="hop-1/do-1")[0] == 404
    theirs = site.registry.get_unit(mine).site
    status, path = post(stranger, "/units", farm="Trại An", site=theirs, name="Ao 1", kind="pond")  # fmt: skip
    assert status == 303
    assert site.registry.get_unit(path.removeprefix("/units/")).site != theirs
    for person in ("binh", "duyen"):
        assert post(site.enter(person), "/units", farm="x", name="y")[0] == 403, person
    assert "/units/new" not in site.enter("duyen").get("/board").text


def test_a_boats_owner_is_told_who_adds_boats_and_the_administrator_does(
    site: Site,
) -> None:
    owner, admin = site.enter("binh"), site.enter("quan")
    assert "Người quản trị thêm tàu" in owner.get("/vessels").text
    assert "Chưa có tàu nào" in admin.get("/admin/places").text
    boat = {
        "organisation": "tau",
        "number": "kh 95123 ts",
        "name": "Hải Âu",
        "gear": "LLD",
    }
    for wrong, words in (
        ({"number": "95123"}, "không phải số đăng ký"),
        ({"name": " "}, "Chưa ghi tên tàu"),
        ({"length_m": "dài"}, "Chiều dài ghi bằng mét"),
    ):  # fmt: skip
        status, told = post(admin, "/admin/vessels", **{**boat, **wrong})
        assert (status, words in told) == (422, True), told
    made = {**boat, "length_m": "17,5", "trade": "logistics"}
    assert post(admin, "/admin/vessels", **made) == (
        303,
        "/admin/places",
    )
    assert post(admin, "/admin/vessels", **boat)[0] == 422, "it is there already"
    (added,) = site.registry.vessels()
    assert (added.id, added.length_m, added.organisation) == (
        "KH-95123-TS",
        17.5,
        "tau",
    )
    assert not added.catches
    assert "Hải Âu" in owner.get("/vessels").text
    assert post(owner, "/admin/vessels", **boat)[0] == 404


def test_an_officers_empty_desk_says_what_comes_there(site: Site) -> None:
    client = site.enter("duyen")
    assert "nộp rồi thì hiện ở đây" in client.get("/dossiers").text
    assert "greenwater device add" not in client.get("/board").text


def test_a_farms_places_are_changed_closed_and_opened_by_its_own_people(
    site: Site,
) -> None:
    client, admin = site.enter("hoa"), site.enter("quan")
    unit = unit_of(site, client, "Ao 8")
    farm = site.registry.get_unit(unit).site
    form, long_ago = f"/units/{unit}/change", NOW_MS
    site.world.clock.advance(timedelta(minutes=5))
    assert f'href="{form}"' in client.get(f"/units/{unit}").text
    assert f'href="/sites/{farm}/change"' in client.get("/").text

    # What is wrong stands beside its field, in words, with what was typed.
    for typed, words in {"sâu": "không phải là số", "201": "nhiều nhất 200"}.items():
        answer = client.post(
            form,
            data={
                "csrf": csrf_of(client.cookies[COOKIE]),
                "name": "Ao 80",
                "depth_m": typed,
            },
        )
        page = parse_page(answer.text)
        assert answer.status_code == 422
        assert words in page.one("p", id="t_depth_m").text
        assert page.one("input", id="depth_m").attrs["value"] == typed
        assert page.one("input", id="name").attrs["value"] == "Ao 80"
    assert post(client, form, name="ao 3") == (422, "“Ao 3” đã có rồi. Đặt tên khác.")

    status, _ = post(client, f"/sites/{farm}/rafts", raft="Cụm Đông")
    raft = site.registry.rafts()[-1].id
    assert status == 303
    assert post(client, f"/sites/{farm}/rafts/{raft}", name="Cụm Tây")[0] == 303
    assert post(
        client, form, name="Ao Đầu", species="NUR", depth_m="2,25", raft=raft
    ) == (303, f"/units/{unit}")
    now = site.registry.get_unit(unit)
    assert (now.name, now.species, now.depth_m, now.raft, now.area_m2) == (
        "Ao Đầu", "NUR", 2.25, raft, None,
    )  # fmt: skip
    assert site.registry.unit_then(unit, long_ago).name == "Ao 8"
    history = client.get(form).text
    assert "Ao 8 → Ao Đầu" in history

    # The administrator corrects a farm's name and sees none of its water.
    assert f'href="/sites/{farm}/change"' in admin.get("/admin/places").text
    assert post(admin, f"/sites/{farm}/change", name=" ") == (
        422,
        "Chưa ghi tên trại nuôi.",
    )
    status, path = post(admin, f"/sites/{farm}/change", name="Trại Hòa Bình")
    assert (status, path) == (303, f"/sites/{farm}/change")
    assert site.registry.site_then(farm, long_ago).name == "Trại Hòa"
    # Communes are chosen by name, and saved as the page has them.
    choices = parse_page(client.get(f"/sites/{farm}/change").text)
    (chosen,) = [
        one.attrs["value"]
        for one in choices.one("select", id="commune").all("option")
        if one.text == "phường Bắc Cam Ranh"
    ]
    assert post(client, f"/sites/{farm}/change", name="Trại Hòa", commune=chosen) == (
        303, f"/sites/{farm}/change",
    )  # fmt: skip
    assert site.registry.get_site(farm).commune == "22411"
    for odd in ("Bè \u202etrái", "Bè \x00"):
        assert post(client, f"/sites/{farm}/rafts", raft=odd) == (
            422,
            "Tên có ký tự lạ.",
        )
        assert post(client, f"/sites/{farm}/rafts/{raft}", name=odd)[0] == 422
    long = post(client, form, name="Ao Đầu", area_m2="9" * 400)[1]
    assert len(long) < 120, "what is told of a long one is short"
    assert admin.get(f"/units/{unit}").status_code == 404

    # A crop that grows there is ended first.
    site.registry.add_product(
        "08938500000012", organisation="ho", name_vi="Tôm", name_en="Shrimp",
        species="PNV", brand=None,
    )  # fmt: skip
    crop = Crop("vu-8", "ho", unit, "08938500000012", "PNV", "Vụ 8", NOW_MS, None)
    site.registry.add_crop(crop)
    site.world.add_device("hop-8", site=farm)
    site.world.hang("hop-8", "do-8", unit=unit, depth_m=1.0)
    # Past its limit, and no alarm yet: every page says so at once.
    low = [(6 * 60_000, 2.9), (1000, 2.8)]
    now_ms = milliseconds(site.world.clock.now())
    site.world.telemetry.write(
        [
            Reading(DeviceId("hop-8"), ProbeId("do-8"), Channel.DISSOLVED_OXYGEN, now_ms - past, value)
            for past, value in low
        ]
    )  # fmt: skip
    site.world.clock.advance(timedelta(milliseconds=1001))
    home = parse_page(site.enter("hoa").get("/").text)
    card = home.one("section", data_unit_home=unit)
    assert "Cần chú ý" in card.text
    assert "dưới ngưỡng" in card.one("p", class_="warning").text
    assert "đã 6 phút" in card.text
    page = parse_page(client.get(f"/units/{unit}").text)
    told = page.one("p", data_light="").text
    assert " ".join(told.split()) == "▲ Cần chú ý đã 6 phút"
    assert "Vụ “Vụ 8” còn đang nuôi" in post(client, f"/units/{unit}/close")[1]
    assert post(client, "/crops/vu-8/end")[0] == 303
    assert "kết thúc" in client.get("/crops/vu-8").text
    assert post(client, f"/units/{unit}/close")[0] == 303
    assert site.hung(unit) == []
    assert "Ao Đầu" not in client.get("/").text
    closed = client.get(f"/units/{unit}").text
    assert "Đã đóng từ" in closed
    assert f"/units/{unit}/probes" not in closed
    assert client.get(f"/units/{unit}/probes").status_code == 404
    assert unit not in client.get("/crops/new").text
    assert unit not in client.get("/records/today").text
    assert "đã có và đang đóng" in post(client, "/units", name="ao đầu")[1]
    assert "đóng từ" in client.get(f"/sites/{farm}/change").text
    assert post(client, f"/units/{unit}/reopen")[0] == 303
    assert "Ao Đầu" in client.get("/").text

    # Nobody else's.
    for person, refusal in {"an": 404, "duyen": 403, "binh": 403}.items():
        other = site.enter(person)
        for act in ("change", "close", "reopen"):
            assert post(other, f"/units/{unit}/{act}", name="x")[0] == refusal, person
    noted = {one.act for one in site.registry.noted()}
    assert {"place_change", "unit_close", "crop_end"} <= noted


def seen(client: TestClient, path: str) -> str:
    """Return a page's text with plain spaces."""
    return client.get(path).text.replace("\N{NO-BREAK SPACE}", " ")


def line_of(client: TestClient, page: str, channel: str) -> str:
    """Return what stands of a channel's limits while its line is not opened."""
    row = parse_page(client.get(page).text).one("details", id=f"l_{channel}")
    assert "open" not in row.attrs
    return " ".join(row.one("summary").text.split())


def test_a_pond_has_limits_of_its_own(site: Site) -> None:
    client = site.enter("hoa")
    unit = unit_of(site, client, "Ao 11")
    page, form = f"/units/{unit}/limits", f"/units/{unit}/limits/dissolved_oxygen"
    assert f'href="{page}"' in client.get(f"/units/{unit}").text
    assert "Cảnh báo khi dưới 4,0 mg/L" in seen(client, page)
    assert line_of(client, page, "dissolved_oxygen") == (
        "Oxy hòa tan theo loài ▲ dưới 4,0 mg/L ■ dưới 3,0 mg/L"
    )
    assert "▲ ngoài 5,0–35,0 ‰" in line_of(client, page, "salinity"), "two sides"
    shown = seen(client, form)
    assert "QCVN 02-19:2014/BNNPTNT: không dưới 3,5 mg/L" in shown

    # What is wrong stands beside its field, with what was typed.
    for field, typed, words in (
        ("warn_low", "ba", "không phải là số"),
        ("warn_low", "30", "giữa 0 và 22"),
        ("warn_low", "3,4", "không dưới 3,5"),
        ("critical_low", "4,5", "phải thấp hơn mức cảnh báo (4)"),
    ):
        data = {"csrf": csrf_of(client.cookies[COOKIE]), field: typed, "reason": "x"}
        answer = client.post(form, data=data)
        wrong = parse_page(answer.text)
        assert answer.status_code == 422
        assert words in wrong.one("p", id=f"t_{field}").text
        assert wrong.one("input", id=field).attrs["value"] == typed
        assert wrong.one("input", id="reason").attrs["value"] == "x"
    assert post(client, form, warn_low="3,75") == (
        422,
        "Ngưỡng lỏng hơn mức của loài: ghi vì sao.",
    )
    site.world.add_device("hop-9", site=site.registry.get_unit(unit).site)
    site.world.hang("hop-9", "do-9", unit=unit, depth_m=1.0)
    now_ms = milliseconds(site.world.clock.now())
    site.world.telemetry.write(
        [Reading(DeviceId("hop-9"), ProbeId("do-9"), Channel.DISSOLVED_OXYGEN, now_ms, 3.9)]
    )  # fmt: skip
    site.world.clock.advance(timedelta(milliseconds=1001))
    assert post(client, form, warn_low="3,75", reason="tôm quen") == (303, page)
    assert line_of(client, page, "dissolved_oxygen") == (
        "Oxy hòa tan riêng, lỏng hơn loài ▲ dưới 3,75 mg/L ■ dưới 3,0 mg/L"
    )
    told = seen(client, page)
    for words in (
        "Cảnh báo khi dưới 3,75 mg/L",
        "Nguy cấp khi dưới 3,0 mg/L",
        "Ngưỡng riêng của ao, do hoa đặt ngày",
        "3,75 mg/L lỏng hơn mức của loài (4,0 mg/L)",
        "theo loài → ▲ Cảnh báo khi dưới 3,75 mg/L (tôm quen)",
    ):
        assert words in told, words
    assert (
        parse_page(client.get(form).text).one("input", id="warn_low").attrs["value"]
        == "3,75"
    )

    # Lights, lines and programs take them: 3,9 is past the species' warning alone.
    there = client.get(f"/units/{unit}").text
    assert "Cần chú ý" not in parse_page(there).one("p", data_light="").text
    chart = f"/units/{unit}/chart.json?channel=dissolved_oxygen"
    lines = [one["words"] for one in client.get(chart).json()["limits"]]
    assert "Mức cảnh báo 3,75\N{NO-BREAK SPACE}mg/L (ngưỡng riêng)" in lines
    site.world.clock.advance(timedelta(minutes=2))
    assert post(client, f"{form}/end") == (303, page)
    # The chart has each line as long as it held.
    held = client.get(chart).json()["limits"]
    warns = [one for one in held if one["severity"] == "warn"]
    assert [one["value"] for one in warns] == [4.0, 3.75, 4.0]
    at = [(one["start"], one["end"]) for one in warns]
    assert at[0][0] is at[2][1] is None
    assert (at[0][1], at[1][1]) == (at[1][0], at[2][0])
    assert at[1][1] - at[1][0] == 120
    assert [one["value"] for one in held if one not in warns] == [3.0]
    assert "ngưỡng riêng của ao, do" not in client.get(page).text.lower()
    home = parse_page(client.get("/").text).one("section", data_unit_home=unit)
    assert "dưới ngưỡng 4,0" in home.text.replace("\N{NO-BREAK SPACE}", " ")
    assert site.registry.get_unit(unit).limits == ()

    for person in ("an", "quan", "duyen", "binh"):
        other = site.enter(person)
        seen_too = other.get(f"/units/{unit}").status_code
        assert other.get(page).status_code == seen_too, "who sees a pond, its limits"
        answers = [other.get(form).status_code]
        answers += [post(other, form, warn_low="5")[0], post(other, f"{form}/end")[0]]
        assert set(answers) <= {403, 404}, person
    assert "limits_set" in {one.act for one in site.registry.noted()}


def test_a_products_and_a_crops_refusal_stands_beside_its_field(site: Site) -> None:
    client = site.enter("hoa")
    unit = unit_of(site, client, "Ao 10")
    form = {"name_vi": "Tôm", "species": "PNV", "gtin": "08938500000013"}

    def wrong(path: str, field: str, **typed: str) -> str:
        data = {"csrf": csrf_of(client.cookies[COOKIE]), **typed}
        answer = client.post(path, data=data)
        page = parse_page(answer.text)
        assert answer.status_code == 422
        told = [one.attrs["id"] for one in page.all("p", role="alert")]
        assert [one for one in told if one != "lost"] == [f"t_{field}"]
        return page.one("p", id=f"t_{field}").text

    assert "8938500000013" in wrong("/products", "gtin", **form)
    assert wrong(
        "/products", "name_vi", **{**form, "gtin": "08938500000027", "name_vi": " "}
    )
    gtin = "08938500000027"
    assert post(client, "/products", **{**form, "gtin": gtin})[0] == 303
    # Whom GS1 gave no number yet gets one for trying, the same one if he sends again.
    taken, free, *_ = demonstration_gtins("ho", "Tôm khác", "PNV", "")
    site.registry.add_product(
        taken, organisation="ho", name_vi="Cá", name_en="Fish", species="LCA"
    )
    made = {
        post(client, "/products", **{**form, "name_vi": name, "gtin": " "})
        for name in ("Tôm thử", "Tôm thử", "Tôm khác")
    }
    numbers = {where.removeprefix("/crops/new?product=") for _, where in made}
    assert len(numbers) == 2
    assert free in numbers
    assert all(parse_gtin(one) == one and is_demonstration(one) for one in numbers)
    crop = {
        "unit": unit,
        "product": gtin,
        "name": "Vụ 10",
        "started": "2026-11-23T06:00",
    }
    assert wrong("/crops", "name", **{**crop, "name": " "})
    assert wrong("/crops", "started", **{**crop, "started": "hôm qua"})
    assert post(client, "/crops", **crop)[0] == 303
    assert "Vụ “Vụ 10” ở đây chưa kết thúc" in wrong("/crops", "unit", **crop)
