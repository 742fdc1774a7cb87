"""An append-only list of what the box called confirmed, for tests that count.

A line per reading, written after its commit and before anything of it is sent. So every
reading in the ledger was confirmed; and a reading in the store that is not in the ledger
was confirmed in the instant before the process was killed. Readings that wait for a time
are listed once they have one. Gap records are listed too: what they cover may be missing.
The lines survive the death of the process; the power's they need not.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.reading import Gap, Reading

log = structlog.get_logger()


class Ledger:
    """One file, opened for as long as the agent runs."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as exc:
            raise UnavailableError(f"ledger {path}: {exc.strerror}") from exc

    def write(self, readings: Sequence[Reading], gaps: Sequence[Gap]) -> None:
        """Append what was just confirmed. Never fails: it must not undo a commit."""
        lines = [msgspec.json.encode(one) for one in (*readings, *gaps)]
        try:
            if lines:
                self._file.write(b"\n".join(lines) + b"\n")
        except OSError as exc:
            log.error("ledger.failed", why=str(exc), readings=len(readings))

    def close(self) -> None:
        """Release the file."""
        self._file.close()
