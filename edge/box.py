"""The whole box at work: its threads, and what its uplink asks of it.

Threads: one per bus or position stream, local control, the keeper (who owns the outbox),
the uplink; the caller's thread leaves the status file. A thread that dies takes the
process down; whoever supervises it starts it again.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from edge import machine
from edge.agent import Agent
from edge.commands import Commands
from edge.keeper import Keeper
from edge.status import BoxStatus, ProbeStatus, days_left, write_status
from edge.timekeeper import Timekeeper
from edge.uplink import Traffic, Uplink
from greenwater import __version__
from greenwater.kernel.ids import OutboxId
from greenwater.kernel.wire.messages import Command, Status

log = structlog.get_logger()

STATUS_FILE_S: Final = 2.0
RATE_AFTER_S: Final = 10.0

Work = Callable[[threading.Event], None]


class Box:
    """Everything running; see ``edge.bootstrap`` for how it is put together."""

    def __init__(
        self,
        agent: Agent,
        keeper: Keeper,
        *,
        outbox_id: OutboxId,
        outbox_path: Path,
        boot: str,
        is_simulated: bool,
        status_path: Path,
    ) -> None:
        self.agent, self.keeper = agent, keeper
        self._outbox_id, self._outbox_path = outbox_id, outbox_path
        self._boot, self._is_simulated = boot, is_simulated
        self._status_path = status_path
        self._timekeeper: Timekeeper = agent.timekeeper
        self._samplers: list[tuple[str, Work]] = []
        self._uplink: Uplink | None = None
        self._commands: Commands | None = None
        self._died: BaseException | None = None
        self._started_s = time.monotonic()

    def add_sampler(self, name: str, work: Work) -> None:
        """Have an instrument's thread run with the others."""
        self._samplers.append((name, work))

    def connect(self, uplink: Uplink, commands: Commands) -> None:
        """Let the box speak and be spoken to."""
        self._uplink, self._commands = uplink, commands
        self.keeper.outlet = uplink

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; then confirm what was taken, and say goodbye.

        Raises:
            Whatever a thread died of.
        """
        ending, emptied = threading.Event(), threading.Event()
        keeper = self._thread("keeper", self.keeper.run, emptied)
        taking = [self._thread(name, work, ending) for name, work in self._samplers]
        taking.append(self._thread("control", self.agent.control_all, ending))
        if self._uplink is not None:
            uplink = self._thread("uplink", self._uplink.run, ending)
        else:
            uplink = None
        self._write_status()
        while self._died is None and not stop.wait(STATUS_FILE_S):
            self._write_status()
        ending.set()
        if self._uplink is not None:
            self._uplink.wake()
        for thread in taking:
            thread.join()
        emptied.set()  # what the samplers left is confirmed before the end
        self.keeper.ask(lambda: None)
        keeper.join()
        if uplink is not None:
            uplink.join()
        self._write_status()
        if self._died is not None:
            raise self._died

    def _thread(self, name: str, work: Work, end: threading.Event) -> threading.Thread:
        def guarded() -> None:
            try:
                work(end)
            except BaseException as exc:
                self._died = self._died or exc
                log.exception("thread.died", thread=name)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread

    def settle(self, batches: Sequence[int]) -> None:
        """See ``edge.uplink.Host``."""
        self.keeper.settle(batches)

    def want(self, batches: int) -> None:
        """See ``edge.uplink.Host``."""
        self.keeper.want(batches)

    def went_online(self, is_online: bool) -> None:
        """See ``edge.uplink.Host``."""
        self._timekeeper.went_online(is_online)

    def order(self, command: Command) -> None:
        """See ``edge.uplink.Host``."""

        def carry_out() -> None:
            if self._commands is None or self._uplink is None:
                return
            reply = self._commands.carry_out(command)
            if reply is not None:
                self._uplink.reply(reply)

        self.keeper.ask(carry_out)

    def status(self, *, is_online: bool) -> Status:
        """See ``edge.uplink.Host``."""
        return Status(
            online=is_online,
            boot=self._boot,
            version=__version__,
            outbox=self._outbox_id,
            outbox_depth=self.keeper.figures.waiting,
            days_left=self._days_left(),
            clock=self._timekeeper.now().quality,
            at_ms=self._timekeeper.wall_ms(),
            is_simulated=self._is_simulated,
            unhealthy=self._unhealthy(),
        )

    def _unhealthy(self) -> tuple[str, ...]:
        silent = (p for p, health in self.agent.health.items() if health.is_left_alone)
        disk = self.keeper.deeds.disk_error
        return (*silent, *self.agent.faults, *([f"disk: {disk}"] if disk else []))

    def _days_left(self) -> float | None:
        running_s = time.monotonic() - self._started_s
        figures, deeds = self.keeper.figures, self.keeper.deeds
        rate = deeds.written_bytes / running_s if running_s > RATE_AFTER_S else None
        room_bytes = figures.budget_bytes
        free_bytes = machine.disk_free_bytes(self._outbox_path.parent)
        if free_bytes is not None:
            room_bytes = min(room_bytes, figures.used_bytes + free_bytes)
        return days_left(
            waiting_bytes=figures.waiting_bytes, room_bytes=room_bytes, bytes_per_s=rate
        )

    def _write_status(self) -> None:
        with contextlib.suppress(OSError):  # a full disk must not stop the agent
            write_status(self._status_path, self._box_status())

    def _box_status(self) -> BoxStatus:
        figures, deeds = self.keeper.figures, self.keeper.deeds
        traffic = self._uplink.traffic if self._uplink is not None else Traffic()
        jumps = self._timekeeper.jumps
        return BoxStatus(
            device=self.agent.device,
            written_ms=self._timekeeper.wall_ms(),
            version=__version__,
            outbox=self._outbox_id,
            waiting_readings=figures.waiting,
            waiting_bytes=figures.waiting_bytes,
            bytes=figures.used_bytes,
            budget_bytes=figures.budget_bytes,
            days_left=self._days_left(),
            confirmed_readings=figures.confirmed,
            thinned=figures.thinned,
            dropped=deeds.dropped,
            in_memory=deeds.in_memory,
            untimed=self.keeper.untimed,
            slowest_commit_ms=round(deeds.slowest_ms, 1),
            disk_error=deeds.disk_error,
            disk_free_bytes=machine.disk_free_bytes(self._outbox_path.parent),
            is_online=traffic.is_online,
            connection_trouble="" if traffic.is_online else traffic.trouble,
            ack_s_ago=_ago(traffic.last_ack_s),
            in_flight=traffic.in_flight,
            refused=traffic.refused,
            bad_messages=traffic.bad_messages,
            clock=self._timekeeper.now().quality,
            jumps=jumps.count,
            last_jump_s=jumps.last_ms / 1000,
            faults=self.agent.faults,
            probes=tuple(
                ProbeStatus(
                    probe,
                    _ago(health.last_ok_s),
                    health.failures,
                    health.missed,
                    health.is_left_alone,
                    health.message,
                )
                for probe, health in self.agent.health.items()
            ),
        )


def _ago(at_s: float | None) -> float | None:
    return None if at_s is None else round(time.monotonic() - at_s, 1)
