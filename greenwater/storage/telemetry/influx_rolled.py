"""Roll-ups of given-up readings as they lie in InfluxDB, for moving a store."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from greenwater.kernel.channels import Measurement
from greenwater.kernel.errors import UnavailableError
from greenwater.storage.telemetry import influxql as ql
from greenwater.storage.telemetry.influx_rollups import InfluxRollups, State
from greenwater.storage.telemetry.influx_server import InfluxServer
from greenwater.storage.telemetry.lines import rollup_line
from greenwater.storage.telemetry.ports import Hour, Series

_BESIDE: Final = ("gap", "forecast", "anomaly")
_SUMS: Final = ("count", "min", "sum", "max")


class InfluxRolled:
    """The port ``Rolled``. Here readings are given up of all series at once."""

    def __init__(self, server: InfluxServer, rollups: InfluxRollups) -> None:
        self._server, self._rollups = server, rollups

    def series(self) -> Sequence[Series]:
        """Return every series that has anything."""
        places = [name for m in Measurement for name in (m.value, f"{m.value}_hourly")]
        statements = [
            f"SELECT * FROM {self._server.from_(name)} "
            'GROUP BY "device","probe" LIMIT 1'
            for name in (*places, *_BESIDE)
        ]
        return sorted({row.series for _, row in self._server.query(statements)})

    def given_up(self, series: Series) -> Mapping[Measurement, int]:
        """Return below what readings were given up."""
        found = {}
        for measurement in Measurement:
            state = self._rollups.state(measurement)
            if state.deleting_ms < state.given_up_ms:
                raise UnavailableError(
                    f"old readings ({measurement}) are being given up: try again later"
                )
            if state.given_up_ms > -ql.FURTHEST_MS:
                found[measurement] = state.given_up_ms
        return found

    def hours(self, series: Series, measurement: Measurement) -> Iterator[Hour]:
        """Yield the roll-ups of given-up hours."""
        end_ms = self.given_up(series).get(measurement)
        if end_ms is None:
            return
        hourly = self._server.from_(f"{measurement}_hourly")
        for channel in ql.CHANNELS[measurement]:
            fields = ",".join(f'"{channel}_{what}"' for what in _SUMS)
            statement = (
                f"SELECT {fields} FROM {hourly} WHERE {ql.of_series(series)} "
                f"AND {ql.within(-ql.FURTHEST_MS, end_ms)}"
            )
            for _, row in self._server.query([statement]):
                for hour_ms, number, low, total, high in row.values:
                    yield Hour(
                        channel, hour_ms, number, float(low), float(total), float(high)
                    )

    def put(
        self,
        series: Series,
        measurement: Measurement,
        hours: Sequence[Hour],
        given_up_ms: int,
    ) -> None:
        """Store roll-ups of given-up hours; then say that they answer."""
        tags = series._asdict()
        self._server.write(
            [
                rollup_line(
                    measurement,
                    tags,
                    one.hour_ms,
                    {one.channel: (one.number, one.minimum, one.total, one.maximum)},
                )
                for one in hours
            ]
        )
        if given_up_ms > self._rollups.state(measurement).given_up_ms:
            self._rollups.say(measurement, State(given_up_ms, given_up_ms))
