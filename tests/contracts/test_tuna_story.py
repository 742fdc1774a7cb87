"""From leaving port to a shopper: a simulated tuna trip, through the pages, on each registry.

Positions are the simulator's, the trip and its hauls what analytics' own code makes of
them; the family writes, the skipper confirms, the owner lands, sells and calls back.
"""

import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from analytics.fishing.vessel import Position, VesselState
from firmware_sim.scenarios import load_scenario
from firmware_sim.world import World
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, Source, instant, local, milliseconds
from greenwater.kernel.trips import Haul, Trip
from greenwater.reference.vessels import vessel_class
from greenwater.storage.registry import Registry
from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.registry.trips import Sailed
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from tests.ledgers import altered, trace_events
from tests.pages.reading_pages import Node, parse_page
from traceability.goods.exporting import export_chain
from traceability.goods.lots import Goods
from traceability.goods.steps import Made, NewStep, Portion, Process
from traceability.ledger.events import lot_class
from traceability.proof.keys import open_signer
from web.app import create_app
from web.door.doors import COOKIE, csrf_of
from web.ports import Services

BASE = "https://nuocxanh.example"
BOAT, BOX, GPS = "KH-95123-TS", DeviceId("tau-hop"), ProbeId("gps")
GTIN, STEAKS = "09521234543237", ("09521234543244", "09521234543251")
HOUR_MS = 3_600_000
PEOPLE = {
    "bon": ("Bốn", "ho-bon", Role.BOAT_OWNER),
    "sau": ("Sáu", "ho-bon", Role.SKIPPER),
    "ut": ("Út", "ho-bon", Role.DELEGATE),
    "minh": ("Minh", "chi-cuc", Role.OFFICER),
    "tam": ("Tám", "ho-tam", Role.BOAT_OWNER),
}


class Harbour:
    """The site, its people, and a trip that the simulator sailed."""

    def __init__(self, registry: Registry, telemetry: Telemetry, folder: Path) -> None:
        self.registry, self.telemetry = registry, telemetry
        for organisation in ("ho-bon", "ho-tam"):
            registry.add_organisation(organisation, f"Hộ {organisation}")
        registry.add_organisation("chi-cuc", "Chi cục", kind=OrganisationKind.AUTHORITY)
        for person, (name, of, role) in PEOPLE.items():
            registry.add_person(person, name)
            registry.add_member(person, of, role)
        registry.add_vessel(
            BOAT, organisation="ho-bon", name="Bốn Sáu", length_m=17.2, gear="LLD"
        )
        self.trip, self.hauls = self.sail()
        landed_ms = self.trip.landing_ms
        assert landed_ms is not None
        self.clock = ManualClock(instant(landed_ms + HOUR_MS))
        signer = open_signer(folder / "keys", registry, landed_ms)
        self.app = create_app(
            Services(
                registry, telemetry, self.clock, is_guarded=True, public_url=BASE,
                signer=signer,
            )
        )  # fmt: skip

    def sail(self) -> tuple[Trip, Sequence[Haul]]:
        """Store the simulated positions, and what analytics makes of them."""
        world = World(load_scenario("tuna-trip"), {})
        voyage, start_s = world.voyages[BOAT], round(world.scenario.start_s)
        positions = [
            Position(at_s * 1000, fix.latitude, fix.longitude, fix.speed_kn)
            for at_s in range(
                start_s, start_s + int(world.scenario.duration_h * 3600), 1800
            )
            for fix in (voyage.fix_at(at_s),)
        ]
        self.registry.add_device(BOX, vessel=BOAT, now_ms=0, is_simulated=True)
        self.registry.add_probe(BOX, GPS, source=Source.BOX)
        self.registry.deploy(BOX, GPS, vessel=BOAT, depth_m=None, from_ms=0, now_ms=0)
        self.telemetry.write(
            [
                Reading(BOX, GPS, channel, one.time_ms, value)
                for one in positions
                for channel, value in (
                    (Channel.LATITUDE, one.latitude), (Channel.LONGITUDE, one.longitude),
                )
            ]
        )  # fmt: skip
        state = VesselState(BOAT, gear="LLD", kind=vessel_class(17.2))
        found = state.take(positions)
        self.registry.save_trips(
            [Sailed(vessel=BOAT, trips=found.trips, hauls=found.hauls)]
        )
        trip = found.trips[-1]
        return trip, self.registry.hauls(trip.id)


