"""Roll-ups of given-up readings as they lie in SQLite, for moving a store."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.storage.telemetry.ports import Hour, Series
from greenwater.storage.telemetry.sqlite_file import SqliteFile

_PUT: Final = """
INSERT INTO hourly VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET count = excluded.count, minimum = excluded.minimum,
    total = excluded.total, maximum = excluded.maximum
"""
_GIVE_UP: Final = """
INSERT INTO retention VALUES (?, ?, ?) ON CONFLICT DO UPDATE
SET given_up_ms = max(given_up_ms, excluded.given_up_ms)
"""
_ID: Final = "(SELECT id FROM series WHERE device = ? AND probe = ?)"


class SqliteRolled:
    """The port ``Rolled``."""

    def __init__(self, file: SqliteFile, codes: Mapping[Channel, int]) -> None:
        self._file, self._codes = file, codes

    def series(self) -> Sequence[Series]:
        """Return every series that has anything."""
        rows = self._file.ask(
            "SELECT device, probe FROM series UNION SELECT device, probe FROM forecast "
            "UNION SELECT device, probe FROM episode ORDER BY device, probe"
        )
        return [Series(DeviceId(device), ProbeId(probe)) for device, probe in rows]

    def given_up(self, series: Series) -> Mapping[Measurement, int]:
        """Return below what readings were given up."""
        rows = self._file.ask(
            f"SELECT measurement, given_up_ms FROM retention WHERE series = {_ID}",
            series,
        )
        return {Measurement(name): given_up_ms for name, given_up_ms in rows}

    def hours(self, series: Series, measurement: Measurement) -> Iterator[Hour]:
        """Yield the roll-ups of given-up hours."""
        end_ms = self.given_up(series).get(measurement)
        for channel, code in self._codes.items():
            if end_ms is None or SPECS[channel].measurement is not measurement:
                continue
            rows = self._file.ask(
                "SELECT hour_ms, count, minimum, total, maximum FROM hourly "
                f"WHERE series = {_ID} AND channel = ? AND hour_ms < ? ORDER BY hour_ms",
                (*series, code, end_ms),
            )
            yield from (Hour(channel, *row) for row in rows)

    def put(
        self,
        series: Series,
        measurement: Measurement,
        hours: Sequence[Hour],
        given_up_ms: int,
    ) -> None:
        """Store roll-ups of given-up hours, all or none."""
        codes = {self._codes[hour.channel] for hour in hours}
        with self._file.change() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO series (device, probe) VALUES (?, ?)", series
            )
            (one,) = connection.execute(f"SELECT {_ID}", series).fetchone()
            connection.executemany(
                "INSERT OR IGNORE INTO series_channel VALUES (?, ?)",
                [(one, code) for code in codes],
            )
            rows = [(one, self._codes[hour.channel], *hour[1:]) for hour in hours]
            connection.executemany(_PUT, rows)
            connection.execute(_GIVE_UP, (one, measurement.value, given_up_ms))
