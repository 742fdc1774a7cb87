"""Two farms with people, a crop, a lot, labels and an alarm each: who may see what."""

import functools
import os
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.reference.aerators import MONITOR
from greenwater.reference.procedures import Task
from greenwater.storage.registry import random_id
from greenwater.storage.registry.alarms import Alarm, AlarmState
from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.registry.watching import Pass
from tests.pages.world import HOUR_MS, NOW, NOW_MS, World
from traceability.book.books import Books, NewRecord
from traceability.label.labels import Labels
from traceability.label.scanning import Scanning
from traceability.proof.keys import open_signer
from traceability.sea.vessels import NewVesselRecord, VesselBooks
from traceability.vietgap.applications import Applications
from traceability.vietgap.dossiers import Kind
from traceability.vietgap.folders import Act
from web.door.doors import COOKIE, HOST_COOKIE, csrf_of
from web.door.hashing import hash_secret
from web.ports import Services

PIN, PASSWORD = "274913", "kiem-tra-2026"
BASE = "https://nuocxanh.example"
BOATS = {"hoa": "KH-91001-TS", "binh": "KH-91002-TS"}
GTINS = {"hoa": "09521234543213", "binh": "09521234543220"}
PHONES = {
    "hoa": "0905000001",
    "binh": "0905000002",
    "minh": "0905000003",
    "an": "0905000004",
}


@functools.cache
def pin_hash() -> str:
    """Return what is kept of everybody's PIN."""
    return hash_secret(PIN, is_pin=True)