class Phone:
    """Somebody at the site."""

    def __init__(self, harbour: Harbour, person: str = "") -> None:
        self.client = TestClient(harbour.app, follow_redirects=False)
        self.person = person
        if person:
            harbour.registry.open_session(person, person, now_ms=0, expires_ms=2**53)
            self.client.cookies.set(COOKIE, person)

    def see(self, path: str, *, status: int = 200) -> Node:
        answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.text[:400])
        return parse_page(answer.text)

    def send(self, path: str, status: int = 303, /, **fields: object) -> str:
        """Send a form; return where it led, or the page's text."""
        data = {key: str(value) for key, value in fields.items()}
        data["csrf"] = csrf_of(self.client.cookies[COOKIE])
        answer = self.client.post(path, data=data)
        assert answer.status_code == status, (path, answer.text[:2000])
        return answer.headers.get("location", answer.text)

    def write(self, kind: str, trip: str, **fields: object) -> str:
        """Open the form for a record, fill it in as a person would, and send it."""
        more = {key: fields.pop(key) for key in ("haul", "violation") if key in fields}
        query = "".join(f"&{key}={value}" for key, value in more.items())
        where = f"/vessels/{BOAT}/records/new?kind={kind}&trip={trip}{query}"
        form = self.see(where).one("form", class_="form")
        known = {
            one.attrs["name"]: one.attrs.get("value", "") for one in form.all("input")
        }
        for one in form.all("select"):
            chosen = [o for o in one.all("option") if "selected" in o.attrs]
            known[one.attrs["name"]] = (chosen or one.all("option"))[0].attrs["value"]
        typed = {
            (key if key in known else f"f_{key}"): value
            for key, value in fields.items()
        }
        assert set(typed) <= set(known), set(typed) - set(known)
        return self.send(f"/vessels/{BOAT}/records", **known | typed)


@pytest.fixture
def harbour(registry: Registry, tmp_path: Path) -> Iterator[Harbour]:
    telemetry = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    yield Harbour(registry, telemetry, tmp_path)
    telemetry.close()


def typed(ms: int) -> str:
    return local(ms).strftime("%Y-%m-%dT%H:%M")


def the_gate(page: Node) -> list[str]:
    return [
        one.attrs["data-code"] for one in page.all("li") if "data-code" in one.attrs
    ]


def field(page: Node, form: Node, name: str) -> str:
    return next(
        one.attrs["value"] for one in form.all("input") if one.attrs["name"] == name
    )


def test_from_leaving_port_to_a_shopper_and_a_recall(harbour: Harbour) -> None:
    trip, hauls = harbour.trip, harbour.hauls
    at = f"/trips/{trip.id}"
    assert len(hauls) == 10
    family, skipper, owner = (Phone(harbour, one) for one in ("ut", "sau", "bon"))

    page = family.see("/vessels")
    assert "Bốn Sáu" in page.text
    assert at in [one.attrs["href"] for one in page.all("a")]
    the_family_writes(family, harbour)
    assert "Chỉ thuyền trưởng xác nhận được" in family.see(at).text
    family.send(f"{at}/confirm", 404, id="7d8e5c4e-58d0-4b43-9c1a-6f0a3f6f0a01")

    refused = the_gate(owner.see(at))
    assert set(refused) == {"trip-not-confirmed", "paper-missing"}
    the_owner_enters_papers(owner)
    form = skipper.see(at).one(id="confirm").one("form")
    skipper.send(f"{at}/confirm", id=field(skipper.see(at), form, "id"))
    assert "Sáu xác nhận lúc" in family.see(at).text
    assert the_gate(owner.see(at)) == []

    lot = the_owner_makes_a_lot(owner, at)
    uri = he_prints_labels(owner, lot)
    a_shopper_reads_the_passport(Phone(harbour), uri, harbour)
    papers_and_sheets(owner, harbour, lot)
    the_card_is_checked(family, Phone(harbour), harbour)
    others_see_nothing(Phone(harbour, "tam"), at, lot)
    steak = he_cuts_it_into_steaks(owner, harbour, lot)
    he_calls_it_back(owner, lot, Phone(harbour), (uri, steak))
    events = trace_events(harbour.registry, "ho-bon")
    assert altered(events) is None
    steps = [one.document for one in events]
    assert sum("fishingEvent" in one for one in steps) == 1
    assert not any(f"{hauls[0].began_at[0]:.3f}" in one for one in steps)


