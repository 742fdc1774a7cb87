"""The edge's drivers and tools against virtual probes over real sockets and lines."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest

from edge.agent import Agent
from edge.control import Controller, Rule
from edge.drivers.modbus import Bus, CoilOutput, ModbusDriver, RefusedError
from edge.drivers.profile import generic, load_profile
from edge.samplers import Attached, BusSampler, NmeaSampler, OutputOnBus
from edge.schedule import Turns
from edge.settings import NmeaSettings
from edge.timekeeper import Timekeeper
from edge.tools import change_address, scan_bus, try_registers
from firmware_sim.devices.modbus import Bench, Pty, serve_rtu, serve_tcp, server_port
from firmware_sim.devices.nmea import NmeaServer, misspelt
from firmware_sim.devices.probe import NoSampleError, VirtualProbe, carrying, load_map
from firmware_sim.devices.wire import spoilt
from firmware_sim.sources import Fix
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import SystemClock
from greenwater.kernel.errors import (
    ConfigError,
    ConflictError,
    InputError,
    NotReadyError,
    UnavailableError,
)
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import ClockQuality, Reading

pytestmark = pytest.mark.live

DEADLINE_S = 90.0
DO = Channel.DISSOLVED_OXYGEN
SEA: Mapping[str, float | None] = {
    "temperature": 28.5,
    "dissolved_oxygen": 5.25,
    "oxygen_saturation": 81.25,
    "ph": 8.0,
    "orp": -12.5,
    "conductivity": 50.0,
    "turbidity": 12.5,
    "chlorophyll": 6.5,
}


class Water:
    def __init__(self, values: Mapping[str, float | None] = SEA) -> None:
        self.values = dict(values)
        self.is_busy = False

    def values_at(self, t_s: float) -> Mapping[str, float | None]:
        if self.is_busy:
            raise NoSampleError
        return self.values


@contextmanager
def running(start: Callable[[], Any]) -> Iterator[Any]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(DEADLINE_S)
    try:
        yield server
    finally:

        async def end() -> None:
            await server.shutdown()
            mine = asyncio.current_task()
            left = [task for task in asyncio.all_tasks() if task is not mine]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), loop).result(DEADLINE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE_S)
        loop.close()


@contextmanager
def a_bus(
    bench: Bench, kind: str = "tcp", *, timeout_s: float = 0.3, **more: Any
) -> Iterator[Bus]:
    if kind == "tcp":
        with (
            running(lambda: serve_tcp(bench, **more)) as server,
            closing(
                Bus.tcp("127.0.0.1", server_port(server), timeout_s=timeout_s)
            ) as bus,
        ):
            yield bus
        return
    with (
        closing(Pty()) as line,
        running(lambda: serve_rtu(bench, line.near, **more)),
        closing(Bus.rtu(line.name, timeout_s=timeout_s)) as bus,
    ):
        yield bus


def a_bench(names: Mapping[int, str], water: Water | None = None, **more: Any) -> Bench:
    source = water or Water()
    probes = [VirtualProbe(load_map(n), source, unit=u) for u, n in names.items()]
    return Bench(probes, **({"now_s": time.monotonic} | more))


KINDS = ["tcp", "rtu"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_probe_has_values_only_after_its_warm_up(kind: str) -> None:
    now = [1000.0]
    bench = a_bench({1: "yosemitech_y504"}, now_s=lambda: now[0])
    with a_bus(bench, kind) as bus:
        driver = ModbusDriver(bus, 1, load_profile("yosemitech_y504"))
        assert set(driver.read().values.values()) == {None}
        driver.wake()
        now[0] += driver.warmup_s - 4
        assert set(driver.read().values.values()) == {None}
        now[0] += 4
        sample = driver.read()
    assert sample.values == {
        Channel.TEMPERATURE: 28.5,
        Channel.OXYGEN_SATURATION: 81.25,
        DO: 5.25,
    }
    assert sample.is_compensated is False


@pytest.mark.parametrize("kind", KINDS)
def test_a_busy_probe_is_not_ready_and_a_silent_one_unavailable(kind: str) -> None:
    water = Water()
    water.is_busy = True
    with a_bus(a_bench({1: "supmea_do7013"}, water), kind) as bus:
        with pytest.raises(NotReadyError, match=r"unit 1 on .* has no value yet"):
            ModbusDriver(bus, 1, load_profile("supmea_do7013")).read()
        with pytest.raises(UnavailableError, match="unit 9 on") as caught:
            ModbusDriver(bus, 9, load_profile("supmea_do7013")).read()
        assert not isinstance(caught.value, NotReadyError | RefusedError)
        water.is_busy = False
        with pytest.raises(RefusedError, match="exception code 2"):
            ModbusDriver(bus, 1, load_profile("yosemitech_y533")).read()
        assert ModbusDriver(bus, 1, load_profile("supmea_do7013")).read().values[DO]


def test_nobody_listening_is_unavailable() -> None:
    for bus in (
        Bus.tcp("127.0.0.1", 1, timeout_s=0.3),
        Bus.rtu("/dev/does-not-exist", timeout_s=0.3),
    ):
        with closing(bus), pytest.raises(UnavailableError, match=bus.name):
            bus.read(1, 3, 0, 1)


def test_a_wrong_byte_on_a_serial_line_is_never_a_value() -> None:
    at = [0]

    def damage(frame: bytes) -> bytes:
        at[0] += 1
        return spoilt(frame, (at[0] % len(frame)) / len(frame))

    bench = a_bench({1: "supmea_do7013"})
    with a_bus(bench, "rtu", timeout_s=0.15, damage=damage) as bus:
        driver = ModbusDriver(bus, 1, load_profile("supmea_do7013"))
        for _ in range(11):
            with pytest.raises(UnavailableError):
                driver.read()
    assert at[0] >= 11


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_answer_is_never_taken_for_the_next_ones(kind: str) -> None:
    source = Water({"temperature": 11.0, "ph": 7.0})
    bench = a_bench(
        {1: "yosemitech_y532", 2: "yosemitech_y532"},
        source,
        delay_s=lambda probe: 0.35 if probe.unit == 1 else 0.0,
    )
    for probe in bench._probes:  # awake since long ago
        probe.write(0x2500, [0], -100.0)
    read: dict[int, list[object]] = {1: [], 2: []}
    with a_bus(bench, kind, timeout_s=0.2) as bus:
        for unit in (1, 1, 2, 1, 2, 2, 1, 1, 2):
            driver = ModbusDriver(bus, unit, load_profile("yosemitech_y532"))
            with suppress(UnavailableError):
                read[unit].append(driver.read().values)
    good = {Channel.TEMPERATURE: 11.0, Channel.PH: 7.0}
    assert read[1] == [], "it never answers in time"
    assert all(values == good for values in read[2])
    assert len(read[2]) >= 3


class Taken:
    """An agent, and what it took."""

    def __init__(self) -> None:
        clock = SystemClock()
        keeper = Timekeeper(clock, is_simulated=False, is_trusted=True, boot="b")
        self.clock = clock
        self.readings: list[tuple[float, Reading]] = []
        self.agent = Agent(DeviceId("box-1"), keeper, self._take)

    def _take(self, readings: Any) -> None:
        self.readings += [(time.monotonic(), one) for one in readings]

    def wait_for(self, is_so: Callable[[], bool], limit_s: float = DEADLINE_S) -> None:
        end_s = time.monotonic() + limit_s
        while not is_so():
            assert time.monotonic() < end_s, self.readings[-3:]
            time.sleep(0.01)


@contextmanager
def at_work(*work: Callable[[threading.Event], None]) -> Iterator[threading.Event]:
    stop = threading.Event()
    threads = [threading.Thread(target=one, args=(stop,)) for one in work]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive()


SLOT_MS = 1200


@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_unit_delays_the_others_by_its_timeout_at_most(kind: str) -> None:
    taken, timeout_s, asked = Taken(), 0.2, list[int]()

    def delay_s(probe: VirtualProbe) -> float | None:
        asked.append(probe.unit)
        return None if probe.unit == 1 else 0.0

    bench = a_bench(dict.fromkeys((1, 2, 3), "supmea_do7013"), delay_s=delay_s)
    with (
        a_bus(bench, kind, timeout_s=timeout_s, is_gateway=False)
        if (kind == "tcp")
        else a_bus(bench, kind, timeout_s=timeout_s) as bus
    ):
        attached = [
            Attached(
                ProbeId(f"p{unit}"),
                ModbusDriver(bus, unit, load_profile("supmea_do7013")),
                Turns(SLOT_MS),
            )
            for unit in (1, 2, 3)
        ]
        with at_work(BusSampler(taken.agent, taken.clock, attached).run):
            taken.wait_for(lambda: taken.agent.health["p1"].is_left_alone)
            until = len(taken.readings) + 8
            taken.wait_for(lambda: len(taken.readings) >= until)
    whole = {r.taken_ms // SLOT_MS for _, r in taken.readings}
    late_ms = [r.taken_ms % SLOT_MS for _, r in taken.readings]
    print(f"{kind}: slots {len(whole)}, latest {max(late_ms)} ms, asked {asked}")
    tries = 2 if kind == "tcp" else 3  # a line is left quiet between two tries
    assert max(late_ms) <= tries * timeout_s * 1000 + 500, (
        "a busy machine may delay one"
    )
    assert asked.count(1) == 2 + 1 + 1, "one more in its first turn, then left alone"
    assert max(whole) - min(whole) + 1 == len(whole), "no slot was missed"
    assert taken.agent.health["p1"].is_left_alone
    assert not taken.agent.health["p2"].message


MODELS = {
    3: "yosemitech_y504",
    4: "yosemitech_y4000",
    5: "yosemitech_y533",
    6: "supmea_do7013",
    7: "insitu_rdo_pro",
    8: "hach_ldo",
}


@pytest.mark.parametrize("kind", KINDS)
def test_scan_finds_who_is_there_and_what_it_may_be(kind: str) -> None:
    with a_bus(a_bench(MODELS), kind, timeout_s=0.3) as bus:
        found = {unit: scan_bus(bus, unit) for unit in range(1, 11)}
    assert [unit for unit, who in found.items() if who] == list(MODELS)
    for unit, name in MODELS.items():
        who = found[unit]
        assert who is not None
        assert name in who.profiles, f"{name} asleep: {who.profiles}"
        assert len(who.profiles) <= 2, who.profiles


def test_scan_finds_a_busy_unit() -> None:
    water = Water()
    water.is_busy = True
    with a_bus(a_bench({6: "supmea_do7013"}, water), timeout_s=0.1) as bus:
        who = scan_bus(bus, 6)
    assert who is not None
    assert who.profiles == []


def test_try_shows_raw_words_beside_every_order_of_bytes() -> None:
    bench = a_bench({1: "yosemitech_y533"})
    with a_bus(bench) as bus:
        bench._probes[0].write(0x2500, [0], -100.0)
        (row,) = try_registers(bus, 1, load_profile("yosemitech_y533"))
        with pytest.raises(ConfigError, match="no registers of its own"):
            next(try_registers(bus, 1, load_profile("generic_float32")))
    assert (row.channel, row.address, row.raw, row.value) == (
        "orp",
        0x1200,
        "0000 48c1",
        -12.5,
    )
    # Orders that give what no probe can measure (subnormal numbers) are not shown.
    assert set(row.others) == {"CDAB"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["yosemitech_y504", "hach_ldo"])
def test_an_address_is_given_and_a_taken_one_refused(kind: str, name: str) -> None:
    profile = load_profile(name)
    water = Water()
    bench = a_bench({1: name, 7: "supmea_do7013"}, water)
    with a_bus(bench, kind, timeout_s=0.15) as bus:
        for new, error in ((7, ConflictError), (1, ConflictError), (248, InputError)):
            with pytest.raises(error):
                change_address(bus, profile, 1, new)
        with pytest.raises(UnavailableError):
            change_address(bus, profile, 5, 12)
        with pytest.raises(ConfigError, match="where the unit id stands"):
            change_address(bus, load_profile("supmea_do7013"), 7, 12)
        assert bench.device_ids() == [1, 7]
        change_address(bus, profile, 1, 12)
        assert bench.device_ids() == [12, 7]
        water.is_busy = True
        with pytest.raises(ConflictError, match="unit 7 answers already"):
            change_address(bus, profile, 12, 7)


def test_an_address_the_model_does_not_have_is_refused() -> None:
    with (
        a_bus(a_bench({1: "hach_ldo"})) as bus,
        pytest.raises(RefusedError, match="exception code 3"),
    ):
        change_address(bus, load_profile("hach_ldo"), 1, 200)


class Sailing:
    def __init__(self) -> None:
        self.is_void = False

    def fix_at(self, t_s: float) -> Fix | None:
        return None if self.is_void else Fix(12.2150, 109.2144, 7.4, 93.5)


class NmeaOn(NmeaServer):
    async def shutdown(self) -> None:
        await self.stop()


def test_positions_over_tcp_become_readings() -> None:
    taken, boat, port = Taken(), Sailing(), [0]
    spoil, ahead_s = [False], [0.0]
    wall_s = lambda: taken.clock.now().timestamp() + ahead_s[0]  # noqa: E731
    server = NmeaOn(
        boat,
        now_s=wall_s,
        every_s=0.05,
        damage=lambda lines: misspelt(lines) if spoil[0] else list(lines),
    )

    async def start() -> NmeaOn:
        port[0] = await server.start()
        return server

    with running(start):
        settings = NmeaSettings("gps", port=port[0], interval_s=0.2)
        sampler = NmeaSampler(taken.agent, settings)
        with at_work(sampler.run):
            taken.wait_for(lambda: len(taken.readings) >= 12)
            boat.is_void = True
            time.sleep(0.3)
            before = len(taken.readings)
            time.sleep(0.5)
            assert len(taken.readings) == before, "a void fix gives nothing"
            spoil[0] = True
            taken.wait_for(lambda: "spoilt lines" in taken.agent.health["gps"].message)
            spoil[0], boat.is_void = False, False
            ahead_s[0] = 12 * 366 * 86_400.0  # a week counter gone wrong
            taken.wait_for(lambda: taken.readings[-1][1].clock is ClockQuality.NTP)
            health = taken.agent.health["gps"]
            taken.wait_for(lambda: "its date cannot be: 20" in health.message)
            late = taken.readings[-1][1].taken_ms / 1000
            assert abs(late - taken.clock.now().timestamp()) < 5, "a place, of now"
            assert taken.agent.timekeeper.now().quality is ClockQuality.NTP
            boat.is_void = True
            # and it ends although no fix comes
    first = [r for _, r in taken.readings[:4]]
    assert {r.channel: r.value for r in first} == {
        Channel.LATITUDE: 12.215,
        Channel.LONGITUDE: 109.2144,
        Channel.SPEED: 7.4,
        Channel.COURSE: 93.5,
    }
    assert {r.clock for r in first} == {ClockQuality.GPS}
    instants = sorted(
        {r.taken_ms for _, r in taken.readings if r.clock is ClockQuality.GPS}
    )
    assert all(b - a >= 150 for a, b in pairwise(instants[1:]))


class Starter:
    """A pond's aerator: its current follows the coil that switches it."""

    def __init__(self) -> None:
        self.is_on = False

    def values_at(self, t_s: float) -> Mapping[str, float | None]:
        return {"current": 4.2 if self.is_on else 0.0, "contact": 1.0}


