"""Forecasts and episodes in SQLite: documents, by series and time."""

from collections.abc import Sequence

import msgspec

from greenwater.kernel.findings import Episode, Forecast
from greenwater.storage.telemetry.findings import touching
from greenwater.storage.telemetry.ports import Span
from greenwater.storage.telemetry.sqlite_file import SqliteFile, held


class SqliteFindings:
    """The port ``Findings``."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def write(
        self, forecasts: Sequence[Forecast] = (), episodes: Sequence[Episode] = ()
    ) -> None:
        """Store findings, all or nothing (see the port)."""
        with self._file.change() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO forecast VALUES (?, ?, ?, ?)",
                [
                    (one.device, one.probe, one.made_ms, msgspec.json.encode(one))
                    for one in forecasts
                ],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO episode VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        one.device,
                        one.probe,
                        one.start_ms,
                        one.id,
                        msgspec.json.encode(one),
                    )
                    for one in episodes
                ],
            )

    def forecasts(self, span: Span) -> Sequence[Forecast]:
        """Return what was forecast at instants of the span (see the port)."""
        return self._forecasts(span, "ORDER BY made_ms")

    def newest_forecast(self, span: Span) -> Forecast | None:
        """Return the newest forecast made within the span (see the port)."""
        return next(iter(self._forecasts(span, "ORDER BY made_ms DESC LIMIT 1")), None)

    def _forecasts(self, span: Span, order: str) -> list[Forecast]:
        rows = self._file.ask(
            "SELECT document FROM forecast WHERE device = ? AND probe = ? "
            f"AND made_ms >= ? AND made_ms < ? {order}",
            (*span.series, held(span.start_ms), held(span.end_ms)),
        )
        return [msgspec.json.decode(text, type=Forecast) for (text,) in rows]

    def episodes(self, span: Span) -> Sequence[Episode]:
        """Return the episodes that touch the span (see the port)."""
        rows = self._file.ask(
            "SELECT document FROM episode WHERE device = ? AND probe = ? AND start_ms < ?",
            (*span.series, held(span.end_ms)),
        )
        return touching(
            (msgspec.json.decode(text, type=Episode) for (text,) in rows), span
        )