def the_family_writes(family: Phone, harbour: Harbour) -> None:
    """The daughter enters for her father what he tells her by radio."""
    trip, hauls = harbour.trip, harbour.hauls
    landing_ms = trip.landing_ms or 0
    assert family.write(
        "notice", trip.id, happened=typed(trip.departure_ms - 2 * HOUR_MS),
        passage="out", port="CHR", planned_ms=typed(trip.departure_ms), means="phone",
    ) == f"/trips/{trip.id}"  # fmt: skip
    family.write(
        "trip", trip.id, happened=typed(trip.departure_ms),
        departure_ms=typed(trip.departure_ms), departure_port="CHR",
        return_ms=typed(landing_ms), return_port="CHR", gear="LLD", crew="9",
    )  # fmt: skip
    for number, haul in enumerate(hauls):
        family.write(
            "catch", trip.id, haul=haul.id, species_1="YFT", kg_1="120,5",
            species_2="BET" if number % 2 else "SWO", kg_2="20", discards_1="3",
        )  # fmt: skip
    family.write(
        "landing", trip.id, happened=typed(landing_ms + 30 * 60_000), port="CHR",
        receiver="Nậu vựa Hòn Rớ", weighed_by="Cân cảng", species_1="YFT",
        kg_1="1.190", species_2="BET", kg_2="98",
    )  # fmt: skip
    page = family.see(f"/trips/{trip.id}")
    entry = page.all("li", data_kind="catch")[0].text
    assert "Út" in entry
    assert "ghi thay cho Sáu" in entry
    assert "THEO VỊ TRÍ" in entry
    assert "thải bỏ 3 kg" in entry
    weights = page.one(id="weights").text
    assert "1.205" in weights
    assert "1.190" in weights


def the_owner_enters_papers(owner: Phone) -> None:
    for paper in ("registration", "licence", "safety", "vms", "food_safety", "master",
                  "crew_insurance"):  # fmt: skip
        where = f"/vessels/{BOAT}/records/new?kind=paper"
        form = owner.see(where).one("form", class_="form")
        owner.send(
            f"/vessels/{BOAT}/records", kind="paper", trip="",
            id=field(form, form, "id"), happened=field(form, form, "happened"),
            f_paper=paper, f_number=f"KH-{paper}", f_from_day="2025-01-01",
            f_until_day="2029-12-31",
        )  # fmt: skip


def the_owner_makes_a_lot(owner: Phone, at: str) -> str:
    goods = owner.see(at).one(data_species="YFT")
    ways = [one.attrs["href"] for one in goods.all("a")]
    assert any(one.startswith("/products/new?species=YFT&trip=") for one in ways)
    owner.send(
        "/products", gtin=GTIN, name_vi="Cá ngừ vây vàng Hòn Rớ", name_en="Yellowfin",
        species="YFT",
    )  # fmt: skip
    form = owner.see(at).one(data_species="YFT").one("form")
    known = {one.attrs["name"]: one.attrs["value"] for one in form.all("input")}
    known.pop("csrf")
    told = owner.send(f"{at}/lots", 409, **known | {"kg": "1.200", "product": GTIN})
    assert "nhiều hơn 1.190" in " ".join(told.split())
    where = owner.send(f"{at}/lots", **known | {"kg": "800", "product": GTIN})
    again = owner.send(f"{at}/lots", **known | {"kg": "800", "product": GTIN})
    assert where == again, "sent twice it is one lot"
    assert "còn lại 390 kg" in owner.see(at).one(data_species="YFT").text
    return where


def he_prints_labels(owner: Phone, lot: str) -> str:
    owner.send(f"{lot}/labels", count=2)
    page = owner.see(lot)
    uris = [
        one.attrs["data-label"] for one in page.all("a") if "data-label" in one.attrs
    ]
    assert len(uris) == 2
    return uris[0]


def a_shopper_reads_the_passport(shopper: Phone, uri: str, harbour: Harbour) -> None:
    page = shopper.see(uri.removeprefix(BASE))
    text = page.text
    for words in (
        "Tem hợp lệ", BOAT, "Bốn Sáu", "câu vàng", "FAO 71", "vùng khơi", "Hòn Rớ",
        "100 % (giá trị tham khảo, chưa đối chiếu văn bản)",
        "hộp đo", "Thuyền trưởng đã xác nhận sổ",
    ):  # fmt: skip
        assert words in text, words
    drawn = page.one("svg", class_="storymap")
    assert "10–15° vĩ bắc" in drawn.attrs["aria-label"]
    assert "Bốc dỡ qua cảng Hòn Rớ" in page.one("ol", class_="steps").text
    for haul in harbour.hauls:
        assert f"{haul.began_at[0]:.2f}" not in text, "no fishing ground is told"
    for name in ("Sáu", "Út", "Nậu vựa"):
        assert name not in text.replace("Bốn Sáu", ""), "nor is anybody's name"


