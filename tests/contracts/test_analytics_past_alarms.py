"""A night that a box was away comes in behind live readings: alarms of the past, once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from analytics.executing import open_executor
from analytics.pastalarms import Stretch, find_alarms_again
from analytics.runs import Runs
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.alarms import Alarm, AlarmStep
from greenwater.storage.registry.watching import Pass
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span
from tests.contracts.test_analytics_flags import BOX, NOW, T0, TOP, a_registry
from web.views.alarms import alarm_view, step_views
from web.words import Lang

MINUTE = 60_000
HOUR = 60 * MINUTE
STEP = 10 * MINUTE
OXYGEN, SALINITY = Channel.DISSOLVED_OXYGEN, Channel.SALINITY
WELL = 6.5


class Pond:
    """A pond of white shrimp, its two stores, and analytics in one life after another."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.registry, self.clock, self.sequence = registry, ManualClock(NOW), 0
        self.store = open_telemetry(f"sqlite:///{folder}/telemetry.db")
        registry.add_person("lan", "Chị Lan")
        registry.add_contact("hoa", "lan", "json://127.0.0.1:9/x")
        registry.deploy(
            BOX, TOP, unit="hoa-ao-1", vessel=None, depth_m=0.5, from_ms=T0, now_ms=T0
        )
        self.runs = Runs(registry, self.store, self.clock)

    @property
    def now_ms(self) -> int:
        return milliseconds(self.clock.now())

    def send(self, values: dict[int, float], *, is_compensated: bool = True) -> None:
        """Have a batch of oxygen come in now; by instant."""
        self.sequence += 1
        self.store.write(
            [
                Reading(BOX, TOP, OXYGEN, at_ms, value, is_compensated=is_compensated)
                for at_ms, value in values.items()
            ]
        )
        row = Intake(
            WorkerId("w1"), self.sequence, BOX, "a", self.sequence, 0, len(values),
            0, 0, 0, min(values), max(values), self.now_ms,
        )  # fmt: skip
        self.store.record([row])
        self.runs.look()

    def live(self, hours: float, value: float = WELL) -> None:
        """Let hours pass, one reading each ten minutes."""
        for _ in range(round(hours * HOUR / STEP)):
            self.clock.advance(timedelta(minutes=10))
            self.send({self.now_ms: value})

    def away(self, hours: float) -> int:
        """Let hours pass in which nothing is heard; return when they began."""
        start_ms = self.now_ms
        self.clock.advance(timedelta(hours=hours))
        self.runs.look()
        return start_ms

    def night(
        self, start_ms: int, *lows: tuple[float, float, float]
    ) -> list[dict[int, float]]:
        """Return what was measured since, two hours a batch; lows: from h, to h, mg/L."""
        batches: list[dict[int, float]] = []
        for at_ms in range(start_ms + STEP, self.now_ms, STEP):
            hour = (at_ms - start_ms) / HOUR
            low = [v for first, last, v in lows if first <= hour < last]
            if not batches or len(batches[-1]) == 12:
                batches.append({})
            batches[-1][at_ms] = low[0] if low else WELL
        return batches

    def settle(self) -> None:
        """Let a quarter of an hour pass, and analytics look as often as it wants."""
        for _ in range(3):
            self.live(1 / 6)
            while self.look():
                pass

    def look(self) -> bool:
        """Look once; return whether a look back is under way."""
        self.runs.look()
        return self.runs._past._going is not None

    def kill(self) -> None:
        self.runs = Runs(self.registry, self.store, self.clock)

    @property
    def limits(self) -> list[Alarm]:
        found = [one for one in self.registry.alarms() if one.kind == "limit"]
        return sorted(found, key=lambda one: one.began_ms)

    def steps(self, alarm: Alarm) -> list[AlarmStep]:
        return list(self.registry.alarm_steps(alarm.id))

    def calls(self) -> list[str]:
        """Return the alarms that somebody is, or will be, told of."""
        due = self.registry.due_notifications(self.now_ms + 100 * HOUR)
        limits = {one.id for one in self.limits}
        return [one.alarm for one in due if one.alarm in limits]


@pytest.fixture
def pond(tmp_path: Path) -> Iterator[Pond]:
    with a_registry(tmp_path) as registry:
        made = Pond(registry, tmp_path)
        made.live(26)
        yield made
        made.store.close()


