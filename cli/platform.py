"""`greenwater up`, `demo`, the services one by one, `doctor`, `broker-files`."""

from pathlib import Path
from typing import Annotated

import typer

from greenwater.kernel import logs
from greenwater.kernel.clock import open_clock
from greenwater.kernel.settings import load
from greenwater.storage.backup.mark import refuse_unfinished

Port = Annotated[int, typer.Option(help="The page's port.", min=1, max=65_535)]
Host = Annotated[
    str, typer.Option(help="Where it listens; 0.0.0.0: for other machines too.")
]


def ingest() -> None:
    """Run ingest: MQTT to the telemetry store."""
    from msgspec.structs import replace as changed

    from cli.gateways import profiles_of
    from cli.supervisor import stop_on_signals
    from ingest.bootstrap import run_ingest
    from ingest.settings import IngestSettings

    settings = load(IngestSettings, prefix="GREENWATER_INGEST_")
    logs.configure("ingest", level=settings.log_level)
    refuse_unfinished(settings.home)
    heard = {*settings.mapping_profiles, *profiles_of(settings.home)}
    settings = changed(settings, mapping_profiles=tuple(sorted(heard)))
    run_ingest(settings, open_clock(), stop_on_signals())


def web(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    certificate: Annotated[
        Path | None, typer.Option(help="Certificate and key in one PEM file: TLS.")
    ] = None,
) -> None:
    """Run the site."""
    from cli.home import open_home
    from cli.site import run_site
    from cli.supervisor import stop_on_signals
    from web.settings import WebSettings

    home, stop = open_home(), stop_on_signals()
    settings = load(WebSettings, prefix="GREENWATER_WEB_")
    logs.configure("web", level=home.settings.log_level)
    run_site(
        home,
        settings,
        open_clock(),
        stop,
        host=host,
        port=port,
        certificate=certificate,
    )


Lan = Annotated[bool, typer.Option("--lan", help="Let other machines open the page.")]


def up(
    port: Port = 8000,
    lan: Lan = False,
    broker_port: Annotated[
        int, typer.Option(help="The embedded broker's port.", min=1, max=65_535)
    ] = 1883,
    broker_host: Annotated[
        list[str] | None,
        typer.Option(help="Names or addresses boxes know it by; turns TLS on."),
    ] = None,
) -> None:
    """Keep the platform running, with a broker of its own and files unless URLs say otherwise."""
    from cli.home import open_home
    from cli.supervisor import stop_on_signals
    from cli.up import run_platform

    logs.configure("up")
    run_platform(
        open_home(),
        stop_on_signals(),
        page_port=port,
        page_host="0.0.0.0" if lan else "127.0.0.1",
        broker_port=broker_port,
        broker_hosts=tuple(broker_host or ()),
    )


def demo(
    speed: Annotated[float, typer.Option(help="How fast time passes.")] = 60.0,
    port: Port = 8000,
    lan: Lan = False,
    once: Annotated[
        bool, typer.Option("--once", help="Run a short simulated day, check it, end.")
    ] = False,
    scenario: Annotated[str, typer.Option(help="What happens; see sim list.")] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Kept there; else a new one.")
    ] = None,
) -> None:
    """Run the whole system on this machine: simulated farms, boxes, broker, stores, page."""
    from cli.home import check_new

    check_new(folder)
    from cli.demo.running import run_demo
    from cli.supervisor import stop_on_signals

    logs.configure("demo", level="warning")
    status = run_demo(
        stop_on_signals(),
        speed=speed,
        page_port=port,
        page_host="0.0.0.0" if lan else "127.0.0.1",
        once=once,
        scenario=scenario,
        folder=folder,
    )
    raise typer.Exit(status)


def doctor() -> None:
    """Say what is configured, what is reachable, what is wrong."""
    from cli.doctor import examine
    from cli.home import open_home

    raise typer.Exit(examine(open_home()))


def broker_files(
    folder: Annotated[
        Path | None, typer.Argument(help="Where they are written; else as last time.")
    ] = None,
    service_port: Annotated[
        int, typer.Option(help="For ingest, on loopback only.", min=1, max=65_535)
    ] = 1883,
    device_port: Annotated[
        int, typer.Option(help="For boxes.", min=1, max=65_535)
    ] = 8883,
    device_host: Annotated[
        str, typer.Option(help="The address at which boxes reach it.")
    ] = "0.0.0.0",
    host: Annotated[
        list[str] | None, typer.Option(help="Names in the certificate.")
    ] = None,
) -> None:
    """Write Mosquitto's configuration, passwords and permissions; reload it if it runs.

    Without a folder all is as it was told the last time.
    """
    from cli.home import MosquittoPlan, open_home, write_mosquitto
    from greenwater.kernel.broker_url import LOOPBACK
    from greenwater.kernel.errors import ConfigError
    from greenwater.storage.registry import open_registry

    home = open_home()
    if folder is None:
        plan = home.mosquitto()
        if plan is None:
            raise ConfigError("name the folder and --host: no files were written yet")
    else:
        plan = MosquittoPlan(
            folder=folder.absolute(),
            service_port=service_port,
            device_port=device_port,
            device_host=device_host,
            hosts=tuple(host or ()),
        )
    if plan.device_host not in LOOPBACK and not plan.hosts:
        raise ConfigError(
            f"devices would reach {plan.device_host} in plain text: give --host, the names "
            "that boxes know this machine by, and the listener gets a certificate"
        )
    with open_registry(home.registry_url) as registry:
        path, done = write_mosquitto(home, registry, plan)
    home.keep_mosquitto(plan)
    if done == "reloaded":
        typer.echo(f"{path} written, and read by the Mosquitto that runs from it")
    else:
        typer.echo(f"{path} written; start mosquitto -c {path}")
