"""The `greenwater` command: one entry point, exit statuses by error family."""

import os
import sys
from typing import Annotated

import typer

from cli import bench, data, device, edge, platform, sim
from greenwater import __version__
from greenwater.kernel.errors import ConfigError, PlatformError, UnavailableError
from greenwater.kernel.errors import InvariantError as Broken

app = typer.Typer(
    name="greenwater",
    help="Watches the water, follows the boats, and lets anyone who scans a product see "
    "how it was grown or caught.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(edge.app, name="edge")
app.add_typer(sim.app, name="sim")
app.add_typer(device.app, name="device")
app.add_typer(bench.app, name="bench")
app.add_typer(data.quarantine, name="quarantine")
app.add_typer(data.imports, name="import")
app.command("export")(data.export)
for command in (
    platform.demo,
    platform.up,
    platform.ingest,
    platform.web,
    platform.doctor,
):
    app.command()(command)
app.command("broker-files")(platform.broker_files)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    pass


def status_of(error: PlatformError) -> int:
    """Return the exit status of a family: 2 usage, 69, 70 or 78 (sysexits.h)."""
    if isinstance(error, ConfigError):
        return os.EX_CONFIG
    if isinstance(error, UnavailableError):
        return os.EX_UNAVAILABLE
    return os.EX_SOFTWARE if isinstance(error, Broken) else 2


def main() -> None:
    """Run the command line."""
    try:
        app()
    except PlatformError as exc:
        typer.echo(f"greenwater: {exc}", err=True)
        sys.exit(status_of(exc))
