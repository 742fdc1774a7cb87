"""Alarms through the loop and both ends of the registry: acts, service, orders, restarts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from analytics.runs import Runs
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.kernel.wire.messages import Reply
from greenwater.reference.aerators import MONITOR
from greenwater.storage.registry import Registry
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake
from tests.contracts.test_analytics_flags import BOX, NOW, T0, TOP, a_registry

MINUTE = 60_000
OXYGEN = Channel.DISSOLVED_OXYGEN
WHEEL = ProbeId("quat-1")


class Farm:
    """A pond with a loop of analytics over it, on a clock of its own."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.registry, self.clock = registry, ManualClock(NOW)
        self.store = open_telemetry(f"sqlite:///{folder}/telemetry.db")
        registry.add_person("lan", "Chị Lan")
        registry.add_contact("hoa", "lan", "json://127.0.0.1:9/x")
        registry.deploy(
            BOX, TOP, unit="hoa-ao-1", vessel=None, depth_m=0.5, from_ms=T0, now_ms=T0
        )
        registry.add_probe(BOX, WHEEL, profile=MONITOR)
        registry.deploy(
            BOX,
            WHEEL,
            unit="hoa-ao-1",
            vessel=None,
            depth_m=None,
            from_ms=T0,
            now_ms=T0,
        )
        self.runs = Runs(registry, self.store, self.clock)
        self.sequence = 0

    @property
    def now_ms(self) -> int:
        return milliseconds(self.clock.now())

    def measure(self, value: float, *, minutes: float = 5, ampere: float = 0.0) -> None:
        """Let time pass, measure, have it looked at."""
        self.clock.advance(timedelta(minutes=minutes))
        now_ms, self.sequence = self.now_ms, self.sequence + 1
        self.store.write(
            [
                Reading(DeviceId(BOX), TOP, OXYGEN, now_ms, value),
                Reading(DeviceId(BOX), WHEEL, Channel.CURRENT, now_ms, ampere),
            ]
        )
        row = Intake(
            WorkerId("w1"), self.sequence, BOX, "a", self.sequence, 0, 2, 0, 0, 0,
            now_ms, now_ms, now_ms,
        )  # fmt: skip
        self.store.record([row])
        self.runs.look_around()
        self.runs.look()

    def kill(self) -> None:
        """Begin again from what is kept."""
        self.runs = Runs(self.registry, self.store, self.clock)

    @property
    def alarms(self) -> list[Alarm]:
        return [one for one in self.registry.alarms() if one.kind != "silence"]

    def kinds(self) -> list[str]:
        (alarm,) = self.alarms
        return [one.kind for one in self.registry.alarm_steps(alarm.id)]

    def due(self) -> int:
        """Return how many messages would go out by now."""
        return len(self.registry.due_notifications(self.now_ms))


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with a_registry(tmp_path) as registry:
        made = Farm(registry, tmp_path)
        yield made
        made.store.close()


def test_put_off_killed_and_told_again(farm: Farm) -> None:
    for _ in range(5):
        farm.measure(3.6)
    (alarm,) = farm.alarms
    assert farm.due() == 1
    until_ms = farm.now_ms + 20 * MINUTE
    farm.registry.shelve_alarm(
        alarm.id, person="lan", via="page", at_ms=farm.now_ms, until_ms=until_ms
    )
    farm.measure(3.5)
    farm.kill()
    farm.measure(3.5)
    assert farm.due() == 0, "nobody is reminded"
    assert farm.alarms[0].shelved_until_ms == until_ms

    for _ in range(3):
        farm.measure(3.5)
    farm.kill()
    assert farm.kinds() == ["raised", "shelved", "unshelved"]
    assert farm.due() == 1
    assert farm.alarms[0].shelved_until_ms is None


def test_out_of_service_killed_and_raised_at_its_end(farm: Farm) -> None:
    end_ms = farm.now_ms + 60 * MINUTE
    farm.registry.take_out_of_service(
        device=BOX, probe=TOP, person="lan", reason="thay đầu đo",
        from_ms=farm.now_ms, until_ms=end_ms,
    )  # fmt: skip
    for _ in range(11):
        farm.measure(2.0)
        farm.kill()
    assert farm.alarms == []

    farm.measure(2.0)
    (alarm,) = farm.alarms
    assert alarm.raised_ms == farm.now_ms == end_ms
    assert alarm.severity == "critical"


def test_what_comes_again_is_counted_over_restarts(farm: Farm) -> None:
    for turn in range(3):
        for _ in range(5):
            farm.measure(3.6)
        alarm = farm.registry.alarms(open_only=True)[0]
        farm.registry.acknowledge_alarm(
            alarm.id, person="lan", via="page", at_ms=farm.now_ms
        )
        for _ in range(5):
            farm.measure(6.0)
        farm.kill()
        assert farm.alarms[0].repeats == turn
    assert len(farm.alarms) == 3
    assert [one.cleared_ms is None for one in farm.alarms] == [False] * 3


def test_an_order_that_its_box_obeyed_and_no_current_is_an_alarm(farm: Farm) -> None:
    farm.measure(4.6, ampere=0.0)
    farm.registry.add_command(
        "c" * 32, BOX, "switch", {"rule": WHEEL, "on": True, "for_s": 3600.0},
        now_ms=farm.now_ms, expires_ms=farm.now_ms + 10 * MINUTE,
    )  # fmt: skip
    farm.registry.save_reply(BOX, Reply("c" * 32, True, "on"), farm.now_ms + 500)
    farm.measure(4.6, minutes=0.8)
    assert farm.alarms == []

    farm.measure(4.6, minutes=0.5)
    (alarm,) = farm.alarms
    assert (alarm.kind, alarm.value, alarm.unit) == ("aerator", 4.6, "hoa-ao-1")
    farm.kill()
    farm.measure(4.6, minutes=0.5)
    assert farm.kinds() == ["raised"]
    farm.measure(4.6, minutes=0.5, ampere=3.1)
    assert farm.kinds() == ["raised", "running", "returned"]
