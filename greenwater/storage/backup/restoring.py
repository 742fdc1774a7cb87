"""Making a platform of a backup, in empty places, in one step as far as anybody sees.

Everything about the registry is done on a file aside: brought to today's migration, then
amended (``amend``: revocations since, commands to boxes). Readings and files go in
first, the registry last and at once. A mark in the folder says that a restore is under
way; no service starts there until it is finished. Killed anywhere, the same command goes
on; nothing is lost, since the backup is only read.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from greenwater.kernel.errors import ConfigError, UnavailableError
from greenwater.storage.backup import home_part, registry_part, telemetry_part
from greenwater.storage.backup.archive import (
    Archive,
    Manifest,
    Told,
    sync_folder,
    write_durably,
)
from greenwater.storage.backup.making import REGISTRY, TELEMETRY, Platform
from greenwater.storage.backup.mark import UNFINISHED
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.migrating import HEAD
from greenwater.storage.registry.operator_alarms import RESTORED


def restore(
    archive: Archive,
    platform: Platform,
    amend: Callable[[Registry, Manifest], None],
    told: Told,
) -> None:
    """Restore a backup that was verified; done again after a kill, it goes on.

    ``amend`` is given the registry before anybody else sees it.

    Raises:
        ConflictError: something is registered, stored or kept there already.
        ConfigError: a newer Greenwater made the backup, or another restore is unfinished.
        InputError: the backup is damaged.
        UnavailableError: a database does not answer, or the disk is full.
    """
    home = platform.home
    with _explained(home), contextlib.ExitStack() as stack:
        home.mkdir(parents=True, exist_ok=True)
        is_resumed = _is_resumed(archive, platform)
        if is_resumed and _is_registered(platform, archive.manifest):
            return _finish(home)
        readings = stack.enter_context(_aside(_telemetry_aside(platform)))
        registry = stack.enter_context(_aside(_registry_aside(platform)))
        archive.extract(REGISTRY, registry, told)
        _prepare_registry(archive, registry, amend)
        archive.extract(TELEMETRY, readings, told)
        telemetry_part.refuse_newer(readings)
        numbers = telemetry_part.last_sequences(readings)
        if not is_resumed:
            write_durably(home / UNFINISHED, archive.manifest.id + "\n")
        telemetry_part.put_telemetry(readings, platform.telemetry_url, told)
        home_part.put_home(archive, home, told)
        for worker, last in numbers.items():
            home_part.number_ahead(home, worker, last)
        registry_part.put_registry(registry, platform.registry_url, told)
        _finish(home)


def _is_resumed(archive: Archive, platform: Platform) -> bool:
    """Return whether this backup's restore was begun before; else all must be empty."""
    mark = platform.home / UNFINISHED
    known = mark.read_text(encoding="utf-8").strip() if mark.exists() else None
    if known is None:
        registry_part.refuse_used_registry(platform.registry_url)
        telemetry_part.refuse_used_telemetry(platform.telemetry_url)
        home_part.refuse_other_files(archive, platform.home)
        return False
    if known != archive.manifest.id:
        raise ConfigError(
            f"another restore into {platform.home} was not finished: finish that one, or "
            "move the folder away"
        )
    return True


def _is_registered(platform: Platform, manifest: Manifest) -> bool:
    """Return whether the registry was put there already: the kill came after it."""
    path = registry_part.sqlite_path(platform.registry_url)
    if path is not None and not path.exists():
        return False
    with open_registry(platform.registry_url) as registry:
        known = registry.operator_alarms(RESTORED, with_cleared=True)
        return any(one.subject == manifest.id for one in known)


def _registry_aside(platform: Platform) -> Path:
    """Return a place for a file from where it can be renamed into its place."""
    path = registry_part.sqlite_path(platform.registry_url)
    return (platform.home if path is None else path.parent) / ".registry.aside.db"


def _telemetry_aside(platform: Platform) -> Path:
    path = telemetry_part.telemetry_path(platform.telemetry_url)
    return (platform.home if path is None else path.parent) / ".telemetry.aside.db"


@contextlib.contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """Lend a place for a SQLite file; whatever is left there goes."""
    try:
        _drop(path)
        yield path
    finally:
        _drop(path)


def _drop(path: Path) -> None:
    for beside in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + beside).unlink(missing_ok=True)


def _prepare_registry(
    archive: Archive, staged: Path, amend: Callable[[Registry, Manifest], None]
) -> None:
    """Bring the backup's registry to today's migration, and tell it what it missed."""
    found = registry_part.revision_in(staged)
    if found > HEAD:
        raise ConfigError(
            f"the backup's registry is at migration {found}, this Greenwater knows {HEAD}: "
            f"update it (the backup was made by {archive.manifest.greenwater})"
        )
    with open_registry(f"sqlite:///{staged}") as registry:
        amend(registry, archive.manifest)


def _finish(home: Path) -> None:
    (home / UNFINISHED).unlink(missing_ok=True)
    sync_folder(home)


@contextlib.contextmanager
def _explained(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise UnavailableError(
            f"cannot restore into {home}: {exc.strerror or exc}"
        ) from exc