def test_a_night_behind_what_is_live_is_in_the_history_and_rings_nobody(
    pond: Pond,
) -> None:
    start_ms = pond.away(10)
    night = pond.night(start_ms, (3, 4, 3.5), (4, 5, 2.1))
    pond.live(1 / 6)
    for batch in night:
        pond.send(batch)
    pond.look()
    assert pond.limits == [], "more of it may come"
    seen_from_ms = pond.now_ms
    pond.settle()

    (alarm,) = pond.limits
    assert (alarm.is_late, alarm.state, alarm.acknowledged_ms) == (
        True,
        "cleared",
        None,
    )
    assert alarm.began_ms == start_ms + 3 * HOUR
    assert alarm.worst == 2.1
    # Back inside by the hysteresis for its fifteen minutes: two readings on.
    assert alarm.returned_ms == alarm.cleared_ms == start_ms + 5 * HOUR + 2 * STEP
    steps = pond.steps(alarm)
    assert [one.kind for one in steps] == ["raised", "escalated", "returned", "late"]
    assert steps[-1].at_ms >= seen_from_ms + 10 * MINUTE
    assert pond.calls() == []
    assert [one for one in pond.registry.open_alarms() if one.kind == "limit"] == []

    unit = pond.registry.get_unit("hoa-ao-1")
    shown = alarm_view(Lang.VI, alarm, unit, pond.now_ms, {})
    assert shown.late.startswith("Số đo về muộn, thấy lúc ")
    assert not shown.is_waiting
    views = step_views(Lang.VI, steps, alarm, {})
    assert [len(one.at) for one in views].count(len("03:10 02/06/2026")) <= 1
    line = views[-1].text
    assert line.replace("\N{NO-BREAK SPACE}", " ").endswith("nặng nhất 2,1 mg/L")

    kept = pond.registry.load_states()[f"device/{BOX}"]
    assert b'"behind":null' in kept
    pond.live(6)
    assert len(pond.limits) == 1


def test_a_live_alarm_after_it_is_news_and_is_told(pond: Pond) -> None:
    """Nobody was told of the past one: what follows within hours is no repetition."""
    start_ms = pond.away(6)
    night = pond.night(start_ms, (3, 4, 3.5))
    pond.live(1 / 6)
    for batch in night:
        pond.send(batch)
    pond.settle()
    pond.kill()
    pond.live(1, 3.5)
    past, live = pond.limits
    assert (past.is_late, live.is_late, live.repeats) == (True, False, 0)
    assert set(pond.calls()) == {live.id}


def test_a_stretch_that_leads_into_a_live_alarm_is_a_line_of_that_one(
    pond: Pond,
) -> None:
    start_ms = pond.away(8)
    night = pond.night(start_ms, (4, 6, 1.5), (6, 8, 3.5))
    pond.live(1, 3.5)
    (live,) = pond.limits
    told = pond.calls()
    for batch in night:
        pond.send(batch)
    for _ in range(3):
        pond.live(1 / 6, 3.5)
        while pond.look():
            pass

    (alarm,) = pond.limits
    assert (alarm.id, alarm.began_ms, alarm.is_late) == (live.id, live.began_ms, False)
    assert alarm.is_active
    assert pond.calls() == told
    (line,) = (one for one in pond.steps(alarm) if one.kind == "late")
    assert line.detail["from_ms"] == start_ms + 4 * HOUR
    assert line.detail["value"] == 1.5
    pond.live(1)
    assert pond.registry.get_alarm(alarm.id).state == "returned"


def test_what_still_holds_waits_for_its_live_alarm(pond: Pond) -> None:
    """Its first live readings are not long enough for an alarm when the past has settled."""
    start_ms = pond.away(3)
    night = pond.night(start_ms, (1, 3, 3.5))
    pond.clock.advance(timedelta(minutes=10))
    pond.send({pond.now_ms: 3.5})
    for batch in night:
        pond.send(batch)
    pond.clock.advance(timedelta(minutes=11))
    while pond.look():
        pass
    assert pond.limits == [], "it may become live yet"
    for _ in range(4):
        pond.live(1 / 6, 3.5)
        while pond.look():
            pass
    (alarm,) = pond.limits
    assert not alarm.is_late
    assert [one.kind for one in pond.steps(alarm)] == ["raised", "late"]


def outage(pond: Pond) -> None:
    start_ms = pond.away(30)
    night = pond.night(start_ms, (1, 3, 3.5), (5, 6, 2.0), (20, 22, 3.0))
    pond.live(1 / 6)
    for batch in night:
        pond.send(batch)


def history(pond: Pond) -> list[tuple[object, ...]]:
    return [
        (
            one.id, one.began_ms, one.returned_ms, one.cleared_ms, one.worst,
            one.severity, one.is_late, one.repeats,
            [(step.key, step.at_ms) for step in pond.steps(one) if step.kind != "late"],
            len([step for step in pond.steps(one) if step.kind == "late"]),
        )
        for one in pond.limits
    ]  # fmt: skip