class Farms:
    """``hoa`` and ``binh`` are farmers, each of a farm of that name; ``minh`` inspects."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.registry = world, world.registry
        self.signer = open_signer(folder / "keys", world.registry, NOW_MS)
        self.lots: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.alarms: dict[str, str] = {}
        self.reports: dict[str, str] = {}
        self.records: dict[str, str] = {}
        self.catches: dict[str, str] = {}
        for farm in GTINS:
            self._farm(farm)
        self.registry.add_organisation(
            "chi-cuc", "Chi cục", kind=OrganisationKind.AUTHORITY
        )
        self._person("minh", "Lê Minh", "chi-cuc", Role.INSPECTOR)
        self.services: Services = replace_services(world.services, self)
        self.dossiers: dict[str, str] = {}
        self.certificates: dict[str, str] = {}
        self._certify()

    def _person(self, person: str, name: str, organisation: str, role: Role) -> None:
        self.registry.add_person(person, name, PHONES[person])
        self.registry.add_member(person, organisation, role)
        self.registry.set_secret(person, pin_hash(), is_pin=True)

    def _farm(self, farm: str) -> None:
        registry, clock = self.registry, ManualClock(NOW - timedelta(days=40))
        registry.add_organisation(farm, f"Hộ {farm}")
        self._person(farm, f"Chủ {farm}", farm, Role.FARMER)
        registry.add_site(
            f"{farm}-trai",
            organisation=farm,
            name=f"Trại {farm}",
            commune="22411",
            latitude=12.6789,
            longitude=109.2345,
        )
        registry.add_unit(
            f"{farm}-ao", site=f"{farm}-trai", name=f"Ao của {farm}", species="PNV"
        )
        self.world.add_device(f"{farm}-hop", site=f"{farm}-trai")
        self.world.hang(f"{farm}-hop", f"{farm}-tren", unit=f"{farm}-ao", depth_m=0.5)
        self.world.hang(
            f"{farm}-hop", f"{farm}-quat-1", unit=f"{farm}-ao", profile=MONITOR
        )
        self.world.feed(f"{farm}-hop", f"{farm}-tren", Channel.DISSOLVED_OXYGEN)
        self.world.telemetry.write(
            [
                Reading(
                    DeviceId(f"{farm}-hop"), ProbeId(f"{farm}-quat-1"),
                    Channel.CURRENT, NOW_MS - 1000, 0.0,
                )
            ]
        )  # fmt: skip
        books = Books(registry, self.world.telemetry, clock)
        books.add_product(
            farm, gtin=GTINS[farm], name_vi=f"Tôm {farm}", name_en="", species="PNV"
        )
        books.open_crop(
            farm, crop=f"{farm}-vu", unit=f"{farm}-ao", product=GTINS[farm],
            name=f"Vụ {farm}", started_ms=milliseconds(clock.now()),
        )  # fmt: skip
        for kind, fields in (
            ("stocking", {"count": "1000", "hatchery": f"Trại giống {farm}"}),
            ("harvest", {"kg": "500"}),
        ):
            clock.advance(timedelta(days=15))
            self.records[farm] = str(uuid.uuid4())
            books.record(
                farm,
                NewRecord(
                    id=self.records[farm], crop=f"{farm}-vu", kind=kind,
                    happened_ms=milliseconds(clock.now()), fields=fields,
                ),
            )  # fmt: skip
        lot = books.make_lot(farm, harvest=self.records[farm])
        self.lots[farm] = lot.id
        issued = Labels(registry, self.signer, clock, BASE, os.urandom)
        label = issued.issue(farm, lot.id, 2)[0]
        self.labels[farm] = label.id
        told = Scanning(registry, clock).report(label.uri, "torn", f"Ao của {farm}", "")
        self.reports[farm] = told.id
        self._alarm(farm)
        self._boat(farm)

    def _certify(self) -> None:
        """Give each farm a certificate of VietGAP, by ``an`` of a certification body."""
        self.registry.add_organisation(
            "to-chuc", "Tổ chức chứng nhận", kind=OrganisationKind.CERTIFIER
        )
        self.registry.add_office("to-chuc", Task.CERTIFY, code="VIETGAP-TS-13-01")
        self._person("an", "Đỗ An", "to-chuc", Role.AUDITOR)
        clock = ManualClock(NOW - timedelta(days=1))
        apply = Applications(
            self.registry, self.world.telemetry, self.signer, clock, random_id
        )
        for number, farm in enumerate(GTINS, 1):
            made = apply.begin(farm, crop=f"{farm}-vu", procedure="vietgap")
            self.dossiers[farm] = made.id
            for person, act in (
                (farm, Act(kind=Kind.SUBMIT)),
                ("an", Act(kind=Kind.ACCEPT)),
                ("an", Act(kind=Kind.GRANT, code=f"VietGAP-TS-13-01-KH-000{number}", months=24)),
            ):  # fmt: skip
                apply.act(person, made.id, act)
            (held,) = self.registry.certificates(organisation=farm)
            self.certificates[farm] = held.id

    def _boat(self, farm: str) -> None:
        """A boat with a trip that landed; its farmer is its skipper too."""
        registry, clock = self.registry, ManualClock(NOW - timedelta(days=2))
        registry.add_member(farm, farm, Role.SKIPPER)
        registry.add_vessel(
            BOATS[farm],
            organisation=farm,
            name=f"Tàu {farm}",
            length_m=16.5,
            gear="LLD",
        )
        books, trip = VesselBooks(registry, self.world.telemetry, clock), f"{farm}-bien"
        landed_ms = milliseconds(clock.now()) - HOUR_MS
        lines = [{"species": "YFT", "kg": 300}]
        for kind, fields in (
            ("trip", {"departure_ms": landed_ms - 240 * HOUR_MS, "departure_port": "CHR",
                      "return_ms": landed_ms, "return_port": "CHR", "gear": "LLD",
                      "crew": 8}),
            ("notice", {"passage": "in", "port": "CHR", "planned_ms": landed_ms}),
            ("catch", {"lines": lines, "latitude": 11.5, "longitude": 112.5}),
            ("transshipment", {"direction": "given", "lines": lines,
                               "other_vessel": "KH-99999-TS"}),
            ("landing", {"port": "CHR", "receiver": f"Vựa {farm}", "lines": lines}),
        ):  # fmt: skip
            name = str(uuid.uuid4())
            self.catches[farm] = name if kind == "catch" else self.catches.get(farm, "")
            books.record(
                farm,
                NewVesselRecord(
                    id=name, vessel=BOATS[farm], trip=trip, kind=kind,
                    happened_ms=landed_ms, fields=fields,
                ),
            )  # fmt: skip
        books.confirm(farm, trip, record=str(uuid.uuid4()))

    def _alarm(self, farm: str) -> None:
        alarm = Alarm(
            id=f"{farm:0<16}", organisation=farm, condition=f"limit/{farm}-ao/x/low",
            kind="limit", severity="warn", state=AlarmState.RAISED,
            began_ms=NOW_MS - HOUR_MS, raised_ms=NOW_MS - HOUR_MS // 2,
            site=f"{farm}-trai", unit=f"{farm}-ao", device=f"{farm}-hop",
            channel="dissolved_oxygen", side="low", value=3.4, worst=3.1, limit=4.0,
            taken_ms=NOW_MS - 60_000,
        )  # fmt: skip
        self.alarms[farm] = alarm.id
        self.registry.save_pass(Pass(saved_ms=NOW_MS, states={}, alarms=[alarm]))


def replace_services(services: Services, farms: Farms) -> Services:
    """Return the services of a site whose doors are shut."""
    return replace(
        services, is_guarded=True, is_demo=True, signer=farms.signer, public_url=BASE
    )


def enter(client: TestClient, person: str) -> TestClient:
    """Sign somebody in."""
    answer = client.post("/sign-in", data={"phone": PHONES[person], "secret": PIN})
    assert answer.status_code == 303, answer.text
    return client


def csrf(client: TestClient) -> str:
    """Return what a form of the one who is signed in carries."""
    return csrf_of(client.cookies.get(HOST_COOKIE) or client.cookies[COOKIE])
