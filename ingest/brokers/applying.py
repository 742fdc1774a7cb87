"""Giving a broker its files: written whole or not at all, then read anew by the broker."""

import contextlib
import os
import shutil
import signal
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from greenwater.kernel.errors import ConfigError


class Applied(StrEnum):
    """What became of the files."""

    RELOADED = "reloaded"
    WRITTEN = "written"  # the broker does not run; it reads them when it starts


def apply(folder: Path, files: Mapping[str, str], *, program: str, pid: str) -> Applied:
    """Write a broker's files into its folder and tell it, if it runs, to read them.

    ``program`` and ``pid`` are the names of its process and of its pid file in the
    folder: a pid file that a crash left behind may name somebody else's process, which a
    SIGHUP would end.

    Raises:
        ConfigError: a file cannot be written, or the broker is another user's.
    """
    # The configuration last: whatever it names is there.
    for name in sorted(files, key=lambda name: name.endswith(".conf")):
        write_private(folder / name, files[name].encode())
    running = running_pid(folder / pid, program)
    if running is None:
        return Applied.WRITTEN
    try:
        os.kill(running, signal.SIGHUP)
    except ProcessLookupError:
        return Applied.WRITTEN
    except PermissionError as exc:
        raise ConfigError(
            f"{program} (process {running}) runs as another user: run this as that "
            f"user, or send it SIGHUP so that it reads {folder} anew"
        ) from exc
    return Applied.RELOADED


def is_full(store: Path, limit_bytes: int) -> bool:
    """Return whether a broker's store has reached 9/10 of its limit."""
    held = 0
    with contextlib.suppress(FileNotFoundError):  # it is being written to
        for path in store.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                held += path.lstat().st_size
    return held >= limit_bytes * 9 // 10


def drop_full_store(store: Path, limit_bytes: int) -> bool:
    """Delete a broker's store that has reached 9/10 of its limit; return whether it had.

    Only while the broker is down. Nothing is lost: what was not acknowledged by ingest
    is still on the boxes, which send it again.

    Raises:
        ConfigError: it cannot be deleted.
    """
    if not is_full(store, limit_bytes):
        return False
    try:
        shutil.rmtree(store)
    except OSError as exc:
        raise ConfigError(
            f"cannot delete the broker's full store {store}: {exc}"
        ) from exc
    return True


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, in one step; it survives a power cut.

    Where root writes, it belongs to whom its folder belongs to: Debian's Mosquitto gives
    up being root before it reads its passwords.

    Raises:
        ConfigError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if os.geteuid() == 0:
                owner = path.parent.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc}") from exc


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def running_pid(pid_file: Path, program: str) -> int | None:
    """Return the process id in a pid file, if a process of that program bears it."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    # The kernel keeps fifteen letters of a name.
    return pid if name == program[:15] else None