def test_an_oxygen_crash_switches_the_aerator_and_its_current_proves_it() -> None:
    taken, pond, starter = Taken(), Water({"dissolved_oxygen": 6.0}), Starter()
    probes = [
        VirtualProbe(carrying(["dissolved_oxygen"]), pond, unit=1),
        VirtualProbe(load_map("aerator_monitor"), starter, unit=5),
    ]

    def switched(_probe: VirtualProbe, _coil: int, is_on: bool) -> None:
        starter.is_on = is_on

    bench = Bench(probes, now_s=time.monotonic, on_coil=switched)
    plain = generic([DO], load_profile("generic_float32"))
    with a_bus(bench) as bus:
        attached = [
            Attached(ProbeId("do-1"), ModbusDriver(bus, 1, plain), Turns(200)),
            Attached(
                ProbeId("aerator-1"),
                ModbusDriver(bus, 5, load_profile("aerator_monitor")),
                Turns(200),
            ),
        ]
        sampler = BusSampler(taken.agent, taken.clock, attached)
        taken.agent.outputs["aerator"] = OutputOnBus(sampler, CoilOutput(bus, 5, 0))
        rule = Rule(
            "night", "aerator", "do-1", DO, low=4.0, min_run_s=0.0,
            feedback_probe="aerator-1",
        )  # fmt: skip
        started_ms = taken.agent.timekeeper.steady_ms()
        taken.agent.controllers["night"] = Controller(rule, started_ms)

        def current() -> float | None:
            return taken.agent.latest.get(("aerator-1", Channel.CURRENT), (0, None))[1]

        with at_work(sampler.run, taken.agent.control_all):
            taken.wait_for(lambda: current() == 0.0)
            assert not starter.is_on
            pond.values["dissolved_oxygen"] = 1.2
            began_s = time.monotonic()
            taken.wait_for(lambda: current() == 4.2)
            took_s = time.monotonic() - began_s
            pond.values["dissolved_oxygen"] = 6.0
            taken.wait_for(lambda: current() == 0.0)
            assert taken.agent.faults == ()
            ended_s = time.monotonic()
        print(f"on after {took_s:.2f} s; ended in {time.monotonic() - ended_s:.2f} s")
        assert took_s < 20
        assert starter.is_on, "a program that ends leaves it running"
        assert time.monotonic() - ended_s < 20


def test_an_output_is_switched_though_its_buss_thread_has_ended() -> None:
    taken, bench = Taken(), a_bench({5: "aerator_monitor"})
    with a_bus(bench) as bus:
        sampler = BusSampler(taken.agent, taken.clock, [])
        with at_work(sampler.run):
            pass
        began_s = time.monotonic()
        OutputOnBus(sampler, CoilOutput(bus, 5, 0)).switch(True)
        assert bench._probes[0].coils == {0: True}
    assert time.monotonic() - began_s < 20
