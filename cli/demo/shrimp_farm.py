"""The people, goods and books of the simulated shrimp farm: for the demo and for stories."""

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from cli.demo.offices import add_offices, hold_certificate, keep_papers, open_dossiers
from cli.demo.shrimp_goods import handle
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.telemetry.ports import Telemetry
from traceability.book.books import Books, NewRecord
from traceability.label.labels import Labels
from traceability.proof.keys import Signer
from web.door.hashing import hash_secret

FARM: Final = "sim-ho-ninh-hoa"
UNIT: Final = "sim-ao-7"
FARMER, SECOND, INSPECTOR, OFFICER = "chi-lan", "anh-tam", "anh-minh", "chi-hoa"
PHONES: Final[Mapping[str, str]] = {
    FARMER: "0900000001",
    SECOND: "0900000002",
    INSPECTOR: "0900000003",
    OFFICER: "0900000004",
}
PIN: Final = "274913"
PASSWORD: Final = "kiem-tra-2026"
GTIN: Final = "09521234543213"
"""From GS1's range for examples (prefix 952)."""

CROP: Final = "sim-vu-1"
CROP_DAYS: Final = 95
TREATED_DAYS: Final = 28
LABELS: Final = 24


def add_people(registry: Registry, *, with_secrets: bool = True) -> None:
    """Add the farmer, who helps her, an inspector and an officer; who certifies."""
    registry.add_organisation(
        "sim-chi-cuc", "Chi cục Thủy sản (mô phỏng)", kind=OrganisationKind.AUTHORITY
    )
    for person, name, organisation, role in (
        (FARMER, "Nguyễn Thị Lan", FARM, Role.FARMER),
        (SECOND, "Trần Văn Tám", FARM, Role.TECHNICIAN),
        (INSPECTOR, "Lê Quang Minh", "sim-chi-cuc", Role.INSPECTOR),
        (OFFICER, "Phạm Thị Hòa", "sim-chi-cuc", Role.OFFICER),
    ):
        registry.add_person(person, name, PHONES[person])
        registry.add_member(person, organisation, role)
        if with_secrets:
            is_pin = role in (Role.FARMER, Role.TECHNICIAN)
            secret = PIN if is_pin else PASSWORD
            registry.set_secret(
                person, hash_secret(secret, is_pin=is_pin), is_pin=is_pin
            )
    add_offices(registry, PASSWORD if with_secrets else "")


def open_books(
    registry: Registry,
    telemetry: Telemetry,
    signer: Signer,
    now: datetime,
    *,
    withdrawal_left: timedelta,
    public_url: str,
) -> None:
    """Open the pond's crop as it stands now: a part of it harvested, the rest treated.

    The first harvest has its lot and labels; the withdrawal of what was given after it is
    over ``withdrawal_left`` from now.
    """
    registry.add_product(
        GTIN,
        organisation=FARM,
        name_vi="Tôm thẻ chân trắng Ninh Hòa",
        name_en="Whiteleg shrimp of Ninh Hòa",
        species="PNV",
        brand="Nước xanh (mô phỏng)",
    )
    started = now - timedelta(days=CROP_DAYS)
    clock = ManualClock(started)
    books = Books(registry, telemetry, clock)
    crop = books.open_crop(
        FARMER,
        crop=CROP,
        unit=UNIT,
        product=GTIN,
        name="Vụ 1/2026, ao 7",
        started_ms=milliseconds(started),
    )
    hold_certificate(registry, FARMER, crop, now)
    treated = now + withdrawal_left - timedelta(days=TREATED_DAYS)
    for at, kind, fields in _entries(started, treated):
        clock.advance(at + timedelta(minutes=20) - clock.now())
        record = str(uuid.uuid4())
        helps = kind == "health_check"  # who helps her looks after the shrimp
        books.record(
            SECOND if helps else FARMER,
            NewRecord(
                id=record,
                crop=CROP,
                kind=kind,
                happened_ms=milliseconds(at),
                fields=fields,
                behalf_of=FARMER if helps else None,
            ),
        )
        if kind == "harvest":
            lot = books.make_lot(FARMER, harvest=record)
            labels = Labels(registry, signer, clock, public_url, secrets.token_bytes)
            labels.issue(FARMER, lot.id, LABELS)
            handle(registry, clock, FARMER, lot)
    keep_papers(registry, telemetry, FARMER, crop, now)
    open_dossiers(registry, telemetry, signer, FARMER, crop, now)


def _entries(
    started: datetime, treated: datetime
) -> list[tuple[datetime, str, dict[str, Any]]]:
    """Return what was written in the book so far, in order."""
    stocked = {
        "count": 300_000,
        "size": "PL12",
        "hatchery": "Trại giống Ninh Thuận (mô phỏng)",
    }
    drug = {
        "product": "Oxytetracyclin 20 %",
        "substance": "oxytetracycline",
        "amount": "5 kg trộn thức ăn",
        "reason": "đốm trắng trên vỏ",
        "withdrawal_days": TREATED_DAYS,
    }
    entries: list[tuple[datetime, str, dict[str, Any]]] = [
        (started + timedelta(hours=2), "stocking", stocked),
        (treated, "drug_chem_use", drug),
        (started + timedelta(days=62), "harvest", {"kg": 420, "pieces_per_kg": 60}),
        (
            started + timedelta(days=61),
            "waste",
            {"waste_kind": "effluent", "volume_m3": 240, "effluent_ph": 7.8},
        ),
        (
            started + timedelta(days=92),
            "health_check",
            {"signs": "ăn khỏe, ruột đầy", "dead_count": 12},
        ),
    ]
    entries += [
        (
            started + timedelta(days=day),
            "feed_use",
            {"product": "Thức ăn số 2", "kg": kg},
        )
        for day, kg in ((20, 38), (45, 92), (70, 141), (90, 160))
    ]
    return sorted(entries, key=lambda one: one[0])
