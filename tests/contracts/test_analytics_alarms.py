"""Alarms through the loop and both ends of the registry: acts, service, orders, restarts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from analytics.alarms.notifying import Notifier
from analytics.runs import Runs
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.kernel.wire.messages import Reply
from greenwater.reference.aerators import MONITOR
from greenwater.reference.limits import Bounds
from greenwater.reference.own_limits import OwnLimits
from greenwater.storage.registry import Registry
from greenwater.storage.registry.alarms import Alarm
from greenwater.storage.registry.people import Role
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake
from tests.contracts.registries import a_farm
from tests.contracts.test_analytics_flags import BOX, NOW, T0, TOP, a_registry
from web.views.alarms import alarm_view, changes_during, step_views
from web.words import Lang

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

    def measure(
        self,
        value: float,
        *,
        minutes: float = 5,
        ampere: float = 0.0,
        late: float = 0.0,
    ) -> None:
        """Let time pass, measure (or have it arrive so many minutes late), look at it."""
        self.clock.advance(timedelta(minutes=minutes))
        now_ms, self.sequence = self.now_ms, self.sequence + 1
        taken_ms = now_ms - round(late * MINUTE)
        self.store.write(
            [
                Reading(DeviceId(BOX), TOP, OXYGEN, taken_ms, value),
                Reading(DeviceId(BOX), WHEEL, Channel.CURRENT, now_ms, ampere),
            ]
        )
        row = Intake(
            WorkerId("w1"), self.sequence, BOX, "a", self.sequence, 0, 2, 0, 0, 0,
            taken_ms, now_ms, now_ms,
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


def test_a_ponds_own_limit_raises_the_alarm_and_the_history_tells_which(
    farm: Farm,
) -> None:
    """Own limits through registry, loop, restarts, message and page."""
    registry = farm.registry
    registry.change_unit(
        "hoa-ao-1", name="Ao 1", raft=None, species="PNV", area_m2=None,
        depth_m=None, person="lan", at_ms=T0,
    )  # fmt: skip
    oxygen = OwnLimits(channel=OXYGEN, warn=Bounds(low=5.0), reason="tôm giống")

    def sets(own: OwnLimits) -> None:
        registry.set_unit_limits("hoa-ao-1", own, person="lan", at_ms=farm.now_ms)

    for _ in range(6):
        farm.measure(4.6)
    assert farm.alarms == [], "4.6 is well for its species"
    sets(oxygen)
    for _ in range(3):
        farm.measure(4.6)
        farm.kill()
    assert farm.alarms == [], "not before its delay"
    farm.measure(4.6)
    (alarm,) = farm.alarms
    assert (alarm.severity, alarm.limit, alarm.began_ms) == (
        "warn", 5.0, farm.now_ms - 15 * MINUTE,
    )  # fmt: skip
    (told,) = registry.due_notifications(farm.now_ms)
    sent: list[str] = []

    def send(_url: str, head: str, text: str) -> bool:
        sent.append(f"{head}\n{text}")
        return True

    a_farm(registry, "binh")
    for name in ("hoa", "binh"):  # each has a pond of that name
        registry.add_member("lan", name, Role.FARMER)
    assert Notifier(registry, farm.clock, "http://x", send=send).send_due() == 1
    assert "Ao 1 – Trại Hòa" in sent[0].splitlines()[0]
    assert told.alarm == alarm.id
    assert "Ngưỡng 5,0 mg/L: ngưỡng riêng của ao, do Chị Lan đặt ngày" in sent[0]
    assert "mức của loài là 4,0 mg/L" in sent[0]

    # Still beyond the limit it has now: it stays the same alarm, and says which.
    sets(replace(oxygen, warn=Bounds(low=4.7)))
    farm.measure(4.6)
    farm.kill()
    (alarm,) = farm.alarms
    assert (alarm.state, alarm.limit) == ("raised", 4.7)
    # Never beyond the new one: it returns with the next reading, whatever hysteresis.
    sets(replace(oxygen, warn=Bounds(low=3.6), reason="tôm lớn"))
    farm.measure(4.6)
    (alarm,) = farm.alarms
    assert (alarm.state, alarm.returned_ms, alarm.limit) == (
        "returned", farm.now_ms, 4.7,
    )  # fmt: skip
    assert farm.kinds()[-1] == "returned"
    for _ in range(5):
        farm.measure(3.7)
    assert farm.alarms[0].state == "returned", "3.7 is well for this pond"

    unit = registry.get_unit("hoa-ao-1")
    shown = alarm_view(Lang.VI, alarm, unit, farm.now_ms, registry.names())
    assert shown.limit.startswith("Ngưỡng 4,7 mg/L: ngưỡng riêng của ao, do Chị Lan")
    changes = changes_during(registry.limit_changes("hoa-ao-1", OXYGEN), alarm)
    steps = registry.alarm_steps(alarm.id)
    lines = [
        one.text.replace("\N{NO-BREAK SPACE}", " ")
        for one in step_views(Lang.VI, steps, alarm, registry.names(), changes)
        if one.kind == "limits"
    ]
    assert lines == [
        "Chị Lan đổi ngưỡng riêng. Oxy hòa tan: ▲ Cảnh báo khi dưới 5,0 mg/L → "
        "▲ Cảnh báo khi dưới 4,7 mg/L (tôm giống)",
        "Chị Lan đổi ngưỡng riêng. Oxy hòa tan: ▲ Cảnh báo khi dưới 4,7 mg/L → "
        "▲ Cảnh báo khi dưới 3,6 mg/L (tôm lớn)",
    ]

    # Another species: what was set for the one before says nothing of it.
    registry.change_unit(
        "hoa-ao-1", name="Ao 1", raft=None, species="NUR", area_m2=None,
        depth_m=None, person="lan", at_ms=farm.now_ms,
    )  # fmt: skip
    for _ in range(3):
        farm.measure(3.7)
    newest = max(farm.alarms, key=lambda one: one.raised_ms)
    assert (newest.severity, newest.limit) == ("critical", 4.0)
    assert "own" not in newest.detail


def test_what_comes_in_late_is_held_against_the_limit_of_its_time(farm: Farm) -> None:
    registry = farm.registry
    registry.change_unit(
        "hoa-ao-1", name="Ao 1", raft=None, species="PNV", area_m2=None,
        depth_m=None, person="lan", at_ms=T0,
    )  # fmt: skip
    for low in (5.0, 3.6):
        own = OwnLimits(channel=OXYGEN, warn=Bounds(low=low), reason="x")
        registry.set_unit_limits("hoa-ao-1", own, person="lan", at_ms=farm.now_ms)
        farm.clock.advance(timedelta(minutes=60))
    for _ in range(5):  # from the hour before the change
        farm.measure(4.6, late=120)
        farm.kill()
    (alarm,) = (one for one in farm.alarms if one.kind == "limit")
    assert (alarm.limit, alarm.is_late, alarm.state) == (5.0, True, "raised")
    farm.measure(4.6)
    assert registry.get_alarm(alarm.id).state == "returned"


def test_a_database_that_was_away_calls_no_box_silent(farm: Farm) -> None:
    for _ in range(4):
        farm.measure(6.0)
    farm.clock.advance(timedelta(hours=1))  # nothing could be stored either
    farm.runs.reload()
    farm.runs.look()
    assert list(farm.registry.alarms()) == []
    farm.measure(6.0, minutes=1)
    farm.clock.advance(timedelta(hours=6))  # now it says nothing by itself
    farm.runs.look()
    (alarm,) = farm.registry.alarms()
    assert alarm.kind == "silence"


def test_of_two_analytics_at_once_the_slower_begins_anew(farm: Farm) -> None:
    """What one took over of people, the other would have undone."""
    first, second = farm.runs, Runs(farm.registry, farm.store, farm.clock)
    for _ in range(5):
        farm.measure(3.6)
    (alarm,) = farm.alarms
    registry, now_ms = farm.registry, farm.now_ms
    registry.acknowledge_alarm(alarm.id, person="lan", via="page", at_ms=now_ms)
    with pytest.raises(UnavailableError, match="another analytics"):
        second.look()
    first.look()
    second.reload()
    farm.runs = second
    farm.measure(3.5)
    farm.measure(2.0)
    farm.measure(2.0)
    (alarm,) = farm.alarms
    assert (alarm.acknowledged_by, farm.due()) == ("lan", 0)
    with pytest.raises(UnavailableError, match="another analytics"):
        first.look()
    assert farm.kinds() == ["raised", "acknowledged", "escalated"]
