"""Every scenario through flags and watch: the right alarm, and only it."""

from collections.abc import Iterator
from functools import cache

import pytest

from analytics.alarms.aerating import Order
from analytics.alarms.messages import advice, sentence
from analytics.alarms.watch import Watch
from analytics.flagging import is_believable
from analytics.places import Places
from cli.demo.simulation import measured, readings_of
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import Scenario, load_scenario
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, DeviceState, ProbeId
from greenwater.kernel.reading import Source
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.devices import Deployed, DeviceInfo
from greenwater.storage.registry.places import SiteInfo, SiteKind, UnitInfo, UnitKind
from greenwater.storage.registry.probes import ProbeInfo

HOUR = 3_600_000
EVERY_S = 600.0


def places_of(scenario: Scenario) -> Places:
    """Return a scenario's places as the registry would have them."""
    sites = [
        SiteInfo(one.id, "sim", one.name, SiteKind.FARM, None, None, None)
        for one in scenario.sites
    ]
    units = [
        UnitInfo(
            id=unit.id, site=site.id, raft=None, name=unit.name,
            kind=UnitKind(unit.kind), species=unit.species, area_m2=None,
            depth_m=unit.depth_m,
        )
        for site in scenario.sites
        for unit in site.units
    ]  # fmt: skip
    devices, probes, hung = [], [], []
    for device in scenario.devices:
        name = DeviceId(device.id)
        devices.append(
            DeviceInfo(
                name, device.name, "sim", device.site or "", DeviceState.ACTIVE, True,
                "", "", device.site, device.vessel, 0, None,
            )
        )  # fmt: skip
        for probe in device.probes:
            probes.append(
                ProbeInfo(name, ProbeId(probe.id), Source.PROBE, probe.map, None)
            )
            unit = probe.unit
            if unit or device.vessel:
                at = (unit, device.vessel, probe.depth_m)
                hung.append(Deployed(name, ProbeId(probe.id), *at, 0, None))
    return Places(hung, units, sites, devices, probes)


class Played:
    """A scenario read through once, minute after minute, as live."""

    def __init__(
        self, name: str, *, every_s: float = EVERY_S, orders: tuple[Order, ...] = ()
    ) -> None:
        self.scenario = load_scenario(name)
        self.places = places_of(self.scenario)
        self.watch = Watch({}, ())
        self.watch.ordered(orders)
        self.alarms: dict[str, Alarm] = {}
        self.told: list[tuple[str, str, float]] = []
        self.first: dict[str, Alarm] = {}
        for at_ms in self._play(every_s):
            self.watch.tick(at_ms + 1000, 0, self.places)
            self._settle()

    def _play(self, every_s: float) -> Iterator[int]:
        scenario, known = self.scenario, measured(self.scenario)
        run = ScenarioRun(scenario, ManualClock(scenario.start))
        end_s = scenario.start_s + scenario.duration_h * 3600
        last_ms = None
        for row in run.history(scenario.start_s, end_s, every_s):
            if last_ms not in (None, row.taken_ms):
                yield last_ms
            last_ms = row.taken_ms
            believed = [one for one in readings_of(row, known) if is_believable(one)]
            self.watch.take(believed, row.taken_ms + 1000, self.places)

    def _settle(self) -> None:
        changes = self.watch.taken()
        self.alarms.update(changes.alarms)
        for alarm, _, _ in changes.calls:
            self.first.setdefault(alarm.condition, alarm)
        self.told += [
            (alarm.condition, step, self.hour(at_ms))
            for alarm, step, at_ms in changes.calls
        ]

    def hour(self, at_ms: int) -> float:
        """Return an instant in hours of the scenario."""
        return at_ms / HOUR - self.scenario.start_s / 3600

    @property
    def conditions(self) -> set[str]:
        """What alarms were about."""
        return {one.condition for one in self.alarms.values()}

    @property
    def worst(self) -> dict[str, str]:
        """What people were told of, and how grave it became."""
        steps = {one[0] for one in self.told if one[1] == "escalated"}
        return {
            name: "critical"
            if name in steps or first.severity == "critical"
            else str(first.severity)
            for name, first in self.first.items()
        }


@cache
def played(name: str) -> Played:
    return Played(name)


def test_a_healthy_farm_raises_no_alarm() -> None:
    assert played("healthy-farm").alarms == {}


def test_an_oxygen_crash_is_told_as_that_and_nothing_that_follows_from_it() -> None:
    crash = played("oxygen-crash")
    oxygen = "limit/sim-ao-7/dissolved_oxygen/low"
    assert crash.worst == {oxygen: "critical"}
    grave = [hour for _, step, hour in crash.told if step == "escalated"]
    assert any(46 < hour < 51 for hour in grave), "the crash, hours before its worst"
    for one in crash.alarms.values():
        assert one.condition == oxygen or one.hidden == "suppressed" or one.cleared_ms


def test_a_flood_is_salinity_at_the_cages_with_the_fall_told() -> None:
    flood = played("flood")
    low = {f"limit/sim-long-{n}/salinity/low" for n in (5, 6)}
    assert {name for name, grave in flood.worst.items() if grave == "critical"} == low
    five = flood.first["limit/sim-long-5/salinity/low"]
    assert 30 < flood.hour(five.raised_ms) < 34, "within hours of the rain"
    assert five.probe == "long-5-mat"
    assert "tụt từ 33 xuống" in sentence(five, "Lồng 5", "vi")
    assert advice(five, "cage", "vi").startswith("Hạ lồng xuống dưới 4 m")
    # The pond beside truly has cold water and little oxygen in the rain: warnings.
    others = set(flood.worst) - low
    assert others <= {
        "limit/sim-ao-9/dissolved_oxygen/low", "limit/sim-ao-9/temperature/low",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["tuna-trip", "trawler-inshore"])
def test_a_boat_at_sea_is_never_silent_nor_wrong(name: str) -> None:
    assert played(name).alarms == {}


def test_a_fouled_probe_is_no_crash() -> None:
    fouled = played("fouled-probe")
    assert all(one.severity != "critical" for one in fouled.alarms.values())
    assert "critical" not in fouled.worst.values()
    for one in fouled.first.values():
        assert "against" in one.detail, one
    assert "limit/sim-ao-4/dissolved_oxygen/low" in fouled.worst, "but told to look"
    told = fouled.first["limit/sim-ao-4/dissolved_oxygen/low"]
    assert "hai đầu đo oxy lệch nhau" in sentence(told, "Ao 4", "vi")


def test_an_aerator_that_does_not_run_and_lost_mains() -> None:
    scenario = load_scenario("aerator-failure")
    start_ms = round(scenario.start_s * 1000)
    order = Order(
        DeviceId("sim-cam-ranh-1"), ProbeId("ao-3-quat-1"), True,
        start_ms + 17 * HOUR, start_ms + 33 * HOUR,
    )  # fmt: skip
    farm = Played("aerator-failure", every_s=300, orders=(order,))

    aerator = "aerator/sim-cam-ranh-1/ao-3-quat-1"
    mains, oxygen = "mains/sim-cam-ranh", "limit/sim-ao-3/dissolved_oxygen/low"
    assert farm.conditions == {aerator, mains, oxygen}
    assert [one[2] for one in farm.told if one[0] == aerator] == [25.0]
    (lost,) = [one for one in farm.alarms.values() if one.kind == "mains"]
    assert 49 <= farm.hour(lost.raised_ms) < 49.2
    assert 52 <= farm.hour(lost.returned_ms or 0) < 52.2
    assert [one[1] for one in farm.told if one[0] == mains] == ["raised"]
