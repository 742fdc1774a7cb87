"""The daily upkeep on both stores: old raw readings go, their roll-ups and the rest stay."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading, milliseconds
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Intake, Series, Span, Telemetry
from greenwater.storage.telemetry.retention import DAY_MS, HOUR_MS, RAW_DAYS
from ingest.upkeep import Upkeep
from tests.servers import Influx

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOW_MS = milliseconds(NOW)
WORKER = WorkerId("w1")


@pytest.fixture(params=["sqlite", pytest.param("influxdb", marks=pytest.mark.live)])
def telemetry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Telemetry]:
    if request.param == "sqlite":
        store = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    else:
        server: Influx = request.getfixturevalue("influx")
        store = open_telemetry(server.url(f"upkeep_{secrets.token_hex(6)}"))
    yield store
    store.close()


def reading(channel: Channel, days_ago: float, value: float) -> Reading:
    taken_ms = NOW_MS - round(days_ago * DAY_MS)
    return Reading(DeviceId("box-1"), ProbeId("a"), channel, taken_ms, value)


def row(sequence: int) -> Intake:
    return Intake(
        WORKER, sequence, DeviceId("box-1"), "o" * 16, sequence, 7, 1, 0, 0, 0, 0, 0, 0
    )


def test_each_measurement_goes_by_its_own_time(telemetry: Telemetry) -> None:
    between = (min(RAW_DAYS.values()) + max(RAW_DAYS.values())) / 2
    old = max(RAW_DAYS.values()) + 10
    telemetry.write(
        [
            reading(channel, days, 5.0)
            for channel in (Channel.PH, Channel.LATITUDE, Channel.BATTERY)
            for days in (1, between, old)
        ]
    )
    Upkeep(telemetry, WORKER, ManualClock(NOW)).do()
    series = Series(DeviceId("box-1"), ProbeId("a"))
    span = Span(series, 0, NOW_MS + 1)
    left = {
        (r.channel.value, round((NOW_MS - r.taken_ms) / DAY_MS))
        for r in telemetry.read(span)
    }
    assert left == {
        ("ph", 1),
        ("latitude", 1),
        ("latitude", round(between)),  # vessel tracks are kept at least 36 months
        ("battery", 1),
    }
    buckets = telemetry.downsample(span, Channel.PH, HOUR_MS)
    assert [bucket.mean for bucket in buckets] == [5.0, 5.0, 5.0]


def test_intake_keeps_its_latest_rows(telemetry: Telemetry) -> None:
    telemetry.record([row(number) for number in range(1, 21)])
    Upkeep(telemetry, WORKER, ManualClock(NOW), intake_kept=5).do()
    left = [one.sequence for one in telemetry.intake_after({}, 100)]
    assert left[-5:] == [16, 17, 18, 19, 20]
    assert len(left) <= 6
    assert telemetry.last_sequence(WORKER) == 20


def test_it_is_not_due_at_the_start(telemetry: Telemetry) -> None:
    telemetry.write([reading(Channel.PH, 1_000, 5.0)])
    Upkeep(telemetry, WORKER, ManualClock(NOW)).look()
    span = Span(Series(DeviceId("box-1"), ProbeId("a")), 0, NOW_MS)
    assert len(list(telemetry.read(span))) == 1
