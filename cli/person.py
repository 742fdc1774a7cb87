"""`greenwater person …`: who may sign in, and what as."""

import json
import sys
from typing import Annotated

import typer

from cli.options import AsJson
from greenwater.kernel.clock import open_clock
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import milliseconds

app = typer.Typer(no_args_is_help=True, help="People, their roles, PINs and passwords.")

PersonId = Annotated[
    str,
    typer.Argument(
        metavar="PERSON", help="The person's id, such as lan; of a new one your choice."
    ),
]
SecretInput = Annotated[
    bool, typer.Option("--stdin", help="Read the secret from standard input.")
]


@app.command("add")
def add(
    person: PersonId,
    name: Annotated[str, typer.Option(help="As it is shown on pages.")],
    phone: Annotated[str, typer.Option(help="Such as 0901234567.")],
    organisation: Annotated[
        str, typer.Option(help="Where the person belongs: an organisation's id.")
    ],
    role: Annotated[
        str, typer.Option(help="farmer, technician, boat_owner, inspector, officer …")
    ] = "farmer",
    notify: Annotated[
        str, typer.Option(help="An apprise address that alarms are sent to.")
    ] = "",
    place: Annotated[int, typer.Option(help="Who is told first: 0.")] = 0,
    hours: Annotated[
        str, typer.Option(help="Hours of duty in Vietnam, such as 18:00-06:00.")
    ] = "",
) -> None:
    """Add a person to an organisation; set-pin or set-password lets him in."""
    from analytics.alarms.addresses import check_address, parse_hours
    from cli.home import open_home
    from greenwater.storage.registry import open_registry
    from greenwater.storage.registry.people import Role

    duty = parse_hours(hours)
    if notify:
        check_address(notify)
    elif duty is not None:
        raise InputError("--hours says when --notify is used: give both")
    if role not in set(Role):
        raise InputError(f"role {role!r} is not one of {', '.join(Role)}")
    with open_registry(open_home().registry_url) as registry:
        # Before anything is written: a person of nowhere sees nothing and is in the way.
        if organisation not in registry.organisation_names():
            known = ", ".join(registry.organisation_names()) or "none yet"
            raise InputError(
                f"there is no organisation {organisation!r} ({known}): an administrator "
                "adds it on /admin/people; `person first-link` makes the first one"
            )
        registry.add_person(person, name, phone)
        registry.add_member(person, organisation, Role(role))
        subject = f"person={person} organisation={organisation} role={role}"
        now_ms = milliseconds(open_clock().now())
        registry.note("person_add", subject, at_ms=now_ms, session="cli")
        if notify:
            registry.add_contact(organisation, person, notify, place=place, hours=duty)
    typer.echo(f"{person} is {role} of {organisation}")


@app.command("first-link")
def first_link() -> None:
    """Print the link that makes the first administrator; earlier ones end.

    `up` prints it by itself. Where the services run apart, nobody else can begin.
    """
    from cli.first_administrator import first_administrator
    from cli.home import open_home
    from greenwater.storage.registry import open_registry

    home = open_home()
    public_url = home.settings.public_url or "http://127.0.0.1:8000"
    now_ms = milliseconds(open_clock().now())
    with open_registry(home.registry_url) as registry:
        link = first_administrator(registry, public_url.rstrip("/"), now_ms)
    if link is None:
        raise InputError("there is an administrator already. If he forgot his password, "
                         "another one or `person set-password` gives him a new one")  # fmt: skip
    typer.echo(f"Once, within 72 h: {link}")
    if not home.settings.public_url:
        typer.echo(
            "GREENWATER_PUBLIC_URL is not set: put your site's own address in its place",
            err=True,
        )


@app.command("list")
def list_(
    as_json: AsJson = False,
) -> None:
    """List everybody."""
    from cli.home import open_home
    from greenwater.storage.registry import open_registry

    with open_registry(open_home().registry_url) as registry:
        for one in registry.list_people():
            roles = [f"{role} of {where}" for where, role in one.memberships]
            if as_json:
                document = {"id": one.id, "name": one.name, "phone": one.phone}
                typer.echo(json.dumps({**document, "roles": roles}, ensure_ascii=False))
            else:
                typer.echo(
                    f"{one.id}\t{one.name}\t{one.phone or ''}\t{'; '.join(roles)}"
                )


@app.command("set-pin")
def set_pin(person: PersonId, stdin: SecretInput = False) -> None:
    """Give a farmer a PIN of six digits; he is signed out everywhere."""
    _set(person, stdin=stdin, is_pin=True)


@app.command("set-password")
def set_password(person: PersonId, stdin: SecretInput = False) -> None:
    """Give an inspector or officer a password; he is signed out everywhere."""
    _set(person, stdin=stdin, is_pin=False)


def _set(person: str, *, stdin: bool, is_pin: bool) -> None:
    from cli.home import open_home
    from greenwater.storage.registry import open_registry
    from web.door.doors import ON_DUTY
    from web.door.hashing import hash_secret

    what = "PIN" if is_pin else "password"
    secret = (
        sys.stdin.readline().rstrip("\n")
        if stdin
        else typer.prompt(what, hide_input=True, confirmation_prompt=True)
    )
    with open_registry(open_home().registry_url) as registry:
        info = registry.get_person(person)
        roles = {role for _, role in info.memberships}
        if is_pin and roles & ON_DUTY:
            raise InputError(f"{person} is on duty: use set-password, not a PIN")
        about = (info.name, info.phone or "")
        kept = hash_secret(secret, is_pin=is_pin, about=about)
        registry.set_secret(person, kept, is_pin=is_pin)
        now_ms = milliseconds(open_clock().now())
        registry.note("secret_set", f"person={person}", at_ms=now_ms, session="cli")
    typer.echo(f"{person} signs in with the new {what}")
