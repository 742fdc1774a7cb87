"""One simulated box and what its scenario does to it: the real agent, ill-treated.

The agent runs as a process behind a modem of its own. Without power it is killed, with a
wrong clock it comes up anew, without a network nothing moves on its connection.
"""

import os
import subprocess
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from cli.processes import greenwater
from edge.settings import EdgeSettings
from firmware_sim.modem import FreezingProxy
from firmware_sim.run import Conditions, ScenarioRun
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.clock import Clock, HeldClock, ScaledClock, SystemClock
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.settings import load_toml

log = structlog.get_logger()

TICK_S: Final = 0.05
ENDS_WITHIN_S: Final = 10.0


def play_box(
    run: ScenarioRun, device: str, config: Path, clock: Clock, stop: threading.Event
) -> int:
    """Run a box until stopped, or until it ends by itself; return its exit status.

    Raises:
        ConfigError: the scenario has no such device; its configuration cannot be read;
            the clock is one that no single process can have wrong.
    """
    if device not in {one.id for one in run.scenario.devices}:
        raise ConfigError(f"scenario {run.scenario.name} has no device {device!r}")
    broker = BrokerUrl.parse(load_toml(EdgeSettings, config).broker_url)
    text = config.read_text(encoding="utf-8")
    modem = FreezingProxy(broker.port)
    behind = config.with_name("edge-behind-modem.toml")
    behind.write_text(_through(text, broker, modem.port), encoding="utf-8")
    box = _Box(behind, clock)
    try:
        while not stop.is_set():
            now = run.conditions(device)
            (modem.thaw if now.has_network else modem.freeze)()
            status = box.live(now)
            if status is not None:
                return status
            stop.wait(TICK_S)
        return box.end()
    finally:
        box.cut_power()
        modem.close()


class _Box:
    """The agent's process."""

    def __init__(self, config: Path, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._process: subprocess.Popen[bytes] | None = None
        self._skew_s = 0.0

    def live(self, now: Conditions) -> int | None:
        """Live on under these conditions; return its status if it ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            return self._process.returncode
        is_wrong = now.skew_s != self._skew_s
        if self._process is not None and (is_wrong or not now.is_powered):
            log.info("box.power_cut", skew_s=now.skew_s)
            self.cut_power()
        if self._process is None and now.is_powered:
            self._skew_s = now.skew_s
            words = "edge", "run", "--config", str(self._config)
            self._process = subprocess.Popen(
                greenwater(*words, "--log-level", "warning"),
                env={**_environ(), "GREENWATER_CLOCK": skewed(self._clock, now.skew_s)},
                stdin=subprocess.DEVNULL,
            )
        return None

    def cut_power(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def end(self) -> int:
        """Ask it to end; return its status."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.cut_power()
            return os.EX_SOFTWARE


def skewed(clock: Clock, by_s: float) -> str:
    """Return the setting of a clock that is wrong by so many seconds.

    Raises:
        ConfigError: it is driven by a replay, and is everybody's.
    """
    by = timedelta(seconds=by_s)
    if isinstance(clock, HeldClock):  # a ScaledClock too
        return str(HeldClock(clock.start + by, clock.speed, clock.path))
    if isinstance(clock, ScaledClock):
        return str(ScaledClock(clock.start + by, clock.speed, clock.anchor_s))
    if isinstance(clock, SystemClock):
        if not by_s:
            return "system"
        return str(ScaledClock(clock.now() + by, 1.0, time.time()))  # noqa: TID251  (the anchor)
    raise ConfigError("a stepped clock is everybody's: no box can have it wrong")


def _environ() -> dict[str, str]:
    return dict(os.environ)  # noqa: TID251  (handed on to the agent as it is)


def _through(text: str, broker: BrokerUrl, port: int) -> str:
    """Return a box's configuration with the modem between it and the broker."""
    lines = text.splitlines()
    scheme = "mqtts" if broker.is_tls else "mqtt"
    at = next(i for i, line in enumerate(lines) if line.startswith("broker_url"))
    lines[at] = f'broker_url = "{scheme}://127.0.0.1:{port}"'
    return "\n".join(lines) + "\n"
