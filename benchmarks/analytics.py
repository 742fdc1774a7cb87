"""`greenwater bench analytics`: flags in bulk, ten thousand channels at once, state.

    python -m benchmarks.analytics [--readings N] [--channels N]

One core, CPU seconds of this process; a table in Markdown on standard output.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np

from analytics.executing import spare_collector
from analytics.qc.bulk import flag_array, flag_many
from analytics.qc.stream import FlagState
from analytics.runs import Runs
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.quality import Flagged
from greenwater.kernel.reading import MINUTE_MS, Reading, milliseconds
from greenwater.reference.quality import quality_of
from greenwater.storage.registry import Registry, migrate, open_registry
from greenwater.storage.registry.watching import Pass
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Span, Telemetry

NOW = datetime(2026, 6, 2, 5, 0, tzinfo=UTC)
MINUTES = 4
CHANNELS = (
    Channel.TEMPERATURE,
    Channel.DISSOLVED_OXYGEN,
    Channel.OXYGEN_SATURATION,
    Channel.PH,
    Channel.SALINITY,
    Channel.SPECIFIC_CONDUCTIVITY,
    Channel.ORP,
    Channel.TURBIDITY,
)
MIDDLES = dict(zip(CHANNELS, (28, 6, 80, 8, 25, 40, 200, 30), strict=True))


class Took(NamedTuple):
    """What something took."""

    cpu_s: float
    wall_s: float


@contextmanager
def timed(found: list[Took]) -> Iterator[None]:
    """Append what the block took."""
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    found.append(Took(time.process_time() - cpu, time.perf_counter() - wall))


def a_recording(channel: Channel, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a reading a minute: a daily wave, noise, some spikes and bad answers."""
    random = np.random.default_rng(list(CHANNELS).index(channel))
    middle = MIDDLES[channel]
    times = milliseconds(NOW) + np.arange(count, dtype=np.int64) * MINUTE_MS
    wave = np.sin(np.arange(count) / 1440 * 2 * np.pi)
    values = middle * (1 + 0.1 * wave + random.normal(0, 0.003, count))
    values[random.random(count) < 0.001] *= 1.8
    values = np.round(values, 2)
    values[random.random(count) < 0.001] = np.nan
    return times, values


def bulk_rows(count: int) -> Iterator[str]:
    """Yield how fast each channel's full set of tests goes in bulk."""
    for channel in CHANNELS:
        times, values = a_recording(channel, count)
        limits = quality_of(channel, "PNV")
        assert limits is not None
        took: list[Took] = []
        with timed(took):
            flag_array(times, values, limits)
        yield f"| flagged in bulk, {channel} | {count / took[0].cpu_s:,.0f} readings/s | ≥ 500,000 |"


def state_row() -> str:
    """Return the largest state of a channel after months of readings."""
    largest = 0
    for channel in CHANNELS:
        state, limits = FlagState(), quality_of(channel, "PNV")
        assert limits is not None
        times, values = a_recording(channel, 60_000)
        for start in range(0, len(times), 500):
            piece = slice(start, start + 500)
            flag_many(state, times[piece], values[piece], limits)
            largest = max(largest, len(msgspec.json.encode(state)))
    return f"| state of a channel, the largest of {len(CHANNELS)} over six weeks | {largest:,} bytes | ≤ 20,000 |"


class Memory:
    """A telemetry store without a store: what a round put there, and nothing kept."""

    def __init__(self) -> None:
        self.rows: list[Intake] = []
        self.readings: dict[DeviceId, list[Reading]] = {}

    def intake_after(
        self, cursor: Mapping[WorkerId, int], limit: int
    ) -> Sequence[Intake]:
        """Return the rows after the cursor."""
        first = cursor.get(WorkerId("w1"), 0)
        at = max(0, first - self.rows[0].sequence + 1) if self.rows else 0
        return self.rows[at : at + limit]

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return the newest readings of a device."""
        return self.readings.get(spans[0].series.device, []) if spans else []

    def write_flags(self, flags: Sequence[Flagged]) -> None:
        """Forget them."""


class Forgetful:
    """A registry that keeps no pass."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def save_pass(self, done: Pass) -> None:
        """Count what would be kept."""
        self.bytes += sum(map(len, done.states.values()))


