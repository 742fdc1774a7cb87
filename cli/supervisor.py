"""Keeps processes running: restarts what dies, with backoff; stops all on one Ctrl-C.

Children live in sessions of their own, so that a Ctrl-C reaches only the supervisor,
and get SIGTERM from the kernel if the supervisor itself is killed.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from greenwater.kernel.errors import PlatformError

log = structlog.get_logger()

FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 30.0
STABLE_S = 60.0
GRACE_S = 10.0
LOOK_S = 10.0
SAID_BYTES = 2_000
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Part:
    """One process of the platform.

    ``is_ready`` answers whether it does its work; parts behind it start only then.
    ``keeps`` parts are restarted when they end; others may finish. ``prepare`` is called
    before every start. ``is_ill`` is asked every ``LOOK_S`` while it runs; a part that is
    ill is ended and started again. At the end parts of a higher ``stage`` end first,
    those of one stage together: who serves others (the broker: 0) ends after them.
    """

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] = lambda: True
    keeps: bool = True
    prepare: Callable[[], object] = lambda: None
    is_ill: Callable[[], bool] = lambda: False
    stage: int = 2


def next_pause_s(pause_s: float, lived_s: float) -> float:
    """Return how long to wait before the restart after the next, in seconds."""
    return FIRST_PAUSE_S if lived_s >= STABLE_S else min(pause_s * 2, MAX_PAUSE_S)


@dataclass
class _Running:
    part: Part
    log: IO[bytes]
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    again_s: float = 0.0
    restarts: int = 0
    look_s: float = 0.0


class Supervisor:
    """Starts parts in order and keeps them running until stopped."""

    def __init__(
        self,
        parts: Sequence[Part],
        logs: Path,
        *,
        grace_s: float = GRACE_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._grace_s, self._look_s = grace_s, look_s
        logs.mkdir(parents=True, exist_ok=True)
        self._running = [
            _Running(part, (logs / f"{part.name}.log").open("ab")) for part in parts
        ]

    def start(self, stop: threading.Event, *, timeout_s: float = 30.0) -> list[str]:
        """Start all in order, each when the one before is ready; return who is not.

        Returns early when ``stop`` is set.
        """
        late = []
        for one in self._running:
            self._spawn(one)
            deadline = time.monotonic() + timeout_s
            while not one.part.is_ready():
                self.tend()
                if time.monotonic() > deadline:
                    late.append(one.part.name)
                    break
                if stop.wait(0.05):
                    return late
        return late

    def run(self, stop: threading.Event) -> None:
        """Tend the parts until ``stop`` is set."""
        while not stop.wait(0.2):
            self.tend()

    def tend(self) -> None:
        """Restart what has died and waited long enough, and what is ill."""
        now_s = time.monotonic()
        for one in self._running:
            self._look_at(one, now_s)
            if one.process is not None and one.process.poll() is not None:
                self._bury(one, now_s)
            if one.process is None and one.part.keeps and 0 < one.again_s <= now_s:
                one.restarts += 1
                self._spawn(one)

    def _look_at(self, one: _Running, now_s: float) -> None:
        if one.process is None or now_s < one.look_s:
            return
        one.look_s = now_s + self._look_s
        if one.part.is_ill():
            log.warning("part.ill", part=one.part.name)
            _end([one], self._grace_s)
            one.again_s = now_s

    def stop(self) -> None:
        """End all, the highest stage first: SIGTERM, ten seconds' grace, SIGKILL.

        Each stage has its grace, and ends before the next is told to.
        """
        for stage in sorted({one.part.stage for one in self._running}, reverse=True):
            ending = [one for one in self._running if one.part.stage == stage]
            _end(ending, self._grace_s)
        for one in self._running:
            one.again_s = 0.0
            one.log.close()

    def pids(self) -> dict[str, int]:
        """Return the process ids of what runs now."""
        return {
            one.part.name: one.process.pid
            for one in self._running
            if one.process is not None
        }

    def _spawn(self, one: _Running) -> None:
        now_s = time.monotonic()
        one.started_s, one.again_s, one.look_s = now_s, 0.0, now_s + self._look_s
        try:
            one.part.prepare()
        except PlatformError as exc:  # it may do its work nevertheless
            log.error("part.unprepared", part=one.part.name, error=str(exc))
        one.process = subprocess.Popen(
            one.part.argv,
            stdin=subprocess.DEVNULL,
            stdout=one.log,
            stderr=one.log,
            env={**os.environ, **one.part.environ},  # noqa: TID251  (children inherit it)
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )

    def _bury(self, one: _Running, now_s: float) -> None:
        code = one.process.returncode if one.process else 0
        one.process = None
        if not one.part.keeps and code == 0:
            return
        lived_s = now_s - one.started_s
        if lived_s >= STABLE_S:
            one.pause_s = FIRST_PAUSE_S
        one.again_s = now_s + one.pause_s
        log.warning(
            "part.died",
            part=one.part.name,
            status=code,
            again_in_s=one.pause_s,
            said=last_line(Path(one.log.name)),
        )
        one.pause_s = next_pause_s(one.pause_s, lived_s)


def last_line(path: Path) -> str:
    """Return the last line of a log, where a part says why it ends; empty: none."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(-min(path.stat().st_size, SAID_BYTES), os.SEEK_END)
        lines = file.read().decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")
    return ""


def _end(running: Sequence[_Running], grace_s: float) -> None:
    """End processes together: SIGTERM, grace, SIGKILL."""
    for one in running:
        if one.process is not None:
            one.process.terminate()
    deadline_s = time.monotonic() + grace_s
    for one in running:
        if one.process is not None:
            try:
                one.process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("part.killed", part=one.part.name)
                one.process.kill()
                one.process.wait()
            one.process = None


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def stop_on_signals() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stop = threading.Event()

    def set_stop(_signal: int, _frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGINT, set_stop)
    signal.signal(signal.SIGTERM, set_stop)
    return stop
