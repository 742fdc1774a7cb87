"""Samplers with scripted instruments: silent, slow, busy ones, and a replay in lockstep."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from cli.edge import status as show
from edge.agent import Agent
from edge.ports import Driver, Sample
from edge.samplers import Attached, BusSampler, OutputOnBus
from edge.schedule import Breaker, Turns
from edge.status import BoxStatus, days_left, read_status, write_status
from edge.timekeeper import Timekeeper
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock, SteppedClock, SystemClock
from greenwater.kernel.errors import (
    InputError,
    MissingError,
    NotReadyError,
    UnavailableError,
)
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, milliseconds

START = datetime(2020, 5, 1, 12, 7, 33, tzinfo=UTC)


class Scripted:
    """An instrument that does what ``act`` does."""

    def __init__(
        self, act: Callable[[], Mapping[Channel, float | None]], warmup_s: float = 0.0
    ) -> None:
        self._act, self._warmup_s = act, warmup_s
        self.reads, self.wakes = 0, 0

    @property
    def warmup_s(self) -> float:
        return self._warmup_s

    def wake(self) -> None:
        self.wakes += 1

    def read(self) -> Sample:
        self.reads += 1
        return Sample(self._act())


def silent() -> Mapping[Channel, float | None]:
    time.sleep(0.1)
    raise UnavailableError("nobody answers")


def busy() -> Mapping[Channel, float | None]:
    raise NotReadyError("has no value yet")


class Rig:
    """One bus, its thread, and what it took."""

    def __init__(self, clock: Clock, *, is_simulated: bool) -> None:
        self.taken: list[Reading] = []
        self.clock = clock
        self.agent = Agent(
            DeviceId("box-1"),
            Timekeeper(clock, is_simulated=is_simulated, is_trusted=True, boot="b"),
            self.take,
        )
        self.attached: list[Attached] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.sampler: BusSampler | None = None

    def take(self, readings: Sequence[Reading]) -> None:
        self.taken.extend(readings)

    def attach(self, probe: str, driver: Driver, interval_ms: int) -> None:
        breaker = Breaker() if interval_ms else Breaker(first_s=0.0, cap_s=0.0)
        turns = Turns(interval_ms, round(driver.warmup_s * 1000))
        self.attached.append(Attached(ProbeId(probe), driver, turns, breaker))

    def start(self) -> BusSampler:
        self.sampler = BusSampler(self.agent, self.clock, self.attached)
        self._thread = threading.Thread(target=self.sampler.run, args=(self._stop,))
        self._thread.start()
        return self.sampler

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(90)

    def of(self, probe: str) -> list[Reading]:
        return [reading for reading in self.taken if reading.probe == probe]


@pytest.fixture
def rig() -> Iterator[Rig]:
    one = Rig(SystemClock(), is_simulated=False)
    yield one
    one.close()


def good() -> Mapping[Channel, float | None]:
    return {Channel.PH: 7.0}


def test_a_silent_unit_does_not_delay_the_others(rig: Rig) -> None:
    rig.attach("dead", Scripted(silent), 100)
    rig.attach("well", Scripted(good), 100)
    rig.start()
    time.sleep(3.0)
    assert len(rig.of("well")) >= 20
    health = rig.agent.health["dead"]
    assert health.is_left_alone
    assert "nobody answers" in health.message
    assert health.missed > 10
    assert rig.agent.health["well"].is_left_alone is False


def test_a_unit_that_is_busy_is_not_left_alone(rig: Rig) -> None:
    driver = Scripted(busy)
    rig.attach("busy", driver, 50)
    rig.start()
    time.sleep(1.0)
    assert driver.reads >= 15
    assert not rig.agent.health["busy"].is_left_alone
    assert rig.taken == []


def test_noise_on_the_line_costs_a_retry_and_no_reading(rig: Rig) -> None:
    answers = iter([False, True] * 1000)

    def noisy() -> Mapping[Channel, float | None]:
        if not next(answers):
            raise UnavailableError("garbled")
        return {Channel.PH: 7.0}

    rig.attach("noisy", Scripted(noisy), 50)
    rig.start()
    time.sleep(0.8)
    assert len(rig.taken) >= 10
    assert rig.agent.health["noisy"].missed == 0


def test_readings_are_taken_on_the_slots(rig: Rig) -> None:
    rig.attach("a", Scripted(good), 100)
    rig.start()
    time.sleep(1.2)
    late_ms = [reading.taken_ms % 100 for reading in rig.taken]
    assert len(late_ms) >= 10
    assert sorted(late_ms)[len(late_ms) // 2] < 30


def test_a_probe_that_warms_up_does_not_hold_the_bus(rig: Rig) -> None:
    slow = Scripted(good, warmup_s=0.4)
    rig.attach("slow", slow, 1_000)
    rig.attach("quick", Scripted(good), 50)
    rig.start()
    time.sleep(2.5)
    assert slow.wakes >= 2
    assert len(rig.of("slow")) >= 1
    times = [reading.taken_ms for reading in rig.of("quick")]
    assert max(b - a for a, b in pairwise(times)) < 300


def test_an_output_is_switched_by_the_bus_own_thread(rig: Rig) -> None:
    threads: list[str] = []

    class Coil:
        def switch(self, is_on: bool) -> None:
            threads.append(threading.current_thread().name)
            if not is_on:
                raise UnavailableError("it stays on")

    rig.attach("a", Scripted(good), 100)
    output = OutputOnBus(rig.start(), Coil())
    output.switch(True)
    with pytest.raises(UnavailableError, match="stays on"):
        output.switch(False)
    assert threading.current_thread().name not in threads


def test_an_output_is_left_on_where_the_bus_own_thread_died(rig: Rig) -> None:
    def dies() -> Mapping[Channel, float | None]:
        raise RuntimeError("a bug")

    class Coil:
        is_on = False

        def switch(self, is_on: bool) -> None:
            self.is_on = is_on

    rig.attach("buggy", Scripted(dies), 50)
    sampler, coil = BusSampler(rig.agent, rig.clock, rig.attached), Coil()
    with pytest.raises(RuntimeError, match="a bug"):
        sampler.run(threading.Event())
    began_s = time.monotonic()
    OutputOnBus(sampler, coil).switch(True)
    assert coil.is_on
    assert time.monotonic() - began_s < 5.0, "it waits for nobody"


def test_in_lockstep_every_row_is_taken_once_at_its_own_time(tmp_path: Path) -> None:
    """Rows at 15 minutes that are no multiples of anything; the clock waits for readers."""
    clock = SteppedClock(tmp_path / "clock", start=START)
    rows = [START + timedelta(minutes=15 * n, milliseconds=n % 7) for n in range(600)]
    at, unread = 0, {"a", "b"}
    lock = threading.Lock()

    def serve(probe: str) -> Callable[[], Mapping[Channel, float | None]]:
        def read() -> Mapping[Channel, float | None]:
            nonlocal at
            with lock:
                row = at
                unread.discard(probe)
                if not unread and at + 1 < len(rows):
                    at += 1
                    unread.update({"a", "b"})
                    clock.set(rows[at])
            return {Channel.PH: float(row), Channel.TEMPERATURE: 20.0}

        return read

    rig = Rig(clock, is_simulated=True)
    rig.attach("a", Scripted(serve("a"), warmup_s=2.0), 0)
    rig.attach("b", Scripted(serve("b")), 0)
    began_s = time.monotonic()
    rig.start()
    while len(rig.taken) < 4 * len(rows) and time.monotonic() - began_s < 90:
        time.sleep(0.005)
    rate = len(rows) / (time.monotonic() - began_s)
    time.sleep(0.05)
    rig.close()
    for probe in ("a", "b"):
        ph = [r for r in rig.of(probe) if r.channel is Channel.PH]
        assert [(r.taken_ms, r.value) for r in ph] == [
            (milliseconds(row), float(n)) for n, row in enumerate(rows)
        ]
    assert rate >= 200, f"{rate:.0f} rows/s"


def a_status() -> BoxStatus:
    return BoxStatus(
        device="box-1", written_ms=1, version="1", outbox="o" * 16, waiting_readings=5,
        waiting_bytes=90, bytes=4096, budget_bytes=8192, days_left=None,
        confirmed_readings=7, thinned=0, dropped=0, in_memory=0, untimed=0,
        slowest_commit_ms=1.5, disk_error=None, disk_free_bytes=None, is_online=True,
        connection_trouble="", ack_s_ago=0.5, in_flight=1, refused=0, bad_messages=0,
        clock="ntp", jumps=0, last_jump_s=0.0, faults=(), probes=(),
    )  # fmt: skip


def test_a_status_comes_out_as_it_went_in(tmp_path: Path) -> None:
    path = tmp_path / "o.status"
    write_status(path, a_status())
    assert read_status(path) == a_status()
    assert [one.name for one in tmp_path.iterdir()] == ["o.status"]


def test_a_status_that_is_not_there_or_no_status_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="has the agent run"):
        read_status(tmp_path / "none")
    (tmp_path / "odd").write_text("[")
    with pytest.raises(InputError, match="not a status file"):
        read_status(tmp_path / "odd")


def test_a_status_that_nobody_renews_is_not_shown_as_of_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, path = tmp_path / "edge.toml", tmp_path / "o.status"
    config.write_text(
        f'device = "box-1"\nbroker_url = "mqtt://127.0.0.1:1"\nstatus_file = "{path}"\n'
    )
    write_status(path, a_status())
    show(config)
    assert capsys.readouterr().out.startswith("box-1  Greenwater 1  online")
    killed_s = time.time() - 3_600
    os.utime(path, (killed_s, killed_s))
    show(config)
    assert capsys.readouterr().out.startswith("OLD       written 3600 s ago")


def test_why_a_box_is_offline_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, path = tmp_path / "edge.toml", tmp_path / "outbox.status"
    config.write_text(
        f'device = "box-1"\nbroker_url = "mqtt://127.0.0.1:1"\nstatus_file = "{path}"\n'
    )
    box = msgspec.structs.replace(
        a_status(), is_online=False, connection_trouble="the broker refuses box-1"
    )
    write_status(path, box)
    show(config)
    assert capsys.readouterr().out.splitlines()[:2] == [
        "box-1  Greenwater 1  OFFLINE",
        "uplink    the broker refuses box-1",
    ]


def test_days_left_is_room_over_rate() -> None:
    day = 86_400
    assert days_left(waiting_bytes=20, room_bytes=120, bytes_per_s=10 / day) == 10.0
    assert days_left(waiting_bytes=200, room_bytes=120, bytes_per_s=1.0) == 0.0
    assert days_left(waiting_bytes=0, room_bytes=120, bytes_per_s=None) is None