class Farm:
    """Many boxes with a probe of eight channels each."""

    def __init__(self, registry: Registry, boxes: int) -> None:
        self.sequence = 0
        self.boxes = [DeviceId(f"box-{n}") for n in range(boxes)]
        registry.add_organisation("hoa", "Hộ Hòa")
        registry.add_site("farm", organisation="hoa", name="Trại Hòa")
        for number, box in enumerate(self.boxes):
            unit = f"ao-{number}"
            registry.add_unit(unit, site="farm", name=unit, species="PNV")
            registry.add_device(box, site="farm", now_ms=0)
            registry.add_probe(box, "p")
            registry.deploy(box, "p", unit=unit, from_ms=0, now_ms=0)

    def round(self, at_ms: int) -> tuple[list[Intake], dict[DeviceId, list[Reading]]]:
        """Return one reading of every channel, a batch a box."""
        random = np.random.default_rng(at_ms)
        readings: dict[DeviceId, list[Reading]] = {}
        rows = []
        for box in self.boxes:
            self.sequence += 1
            readings[box] = [
                Reading(
                    box, ProbeId("p"), channel, at_ms,
                    round(MIDDLES[channel] * random.normal(1, 0.003), 2),
                )
                for channel in CHANNELS
            ]  # fmt: skip
            rows.append(
                Intake(
                    WorkerId("w1"), self.sequence, box, "a", self.sequence, 0,
                    len(CHANNELS), 0, 0, 0, at_ms, at_ms, at_ms + 500,
                )
            )  # fmt: skip
        return rows, readings


def live_rows(channels: int) -> Iterator[str]:
    """Yield what a minute costs in which every channel has one new reading."""
    boxes = channels // len(CHANNELS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        migrate(f"sqlite:///{folder}/registry.db")
        with open_registry(f"sqlite:///{folder}/registry.db") as registry:
            farm = Farm(registry, boxes)
            memory, forgetful = Memory(), Forgetful(registry)
            took = rounds(farm, cast(Telemetry, memory), cast(Any, forgetful), memory)
            store = open_telemetry(f"sqlite:///{folder}/telemetry.db")
            farm.sequence = 0
            both = rounds(farm, store, registry, None)
            store.close()
    what = f"{boxes * len(CHANNELS):,} channels, one new reading each"
    yield f"| {what}: flags, watch, state encoded | {took.cpu_s:.2f} s | ≤ 1 s |"
    yield (
        f"| the same with both SQLite files read and written | {both.wall_s:.2f} s "
        f"({both.cpu_s:.2f} s CPU) | |"
    )
    each = forgetful.bytes / MINUTES / boxes / len(CHANNELS)
    yield f"| all state of a channel, flags and alarms, in the mean | {each:,.0f} bytes | |"


def rounds(
    farm: Farm, store: Telemetry, registry: Registry, memory: Memory | None
) -> Took:
    """Return what the last of some minutes took."""
    took: list[Took] = []
    clock = ManualClock(NOW)
    runs = Runs(registry, store, clock)
    for number in range(MINUTES):
        rows, readings = farm.round(milliseconds(NOW) + number * MINUTE_MS)
        if memory is None:
            store.write([one for some in readings.values() for one in some])
            store.record(rows)
        else:
            memory.rows, memory.readings = rows, readings
        clock.advance(timedelta(milliseconds=MINUTE_MS))
        with timed(took):
            while runs.look():
                pass
    return took[-1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--channels", type=int, default=10_000)
    asked = parser.parse_args()
    print("| what | measured | asked |\n|---|---|---|")
    for row in bulk_rows(asked.readings):
        print(row, flush=True)
    print(state_row(), flush=True)
    spare_collector()
    for row in live_rows(asked.channels):
        print(row, flush=True)


if __name__ == "__main__":
    main()
