"""The `greenwater` command: one entry point, exit statuses by error family."""

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from greenwater import __version__
from greenwater.kernel.errors import ConfigError, PlatformError, UnavailableError
from greenwater.kernel.errors import InvariantError as Broken

COMMANDS = {
    "edge": "edge:app",
    "sim": "sim:app",
    "device": "device:app",
    "keys": "keys:app",
    "ledger": "ledger:app",
    "person": "person:app",
    "office": "office:app",
    "token": "token:app",
    "bench": "bench:app",
    "books": "books:app",
    "score": "score:app",
    "analytics": "analytics:app",
    "quarantine": "data:quarantine",
    "import": "data:imports",
    "export": "data:export",
    "demo": "platform:demo",
    "up": "platform:up",
    "ingest": "platform:ingest",
    "web": "platform:web",
    "doctor": "platform:doctor",
    "broker-files": "platform:broker_files",
    "verify": "verify:verify",
    "reindex": "reindex:reindex",
    "backup": "backup:backup",
    "restore": "backup:restore",
}
"""Where each command is: a module of ``cli``, a name in it. A gateway has the first."""


def build(words: Sequence[str]) -> typer.Typer:
    """Return the application that these words are for.

    Only the command that is asked for is imported: all of them cost two seconds, and a
    gateway has 60 MB for the agent. It has only the edge's packages: where the others
    are not installed, their commands are not there.
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
    word = next(iter(words), "")
    asked = {word: COMMANDS[word]} if word in COMMANDS else COMMANDS
    with contextlib.suppress(ModuleNotFoundError):
        for name, place in asked.items():
            _add(app, name, place)
    return app


def _add(app: typer.Typer, name: str, place: str) -> None:
    module, attribute = place.split(":")
    found = getattr(importlib.import_module(f"cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name)
    else:
        app.command(name)(found)


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
