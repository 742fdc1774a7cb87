"""Export: what is written reads back as what is stored, in bounded memory."""

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import LARGEST, Reading, milliseconds
from greenwater.storage.export import (
    Format,
    deployed_spans,
    device_spans,
    export,
)
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span, Telemetry
from tests.examples import examples

T = 1_764_000_000_000
BOX, TOP, BOTTOM = DeviceId("box-7"), ProbeId("do-top"), ProbeId("do-bottom")
EVER = 2**62


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    with closing(open_telemetry(f"sqlite:///{tmp_path / 't.db'}")) as store:
        yield store


def a_reading(
    taken_ms: int,
    value: float | None,
    *,
    probe: ProbeId = TOP,
    channel: Channel = Channel.TEMPERATURE,
    device: DeviceId = BOX,
) -> Reading:
    return Reading(device, probe, channel, taken_ms, value)


def exported(
    store: Telemetry, file_format: Format, spans: Sequence[Span], *, wide: bool = False
) -> bytes:
    out = io.BytesIO()
    export(store, spans, file_format, out, wide=wide)
    return out.getvalue()


def all_of(store: Telemetry) -> list[Span]:
    return [Span(series, 0, 10**14) for series in store.series()]


def ms_of(text: str) -> int:
    return milliseconds(datetime.fromisoformat(text))


def rows_of(payload: bytes, file_format: Format) -> list[dict[str, Any]]:
    """Read a file back: absent is no key, answered badly is None."""
    if file_format is Format.CSV:
        rows: list[dict[str, Any]] = [
            {k: v for k, v in row.items() if v != "" or k == "unit"}
            for row in csv.DictReader(io.StringIO(payload.decode()))
        ]
    elif file_format is Format.JSON:
        return [
            row | {"time": ms_of(row["time"])} for row in json.loads(payload.decode())
        ]
    else:
        from pyarrow import parquet

        table = parquet.read_table(io.BytesIO(payload))
        rows = [
            {k: v for k, v in row.items() if v is not None}
            | {"time": row["time"].isoformat()}
            for row in table.to_pylist()
        ]
    words = {"time", "device", "probe", "channel", "unit"}
    return [
        {
            key: ms_of(value)
            if key == "time"
            else value
            if key in words
            else None
            if math.isnan(float(value))
            else float(value)
            for key, value in row.items()
        }
        for row in rows
    ]


MIXED = [
    a_reading(T, 28.5),
    a_reading(T, 6.25, channel=Channel.DISSOLVED_OXYGEN),
    a_reading(T, 2.75, channel=Channel.DISSOLVED_OXYGEN, probe=BOTTOM),
    a_reading(T + 60_000, None),
    a_reading(T + 60_001, 1e-300),
    a_reading(T + 60_001, -0.1, channel=Channel.ORP),
    a_reading(T + 120_000, 7.0, channel=Channel.PH, probe=BOTTOM),
]


@pytest.mark.parametrize("file_format", Format)
def test_a_long_file_holds_one_row_for_each_reading_in_time_order(
    telemetry: Telemetry, file_format: Format
) -> None:
    telemetry.write(MIXED)
    rows = rows_of(exported(telemetry, file_format, all_of(telemetry)), file_format)
    assert [row["time"] for row in rows] == sorted(r.taken_ms for r in MIXED)
    assert {
        (r["time"], r["device"], r["probe"], r["channel"], r["value"]) for r in rows
    } == {(r.taken_ms, r.device, r.probe, r.channel, r.value) for r in MIXED}
    units = {row["channel"]: row["unit"] for row in rows}
    assert units == {
        "temperature": "°C",
        "dissolved_oxygen": "mg/L",
        "orp": "mV",
        "ph": "",
    }


@pytest.mark.parametrize("file_format", Format)
def test_a_wide_file_tells_badly_answered_from_absent(
    telemetry: Telemetry, file_format: Format
) -> None:
    telemetry.write(MIXED)
    payload = exported(telemetry, file_format, all_of(telemetry), wide=True)
    rows = rows_of(payload, file_format)
    assert rows == [
        {"time": T, "device": BOX, "probe": BOTTOM, "dissolved_oxygen": 2.75},
        {
            "time": T,
            "device": BOX,
            "probe": TOP,
            "temperature": 28.5,
            "dissolved_oxygen": 6.25,
        },
        {"time": T + 60_000, "device": BOX, "probe": TOP, "temperature": None},
        {
            "time": T + 60_001,
            "device": BOX,
            "probe": TOP,
            "temperature": 1e-300,
            "orp": -0.1,
        },
        {"time": T + 120_000, "device": BOX, "probe": BOTTOM, "ph": 7.0},
    ]


