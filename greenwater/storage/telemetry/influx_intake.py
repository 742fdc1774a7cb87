"""Intake in InfluxDB: one field of one point a row, the worker's sequence its time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from greenwater.kernel.errors import ConfigError, InputError
from greenwater.kernel.ids import WorkerId
from greenwater.storage.telemetry import influxql as ql
from greenwater.storage.telemetry.influx_server import InfluxServer
from greenwater.storage.telemetry.intake import FIRST, interleaved, starts
from greenwater.storage.telemetry.lines import intake_lines
from greenwater.storage.telemetry.ports import Intake

PAGE_ROWS: Final = 5_000


class InfluxIntake:
    """What of the port ``Telemetry`` speaks of intake."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server

    def record(self, rows: Sequence[Intake]) -> None:
        """Store intake rows.

        Raises:
            ConfigError: the server refuses them: a database that forgets what is old
                forgets intake at once, since a sequence is its time.
            UnavailableError: parts may be stored; record them again.
        """
        try:
            self._server.write(intake_lines(rows))
        except InputError as exc:
            raise ConfigError(
                f"intake cannot be recorded; the database must keep everything: {exc}"
            ) from exc

    def after(self, cursor: Mapping[WorkerId, int], limit: int) -> Sequence[Intake]:
        """Return rows beyond the cursor."""
        if limit < 1:
            return []
        ahead = {
            worker: cursor.get(worker, FIRST) + 1
            for worker, last in self._last_sequences().items()
            if last > cursor.get(worker, FIRST)
        }
        pages = self._pages(ahead, limit)
        return list(interleaved(pages.values()))[:limit]

    def recent(self, limit: int) -> Iterator[Intake]:
        """Yield the newest rows over all workers, oldest first."""
        tails = {
            worker: [
                (sequence, recorded_ms)
                for _, row in self._server.query([self._tail(worker, limit)])
                for sequence, recorded_ms in row.values
            ]
            for worker in (self._last_sequences() if limit > 0 else ())
        }
        upto = {worker: tail[0][0] for worker, tail in tails.items() if tail}
        first = starts(tails, limit)
        streams = [self._rows_from(w, at, upto[w]) for w, at in first.items()]
        yield from interleaved(streams)

    def last_sequence(self, worker: WorkerId) -> int:
        """Return the worker's highest recorded sequence, 0 if it has none."""
        return self._last_sequences(worker).get(worker, 0)

    def trim(self, worker: WorkerId, below_sequence: int) -> None:
        """Give up the worker's rows below a sequence (its last row always stays)."""
        below = min(below_sequence, self.last_sequence(worker))
        self._server.delete("intake", 0, below, {"worker": worker})

    def _last_sequences(self, worker: WorkerId | None = None) -> dict[WorkerId, int]:
        only = f'WHERE "worker"={ql.string(worker)} ' if worker is not None else ""
        statement = (
            f'SELECT last("row") FROM {self._server.from_("intake")} '
            f'{only}GROUP BY "worker"'
        )
        return {
            WorkerId(row.tags["worker"]): row.values[0][0]
            for _, row in self._server.query([statement])
        }

    def _tail(self, worker: WorkerId, limit: int) -> str:
        return (
            f'SELECT "recorded_ms" FROM {self._server.from_("intake")} '
            f'WHERE "worker"={ql.string(worker)} ORDER BY time DESC LIMIT {limit}'
        )

    def _rows_from(self, worker: WorkerId, first: int, last: int) -> Iterator[Intake]:
        while first <= last:
            rows = self._pages({worker: first}, PAGE_ROWS).get(worker, [])
            yield from (row for row in rows if row.sequence <= last)
            if len(rows) < PAGE_ROWS:
                return
            first = rows[-1].sequence + 1

    def _pages(
        self, first: Mapping[WorkerId, int], limit: int
    ) -> dict[WorkerId, list[Intake]]:
        """Return each worker's next rows from a sequence on."""
        pages: dict[WorkerId, list[Intake]] = {}
        statements = [
            f'SELECT "row" FROM {self._server.from_("intake")} '
            f'WHERE "worker"={ql.string(worker)} AND time >= {ql.at_ms(at)} '
            f'GROUP BY "worker" LIMIT {limit}'
            for worker, at in first.items()
        ]
        if statements:
            for _, row in self._server.query(statements):
                rows = ql.intake_of(row)
                pages.setdefault(rows[0].worker, []).extend(rows)
        return pages
