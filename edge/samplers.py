"""The threads that read instruments: one per bus, one per position stream.

Only a bus's own thread speaks on it; whoever wants to switch an output there asks the
thread and waits.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from edge.agent import Agent, Health
from edge.drivers.nmea import Fix, NmeaStream
from edge.ports import Driver, Output
from edge.schedule import Act, Breaker, Turns, next_slot_ms
from edge.settings import NmeaSettings
from edge.timing import Instant
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import NotReadyError, UnavailableError
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import ClockQuality, milliseconds

log = structlog.get_logger()

POLL_S: Final = 0.0005
LOOK_S: Final = 0.5
"""How long a bus's thread sleeps at most: a command may have changed an interval."""
SWITCH_S: Final = 10.0
TRIES: Final = 2

T = TypeVar("T")


@dataclass
class Attached:
    """A probe on a bus."""

    probe: ProbeId
    driver: Driver
    turns: Turns
    breaker: Breaker = field(default_factory=Breaker)


class BusSampler:
    """Reads the probes of one bus when they are due; a silent one delays nobody long."""

    def __init__(self, agent: Agent, clock: Clock, attached: list[Attached]) -> None:
        self._agent, self._clock, self._attached = agent, clock, attached
        self._asked: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._asking, self._has_ended = threading.Lock(), False
        for one in attached:
            agent.health[one.probe] = Health()

    def run(self, stop: threading.Event) -> None:
        """Sample until ``stop`` is set."""
        try:
            while not stop.is_set():
                self._oblige()
                now_ms = milliseconds(self._clock.now())
                pause_ms = self._work(now_ms)
                if pause_ms > 0:
                    stop.wait(self._pause_s(pause_ms))
        finally:  # of a bug too: the box then ends, and leaves its outputs on
            with self._asking:
                self._has_ended = True
                self._oblige()

    def ask(self, act: Callable[[], T]) -> "Future[T]":
        """Have something done on the bus, between two probes.

        At the end outputs are left on: once the thread has ended, who asks does it.
        """
        future: Future[T] = Future()

        def oblige() -> None:
            try:
                future.set_result(act())
            except UnavailableError as exc:
                future.set_exception(exc)

        with self._asking:
            if self._has_ended:
                oblige()
            else:
                self._asked.put(oblige)
        return future

    def _oblige(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._asked.get_nowait()()

    def _pause_s(self, pause_ms: int) -> float:
        real_s = self._clock.real_seconds(pause_ms / 1000)
        return min(max(real_s, POLL_S), LOOK_S)

    def _work(self, now_ms: int) -> int:
        """Do what is due; return in how many milliseconds something is, 0 for look again."""
        pause_ms = 60_000
        did_something = False
        for one in self._attached:
            act, at_ms = one.turns.next(now_ms)
            if at_ms > now_ms:
                pause_ms = min(pause_ms, at_ms - now_ms)
                continue
            did_something = True
            self._do(one, act)
            self._oblige()
        return 0 if did_something else pause_ms

    def _do(self, one: Attached, act: Act) -> None:
        # The instant before the read begins: in a replay the clock moves on as soon as
        # the last register has been read.
        instant = self._agent.timekeeper.now()
        now_ms = milliseconds(self._clock.now())
        if not one.breaker.lets(time.monotonic()):
            one.turns.done(now_ms, is_read=False)
        elif act is Act.WAKE:
            self._tried(one, one.driver.wake)
            one.turns.woken(now_ms)
        else:
            sample = self._tried(one, one.driver.read)
            if sample is not None:
                self._agent.take(
                    one.probe,
                    instant,
                    sample.values,
                    is_compensated=sample.is_compensated,
                )
            one.turns.done(now_ms, is_read=sample is not None)
        self._agent.health[one.probe].missed = one.turns.missed

    def _tried(self, one: Attached, act: Callable[[], T]) -> T | None:
        """Try once and, where nobody answered, once more: lines are noisy.

        One that did not answer in its last turn gets one try: others wait for it.
        """
        for attempt in range(1, TRIES + 1):
            try:
                result = act()
            except NotReadyError:
                one.breaker.succeeded()
                return None
            except UnavailableError as exc:
                if attempt == TRIES or one.breaker.failures:
                    self._failed(one, str(exc))
                    return None
                continue
            self._succeeded(one)
            return result
        return None

    def _failed(self, one: Attached, why: str) -> None:
        health = self._agent.health[one.probe]
        one.breaker.failed(time.monotonic())
        health.failures, health.message = one.breaker.failures, why
        if one.breaker.is_open and not health.is_left_alone:
            log.warning("probe.silenced", probe=one.probe, why=why)
        health.is_left_alone = one.breaker.is_open

    def _succeeded(self, one: Attached) -> None:
        health = self._agent.health[one.probe]
        one.breaker.succeeded()
        if health.is_left_alone:
            log.info("probe.answered", probe=one.probe)
        health.last_ok_s, health.failures = time.monotonic(), 0
        health.is_left_alone, health.message = False, ""


class OutputOnBus:
    """An output that is switched by its bus's own thread."""

    def __init__(self, sampler: BusSampler, output: Output) -> None:
        self._sampler, self._output = sampler, output

    def switch(self, is_on: bool) -> None:
        """See ``Output``."""
        try:
            self._sampler.ask(lambda: self._output.switch(is_on)).result(SWITCH_S)
        except TimeoutError as exc:
            raise UnavailableError(f"the bus was busy for {SWITCH_S:g} s") from exc


class NmeaSampler:
    """Takes a fix every interval; a fix carries its own time, from the satellites."""

    def __init__(self, agent: Agent, settings: NmeaSettings) -> None:
        self._agent, self._settings = agent, settings
        self._stream = NmeaStream(settings.id)
        self._breaker = Breaker(patience=1, first_s=1.0, cap_s=60.0)
        self._health = agent.health[settings.id] = Health()
        self._doubt = ""

    def run(self, stop: threading.Event) -> None:
        """Take fixes until ``stop`` is set."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except UnavailableError as exc:
                self._breaker.failed(time.monotonic())
                self._health.failures = self._breaker.failures
                self._health.message = str(exc)
                self._health.is_left_alone = self._breaker.failures >= TRIES
                stop.wait(max(0.0, self._breaker.blocked_until_s - time.monotonic()))

    def _follow(self, stop: threading.Event) -> None:
        one = self._settings
        opened = (
            self._stream.tcp(one.host, one.port)
            if one.kind == "tcp"
            else self._stream.serial(one.device, one.baud)
        )
        interval_ms = round(one.interval_s * 1000)
        next_ms = 0
        with opened as lines:
            for fix in self._stream.fixes(lines):
                if stop.is_set():
                    return
                self._met(fix)
                if fix is None:
                    continue
                at = self._agent.timekeeper.met_fix(milliseconds(fix.at))
                is_right = at.quality is ClockQuality.GPS
                self._doubt = (
                    "" if is_right else f"its date cannot be: {fix.at:%Y-%m-%d}"
                )
                if at.ms >= next_ms or next_ms - at.ms > interval_ms:
                    next_ms = next_slot_ms(at.ms, interval_ms) if interval_ms else 0
                    self._take(fix, at)

    def _met(self, fix: Fix | None) -> None:
        self._breaker.succeeded()
        self._health.failures, self._health.is_left_alone = 0, False
        bad = self._stream.bad_lines
        spoilt = f"{bad} spoilt lines" if bad else ""
        self._health.message = self._doubt or spoilt
        if fix is not None:
            self._health.last_ok_s = time.monotonic()

    def _take(self, fix: Fix, at: Instant) -> None:
        values = {
            Channel.LATITUDE: round(fix.latitude, 7),
            Channel.LONGITUDE: round(fix.longitude, 7),
            Channel.SPEED: fix.speed_kn,
            Channel.COURSE: fix.course_deg,
        }
        self._agent.take(
            ProbeId(self._settings.id),
            at,
            {channel: value for channel, value in values.items() if value is not None},
        )