def test_the_csv_is_what_the_docstring_says(telemetry: Telemetry) -> None:
    telemetry.write(MIXED[:4])
    spans = all_of(telemetry)
    assert exported(telemetry, Format.CSV, spans).decode().splitlines()[:2] == [
        "time,device,probe,channel,value,unit",
        "2025-11-24T16:00:00.000Z,box-7,do-bottom,dissolved_oxygen,2.75,mg/L",
    ]
    assert exported(telemetry, Format.CSV, spans, wide=True).decode().splitlines() == [
        "time,device,probe,temperature,dissolved_oxygen",
        "2025-11-24T16:00:00.000Z,box-7,do-bottom,,2.75",
        "2025-11-24T16:00:00.000Z,box-7,do-top,28.5,6.25",
        "2025-11-24T16:01:00.000Z,box-7,do-top,NaN,",
    ]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=examples(25),
)
@given(
    values=st.lists(
        st.none() | st.floats(-LARGEST, LARGEST),
        min_size=1,
        max_size=20,
    ),
    file_format=st.sampled_from(Format),
    wide=st.booleans(),
)
def test_every_double_comes_back_as_itself(
    tmp_path: Path, values: list[float | None], file_format: Format, wide: bool
) -> None:
    (tmp_path / "h.db").unlink(missing_ok=True)
    (tmp_path / "h.db-wal").unlink(missing_ok=True)
    (tmp_path / "h.db-shm").unlink(missing_ok=True)
    with closing(open_telemetry(f"sqlite:///{tmp_path / 'h.db'}")) as store:
        store.write([a_reading(T + i, value) for i, value in enumerate(values)])
        payload = exported(store, file_format, all_of(store), wide=wide)
    rows = rows_of(payload, file_format)
    assert [row["temperature" if wide else "value"] for row in rows] == values


@pytest.mark.parametrize("file_format", Format)
@pytest.mark.parametrize("wide", [False, True])
def test_nothing_to_export_is_still_a_file(
    telemetry: Telemetry, file_format: Format, wide: bool
) -> None:
    out = io.BytesIO()
    assert export(telemetry, [], file_format, out, wide=wide) == 0
    assert rows_of(out.getvalue(), file_format) == []


def test_a_unit_is_what_hung_in_it_when_it_hung_there(telemetry: Telemetry) -> None:
    """A probe moved from Ao 3 to Ao 4 at noon: each pond has its own half."""
    telemetry.write([a_reading(T + i * 1000, float(i)) for i in range(10)])
    moved = T + 5_000
    hung = [
        Deployed(BOX, TOP, "ao-3", None, 0.5, 0, moved),
        Deployed(BOX, TOP, "ao-4", None, 0.5, moved, None),
    ]

    def values(some: Sequence[Deployed]) -> list[float]:
        spans = deployed_spans(some, T + 1_000, EVER)
        payload = exported(telemetry, Format.JSON, spans)
        return [row["value"] for row in rows_of(payload, Format.JSON)]

    assert values(hung[:1]) == [1, 2, 3, 4]
    assert values(hung[1:]) == [5, 6, 7, 8, 9]
    assert values(hung) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert deployed_spans(hung[:1], moved, EVER) == []


def test_a_device_is_all_its_probes(telemetry: Telemetry) -> None:
    telemetry.write([*MIXED, a_reading(T, 1.0, device=DeviceId("box-8"))])
    spans = device_spans(telemetry.series(), BOX, T, T + 1)
    assert {span.series.probe for span in spans} == {TOP, BOTTOM}
    out = io.BytesIO()
    assert export(telemetry, spans, Format.CSV, out) == 3
    assert b"box-8" not in out.getvalue()


class Sine:
    """A store that could never fit in memory: any number of readings, made as they are read."""

    COUNT = 120_000

    def read(self, span: Span) -> Iterator[Reading]:
        for i in range(self.COUNT // 2):
            yield a_reading(T + i * 1000, math.sin(i), probe=span.series.probe)

    def latest(self, device: DeviceId) -> Sequence[Reading]:
        return [a_reading(T, 0.0), a_reading(T, 0.0, probe=BOTTOM)]


class Drain(io.RawIOBase):
    """A file that forgets what it is given."""

    def __init__(self) -> None:
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, payload: Any) -> int:
        self.size += len(payload)
        return len(payload)

    def tell(self) -> int:
        return self.size


@pytest.mark.parametrize("file_format", Format)
@pytest.mark.parametrize("wide", [False, True])
def test_rows_leave_while_others_are_still_being_read(
    file_format: Format, wide: bool
) -> None:
    """Memory stays bounded: never more than two pages of rows are held."""
    spans = [Span(Series(BOX, probe), 0, EVER) for probe in (TOP, BOTTOM)]
    drain = Drain()
    written_at: list[tuple[int, int]] = []
    with io.BufferedWriter(drain, 1) as out:
        count = export(
            Sine(),
            spans,
            file_format,
            out,
            wide=wide,
            progress=lambda read: written_at.append((read, drain.size)),
        )
    assert count == Sine.COUNT
    assert [read for read, _ in written_at] == list(range(20_000, count + 1, 20_000))
    sizes = [size for _, size in written_at[2:]]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) >= len(sizes) // 2
    assert sizes[-1] > drain.size // 2
