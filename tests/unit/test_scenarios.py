"""The scenarios: each shows what its ``expect`` says; a wrong file is refused by name."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from firmware_sim.faults import FaultKind, FaultSpec
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import (
    FOLDER,
    DeviceSpec,
    Organisation,
    ProbeKind,
    ProbeSpec,
    Scenario,
    SiteSpec,
    UnitSpec,
    VesselSpec,
    list_scenarios,
    load_scenario,
    parse_scenario,
)
from firmware_sim.vessels.plan import Trip
from firmware_sim.waters.aeration import Aerator
from firmware_sim.waters.cage import CageWater
from firmware_sim.waters.pond import PondWater
from firmware_sim.waters.sky import Climate, Spell
from firmware_sim.waters.tide import Tide
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import ConfigError

NAMES = list_scenarios()
DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scenarios.md").read_text("utf-8")
TABLES = (
    *(Scenario, Organisation, SiteSpec, Climate, Spell, UnitSpec, PondWater, Aerator),
    *(CageWater, Tide, VesselSpec, Trip, DeviceSpec, ProbeSpec, FaultSpec),
)
HEALTHY = (FOLDER / "healthy-farm.toml").read_text("utf-8")


class Told:
    """A run, and its values by hour of the scenario."""

    def __init__(self, name: str) -> None:
        self.scenario = load_scenario(name)
        self.clock = ManualClock(self.scenario.start)
        self.run = ScenarioRun(self.scenario, self.clock)

    def value(self, probe: str, channel: str, hour: float) -> float:
        source = next(s for (_, p), s in self.run.sources.items() if p == probe)
        value = source.values_at(self.scenario.start_s + hour * 3600)[channel]
        assert value is not None
        return value

    def series(
        self, probe: str, channel: str, first: float, last: float, every: float = 0.25
    ) -> Iterator[float]:
        count = int((last - first) / every)
        return (self.value(probe, channel, first + n * every) for n in range(count))


@pytest.mark.parametrize("name", NAMES)
def test_everything_simulated_says_so_in_its_ids_and_names(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert len(scenario.expect) > 80
    assert scenario.organisation.id.startswith("sim-")
    names = [scenario.organisation.name]
    names += [site.name for site in scenario.sites]
    names += [device.name for device in scenario.devices]
    names += [vessel.name for vessel in scenario.vessels]
    assert all("(mô phỏng)" in name for name in names)
    assert all(device.id.startswith("sim-") for device in scenario.devices)


@pytest.mark.parametrize("name", NAMES)
def test_every_map_named_by_a_scenario_is_there(name: str) -> None:
    maps = {path.stem for path in (FOLDER.parent / "maps").glob("*.toml")}
    for device in load_scenario(name).devices:
        for probe in device.probes:
            assert probe.map in maps or probe.kind is ProbeKind.GPS


@pytest.mark.parametrize("name", NAMES)
def test_two_runs_have_the_same_history(name: str) -> None:
    def rows(run: ScenarioRun) -> list[object]:
        start_s = run.scenario.start_s + 7200
        return list(run.history(start_s, start_s + 7200, 1200))

    assert rows(Told(name).run) == rows(Told(name).run)
    assert len(rows(Told(name).run)) >= 6


def test_a_history_may_be_had_in_pieces() -> None:
    told, start_s = Told("healthy-farm"), Told("healthy-farm").scenario.start_s
    whole = list(told.run.history(start_s, start_s + 3600, 300))
    pieces = [
        row
        for part in range(4)
        for row in told.run.history(
            start_s + part * 900, start_s + part * 900 + 900, 300
        )
    ]
    assert pieces == whole


def test_healthy_farm() -> None:
    told = Told("healthy-farm")
    for day in range(1, 7):
        for probe in ("ao-1-tren", "ao-2"):
            series = list(
                told.series(probe, "dissolved_oxygen", day * 24, day * 24 + 24)
            )
            assert 4.5 < min(series) < 6
            assert max(series) > 8
            assert (
                max(
                    told.series(
                        probe, "oxygen_saturation", day * 24 + 12, day * 24 + 17
                    )
                )
                > 100
            )
        cage = list(
            told.series("long-1-mat", "dissolved_oxygen", day * 24, day * 24 + 24)
        )
        assert max(cage) - min(cage) < 2
        assert min(cage) > 5


def test_oxygen_crash() -> None:
    told = Told("oxygen-crash")
    surface, bottom = "ao-7-tren", "ao-7-day"
    assert min(told.series(surface, "dissolved_oxygen", 0, 42)) > 3.5
    assert max(told.series(surface, "dissolved_oxygen", 36, 44)) > 9
    assert min(told.series(bottom, "dissolved_oxygen", 40, 45)) < 3
    for probe in (surface, bottom):
        assert max(told.series(probe, "dissolved_oxygen", 51, 54)) < 2.1
        assert min(told.series(probe, "dissolved_oxygen", 66, 72)) < 0.6


def test_oxygen_crash_averted_by_two_aerators_switched_on_in_time() -> None:
    told = Told("oxygen-crash")
    told.clock.advance(timedelta(hours=44))
    for aerator in ("ao-7-quat-3", "ao-7-quat-4"):
        told.run.switch_aerator(aerator, True)
    assert told.value("ao-7-quat-3", "current", 44.01) > 3
    assert told.value("ao-7-quat-3", "current", 43.99) < 0.1
    assert min(told.series("ao-7-tren", "dissolved_oxygen", 44, 96)) > 3


def test_the_crash_of_the_first_evening_and_the_aerators_that_avert_it() -> None:
    told = Told("oxygen-tonight")
    for probe in ("ao-7-tren", "ao-7-day"):
        assert min(told.series(probe, "dissolved_oxygen", 0, 24)) > 4
        assert max(told.series(probe, "dissolved_oxygen", 28, 30)) < 3
    told.clock.advance(timedelta(hours=25))
    for aerator in ("ao-7-quat-3", "ao-7-quat-4"):
        told.run.switch_aerator(aerator, True)
    assert min(told.series("ao-7-day", "dissolved_oxygen", 25, 34)) > 3


def test_an_aerator_that_is_not_there_cannot_be_switched() -> None:
    with pytest.raises(ConfigError, match="no aerator 'ao-1-quat-9'"):
        Told("healthy-farm").run.switch_aerator("ao-1-quat-9", True)


def test_flood() -> None:
    told = Told("flood")
    at_1_m = list(told.series("long-5-mat", "salinity", 31, 80))
    assert max(a - b for a, b in zip(at_1_m, at_1_m[24:], strict=False)) > 5  # in 6 h
    assert min(at_1_m) < 15
    assert abs(at_1_m.index(min(at_1_m)) / 4 + 31 - 50) < 4
    assert min(told.series("long-5-sau", "salinity", 0, 144)) > 28
    assert min(told.series("long-5-mat", "salinity", 102, 144)) > 32
    before, after = (told.value("ao-9-tren", "salinity", h) for h in (29, 56))
    assert 2 < before - after < 5
    assert (
        told.value("ao-9-tren", "salinity", 40)
        < told.value("ao-9-day", "salinity", 40) - 1
    )


def test_aerator_failure() -> None:
    told = Told("aerator-failure")
    probe, aerator = "ao-3", "ao-3-quat-1"
    assert told.value(aerator, "current", 24.99) > 3
    assert told.value(aerator, "current", 25 + 1 / 60) < 0.1
    assert told.value(aerator, "contact", 26) == 1
    first, second = (
        min(told.series(probe, "dissolved_oxygen", day * 24, day * 24 + 9))
        for day in (0, 1)
    )
    assert 0.5 < first - second < 1.5
    for number in (1, 2, 3):
        assert told.value(f"ao-3-quat-{number}", "current", 50) < 0.1
    assert told.value(aerator, "contact", 50) == 0
    assert told.value("box", "supply", 50) < 1
    before, after = (told.value(probe, "dissolved_oxygen", h) for h in (49, 52))
    assert before - after > 1


def test_fouled_probe() -> None:
    told = Told("fouled-probe")
    a, b = "ao-4-a", "ao-4-b"
    clean, days = told.value(a, "dissolved_oxygen", 20), (200 - 24) / 24
    assert clean == pytest.approx(told.value(b, "dissolved_oxygen", 20), abs=0.3)
    fouled = told.value(a, "dissolved_oxygen", 200) / told.value(
        b, "dissolved_oxygen", 200
    )
    assert fouled == pytest.approx(0.94**days, abs=0.04)
    assert told.value(a, "dissolved_oxygen", 201.5) == pytest.approx(
        told.value(b, "dissolved_oxygen", 201.5), abs=0.3
    )
    assert told.value(b, "ph", 107) - told.value(a, "ph", 107) == pytest.approx(
        0.25 * (107 - 24) / 24, abs=0.06
    )
    assert len(set(told.series(b, "temperature", 122, 134))) == 1
    assert max(told.series(b, "turbidity", 146, 164, 1 / 30)) > 150
    assert told.value(b, "salinity", 203) == 0
    assert told.run.low("dissolved_oxygen", 4.5, every_s=3600) == []


def test_trips_can_be_moved_to_another_start() -> None:
    scenario = load_scenario("tuna-trip")
    moved = scenario.starting(datetime(2027, 1, 1, tzinfo=UTC))
    run = ScenarioRun(moved, ManualClock(moved.start))
    (voyage,) = run.voyages.values()
    assert voyage.legs[0].start_s == moved.start_s + 6 * 3600
    assert run.truth()[0].start_ms > datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_scenario(text.encode(), where="farm.toml")
    sentence = str(caught.value)
    assert sentence.startswith("farm.toml")
    return sentence


def an(old: str, new: str) -> str:
    """Return the healthy farm with one thing changed."""
    assert old in HEALTHY
    return HEALTHY.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("area_m2 = 3000", "area_m2 = 3000\ncolour = 1", "colour"),
        ("area_m2 = 3000", 'area_m2 = "large"', "$.sites[0].units[0].area_m2"),
        ('model = "pond"', 'model = "lake"', "lake"),
        ('model = "pond"', 'model = "pond"\nphytoplankton = 3', "phytoplankton"),
        ("duration_h = 168", "duration_h = 0", "duration_h 0.0"),
        ("+07:00", "", "has no time zone"),
        ('id = "sim-ao-2"', 'id = "sim-ao-1"', "unit sim-ao-1 is there twice"),
        ("unit_id = 2", "unit_id = 1", "unit_id of sim-van-hung-1 1 is there twice"),
        ('unit = "sim-ao-2"', 'unit = "sim-ao-8"', "no unit 'sim-ao-8'"),
        ("depth_m = 1.2 }", "depth_m = 9 }", "depth_m 9.0 is not in 0 to 1.4"),
        ('aerator = "ao-1-quat-4"', 'aerator = "x"', "has no aerator 'x'"),
        ('site = "sim-van-hung"', 'site = "nowhere"', "'nowhere', which is not there"),
        ('id = "sim-van-hung-1"', 'id = "Trại 1"', "device id 'Trại 1'"),
        ("seed = 11", "seed = ", "is not TOML"),
    ],
)
def test_a_mistake_is_refused_in_a_sentence_that_names_it(
    old: str, new: str, said: str
) -> None:
    assert said in refused(an(old, new))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ('kind = "rust"', "rust"),
        ('kind = "stuck"\nprobe = "ao-2"', "device is missing"),
        (
            'kind = "drift"\nprobe = "ao-2"\ndevice = "sim-van-hung-1"',
            "amount is missing",
        ),
        ('kind = "power_cut"\nsite = "x"', "no site 'x'"),
        ('kind = "aerator_failure"\naerator = "x"', "no aerator 'x'"),
        ('kind = "clock_skew"\namount = 5\ndevice = "x"', "no device 'x'"),
        ('kind = "stuck"\nchannel = "smell"', "smell"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(fault: str, said: str) -> None:
    text = f"{HEALTHY}\n[[faults]]\nfrom_h = 1\nto_h = 2\n{fault}\n"
    assert said in refused(text)


def test_a_fault_that_ends_before_it_begins_is_refused() -> None:
    text = f'{HEALTHY}\n[[faults]]\nfrom_h = 3\nto_h = 2\nkind = "power_cut"\nsite = "sim-van-hung"\n'
    assert "from 3.0 h: to_h 2.0 does not follow" in refused(text)


def test_an_unknown_scenario_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no scenario 'storm'; there are aerator-"):
        load_scenario("storm")
    own = tmp_path / "own.toml"
    own.write_text(HEALTHY, encoding="utf-8")
    assert isinstance(load_scenario(str(own)), Scenario)


def test_the_unit_of_a_scenario_is_found_with_its_site() -> None:
    scenario = load_scenario("healthy-farm")
    site, unit = scenario.unit("sim-long-2")
    assert (site.id, unit.species) == ("sim-be-xuan-tu", "NUR")
    with pytest.raises(ConfigError, match="no unit 'x'"):
        scenario.unit("x")


@pytest.mark.parametrize("name", NAMES)
def test_the_document_has_the_scenario_with_its_plot(name: str) -> None:
    assert f"\n## {name}\n" in PAGE, (
        f'docs/scenarios.md: write a section "## {name}": what happens, and when'
    )
    assert f"(img/{name}.svg)" in PAGE, (
        f"docs/scenarios.md: show ![…](img/{name}.svg), drawn by docs/plot_scenarios.py"
    )
    plot = DOCS / "img" / f"{name}.svg"
    assert plot.exists(), f"add {name} to docs/plot_scenarios.py and run it"
    assert 1_000 < plot.stat().st_size < 200_000


def test_the_document_has_every_fault() -> None:
    told = [kind for kind in FaultKind if f"`{kind}`" not in PAGE]
    assert not told, f"docs/scenarios.md, table of faults: add {told}"


@pytest.mark.parametrize("table", TABLES)
def test_the_document_has_every_key_of_a_scenario(table: type[Struct]) -> None:
    told = PAGE.split("## Writing one")[1]
    wanted = [field.name for field in msgspec.structs.fields(table)]
    missing = [key for key in wanted if not re.search(rf"`\[*{key}\]*`", told)]
    assert not missing, f'docs/scenarios.md, "Writing one", {table.__name__}: {missing}'


def test_the_documents_own_scenario_plays() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    scenario = parse_scenario(text.encode(), where="own.toml")
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    source = run.sources["sim-own-box", "do-1"]
    shown = [
        source.values_at(scenario.start_s + hour * 3600)["dissolved_oxygen"]
        for hour in (20, 27, 29)
    ]
    assert shown[0] != shown[1] == shown[2]


def test_no_section_is_of_a_scenario_that_is_gone() -> None:
    named = re.findall(r"^## ([a-z-]+)$", PAGE, re.MULTILINE)
    gone = sorted(set(named) - set(NAMES))
    assert not gone, f"docs/scenarios.md has sections of {gone}: no such scenario"
