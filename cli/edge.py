"""`greenwater edge`: the agent on a box, and the installer's tools."""

import json
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli.options import AsJson
from edge.bootstrap import open_box
from edge.settings import EdgeSettings
from edge.status import BoxStatus, read_status
from greenwater.kernel import logs
from greenwater.kernel.clock import SystemClock, open_clock
from greenwater.kernel.errors import ConfigError, InputError
from greenwater.kernel.settings import load_toml

app = typer.Typer(help="The agent on a farm or vessel box.", no_args_is_help=True)
ConfigFile = Annotated[Path, typer.Option("--config", help="The box's TOML file.")]
EDGE_TOML = Path("edge.toml")
OLD_S = 15.0
"""The agent writes its status every two seconds."""


@app.command()
def run(
    config: ConfigFile = EDGE_TOML,
    log_level: Annotated[
        str, typer.Option(help="debug, info, warning or error.")
    ] = "info",
) -> None:
    """Sample, confirm, send; until told to stop."""
    from cli.supervisor import stop_on_signals

    logs.configure("edge", level=log_level)
    settings = load_toml(EdgeSettings, config)
    with open_box(settings, open_clock()) as box:
        box.run(stop_on_signals())


@app.command("check-config")
def check_config(config: ConfigFile = EDGE_TOML) -> None:
    """Print what is configured, or what is wrong with it (exit 78).

    Files that it names are looked for too, and only told of: this may not be the box.
    """
    from edge.bootstrap import check, check_files

    settings = load_toml(EdgeSettings, config)
    check(settings)
    try:
        check_files(settings)
    except ConfigError as exc:
        typer.echo(f"on this machine: {exc}", err=True)
    typer.echo(
        msgspec.json.format(msgspec.json.encode(settings, enc_hook=str)).decode()
    )


@app.command()
def status(
    config: ConfigFile = EDGE_TOML,
    as_json: AsJson = False,
) -> None:
    """Show outbox depth, days of disk left, last ack, clock, each probe's health."""
    settings = load_toml(EdgeSettings, config)
    box = read_status(settings.status_path)
    if as_json:
        typer.echo(msgspec.json.encode(box).decode())
        return
    # By the machine's own clock on both sides: the box's may be a simulated one.
    age_s = SystemClock().now().timestamp() - settings.status_path.stat().st_mtime
    for line in (*old_lines(age_s), *status_lines(box)):
        typer.echo(line)


def old_lines(age_s: float) -> list[str]:
    """Return what is said of a status that nobody has renewed for so long (s)."""
    if abs(age_s) <= OLD_S:
        return []
    return [
        f"OLD       written {age_s:.0f} s ago: the agent does not run, or cannot write "
        "here (a full disk, one that is read-only)"
    ]


def status_lines(box: BoxStatus) -> list[str]:
    """Return what people read of a box's status."""
    age = "never" if box.ack_s_ago is None else f"{box.ack_s_ago:.0f} s ago"
    days = "enough" if box.days_left is None else f"{box.days_left:g} days"
    lines = [
        f"{box.device}  Greenwater {box.version}  {'online' if box.is_online else 'OFFLINE'}",
        f"outbox    {box.waiting_readings:,} readings wait ({box.waiting_bytes / 1e6:.1f} MB"
        f" of {box.budget_bytes / 1e6:.0f} MB), room for {days} offline",
        f"last ack  {age}, {box.in_flight} batches under way, {box.refused} refused",
        f"clock     {box.clock}"
        + (
            f", jumped {box.jumps} times, last by {box.last_jump_s:g} s"
            if box.jumps
            else ""
        ),
        f"commits   {box.confirmed_readings:,} readings, slowest {box.slowest_commit_ms:g} ms",
    ]
    if box.connection_trouble:
        lines.insert(1, f"uplink    {box.connection_trouble}")
    if box.disk_error:
        lines.append(f"DISK      {box.disk_error}")
    lines += [f"FAULT     {fault}" for fault in box.faults]
    for probe in box.probes:
        ok = "never" if probe.ok_s_ago is None else f"{probe.ok_s_ago:.0f} s ago"
        state = f"left alone: {probe.message}" if probe.is_left_alone else probe.message
        lines.append(f"probe     {probe.probe:<20} answered {ok}  {state}")
    return lines


