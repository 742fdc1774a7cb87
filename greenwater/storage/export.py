"""Readings out of the store into CSV, JSON or Parquet, in bounded memory.

*Long* files hold one row per reading: ``time,device,probe,channel,value,unit``. *Wide*
files hold one row per instant of one probe, ``time,device,probe`` and a column for each
channel those probes ever had, in the order of ``Channel``.

"The probe answered badly" is not "there was no reading":

=================== =============== ================= =================
format              a value         answered badly    no reading
=================== =============== ================= =================
csv                 ``28.5``        ``NaN``           no row; wide: nothing
json                ``28.5``        ``null``          no row; wide: no key
parquet             28.5            NaN               no row; wide: null
=================== =============== ================= =================

(The wire refuses NaN as a value, so it can stand for this.) Values are the shortest
text that reads back as the same double. Times are UTC with milliseconds, rows are in
time order over all probes.
"""

import csv
import heapq
import io
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import IO, Any, Final, Protocol

import msgspec

from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading, instant
from greenwater.storage.telemetry.ports import Series, Span

ROWS_AT_ONCE: Final = 20_000
_LONG: Final = ("time", "device", "probe", "channel", "value", "unit")
_WIDE: Final = ("time", "device", "probe")


class Format(StrEnum):
    """What a file is written as."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Readable(Protocol):
    """What of the telemetry store an export needs (see its port)."""

    def read(self, span: Span) -> Iterator[Reading]:
        """Yield the readings of one series in time order."""
        ...

    def latest(self, device: DeviceId) -> Sequence[Reading]:
        """Return the newest reading of each channel of each probe of one device."""
        ...


class Hung(Protocol):
    """Where a probe hung, ``[from_ms, to_ms)``; the registry's deployments are that."""

    @property
    def device(self) -> DeviceId:
        """The box."""
        ...

    @property
    def probe(self) -> ProbeId:
        """Its probe."""
        ...

    @property
    def from_ms(self) -> int:
        """Since when."""
        ...

    @property
    def to_ms(self) -> int | None:
        """Until when; None: still."""
        ...


def deployed_spans(hung: Iterable[Hung], start_ms: int, end_ms: int) -> list[Span]:
    """Return the spans of deployments (of one unit, say) within ``[start_ms, end_ms)``."""
    spans = [
        Span(
            Series(one.device, one.probe),
            max(start_ms, one.from_ms),
            end_ms if one.to_ms is None else min(end_ms, one.to_ms),
        )
        for one in hung
    ]
    return [span for span in spans if span.start_ms < span.end_ms]


def device_spans(
    series: Iterable[Series], device: DeviceId, start_ms: int, end_ms: int
) -> list[Span]:
    """Return the spans of all probes of one device."""
    return [Span(one, start_ms, end_ms) for one in series if one.device == device]


