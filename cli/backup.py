"""`greenwater backup` and `greenwater restore`: everything, in one file each."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.home import Home, open_home
from greenwater.kernel.clock import open_clock
from greenwater.kernel.errors import ConfigError, InputError, UnavailableError
from greenwater.kernel.reading import instant, milliseconds

if TYPE_CHECKING:
    from greenwater.storage.backup.archive import Archive, Manifest
    from greenwater.storage.backup.making import Platform


class Progress:
    """Says how far a long work is, a few times a second, where a person is looking."""

    def __init__(self) -> None:
        self._is_seen, self._next_s, self._width = sys.stderr.isatty(), 0.0, 0

    def __call__(self, what: str, done: int) -> None:
        """Show the work and how much of it is done."""
        if self._is_seen and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + 0.2
            text = f"{what}: {done:,}"
            typer.echo(f"\r{text:<{self._width}}", nl=False, err=True)
            self._width = len(text)

    def end(self) -> None:
        """Leave an empty line for what is said next."""
        if self._width:
            typer.echo(f"\r{'':<{self._width}}\r", nl=False, err=True)


def backup(
    target: Annotated[
        Path, typer.Argument(help="A new file, or a folder to put a dated one into.")
    ],
) -> None:
    """Write all that the platform keeps into one file, while it runs.

    The file holds keys and passwords: it is ours alone (0600); keep it so.
    """
    from greenwater.storage.backup.making import back_up
    from greenwater.storage.registry import open_registry
    from greenwater.storage.registry.pulses import BACKUP

    home, clock, told = open_home(), open_clock(), Progress()
    if target.is_dir():
        target = target / f"greenwater-{clock.now():%Y%m%dT%H%M%SZ}.zip"
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent}: make it first")
    manifest = back_up(_platform(home), target.absolute(), clock, told)
    told.end()
    size = target.stat().st_size
    typer.echo(f"{target}: {size:,} bytes, checked")
    try:
        with open_registry(home.registry_url) as registry:
            registry.beat(BACKUP, milliseconds(clock.now()), {"bytes": size})
    except UnavailableError as exc:
        typer.echo(f"The site was not told of it: {exc}", err=True)
    _print_counts(manifest)


def restore(
    file: Annotated[Path | None, typer.Argument(help="What backup wrote.")] = None,
    status: Annotated[
        str, typer.Option(help="The list of labels published last: a file or address.")
    ] = "",
    without_status: Annotated[
        bool, typer.Option("--without-status", help="There is no such list any more.")
    ] = False,
    keys: Annotated[
        str, typer.Option(help="The keys published last: a file or address.")
    ] = "",
    roots: Annotated[
        str, typer.Option(help="The ledger's roots published last: a file or address.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the backup is whole.")
    ] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Let labels be issued again, afterwards.")
    ] = False,
) -> None:
    """Make a platform of a backup: empty databases and folder, services stopped.

    What was published of labels since the backup comes from the list that is given with
    --status (docs/backup.md says where to find one). Without it no label is issued until
    an operator has said --confirm.
    """
    if confirm:
        return _confirm()
    if file is None:
        raise InputError("name the backup that is to be restored")
    from greenwater.storage.backup.archive import Archive

    archive, told = Archive(file), Progress()
    archive.verify(told)
    told.end()
    typer.echo(f"{file} is whole: {_of(archive.manifest)}")
    if check:
        return _print_counts(archive.manifest)
    if not status and not without_status:
        raise InputError(
            "give --status, the list of labels that was published last, or labels that "
            "were revoked and lots that were recalled since the backup come back as "
            "good; --without-status if nobody has it"
        )
    _restore(archive, told, status, keys, roots)


def _restore(
    archive: "Archive", told: Progress, status: str, keys: str, roots: str
) -> None:
    from cli.after_restore import Given, said_after
    from greenwater.storage.backup.restoring import restore as put_back

    given = Given.read(status, keys, roots)
    home, now_ms = open_home(may_be_unfinished=True), milliseconds(open_clock().now())
    put_back(
        archive,
        _platform(home),
        lambda registry, manifest: given.amend(registry, manifest, now_ms),
        told,
    )
    told.end()
    typer.echo(f"restored into {home.path}")
    for line in said_after(given):
        typer.echo(line, err=True)


def _confirm() -> None:
    from greenwater.storage.registry import open_registry
    from traceability.label.carried import confirm

    with open_registry(open_home().registry_url) as registry:
        count = confirm(registry, milliseconds(open_clock().now()))
    if not count:
        raise ConfigError(
            "no label waits: this platform was not restored, or is confirmed"
        )
    typer.echo("labels may be issued again")


def _platform(home: Home) -> "Platform":
    from greenwater.storage.backup.making import Platform

    return Platform(
        home=home.path,
        registry_url=home.registry_url,
        telemetry_url=home.telemetry_url,
        settings={
            "public_url": home.settings.public_url,
            "registry": _without_password(home.registry_url),
            "telemetry": _without_password(home.telemetry_url),
        },
    )


def _without_password(url: str) -> str:
    scheme, slashes, rest = url.partition("://")
    return scheme + slashes + rest.rpartition("@")[2].partition("?")[0]


def _of(manifest: "Manifest") -> str:
    began = instant(manifest.began_ms)
    return f"of {began:%Y-%m-%d %H:%M:%S} UTC, by greenwater {manifest.greenwater}"


def _print_counts(manifest: "Manifest") -> None:
    for name, count in manifest.counts.items():
        typer.echo(f"{count:>12,}  {name}")
