"""Roll-ups and retention in SQLite: one series and one fortnight in a transaction.

A transaction rolls up, deletes and says so at once, so nothing can come between; and
none is long, so that neither writers wait nor the WAL grows.
"""

from collections.abc import Iterator, Mapping
from sqlite3 import Connection
from typing import Final

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.storage.telemetry.ports import Bucket, Span
from greenwater.storage.telemetry.retention import DAY_MS, HOUR_MS, hour_of, merged
from greenwater.storage.telemetry.sqlite_file import SqliteFile, held

STEP_MS: Final = 14 * DAY_MS
SERIES_PER_PAGE: Final = 1_000

_ROLL: Final = f"""
INSERT INTO hourly
SELECT series, channel, taken_ms - taken_ms % {HOUR_MS} AS hour_ms,
       count(value), min(value), total(value), max(value)
FROM reading
WHERE series = ? AND taken_ms >= ? AND taken_ms < ?
  AND value IS NOT NULL AND channel IN ({{channels}})
GROUP BY channel, hour_ms
ON CONFLICT DO UPDATE SET
    count = excluded.count, minimum = excluded.minimum,
    total = excluded.total, maximum = excluded.maximum
"""
_GIVE_UP: Final = """
INSERT INTO retention (series, measurement, given_up_ms) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET given_up_ms = excluded.given_up_ms
"""
_BUCKETS: Final = """
SELECT taken_ms - taken_ms % ?, count(value), min(value), avg(value), max(value)
FROM reading
WHERE series = ? AND taken_ms >= ? AND taken_ms < ? AND channel = ?
  AND value IS NOT NULL {only}
GROUP BY 1
"""
_FRESH: Final = "AND compensated = 0"
_OLDEST: Final = """
SELECT compensated FROM reading
WHERE series = ? AND taken_ms >= ? AND channel = ? AND value IS NOT NULL
ORDER BY taken_ms LIMIT 1
"""


