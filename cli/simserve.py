"""What `greenwater sim probe` serves."""

import asyncio
import math
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from firmware_sim.devices.modbus import Bench, Pty, serve_rtu, serve_tcp, server_port
from firmware_sim.devices.probe import ProbeMap, VirtualProbe, carrying, load_map
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError

MIDDLE = {
    "temperature": (28.5, 2.0),
    "dissolved_oxygen": (5.5, 1.5),
    "oxygen_saturation": (85.0, 20.0),
    "ph": (8.0, 0.3),
    "salinity": (30.0, 1.0),
    "conductivity": (48.0, 1.0),
    "turbidity": (8.0, 3.0),
    "orp": (220.0, 30.0),
    "current": (4.2, 0.1),
    "contact": (1.0, 0.0),
}


class Sine:
    """Plausible values for any channel: a daily sine, unless told a number."""

    def __init__(self, probe_map: ProbeMap, fixed: Mapping[str, float]) -> None:
        self._channels = [value.channel for value in probe_map.values]
        self._fixed = fixed

    def values_at(self, t_s: float) -> Mapping[str, float | None]:
        """Return one value per channel."""
        phase = math.sin(2 * math.pi * (t_s % 86_400) / 86_400)
        found: dict[str, float | None] = {}
        for channel in self._channels:
            middle, swing = MIDDLE.get(channel, (1.0, 0.2))
            found[channel] = self._fixed.get(channel, middle + swing * phase)
        return found


def parse_values(texts: Sequence[str]) -> dict[str, float]:
    """Return ``channel=number`` texts as a mapping.

    Raises:
        InputError: one is not of that form.
    """
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError as exc:
            raise InputError(f"--value {text!r}: write channel=number") from exc
    return found


async def serve_one_probe(
    name: str,
    unit: int,
    port: int,
    link: Path | None,
    values: Sequence[str],
    clock: Clock,
    stop: threading.Event,
) -> None:
    """Serve a probe until told to stop."""
    probe_map = load_map(name)
    probe = VirtualProbe(probe_map, Sine(probe_map, parse_values(values)), unit=unit)
    bench = Bench([probe], now_s=lambda: clock.now().timestamp())
    if link is None:
        server = await serve_tcp(bench, port=port)
        typer.echo(
            f"{probe_map.model}, unit {probe.unit}, tcp:127.0.0.1:{server_port(server)}"
        )
        await _until(stop)
        await server.shutdown()
        return
    line = Pty(link)
    server = await serve_rtu(bench, line.near)
    typer.echo(f"{probe_map.model}, unit {probe.unit}, rtu:{link}")
    await _until(stop)
    await server.shutdown()
    line.close()


async def serve_many(
    ports: Sequence[int], channels: Sequence[str], clock: Clock, stop: threading.Event
) -> None:
    """Serve one plain probe on each port until told to stop."""
    probe_map = carrying(channels)
    servers = [
        await serve_tcp(
            Bench(
                [VirtualProbe(probe_map, Sine(probe_map, {}), unit=1)],
                now_s=lambda: clock.now().timestamp(),
            ),
            port=port,
        )
        for port in ports
    ]
    typer.echo("ready")
    await _until(stop)
    for server in servers:
        await server.shutdown()


async def _until(stop: threading.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(0.2)