def test_killed_at_any_piece_or_while_it_is_kept_it_is_there_once(
    pond: Pond, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage(pond)
    folder = tmp_path / "other"
    folder.mkdir()
    with a_registry(folder) as registry:
        other = Pond(registry, folder)
        other.live(26)
        outage(other)
        other.settle()
        expected = history(other)
        other.store.close()
    assert len(expected) == 2, "what came again within six hours is one"

    save, times = pond.registry.save_pass, 0

    def fail_once(done: Pass) -> None:
        nonlocal times
        if any(one.is_late for one in done.alarms):
            times += 1
            if times == 1:
                raise UnavailableError("killed while it was kept")
        save(done)

    monkeypatch.setattr(pond.registry, "save_pass", fail_once)
    pond.live(1 / 6)
    for pieces in range(1, 14):  # another life after each number of pieces
        pond.kill()
        pond.clock.advance(timedelta(minutes=3))
        for _ in range(pieces):
            try:
                pond.runs.look()
            except UnavailableError:
                pond.runs.reload()
    assert times >= 2
    pond.kill()
    pond.settle()
    assert history(pond) == expected


def test_a_pool_of_processes_and_backfill_come_to_the_same(
    pond: Pond, tmp_path: Path
) -> None:
    with open_executor(2) as executor:
        pond.runs = Runs(pond.registry, pond.store, pond.clock, executor)
        outage(pond)
        pond.settle()
    expected = history(pond)
    assert [one[6] for one in expected] == [True, True]

    places = pond.runs.places
    stretch = Stretch(BOX, pond.now_ms - 40 * HOUR, pond.now_ms)
    again = [pond.store, pond.registry, places, [stretch], pond.now_ms]
    assert find_alarms_again(*again) == 0, "all of it is known"  # type: ignore[arg-type]
    assert history(pond) == expected

    folder = tmp_path / "other"
    folder.mkdir()
    with a_registry(folder) as registry:  # the same readings, and nobody ever looked
        other = Pond(registry, folder)
        found = pond.store.read(Span(Series(BOX, TOP), 0, 2**62))
        other.store.write(list(found))
        told: list[tuple[int, int]] = []
        count = find_alarms_again(
            other.store, registry, other.runs.places, [stretch], pond.now_ms,
            progress=lambda done, of: told.append((done, of)),
        )  # fmt: skip
        assert (count, told) == (2, [(1, 1)])
        assert history(other) == expected
        other.store.close()


def test_more_of_a_night_that_was_looked_at_corrects_what_was_found(
    pond: Pond,
) -> None:
    start_ms = pond.away(10)
    night = pond.night(start_ms, (1, 4, 3.5), (4, 5, 1.0))
    pond.live(1 / 6)
    pond.send(night[0])  # the first two hours; then the network is away again
    pond.settle()
    (first,) = pond.limits
    assert first.worst == 3.5
    for batch in night[1:]:
        pond.send(batch)
    pond.settle()
    (alarm,) = pond.limits
    assert (alarm.id, alarm.worst) == (first.id, 1.0)
    assert alarm.returned_ms == start_ms + 5 * HOUR + 2 * STEP
    assert alarm.detail["seen_ms"] == first.detail["seen_ms"]
    lines = [one.detail["value"] for one in pond.steps(alarm) if one.kind == "late"]
    assert lines == [3.5, 1.0]
    assert pond.calls() == []


def test_what_was_out_of_service_then_makes_no_alarm_of_the_past(pond: Pond) -> None:
    start_ms = pond.now_ms
    pond.registry.take_out_of_service(
        device=BOX, probe=TOP, person="lan", reason="rửa đầu đo", from_ms=start_ms,
        until_ms=start_ms + 9 * HOUR,
    )  # fmt: skip
    pond.away(10)
    pond.runs.look_around()
    night = pond.night(start_ms, (3, 5, 2.1))
    pond.live(1 / 6)
    for batch in night:
        pond.send(batch)
    pond.settle()
    assert pond.limits == []


def test_a_probe_that_takes_the_sea_for_fresh_water_is_put_right_in_the_past_too(
    pond: Pond,
) -> None:
    """4.7 mg/L by a probe left at salinity 0 are 3.9 at 33 PSU, below white shrimp's 4."""
    meter = DeviceId("hoa-meter")
    pond.registry.add_device(meter, site="hoa-farm", now_ms=T0)
    pond.registry.add_probe(meter, ProbeId("kit"))
    pond.registry.deploy(
        meter, ProbeId("kit"), unit="hoa-ao-1", depth_m=0.5, from_ms=T0, now_ms=T0
    )
    salt = Reading(meter, ProbeId("kit"), SALINITY, pond.now_ms - 40 * HOUR, 33.0)
    pond.store.write([salt])
    pond.runs.look_around()
    start_ms = pond.away(10)
    night = pond.night(start_ms, (3, 5, 4.7))
    pond.live(1 / 6)
    for batch in night:
        pond.send(batch, is_compensated=False)
    pond.settle()
    (alarm,) = pond.limits
    assert alarm.worst == pytest.approx(3.9, abs=0.05)
