"""What a strict InfluxDB refuses is put aside, counted as such, and blocks nothing."""

import secrets
from collections.abc import Iterator

import msgspec
import pytest

from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import ProbeId
from greenwater.kernel.reading import Gap, Reading
from greenwater.kernel.wire.encode import encode
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span, Telemetry
from ingest.replay import replay_entries
from tests.contracts.test_ingest_pipeline import (
    BOX,
    NOW,
    T0,
    Numbered,
    batch,
    counts,
    pipeline,
    reading,
    registry,
    stored,
    told,
)
from tests.live.scripted_influx import ScriptedInflux, running
from tests.servers import Influx

__all__ = ["registry"]  # a fixture
pytestmark = pytest.mark.live

GAP = Gap(BOX, ProbeId("a"), T0, T0 + 60_000, 12, "thinned")
OTHER = Gap(BOX, ProbeId("b"), T0, T0 + 60_000, 7, "torn")
EVER = Span(Series(BOX, ProbeId("a")), 0, 2**53)


@pytest.fixture
def server(influx: Influx) -> Iterator[ScriptedInflux]:
    """InfluxDB 2's manners in front of a real server that answers the questions."""
    database = f"refusing_{secrets.token_hex(6)}"
    open_telemetry(influx.url(database)).close()
    upstream = f"http://127.0.0.1:{influx.port}"
    with running(ScriptedInflux(upstream=upstream, database=database)) as scripted:
        yield scripted


@pytest.fixture
def telemetry(server: ScriptedInflux) -> Iterator[Telemetry]:
    store = open_telemetry(server.url)
    yield store
    store.close()


def refuse_gaps(server: ScriptedInflux) -> None:
    """As if the field ``count`` had been a float before."""
    server.types["gap", "count"] = float


def rows(telemetry: Telemetry) -> list[tuple[int, int, int, int, int]]:
    return [
        (row.batch, row.stored, row.repeated, row.quarantined, row.overwritten)
        for row in telemetry.intake_after({}, 100)
    ]


def held(registry: Registry, kind: str) -> list[bytes | None]:
    return [
        registry.get_quarantined(one.id).raw
        for one in registry.list_quarantine(kind=kind)
    ]


def test_a_refused_write_of_gaps_alone_is_put_aside_and_told(
    server: ScriptedInflux, telemetry: Telemetry, registry: Registry
) -> None:
    refuse_gaps(server)
    run = pipeline(telemetry, registry)
    taken = run.take_in([batch(1, encode([], [GAP, OTHER]))])
    assert counts(taken) == (2, 0, 0, 2, 0)
    assert told(taken) == ([(1, 1)], [])
    assert rows(telemetry) == [(1, 0, 0, 2, 0)]
    kept = [msgspec.json.decode(raw or b"", type=Gap) for raw in held(registry, "gap")]
    assert kept == [GAP, OTHER]
    assert counts(run.take_in([batch(2, [reading(1, 7.0)])])) == (1, 1, 0, 0, 0)


def test_refused_gaps_do_not_take_their_readings_along(
    server: ScriptedInflux, telemetry: Telemetry, registry: Registry
) -> None:
    refuse_gaps(server)
    taken = pipeline(telemetry, registry).take_in(
        [batch(1, encode([reading(1, 7.0)], [GAP])), batch(2, [reading(2, 7.5)])]
    )
    assert counts(taken) == (3, 2, 0, 1, 0)
    assert stored(telemetry) == {("ph", 1): 7.0, ("ph", 2): 7.5}
    assert rows(telemetry) == [(1, 1, 0, 1, 0), (2, 1, 0, 0, 0)]


def test_refused_readings_are_counted_in_the_row_of_their_own_batch(
    server: ScriptedInflux, telemetry: Telemetry, registry: Registry
) -> None:
    server.types["water", "turbidity"] = int
    bad = [reading(at, 3.0, channel="turbidity") for at in (1, 2)]
    taken = pipeline(telemetry, registry).take_in(
        [
            batch(1, encode([reading(1, 7.0), *bad], [GAP])),
            batch(2, [reading(9, 7.5)]),
        ]
    )
    # A row of the store is refused whole: what stands in it is asked for one by one.
    assert counts(taken) == (5, 3, 0, 2, 0)
    assert rows(telemetry) == [(1, 2, 0, 2, 0), (2, 1, 0, 0, 0)]
    assert stored(telemetry) == {("ph", 1): 7.0, ("ph", 9): 7.5}
    assert list(telemetry.gaps(EVER)) == [GAP]
    decoded = [
        msgspec.json.decode(raw or b"", type=Reading)
        for raw in held(registry, "reading")
    ]
    assert decoded == bad


def test_a_refused_replacement_leaves_the_old_value_and_blocks_nothing(
    server: ScriptedInflux, telemetry: Telemetry, registry: Registry
) -> None:
    run = pipeline(telemetry, registry)
    run.take_in([batch(1, [reading(1, 7.0), reading(1, 3.0, channel="turbidity")])])
    server.types["water", "turbidity"] = int
    again = [reading(1, 7.7), reading(1, 4.0, channel="turbidity"), reading(2, 8.0)]
    taken = run.take_in([batch(2, again)])
    assert counts(taken) == (3, 2, 0, 1, 1)
    assert told(taken) == ([(2, 2)], [])
    assert rows(telemetry)[1] == (2, 2, 0, 1, 1)
    assert stored(telemetry) == {
        ("ph", 1): 7.7,
        ("turbidity", 1): 3.0,
        ("ph", 2): 8.0,
    }


def test_what_was_refused_is_taken_in_once_the_store_is_put_right(
    server: ScriptedInflux, telemetry: Telemetry, registry: Registry
) -> None:
    refuse_gaps(server)
    pipeline(telemetry, registry).take_in([batch(1, encode([], [GAP]))])
    del server.types["gap", "count"]
    (entry,) = registry.list_quarantine(kind="gap")
    ((_, said),) = replay_entries(
        registry, telemetry, [entry.id], ManualClock(NOW), worker=Numbered("by-hand")
    )
    assert said == "1 stored, 0 there already"
    assert list(telemetry.gaps(EVER)) == [GAP]


def test_what_the_store_refuses_again_is_not_marked_as_taken_in(
    server: ScriptedInflux, telemetry: Telemetry, registry: Registry
) -> None:
    refuse_gaps(server)
    pipeline(telemetry, registry).take_in([batch(1, encode([], [GAP]))])
    (entry,) = registry.list_quarantine(kind="gap")
    ((_, said),) = replay_entries(
        registry, telemetry, [entry.id], ManualClock(NOW), worker=Numbered("by-hand")
    )
    assert said == "still refused: the store takes nothing of it"
    (kept,) = registry.list_quarantine(kind="gap")
    assert kept.replayed_ms is None
