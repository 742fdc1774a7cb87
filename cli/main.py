"""The `greenwater` command: one entry point, exit statuses by error family."""

import contextlib
import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, NoReturn

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
FAILING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""What a disk says that takes nothing more."""
OURS = frozenset(
    {"analytics", "cli", "edge", "firmware_sim", "greenwater", "ingest"}
    | {"traceability", "web"}
)


def build(words: Sequence[str]) -> typer.Typer:
    """Return the application that these words are for.

    Only the command that is asked for is imported: all of them cost two seconds, and a
    gateway has 60 MB for the agent. It has only the edge's packages: where the others
    are not installed, their commands are not listed.

    Raises:
        ModuleNotFoundError: the command's packages are not installed.
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
    if word in COMMANDS:
        _add(app, word, COMMANDS[word])
        return app
    with contextlib.suppress(ModuleNotFoundError):
        for name, place in COMMANDS.items():
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
    """Run the command line; whatever goes wrong is told in a sentence, with its status."""
    words = sys.argv[1:]
    try:
        build(words)()
    except PlatformError as exc:
        _end(str(exc), status_of(exc))
    except OSError as exc:
        _end_for(exc)
    except ModuleNotFoundError as exc:
        _refuse_missing(words, exc)
    except Exception:  # noqa: BLE001  (the last one who can say anything)
        _own_fault()


def _end_for(exc: OSError) -> NoReturn:
    """End for a disk that is full or failing, or a file that somebody named wrongly."""
    where = "" if exc.filename is None else f"{exc.filename}: "
    if exc.errno in FAILING:
        _end(f"{where}{exc.strerror}", os.EX_UNAVAILABLE)
    if exc.filename is None:
        _own_fault()
    _end(f"{where}{exc.strerror}", 2)


def _refuse_missing(words: Sequence[str], exc: ModuleNotFoundError) -> NoReturn:
    """Say which packages a command needs: a gateway has only the agent's."""
    if (exc.name or "").partition(".")[0] in OURS:
        _own_fault()
    word = next(iter(words), "")
    extra = word if word in ("edge", "sim") else "platform,analytics,labels"
    _end(
        f"{word} needs {exc.name}, which is not installed here: "
        f"pip install 'greenwater[{extra}]'",
        os.EX_CONFIG,
    )


def _own_fault() -> NoReturn:
    traceback.print_exc()
    _end("that is our fault: please report it, with the lines above", os.EX_SOFTWARE)


def _end(sentence: str, status: int) -> NoReturn:
    typer.echo(f"greenwater: {sentence}", err=True)
    sys.exit(status)
