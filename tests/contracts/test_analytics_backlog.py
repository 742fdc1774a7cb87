"""Three weeks at once, any executor, backfill, derived readings: the same in the end."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from analytics.backfill import backfill
from analytics.executing import open_executor
from analytics.places import Places
from analytics.qc.stream import FlagState, Verdict, flagged
from analytics.qc.stretch import Point
from analytics.runs import Runs
from greenwater.derived.chemistry import unionised_share
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.quality import Flag, QualityTest, flag_of
from greenwater.kernel.reading import Reading, Source, milliseconds
from greenwater.reference.quality import quality_of
from greenwater.storage.registry import Registry, migrate, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry
from tests.templates import empty_registry

NOW = datetime(2026, 6, 2, 5, 0, tzinfo=UTC)
NOW_MS = milliseconds(NOW)
HOUR_MS = 3_600_000
STEP_MS = HOUR_MS // 4
BOX, OTHER, HAND = DeviceId("hoa-box"), DeviceId("hoa-box-2"), DeviceId("hoa-meter")
TOP, SIDE, KIT = ProbeId("top"), ProbeId("side"), ProbeId("kit")
MAIN = Series(BOX, TOP)
OXYGEN, PH, SALINITY = Channel.DISSOLVED_OXYGEN, Channel.PH, Channel.SALINITY
TEMPERATURE = Channel.TEMPERATURE


class World:
    """Two stores in a folder, and analytics that looks at them."""

    def __init__(self, folder: Path, registry: Registry, store: Telemetry) -> None:
        self.folder, self.registry, self.store = folder, registry, store
        self.sequence = 0
        self.clock = ManualClock(NOW)

    def runs(self) -> Runs:
        return Runs(self.registry, self.store, self.clock)

    def put(self, batch: Sequence[Reading], recorded_ms: int = NOW_MS) -> None:
        self.store.write(batch)
        times = [one.taken_ms for one in batch]
        self.sequence += 1
        self.store.record(
            [
                Intake(
                    WorkerId("w1"), self.sequence, batch[0].device, "a",
                    self.sequence, 0, len(batch), 0, 0, 0,
                    min(times), max(times), recorded_ms,
                )
            ]
        )  # fmt: skip

    def flags(self, series: Series = MAIN) -> dict[Channel, list[Verdict]]:
        found: dict[Channel, list[Verdict]] = {}
        for one in self.store.flags(Span(series, 0, 2**62)):
            verdict = Verdict(one.taken_ms, one.flag, one.tests)
            found.setdefault(one.channel, []).append(verdict)
        return found

    def places(self) -> Places:
        registry = self.registry
        return Places(
            registry.deployments(), registry.units(), registry.sites(),
            registry.list_devices(), registry.list_probes(),
        )  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    url = empty_registry(tmp_path / "registry.db")
    migrate(url)
    with open_registry(url) as registry:
        registry.add_organisation("hoa", "Hộ Hòa")
        for site in ("hoa-farm", "hoa-sea"):
            registry.add_site(site, organisation="hoa", name=site)
            registry.add_unit(f"{site}-1", site=site, name="1", species="PNV")
        for device, site in ((BOX, "hoa-farm"), (OTHER, "hoa-sea"), (HAND, "hoa-farm")):
            registry.add_device(device, site=site, now_ms=0)
        for device, probe, unit in (
            (BOX, TOP, "hoa-farm-1"), (BOX, SIDE, "hoa-farm-1"),
            (OTHER, TOP, "hoa-sea-1"), (HAND, KIT, "hoa-farm-1"),
        ):  # fmt: skip
            source = Source.HAND if device == HAND else Source.PROBE
            registry.add_probe(device, probe, source=source)
            registry.deploy(device, probe, unit=unit, from_ms=0, now_ms=0)
        store = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
        yield World(tmp_path, registry, store)
        store.close()


def weeks(device: DeviceId, count: int, seed: int) -> list[list[Reading]]:
    """Return three weeks before now in batches: nights without oxygen, faults in them."""
    random, batches = Random(seed), []
    start = NOW_MS - count * STEP_MS
    for first in range(0, count, 96):
        batch = []
        for number in range(first, min(first + 96, count)):
            at, night = start + number * STEP_MS, number % 96 < 30
            oxygen: float | None = 0.8 if night else 6.0
            assert oxygen is not None
            oxygen = round(oxygen + random.uniform(-0.3, 0.3), 2)
            if random.random() < 0.01:
                oxygen = random.choice([None, 18.0, -9.99])
            values = {
                OXYGEN: oxygen,
                TEMPERATURE: round(29 + random.uniform(-0.2, 0.2), 2),
                PH: round(8 + random.uniform(-0.1, 0.1), 2),
                SALINITY: 15.0 if number % 500 > 200 else 15 + random.random(),
            }
            batch += [Reading(device, TOP, c, at, v) for c, v in values.items()]
        batches.append(batch)
    return batches


def alone(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return verdicts without what a neighbour, which is not there, says."""
    return [one._replace(tests=one.tests % 10**10) for one in verdicts]


