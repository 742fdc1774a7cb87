"""Episodes of a real loop: found once, the same after any kill, claimed when they last."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from analytics.runs import Runs
from analytics.watching import Kept
from firmware_sim.run import ScenarioRun
from firmware_sim.scenarios import load_scenario
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.findings import Episode, EpisodeKind
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading, Source, milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry
from tests.templates import empty_registry

START = datetime(2026, 6, 2, 0, 0, tzinfo=UTC)
STEP_MS = 300_000
DAY_MS = 86_400_000
POND = Series(DeviceId("hoa-box"), ProbeId("top"))
OXYGEN, WARMTH = Channel.DISSOLVED_OXYGEN, Channel.TEMPERATURE
STUCK_FROM, STUCK_FOR = 10 * DAY_MS, DAY_MS


def a_farm(registry: Registry) -> None:
    registry.add_organisation("hoa", "Hộ Hòa")
    registry.add_site("farm", organisation="hoa", name="Trại")
    registry.add_unit("ao-3", site="farm", name="Ao 3", species="PNV")
    registry.add_device(POND.device, site="farm", now_ms=0)
    registry.add_probe(*POND)
    registry.deploy(*POND, unit="ao-3", depth_m=0.5, from_ms=0, now_ms=0)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(empty_registry(tmp_path / "registry.db")) as registry:
        a_farm(registry)
        yield registry


class Pond:
    """A fortnight of a pond whose oxygen probe stands still for a day."""

    def __init__(self, registry: Registry, store: Telemetry) -> None:
        self.registry, self.store = registry, store
        self.clock = ManualClock(START)
        self.sequence = 0
        self.at_ms = 0
        self.runs = Runs(registry, store, self.clock)

    def value(self, channel: Channel, at_ms: int) -> float:
        if channel is OXYGEN and STUCK_FROM <= at_ms < STUCK_FROM + STUCK_FOR:
            at_ms = STUCK_FROM
        day = math.sin(2 * math.pi * at_ms / DAY_MS)
        ripple = ((at_ms // STEP_MS * 7919) % 101 - 50) / 1000
        return round((6.5 if channel is OXYGEN else 29.0) + 1.2 * day + ripple, 3)

    def live(self, from_ms: int, until_ms: int, *, batch: int = 12) -> None:
        """Hours of readings, an hour a batch, a pass after each."""
        began = milliseconds(START)
        for first_ms in range(from_ms, until_ms, batch * STEP_MS):
            times = range(first_ms, min(first_ms + batch * STEP_MS, until_ms), STEP_MS)
            self.store.write(
                [
                    Reading(*POND, channel, began + at_ms, self.value(channel, at_ms))
                    for at_ms in times
                    for channel in (OXYGEN, WARMTH)
                ]
            )
            self.sequence += 1
            recorded_ms = began + times[-1]
            self.store.record(
                [
                    Intake(
                        WorkerId("w1"), self.sequence, POND.device, "o" * 16,
                        self.sequence, self.sequence, len(times) * 2, 0, 0, 0,
                        began + times[0], recorded_ms, recorded_ms,
                    )
                ]
            )  # fmt: skip
            self.clock.advance(
                timedelta(milliseconds=recorded_ms - milliseconds(self.clock.now()))
            )
            self.runs.look()

    def behind(self, from_ms: int, until_ms: int, recorded_ms: int) -> None:
        """A batch of an outage, recorded long after it was taken, and a pass."""
        began = milliseconds(START)
        times = range(from_ms, until_ms, STEP_MS)
        self.store.write(
            [
                Reading(*POND, channel, began + at_ms, self.value(channel, at_ms))
                for at_ms in times
                for channel in (OXYGEN, WARMTH)
            ]
        )
        self.sequence += 1
        self.store.record(
            [
                Intake(
                    WorkerId("w1"), self.sequence, POND.device, "o" * 16,
                    self.sequence, self.sequence, len(times) * 2, 0, 0, 0,
                    began + from_ms, began + times[-1], recorded_ms,
                )
            ]
        )  # fmt: skip
        self.runs.look()

    def episodes(self) -> list[Episode]:
        found = self.store.findings.episodes(Span(POND, 0, 2**62))
        return [one for one in found if one.channels[0] is OXYGEN]


@pytest.fixture
def pond(registry: Registry, tmp_path: Path) -> Iterator[Pond]:
    store = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    yield Pond(registry, store)
    store.close()


def test_a_probe_that_stands_still_is_one_episode_and_one_quiet_alarm(
    pond: Pond,
) -> None:
    pond.live(0, STUCK_FROM)
    assert pond.episodes() == [], "a sound probe has none"
    pond.live(STUCK_FROM, STUCK_FROM + STUCK_FOR)
    (one,) = pond.episodes()
    assert (one.kind, one.cause, one.is_open) == (EpisodeKind.SENSOR, "stuck", True)
    assert one.start_ms > milliseconds(START) + STUCK_FROM
    alarms = [a for a in pond.registry.open_alarms() if a.kind == "episode"]
    assert [(a.severity, a.detail["cause"]) for a in alarms] == [("watch", "stuck")]
    pond.live(STUCK_FROM + STUCK_FOR, STUCK_FROM + STUCK_FOR + 4 * 3_600_000)
    (over,) = pond.episodes()
    assert not over.is_open
    assert over.id == one.id
    end_ms = milliseconds(START) + STUCK_FROM + STUCK_FOR
    assert end_ms - STEP_MS <= over.end_ms <= end_ms + 3_600_000
    alarms = [a for a in pond.registry.alarms() if a.kind == "episode"]
    assert [a.returned_ms is not None for a in alarms] == [True]


def test_an_episode_of_an_outage_that_comes_in_behind_what_is_live_is_found(
    pond: Pond,
) -> None:
    out_ms, back_ms = 9 * DAY_MS, 12 * DAY_MS
    pond.live(0, out_ms)
    pond.live(back_ms, back_ms + DAY_MS // 12)
    assert pond.episodes() == []
    now_ms = milliseconds(pond.clock.now())
    for first_ms in range(out_ms, back_ms, 6 * DAY_MS // 24):
        pond.behind(first_ms, first_ms + 6 * DAY_MS // 24, now_ms)
    pond.runs = Runs(pond.registry, pond.store, pond.clock)
    pond.clock.advance(timedelta(minutes=9))
    pond.runs.look()
    assert pond.episodes() == [], "more of it may come"
    for _ in range(5):
        pond.clock.advance(timedelta(minutes=5))
        for _ in range(6):
            pond.runs.look()

    (one,) = pond.episodes()
    assert (one.cause, one.is_open) == ("stuck", False)
    began = milliseconds(START) + STUCK_FROM
    assert 0 < one.start_ms - began < DAY_MS // 4
    assert abs(one.end_ms - began - STUCK_FOR) <= DAY_MS // 24
    known = pond.registry.open_alarms()
    assert [alarm.kind for alarm in known if not alarm.is_late] == []
    kept = pond.registry.load_states()[f"water/{POND.device}/{POND.probe}"]
    assert b'"behind":null' in kept


def test_lives_cut_short_anywhere_find_the_same_episode(
    pond: Pond, tmp_path: Path
) -> None:
    end_ms = STUCK_FROM + STUCK_FOR + 4 * 3_600_000
    pond.live(0, end_ms)
    whole = pond.episodes()
    assert len(whole) == 1
    with open_registry(empty_registry(tmp_path / "other.db")) as registry:
        a_farm(registry)
        store = open_telemetry(f"sqlite:///{tmp_path}/other-telemetry.db")
        other = Pond(registry, store)
        for start_ms in range(0, end_ms, 5 * 3_600_000):
            stop_ms = min(start_ms + 5 * 3_600_000, end_ms)
            other.live(start_ms, stop_ms - 3_600_000)
            # One reading a batch: the end comes between two snapshots.
            other.live(stop_ms - 3_600_000, stop_ms - 2 * STEP_MS, batch=1)
            other.runs = Runs(registry, store, other.clock)
            other.live(stop_ms - 2 * STEP_MS, stop_ms, batch=1)
            other.runs = Runs(registry, store, other.clock)  # another life
        assert other.episodes() == whole
        for one in (pond, other):  # both are kept at one instant
            one.live(end_ms, end_ms + 3_600_000)
        assert remembered(other) == remembered(pond), "no reading was passed over"
        store.close()


METER = Series(DeviceId("hoa-hand"), ProbeId("kit"))
LOW = Series(DeviceId("hoa-box"), ProbeId("low"))


def recorded(
    store: Telemetry, clock: ManualClock, readings: list[Reading], sequence: int
) -> None:
    """Store a batch of one device as it came in with its newest reading."""
    store.write(readings)
    first_ms = min(one.taken_ms for one in readings)
    last_ms = max(one.taken_ms for one in readings)
    store.record(
        [
            Intake(
                WorkerId("w1"), sequence, readings[0].device, "o" * 16, sequence,
                sequence, len(readings), 0, 0, 0, first_ms, last_ms, last_ms,
            )
        ]
    )  # fmt: skip
    late_ms = last_ms - milliseconds(clock.now())
    if late_ms > 0:
        clock.advance(timedelta(milliseconds=late_ms))


def two_probes(registry: Registry, *, depth_m: float = 0.6) -> None:
    registry.add_probe(LOW.device, LOW.probe)
    registry.deploy(*LOW, unit="ao-3", depth_m=depth_m, from_ms=0, now_ms=0)


def episode_alarms(registry: Registry) -> list[Alarm]:
    """Return the alarms of the fouled probe; the other one is stuck for half a day."""
    found = [a for a in registry.alarms() if a.kind == "episode"]
    return [a for a in found if a.probe == POND.probe]


def fouled(
    registry: Registry, folder: Path, *, life_h: int = 10_000
) -> tuple[list[Episode], Registry]:
    """Play the scenario of a fouled probe through the loop, killed every ``life_h``."""
    scenario = load_scenario("fouled-probe")
    run = ScenarioRun(scenario, ManualClock(scenario.start))
    store = open_telemetry(f"sqlite:///{folder}/telemetry-{life_h}.db")
    clock = ManualClock(scenario.start)
    runs = Runs(registry, store, clock)
    names = {"ao-4-a": POND, "ao-4-b": LOW}
    kinds = {"dissolved_oxygen": OXYGEN, "temperature": WARMTH}
    for hour in range(0, 210, 3):
        if hour % life_h == life_h - 1:
            runs = Runs(registry, store, clock)  # another life
        batch = [
            Reading(*names[probe], kinds[channel], round(at_s * 1000), value)
            for at_s in range(
                round(scenario.start_s) + hour * 3600,
                round(scenario.start_s) + (hour + 3) * 3600,
                1200,
            )
            for (_, probe), source in run.sources.items()
            for channel, value in source.values_at(at_s).items()
            if channel in kinds
        ]
        recorded(store, clock, batch, hour + 1)
        runs.look()
    found = store.findings.episodes(Span(POND, 0, 2**62))
    store.close()
    return list(found), registry


def test_growth_on_a_probe_is_one_alarm_that_says_clean_it_and_no_crash(
    registry: Registry, tmp_path: Path
) -> None:
    two_probes(registry)
    episodes, _ = fouled(registry, tmp_path)
    (one,) = [one for one in episodes if one.cause == "fouled"]
    assert (one.kind, one.is_open, one.channels) == (
        EpisodeKind.SENSOR, False, (OXYGEN,),
    )  # fmt: skip
    assert one.compared_with.startswith("probe hoa-box/low 2026-06-2")
    (alarm,) = episode_alarms(registry)
    assert (alarm.severity, alarm.device) == ("watch", POND.device)
    assert alarm.detail["en"] == "fouled probe: clean it"
    assert alarm.detail["vi"] == "Đầu đo bám bẩn: vệ sinh đầu đo"
    assert alarm.detail["is_sensor"] is True
    assert alarm.detail["compared_with"].startswith("probe hoa-box/low 2026-06-2")
    assert alarm.returned_ms is not None, "it was cleaned"
    assert all(a.severity != "critical" for a in registry.alarms())


def test_growth_is_the_same_episode_after_any_kill(
    registry: Registry, tmp_path: Path
) -> None:
    two_probes(registry)
    whole, _ = fouled(registry, tmp_path)
    with open_registry(empty_registry(tmp_path / "other.db")) as other:
        a_farm(other)
        two_probes(other)
        assert fouled(other, tmp_path, life_h=7)[0] == whole
        assert len(episode_alarms(other)) == 1


def test_probes_at_other_depths_are_not_held_to_each_other(
    registry: Registry, tmp_path: Path
) -> None:
    two_probes(registry, depth_m=1.7)
    episodes, _ = fouled(registry, tmp_path)
    assert not [one for one in episodes if one.cause == "fouled"]


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_farmers_own_meter_is_a_drift_check(
    registry: Registry, tmp_path: Path, is_killed: bool
) -> None:
    registry.add_device(METER.device, site="farm", now_ms=0)
    registry.add_probe(*METER, source=Source.HAND)
    registry.deploy(*METER, unit="ao-3", depth_m=None, from_ms=0, now_ms=0)
    store = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    pond = Pond(registry, store)

    def dipped(apart: float) -> None:
        """Half a day of the probe, then a hand reading so much above it."""
        at_ms = pond.at_ms
        pond.live(at_ms, at_ms + DAY_MS // 2)
        pond.at_ms = at_ms + DAY_MS // 2
        last_ms = pond.at_ms - STEP_MS
        pond.sequence += 1
        taken_ms = milliseconds(START) + last_ms + 60_000
        hand = pond.value(OXYGEN, last_ms) + apart
        recorded(
            store, pond.clock, [Reading(*METER, OXYGEN, taken_ms, hand)], pond.sequence
        )
        if is_killed:
            pond.runs = Runs(registry, store, pond.clock)
        pond.runs.look()
        if is_killed:
            pond.runs = Runs(registry, store, pond.clock)

    def alarms() -> list[str]:
        return [
            a.detail["cause"]
            for a in registry.open_alarms()
            if a.kind == "episode" and a.returned_ms is None
        ]

    for apart in (0.1, 0.9, 0.2):
        dipped(apart)
        assert alarms() == [], "a slip of the pen is no drift"
    dipped(1.0)
    assert alarms() == []
    dipped(1.1)
    assert alarms() == ["fouled"]
    (alarm,) = [a for a in registry.open_alarms() if a.kind == "episode"]
    assert alarm.severity == "watch"
    assert alarm.detail["compared_with"].startswith("hand hoa-hand/kit 2026-06-04T11:5")
    dipped(1.2)
    assert len([a for a in registry.alarms() if a.kind == "episode"]) == 1
    dipped(0.1)
    assert alarms() == [], "cleaned, and the meter says so"
    (one,) = [one for one in pond.episodes() if one.cause == "fouled"]
    assert not one.is_open
    store.close()


def remembered(pond: Pond) -> dict[str, bytes]:
    states = pond.registry.load_states()
    found = {name: kept for name, kept in states.items() if name.startswith("water/")}
    assert found
    return found


SALT = Channel.SALINITY
SHARE_OF_FRESH = 0.84
"""What water of 29 °C and 32 PSU holds of what fresh water would."""


def test_a_probe_left_at_salinity_0_is_held_to_others_by_what_the_water_holds(
    registry: Registry, tmp_path: Path
) -> None:
    """It tells 1.2 mg/L more than the probe and the meter beside it, and is sound."""
    two_probes(registry)
    registry.add_device(METER.device, site="farm", now_ms=0)
    registry.add_probe(*METER, source=Source.HAND)
    registry.deploy(*METER, unit="ao-3", depth_m=None, from_ms=0, now_ms=0)
    store = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    pond, began = Pond(registry, store), milliseconds(START)
    for hour in range(36):
        readings = []
        for at_ms in range(hour * 12 * STEP_MS, (hour + 1) * 12 * STEP_MS, STEP_MS):
            held, warm = pond.value(OXYGEN, at_ms), pond.value(WARMTH, at_ms)
            told, when = held / SHARE_OF_FRESH, began + at_ms
            readings += [
                Reading(*POND, OXYGEN, when, told, None, False),
                Reading(*POND, WARMTH, when, warm),
                Reading(*LOW, OXYGEN, when, held, None, True),
                Reading(*LOW, SALT, when, 32.0 + warm / 100),
            ]
        recorded(store, pond.clock, readings, 2 * hour + 1)
        if hour in (20, 26, 32):
            last_ms = (hour * 12 + 11) * STEP_MS
            held = pond.value(OXYGEN, last_ms)
            hand = Reading(*METER, OXYGEN, began + last_ms, held)
            recorded(store, pond.clock, [hand], 2 * hour + 2)
        pond.runs.look()
    kept = msgspec.json.decode(
        remembered(pond)[f"water/{POND.device}/{POND.probe}"], type=Kept
    )
    distances = {name: one.slow for name, one in kept.state.drifts.items()}
    assert distances["dissolved_oxygen/probe"] == pytest.approx(0, abs=0.1)
    assert distances["dissolved_oxygen/hand"] == pytest.approx(0, abs=0.2)
    assert not [one for one in pond.episodes() if one.compared_with]
    store.close()
