"""Once a day: what has passed its retention goes, and intake is kept short.

Raw readings go by ``storage.telemetry.retention``, which keeps their hourly roll-ups;
of intake each worker keeps its latest million rows: months of a large farm, and far
more than the start reads or a reader that is away for a month needs.
"""

import time

import structlog

from greenwater.kernel.channels import Measurement
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, UnavailableError
from greenwater.kernel.ids import WorkerId
from greenwater.kernel.reading import milliseconds
from greenwater.storage.telemetry.ports import Telemetry
from greenwater.storage.telemetry.retention import cut

log = structlog.get_logger()

INTAKE_KEPT = 1_000_000
FIRST_S = 600.0
EVERY_S = 24 * 3600.0
AGAIN_S = 3600.0


class Upkeep:
    """Asked now and then whether something is due; in a thread of its own, because
    deleting takes its time and the writer must not wait for it."""

    def __init__(
        self,
        telemetry: Telemetry,
        worker: WorkerId,
        clock: Clock,
        *,
        intake_kept: int = INTAKE_KEPT,
    ) -> None:
        self._telemetry, self._worker, self._clock = telemetry, worker, clock
        self._intake_kept = intake_kept
        self._due_s = time.monotonic() + FIRST_S

    def look(self) -> None:
        """Do the day's work if a day has passed; an hour later where it failed."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return
        try:
            self.do()
        except (UnavailableError, InputError) as exc:
            log.warning("upkeep.failed", error=str(exc))
            self._due_s = now_s + AGAIN_S
        else:
            self._due_s = now_s + EVERY_S

    def do(self) -> None:
        """Give up what has passed its time.

        Raises:
            UnavailableError: the store did not answer; do it again.
        """
        now_ms = milliseconds(self._clock.now())
        for measurement in Measurement:
            limits = cut(measurement, now_ms)
            self._telemetry.retain(measurement, limits.raw_ms, limits.rollup_ms)
        below = self._telemetry.last_sequence(self._worker) - self._intake_kept
        if below > 0:
            self._telemetry.trim_intake(self._worker, below)
        log.info("upkeep.done")
