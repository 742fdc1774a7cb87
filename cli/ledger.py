"""`greenwater ledger`: daily signed roots of the trace events, and copies to check elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from cli.home import open_home
from greenwater.kernel.clock import open_clock
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import open_registry

app = typer.Typer(help="The ledger of trace events.", no_args_is_help=True)


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