def export(
    telemetry: Readable,
    spans: Sequence[Span],
    file_format: Format,
    out: IO[bytes],
    *,
    wide: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the readings of ``spans`` to ``out``; return how many there were.

    ``progress`` is told the readings written so far, now and then. Spans of one series
    must not overlap.

    Raises:
        UnavailableError: the store did not answer; the file is incomplete.
    """
    counted = _Counter(progress)
    readings = counted.over(_in_time_order(telemetry, spans))
    if wide:
        channels = _channels(telemetry, spans)
        write_wide = {
            Format.CSV: _wide_csv,
            Format.JSON: _wide_json,
            Format.PARQUET: _wide_parquet,
        }[file_format]
        write_wide(readings, channels, out)
    else:
        write_long = {
            Format.CSV: _long_csv,
            Format.JSON: _long_json,
            Format.PARQUET: _long_parquet,
        }[file_format]
        write_long(readings, out)
    return counted.count


class _Counter:
    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self.count, self._progress = 0, progress

    def over(self, readings: Iterator[Reading]) -> Iterator[Reading]:
        for reading in readings:
            self.count += 1
            if self._progress is not None and self.count % ROWS_AT_ONCE == 0:
                self._progress(self.count)
            yield reading


def _order(reading: Reading) -> tuple[int, str, str]:
    return reading.taken_ms, reading.device, reading.probe


def _in_time_order(telemetry: Readable, spans: Sequence[Span]) -> Iterator[Reading]:
    """Merge the series; those of one series follow each other, so few are open."""
    by_series: dict[Series, list[Span]] = {}
    for span in sorted(spans, key=lambda one: one.start_ms):
        by_series.setdefault(span.series, []).append(span)
    streams = (
        itertools.chain.from_iterable(map(telemetry.read, some))
        for some in by_series.values()
    )
    return iter(heapq.merge(*streams, key=_order))


def _channels(telemetry: Readable, spans: Sequence[Span]) -> list[Channel]:
    wanted = {span.series for span in spans}
    found = {
        reading.channel
        for device in {series.device for series in wanted}
        for reading in telemetry.latest(device)
        if Series(reading.device, reading.probe) in wanted
    }
    return [channel for channel in Channel if channel in found]


def _instants(readings: Iterator[Reading]) -> Iterator[tuple[Reading, dict[str, Any]]]:
    """Yield one reading of each instant of a probe, and all its values by channel."""
    for _, group in itertools.groupby(readings, key=_order):
        some = list(group)
        yield some[0], {reading.channel.value: reading.value for reading in some}


def _time(taken_ms: int) -> str:
    return instant(taken_ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{taken_ms % 1000:03d}Z"


def _text(value: float | None) -> str:
    return "NaN" if value is None else repr(value)


def _write_csv(
    header: Sequence[str], rows: Iterable[Sequence[str]], out: IO[bytes]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for some in _pages(rows):
        writer.writerows(some)
        out.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    out.write(text.getvalue().encode())


def _pages(rows: Iterable[Any]) -> Iterator[list[Any]]:
    stream = iter(rows)
    while some := list(itertools.islice(stream, ROWS_AT_ONCE)):
        yield some


def _long_csv(readings: Iterator[Reading], out: IO[bytes]) -> None:
    rows = (
        (
            _time(r.taken_ms),
            r.device,
            r.probe,
            r.channel,
            _text(r.value),
            SPECS[r.channel].unit,
        )
        for r in readings
    )
    _write_csv(_LONG, rows, out)


def _wide_csv(
    readings: Iterator[Reading], channels: Sequence[Channel], out: IO[bytes]
) -> None:
    rows = (
        (
            _time(one.taken_ms),
            one.device,
            one.probe,
            *(_text(values[c]) if c in values else "" for c in channels),
        )
        for one, values in _instants(readings)
    )
    _write_csv((*_WIDE, *channels), rows, out)


def _write_json(rows: Iterable[Mapping[str, Any]], out: IO[bytes]) -> None:
    encode = msgspec.json.Encoder().encode
    separator = b"[\n"
    for some in _pages(rows):
        out.write(separator + b",\n".join(map(encode, some)))
        separator = b",\n"
    out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _long_json(readings: Iterator[Reading], out: IO[bytes]) -> None:
    rows = (
        {
            "time": _time(r.taken_ms),
            "device": r.device,
            "probe": r.probe,
            "channel": r.channel,
            "value": r.value,
            "unit": SPECS[r.channel].unit,
        }
        for r in readings
    )
    _write_json(rows, out)


def _wide_json(
    readings: Iterator[Reading], channels: Sequence[Channel], out: IO[bytes]
) -> None:
    rows = (
        {"time": _time(one.taken_ms), "device": one.device, "probe": one.probe} | values
        for one, values in _instants(readings)
    )
    _write_json(rows, out)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _long_parquet(readings: Iterator[Reading], out: IO[bytes]) -> None:
    import pyarrow as pa

    labels = pa.dictionary(pa.int32(), pa.string())
    kinds = [pa.timestamp("ms", tz="UTC"), labels, labels, labels, pa.float64(), labels]
    rows = (
        (
            r.taken_ms,
            r.device,
            r.probe,
            r.channel.value,
            _number(r.value),
            SPECS[r.channel].unit,
        )
        for r in readings
    )
    _write_parquet(list(zip(_LONG, kinds, strict=True)), rows, out)


def _wide_parquet(
    readings: Iterator[Reading], channels: Sequence[Channel], out: IO[bytes]
) -> None:
    import pyarrow as pa

    labels = pa.dictionary(pa.int32(), pa.string())
    head = zip(_WIDE, [pa.timestamp("ms", tz="UTC"), labels, labels], strict=True)
    rows = (
        (
            one.taken_ms,
            one.device,
            one.probe,
            *(_number(values[c]) if c in values else None for c in channels),
        )
        for one, values in _instants(readings)
    )
    _write_parquet([*head, *((c.value, pa.float64()) for c in channels)], rows, out)


def _write_parquet(
    columns: Sequence[tuple[str, Any]], rows: Iterable[Sequence[Any]], out: IO[bytes]
) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema(columns)
    with parquet.ParquetWriter(out, schema) as writer:
        for some in _pages(rows):
            arrays = [
                pa.array(values, type=field.type, from_pandas=False)
                for values, field in zip(zip(*some, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
