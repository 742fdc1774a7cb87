"""`greenwater ledger`: daily signed roots of the trace events, and copies to check elsewhere."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import structlog
import typer

from cli.home import open_home
from greenwater.kernel.clock import Clock, open_clock
from greenwater.kernel.errors import PlatformError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry, open_registry

if TYPE_CHECKING:
    from traceability.proof.keys import Signer

log = structlog.get_logger()
app = typer.Typer(help="The ledger of trace events.", no_args_is_help=True)
EVERY_S: Final = 600.0
"""How often a running site asks whether a day has ended, in seconds of its clock."""


@app.command()
def root() -> None:
    """Sign the ledgers' heads for the last whole day; a running site does it itself."""
    from traceability.ledger.roots import make_root
    from traceability.proof.keys import open_signer

    home, clock = open_home(), open_clock()
    with open_registry(home.registry_url) as registry:
        now_ms = milliseconds(clock.now())
        signer = open_signer(home.path / "keys", registry, now_ms)
        made = make_root(registry, signer, now_ms)
    if made is None:
        typer.echo("that day has its root already")
        return
    typer.echo(f"root of {made.day}, signed by {made.key}")


@app.command()
def export(
    organisation: Annotated[str, typer.Argument(help="Whose ledger.")],
    file: Annotated[Path, typer.Argument(help="Where to, such as ledger.jsonl.")],
) -> None:
    """Write a ledger with all roots to a file that `greenwater verify` checks."""
    from traceability.ledger.roots import export_ledger

    with (
        open_registry(open_home().registry_url) as registry,
        file.open("w", encoding="utf-8") as out,
    ):
        for line in export_ledger(registry, organisation):
            out.write(f"{line}\n")


@contextlib.contextmanager
def daily_roots(
    registry: Registry, signer: "Signer", clock: Clock, stop: threading.Event
) -> Iterator[None]:
    """Sign each day's root while the block runs."""
    over = threading.Event()
    thread = threading.Thread(
        target=_sign_days, args=(registry, signer, clock, over), name="ledger-roots"
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        over.set()
        thread.join()


def _sign_days(
    registry: Registry, signer: "Signer", clock: Clock, over: threading.Event
) -> None:
    from traceability.ledger.roots import make_root

    while True:
        try:
            made = make_root(registry, signer, milliseconds(clock.now()))
        except PlatformError as exc:
            log.error("ledger.root_failed", error=str(exc))
        else:
            if made is not None:
                log.info("ledger.root_signed", day=made.day, key=made.key)
        if over.wait(max(5.0, clock.real_seconds(EVERY_S))):
            return
