"""Forecasts and episodes in InfluxDB: measurements ``forecast`` and ``anomaly``.

The field ``document`` is the whole of it, since the fields of a point become readable
one after another and nobody may see half a finding; the numbers beside it are for other
tools. A forecast's time is when it was made. An episode's is its start, with its id
hashed into the nanoseconds below the millisecond: two may begin at once.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from greenwater.kernel.findings import Episode, Forecast
from greenwater.storage.telemetry import influxql as ql
from greenwater.storage.telemetry.findings import touching
from greenwater.storage.telemetry.influx_server import InfluxServer
from greenwater.storage.telemetry.lines import string, tagged
from greenwater.storage.telemetry.ports import Span

PAGE_ROWS: Final = 2_000


class InfluxFindings:
    """The port ``Findings``."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server

    def write(
        self, forecasts: Sequence[Forecast] = (), episodes: Sequence[Episode] = ()
    ) -> None:
        """Store findings (see the port)."""
        if forecasts:
            self._server.write_found([_forecast_line(one) for one in forecasts])
        if episodes:
            lines = [_episode_line(one) for one in episodes]
            self._server.write_found(lines, precision="ns")

    def forecasts(self, span: Span) -> Sequence[Forecast]:
        """Return what was forecast at instants of the span (see the port)."""
        found: list[Forecast] = []
        start_ms = span.start_ms
        while start_ms < span.end_ms:
            texts = self._documents("forecast", span, start_ms, f"LIMIT {PAGE_ROWS}")
            page = [msgspec.json.decode(text, type=Forecast) for text in texts]
            found += page
            if len(page) < PAGE_ROWS:
                break
            start_ms = page[-1].made_ms + 1
        return found

    def newest_forecast(self, span: Span) -> Forecast | None:
        """Return the newest forecast made within the span (see the port)."""
        texts = self._documents(
            "forecast", span, span.start_ms, "ORDER BY time DESC LIMIT 1"
        )
        return msgspec.json.decode(texts[0], type=Forecast) if texts else None

    def episodes(self, span: Span) -> Sequence[Episode]:
        """Return the episodes that touch the span (see the port)."""
        texts = self._documents("anomaly", span, -ql.FURTHEST_MS, "")
        return touching((msgspec.json.decode(t, type=Episode) for t in texts), span)

    def _documents(
        self, measurement: str, span: Span, start_ms: int, more: str
    ) -> list[str]:
        statement = (
            f'SELECT "document" FROM {self._server.from_(measurement)} '
            f"WHERE {ql.of_series(span.series)} "
            f"AND {ql.within(start_ms, span.end_ms)} {more}"
        )
        rows = self._server.query([statement])
        return [values[1] for _, row in rows for values in row.values]


def _forecast_line(one: Forecast) -> str:
    numbers = [
        f"{name}_{step.horizon_h:g}h={value!r}"
        for step in one.outlooks
        for name, value in (
            ("value", step.value),
            ("low", step.low),
            ("high", step.high),
            ("naive", step.naive),
        )
    ]
    fields = [f"document={string(_text(one))}", *numbers]
    return (
        f"{tagged('forecast', one.device, one.probe)}{','.join(fields)} {one.made_ms}"
    )


def _episode_line(one: Episode) -> str:
    hashed = (
        int.from_bytes(blake2b(one.id.encode(), digest_size=8).digest()) % 1_000_000
    )
    return (
        f"{tagged('anomaly', one.device, one.probe)}document={string(_text(one))},"
        f"end_ms={one.end_ms}i,probability={one.probability!r},"
        f"kind={string(one.kind)},cause={string(one.cause)} "
        f"{one.start_ms * 1_000_000 + hashed}"
    )


def _text(one: Forecast | Episode) -> str:
    return msgspec.json.encode(one).decode()
