"""The `greenwater` command: one entry point, exit statuses by error family."""

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cli import edge
from greenwater import __version__
from greenwater.kernel.errors import ConfigError, PlatformError, UnavailableError
from greenwater.kernel.errors import InvariantError as Broken

EDGE_ONLY = "edge"


def build(words: Sequence[str]) -> typer.Typer:
    """Return the application that these words are for.

    A gateway has only the edge's packages, and 60 MB for the agent: `greenwater edge …`
    imports nothing of the platform, and where that is not installed the other commands
    are not there.
    """
    app = typer.Typer(
        name="greenwater",
        help="Watches the water, follows the boats, and lets anyone who scans a product "
        "see how it was grown or caught.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    app.add_typer(edge.app, name=EDGE_ONLY)
    if list(words[:1]) != [EDGE_ONLY]:
        with contextlib.suppress(ModuleNotFoundError):
            _add_platform(app)
    return app


def _add_platform(app: typer.Typer) -> None:
    from cli import (
        analytics,
        backup,
        bench,
        books,
        data,
        device,
        keys,
        ledger,
        office,
        person,
        platform,
        reindex,
        score,
        sim,
        token,
        verify,
    )

    app.add_typer(sim.app, name="sim")
    app.add_typer(device.app, name="device")
    app.add_typer(keys.app, name="keys")
    app.add_typer(ledger.app, name="ledger")
    app.add_typer(person.app, name="person")
    app.add_typer(office.app, name="office")
    app.add_typer(token.app, name="token")
    app.add_typer(bench.app, name="bench")
    app.add_typer(books.app, name="books")
    app.add_typer(score.app, name="score")
    app.add_typer(analytics.app, name="analytics")
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
    app.command("verify")(verify.verify)
    app.command("reindex")(reindex.reindex)
    app.command("backup")(backup.backup)
    app.command("restore")(backup.restore)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


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
        build(sys.argv[1:])()
    except PlatformError as exc:
        typer.echo(f"greenwater: {exc}", err=True)
        sys.exit(status_of(exc))
