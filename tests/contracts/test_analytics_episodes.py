"""Episodes of a real loop: found once, the same after any kill, claimed when they last."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analytics.runs import Runs
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.findings import Episode, EpisodeKind
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry

START = datetime(2026, 6, 2, 0, 0, tzinfo=UTC)
STEP_MS = 300_000
DAY_MS = 86_400_000
POND = Series(DeviceId("hoa-box"), ProbeId("top"))
OXYGEN, WARMTH = Channel.DISSOLVED_OXYGEN, Channel.TEMPERATURE
STUCK_FROM, STUCK_FOR = 10 * DAY_MS, DAY_MS


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(f"sqlite:///{tmp_path}/registry.db") as registry:
        registry.add_organisation("hoa", "Hộ Hòa")
        registry.add_site("farm", organisation="hoa", name="Trại")
        registry.add_unit("ao-3", site="farm", name="Ao 3", species="PNV")
        registry.add_device(POND.device, site="farm", now_ms=0)
        registry.add_probe(POND.device, POND.probe)
        registry.deploy(
            POND.device, POND.probe, unit="ao-3", depth_m=0.5, from_ms=0, now_ms=0
        )
        yield registry


class Pond:
    """A fortnight of a pond whose oxygen probe stands still for a day."""

    def __init__(self, registry: Registry, store: Telemetry) -> None:
        self.registry, self.store = registry, store
        self.clock = ManualClock(START)
        self.sequence = 0
        self.runs = Runs(registry, store, self.clock)

    def value(self, channel: Channel, at_ms: int) -> float:
        if channel is OXYGEN and STUCK_FROM <= at_ms < STUCK_FROM + STUCK_FOR:
            at_ms = STUCK_FROM
        day = math.sin(2 * math.pi * at_ms / DAY_MS)
        ripple = ((at_ms // STEP_MS * 7919) % 101 - 50) / 1000
        return round((6.5 if channel is OXYGEN else 29.0) + 1.2 * day + ripple, 3)

    def live(self, from_ms: int, until_ms: int) -> None:
        """Hours of readings, an hour a batch, a pass after each."""
        began = milliseconds(START)
        for first_ms in range(from_ms, until_ms, 12 * STEP_MS):
            times = range(first_ms, min(first_ms + 12 * STEP_MS, until_ms), STEP_MS)
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


def test_lives_cut_short_anywhere_find_the_same_episode(
    pond: Pond, tmp_path: Path
) -> None:
    end_ms = STUCK_FROM + STUCK_FOR + 4 * 3_600_000
    pond.live(0, end_ms)
    whole = pond.episodes()
    assert len(whole) == 1
    with open_registry(f"sqlite:///{tmp_path}/other.db") as registry:
        registry.add_organisation("hoa", "Hộ Hòa")
        registry.add_site("farm", organisation="hoa", name="Trại")
        registry.add_unit("ao-3", site="farm", name="Ao 3", species="PNV")
        registry.add_device(POND.device, site="farm", now_ms=0)
        registry.add_probe(POND.device, POND.probe)
        registry.deploy(
            POND.device, POND.probe, unit="ao-3", depth_m=0.5, from_ms=0, now_ms=0
        )
        store = open_telemetry(f"sqlite:///{tmp_path}/other-telemetry.db")
        other = Pond(registry, store)
        for start_ms in range(0, end_ms, 5 * 3_600_000):
            other.live(start_ms, min(start_ms + 5 * 3_600_000, end_ms))
            other.runs = Runs(registry, store, other.clock)  # another life
        assert other.episodes() == whole
        store.close()
