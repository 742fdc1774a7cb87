"""Room kept for a start on a full disk.

SQLite cannot open an outbox without writing a little beside it. An agent that could not
start would leave the aerators to themselves, and the readings that a network would carry
away unsent: so a little room is taken while there is some, and given back then.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

from edge.outbox_file import beside
from greenwater.kernel.errors import UnavailableError

BALLAST_BYTES: Final = 256 * 1024
"""The index of the write-ahead log (32 KiB) and a few dozen pages."""
FREE_AT_LEAST: Final = 4 * BALLAST_BYTES


class Ballast:
    """A file beside an outbox that holds nothing."""

    def __init__(self, outbox: Path) -> None:
        self._path = beside(outbox, ".ballast")

    def release(self) -> bool:
        """Give the room back; return whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def keep(self) -> None:
        """Take the room, if it is not taken and the disk can spare it. Never fails."""
        with contextlib.suppress(OSError):
            if self._path.exists():
                return
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < FREE_AT_LEAST:
                return
            fresh = beside(self._path, ".new")
            with fresh.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
            fresh.replace(self._path)

    def explained(self, error: UnavailableError) -> UnavailableError:
        """Return an error of opening, in plain words where the disk is full."""
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize > BALLAST_BYTES:
            return error
        folder = self._path.parent
        return UnavailableError(
            f"the disk of {folder} is full: make some room ({error})"
        )
