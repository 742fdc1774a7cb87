"""Who decides about the simulated farm: a certification body, a ward, the province; the
farm's certificate and its dossiers under way. For the demo."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from greenwater.kernel.clock import ManualClock
from greenwater.kernel.reading import milliseconds
from greenwater.reference.procedures import Task
from greenwater.storage.registry import Registry, random_id
from greenwater.storage.registry.books import Crop
from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.telemetry.ports import Telemetry
from traceability.book.books import Books, NewRecord
from traceability.proof.keys import Signer
from traceability.vietgap.applications import Applications
from traceability.vietgap.certifying import Certifying
from traceability.vietgap.crop_readiness import probes_of
from traceability.vietgap.dossiers import Kind
from traceability.vietgap.folders import Act
from traceability.vietgap.paper_certificates import Paper, certificate_on_paper
from web.door.hashing import hash_secret

BODY, WARD, PROVINCE = "sim-to-chuc", "sim-phuong", "sim-chi-cuc"
AUDITOR, WARD_OFFICER = "anh-duc", "chi-xuan"
COMMUNE: Final = "22561"
BODY_CODE: Final = "VIETGAP-TS-26-99"
CODE: Final = "VietGAP-TS-26-99-KH-0001"
"""No body has that number: the certificate says that it is simulated."""

HELD: Final = timedelta(days=240)
"""For how long the farm has had its certificate."""


def add_offices(registry: Registry, secret: str) -> None:
    """Add who decides, with people who sign in; no ``secret``: they cannot."""
    for office, name, kind, task, facts, person, named, role, phone in (
        (BODY, "Tổ chức chứng nhận VietGAP (mô phỏng)", OrganisationKind.CERTIFIER,
         Task.CERTIFY, {"code": BODY_CODE}, AUDITOR, "Đỗ Minh Đức", Role.AUDITOR,
         "0900000011"),
        (WARD, "Phường Đông Ninh Hòa (mô phỏng)", OrganisationKind.COMMUNE, Task.CHECK,
         {"commune": COMMUNE}, WARD_OFFICER, "Võ Thị Xuân", Role.OFFICER, "0900000012"),
    ):  # fmt: skip
        registry.add_organisation(office, name, kind=kind)
        registry.add_office(office, task, **facts)
        registry.add_person(person, named, phone)
        registry.add_member(person, office, role)
        if secret:
            registry.set_secret(person, hash_secret(secret, is_pin=False), is_pin=False)
    registry.add_office(PROVINCE, Task.DECIDE)


def hold_certificate(
    registry: Registry, farmer: str, crop: Crop, now: datetime
) -> None:
    """Give the farm a certificate from before, that its product claims."""
    issued_ms = milliseconds(now - HELD)
    paper = Paper(
        code=CODE,
        office=BODY,
        crop=crop.id,
        issued_ms=issued_ms,
        months=24,
        expected_kg=9_000.0,
    )
    certificate = certificate_on_paper(
        registry, paper, person=AUDITOR, now_ms=issued_ms, is_simulated=True
    )
    registry.add_certificate(certificate)
    clock = ManualClock(now - timedelta(days=90))
    Certifying(registry, clock).claim(farmer, crop.product, certificate.id)


Papers = tuple[tuple[int, str, dict[str, Any]], ...]
PAPERS: Final[Papers] = (
    (94, "seed_in", {"hatchery": "Trại giống Ninh Thuận (mô phỏng)", "count": 300_000,
                     "lot": "PL12-07", "quarantine_certificate": "KD 56/0123",
                     "test_result": "negative"}),
    (90, "site_registration", {"owner": "Nguyễn Thị Lan", "land_right": "hợp đồng thuê đất",
                               "registration_number": "56-22561-0007", "map": "có"}),
    (80, "worker_training", {"worker": "Trần Văn Tám", "topic": "an toàn thực phẩm",
                             "trainer": "trạm khuyến nông", "birth_year": 1990,
                             "contract": "yes"}),
    (78, "feed_in", {"product": "Thức ăn số 2", "kg": 2_000, "lot": "TA-0426",
                     "producer": "Nhà máy thức ăn (mô phỏng)", "expires": "2027-01-31"}),
    *((day, "health_check", {"signs": "tôm khỏe, ruột đầy"}) for day in range(91, 6, -13)),
    (27, "internal_audit", {"auditor": "Nguyễn Thị Lan", "criterion": "3.1, 4.1, 5.4",
                            "finding": "đạt"}),
    (25, "internal_audit", {"auditor": "Nguyễn Thị Lan", "criterion": "1.2",
                            "finding": "thiếu biển báo ao 7",
                            "correction": "làm biển báo"}),
)  # fmt: skip
"""What VietGAP asks for beside feed and drugs, as far as this farm has it: days ago."""


def keep_papers(
    registry: Registry, telemetry: Telemetry, farmer: str, crop: Crop, now: datetime
) -> None:
    """Enter the farm's papers, each on its day."""
    for ago_days, kind, fields in PAPERS:
        at = now - timedelta(days=ago_days)
        clock = ManualClock(at + timedelta(minutes=30))
        record = NewRecord(
            id=str(uuid.uuid4()),
            crop=crop.id,
            kind=kind,
            happened_ms=milliseconds(at),
            fields=fields,
        )
        Books(registry, telemetry, clock).record(farmer, record)


def open_dossiers(
    registry: Registry,
    telemetry: Telemetry,
    signer: Signer,
    farmer: str,
    crop: Crop,
    now: datetime,
) -> None:
    """Put two dossiers under way: one at the body, one at the ward."""
    at_ms = milliseconds(now - timedelta(days=25))
    certifying = Certifying(registry, ManualClock(now))
    for probe in probes_of(registry, crop, milliseconds(now))[:1]:
        certifying.calibrate(
            farmer,
            device=probe.device,
            probe=probe.probe,
            at_ms=at_ms,
            reference="dung dịch chuẩn pH 7, không khí bão hòa",
        )
    clock = ManualClock(now - timedelta(days=6))
    apply = Applications(registry, telemetry, signer, clock, random_id)
    for procedure, decider, officer in (
        ("vietgap", BODY, AUDITOR),
        ("cage_registration", PROVINCE, WARD_OFFICER),
    ):
        made = apply.begin(farmer, crop=crop.id, procedure=procedure, decider=decider)
        apply.act(farmer, made.id, Act(kind=Kind.SUBMIT, expected_kg=3_500.0))
        clock.advance(timedelta(hours=20))
        apply.act(officer, made.id, Act(kind=Kind.ACCEPT))
        clock.advance(timedelta(days=2))
