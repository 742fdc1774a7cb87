"""`greenwater export`, `quarantine` and `import`: data out, aside, and in by hand."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from cli.home import open_home
from cli.options import AsJson
from cli.times import parse_time
from greenwater.kernel.clock import open_clock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.ids import parse_device
from greenwater.kernel.reading import instant
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry

quarantine = typer.Typer(help="What could not become a reading.", no_args_is_help=True)
imports = typer.Typer(help="Readings from files.", no_args_is_help=True)


def export(
    device: Annotated[str, typer.Option(help="All probes of this device.")] = "",
    unit: Annotated[
        str, typer.Option(help="All probes that hung in this unit, while they did.")
    ] = "",
    start: Annotated[
        str, typer.Option("--from", help="Readings from this instant on.")
    ] = "2000-01-01T00:00:00Z",
    end: Annotated[
        str, typer.Option("--to", help="Readings before this instant.")
    ] = "2100-01-01T00:00:00Z",
    file_format: Annotated[
        str, typer.Option("--format", help="csv, json or parquet.")
    ] = "csv",
    wide: Annotated[
        bool, typer.Option(help="One row an instant, a column a channel.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="A file; standard output by default.")
    ] = None,
) -> None:
    """Write readings to a file, as their probes told them."""
    from greenwater.storage.export import Format, deployed_spans, device_spans
    from greenwater.storage.export import export as write

    if bool(device) == bool(unit):
        raise InputError("give --device or --unit, one of them")
    try:
        chosen = Format(file_format)
    except ValueError as exc:
        raise InputError(
            f"--format {file_format!r} is not csv, json or parquet"
        ) from exc
    start_ms, end_ms = _between(start, end)
    home = open_home()
    telemetry = open_telemetry(home.telemetry_url)
    try:
        if unit:
            with open_registry(home.registry_url) as registry:
                hung = registry.deployments(unit=unit, start_ms=start_ms, end_ms=end_ms)
            spans = deployed_spans(hung, start_ms, end_ms)
        else:
            spans = device_spans(
                telemetry.series(), parse_device(device), start_ms, end_ms
            )
        if not spans:
            raise MissingError(f"there are no readings of {device or unit}")
        if out is None:
            write(telemetry, spans, chosen, sys.stdout.buffer, wide=wide)
            return
        with whole(out) as file:
            count = write(telemetry, spans, chosen, file, wide=wide, progress=_told)
        typer.echo(f"\r{count:,} readings written to {out}", err=True)
    finally:
        telemetry.close()


@contextlib.contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file that bears its name only once all is in it; what was there stays till then.

    A pipe or a device is written to as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _between(start: str, end: str) -> tuple[int, int]:
    start_ms, end_ms = parse_time(start, "--from"), parse_time(end, "--to")
    if start_ms >= end_ms:
        raise InputError(f"--from {start} is not before --to {end}")
    return start_ms, end_ms


def _told(count: int) -> None:
    typer.echo(f"\r{count:,} readings", nl=False, err=True)


@quarantine.command("list")
def list_entries(
    device: Annotated[str, typer.Option(help="Only what this device sent.")] = "",
    kind: Annotated[str, typer.Option(help="Only bytes of this kind.")] = "",
    after: Annotated[int, typer.Option(help="Beyond this id.")] = 0,
    limit: Annotated[int, typer.Option(help="So many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show what rests in quarantine, and why."""
    import msgspec

    with open_registry(open_home().registry_url) as registry:
        entries = registry.list_quarantine(
            device=device or None, kind=kind or None, after=after, limit=limit
        )
    if as_json:
        typer.echo(msgspec.json.encode(entries).decode())
        return
    for one in entries:
        mark = "replayed" if one.replayed_ms else ""
        typer.echo(
            f"{one.id:>8}  {instant(one.received_ms):%Y-%m-%d %H:%M:%S}  {one.device:<24} "
            f"{one.kind:<12} {one.size:>7} B  {one.reason}  {mark}"
        )


@quarantine.command("show")
def show(entry: Annotated[int, typer.Argument(help="Its id, as listed.")]) -> None:
    """Print one entry's bytes."""
    with open_registry(open_home().registry_url) as registry:
        one = registry.get_quarantined(entry)
    typer.echo(f"{one.kind} of {one.device}, {one.reason}", err=True)
    if one.raw is None:
        raise MissingError(
            f"the bytes of {entry} were given up under the device's budget"
        )
    # A terminal would obey what a stranger put in.
    sys.stdout.buffer.write(repr(one.raw).encode() if sys.stdout.isatty() else one.raw)


@quarantine.command("replay")
def replay(
    entries: Annotated[list[int], typer.Argument(help="Ids of entries.")],
) -> None:
    """Take entries in again, after what was wrong has been put right."""
    from cli.gateways import mappings_of
    from ingest.replay import replay_entries
    from ingest.workers import by_hand

    home = open_home()
    mappings = mappings_of(home.path)
    with open_registry(home.registry_url) as registry, by_hand(home.path) as worker:
        telemetry = open_telemetry(home.telemetry_url)
        try:
            for entry, verdict in replay_entries(
                registry,
                telemetry,
                entries,
                open_clock(),
                worker=worker,
                mappings=mappings,
            ):
                typer.echo(f"{entry}: {verdict}")
        finally:
            telemetry.close()


@quarantine.command("expel")
def expel_values() -> None:
    """Take values that no probe can say, of an older release, out of the store into here."""
    from ingest.expelling import expel

    home = open_home()
    with open_registry(home.registry_url) as registry:
        telemetry = open_telemetry(home.telemetry_url)
        try:
            count = expel(registry, telemetry, open_clock())
        finally:
            telemetry.close()
    typer.echo(f"{count} values went into quarantine")


CsvFile = Annotated[Path, typer.Argument(help="A CSV file with these columns.")]


def _import(path: Path, kind: str) -> None:
    from ingest.imports import import_csv
    from ingest.workers import by_hand

    home = open_home()
    with open_registry(home.registry_url) as registry, by_hand(home.path) as worker:
        telemetry = open_telemetry(home.telemetry_url)
        try:
            done = import_csv(
                path, kind, registry, telemetry, open_clock(), worker=worker
            )
        finally:
            telemetry.close()
    typer.echo(
        f"{done.received} read: {done.stored} stored, {done.repeated} there already, "
        f"{done.quarantined} in quarantine, {done.overwritten} replaced another value"
    )


@imports.command("hand")
def hand(path: CsvFile) -> None:
    """Readings of a farmer's own meter: columns time,device,probe,channel,value,unit."""
    _import(path, "hand")


@imports.command("vms")
def vms(path: CsvFile) -> None:
    """Positions of vessel monitoring: columns time,device,latitude,longitude[,speed_kn,course_deg]."""
    _import(path, "vms")
