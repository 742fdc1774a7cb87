"""`greenwater office …`: who decides and checks applications; certificates from before."""

import datetime as dt
import json
from typing import Annotated

import typer

from cli.options import AsJson
from greenwater.kernel.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    help="Certification bodies, communes and authorities; certificates on paper.",
)


@app.command("add")
def add(
    organisation: Annotated[
        str,
        typer.Argument(
            metavar="ORGANISATION", help="An id of your choice, or one that is there."
        ),
    ],
    name: Annotated[str, typer.Option(help="Its official name.")],
    task: Annotated[
        str, typer.Option(help="certify (a body), check (a commune) or decide.")
    ],
    code: Annotated[
        str, typer.Option(help="A body's number, such as VietGAP-TS-13-01.")
    ] = "",
    commune: Annotated[
        str, typer.Option(help="A commune's code of five digits, such as 22561.")
    ] = "",
) -> None:
    """Let an organisation receive applications; `person add` gives it people."""
    from cli.home import open_home
    from greenwater.reference.procedures import Task
    from greenwater.storage.registry import open_registry
    from greenwater.storage.registry.people import OrganisationKind
    from traceability.vietgap.certificates import parse_body_code

    if task not in set(Task):
        raise InputError(f"task {task!r} is not one of {', '.join(Task)}")
    if (task == Task.CERTIFY) != bool(code) or (task == Task.CHECK) != bool(commune):
        raise InputError("a body has a --code, a commune's office its --commune")
    kinds = {
        Task.CERTIFY: OrganisationKind.CERTIFIER,
        Task.CHECK: OrganisationKind.COMMUNE,
        Task.DECIDE: OrganisationKind.AUTHORITY,
    }
    with open_registry(open_home().registry_url) as registry:
        registry.add_organisation(organisation, name, kind=kinds[Task(task)])
        registry.add_office(
            organisation,
            Task(task),
            commune=commune or None,
            code=parse_body_code(code) if code else None,
            raw_code=code or None,
        )
    typer.echo(f"{organisation} will {task}")


@app.command("list")
def list_(
    as_json: AsJson = False,
) -> None:
    """List the offices."""
    from cli.home import open_home
    from greenwater.storage.registry import open_registry

    with open_registry(open_home().registry_url) as registry:
        for one in registry.offices():
            if as_json:
                document = {n: getattr(one, n) for n in one.__struct_fields__}
                typer.echo(json.dumps(document, ensure_ascii=False))
            else:
                where = one.code or one.commune or ""
                typer.echo(f"{one.organisation}\t{one.task}\t{where}\t{one.name}")


@app.command("certificate")
def certificate(
    code: Annotated[str, typer.Argument(help="As it is written on the paper.")],
    office: Annotated[str, typer.Option(help="The body that issued it.")],
    crop: Annotated[str, typer.Option(help="A crop of the site that it certifies.")],
    person: Annotated[
        str, typer.Option(help="The id of the person who has seen the paper.")
    ],
    issued: Annotated[
        dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="The day on the paper.")
    ],
    months: Annotated[int, typer.Option(help="Its validity.")] = 24,
    expected_kg: Annotated[
        float | None, typer.Option(help="The output that it names, if it does.")
    ] = None,
) -> None:
    """Enter a VietGAP certificate that was granted on paper, before or elsewhere."""
    from cli.home import open_home
    from greenwater.kernel.clock import VIETNAM, SystemClock
    from greenwater.kernel.reading import milliseconds
    from greenwater.storage.registry import open_registry
    from traceability.vietgap.paper_certificates import Paper, certificate_on_paper

    paper = Paper(
        code=code,
        office=office,
        crop=crop,
        issued_ms=milliseconds(issued.replace(tzinfo=VIETNAM)),
        months=months,
        expected_kg=expected_kg,
    )
    now_ms = milliseconds(SystemClock().now())
    with open_registry(open_home().registry_url) as registry:
        registry.get_person(person)
        made = certificate_on_paper(registry, paper, person=person, now_ms=now_ms)
        registry.add_certificate(made)
    typer.echo(f"{made.organisation} holds {made.raw_code}")
