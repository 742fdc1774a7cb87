"""Readings that people typed, taken in as ingest does: compared, in intake, for analytics."""

from collections.abc import Callable, Sequence
from pathlib import Path

from greenwater.kernel.clock import Clock
from greenwater.kernel.reading import Reading
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry.ports import Telemetry
from ingest.replay import take_in_readings
from ingest.workers import by_hand


def hand_intake(
    home: Path, registry: Registry, telemetry: Telemetry, clock: Clock
) -> Callable[[Sequence[Reading]], object]:
    """Return what stores readings under a worker's name of this folder."""

    def take_in(readings: Sequence[Reading]) -> object:
        with by_hand(home) as worker:
            return take_in_readings(readings, registry, telemetry, clock, worker=worker)

    return take_in
