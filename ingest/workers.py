"""Workers' names, each held by one process at a time, and how far they have numbered.

Intake rows are numbered under a worker, in strictly increasing order; two processes that
numbered under one name would overwrite each other's rows. So a name is locked, in the
platform's folder, until its process ends, however it ends. Several machines on one
telemetry store each need names of their own (``GREENWATER_INGEST_WORKER``).

The locked file holds the last number. A store restored from a backup has forgotten
numbers that readers of intake have seen: given again, they would never be read.
"""

import contextlib
import fcntl
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from greenwater.kernel.errors import ConfigError, UnavailableError
from greenwater.kernel.ids import WorkerId

PATIENCE_S: Final = 10.0
"""How long a predecessor that was told to end may take."""
BY_HAND_AT_ONCE: Final = 64


class HeldWorker:
    """A worker's name, for as long as it is held."""

    def __init__(self, worker: WorkerId, file: int) -> None:
        self.id, self._file = worker, file

    def reached(self) -> int:
        """Return the last number that was ever given, as far as is known here."""
        try:
            return int(os.pread(self._file, 32, 0))
        except ValueError:  # it is new, or was torn by a power cut
            return 0

    def reach(self, sequence: int) -> None:
        """Note that numbers up to this one have been given."""
        os.pwrite(self._file, b"%020d\n" % sequence, 0)


@contextlib.contextmanager
def held(
    home: Path, worker: WorkerId, patience_s: float = PATIENCE_S
) -> Iterator[HeldWorker]:
    """Be the only process of this worker until left.

    Raises:
        ConfigError: another process is that worker.
    """
    deadline_s = time.monotonic() + patience_s
    while True:
        lock = _locked(home / f"ingest-{worker}.lock")
        if lock is not None:
            break
        if time.monotonic() > deadline_s:
            raise ConfigError(
                f"worker {worker} runs already in {home}: stop it, or give this one "
                "another GREENWATER_INGEST_WORKER"
            )
        threading.Event().wait(0.1)
    try:
        yield HeldWorker(worker, lock)
    finally:
        os.close(lock)


@contextlib.contextmanager
def by_hand(home: Path) -> Iterator[HeldWorker]:
    """Hold a worker for what no broker delivers: files, and quarantine replayed.

    There are as many of them as ever ran at once, not one for each run: every reader of
    intake has a place for each worker, for ever.

    Raises:
        UnavailableError: too many run at once.
    """
    home.mkdir(parents=True, exist_ok=True)
    stem = _stem(home)
    for number in range(1, BY_HAND_AT_ONCE + 1):
        worker = WorkerId(f"{stem}-{number}")
        lock = _locked(home / f"{worker}.lock")
        if lock is not None:
            try:
                yield HeldWorker(worker, lock)
            finally:
                os.close(lock)
            return
    raise UnavailableError(
        f"{BY_HAND_AT_ONCE} imports and replays run at once: wait for some to end"
    )


def _stem(home: Path) -> str:
    """Return this folder's own part of the names: other machines may share the store."""
    path = home / "by-hand"
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = os.read(lock, 64).decode("ascii", "replace").strip()
        if not known:
            known = f"by-hand-{secrets.token_hex(4)}"
            os.write(lock, f"{known}\n".encode())
            os.fsync(lock)
        return known
    finally:
        os.close(lock)


def _locked(path: Path) -> int | None:
    """Return the handle of a locked file, None where another process has it locked.

    The file stays: deleting it could let two processes lock two files of one name.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
