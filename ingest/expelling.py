"""Values that no probe can say, from before they were refused: out of the store again.

Two of them in one hour have an infinite sum, and an InfluxDB that would have to say so
answers nothing at all. Each goes into quarantine as it stood, then its place in the store
says that the probe answered badly. Nothing is lost, and doing it again changes nothing.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from greenwater.kernel.clock import Clock
from greenwater.kernel.quarantine import Quarantined
from greenwater.kernel.reading import Reading, milliseconds, unsayable
from greenwater.storage.telemetry.ports import Span, Telemetry

KIND: Final = "overwritten"
AT_ONCE: Final = 1_000
BEGINNING_MS: Final = -(2**62)
END_MS: Final = 2**62


class Desk(Protocol):
    """Where they go."""

    def quarantine(self, entries: Sequence[Quarantined]) -> None:
        """Keep entries, each once."""
        ...


def expel(desk: Desk, telemetry: Telemetry, clock: Clock) -> int:
    """Quarantine every such value and take it out of the store; return how many.

    All that is stored is read, a series after the other: it takes its time.

    Raises:
        UnavailableError: the store did not answer; do it again.
    """
    count, found = 0, _beyond(telemetry)
    while some := list(islice(found, AT_ONCE)):
        now_ms = milliseconds(clock.now())
        desk.quarantine([_aside(one, now_ms) for one in some])
        telemetry.replace([replace(one, value=None) for one in some])
        count += len(some)
    return count


def _beyond(telemetry: Telemetry) -> Iterator[Reading]:
    for series in telemetry.series():
        for reading in telemetry.read(Span(series, BEGINNING_MS, END_MS)):
            if reading.value is not None and unsayable(reading.value):
                yield reading


def _aside(one: Reading, now_ms: int) -> Quarantined:
    raw, why = msgspec.json.encode(one), unsayable(one.value or 0.0)
    return Quarantined(one.device, "stored", KIND, raw, why, now_ms)