def in_order(batches: Sequence[Sequence[Reading]], channel: Channel) -> list[Verdict]:
    limits, state = quality_of(channel, "PNV"), FlagState()
    assert limits is not None
    found: dict[int, Verdict] = {}
    readings = [one for batch in batches for one in batch if one.channel is channel]
    for one in sorted(readings, key=lambda one: one.taken_ms):
        for verdict in flagged(state, Point(one.taken_ms, one.value), limits):
            found[verdict.taken_ms] = verdict
    return list(found.values())


@pytest.fixture(scope="module")
def nights() -> set[tuple[object, ...]]:
    """What the history has of three weeks, whichever way they came in."""
    return set()


@pytest.mark.parametrize("is_live_first", [True, False])
def test_three_weeks_of_backlog_are_flagged_in_order_and_raise_no_live_alarm(
    world: World, is_live_first: bool, nights: set[tuple[object, ...]]
) -> None:
    """The past behind a live reading, or before it: nobody is called at night for it."""
    batches = weeks(BOX, 21 * 96, 1)
    live, past = batches[-1][-4:], [*batches[:-1], batches[-1][:-4]]
    runs = world.runs()
    if is_live_first:
        world.put(live)
        assert runs.look() == 1
    for batch in past:
        world.put(batch)
    if not is_live_first:
        world.put(live)
    began = time.process_time()
    while runs.look():
        pass
    took_s = time.process_time() - began
    flags = world.flags()
    for channel in (OXYGEN, TEMPERATURE, PH, SALINITY):
        assert alone(flags[channel]) == in_order(batches, channel), channel
    assert took_s < 20, f"{took_s:.1f} s for 8,000 readings"
    for _ in range(200):  # what is behind is looked back at, a quarter of a day a pass
        world.clock.advance(timedelta(minutes=1))
        runs.look()
    alarms = world.registry.alarms_cleared_since(0)
    raised = [*world.registry.open_alarms(), *alarms]
    found = {
        (one.id, one.returned_ms, one.worst, one.severity, one.repeats)
        for one in raised
        if one.kind == "limit"
    }
    assert len(found) >= 20, "the nights are in the history"
    assert nights in (set(), found), "the same ones, live first or not"
    nights |= found
    assert all(one.is_late for one in raised if one.kind == "limit")
    assert world.registry.due_notifications(NOW_MS + 10 * HOUR_MS) == []


