"""A backup is one ZIP file: parts, and a manifest that says what each of them must be.

ZIP, because its directory lies at the end: a file that was cut short does not open at
all. It is written beside its place and renamed when it is whole and was read back.
"""

import contextlib
import fcntl
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import Struct

from greenwater.kernel.errors import ConflictError, InputError, UnavailableError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
PARTIAL: Final = ".greenwater-backup.partial"
_PIECE: Final = 1 << 20
_LEVEL: Final = 3
_MAX_MANIFEST: Final = 256 * 2**20

Told = Callable[[str, int], None]
"""Is told how far it is: which work, and how many bytes, pages or rows are done."""


class Part(Struct, frozen=True):
    """One file in a backup."""

    name: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup holds. What was acknowledged before ``began_ms`` is all in it.

    ``revision`` is the registry's migration. URLs are without passwords.
    """

    format: int
    id: str
    greenwater: str
    began_ms: int
    ended_ms: int
    revision: str
    settings: dict[str, str]
    counts: dict[str, int]
    parts: tuple[Part, ...]


class Writer:
    """Adds parts to a backup."""

    def __init__(self, file: zipfile.ZipFile, told: Told) -> None:
        self._zip, self._told = file, told
        self.parts: list[Part] = []

    def add(self, name: str, source: IO[bytes], mode: int = 0o600) -> None:
        """Add what a stream holds, from where it stands."""
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info._compresslevel = _LEVEL  # type: ignore[attr-defined]  # no public way
        info.external_attr = (0o100000 | mode) << 16
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=True) as to:
            while piece := source.read(_PIECE):
                to.write(piece)
                digest.update(piece)
                size += len(piece)
                self._told(f"writing {name}", size)
        self.parts.append(Part(name, size, digest.hexdigest()))

    def add_manifest(self, manifest: Manifest) -> None:
        """Add the manifest, at the end."""
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        self._zip.writestr(MANIFEST, text)


@contextlib.contextmanager
def writing(target: Path, told: Told) -> Iterator[Writer]:
    """Write a backup that is at ``target``, whole, when the block ends; else not at all.

    Raises:
        ConflictError: something is there, or another backup is under way beside it.
        UnavailableError: it cannot be written: the disk is full, say.
    """
    if target.exists():
        raise ConflictError(f"{target} exists already: name another file, or a folder")
    partial = target.parent / PARTIAL
    with _explained(f"cannot write the backup {target}"):
        handle = os.open(partial, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w+b") as file:
            _lock(handle, partial)
            file.truncate()
            try:
                with zipfile.ZipFile(file, "w", allowZip64=True) as inside:
                    yield Writer(inside, told)
                file.flush()
                os.fsync(handle)
                Archive(partial).verify(told)
                partial.rename(target)
                sync_folder(target.parent)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise


def _lock(handle: int, partial: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise ConflictError(
            f"another backup is being written in {partial.parent}: wait for it"
        ) from exc


class Archive:
    """A backup, to be read.

    Raises:
        InputError: it is no whole backup of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._reading():
            with zipfile.ZipFile(path) as inside:
                if inside.getinfo(MANIFEST).file_size > _MAX_MANIFEST:
                    raise InputError(f"{path}: its manifest is too long to be one")
                raw = inside.read(MANIFEST)
                names = sorted(inside.namelist())
            self.manifest = _parse(path, raw)
        told = sorted([MANIFEST, *(part.name for part in self.manifest.parts)])
        if names != told:
            odd = sorted(set(names) ^ set(told)) or names
            raise InputError(
                f"{path}: {odd[0]} is in it or its manifest, not in both: use another backup"
            )

    def verify(self, told: Told) -> None:
        """Read all of it and compare with the manifest.

        Raises:
            InputError: a part is not what was written.
        """
        with self._reading(), zipfile.ZipFile(self.path) as inside:
            done = 0
            for part in self.manifest.parts:
                for piece in self._pieces(inside, part):
                    done += len(piece)
                    told("checking the backup", done)

    def extract(self, name: str, to: Path, told: Told) -> None:
        """Put a part at ``to``, whole or not at all, with the mode it had.

        Raises:
            InputError: it is not what was written.
            UnavailableError: it cannot be written: the disk is full, say.
        """
        part = self.find(name)
        if part is None:
            raise InputError(f"{self.path} has no part {name}")
        beside = to.with_name(f".{to.name}.restoring")
        with _explained(f"cannot write {to}"):
            to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self._pour(part, beside, told)
                beside.rename(to)
                sync_folder(to.parent)
            finally:
                beside.unlink(missing_ok=True)

    def _pour(self, part: Part, to: Path, told: Told) -> None:
        with self._reading(), zipfile.ZipFile(self.path) as inside:
            mode = (inside.getinfo(part.name).external_attr >> 16) & 0o777
            handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode or 0o600)
            done = 0
            with os.fdopen(handle, "wb") as file:
                for piece in self._pieces(inside, part):
                    with _explained(f"cannot write {to}"):
                        file.write(piece)
                    done += len(piece)
                    told(f"unpacking {part.name}", done)
                with _explained(f"cannot write {to}"):
                    file.flush()
                    os.fsync(file.fileno())

    def _pieces(self, inside: zipfile.ZipFile, part: Part) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        with inside.open(part.name) as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
                if size > part.size:
                    break
                yield piece
        if size != part.size or digest.hexdigest() != part.sha256:
            raise InputError(
                f"{self.path}: {part.name} is not what was written: use another backup"
            )

    def find(self, name: str) -> Part | None:
        """Return the part of that name, if there is one."""
        return next((one for one in self.manifest.parts if one.name == name), None)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as exc:
            raise InputError(f"there is no backup {self.path}") from exc
        except (
            zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError,
            RuntimeError, OSError,
        ) as exc:  # fmt: skip
            raise InputError(
                f"{self.path} is no whole backup ({exc}): use another one"
            ) from exc


class _Format(Struct):
    format: int


def _parse(path: Path, raw: bytes) -> Manifest:
    try:
        known = msgspec.json.decode(raw, type=_Format).format
        if known != FORMAT:
            raise InputError(
                f"{path} is a backup of format {known}, this program reads {FORMAT}: "
                "restore it with the Greenwater that made it"
            )
        return msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as exc:
        raise InputError(f"{path}: its manifest cannot be read: {exc}") from exc


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    """Say in one sentence what the operating system refused."""
    try:
        yield
    except OSError as exc:
        raise UnavailableError(f"{what}: {exc.strerror or exc}") from exc


def write_durably(path: Path, text: str) -> None:
    """Write a small file that survives a power cut: all of it, or what was there before."""
    beside = path.with_name(f"{path.name}.restoring")
    with beside.open("w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have renames in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
