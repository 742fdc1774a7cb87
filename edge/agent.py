"""What the box knows and does between its instruments and its outbox.

Samplers hand over what instruments answered; it becomes readings, the latest values that
local control looks at, and the health that status shows.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from edge.control import Controller
from edge.ports import Output
from edge.timekeeper import Timekeeper
from edge.timing import Instant
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading

log = structlog.get_logger()

CONTROL_S: Final = 1.0
REFRESH_S: Final = 10.0
"""A contactor's controller may have lost power: it is told again that often."""


@dataclass
class Health:
    """What status shows of a probe. Times are monotonic seconds."""

    last_ok_s: float | None = None
    failures: int = 0
    missed: int = 0
    is_left_alone: bool = False
    message: str = ""


@dataclass
class _Switched:
    is_on: bool | None = None
    at_s: float = 0.0


class Agent:
    """Readings in, switches out."""

    def __init__(
        self,
        device: DeviceId,
        timekeeper: Timekeeper,
        take: Callable[[Sequence[Reading]], None],
    ) -> None:
        self.device, self.timekeeper, self._take = device, timekeeper, take
        self.latest: dict[tuple[str, Channel], tuple[int, float | None]] = {}
        self.health: dict[str, Health] = {}
        self.controllers: dict[str, Controller] = {}
        self.outputs: dict[str, Output] = {}
        self.faults: tuple[str, ...] = ()
        self._switched: dict[str, _Switched] = {}

    def take(
        self,
        probe: ProbeId,
        instant: Instant,
        values: Mapping[Channel, float | None],
        *,
        is_compensated: bool | None = None,
    ) -> None:
        """Take what a probe answered at an instant."""
        at_ms = self.timekeeper.steady_ms()
        for channel, value in values.items():
            self.latest[probe, channel] = (at_ms, value)
        self._take(
            [
                Reading(
                    self.device,
                    probe,
                    channel,
                    instant.ms,
                    value,
                    instant.quality,
                    is_compensated if channel is Channel.DISSOLVED_OXYGEN else None,
                )
                for channel, value in values.items()
            ]
        )

    def control_all(self, stop: threading.Event) -> None:
        """Switch outputs as the rules say, once a second; leave all on at the end."""
        while self.controllers and not stop.wait(CONTROL_S):
            now_ms = self.timekeeper.steady_ms()
            faults: list[str] = []
            wanted: dict[str, bool] = {}  # what no rule knows of yet stays as it is
            for controller in self.controllers.values():
                decision = controller.step(now_ms, dict(self.latest))
                faults += decision.faults
                output = controller.rule.output
                if decision.is_on is not None:
                    wanted[output] = wanted.get(output, False) or decision.is_on
            for output, is_on in wanted.items():
                faults += self._switch(output, is_on)
            self._tell(tuple(faults))
        for controller in self.controllers.values():
            self._switch(controller.rule.output, True)

    def _tell(self, faults: tuple[str, ...]) -> None:
        for fault in set(faults) - set(self.faults):
            log.warning("control.faulted", fault=fault)
        self.faults = faults

    def _switch(self, output: str, is_on: bool) -> list[str]:
        before = self._switched.setdefault(output, _Switched())
        now_s = time.monotonic()
        if before.is_on is is_on and now_s - before.at_s < REFRESH_S:
            return []
        try:
            self.outputs[output].switch(is_on)
        except UnavailableError as exc:
            before.is_on = None
            return [f"{output}: {exc}"]
        if before.is_on is not is_on:
            log.info("output.switched", output=output, on=is_on)
        before.is_on, before.at_s = is_on, now_s
        return []
