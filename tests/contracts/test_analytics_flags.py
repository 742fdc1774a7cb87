"""Flags are what the stored readings give, in whatever batches and order they came."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random

import pytest

from analytics.qc.stream import FlagState, Verdict, flagged
from analytics.qc.stretch import Point
from analytics.runs import Runs
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.quality import Flag
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.reference.quality import QUALITY
from greenwater.storage.registry import Registry, migrate, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry
from tests.servers import Influx
from tests.templates import empty_registry

NOW = datetime(2026, 6, 2, 5, 0, tzinfo=UTC)
T0 = milliseconds(NOW) - 30 * 3_600_000
STEP_MS = 300_000
BOX, TOP = DeviceId("hoa-box"), ProbeId("top")
OXYGEN = Channel.DISSOLVED_OXYGEN
LIMITS = QUALITY[OXYGEN]
NUMBERS = count()
ALWAYS = Span(Series(BOX, TOP), 0, 2**62)


@pytest.fixture(params=["sqlite", pytest.param("influx", marks=pytest.mark.live)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Telemetry]:
    url = f"sqlite:///{tmp_path}/telemetry.db"
    if request.param == "influx":
        influx: Influx = request.getfixturevalue("influx")
        url = influx.url(f"flags{next(NUMBERS)}")
    telemetry = open_telemetry(url)
    yield telemetry
    telemetry.close()


@contextmanager
def a_registry(tmp_path: Path) -> Iterator[Registry]:
    url = empty_registry(tmp_path / "registry.db")
    migrate(url)
    with open_registry(url) as registry:
        registry.add_organisation("hoa", "Hộ Hòa")
        registry.add_site("hoa-farm", organisation="hoa", name="Trại Hòa")
        registry.add_unit("hoa-ao-1", site="hoa-farm", name="Ao 1", species="PNV")
        registry.add_device(BOX, site="hoa-farm", now_ms=T0)
        registry.add_probe(BOX, TOP)
        yield registry


def a_day_and_a_bit() -> list[Reading]:
    """Good water, a spike, a stuck stretch, bad answers, a dead probe, a silence."""
    random = Random(7)
    values: list[float | None] = [
        round(6 + random.uniform(-0.3, 0.3), 2) for _ in range(300)
    ]
    values[40] = 12.9
    values[60:62] = [None, None]
    values[80:140] = [5.5] * 60
    values[200:205] = [-9.99] * 5
    times = [T0 + n * STEP_MS for n in range(300)]
    return [
        Reading(BOX, TOP, OXYGEN, at, value)
        for at, value in zip(times, values, strict=True)
        if not T0 + 230 * STEP_MS < at < T0 + 260 * STEP_MS
    ]


def in_order(readings: Sequence[Reading]) -> list[Verdict]:
    """Return the flags of a stream that came as it was measured."""
    state, found = FlagState(), dict[int, Verdict]()
    for one in sorted(readings, key=lambda one: one.taken_ms):
        point = Point(one.taken_ms, one.value)
        found |= {each.taken_ms: each for each in flagged(state, point, LIMITS)}
    return list(found.values())


class Feeding:
    """Puts batches into a store as ingest does, and lets analytics look."""

    def __init__(self, store: Telemetry, registry: Registry) -> None:
        self.store, self.registry = store, registry
        self.sequence = 0
        self.runs = self.opened()

    def opened(self) -> Runs:
        return Runs(self.registry, self.store, ManualClock(NOW))

    def put(self, batch: Sequence[Reading], *, overwritten: int = 0) -> None:
        self.store.write(batch)
        times = [one.taken_ms for one in batch]
        self.sequence += 1
        row = Intake(
            WorkerId("w1"), self.sequence, BOX, "a", self.sequence, 0,
            len(batch) - overwritten, 0, overwritten, 0,
            min(times), max(times), milliseconds(NOW),
        )  # fmt: skip
        self.store.record([row])

    def flags(self) -> list[Verdict]:
        while self.runs.look():
            pass
        return [
            Verdict(one.taken_ms, one.flag, one.tests)
            for one in self.store.flags(ALWAYS)
        ]


def batches(readings: Sequence[Reading], size: int) -> list[Sequence[Reading]]:
    return [readings[at : at + size] for at in range(0, len(readings), size)]


def test_what_comes_in_order_is_flagged_as_it_comes(
    store: Telemetry, tmp_path: Path
) -> None:
    readings = a_day_and_a_bit()
    with a_registry(tmp_path) as registry:
        feeding = Feeding(store, registry)
        for batch in batches(readings, 7):
            feeding.put(batch)
            feeding.flags()
        found = feeding.flags()
    assert found == in_order(readings)
    flags = [one.flag for one in found]
    assert {Flag.GOOD, Flag.SUSPECT, Flag.FAIL, Flag.MISSING} <= set(flags)


def test_batches_in_any_order_and_restarts_between_come_to_the_same_flags(
    store: Telemetry, tmp_path: Path
) -> None:
    readings = a_day_and_a_bit()
    random = Random(3)
    mixed = batches(readings, 11)
    random.shuffle(mixed)
    with a_registry(tmp_path) as registry:
        feeding = Feeding(store, registry)
        for batch in mixed:
            feeding.put(batch)
            if random.random() < 0.5:
                feeding.flags()
            if random.random() < 0.3:
                feeding.runs = feeding.opened()
        assert feeding.flags() == in_order(readings)


def test_a_value_that_is_written_over_is_flagged_anew_with_its_neighbours(
    store: Telemetry, tmp_path: Path
) -> None:
    readings = a_day_and_a_bit()
    mended = [
        Reading(BOX, TOP, OXYGEN, readings[40].taken_ms, 6.0),
        Reading(BOX, TOP, OXYGEN, readings[110].taken_ms, 5.9),
    ]
    after = {one.taken_ms: one for one in (*readings, *mended)}
    with a_registry(tmp_path) as registry:
        feeding = Feeding(store, registry)
        feeding.put(readings)
        before = feeding.flags()
        for one in mended:
            feeding.put([one], overwritten=1)
        found = feeding.flags()
    assert found == in_order(list(after.values()))
    changed = [a.taken_ms for a, b in zip(before, found, strict=True) if a != b]
    assert readings[40].taken_ms in changed
    assert readings[139].taken_ms in changed, "the stuck stretch is a shorter one now"


def test_a_batch_that_is_repeated_leaves_flags_as_they_are(
    store: Telemetry, tmp_path: Path
) -> None:
    readings = a_day_and_a_bit()
    with a_registry(tmp_path) as registry:
        feeding = Feeding(store, registry)
        feeding.put(readings)
        before = feeding.flags()
        for batch in batches(readings, 50):
            feeding.put(batch)
        assert feeding.flags() == before


def test_a_clock_far_ahead_does_not_stop_the_flags_of_the_truth_after_it(
    store: Telemetry, tmp_path: Path
) -> None:
    readings = a_day_and_a_bit()
    ahead = Reading(BOX, TOP, OXYGEN, milliseconds(NOW) + 400 * 86_400_000, 6.0)
    with a_registry(tmp_path) as registry:
        feeding = Feeding(store, registry)
        feeding.put(readings[:100])
        feeding.put([ahead])
        for batch in batches(readings[100:], 10):
            feeding.put(batch)
        found = [one for one in feeding.flags() if one.taken_ms != ahead.taken_ms]
    assert [one.taken_ms for one in found] == [one.taken_ms for one in readings]
    flags = {one.taken_ms: one.flag for one in in_order(readings)}
    differing = [one for one in found if one.flag != flags[one.taken_ms]]
    assert len(differing) <= 30, "a stream that begins anew sees a flat line later"


def test_alarms_do_not_look_at_what_no_probe_can_say_and_look_at_all_the_rest(
    store: Telemetry, tmp_path: Path
) -> None:
    """A dead probe's -9.99 is no crash; a crash is one, however suspect its readings."""
    times = [milliseconds(NOW) + (n - 30) * 60_000 for n in range(30)]
    with a_registry(tmp_path) as registry:
        registry.deploy("hoa-box", "top", unit="hoa-ao-1", from_ms=T0, now_ms=T0)
        feeding = Feeding(store, registry)
        dead = [Reading(BOX, TOP, OXYGEN, at, -9.99) for at in times[:15]]
        feeding.put([Reading(BOX, TOP, OXYGEN, T0, 6.0), *dead])
        feeding.flags()
        assert registry.open_alarms() == []
        crash = [Reading(BOX, TOP, OXYGEN, at, 0.4) for at in times[15:]]
        feeding.put(crash)
        flags = {one.taken_ms: one.flag for one in feeding.flags()}
        assert flags[times[15]] in (Flag.SUSPECT, Flag.FAIL), "it looks like a spike"
        (alarm,) = registry.open_alarms()
        assert (alarm.kind, alarm.channel, alarm.began_ms) == (
            "limit", OXYGEN, times[15],
        )  # fmt: skip
