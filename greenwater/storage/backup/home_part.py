"""The platform's folder in a backup: keys, photos, certificates, numbers of workers.

Left out is what is kept elsewhere in the backup, comes by itself again (logs, the
embedded broker's store, learnt models), or must never be copied: a box's outbox. All
else is in it, so that a new kind of file is backed up before anybody thinks of it.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from greenwater.kernel.errors import ConflictError, InputError
from greenwater.kernel.ids import WorkerId
from greenwater.storage.backup.archive import Archive, Told, Writer, write_durably
from greenwater.storage.backup.mark import UNFINISHED

PREFIX: Final = "home/"
LEFT_FOLDERS: Final = frozenset({"logs", "broker", "models"})
LEFT_ENDINGS: Final = (
    ".db", ".db-wal", ".db-shm", ".db-journal", ".restoring", ".partial", ".zip",
)  # fmt: skip
AHEAD: Final = 1_000_000
"""How far a restored worker's numbers jump: readers may have met some that are lost."""


def files_of(home: Path) -> Iterator[Path]:
    """Yield the files of the folder that belong into a backup, in order of their names."""
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        if path.is_symlink() or not path.is_file() or inside.parts[0] in LEFT_FOLDERS:
            continue
        if path.name.endswith(LEFT_ENDINGS) or path.name == UNFINISHED:
            continue
        yield path


def save_home(home: Path, archive: Writer) -> int:
    """Add the folder's files; return how many. One that goes meanwhile is not there."""
    count = 0
    for path in files_of(home):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue
        with file:
            name = PREFIX + path.relative_to(home).as_posix()
            archive.add(name, file, path.stat().st_mode & 0o777)
        count += 1
    return count


def places(archive: Archive, home: Path) -> dict[str, Path]:
    """Return where each file of a backup belongs, by the name of its part.

    Raises:
        InputError: one would lie outside the folder.
    """
    found = {}
    for part in archive.manifest.parts:
        if not part.name.startswith(PREFIX):
            continue
        inside = PurePosixPath(part.name.removeprefix(PREFIX))
        if inside.is_absolute() or ".." in inside.parts or not inside.parts:
            raise InputError(f"{archive.path}: {part.name} leads out of the folder")
        found[part.name] = home / inside
    return found


def refuse_other_files(archive: Archive, home: Path) -> None:
    """Say so if a file that a restore would write is there with other content.

    Raises:
        ConflictError: it is; keys are never overwritten.
    """
    for name, path in places(archive, home).items():
        part = archive.find(name)
        if path.exists() and part is not None and not _is_same(path, part.sha256):
            raise ConflictError(
                f"{path} is there and is another one: move {home} away, or set "
                "GREENWATER_HOME to a new folder, then restore"
            )


def _is_same(path: Path, sha256: str) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def put_home(archive: Archive, home: Path, told: Told) -> int:
    """Put a backup's files into the folder; return how many."""
    found = places(archive, home)
    for name, path in found.items():
        archive.extract(name, path, told)
    return len(found)


def number_ahead(home: Path, worker: WorkerId, last: int) -> None:
    """Have a worker number on far behind whatever a reader of intake may have met."""
    stem = worker if worker.startswith("by-hand") else f"ingest-{worker}"
    path = home / f"{stem}.lock"
    try:
        known = int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        known = 0
    write_durably(path, f"{max(known, last) + AHEAD:020d}\n")