def papers_and_sheets(owner: Phone, harbour: Harbour, lot: str) -> None:
    at = f"/trips/{harbour.trip.id}"
    landing = owner.see(at).all("section", class_="card")
    (root,) = {
        one.attrs["data-landing"] for one in landing if "data-landing" in one.attrs
    }
    where = owner.send(
        f"{at}/papers", id="7d8e5c4e-58d0-4b43-9c1a-6f0a3f6f0a02", kind="receipt",
        landing=root, parent="", number="BN-07", holder="Nậu vựa", kg_YFT="1.000",
    )  # fmt: skip
    assert where == f"{at}#papers"
    told = owner.send(
        f"{at}/papers", 409, id="7d8e5c4e-58d0-4b43-9c1a-6f0a3f6f0a03", kind="receipt",
        landing=root, parent="", number="BN-08", holder="Nậu vựa", kg_YFT="200",
    )  # fmt: skip
    assert "chỉ còn 190 kg" in told
    sheet = owner.see(f"{at}/ecdt")
    for words in ("KHÔNG PHẢI BẢN NỘP", "BN-07", "Sáu", "Nậu vựa", "Mẻ 10"):
        assert words in sheet.text, words
    document = owner.client.get(f"{at}/ecdt.json").json()
    assert document["is_submission"] is False
    assert ["notice_in", "port"] in document["missing"]
    catch = owner.client.get(f"{lot}/catch.json").json()
    missing = {key for _, key in catch["missing"]}
    assert {"product_code", "importer", "document_number"} <= missing
    assert "registration" not in missing
    assert "KHÔNG PHẢI BẢN NỘP" in owner.see(f"{lot}/catch").text


def the_card_is_checked(family: Phone, anybody: Phone, harbour: Harbour) -> None:
    at = f"/trips/{harbour.trip.id}"
    page = family.see(f"{at}/card")
    (address,) = {
        one.attrs["data-card"] for one in page.all("a") if "data-card" in one.attrs
    }
    assert family.client.get(f"{at}/card.svg").text.startswith("<svg")
    told = anybody.see(address.removeprefix(BASE))
    assert told.one(class_="verdict").attrs["data-code"] == "valid"
    for words in (BOAT, "1.205", "giấy phép khai thác"):
        assert words in told.text, words
    forged = anybody.see(re.sub("YFT[0-9]+", "YFT9", address).removeprefix(BASE))
    assert forged.one(class_="verdict").attrs["data-code"] == "altered"
    harbour.clock.advance(timedelta(days=8))
    old = anybody.see(address.removeprefix(BASE))
    assert old.one(class_="verdict").attrs["data-code"] == "expired"


def others_see_nothing(stranger: Phone, at: str, lot: str) -> None:
    for path in (at, f"{at}/card", f"{at}/ecdt", f"{at}/ecdt.json", f"{lot}/catch",
                 f"/vessels/{BOAT}/book", f"/vessels/{BOAT}/records/new?kind=trip"):  # fmt: skip
        assert stranger.client.get(path).status_code == 404, path
    for path in ("confirm", "lots", "papers", "overrides", "overrides/agree"):
        stranger.send(f"{at}/{path}", 404, id="x", override="x")
    stranger.send(f"/vessels/{BOAT}/records", 404, kind="trip")
    assert BOAT not in stranger.see("/vessels").text


def he_cuts_it_into_steaks(owner: Phone, harbour: Harbour, lot: str) -> str:
    """Loins, then steaks: their passport still tells of the boat."""
    goods, registry = Goods(harbour.registry, harbour.clock), harbour.registry
    source = lot.rpartition("/")[2]
    for number, (process, kg) in enumerate((("loined", 420.0), ("cut", 380.0))):
        product = STEAKS[number]
        owner.send(
            "/products", gtin=product, name_vi=f"Cá ngừ {process}", name_en=process,
            species="YFT",
        )  # fmt: skip
        taken = registry.get_lot(source).kg
        act = Process((Portion(source, taken),), (Made(kg, product),), process)
        step = NewStep(
            id=str(uuid.uuid4()), organisation="ho-bon",
            at_ms=milliseconds(harbour.clock.now()), act=act,
        )  # fmt: skip
        made = goods.enter("bon", step)
        (source,) = [one.id for one in registry.lots() if one.step == made.id]
        harbour.clock.advance(timedelta(hours=1))
    uri = he_prints_labels(owner, f"/lots/{source}")
    text = Phone(harbour).see(uri.removeprefix(BASE)).text
    for words in ("Tem hợp lệ", "Cá ngừ cut", BOAT, "FAO 71", "câu vàng", "380 kg"):
        assert words in text, words
    found = registry.get_lot(source)
    ours = registry.visible_to("bon").organisations
    chain = export_chain(registry, ours, lot_class(found.product, found.code), 0)
    assert (chain.checked.errors, chain.loose_end) == ((), None)
    steps = [str(one["bizStep"]).rpartition(":")[2] for one in chain.events]
    assert steps[:2] == ["fishingEvent", "landing"]
    assert steps.count("commissioning") >= 2
    return uri


def he_calls_it_back(
    owner: Phone, lot: str, shopper: Phone, uris: tuple[str, str]
) -> None:
    owner.send(f"{lot}/recall", reason="nhiệt độ bảo quản", phone="0905 123 456")
    for uri in uris:
        page = shopper.see(uri.removeprefix(BASE))
        assert page.one(class_="verdict").attrs["data-code"] == "recalled"
        assert "0905 123 456" in page.text
