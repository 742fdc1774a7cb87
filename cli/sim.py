"""`greenwater sim`: virtual probes, recordings, scenarios, fleets."""

import asyncio
import threading
from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson
from greenwater.kernel import logs
from greenwater.kernel.clock import open_clock

Port = Annotated[
    int,
    typer.Option(help="Modbus TCP port; 0 takes a free one.", min=0, max=65_535),
]

app = typer.Typer(
    help="Simulated devices. Everything simulated says so.", no_args_is_help=True
)


@app.command("list")
def list_all() -> None:
    """Show the scenarios that come with the simulator."""
    from firmware_sim.scenarios import list_scenarios, load_scenario

    for name in list_scenarios():
        typer.echo(f"{name:<20} {load_scenario(name).title}")


@app.command()
def replay(
    files: Annotated[
        list[Path], typer.Argument(help="CSV files, .gz too; one probe each.")
    ],
    clock: Annotated[Path, typer.Option(help="The stepped clock to drive.")] = Path(
        "clock"
    ),
    port: Port = 0,
    rows: Annotated[
        int | None, typer.Option(help="Only the first so many of each.")
    ] = None,
    wait: Annotated[
        bool, typer.Option(help="Go on serving when all has been read.")
    ] = False,
) -> None:
    """Serve recordings as probes, in lockstep: a row stands until it has been read.

    Run the rest of the system with GREENWATER_CLOCK=step:CLOCK.
    """
    from cli.supervisor import stop_on_signals
    from firmware_sim.replay import Recording, Replay

    stop = stop_on_signals()
    recordings = [Recording(path, rows=rows) for path in files]
    run = Replay(recordings, clock)
    asyncio.run(_serve_replay(run, port, stop, wait=wait))


async def _serve_replay(
    run: object, port: int, stop: threading.Event, *, wait: bool
) -> None:
    from firmware_sim.devices.modbus import Bench, serve_tcp, server_port
    from firmware_sim.replay import Replay

    assert isinstance(run, Replay)
    bench = Bench(run.probes, now_s=run.now_s, on_read=run.on_read)
    server = await serve_tcp(bench, port=port)
    typer.echo(f"modbus tcp:127.0.0.1:{server_port(server)}")
    for probe in run.probes:
        channels = ", ".join(f'"{value.channel}"' for value in probe.map.values)
        typer.echo(f"unit {probe.unit}: channels = [{channels}]")
    shown = 0
    while not stop.is_set() and not (run.is_done and not wait):
        await asyncio.sleep(0.2)
        if run.served - shown >= 1000:
            shown = run.served
            typer.echo(
                f"\r{run.served:,} rows read, {run.clock.now():%Y-%m-%d %H:%M}",
                nl=False,
                err=True,
            )
    typer.echo(f"\n{run.served:,} rows read", err=True)
    await asyncio.sleep(0.5)
    await server.shutdown()
    if run.error is not None:
        raise run.error


@app.command()
def probe(
    map_file: Annotated[
        str, typer.Option("--map", help="A map's name, or your own .toml.")
    ],
    unit: Annotated[
        int, typer.Option(help="Unit id; 0 takes the map's.", min=0, max=247)
    ] = 0,
    port: Port = 5020,
    pty: Annotated[
        Path | None, typer.Option(help="Serve RTU on a pseudo-terminal linked here.")
    ] = None,
    value: Annotated[
        list[str] | None, typer.Option(help="channel=number; a slow sine else.")
    ] = None,
) -> None:
    """Serve one virtual probe."""
    from cli.sim_probe import serve_one_probe
    from cli.supervisor import stop_on_signals

    logs.configure("sim")
    stop = stop_on_signals()
    asyncio.run(
        serve_one_probe(map_file, unit, port, pty, value or [], open_clock(), stop)
    )


@app.command("run")
def run_scenario(
    scenario: Annotated[
        str, typer.Argument(help="A name of sim list, or your own .toml.")
    ],
    speed: Annotated[float, typer.Option(help="How fast time passes.")] = 1.0,
    ports: Annotated[
        Path | None, typer.Option(help="JSON: device to [modbus port, nmea port].")
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Where what was switched is kept.")
    ] = Path("."),
    start: Annotated[str, typer.Option(help="Begin it then; else now.")] = "",
) -> None:
    """Serve a scenario's instruments: Modbus TCP and NMEA, one pair of ports a device."""
    from cli.sim_probe import ports_of, start_of
    from cli.supervisor import stop_on_signals
    from firmware_sim.run import ScenarioRun
    from firmware_sim.scenarios import load_scenario
    from firmware_sim.serve import serve_scenario
    from greenwater.kernel.clock import ScaledClock

    logs.configure("sim")
    clock = open_clock()
    chosen = load_scenario(scenario)
    if speed != 1.0:
        import time

        clock = ScaledClock(chosen.start, speed, time.time())  # noqa: TID251  (the anchor)
        typer.echo(f"GREENWATER_CLOCK={clock}")
    else:
        chosen = chosen.starting(start_of(start, clock))
    where = ports_of(ports, [one.id for one in chosen.devices])
    folder.mkdir(parents=True, exist_ok=True)
    run = ScenarioRun(chosen, clock, inputs_file=folder / "inputs.jsonl")
    for name, pair in where.items():
        typer.echo(
            f"{name}: modbus tcp:127.0.0.1:{pair.modbus}, nmea 127.0.0.1:{pair.nmea}"
        )
    asyncio.run(serve_scenario(run, clock, where, stop_on_signals()))


