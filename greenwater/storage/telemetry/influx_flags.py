"""Quality flags beside their readings in InfluxDB. How they lie there: ``lines``."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from greenwater.kernel.channels import Channel, Measurement
from greenwater.kernel.quality import Flag, Flagged
from greenwater.storage.telemetry import influxql as ql
from greenwater.storage.telemetry.influx_server import InfluxServer
from greenwater.storage.telemetry.lines import flag_lines
from greenwater.storage.telemetry.ports import Series, Span

PAGE_ROWS: Final = 5_000
_ORDER: Final = {channel: at for at, channel in enumerate(Channel)}


class InfluxFlags:
    """The part of the port that analytics writes."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server

    def write(self, flags: Sequence[Flagged]) -> None:
        """Store flags (see the port)."""
        if flags:
            self._server.write_found(flag_lines(flags))

    def read(self, span: Span, channels: Iterable[Channel] | None) -> list[Flagged]:
        """Return the flags of one series (see the port)."""
        found = [
            one
            for measurement, some in ql.by_measurement(channels).items()
            for one in self._of(measurement, some, span)
        ]
        return sorted(found, key=lambda one: (one.taken_ms, _ORDER[one.channel]))

    def _of(
        self, measurement: Measurement, channels: Sequence[Channel], span: Span
    ) -> Iterator[Flagged]:
        fields = ",".join(f'"{c}_flag","{c}_tests"' for c in channels)
        start_ms = span.start_ms
        while start_ms < span.end_ms:
            statement = (
                f"SELECT {ql.values_and_bad(channels)},{fields} "
                f"FROM {self._server.from_(measurement)} "
                f"WHERE {ql.of_series(span.series)} "
                f"AND {ql.within(start_ms, span.end_ms)} LIMIT {PAGE_ROWS}"
            )
            rows = [row for _, row in self._server.query([statement])]
            number = sum(len(row.values) for row in rows)
            for row in rows:
                yield from flags_of(row, span.series)
            if number < PAGE_ROWS:
                return
            start_ms = rows[-1].values[-1][0] + 1


def flags_of(row: ql.Row, series: Series) -> Iterator[Flagged]:
    """Yield the flags that stand beside a value or a bad answer."""
    at = {column: index for index, column in enumerate(row.columns)}
    channels = [channel for channel in Channel if f"{channel}_flag" in at]
    for values in row.values:
        for channel in channels:
            flag, tests = values[at[f"{channel}_flag"]], values[at[f"{channel}_tests"]]
            is_read = (
                values[at[channel]] is not None
                or values[at[f"{channel}_bad"]] is not None
            )
            if flag is not None and is_read:
                yield Flagged(*series, channel, values[0], Flag(flag), tests or 0)
