"""What `greenwater sim probe` serves."""

import asyncio
import math
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from cli.times import parse_time
from firmware_sim.devices.modbus import Bench, Pty, serve_rtu, serve_tcp, server_port
from firmware_sim.devices.probe import ProbeMap, VirtualProbe, carrying, load_map
from firmware_sim.serve import Ports
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock
from greenwater.kernel.csvrows import rows_of
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import instant

MAX_PORT: Final = 65_535
Port = Annotated[int, msgspec.Meta(ge=1, le=MAX_PORT)]

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


def start_of(text: str, clock: Clock) -> datetime:
    """Return when a scenario begins: an instant with its time zone, or now.

    Raises:
        InputError: it is no instant.
    """
    if not text:
        return clock.now()
    return instant(parse_time(text, "--start"))


def ports_of(path: Path | None, devices: Sequence[str]) -> dict[str, Ports]:
    """Return each device's ports: free ones, or those of a JSON file.

    Raises:
        InputError: the file is no such JSON, or a device is not in it.
    """
    if path is None:
        from cli.processes import free_port

        return {one: Ports(free_port(), free_port()) for one in devices}
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[Port, Port]])
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise InputError(
            f'{path}: {exc}: write {{"DEVICE": [MODBUS PORT, NMEA PORT]}}'
        ) from exc
    missing = [one for one in devices if one not in told]
    if missing:
        raise InputError(f"{path}: the scenario's device {missing[0]} is not in it")
    return {one: Ports(*told[one]) for one in devices}


def passwords_of(path: Path) -> dict[str, str]:
    """Return passwords by device, from what ``device add --csv`` printed.

    Raises:
        InputError: the file cannot be read, or is no such table.
    """
    return {
        row["device"]: row["password"]
        for _, row in rows_of(path, ("device", "password"))
    }


def numbers_of(text: str) -> list[int]:
    """Return ports written with commas.

    Raises:
        InputError: one is no port.
    """
    numbers = [int(one) if one.strip().isdigit() else -1 for one in text.split(",")]
    if not all(0 <= one <= MAX_PORT for one in numbers):
        raise InputError(
            f"--ports {text!r}: write numbers up to {MAX_PORT}, as 5020,5021"
        )
    return numbers


def channels_of(text: str) -> list[str]:
    """Return channels written with commas.

    Raises:
        InputError: one is no channel.
    """
    names = [one.strip() for one in text.split(",")]
    for one in names:
        if one not in set(Channel):
            raise InputError(f"--channels: {one!r} is none of {', '.join(Channel)}")
    return names


def parse_values(texts: Sequence[str], option: str = "--value") -> dict[str, float]:
    """Return ``channel=number`` texts of an option as a mapping.

    Raises:
        InputError: one is not of that form.
    """
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError as exc:
            raise InputError(f"{option} {text!r}: write channel=number") from exc
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
    probe_map, fixed = load_map(name), parse_values(values)
    _refuse_unknown(probe_map, fixed)
    probe = VirtualProbe(probe_map, Sine(probe_map, fixed), unit=unit)
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


def _refuse_unknown(probe_map: ProbeMap, fixed: Mapping[str, float]) -> None:
    known = [value.channel for value in probe_map.values]
    for name in fixed:
        if name not in known:
            raise InputError(
                f"--value {name}: {probe_map.model} has "
                f"{', '.join(known) or 'no channel of its own'}"
            )


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