@app.command()
def truth(
    scenario: Annotated[
        str, typer.Argument(help="A name of sim list, or your own .toml.")
    ],
    below: Annotated[
        list[str] | None,
        typer.Option(help="channel=number: also when the water truly was below it."),
    ] = None,
) -> None:
    """Print as CSV what was truly so in a scenario: its faults, what each boat did."""
    from cli.sim_probe import parse_values
    from firmware_sim.run import ScenarioRun
    from firmware_sim.scenarios import load_scenario
    from firmware_sim.truth import as_csv
    from greenwater.kernel.clock import ManualClock

    chosen = load_scenario(scenario)
    run = ScenarioRun(chosen, ManualClock(chosen.start))
    found = run.truth()
    for channel, limit in parse_values(below or [], "--below").items():
        found += run.low(channel, limit)
    typer.echo(as_csv(sorted(found)), nl=False)


@app.command("box")
def box(
    device: Annotated[str, typer.Argument(help="One of the scenario's devices.")],
    scenario: Annotated[str, typer.Option(help="A name of sim list, or a .toml.")],
    config: Annotated[Path, typer.Option(help="The box's own edge.toml.")],
    start: Annotated[
        str, typer.Option(help="When the scenario begins; else now.")
    ] = "",
) -> None:
    """Run a box as its scenario treats it: power cuts, no network, a wrong clock."""
    from cli.sim_box import play_box
    from cli.sim_probe import start_of
    from cli.supervisor import stop_on_signals
    from firmware_sim.run import ScenarioRun
    from firmware_sim.scenarios import load_scenario

    logs.configure("sim-box")
    clock = open_clock()
    begins = start_of(start, clock)
    run = ScenarioRun(load_scenario(scenario).starting(begins), clock)
    raise typer.Exit(play_box(run, device, config, clock, stop_on_signals()))


@app.command("fleet")
def fleet(
    devices: Annotated[int, typer.Option(help="How many boxes.")] = 100,
    rate: Annotated[
        float, typer.Option(help="Batches a second, all together; 0: no limit.")
    ] = 100.0,
    duration: Annotated[float, typer.Option(help="Seconds of publishing.")] = 10.0,
    readings: Annotated[int, typer.Option(help="Readings in a batch.")] = 10,
    host: Annotated[str, typer.Option(help="Where the broker is.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port.", min=1, max=65_535)] = 1883,
    prefix: Annotated[
        str, typer.Option(help="Ids are PREFIX-00000 and so on.")
    ] = "sim-fleet",
    passwords: Annotated[
        Path | None, typer.Option(help="What `device add --csv` printed; else none.")
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(help="The authority that signed the broker's certificate: TLS."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish from many simulated boxes straight to MQTT, and count what is acknowledged."""
    import msgspec

    from cli.sim_probe import passwords_of
    from cli.supervisor import stop_on_signals
    from firmware_sim.fleet import FleetPlan, anonymous, run_fleet
    from greenwater.kernel.reading import milliseconds

    credentials = anonymous
    if passwords is not None:
        known = passwords_of(passwords)
        credentials = lambda device: (device, known.get(device, ""))  # noqa: E731
    plan = FleetPlan(
        start_ms=milliseconds(open_clock().now()),
        host=host,
        port=port,
        devices=devices,
        readings=readings,
        rate=rate,
        duration_s=duration,
        prefix=prefix,
        ca_file=ca_file,
        is_tls=ca_file is not None,
    )
    report, _ = run_fleet(plan, credentials=credentials, stop=stop_on_signals())
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
        return
    typer.echo(
        f"{report.connected:,} of {report.devices:,} boxes connected; {report.stored:,} batches "
        f"stored, {report.refused:,} refused, {report.unsettled:,} unsettled"
    )
    typer.echo(
        f"{report.batches_per_s:,.0f} batches/s, {report.readings_per_s:,.0f} readings/s; "
        f"publish to durable ack p50 {report.latency_p50_s * 1000:.0f}, "
        f"p95 {report.latency_p95_s * 1000:.0f}, p99 {report.latency_p99_s * 1000:.0f} ms"
    )
    for error in report.errors:
        typer.echo(error, err=True)


@app.command("bench")
def bench(
    ports: Annotated[
        str, typer.Option(help="Modbus TCP ports, with commas; one probe each.")
    ],
    channels: Annotated[
        str, typer.Option(help="What each probe measures, with commas.")
    ],
) -> None:
    """Serve many plain probes at once, for ledger tests and benchmarks of the edge."""
    from cli.sim_probe import channels_of, numbers_of, serve_many
    from cli.supervisor import stop_on_signals

    logs.configure("sim")
    asyncio.run(
        serve_many(
            numbers_of(ports), channels_of(channels), open_clock(), stop_on_signals()
        )
    )
