"""InfluxQL as text, and its answers as values: no network.

Only what all three generations of InfluxDB speak: SELECT with GROUP BY tag and time.
Times are literal milliseconds, upper bounds are always given with GROUP BY time (its
default is the server's now), and fields are named: ``last(*)`` answers time 0.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import ClockQuality, Gap, Reading
from greenwater.storage.telemetry.lines import VOID, parse_intake
from greenwater.storage.telemetry.ports import Intake, Series, Span

FURTHEST_MS: Final = 9_223_372_036_000
"""InfluxDB's times are nanoseconds in 64 bits."""

CHANNELS: Final[dict[Measurement, tuple[Channel, ...]]] = {
    measurement: tuple(
        c for c, spec in SPECS.items() if spec.measurement == measurement
    )
    for measurement in Measurement
}
_ORDER: Final = {channel: at for at, channel in enumerate(Channel)}
_CLOCKS: Final = {quality.value: quality for quality in ClockQuality}


class Row(Struct, gc=False):
    """One series of an answer."""

    columns: list[str]
    name: str = ""
    values: list[list[Any]] = []
    tags: dict[str, str] = {}
    partial: bool = False

    @property
    def series(self) -> Series:
        """The series its tags name."""
        return Series(DeviceId(self.tags["device"]), ProbeId(self.tags["probe"]))


class Result(Struct):
    """What one statement answered, or part of it."""

    statement_id: int = 0
    series: list[Row] = []
    error: str | None = None


class Answer(Struct):
    """One document of a chunked response."""

    results: list[Result] = []
    error: str | None = None


_DECODER: Final = msgspec.json.Decoder(Answer)


def parse_answer(body: bytes, statements: int) -> Iterator[tuple[int, Row]]:
    """Yield (statement, series) of a response, chunked or whole, a document at a time.

    Every statement must have been answered, if only with nothing: silence is not an
    empty store.

    Raises:
        UnavailableError: it is not an answer, not all of one, or an error.
    """
    answered: set[int] = set()
    for result in _results(body):
        if result.error is not None:
            raise UnavailableError(f"InfluxDB could not answer: {result.error}")
        answered.add(result.statement_id)
        for row in result.series:
            yield result.statement_id, row
    if len(answered) < statements:
        raise UnavailableError(
            f"InfluxDB answered {len(answered)} of {statements} queries"
        )


def _results(body: bytes) -> Iterator[Result]:
    is_partial = False
    for line in io.BytesIO(body):
        if line.isspace():
            continue
        try:
            document = _DECODER.decode(line)
        except msgspec.DecodeError as exc:
            raise UnavailableError(
                f"InfluxDB answered a query with {line[:200]!r}, which is not an answer"
            ) from exc
        if document.error is not None:
            raise UnavailableError(f"InfluxDB could not answer: {document.error}")
        for result in document.results:
            yield result
            is_partial = any(row.partial for row in result.series[-1:])
    if is_partial:
        raise UnavailableError(
            "InfluxDB cut an answer short at its max-row-limit: set it to 0"
        )


def name(text: str) -> str:
    """Return an identifier, quoted."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def string(text: str) -> str:
    """Return a string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def at_ms(ms: int) -> str:
    """Return a literal of time, kept within what the server can hold."""
    return f"{max(-FURTHEST_MS, min(ms, FURTHEST_MS))}ms"


def within(start_ms: int, end_ms: int) -> str:
    """Return the condition ``[start_ms, end_ms)``."""
    return f"time >= {at_ms(start_ms)} AND time < {at_ms(end_ms)}"


def of_series(series: Series) -> str:
    """Return the condition that picks one series."""
    return f'"device"={string(series.device)} AND "probe"={string(series.probe)}'


def any_of(series: Iterable[Series]) -> str:
    """Return the condition that picks several series."""
    return "(" + " OR ".join(f"({of_series(one)})" for one in series) + ")"


def by_measurement(
    channels: Iterable[Channel] | None,
) -> dict[Measurement, tuple[Channel, ...]]:
    """Return the channels asked for (all, if None), sorted into measurements."""
    if channels is None:
        return CHANNELS
    asked = set(channels)
    sorted_in = {
        measurement: tuple(c for c in known if c in asked)
        for measurement, known in CHANNELS.items()
    }
    return {measurement: some for measurement, some in sorted_in.items() if some}


