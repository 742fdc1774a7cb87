"""Real nights on the stage: probes that hold what two sondes measured, a box each dozen."""

import asyncio
import contextlib
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from firmware_sim.devices.modbus import Bench, serve_tcp
from firmware_sim.devices.probe import VirtualProbe, carrying
from firmware_sim.replay import Recording
from greenwater.kernel.clock import Clock

OXYGEN = "dissolved_oxygen"
STEP_S = 900.0
CALM_ROWS, LOW_ROWS, APART_ROWS = 12, 4, 24
Row = tuple[float, float | None]


def oxygen_of(recording: Path) -> list[Row]:
    """Return the oxygen of a recording: (seconds since 1970, mg/L)."""
    return [(at_s, values[OXYGEN]) for at_s, values in Recording(recording).rows()]


def falls_below(rows: Sequence[Row], limit: float) -> list[int]:
    """Return where oxygen fell below a limit for an hour, after three hours above it."""
    found, last = [], -APART_ROWS
    for at in range(CALM_ROWS, len(rows) - LOW_ROWS):
        value = rows[at][1]
        if value is None or value >= limit:
            continue
        before = [one for _, one in rows[at - CALM_ROWS : at]]
        after = [one for _, one in rows[at : at + LOW_ROWS]]
        is_calm = all(one is not None and one >= limit for one in before)
        is_low = all(one is not None and one < limit for one in after)
        if is_calm and is_low and at - last >= APART_ROWS:
            found.append(at)
        last = at
    return found


class Night:
    """A ``ValueSource``: a stretch of a recording that begins at another instant."""

    def __init__(self, rows: Sequence[Row], fall: int, falls_at_s: float) -> None:
        self._rows = rows
        self._times = [at_s for at_s, _ in rows]
        self._shift_s = rows[fall][0] - falls_at_s

    def values_at(self, t_s: float) -> Mapping[str, float | None]:
        """Return the newest row's value."""
        at = bisect_right(self._times, t_s + self._shift_s) - 1
        return {OXYGEN: self._rows[at][1]}


@contextlib.contextmanager
def serving(nights: Sequence[Night], clock: Clock, port: int) -> Iterator[None]:
    """Serve a night a unit over Modbus TCP, from unit 1 on."""
    probes = [
        VirtualProbe(carrying([OXYGEN]), night, unit=unit)
        for unit, night in enumerate(nights, 1)
    ]
    bench = Bench(probes, now_s=lambda: clock.now().timestamp())
    loop, is_up = asyncio.new_event_loop(), threading.Event()
    servers: list[Callable[[], object]] = []

    async def start() -> None:
        server = await serve_tcp(bench, port=port)
        servers.append(server.shutdown)
        is_up.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=run, name="probes")
    thread.start()
    assert is_up.wait(30), "the probes do not answer"
    try:
        yield
    finally:
        stopping = asyncio.run_coroutine_threadsafe(_stop(servers), loop)
        stopping.result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(servers: Sequence[Callable[[], object]]) -> None:
    for shutdown in servers:
        await shutdown()  # type: ignore[misc]