class SqliteRollups:
    """What of the port ``Telemetry`` speaks of hours and of letting go."""

    def __init__(
        self,
        file: SqliteFile,
        codes: Mapping[Channel, int],
        clock_codes: Mapping[Measurement, int],
    ) -> None:
        self._file, self._codes, self._clock_codes = file, codes, clock_codes

    def downsample(
        self, series: int, span: Span, channel: Channel, every_ms: int
    ) -> list[Bucket]:
        """Return the buckets of one channel of the series with this id."""
        kept_ms = self._given_up(series, channel)
        parts = self._rolled(series, span, channel, kept_ms)
        parts += self._raw(series, span, channel, every_ms)
        return merged(parts, every_ms)

    def uncompensated(self, series: int, span: Span, every_ms: int) -> list[Bucket]:
        """Return the buckets of oxygen that was told as of fresh water."""
        channel = Channel.DISSOLVED_OXYGEN
        parts = self._raw(series, span, channel, every_ms, _FRESH)
        kept_ms = self._given_up(series, channel)
        if span.start_ms < kept_ms:
            oldest = (series, kept_ms, self._codes[channel])
            if self._file.ask(_OLDEST, oldest) == [(0,)]:
                parts += self._rolled(series, span, channel, kept_ms)
        return merged(parts, every_ms)

    def _rolled(
        self, series: int, span: Span, channel: Channel, kept_ms: int
    ) -> list[Bucket]:
        start_ms, end_ms = held(span.start_ms), held(span.end_ms)
        return [
            Bucket(hour_ms, count, low, total / count, high)
            for hour_ms, count, low, total, high in self._file.ask(
                "SELECT hour_ms, count, minimum, total, maximum FROM hourly "
                "WHERE series = ? AND channel = ? AND hour_ms >= ? AND hour_ms < ?",
                (series, self._codes[channel], start_ms, min(end_ms, kept_ms)),
            )
        ]

    def _raw(
        self, series: int, span: Span, channel: Channel, every_ms: int, only: str = ""
    ) -> list[Bucket]:
        asked, code = _BUCKETS.format(only=only), self._codes[channel]
        start_ms, end_ms = held(span.start_ms), held(span.end_ms)
        return [
            Bucket(*row)
            for first_ms, last_ms in self._windows(series, start_ms, end_ms)
            for row in self._file.ask(
                asked, (every_ms, series, first_ms, last_ms, code)
            )
        ]

    def roll_up(self, measurement: Measurement, from_ms: int, until_ms: int) -> int:
        """Make roll-ups anew; return how many hours of channels."""
        count = 0
        for series, given_up_ms in self._having(measurement):
            start_ms = max(hour_of(held(from_ms)), given_up_ms)
            for window in self._windows(series, start_ms, hour_of(held(until_ms))):
                with self._file.change() as connection:
                    count += self._roll(connection, series, measurement, window)
        return count

    def retain(
        self, measurement: Measurement, from_ms: int, rollups_from_ms: int | None
    ) -> None:
        """Give up raw readings, and roll-ups if asked."""
        end_ms = hour_of(held(from_ms))
        for series, given_up_ms in self._having(measurement):
            for window in self._windows(series, given_up_ms, end_ms):
                with self._file.change() as connection:
                    self._roll(connection, series, measurement, window)
                    self._drop(connection, series, measurement, window)
            if rollups_from_ms is not None:
                self._drop_rollups(series, measurement, hour_of(held(rollups_from_ms)))

    def _roll(
        self,
        connection: Connection,
        series: int,
        measurement: Measurement,
        window: tuple[int, int],
    ) -> int:
        statement = _ROLL.format(channels=self._channels(measurement))
        return connection.execute(statement, (series, *window)).rowcount

    def _drop(
        self,
        connection: Connection,
        series: int,
        measurement: Measurement,
        window: tuple[int, int],
    ) -> None:
        codes = f"{self._channels(measurement)}, {self._clock_codes[measurement]}"
        connection.execute(
            "DELETE FROM reading WHERE series = ? AND taken_ms >= ? AND taken_ms < ? "
            f"AND channel IN ({codes})",
            (series, *window),
        )
        connection.execute(_GIVE_UP, (series, measurement.value, window[1]))

    def _drop_rollups(self, series: int, measurement: Measurement, end_ms: int) -> None:
        with self._file.change() as connection:
            connection.execute(
                "DELETE FROM hourly WHERE series = ? AND hour_ms < ? "
                f"AND channel IN ({self._channels(measurement)})",
                (series, end_ms),
            )

    def _channels(self, measurement: Measurement) -> str:
        return ", ".join(
            str(code)
            for channel, code in self._codes.items()
            if SPECS[channel].measurement is measurement
        )

    def _given_up(self, series: int, channel: Channel) -> int:
        rows = self._file.ask(
            "SELECT given_up_ms FROM retention WHERE series = ? AND measurement = ?",
            (series, SPECS[channel].measurement.value),
        )
        return int(rows[0][0]) if rows else held(-(2**63))

    def _having(self, measurement: Measurement) -> Iterator[tuple[int, int]]:
        """Yield (series, given up below) of the series that ever had the measurement."""
        last = 0
        while True:
            rows = self._file.ask(
                "SELECT id, coalesce(given_up_ms, ?) FROM series "
                "LEFT JOIN retention ON series = id AND measurement = ? "
                "WHERE id > ? AND EXISTS (SELECT 1 FROM series_channel "
                f"WHERE series = id AND channel IN ({self._channels(measurement)})) "
                "ORDER BY id LIMIT ?",
                (held(-(2**63)), measurement.value, last, SERIES_PER_PAGE),
            )
            yield from rows
            if len(rows) < SERIES_PER_PAGE:
                return
            last = rows[-1][0]

    def _windows(
        self, series: int, start_ms: int, end_ms: int
    ) -> Iterator[tuple[int, int]]:
        """Yield windows of whole hours that hold all readings of ``[start, end)``.

        The first begins at ``start`` itself; where there are no readings there are none.
        """
        while start_ms < end_ms:
            ((first_ms,),) = self._file.ask(
                "SELECT min(taken_ms) FROM reading "
                "WHERE series = ? AND taken_ms >= ? AND taken_ms < ?",
                (series, start_ms, end_ms),
            )
            if first_ms is None:
                return
            start_ms = max(start_ms, hour_of(first_ms))
            stop_ms = min(hour_of(start_ms) + STEP_MS, end_ms)
            yield start_ms, stop_ms
            start_ms = stop_ms