@app.command()
def outbox(config: ConfigFile = EDGE_TOML) -> None:
    """Show what the outbox file itself holds (works while the agent runs)."""
    from edge.pack_table import inspect

    settings = load_toml(EdgeSettings, config)
    if not settings.outbox.exists():
        typer.echo(f"{settings.outbox} is not there: has the agent run?")
        raise typer.Exit(2)
    for kept in inspect(settings.outbox):
        typer.echo(
            f"{kept.rank.name.lower():<9} {'stored' if kept.is_acked else 'waiting':<8} "
            f"{kept.batches:>9,} batches {kept.readings:>11,} readings "
            f"{kept.bytes / 1e6:>8.1f} MB"
        )


BusOption = Annotated[
    str, typer.Option("--bus", help="tcp:HOST:PORT or rtu:/dev/ttyUSB0[:BAUD[:N|E|O]]")
]

Timeout = Annotated[
    float,
    typer.Option(help="How long to wait for an answer, in seconds.", min=0.01, max=30),
]

ProfileArgument = Annotated[
    str, typer.Argument(help="A probe's profile by its name, or your own .toml.")
]


@app.command()
def scan(
    bus: BusOption,
    first: Annotated[
        int, typer.Option(help="The first unit id to ask.", min=1, max=247)
    ] = 1,
    last: Annotated[int, typer.Option(help="The last one.", min=1, max=247)] = 247,
    timeout_s: Annotated[
        float,
        typer.Option(help="How long to wait for each, in seconds.", min=0.01, max=30),
    ] = 0.2,
    as_json: AsJson = False,
) -> None:
    """Say who is on the bus."""
    from edge.tools import open_bus, scan_bus

    if first > last:
        raise InputError(f"--first {first} is beyond --last {last}")
    found = []
    with (
        open_bus(bus, timeout_s) as line,
        typer.progressbar(range(first, last + 1), label="units", file=None) as units,
    ):
        for unit in units:
            who = scan_bus(line, unit)
            if who is not None:
                found.append(who)
    if as_json:
        typer.echo(json.dumps([one._asdict() for one in found]))
        return
    for one in found:
        typer.echo(f"unit {one.unit:>3}  {', '.join(one.profiles) or 'unknown model'}")
    if not found:
        typer.echo(
            "nobody answers: check power, wiring (A/B swapped?), baud and parity"
        )


@app.command("try")
def try_profile(
    profile: ProfileArgument,
    bus: BusOption,
    unit: Annotated[int, typer.Option(help="The probe's unit id.", min=1, max=247)] = 1,
    timeout_s: Timeout = 1.0,
) -> None:
    """Show raw registers beside decoded values, in every byte order."""
    from edge.drivers.profile import load_profile
    from edge.tools import open_bus, try_registers

    chosen = load_profile(profile)
    with open_bus(bus, timeout_s) as line:
        if chosen.wake is not None:
            line.write(unit, chosen.wake.address, chosen.wake.values or (0,))
            typer.echo(f"woken; waiting {chosen.warmup_s:g} s")
            time.sleep(chosen.warmup_s)  # noqa: TID251  (a person waits here)
        for row in try_registers(line, unit, chosen):
            typer.echo(
                f"{row.channel:<22} {row.address:#06x}  {row.raw:<18} → {row.value}"
                + (f"   other orders: {row.others}" if row.others else "")
            )


@app.command("set-address")
def set_address(
    profile: ProfileArgument,
    bus: BusOption,
    new: Annotated[int, typer.Option(help="The unit id to give.", min=1, max=247)],
    old: Annotated[int, typer.Option(help="Its present unit id.", min=1, max=247)] = 1,
    count: Annotated[
        int, typer.Option(help="How many, one after another.", min=1, max=247)
    ] = 1,
    timeout_s: Timeout = 0.5,
) -> None:
    """Give probes their unit ids; with --count, plug in one after another."""
    from edge.drivers.profile import load_profile
    from edge.tools import change_address, open_bus

    chosen = load_profile(profile)
    with open_bus(bus, timeout_s) as line:
        for number in range(new, new + count):
            if count > 1:
                typer.prompt(
                    f"plug in the probe that becomes {number}, then Enter",
                    "",
                    show_default=False,
                )
            change_address(line, chosen, old, number)
            typer.echo(f"unit {old} is now {number}")
