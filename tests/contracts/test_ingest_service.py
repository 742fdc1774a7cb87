"""The service's threads on real stores: each group counted once, statuses in order."""

import random
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from greenwater.kernel import topics
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import CommandId
from greenwater.kernel.wire.encode import encode
from greenwater.kernel.wire.messages import Reply, Status, encode_message
from greenwater.storage.registry import Registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Telemetry
from ingest.bootstrap import client_id
from ingest.clones import QUIET_MS
from ingest.counters import Counters
from ingest.duties import Duties
from ingest.mapping import Mappings
from ingest.pipeline import Pipeline
from ingest.ports import Delivery
from ingest.queue import DeliveryQueue
from ingest.seen import Seen
from ingest.service import Ingest
from ingest.upkeep import Upkeep
from tests.contracts.registries import replies
from tests.contracts.test_ingest_pipeline import (
    BOX,
    NOW,
    OUTBOX,
    Numbered,
    reading,
)
from tests.live.clients import wait_for
from tests.live.system import a_farm


class Heard:
    """An outlet that remembers."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []
        self.acknowledged: list[object] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.published.append((topic, payload))

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self.acknowledged += [one.receipt for one in deliveries]


class Failing:
    """A real registry that does not answer at the n-th call of one method."""

    def __init__(self, real: Registry, method: str, at: int) -> None:
        self._real, self._method, self._left = real, method, at

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            self._left -= 1
            if self._left == 0:
                raise UnavailableError(f"{name} is not answered")
        return getattr(self._real, name)


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    store = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    yield store
    store.close()


@pytest.fixture
def farm(registry: Registry) -> Registry:
    a_farm(registry, ["box-1"])
    return registry


class Bench:
    """Ingest without a broker."""

    def __init__(
        self, registry: Any, telemetry: Telemetry, home: Path, **options: int
    ) -> None:
        self.clock, self.counters = ManualClock(NOW), Counters()
        self.queue, self.outlet = DeliveryQueue(1_000, 2**20), Heard()
        limits: dict[str, Any] = {
            "disk_free_mb": 1,
            "lag_alarm_s": 60,
            "quarantine_per_hour": 2,
        }
        self.duties = Duties(
            registry,
            clock=self.clock,
            counters=self.counters,
            home=home,
            epoch="e",
            on_resend=lambda: None,
            **(limits | options),
        )
        worker = Numbered()
        self.service = Ingest(
            pipeline=Pipeline(
                telemetry,
                registry,
                clock=self.clock,
                worker=worker,
                seen=Seen(),
                counters=self.counters,
            ),
            registry=registry,
            outlet=lambda: self.outlet,
            queue=self.queue,
            mappings=Mappings(),
            duties=self.duties,
            upkeep=Upkeep(telemetry, worker.id, self.clock),
            counters=self.counters,
            clock=self.clock,
            rng=random.Random(1),
            group_deliveries=1_000,
            group_bytes=2**20,
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(self.service.run, stop)
            try:
                yield
            finally:
                stop.set()
                done.result(60)

    def settle(self, deliveries: Sequence[tuple[str, bytes]]) -> None:
        """Have these come in as one group, and wait until all are acknowledged."""
        receipts = [object() for _ in deliveries]
        for (topic, payload), receipt in zip(deliveries, receipts, strict=True):
            assert self.queue.offer(Delivery(topic, payload, receipt))
        with self.running():
            wait_for(
                "all are acknowledged",
                lambda: len(self.outlet.acknowledged) == len(receipts),
            )
        assert self.outlet.acknowledged == receipts


def status(boot: str) -> tuple[str, bytes]:
    return topics.status(BOX), encode_message(Status(online=True, boot=boot))


def reply(command: str) -> tuple[str, bytes]:
    said = encode_message(Reply(command, True))
    return topics.reply(BOX, CommandId(command)), said


GROUP = [
    (topics.up(BOX, OUTBOX, 1), encode([reading(1, 7.0), reading(2, 7.1)])),
    (topics.status(BOX), b"no status at all"),
    status("boot-a"),
    reply("one-0001"),
    reply("two-0001"),
    status("boot-b"),
]


@pytest.mark.parametrize(
    ("method", "at"),
    [("nothing", 1), ("save_reply", 1), ("save_reply", 2), ("quarantine", 1)],
)
def test_a_group_is_counted_once_however_often_its_rest_fails(
    farm: Registry, telemetry: Telemetry, tmp_path: Path, method: str, at: int
) -> None:
    for command in ("one-0001", "two-0001"):
        farm.add_command(command, BOX, "identify", {}, now_ms=1, expires_ms=2**50)
    bench = Bench(Failing(farm, method, at), telemetry, tmp_path)
    bench.settle(GROUP)
    counts = bench.counters.snapshot()
    assert counts["retries"] == (method != "nothing")
    del counts["retries"], counts["groups"]
    expected = dict.fromkeys(counts, 0) | {
        "received": 3, "stored": 2, "quarantined": 1,
        "batches": 1, "statuses": 2, "replies": 2,
    }  # fmt: skip
    assert counts == expected
    assert replies(farm)["one-0001"] == Reply("one-0001", True)
    assert replies(farm)["two-0001"] == Reply("two-0001", True)
    assert farm.operator_alarms() == [], "a group done again is no second box"
    assert [row.stored for row in telemetry.intake_after({}, 10)] == [2]


def test_statuses_of_one_group_keep_their_order(
    farm: Registry, telemetry: Telemetry, tmp_path: Path
) -> None:
    bench = Bench(farm, telemetry, tmp_path)
    bench.settle([status("boot-a"), status("boot-b"), status("boot-a")])
    bench.duties.do(bench.outlet)
    (alarm,) = farm.operator_alarms()
    assert (alarm.kind, alarm.subject) == ("cloned-box", BOX)
    assert "boots boot-b and boot-a" in alarm.message


def test_a_contradicted_number_is_an_alarm_for_a_day_after_the_last_one(
    farm: Registry, telemetry: Telemetry, tmp_path: Path
) -> None:
    bench = Bench(farm, telemetry, tmp_path)
    up = topics.up(BOX, OUTBOX, 1)
    bench.settle([(up, encode([reading(1, 7.0)])), (up, encode([reading(1, 7.5)]))])

    def alarms(hours: float) -> list[str]:
        bench.clock.advance(timedelta(hours=hours))
        bench.duties.do(bench.outlet)
        return [one.kind for one in farm.operator_alarms()]

    assert alarms(0) == ["cloned-box"]
    assert alarms(23.9) == ["cloned-box"]
    bench.duties.contradicted({BOX: "once more"})
    assert alarms(23.9) == ["cloned-box"]
    assert alarms(0.2) == []
    bench.duties.contradicted({BOX: "and again"})
    assert alarms(0) == ["cloned-box"]


def fresh(farm: Registry, telemetry: Telemetry, home: Path, **options: int) -> Bench:
    bench = Bench(farm, telemetry, home, **options)
    bench.duties.do(bench.outlet)
    return bench


def test_alarms_of_an_earlier_run_are_cleared_by_the_next(
    farm: Registry, telemetry: Telemetry, tmp_path: Path
) -> None:
    first = fresh(farm, telemetry, tmp_path, disk_free_mb=10**9, lag_alarm_s=0)
    first.duties.contradicted({BOX: "other bytes"})
    first.counters.add(quarantined=3)
    first.duties.store_failed("no answer")
    first.duties.do(first.outlet)
    kinds = sorted(one.kind for one in farm.operator_alarms())
    assert kinds == ["cloned-box", "disk", "ingest-lag", "quarantine"]

    second = fresh(farm, telemetry, tmp_path)
    assert [one.kind for one in farm.operator_alarms()] == ["cloned-box"]
    second.clock.advance(timedelta(milliseconds=QUIET_MS))
    second.duties.do(second.outlet)
    assert farm.operator_alarms() == []


def test_it_says_how_much_waits_and_takes_back_what_it_said_before(
    farm: Registry, telemetry: Telemetry, tmp_path: Path
) -> None:
    for waiting in (7, 0):
        bench = Bench(farm, telemetry, tmp_path)
        bench.duties.settled(waiting)
        bench.duties.do(bench.outlet)
        (told,) = farm.pulses()
        assert (told.name, told.facts["queue"]) == ("ingest", waiting)


def test_growth_of_quarantine_is_an_alarm_until_it_has_been_quiet_for_an_hour(
    farm: Registry, telemetry: Telemetry, tmp_path: Path
) -> None:
    bench = fresh(farm, telemetry, tmp_path)

    def look() -> list[str]:
        bench.duties.do(bench.outlet)
        return [one.kind for one in farm.operator_alarms()]

    bench.counters.add(quarantined=2)
    assert look() == []
    bench.counters.add(quarantined=1)
    assert look() == ["quarantine"]
    bench.clock.advance(timedelta(minutes=59))
    assert look() == ["quarantine"]
    bench.clock.advance(timedelta(minutes=2))
    assert look() == []


def test_a_status_that_no_database_takes_does_not_end_the_service(
    farm: Registry, telemetry: Telemetry, tmp_path: Path
) -> None:
    bench = Bench(farm, telemetry, tmp_path)
    odd = Status(online=True, boot="\x00", outbox_depth=10**30, at_ms=2**70)
    bench.settle([(topics.status(BOX), encode_message(odd)), status("boot-a")])
    bench.duties.do(bench.outlet)


def test_a_client_id_lasts_and_is_made_where_a_power_cut_left_none(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ingest-w1.client-id"
    path.touch()
    made = client_id(tmp_path, "w1")
    assert made.startswith("gw-ingest-w1-")
    assert client_id(tmp_path, "w1") == made
    assert path.stat().st_mode & 0o777 == 0o600