def test_any_executor_and_backfill_come_to_the_same_flags(world: World) -> None:
    batches = {device: weeks(device, 400, 2) for device in (BOX, OTHER)}
    for some in batches.values():
        for batch in some:
            world.put(batch)
    with ThreadPoolExecutor(2) as threads:
        runs = Runs(world.registry, world.store, world.clock, threads)
        while runs.look():
            pass
    expected = [world.flags(Series(device, TOP)) for device in (BOX, OTHER)]
    assert alone(expected[0][OXYGEN]) == in_order(batches[BOX], OXYGEN)
    wrong = [
        one
        for device in (BOX, OTHER)
        for one in world.store.flags(Span(Series(device, TOP), 0, 2**62))
    ]
    for workers in (0, 2):
        spoiled = [
            type(one)(one.device, one.probe, one.channel, one.taken_ms, Flag.MISSING, 9)
            for one in wrong
        ]
        world.store.write_flags(spoiled)
        told: list[float] = []

        def tell(done: int, of: int, told: list[float] = told) -> None:
            told.append(done / of)

        with open_executor(workers) as executor:
            count = backfill(
                world.store,
                world.places(),
                [Series(BOX, TOP), Series(OTHER, TOP)],
                NOW_MS - 30 * 24 * HOUR_MS,
                NOW_MS + 1,
                executor=executor,
                progress=tell,
            )
        assert count == len(wrong)
        assert told == sorted(told)
        assert told[-1] == 1
        found = [world.flags(Series(device, TOP)) for device in (BOX, OTHER)]
        assert found == expected, f"{workers} workers"


def test_a_window_of_the_past_alone_comes_to_the_flags_it_has(world: World) -> None:
    for batch in weeks(BOX, 600, 3):
        world.put(batch)
    runs = world.runs()
    while runs.look():
        pass
    expected = world.flags()
    window = (NOW_MS - 60 * HOUR_MS, NOW_MS - 20 * HOUR_MS)
    backfill(world.store, world.places(), [Series(BOX, TOP)], *window)
    assert world.flags() == expected


