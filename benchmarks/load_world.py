"""The province that ``make load`` looks at: farms with ponds that are measured, labels."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock, ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import DAY_MS, HOUR_MS, MINUTE_MS, Reading, milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.people import Role
from greenwater.storage.telemetry import open_telemetry
from traceability.book.books import Books, NewRecord
from traceability.gs1.digits import check_digit
from traceability.label.labels import Labels
from traceability.proof.keys import open_signer
from web.ports import Services, Telemetry

PONDS: Final = 3
HOURS: Final = 24
STEP_MS: Final = 10 * MINUTE_MS
LABELLED: Final = 20
"""So many farms have harvested and issued labels, ten each."""

BASE: Final = "http://127.0.0.1"
MEANS: Final = {
    Channel.DISSOLVED_OXYGEN: 5.2,
    Channel.TEMPERATURE: 28.5,
    Channel.PH: 7.9,
}


class Address(NamedTuple):
    """A farmer: his session's token, and the pages that he goes to: (path, kind)."""

    token: str
    pages: tuple[tuple[str, str], ...]


@contextmanager
def open_services(folder: Path, clock: Clock) -> Iterator[Services]:
    """Open the two databases of a province for a site that people sign in to."""
    registry = open_registry(f"sqlite:///{folder / 'registry.db'}")
    telemetry = open_telemetry(f"sqlite:///{folder / 'telemetry.db'}")
    with closing(registry), closing(telemetry):
        now_ms = milliseconds(clock.now())
        signer = open_signer(folder / "keys", registry, now_ms)
        yield Services(
            registry,
            telemetry,
            clock,
            is_guarded=True,
            signer=signer,
            public_url=BASE,
        )


def build(folder: Path, farms: int, clock: Clock) -> tuple[list[Address], list[str]]:
    """Make a province, or take the one that is there; return farmers and labels' paths."""
    kept = folder / "province.json"
    if kept.exists():
        people, labels = json.loads(kept.read_text(encoding="utf-8"))
        return [Address(one[0], tuple(map(tuple, one[1]))) for one in people], labels
    with open_services(folder, clock) as services:
        registry, telemetry = services.registry, services.telemetry
        made = [
            _farm(registry, telemetry, number, milliseconds(clock.now()))
            for number in range(farms)
        ]
        labels = [
            path
            for number in range(min(LABELLED, farms))
            for path in _labels(services, number)
        ]
    kept.write_text(json.dumps([made, labels]), encoding="utf-8")
    return made, labels


def _farm(
    registry: Registry, telemetry: Telemetry, number: int, now_ms: int
) -> Address:
    farm = f"ho-{number:03}"
    registry.add_organisation(farm, f"Hộ {number}")
    registry.add_person(farm, f"Chủ hộ {number}", f"+8490{number:07}")
    registry.add_member(farm, farm, Role.FARMER)
    registry.add_site(
        f"{farm}-trai", organisation=farm, name=f"Trại {number}", commune="22411"
    )
    registry.add_device(f"{farm}-hop", site=f"{farm}-trai", now_ms=now_ms)
    began_ms, readings = now_ms - HOURS * HOUR_MS, []
    for pond in range(1, PONDS + 1):
        unit, probe = f"{farm}-ao-{pond}", f"ao-{pond}"
        registry.add_unit(unit, site=f"{farm}-trai", name=f"Ao {pond}", species="PNV")
        registry.add_probe(f"{farm}-hop", probe)
        registry.deploy(
            f"{farm}-hop", probe, unit=unit, vessel=None, depth_m=0.5,
            from_ms=began_ms, now_ms=began_ms,
        )  # fmt: skip
        readings += [
            Reading(
                DeviceId(f"{farm}-hop"), ProbeId(probe), channel, taken_ms,
                mean + (taken_ms // STEP_MS + pond) % 7 / 10,
            )
            for taken_ms in range(began_ms, now_ms, STEP_MS)
            for channel, mean in MEANS.items()
        ]  # fmt: skip
    telemetry.write(readings)
    token = f"{farm}-{os.urandom(16).hex()}"
    registry.open_session(token, farm, now_ms=now_ms, expires_ms=now_ms + 90 * DAY_MS)
    pages = (
        ("/", "home"),
        (f"/units/{farm}-ao-1", "a pond, with charts"),
        ("/alarms", "alarms"),
        ("/records", "records"),
    )
    return Address(token, pages)


def _labels(services: Services, number: int) -> list[str]:
    farm, now = f"ho-{number:03}", services.clock.now()
    clock = ManualClock(now - timedelta(days=40))
    books = Books(services.registry, services.telemetry, clock)
    digits = f"0952{number:09}"
    gtin = f"{digits}{check_digit(digits)}"
    books.add_product(farm, gtin=gtin, name_vi="Tôm", name_en="Shrimp", species="PNV")
    books.open_crop(
        farm, crop=f"{farm}-vu", unit=f"{farm}-ao-1", product=gtin, name="Vụ 1",
        started_ms=milliseconds(clock.now()),
    )  # fmt: skip
    feeding = [("feed_use", {"kg": "12", "product": "Thức ăn 40"})] * 24
    acts = [("stocking", {"count": "10000", "hatchery": "Trại giống"}), *feeding]
    harvest = ""
    for kind, fields in [*acts, ("harvest", {"kg": "500"})]:
        clock.advance(timedelta(days=1))
        harvest = str(uuid.uuid4())
        books.record(
            farm,
            NewRecord(
                id=harvest, crop=f"{farm}-vu", kind=kind,
                happened_ms=milliseconds(clock.now()), fields=fields,
            ),
        )  # fmt: skip
    lot = books.make_lot(farm, harvest=harvest)
    assert services.signer is not None
    issued = Labels(services.registry, services.signer, clock, BASE, os.urandom)
    return [one.uri.removeprefix(BASE) for one in issued.issue(farm, lot.id, 10)]
