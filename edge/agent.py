"""What the box does, and when: sample, confirm, hand to the uplink, switch, report.

Samplers (one thread per bus and per position stream) put readings into ``Agent.take``;
the committer, the only one who writes readings to the outbox, confirms them at least
once a second. A full disk keeps them in memory, bounded, and says so.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, Full, Queue

import structlog

from edge.control import Controller
from edge.outbox import KEEP_ACKED_MS, Outbox
from edge.ports import Output
from edge.timing import is_believable, jumped_s, machine_quality, retime
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import ClockQuality, Reading, milliseconds

log = structlog.get_logger()

UNCOMMITTED_KEPT = 200_000
COMMIT_MOST = 20_000
RETIME_AT_ONCE = 5_000
HOUSEKEEPING_S = 600.0


@dataclass
class Health:
    """What status shows of a probe."""

    last_ok_s: float | None = None
    failures: int = 0
    is_left_alone: bool = False
    message: str = ""


@dataclass
class Confirmed:
    """What the committer has done."""

    readings: int = 0
    commits: int = 0
    slowest_ms: float = 0.0
    disk_error: str | None = None
    dropped: int = 0
    jumps: list[float] = field(default_factory=list)


class Agent:
    """Readings in, confirmed readings out."""

    def __init__(
        self,
        *,
        device: DeviceId,
        outbox: Outbox,
        clock: Clock,
        boot: str,
        is_simulated: bool,
        commit_every_s: float,
        on_live: Callable[[int], None],
        on_confirmed: Callable[[Sequence[Reading]], None] = lambda readings: None,
    ) -> None:
        self.device, self._outbox, self._clock = device, outbox, clock
        self._boot, self._is_simulated = boot, is_simulated
        self._commit_every_s = commit_every_s
        self._on_live, self._on_confirmed = on_live, on_confirmed
        self._taken: Queue[tuple[float, list[Reading]]] = Queue(10_000)
        self._lock = threading.Lock()
        self._gps_s: float | None = None
        self._newest_ms = 0
        self._last_clock: tuple[int, float] | None = None
        self._may_have_untimed = True
        self.latest: dict[tuple[str, Channel], tuple[int, float | None]] = {}
        self.health: dict[str, Health] = {}
        self.confirmed = Confirmed()
        self.controllers: dict[str, Controller] = {}
        self.outputs: dict[str, Output] = {}
        self.faults: tuple[str, ...] = ()

    def now_ms(self) -> int:
        """Return the clock's instant."""
        return milliseconds(self._clock.now())

    def clock_quality(self) -> ClockQuality:
        """Return where the time comes from, or UNSYNCED while it cannot be right."""
        if self._is_simulated:
            return ClockQuality.NTP
        if not is_believable(self.now_ms(), self._newest_ms, is_simulated=False):
            return ClockQuality.UNSYNCED
        if self._gps_s is not None and time.monotonic() - self._gps_s < 300:
            return ClockQuality.GPS
        return machine_quality()

    def met_gps_time(self) -> None:
        """Note that a satellite fix agrees with the clock."""
        self._gps_s = time.monotonic()

    def take(self, readings: list[Reading]) -> None:
        """Hand over readings just taken. Waits a moment where the committer is behind."""
        for reading in readings:
            key = (reading.probe, reading.channel)
            self.latest[key] = (reading.taken_ms, reading.value)
        try:
            self._taken.put((time.monotonic(), readings), timeout=5.0)
        except Full:
            self.confirmed.dropped += len(readings)

    def commit_all(self, stop: threading.Event) -> None:
        """Confirm what is taken, until ``stop`` is set and nothing is left."""
        waiting: list[tuple[float, Reading]] = []
        housekeeping_s = time.monotonic()
        while True:
            self._gather(waiting, stop)
            if waiting:
                self._commit(waiting)
            if stop.is_set() and (not waiting or self.confirmed.disk_error):
                return
            self._watch_clock()
            if time.monotonic() - housekeeping_s > HOUSEKEEPING_S:
                housekeeping_s = time.monotonic()
                self._outbox.forget_older(self.now_ms() - KEEP_ACKED_MS)

    def _gather(self, into: list[tuple[float, Reading]], stop: threading.Event) -> None:
        """Collect for one commit; a slow disk makes larger commits, not a longer queue."""
        deadline_s = time.monotonic() + self._commit_every_s
        while len(into) < COMMIT_MOST:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or (stop.is_set() and self._taken.empty()):
                return
            try:
                taken_s, readings = self._taken.get(timeout=min(left_s, 0.1))
            except Empty:
                continue
            into.extend((taken_s, reading) for reading in readings)

    def _commit(self, waiting: list[tuple[float, Reading]]) -> None:
        timed = [r for _, r in waiting if r.clock is not ClockQuality.UNSYNCED]
        untimed = [
            (round(s * 1000), r) for s, r in waiting if r.clock is ClockQuality.UNSYNCED
        ]
        began_s = time.monotonic()
        try:
            if untimed:
                self._may_have_untimed = True
                self._outbox.keep_untimed(self._boot, untimed)
                waiting[:] = [
                    one for one in waiting if one[1].clock is not ClockQuality.UNSYNCED
                ]
            batch = self._outbox.commit(timed, is_live=True) if timed else None
        except UnavailableError as exc:
            self._disk_failed(waiting, str(exc))
            return
        waiting.clear()
        self.confirmed.disk_error = None
        took_ms = (time.monotonic() - began_s) * 1000
        self.confirmed.slowest_ms = max(self.confirmed.slowest_ms, took_ms)
        self.confirmed.commits += 1
        self.confirmed.readings += len(timed)
        if timed:
            self._newest_ms = max(self._newest_ms, max(r.taken_ms for r in timed))
            self._on_confirmed(timed)
        if batch is not None:
            self._on_live(batch)

    def _disk_failed(self, waiting: list[tuple[float, Reading]], why: str) -> None:
        if self.confirmed.disk_error is None:
            log.error("outbox.unwritable", why=why, waiting=len(waiting))
        self.confirmed.disk_error = why
        excess = len(waiting) - UNCOMMITTED_KEPT
        if excess > 0:
            del waiting[:excess]
            self.confirmed.dropped += excess

    def _watch_clock(self) -> None:
        """Notice jumps; time what was taken before the clock was set."""
        now_ms, mono_s = self.now_ms(), time.monotonic()
        if self._last_clock is not None and not self._is_simulated:
            wall_s = (now_ms - self._last_clock[0]) / 1000
            jump_s = jumped_s(wall_s, mono_s - self._last_clock[1])
            if jump_s:
                log.warning("clock.jumped", by_s=round(jump_s, 1))
                self.confirmed.jumps = [*self.confirmed.jumps[-9:], jump_s]
        self._last_clock = (now_ms, mono_s)
        if self._may_have_untimed and self.clock_quality() is not ClockQuality.UNSYNCED:
            self._time_the_untimed(now_ms, mono_s)

    def _time_the_untimed(self, now_ms: int, mono_s: float) -> None:
        try:
            rows = self._outbox.untimed(RETIME_AT_ONCE)
            if not rows:
                self._may_have_untimed = False
                return
            timed = retime(
                rows,
                device=self.device,
                boot=self._boot,
                now_ms=now_ms,
                mono_ms=round(mono_s * 1000),
            )
            self._outbox.commit_timed(rows[-1][0], timed.readings, timed.gaps)
        except UnavailableError as exc:
            log.warning("outbox.unwritable", why=str(exc))
            return
        self._on_confirmed(timed.readings)
        log.info("readings.retimed", count=len(timed.readings), lost=len(timed.gaps))

    def control_all(self, stop: threading.Event) -> None:
        """Switch outputs as the rules say, once a second; leave all on at the end."""
        while not stop.wait(1.0):
            faults: list[str] = []
            for name, controller in self.controllers.items():
                decision = controller.step(self.now_ms(), self.latest)
                faults += decision.faults
                faults += self._switch(controller.rule.output, decision.is_on)
                log.debug(
                    "output.decided", rule=name, on=decision.is_on, why=decision.reason
                )
            self.faults = tuple(faults)
        for controller in self.controllers.values():
            self._switch(controller.rule.output, True)

    def _switch(self, output: str, is_on: bool) -> list[str]:
        try:
            self.outputs[output].switch(is_on)
        except UnavailableError as exc:
            return [f"{output}: {exc}"]
        return []
