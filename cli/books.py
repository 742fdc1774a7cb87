"""`greenwater books`: a farm's records from a file, tried before anything is kept."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli.home import open_home
from cli.options import AsJson
from greenwater.kernel.clock import VIETNAM, open_clock
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import instant
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry
from ingest.replay import hand_intake
from traceability.book.books import Books
from traceability.book.importing import Importer, titles_of
from traceability.book.recording import NewRecord
from traceability.book.tables import Trial, decoded
from traceability.book.tables import template as empty

app = typer.Typer(help="A farm's book.", no_args_is_help=True)


@app.command("template")
def template(
    kind: Annotated[str, typer.Argument(help="A kind of record, such as feed_use.")],
    lang: Annotated[str, typer.Option(help="vi or en: how columns are called.")] = "vi",
) -> None:
    """Print an empty file for one kind of record."""
    from web.farm.record_import import title_of
    from web.words import Lang

    chosen = Lang.EN if lang == "en" else Lang.VI
    titles = titles_of(kind, lambda column: title_of(chosen, kind, column))
    typer.echo(empty(titles), nl=False)


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="A CSV file in UTF-8, or an Excel workbook.")
    ],
    person: Annotated[str, typer.Option(help="Whose entries they are.")],
    kind: Annotated[str, typer.Option(help="Where no column says it.")] = "",
    crop: Annotated[str, typer.Option(help="Where no column says it.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and end.")
    ] = False,
    sure: Annotated[bool, typer.Option("--yes", help="Keep without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try a file, say which rows are wrong and why, keep the others once confirmed.

    Exits with 2 where a row is wrong.
    """
    from web.farm.record_import import names_of
    from web.views.formats import typed_number
    from web.words import Lang

    try:
        text = decoded(file.read_bytes())
    except OSError as exc:
        raise InputError(f"{file} cannot be read: {exc.strerror or exc}") from exc
    home, clock = open_home(), open_clock()
    with open_registry(home.registry_url) as registry:
        telemetry = open_telemetry(home.telemetry_url)
        try:
            take_in = hand_intake(home.path, registry, telemetry, clock)
            books = Books(registry, telemetry, clock, take_in)
            seen = registry.visible_to(person)
            importer = Importer(registry, books.recording, seen)
            trial = importer.try_out(
                person,
                text,
                kind=kind,
                crop=crop,
                names=names_of(Lang.VI),
                number=lambda cell: typed_number(Lang.VI, cell),
            )
            _tell(trial, as_json=as_json)
            if not dry_run and trial.rows and (sure or _asked(trial)):
                count = importer.take_in(person, trial)
                typer.echo(f"{count} records kept", err=as_json)
        finally:
            telemetry.close()
    raise typer.Exit(2 if trial.troubles else 0)


def _tell(trial: Trial[NewRecord], *, as_json: bool) -> None:
    if as_json:
        document = {
            "good": len(trial.rows),
            "there": trial.there,
            "troubles": trial.troubles,
            "renamed": trial.renamed,
        }
        typer.echo(msgspec.json.encode(document).decode())
        return
    for one in trial.troubles:
        where = f"row {one.row}" + (f", column {one.column}" if one.column else "")
        said = f": {one.value!r}" if one.value else ""
        typer.echo(f"{where}{said}: {one.reason}")
    for other in trial.renamed:
        typer.echo(f"commune {other.old!r} is {other.new!r} today")
    if trial.rows:
        times = [one.happened_ms for one in trial.rows]
        first, last = (
            instant(one).astimezone(VIETNAM) for one in (min(times), max(times))
        )
        typer.echo(f"from {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    typer.echo(
        f"{len(trial.rows)} rows can be imported, {trial.there} are there already, "
        f"{len(trial.troubles)} are wrong"
    )


def _asked(trial: Trial[NewRecord]) -> bool:
    if not sys.stdin.isatty():
        typer.echo("nothing was kept: say --yes to keep them", err=True)
        return False
    return typer.confirm(f"Keep {len(trial.rows)} records?")