def values_and_bad(channels: Iterable[Channel]) -> str:
    """Return the fields that say what was read and what was answered badly."""
    return ",".join(f'"{c}","{c}_bad"' for c in channels)


def values_and_salt(channels: Sequence[Channel]) -> str:
    """Return these, and whether oxygen was compensated for salinity."""
    found = values_and_bad(channels)
    if Channel.DISSOLVED_OXYGEN not in channels:
        return found
    return f'{found},"{Channel.DISSOLVED_OXYGEN}_compensated"'


def everything(channels: Sequence[Channel]) -> str:
    """Return the fields of whole readings."""
    beside = ",".join(f'"{c}_compensated"' for c in channels)
    return f'{values_and_bad(channels)},{beside},"clock"'


def order(reading: Reading) -> tuple[int, int]:
    """Return the place of a reading among those of its series."""
    return reading.taken_ms, _ORDER[reading.channel]


def readings_of(row: Row, series: Series) -> Iterator[Reading]:
    """Yield the readings that a row of ``everything`` or ``values_and_bad`` holds."""
    at = {column: index for index, column in enumerate(row.columns)}
    nowhere = len(row.columns)
    places = [
        (Channel(c), at[c], at[f"{c}_bad"], at.get(f"{c}_compensated", nowhere))
        for c in row.columns
        if c in _BY_NAME
    ]
    clock_at = at.get("clock", nowhere)
    for values in row.values:
        values.append(None)
        taken_ms, clock = values[0], _CLOCKS.get(values[clock_at])
        for channel, value_at, bad_at, compensated_at in places:
            raw = values[value_at]
            if raw is None and values[bad_at] is None:
                continue
            value = None if raw is None or raw == VOID else float(raw)
            yield Reading(
                series.device,
                series.probe,
                channel,
                taken_ms,
                value,
                clock,
                values[compensated_at],
            )


_BY_NAME: Final = {channel.value for channel in Channel}


def gaps_of(row: Row, span: Span) -> Iterator[Gap]:
    """Yield the gaps a row holds that touch a span. Its times are nanoseconds."""
    for time_ns, end_ms, count, reason in row.values:
        gap = Gap(*span.series, time_ns // 1_000_000, end_ms, count, reason)
        if touches(gap, span):
            yield gap


def touches(gap: Gap, span: Span) -> bool:
    """Return whether a gap, even an empty one, lies in part within a span."""
    return gap.start_ms < span.end_ms and (
        gap.end_ms > span.start_ms or gap.start_ms >= span.start_ms
    )


def intake_of(row: Row) -> list[Intake]:
    """Return the rows of one worker."""
    worker = WorkerId(row.tags["worker"])
    return [parse_intake(worker, sequence, text) for sequence, text in row.values]


def clusters(spans: Sequence[Span]) -> list[tuple[int, int, list[Series]]]:
    """Return (start, end, series) that cover all spans: few, and none much too wide.

    Spans share a statement while its window stays within twice the widest of them (and
    a minute): so that one probe's month of backlog does not read a month of every
    other's.
    """
    found: list[tuple[int, int, list[Series]]] = []
    widest = 0
    for span in sorted(spans, key=lambda one: (one.start_ms, one.end_ms)):
        length = span.end_ms - span.start_ms
        if found:
            start, end, series = found[-1]
            widest = max(widest, length)
            if max(end, span.end_ms) - start <= 2 * widest + 60_000:
                series.append(span.series)
                found[-1] = (start, max(end, span.end_ms), series)
                continue
        found.append((span.start_ms, span.end_ms, [span.series]))
        widest = length
    return found


def spans_by_series(spans: Iterable[Span]) -> Mapping[Series, list[tuple[int, int]]]:
    """Return the windows of each series."""
    windows: dict[Series, list[tuple[int, int]]] = {}
    for span in spans:
        windows.setdefault(span.series, []).append((span.start_ms, span.end_ms))
    return windows
