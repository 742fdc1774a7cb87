"""`greenwater token …`: what programs show instead of a person."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.options import AsJson

app = typer.Typer(no_args_is_help=True, help="Tokens of programs that use the API.")


@app.command("add")
def add(
    organisation: Annotated[str, typer.Argument(help="Whose data it reads or writes.")],
    name: Annotated[str, typer.Option(help="Which program it is for.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="epcis:capture, epcis:query, goods:read, goods:write, records:read, "
            "telemetry:read; may be repeated."
        ),
    ],
    days: Annotated[int, typer.Option(help="How long it is good for.", min=1)] = 90,
    person: Annotated[
        str | None,
        typer.Option(help="Who answers for what it writes; goods:write needs one."),
    ] = None,
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    from cli.home import open_home
    from greenwater.kernel.clock import open_clock
    from greenwater.kernel.reading import milliseconds
    from greenwater.storage.registry import open_registry

    now = open_clock().now()
    secret, id_ = secrets.token_urlsafe(32), secrets.token_hex(6)
    with open_registry(open_home().registry_url) as registry:
        registry.add_api_token(
            id_,
            secret,
            organisation=organisation,
            name=name,
            scopes=frozenset(scope),
            now_ms=milliseconds(now),
            expires_ms=milliseconds(now + timedelta(days=days)),
            made_by=person,
        )
    typer.echo(f"id,token\n{id_},{secret}")


@app.command("list")
def list_(
    organisation: Annotated[str, typer.Argument(help="Whose tokens.")],
    as_json: AsJson = False,
) -> None:
    """List an organisation's tokens, without their secrets."""
    from cli.home import open_home
    from greenwater.storage.registry import open_registry

    with open_registry(open_home().registry_url) as registry:
        found = registry.list_api_tokens(organisation)
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "scopes": sorted(one.scopes),
            "expires": _day(one.expires_ms),
            "revoked": None if one.revoked_ms is None else _day(one.revoked_ms),
            "made_by": one.made_by,
        }
        for one in found
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for one in found:
        state = f"until {_day(one.expires_ms)}"
        if one.revoked_ms is not None:
            state = f"revoked {_day(one.revoked_ms)}"
        typer.echo(f"{one.id}  {one.name}  {' '.join(sorted(one.scopes))}  {state}")


@app.command("revoke")
def revoke(token: Annotated[str, typer.Argument(help="Its id, as listed.")]) -> None:
    """End a token at once."""
    from cli.home import open_home
    from greenwater.kernel.clock import open_clock
    from greenwater.kernel.reading import milliseconds
    from greenwater.storage.registry import open_registry

    with open_registry(open_home().registry_url) as registry:
        registry.revoke_api_token(token, now_ms=milliseconds(open_clock().now()))
    typer.echo(f"{token} is revoked")


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="minutes")
