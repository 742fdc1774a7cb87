"""Ingest's promises on both stores: exact counts, nothing lost, nothing told too early."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, DeviceState, OutboxId, ProbeId, WorkerId
from greenwater.kernel.reading import Gap, Reading
from greenwater.kernel.topics import Up, up
from greenwater.kernel.wire.encode import encode
from greenwater.kernel.wire.messages import Ack, decode_message
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span, Telemetry
from ingest.counters import Counters
from ingest.intake import Batch, open_batch
from ingest.pipeline import Pipeline, Taken
from ingest.ports import Delivery
from ingest.seen import Seen
from tests.live.system import a_farm
from tests.servers import Influx
from tests.templates import empty_registry

NOW = datetime(2026, 6, 1, tzinfo=UTC)
T0 = 1_780_000_000_000
BOX = DeviceId("box-1")
OUTBOX = OutboxId("0123456789abcdef")
STATES = {BOX: DeviceState.ACTIVE, DeviceId("box-2"): DeviceState.REVOKED}


@pytest.fixture(params=["sqlite", pytest.param("influxdb", marks=pytest.mark.live)])
def telemetry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Telemetry]:
    if request.param == "sqlite":
        store = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    else:
        server: Influx = request.getfixturevalue("influx")
        store = open_telemetry(server.url(f"pipeline_{secrets.token_hex(6)}"))
    yield store
    store.close()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(empty_registry(tmp_path / "registry.db")) as opened:
        a_farm(opened, ["box-1", "box-2"])
        yield opened


class Numbered:
    """A worker whose numbers only the store remembers."""

    def __init__(self, name: str = "w1") -> None:
        self.id, self.last = WorkerId(name), 0

    def reached(self) -> int:
        return self.last

    def reach(self, sequence: int) -> None:
        self.last = sequence


def reading(
    at: int, value: float | None, probe: str = "a", channel: str = "ph"
) -> Reading:
    return Reading(BOX, ProbeId(probe), Channel(channel), T0 + at * 1000, value)


def batch(
    number: int, payload: bytes | Sequence[Reading], device: str = "box-1"
) -> Batch:
    raw = payload if isinstance(payload, bytes) else encode(payload)
    to = Up(DeviceId(device), OUTBOX, number)
    return open_batch(
        Delivery(up(*to), raw, None), to, states=STATES, now_s=NOW.timestamp()
    )


def pipeline(telemetry: Any, registry: Any, seen: Seen | None = None) -> Pipeline:
    return Pipeline(
        telemetry,
        registry,
        clock=ManualClock(NOW),
        worker=Numbered(),
        seen=seen or Seen(),
        counters=Counters(),
    )


def stored(
    telemetry: Telemetry, probe: str = "a"
) -> dict[tuple[str, int], float | None]:
    span = Span(Series(BOX, ProbeId(probe)), 0, 2**53)
    return {
        (r.channel, (r.taken_ms - T0) // 1000): r.value for r in telemetry.read(span)
    }


def told(taken: Taken) -> tuple[list[tuple[int, int]], list[int]]:
    acks = [decode_message(payload, Ack) for _, payload in taken.acks.messages()]
    return (
        [pair for ack in acks for pair in ack.stored],
        [one.batch for ack in acks for one in ack.refused],
    )


def counts(taken: Taken) -> tuple[int, int, int, int, int]:
    return (
        taken.received,
        taken.stored,
        taken.repeated,
        taken.quarantined,
        taken.overwritten,
    )


def test_new_readings_are_stored_told_and_recorded(
    telemetry: Telemetry, registry: Registry
) -> None:
    taken = pipeline(telemetry, registry).take_in(
        [batch(1, [reading(1, 7.0), reading(2, None)]), batch(2, [reading(3, 8.0)])]
    )
    assert counts(taken) == (3, 3, 0, 0, 0)
    assert told(taken) == ([(1, 2)], [])
    assert stored(telemetry) == {("ph", 1): 7.0, ("ph", 2): None, ("ph", 3): 8.0}
    rows = telemetry.intake_after({}, 10)
    assert [(row.sequence, row.batch, row.stored) for row in rows] == [
        (1, 1, 2),
        (2, 2, 1),
    ]
    assert (rows[0].min_ms, rows[0].max_ms) == (T0 + 1000, T0 + 2000)


def test_the_same_batch_again_is_repeated_and_told_again(
    telemetry: Telemetry, registry: Registry
) -> None:
    run = pipeline(telemetry, registry)
    first = [reading(1, 7.0), reading(2, 7.5)]
    run.take_in([batch(1, first)])
    again = run.take_in([batch(1, first)])
    assert counts(again) == (2, 0, 2, 0, 0)
    assert told(again) == ([(1, 1)], [])


def test_after_a_restart_values_say_what_memory_has_forgotten(
    telemetry: Telemetry, registry: Registry
) -> None:
    first = [reading(1, 7.0), reading(2, 7.5)]
    pipeline(telemetry, registry).take_in([batch(1, first)])
    again = pipeline(telemetry, registry).take_in([batch(1, first)])
    assert counts(again) == (2, 0, 2, 0, 0)


def test_another_value_replaces_and_the_old_one_rests_in_quarantine(
    telemetry: Telemetry, registry: Registry
) -> None:
    run = pipeline(telemetry, registry)
    run.take_in([batch(1, [reading(1, 7.0), reading(2, None), reading(3, 9.0)])])
    taken = run.take_in(
        [batch(2, [reading(1, 7.7), reading(2, 6.0), reading(3, None)])]
    )
    assert counts(taken) == (3, 3, 0, 0, 3)
    assert stored(telemetry) == {("ph", 1): 7.7, ("ph", 2): 6.0, ("ph", 3): None}
    held = [registry.get_quarantined(one.id) for one in registry.list_quarantine()]
    assert {one.kind for one in held} == {"overwritten"}
    old = [msgspec.json.decode(one.raw or b"", type=Reading).value for one in held]
    assert sorted(old, key=str) == [7.0, 9.0, None]


def test_a_bad_record_rests_beside_the_good_ones_and_blocks_nothing(
    telemetry: Telemetry, registry: Registry
) -> None:
    payload = (
        b'[{"bn":"a/","bt":1780000001,"n":"ph","u":"pH","v":7.1},'
        b'{"n":"plankton","u":"1","v":3},{"n":"ph","u":"mg/L","t":1,"v":7},'
        b'{"n":"ph","u":"pH","t":2,"v":7.3}]'
    )
    taken = pipeline(telemetry, registry).take_in(
        [batch(1, payload), batch(2, b"\x00nonsense"), batch(3, [reading(9, 7.9)])]
    )
    assert counts(taken) == (6, 3, 0, 3, 0)
    assert told(taken) == ([(1, 1), (3, 3)], [2])
    assert stored(telemetry) == {("ph", 1): 7.1, ("ph", 3): 7.3, ("ph", 9): 7.9}
    reasons = [one.reason for one in registry.list_quarantine()]
    assert len(reasons) == 3
    assert any("plankton" in reason for reason in reasons)


def test_a_revoked_or_unknown_device_is_not_told_and_not_stored(
    telemetry: Telemetry, registry: Registry
) -> None:
    some = [reading(1, 7.0)]
    taken = pipeline(telemetry, registry).take_in(
        [batch(1, some, "box-2"), batch(1, some, "ghost")]
    )
    assert counts(taken) == (2, 0, 0, 2, 0)
    assert told(taken) == ([], [])
    assert telemetry.series() == []
    assert telemetry.intake_after({}, 10) == []


def test_a_number_with_other_content_is_a_clone_named_and_kept(
    telemetry: Telemetry, registry: Registry
) -> None:
    run = pipeline(telemetry, registry)
    run.take_in([batch(1, [reading(1, 7.0)])])
    taken = run.take_in([batch(1, [reading(5, 4.0)])])
    assert told(taken) == ([], [1])
    assert stored(telemetry) == {("ph", 1): 7.0}
    (alarm,) = registry.operator_alarms()
    assert (alarm.kind, alarm.subject) == ("cloned-box", "box-1")
    assert "batch 1 of outbox 0123456789abcdef" in alarm.message


def test_gaps_are_kept(telemetry: Telemetry, registry: Registry) -> None:
    gap = Gap(BOX, ProbeId("a"), T0, T0 + 60_000, 12, "thinned")
    taken = pipeline(telemetry, registry).take_in([batch(1, encode([], [gap]))])
    assert counts(taken) == (1, 1, 0, 0, 0)
    span = Span(Series(BOX, ProbeId("a")), T0 - 1, T0 + 1)
    assert list(telemetry.gaps(span)) == [gap]


class PowerCut(BaseException):
    """Not an Exception: no ``except Exception`` may survive a power cut."""


class Mains:
    """Cuts the power before or after the n-th call of a port."""

    def __init__(self, fails_at: int) -> None:
        self.left = fails_at

    def tick(self) -> None:
        if self.left == 0:
            raise PowerCut
        self.left -= 1


class Wired:
    """A real store or registry whose every call may be the last."""

    def __init__(self, real: object, mains: Mains) -> None:
        self._real, self._mains = real, mains

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._real, name)

        def call(*args: Any, **words: Any) -> Any:
            self._mains.tick()
            result = act(*args, **words)
            self._mains.tick()
            return result

        return call


def test_a_power_cut_anywhere_loses_nothing_and_tells_nothing_too_early(
    tmp_path: Path,
) -> None:
    for fails_at in count():
        folder = tmp_path / str(fails_at)
        folder.mkdir()
        telemetry = open_telemetry(f"sqlite:///{folder}/telemetry.db")
        with open_registry(empty_registry(folder / "registry.db")) as registry:
            a_farm(registry, ["box-1", "box-2"])
            pipeline(telemetry, registry).take_in([batch(1, [reading(1, 7.0)])])
            group: list[bytes | list[Reading]] = [
                [reading(1, 7.5), reading(2, 8.0)],
                [reading(3, None)],
                b"rubbish",
            ]
            mains = Mains(fails_at)
            try:
                wired = (Wired(telemetry, mains), Wired(registry, mains))
                run = pipeline(*wired)
                taken = run.take_in([batch(n, one) for n, one in enumerate(group, 2)])
                uncut = True
            except PowerCut:
                uncut = False  # nothing was returned, so nobody was told
                seen = Seen()
                seen.load(telemetry.intake_recent(1000))
                run = pipeline(telemetry, registry, seen)
                taken = run.take_in([batch(n, one) for n, one in enumerate(group, 2)])
            assert told(taken) == ([(2, 3)], [4])
            assert stored(telemetry) == {
                ("ph", 1): 7.5,
                ("ph", 2): 8.0,
                ("ph", 3): None,
            }
            kinds = sorted(one.kind for one in registry.list_quarantine())
            assert kinds == ["batch", "overwritten"]
            rows = telemetry.intake_after({}, 100)
            assert {row.batch for row in rows} == {1, 2, 3, 4}
            sequences = [row.sequence for row in rows]
            assert sequences == sorted(set(sequences))
        telemetry.close()
        if uncut:
            break
    assert fails_at >= 10, "the power was cut at every call, before and after"


def test_counts_add_up_over_any_of_these(
    telemetry: Telemetry, registry: Registry
) -> None:
    run = pipeline(telemetry, registry)
    groups: list[list[Batch]] = [
        [batch(1, [reading(n, 7.0) for n in range(5)])],
        [batch(1, [reading(n, 7.0) for n in range(5)]), batch(2, b"[1,2]")],
        [batch(3, [reading(2, 7.0), reading(2, 6.0), reading(9, 1.0)])],
        [batch(4, b"x"), batch(5, [reading(1, 3.0)], "ghost")],
        [batch(6, [reading(n, 7.0, probe="b") for n in range(3)])],
    ]
    total = [0] * 5
    for group in groups:
        taken = run.take_in(group)
        received, kept, repeated, aside, _ = counts(taken)
        assert received == kept + repeated + aside
        total = [a + b for a, b in zip(total, counts(taken), strict=True)]
    assert total[0] == 5 + 5 + 2 + 3 + 1 + 1 + 3
    assert len(stored(telemetry)) == 6
    assert len(stored(telemetry, "b")) == 3
    # Two values of one identity in one batch: the last stands, the other is aside.
    assert stored(telemetry)["ph", 2] == 6.0


def test_two_depths_on_one_box_and_a_probe_moved_in_a_backlog(
    telemetry: Telemetry, registry: Registry
) -> None:
    registry.add_unit("ao-2", site="site", name="Ao 2")
    for probe, depth in (("top", 0.4), ("deep", 1.2)):
        registry.add_probe("box-1", probe)
        registry.deploy(
            "box-1", probe, unit="ao-1", depth_m=depth, from_ms=T0, now_ms=T0
        )
    # Moved at 50 s; the readings before and after arrive much later, in one batch.
    registry.deploy(
        "box-1",
        "top",
        unit="ao-2",
        depth_m=0.5,
        from_ms=T0 + 50_000,
        now_ms=T0 + 60_000,
    )
    late = [reading(n, 5.0 + n, probe="top") for n in (40, 49, 50, 60)]
    run = pipeline(telemetry, registry)
    run.take_in([batch(2, [reading(70, 9.0, probe="deep")])])
    run.take_in([batch(1, late)])
    by_unit = {
        unit: sorted(
            (r.probe, (r.taken_ms - T0) // 1000)
            for one in registry.deployments(unit=unit, start_ms=T0, end_ms=2**53)
            for r in telemetry.read(
                Span(Series(one.device, one.probe), one.from_ms, one.to_ms or 2**53)
            )
        )
        for unit in ("ao-1", "ao-2")
    }
    assert by_unit == {
        "ao-1": [("deep", 70), ("top", 40), ("top", 49)],
        "ao-2": [("top", 50), ("top", 60)],
    }
    where = registry.where("box-1", "deep", T0 + 70_000)
    assert where is not None
    assert where.depth_m == 1.2


class Moody:
    """A real store that refuses the first write, and forgets why."""

    def __init__(self, real: Telemetry) -> None:
        self._real, self._has_refused = real, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def write(self, readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> None:
        if not self._has_refused:
            self._has_refused = True
            raise InputError("field type conflict")
        self._real.write(readings, gaps)


def test_gaps_are_kept_when_the_write_they_went_with_is_refused(
    telemetry: Telemetry, registry: Registry
) -> None:
    gap = Gap(BOX, ProbeId("a"), T0, T0 + 60_000, 12, "thinned")
    payload = encode([reading(1, 7.0), reading(2, 7.1)], [gap])
    taken = pipeline(Moody(telemetry), registry).take_in([batch(1, payload)])
    assert counts(taken) == (3, 3, 0, 0, 0)
    span = Span(Series(BOX, ProbeId("a")), T0 - 1, T0 + 1)
    assert list(telemetry.gaps(span)) == [gap]


class Restoring:
    """A real store during whose every question an operator asks for a resend."""

    def __init__(self, real: Telemetry) -> None:
        self._real = real
        self.run: Pipeline | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def newest(self, series: Sequence[Series]) -> Any:
        if self.run is not None:
            self.run.forget()
        return self._real.newest(series)


def test_a_resend_asked_for_in_the_middle_of_a_group_waits_for_its_end(
    telemetry: Telemetry, registry: Registry
) -> None:
    store = Restoring(telemetry)
    store.run = run = pipeline(store, registry)
    run.take_in([batch(1, [reading(1, 7.0)])])
    taken = run.take_in([batch(2, [reading(2, 7.1), reading(2, 7.2, probe="b")])])
    assert counts(taken) == (2, 2, 0, 0, 0)
    # Nothing remembered is trusted now: the values themselves say what is there.
    again = run.take_in([batch(1, [reading(1, 7.0)])])
    assert counts(again) == (1, 0, 1, 0, 0)


def test_after_forgetting_what_a_restore_lost_is_stored_again(
    tmp_path: Path, registry: Registry
) -> None:
    stores = [open_telemetry(f"sqlite:///{tmp_path}/{name}.db") for name in "ab"]

    class Restored:
        now = 0

        def __getattr__(self, name: str) -> Any:
            return lambda *args: getattr(stores[self.now], name)(*args)

    swapped = Restored()
    run = pipeline(swapped, registry)
    run.take_in([batch(1, [reading(1, 7.0)])])
    swapped.now = 1
    run.forget()
    taken = run.take_in([batch(1, [reading(1, 7.0)])])
    assert counts(taken) == (1, 1, 0, 0, 0)
    assert stored(stores[1]) == {("ph", 1): 7.0}
    for one in stores:
        one.close()
