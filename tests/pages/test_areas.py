"""Numbers by area: counted right, seen by officers alone, safe in a spreadsheet."""

import csv
import io
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.kernel.trips import Haul
from greenwater.reference.planned import PLANNED
from greenwater.storage.registry.trips import Fished, Sailed
from tests.pages.farms import BOATS, PHONES, PIN, Farms
from tests.pages.world import HOUR_MS, NOW_MS, open_empty
from web.app import create_app
from web.office.areamonths import month_counts, vessel_days
from web.office.areas import AreaNumbers, by_area
from web.ports import Telemetry
from web.views.facts import Snapshots


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("farms")
    with open_empty(folder) as world:
        yield Farms(world, folder)


def test_every_farm_unit_lot_and_kilogram_is_counted_once(farms: Farms) -> None:
    facts = Snapshots().now(farms.services)
    areas = by_area(farms.registry.visible_to(None), facts)
    whole = sum(areas.values(), AreaNumbers())
    assert whole.units == len(facts.units)
    assert whole.households == len({one.organisation for one in facts.sites})
    assert whole.lots == len(farms.registry.lots())
    harvests = farms.registry.records(kinds={"harvest"})
    assert whole.harvest_kg == sum(one.fields["kg"] for one in harvests) > 0
    assert whole.alarms_open == len(farms.registry.alarms(open_only=True)) > 0


def test_a_farmer_is_refused_and_an_inspector_reads_all(farms: Farms) -> None:
    app = create_app(farms.services)
    with TestClient(app, follow_redirects=False) as client:
        assert client.get("/areas").status_code == 303
        client.post("/sign-in", data={"phone": PHONES["hoa"], "secret": PIN})
        assert client.get("/areas").status_code == 403
        assert client.get("/areas.csv").status_code == 403
    with TestClient(create_app(farms.services)) as client:
        client.post("/sign-in", data={"phone": PHONES["minh"], "secret": PIN})
        page = client.get("/areas")
        table = client.get("/areas.csv")
    assert page.status_code == 200
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert rows[0][:3] == ["commune", "farms", "households"]
    assert sum(int(row[2]) for row in rows[1:]) == 2


def haul(number: int, began_ms: int, minutes: dict[str, float]) -> Haul:
    return Haul(
        id=f"haul-{number}", vessel=BOATS["hoa"], trip=None, number=number, gear="LLD",
        set_ms=None, set_at=None, began_ms=began_ms, began_at=(11.0, 111.0),
        ended_ms=began_ms + HOUR_MS, ended_at=(11.0, 111.0), minutes=minutes,
    )  # fmt: skip


def test_days_of_fishing_are_counted_by_boat_day_and_zone(farms: Farms) -> None:
    hauls = [
        haul(1, NOW_MS, {"offshore": 30.0}),
        haul(2, NOW_MS + HOUR_MS // 2, {"offshore": 5.0, "inshore": 1.0}),
        haul(3, NOW_MS - 48 * HOUR_MS, {"inshore": 0.0, "offshore": 2.0}),
    ]
    farms.registry.save_trips([Sailed(vessel=BOATS["hoa"], hauls=hauls)])
    (month,) = vessel_days(farms.registry.fished(NOW_MS - 100 * HOUR_MS))
    assert (month.name, month.days) == ("2026-11", {"offshore": 2, "inshore": 1})


def test_months_are_counted_idle_ones_too_and_make_a_workbook(farms: Farms) -> None:
    seen = farms.registry.visible_to(None)
    counts = month_counts(seen, NOW_MS)
    assert [name for name, _ in counts][-3:] == ["2026-09", "2026-10", "2026-11"]
    assert len(counts) == 6
    assert sum(told["lots"] for _, told in counts) == len(farms.registry.lots())
    with TestClient(create_app(farms.services)) as client:
        client.post("/sign-in", data={"phone": PHONES["minh"], "secret": PIN})
        page = client.get("/areas").text
        book = load_workbook(io.BytesIO(client.get("/areas.xlsx").content))
        layer = client.get("/areas.json").json()
    assert [one.title for one in book][1:] == [
        "Theo tháng", "Ngày tàu khai thác theo vùng", "Vùng quy hoạch nuôi"
    ]  # fmt: skip
    hectares = [row[2] for row in book["Vùng quy hoạch nuôi"].values]
    assert hectares[1:] == [1165, 266, 13, 2043]
    assert page.count('class="spot planned"') == len(layer["spots"]) == 4
    assert all("tham khảo" in one["told"][1] for one in layer["spots"])


def test_what_is_planned_is_named_counted_and_never_called_verified() -> None:
    assert not PLANNED.verified
    for group in PLANNED.group:
        assert group.areas in (0, len(group.place)), group.name
        for place in group.place:
            assert (place.at is None) == (not place.at_is), place.name


def test_a_day_is_one_of_vietnam() -> None:
    late = milliseconds(datetime(2026, 10, 31, 18, 0, tzinfo=UTC))
    (month,) = vessel_days([Fished("KH-1", late, {"offshore": 1.0})])
    assert month.name == "2026-11"


class Slow:
    """Readings that come when they are let."""

    def __init__(self, telemetry: Telemetry, *, is_waited_for: threading.Event) -> None:
        self._telemetry, self._may = telemetry, is_waited_for
        self.asked = threading.Event()

    def latest(
        self, device: DeviceId, before_ms: int | None = None
    ) -> Sequence[Reading]:
        self.asked.set()
        assert self._may.wait(20)
        return self._telemetry.latest(device, before_ms)


def test_nobody_waits_for_what_somebody_else_asks(farms: Farms) -> None:
    snapshots, may = Snapshots(), threading.Event()
    slow = Slow(farms.services.telemetry, is_waited_for=may)
    held = replace(farms.services.of("binh"), telemetry=cast(Telemetry, slow))
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(snapshots.now, held) for _ in range(2)]
        try:
            assert slow.asked.wait(20)
            mine = snapshots.now(farms.services.of("hoa"))
        finally:
            may.set()
        first, second = (one.result() for one in both)
    assert [one.id for one in mine.units] == ["hoa-ao"]
    assert first is second, "one viewer's pages ask once"
    assert [one.id for one in first.units] == ["binh-ao"]
