"""Intake in SQLite: a table clustered by worker and sequence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from greenwater.kernel.ids import WorkerId
from greenwater.storage.telemetry.intake import FIRST, interleaved, starts
from greenwater.storage.telemetry.ports import Intake
from greenwater.storage.telemetry.sqlite_file import SqliteFile

PAGE_ROWS: Final = 5_000

_INTAKE: Final = ", ".join(Intake.__struct_fields__)
_INTAKE_KEPT: Final = Intake.__struct_fields__[2:]

_PUT_INTAKE: Final = f"""
INSERT INTO intake ({_INTAKE})
VALUES ({", ".join("?" * len(Intake.__struct_fields__))})
ON CONFLICT DO UPDATE SET
{", ".join(f"{field} = excluded.{field}" for field in _INTAKE_KEPT)}
WHERE ({", ".join(_INTAKE_KEPT)})
   IS NOT ({", ".join(f"excluded.{field}" for field in _INTAKE_KEPT)})
"""


class SqliteIntake:
    """What of the port ``Telemetry`` speaks of intake."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def record(self, rows: Sequence[Intake]) -> None:
        """Store intake rows, all or none."""
        if rows:
            fields = Intake.__struct_fields__
            with self._file.change() as connection:
                connection.executemany(
                    _PUT_INTAKE,
                    [tuple(getattr(row, field) for field in fields) for row in rows],
                )

    def after(self, cursor: Mapping[WorkerId, int], limit: int) -> Sequence[Intake]:
        """Return rows beyond the cursor."""
        pages = [
            self._page(worker, cursor.get(worker, FIRST) + 1, limit)
            for worker in (self._workers() if limit > 0 else ())
        ]
        return list(interleaved(pages))[:limit]

    def recent(self, limit: int) -> Iterator[Intake]:
        """Yield the newest rows over all workers, oldest first."""
        tails = {
            worker: self._file.ask(
                "SELECT sequence, recorded_ms FROM intake WHERE worker = ? "
                "ORDER BY sequence DESC LIMIT ?",
                (worker, limit),
            )
            for worker in (self._workers() if limit > 0 else ())
        }
        yield from interleaved(
            self._rows_from(worker, first, tails[worker][0][0])
            for worker, first in starts(tails, limit).items()
        )

    def last_sequence(self, worker: WorkerId) -> int:
        """Return the worker's highest recorded sequence, 0 if it has none."""
        ((last,),) = self._file.ask(
            "SELECT max(sequence) FROM intake WHERE worker = ?", (worker,)
        )
        return last or 0

    def trim(self, worker: WorkerId, below_sequence: int) -> None:
        """Give up the worker's rows below a sequence (its last row always stays)."""
        with self._file.change() as connection:
            connection.execute(
                "DELETE FROM intake WHERE worker = ?1 AND sequence < min(?2, "
                "(SELECT max(sequence) FROM intake WHERE worker = ?1))",
                (worker, below_sequence),
            )

    def _workers(self) -> list[WorkerId]:
        """Return all workers, jumping from one to the next, not over all their rows."""
        workers: list[WorkerId] = []
        while rows := self._file.ask(
            "SELECT worker FROM intake WHERE worker > ? ORDER BY worker LIMIT 1",
            (workers[-1] if workers else "",),
        ):
            workers.append(WorkerId(rows[0][0]))
        return workers

    def _page(self, worker: WorkerId, first: int, limit: int) -> list[Intake]:
        rows = self._file.ask(
            f"SELECT {_INTAKE} FROM intake WHERE worker = ? AND sequence >= ? "
            "ORDER BY sequence LIMIT ?",
            (worker, first, limit),
        )
        return [Intake(*row) for row in rows]

    def _rows_from(self, worker: WorkerId, first: int, last: int) -> Iterator[Intake]:
        while first <= last:
            rows = self._page(worker, first, PAGE_ROWS)
            yield from (row for row in rows if row.sequence <= last)
            if len(rows) < PAGE_ROWS:
                return
            first = rows[-1].sequence + 1
