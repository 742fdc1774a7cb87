"""`greenwater keys`: the keys that sign labels."""

from typing import Annotated, Any

import msgspec
import typer

from cli.home import open_home
from greenwater.kernel.clock import open_clock
from greenwater.kernel.reading import instant, milliseconds
from greenwater.storage.registry import open_registry
from traceability.proof import keys as signing

app = typer.Typer(help="Keys that sign labels.", no_args_is_help=True)
RESTART = "restart the site: until then it issues no labels"


@app.command("list")
def list_keys(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the JSON Web Key Set.")
    ] = False,
) -> None:
    """Print every key that ever signed, and until when its labels are good."""
    with open_registry(open_home().registry_url) as registry:
        known = registry.signing_keys()
    if as_json:
        document: dict[str, Any] = signing.jwks_document(known)
        typer.echo(msgspec.json.format(msgspec.json.encode(document)).decode())
        return
    for one in known:
        state = "signs"
        if one.revoked_ms is not None:
            state = f"withdrawn {_day(one.revoked_ms)}"
        elif one.until_ms is not None:
            state = f"labels good until {_day(one.until_ms)}"
        typer.echo(f"{one.id}  since {_day(one.from_ms)}  {state}")


@app.command()
def rotate(
    days: Annotated[
        int, typer.Option(help="How long labels of the keys before stay good.")
    ] = signing.KEPT_DAYS,
) -> None:
    """Make a new key and sign with it from the site's next start on."""
    home = open_home()
    with open_registry(home.registry_url) as registry:
        now_ms = milliseconds(open_clock().now())
        made = signing.rotate(home.path / "keys", registry, now_ms, days)
        registry.note("key_rotate", made.kid, at_ms=now_ms, session="cli")
    typer.echo(f"{made.kid} signs from now on; {RESTART}")


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="Its id, as listed.")]) -> None:
    """Withdraw a key that somebody else may have: all labels of it turn red, for ever."""
    home = open_home()
    with open_registry(home.registry_url) as registry:
        now_ms = milliseconds(open_clock().now())
        made = signing.revoke(home.path / "keys", registry, key, now_ms)
        registry.note("key_revoke", key, at_ms=now_ms, session="cli")
    typer.echo(f"{key} is withdrawn")
    if made is not None:
        typer.echo(f"{made.kid} signs from now on; {RESTART}")


def _day(at_ms: int) -> str:
    return instant(at_ms).date().isoformat()
