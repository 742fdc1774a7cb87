"""One pond in the sea whose probe was left at salinity 0, seen whole: one number everywhere.

The probe tells 20 % too much. Number, light, alarm, chart, API, CSV, own data, the night's
forecast, the morning's reckoning and the crop's evidence are all of what the water holds;
what the probe told is there as it was.
"""

import csv
import io
import math
import re
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from analytics.forecasting import Forecasting
from analytics.places import Places
from analytics.runs import Runs
from analytics.speaking import Speaker
from greenwater.derived.chemistry import oxygen_saturation_mg_l
from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.storage.registry.books import Crop
from greenwater.storage.telemetry.ports import Intake, Series, Span
from tests.pages.reading_pages import parse_page
from tests.pages.world import (
    DO,
    HOUR_MS,
    MINUTE_MS,
    TEMPERATURE,
    World,
    open_empty,
)
from tests.servers import Influx
from traceability.book.water import evidence_of
from web.app import create_app
from web.home import main_of, main_words
from web.people.carrying import own_data
from web.views.beyond import LOOKED_BACK_MS, beyond_now
from web.views.facts import gather
from web.views.lights import light_of
from web.words import Lang

BOX, TOP, METER = DeviceId("bien-box"), ProbeId("oxy"), ProbeId("man")
EVENING = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)  # 20:30 in Khánh Hòa
NIGHT = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)  # 05:30, its lowest
MORNING = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)  # 07:30
DAYS, STEP_MS = 12, 10 * MINUTE_MS
CELSIUS, PSU = 28.0, 33.0
FRESH = float(oxygen_saturation_mg_l(CELSIUS, PSU)) / float(
    oxygen_saturation_mg_l(CELSIUS, 0.0)
)
LOWEST = 3.5
SHOWN = 0.05
"""Half of the last digit of a page, mg/L: on water as regular as this one a band is narrower."""
SALT = Channel.SALINITY


def held(at_ms: int) -> float:
    """What the water holds: least at half past five, mg/L."""
    hours = (at_ms - milliseconds(NIGHT)) / HOUR_MS
    return LOWEST + 1.2 - 1.2 * math.cos(2 * math.pi * hours / 24)


def restless(at_ms: int) -> float:
    """What keeps a probe from seeming stuck."""
    return round(0.2 * math.sin(at_ms / HOUR_MS), 3)