def test_ammonia_follows_from_a_test_and_what_the_probes_say(world: World) -> None:
    def water(at: int, ph: float) -> list[Reading]:
        values = {PH: ph, TEMPERATURE: 28.0, SALINITY: 15.0}
        return [Reading(BOX, TOP, c, at, v) for c, v in values.items()]

    def ammonia() -> dict[int, float | None]:
        readings = world.store.read(
            Span(Series(BOX, TOP), 0, 2**62), {Channel.AMMONIA_UNIONISED}
        )
        return {(one.taken_ms - NOW_MS) // HOUR_MS: one.value for one in readings}

    def tested(hour: int, value: float) -> list[Reading]:
        at = NOW_MS + hour * HOUR_MS
        return [Reading(HAND, KIT, Channel.AMMONIA_TOTAL, at, value)]

    runs = world.runs()
    world.put(water(NOW_MS - 80 * HOUR_MS, 8.0))
    world.put(tested(-76, 1.0))
    world.put(water(NOW_MS - 75 * HOUR_MS, 8.0))
    world.put(water(NOW_MS, 8.5))
    while runs.look():
        pass
    assert ammonia() == {-75: 0.061555}, "not before the test, not 72 h after it"
    runs = world.runs()
    world.put(tested(-2, 2.0))  # typed in two hours later, after a restart
    while runs.look():
        pass
    share = float(unionised_share(28, 8.5, 15))
    assert ammonia() == {-75: 0.061555, 0: pytest.approx(2 * share, abs=1e-6)}
    assert 2 * share == pytest.approx(2 * 0.17179, abs=1e-5)
    flags = world.flags()[Channel.AMMONIA_UNIONISED]
    assert [one.flag for one in flags] == [Flag.GOOD, Flag.GOOD]
    world.clock.advance(timedelta(hours=1))
    world.put(water(NOW_MS + HOUR_MS, 9.0), NOW_MS + HOUR_MS)
    while runs.look():
        pass
    value = ammonia()[1]
    assert value == pytest.approx(2 * float(unionised_share(28, 9, 15)), abs=1e-6)


def test_a_probe_that_takes_the_sea_for_fresh_water_hides_no_lack_of_oxygen(
    world: World,
) -> None:
    """4.7 mg/L by a probe left at salinity 0 are 3.9 at 33 PSU: under white shrimp's 4."""
    runs = world.runs()
    world.put([Reading(HAND, KIT, SALINITY, NOW_MS, 33.0)])
    for is_compensated in (True, False):
        for _ in range(20):
            world.clock.advance(timedelta(minutes=1))
            at = milliseconds(world.clock.now())
            told = Reading(BOX, SIDE, OXYGEN, at, 4.7, is_compensated=is_compensated)
            world.put([told], at)
            runs.look()
        kinds = {one.kind for one in world.registry.open_alarms()}
        assert ("limit" in kinds) is not is_compensated, kinds
    stored = world.store.read(Span(Series(BOX, SIDE), 0, 2**62), {OXYGEN})
    assert {one.value for one in stored} == {4.7}, "what the probe told stays"


def test_channels_that_disagree_and_neighbours_that_differ_are_noticed(
    world: World,
) -> None:
    saturation = Channel.OXYGEN_SATURATION
    batch = []
    for number in range(12):
        at = NOW_MS - (12 - number) * 60_000
        is_off = number >= 8
        for probe in (TOP, SIDE):
            at_probe = at + (500 if probe == SIDE else 0)
            values = {OXYGEN: 6.5, saturation: 90.0, TEMPERATURE: 28.0, SALINITY: 15.0}
            if is_off and probe == SIDE:
                values[OXYGEN] = 12.0  # not its per cent: multi-variate
            if is_off and probe == TOP:
                values[TEMPERATURE] = 31.0
            batch += [Reading(BOX, probe, c, at_probe, v) for c, v in values.items()]
    runs = world.runs()
    # A pack that ends in the middle of an instant: the rest comes with the next one.
    for start, end in ((0, 37), (37, 61), (61, len(batch))):
        world.put(batch[start:end])
        runs.look()
    side, top = world.flags(Series(BOX, SIDE)), world.flags(Series(BOX, TOP))
    agrees = [flag_of(one.tests, QualityTest.MULTI_VARIATE) for one in side[OXYGEN]]
    assert agrees == [Flag.GOOD] * 8 + [Flag.SUSPECT] * 4
    assert [one.flag for one in side[OXYGEN]][9:] == [Flag.SUSPECT] * 3
    near = [flag_of(one.tests, QualityTest.NEIGHBOR) for one in top[TEMPERATURE]]
    assert near[0] is Flag.NOT_EVALUATED
    assert near[1:] == [Flag.GOOD] * 7 + [Flag.SUSPECT] * 4
    assert top[TEMPERATURE][-1].flag is Flag.GOOD, "which of the two is wrong?"


def test_positions_are_flagged_the_same_in_any_order(world: World) -> None:
    """Also where a pack ends between a latitude and its longitude."""
    readings = []
    for number in range(60):
        at = NOW_MS - (60 - number) * 60_000
        latitude = 12.2 + number * 0.001 + (0.4 if number == 30 else 0)
        readings.append(Reading(BOX, TOP, Channel.LATITUDE, at, latitude))
        if number != 40:
            readings.append(Reading(BOX, TOP, Channel.LONGITUDE, at, 109.3))
    batches = [readings[at : at + 7] for at in range(0, len(readings), 7)]
    Random(5).shuffle(batches)
    runs = world.runs()
    for batch in batches:
        world.put(batch)
        runs.look()
    found = world.flags()
    for channel in (Channel.LATITUDE, Channel.LONGITUDE):
        located = {
            (one.taken_ms - NOW_MS) // 60_000 + 60: flag_of(
                one.tests, QualityTest.LOCATION
            )
            for one in found[channel]
        }
        expected = {30: Flag.SUSPECT, 31: Flag.SUSPECT}
        if channel is Channel.LATITUDE:
            expected[40] = Flag.FAIL
        odd = {minute: flag for minute, flag in located.items() if flag != Flag.GOOD}
        assert odd == expected
        assert len(located) == (60 if channel is Channel.LATITUDE else 59)
