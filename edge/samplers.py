"""The threads that read instruments: one per bus, one per position stream."""

import threading
import time
from dataclasses import dataclass, field

import structlog

from edge.agent import Agent, Health
from edge.drivers.nmea import Fix, NmeaStream
from edge.ports import Driver, Sample
from edge.schedule import Breaker, next_slot_ms
from edge.settings import NmeaSettings
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import NotReadyError, UnavailableError
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import ClockQuality, Reading, milliseconds

log = structlog.get_logger()

POLL_S = 0.001


@dataclass
class Attached:
    """A probe on a bus. ``interval_ms`` 0: at every step of the clock."""

    probe: ProbeId
    driver: Driver
    interval_ms: int
    breaker: Breaker = field(default_factory=Breaker)
    due_ms: int = -1


class BusSampler:
    """Reads the probes of one bus when they are due; a silent one delays nobody."""

    def __init__(self, agent: Agent, clock: Clock, attached: list[Attached]) -> None:
        self._agent, self._clock, self._attached = agent, clock, attached
        for one in attached:
            agent.health[one.probe] = Health()

    def run(self, stop: threading.Event) -> None:
        """Sample until ``stop`` is set."""
        while not stop.is_set():
            now_ms = milliseconds(self._clock.now())
            due = [one for one in self._attached if self._is_due(one, now_ms)]
            if due:
                self._sample(due, stop)
                continue
            stop.wait(self._pause_s(now_ms))

    def _is_due(self, one: Attached, now_ms: int) -> bool:
        if one.due_ms < 0 and one.interval_ms:
            one.due_ms = next_slot_ms(now_ms, one.interval_ms)
        if now_ms < one.due_ms or not one.breaker.lets(time.monotonic()):
            return False
        # Slots missed while the bus was busy are missed; they do not bunch.
        one.due_ms = (
            next_slot_ms(now_ms, one.interval_ms) if one.interval_ms else now_ms + 1
        )
        return True

    def _pause_s(self, now_ms: int) -> float:
        ahead_ms = min(one.due_ms for one in self._attached) - now_ms
        if ahead_ms <= 1:
            return POLL_S
        return min(max(self._clock.real_seconds(ahead_ms / 1000), POLL_S), 0.5)

    def _sample(self, due: list[Attached], stop: threading.Event) -> None:
        """Wake all, wait once, read all: warm-ups overlap."""
        awake = [one for one in due if self._tried(one, one.driver.wake)]
        warmup_s = max((one.driver.warmup_s for one in awake), default=0.0)
        if warmup_s and stop.wait(self._clock.real_seconds(warmup_s)):
            return
        for one in awake:
            # The instant before the read begins: in a replay the clock moves on as
            # soon as the last register has been read.
            taken_ms = milliseconds(self._clock.now())
            quality = self._agent.clock_quality()
            sample = self._tried(one, one.driver.read)
            if isinstance(sample, Sample):
                self._agent.take(self._readings(one.probe, taken_ms, sample, quality))

    def _tried(self, one: Attached, act: object) -> object:
        health = self._agent.health[one.probe]
        try:
            result = act()  # type: ignore[operator]
        except NotReadyError:
            one.breaker.succeeded()
            return None
        except UnavailableError as exc:
            one.breaker.failed(time.monotonic())
            health.failures, health.message = one.breaker.failures, str(exc)
            if one.breaker.is_open and not health.is_left_alone:
                log.warning("probe.silent", probe=one.probe, why=str(exc))
            health.is_left_alone = one.breaker.is_open
            return None
        one.breaker.succeeded()
        health.last_ok_s, health.failures = time.monotonic(), 0
        health.is_left_alone, health.message = False, ""
        return True if result is None else result

    def _readings(
        self, probe: ProbeId, taken_ms: int, sample: Sample, quality: ClockQuality
    ) -> list[Reading]:
        return [
            Reading(
                self._agent.device,
                probe,
                channel,
                taken_ms,
                value,
                quality,
                sample.is_compensated if channel is Channel.DISSOLVED_OXYGEN else None,
            )
            for channel, value in sample.values.items()
        ]


class NmeaSampler:
    """Takes a fix every interval; a fix carries its own time, from the satellites."""

    def __init__(self, agent: Agent, clock: Clock, settings: NmeaSettings) -> None:
        self._agent, self._clock, self._settings = agent, clock, settings
        self._stream = NmeaStream(settings.id)
        self._breaker = Breaker(patience=1, first_s=1.0, cap_s=60.0)
        agent.health[settings.id] = Health()

    def run(self, stop: threading.Event) -> None:
        """Take fixes until ``stop`` is set."""
        health = self._agent.health[self._settings.id]
        while not stop.is_set():
            try:
                self._follow(stop, health)
            except UnavailableError as exc:
                self._breaker.failed(time.monotonic())
                health.failures, health.message = self._breaker.failures, str(exc)
                stop.wait(max(0.0, self._breaker.blocked_until_s - time.monotonic()))

    def _follow(self, stop: threading.Event, health: Health) -> None:
        one = self._settings
        opened = (
            self._stream.tcp(one.host, one.port)
            if one.kind == "tcp"
            else self._stream.serial(one.device, one.baud)
        )
        next_ms = 0
        with opened as lines:
            for fix, _ in self._stream.fixes(lines):
                self._breaker.succeeded()
                health.last_ok_s, health.message = time.monotonic(), ""
                fix_ms = milliseconds(fix.at)
                if abs(fix_ms - self._agent.now_ms()) < 2_000:
                    self._agent.met_gps_time()
                if fix_ms >= next_ms:
                    interval_ms = round(one.interval_s * 1000)
                    next_ms = next_slot_ms(fix_ms, interval_ms) if interval_ms else 0
                    self._agent.take(self._readings(fix, fix_ms))
                if stop.is_set():
                    return

    def _readings(self, fix: Fix, taken_ms: int) -> list[Reading]:
        values = {
            Channel.LATITUDE: round(fix.latitude, 7),
            Channel.LONGITUDE: round(fix.longitude, 7),
            Channel.SPEED: fix.speed_kn,
            Channel.COURSE: fix.course_deg,
        }
        return [
            Reading(
                self._agent.device,
                ProbeId(self._settings.id),
                channel,
                taken_ms,
                value,
                ClockQuality.GPS,
            )
            for channel, value in values.items()
            if value is not None
        ]