class Inline(Executor):
    """Learns at once."""

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Pond:
    """The pond, analytics over it, and its pages."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.registry, self.store = world, world.registry, world.telemetry
        registry = world.registry
        registry.add_organisation("bien", "Hộ Biển")
        registry.add_person("lan", "Chị Lan")
        registry.add_site("trai", organisation="bien", name="Trại")
        registry.add_unit("ao-1", site="trai", name="Ao 1", species="PNV")
        registry.add_product(
            "08938500000012", organisation="bien", name_vi="Tôm", name_en="Shrimp",
            species="PNV", brand=None,
        )  # fmt: skip
        world.add_device(BOX, site="trai")
        world.clock.advance(EVENING - world.clock.now())
        self.began_ms = self.now_ms - DAYS * 24 * HOUR_MS
        for probe in (TOP, METER):
            world.hang(BOX, probe, unit="ao-1", depth_m=1.0, from_ms=self.began_ms)
        self.crop = Crop(
            "vu", "bien", "ao-1", "08938500000012", "PNV", "Vụ", self.began_ms, None
        )
        registry.add_crop(self.crop)
        self.fed_ms, self.sequence = self.began_ms, 0
        self.feed()
        self.runs = Runs(registry, self.store, world.clock)
        self.forecasting = Forecasting(
            self.store, world.clock, folder, Inline(), self.runs.claim
        )
        self.speaker = Speaker(registry, self.store)

    @property
    def now_ms(self) -> int:
        return milliseconds(self.world.clock.now())

    @property
    def places(self) -> Places:
        return self.runs.places

    def feed(self) -> None:
        """Measure until now, as the probes tell it, and say so to analytics."""
        times = range(self.fed_ms, self.now_ms + 1, STEP_MS)
        readings = [
            reading
            for at_ms in times
            for reading in (
                Reading(BOX, TOP, DO, at_ms, held(at_ms) / FRESH, None, False),
                Reading(BOX, TOP, TEMPERATURE, at_ms, CELSIUS + restless(at_ms)),
                Reading(BOX, METER, SALT, at_ms, PSU + restless(at_ms)),
            )
        ]
        self.store.write(readings)
        self.sequence += 1
        row = Intake(
            WorkerId("w1"), self.sequence, BOX, "a", self.sequence, 0, len(readings),
            0, 0, 0, times[0], times[-1], self.now_ms,
        )  # fmt: skip
        self.store.record([row])
        self.fed_ms = times[-1] + STEP_MS

    def until(self, at: datetime) -> None:
        """Let the time pass, box and analytics at work."""
        while self.world.clock.now() < at:
            self.world.clock.advance(timedelta(minutes=10))
            self.feed()
            self.runs.look_around()
            self.runs.look()


@pytest.fixture
def pond(own_world: World, tmp_path: Path) -> Pond:
    return Pond(own_world, tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("influx", marks=pytest.mark.live)])
def on_either_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pond]:
    url = ""
    if request.param == "influx":
        influx: Influx = request.getfixturevalue("influx")
        url = influx.url("salt")
    with open_empty(tmp_path, url) as world:
        yield Pond(world, tmp_path)


def lowest(words: str) -> list[float]:
    return [float(one.replace(",", ".")) for one in re.findall(r"\d+,\d", words)]


def test_the_night_is_told_in_one_number(pond: Pond) -> None:
    """The evening's forecast is of what the morning's reckoning is of: the water."""
    pond.forecasting.look(pond.places)  # learns
    assert pond.forecasting.look(pond.places) == 1
    (night,) = pond.forecasting.nights.values()
    assert night.expected.lowest == pytest.approx(LOWEST, abs=0.4), "not 4.6"
    span = Span(Series(BOX, TOP), 0, pond.now_ms + 1)
    made = pond.store.findings.newest_forecast(span)
    assert made is not None
    for one in made.outlooks:
        at_ms = made.made_ms + round(one.horizon_h * HOUR_MS)
        assert one.value == pytest.approx(held(at_ms), abs=0.4), one.horizon_h
        is_within = one.low - SHOWN < held(at_ms) < one.high + SHOWN
        assert is_within, (one.horizon_h, one.low, held(at_ms), one.high)
    assert pond.speaker.speak(pond.forecasting.nights, pond.places, pond.now_ms) == 1
    with TestClient(create_app(pond.world.services)) as site:
        page = parse_page(site.get("/units/ao-1?lang=vi").text)
        (forecast,) = page.all("section", class_="forecast")
    expected = min(made.outlooks, key=lambda one: one.value)
    assert f"Thấp nhất {expected.value:.1f}".replace(".", ",") in forecast.text

    pond.until(MORNING)
    assert pond.speaker.speak({}, pond.places, pond.now_ms) == 1
    said = {one.kind: one.vi for one in pond.registry.bulletins(from_ms=0)}
    evening, morning = said["evening"], said["morning"]
    told = lowest(evening)[0]
    assert lowest(morning) == [LOWEST, told]


def test_number_light_alarm_chart_and_exports_agree(on_either_store: Pond) -> None:
    pond = on_either_store
    pond.until(NIGHT)
    with TestClient(create_app(pond.world.services)) as site:
        agree(pond, site)


def agree(pond: Pond, site: TestClient) -> None:
    raw = LOWEST / FRESH
    assert raw > 4.0 > LOWEST, "the probe's own number would be well"

    services = pond.world.services
    facts = gather(services)
    main = main_of(services, facts.in_units["ao-1"], pond.now_ms)
    assert main is not None
    words = main_words(Lang.VI, main, pond.now_ms)
    assert words.value == "Oxy 3,5\N{NO-BREAK SPACE}mg/L"
    assert main.buckets[-1].mean == pytest.approx(LOWEST, abs=0.01), "its trend"
    beyond = beyond_now(services, facts, facts.units[0])
    assert beyond is not None
    assert beyond.since_ms == pytest.approx(pond.now_ms - LOOKED_BACK_MS, abs=STEP_MS)
    assert light_of([], words.state, is_beyond=True).name == "look"
    found = pond.registry.alarms(open_only=True)
    (alarm,) = [one for one in found if one.channel == DO]
    assert alarm.severity == "warn"
    assert alarm.value == pytest.approx(LOWEST, abs=0.01)
    assert light_of([alarm], words.state, is_beyond=True).name == "look"

    page = parse_page(site.get("/units/ao-1?lang=vi").text)
    assert "đã bù độ mặn; đầu đo nói 4,2" in page.text
    assert "Đã bù độ mặn: đầu đo tính như nước ngọt." in page.text

    chart = site.get(f"/units/ao-1/chart.json?channel={DO}&hours=24").json()
    (line,) = chart["lines"]
    assert (line["made"], line["mean"][-1]) == (
        "salted",
        pytest.approx(LOWEST, abs=0.01),
    )
    share = Channel.OXYGEN_SATURATION
    chart = site.get(f"/units/ao-1/chart.json?channel={share}&hours=720").json()
    (line,) = chart["lines"]
    whole = float(oxygen_saturation_mg_l(CELSIUS, PSU))
    assert line["made"] == "derived"
    assert min(line["min"]) == pytest.approx(100 * LOWEST / whole, abs=0.3)
    assert sum(line["count"]) == DAYS * 144 + 55

    series = site.get(f"/api/v1/series?unit=ao-1&channel={DO}").json()
    assert series["lines"][0]["made"] == "salted"
    assert series["lines"][0]["mean"][-1] == pytest.approx(LOWEST, abs=0.01)

    units = site.get("/api/v1/units").json()["units"]
    latest = {
        one["channel"]: one for probe in units[0]["probes"] for one in probe["latest"]
    }
    assert latest[DO]["value"] == pytest.approx(LOWEST, abs=0.01)
    assert latest[DO]["told"] == pytest.approx(raw)
    assert (latest[share]["derived"], latest[share]["told"]) == (True, None)

    asked = f"/api/v1/readings?unit=ao-1&start={NIGHT:%Y-%m-%dT%H:%M}Z&end={NIGHT:%Y-%m-%dT%H:%M}:01Z&format="
    rows = site.get(f"{asked}json").json()["readings"]
    table = [*csv.DictReader(io.StringIO(site.get(f"{asked}csv").text))]
    assert [one["channel"] for one in table] == [one["channel"] for one in rows]
    of = {one["channel"]: one for one in rows}
    assert (of[DO]["made"], of[share]["made"], of[SALT]["made"]) == (
        "salted",
        "derived",
        "told",
    )
    assert of[DO]["value"] == pytest.approx(latest[DO]["value"], abs=1e-4)
    assert of[share]["value"] == pytest.approx(latest[share]["value"], abs=0.01)
    assert (of[DO]["told"], of[share]["told"]) == (pytest.approx(raw), None)
    assert {one["channel"]: one["told"] for one in table}[share] == ""

    stored = [
        *pond.store.read(Span(Series(BOX, TOP), pond.now_ms, pond.now_ms + 1), [DO])
    ]
    assert [(one.value, one.is_compensated) for one in stored] == [(raw, False)]


def test_own_data_and_the_crops_evidence_are_of_the_water(pond: Pond) -> None:
    pond.until(NIGHT)
    crop = pond.registry.get_crop("vu")
    found = evidence_of(pond.registry, pond.store, crop, pond.now_ms)
    of = {one.channel: one for one in found.channels}
    assert of[DO].minimum == pytest.approx(LOWEST, abs=0.01)
    assert (of[DO].salted_share, of[DO].inside_share) != (0.0, 1.0)
    assert of[DO].longest_excursion is not None, "each night it came below 4"
    assert of[SALT].salted_share == of[SALT].derived_share == 0.0

    file = io.BytesIO(
        b"".join(
            own_data(
                pond.world.services.of_organisation("bien"),
                "lan",
                ["bien"],
                pond.now_ms,
            )
        )
    )
    with zipfile.ZipFile(file) as archive:
        table = io.StringIO(archive.read("bien/readings.csv").decode())
    last = {
        (one["channel"], one["made"]): one
        for one in csv.DictReader(table)
        if one["probe"] == TOP
    }
    assert float(last[DO, "salted"]["value"]) == pytest.approx(LOWEST, abs=0.01)
    assert float(last[DO, "salted"]["told"]) == pytest.approx(LOWEST / FRESH, abs=0.01)
    assert last["oxygen_saturation", "derived"]["told"] == ""
