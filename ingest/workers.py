"""Workers' names, each held by one process at a time.

Intake rows are numbered under a worker, in strictly increasing order; two processes that
numbered under one name would overwrite each other's rows. So a name is locked, in the
platform's folder, until its process ends, however it ends. Several machines on one
telemetry store each need names of their own (``GREENWATER_INGEST_WORKER``).
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


@contextlib.contextmanager
def held(
    home: Path, worker: WorkerId, patience_s: float = PATIENCE_S
) -> Iterator[None]:
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
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def by_hand(home: Path) -> Iterator[WorkerId]:
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
                yield worker
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
