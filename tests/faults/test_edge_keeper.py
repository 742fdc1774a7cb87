"""The keeper with a full disk, a wrong clock, a command that comes twice, a dying thread."""

import contextlib
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.agent import Agent
from edge.bootstrap import open_box
from edge.commands import Commands
from edge.control import Controller, Rule
from edge.keeper import MEMORY_READINGS, Keeper
from edge.notes import Notes
from edge.outbox import Outbox, Waiting
from edge.packs import unpack
from edge.schedule import Turns
from edge.settings import EdgeSettings
from edge.timekeeper import Timekeeper
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock, SystemClock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import ClockQuality, Gap, Reading, milliseconds
from greenwater.kernel.wire.messages import Command, Reply

BOX = DeviceId("box-1")
NOW = datetime(2026, 12, 1, tzinfo=UTC)
YEAR_0 = datetime(1970, 1, 1, tzinfo=UTC)


class Shelf:
    """An outlet that keeps what it is given."""

    def __init__(self) -> None:
        self.live: list[Waiting] = []
        self.is_open = True

    def takes_live(self) -> bool:
        return self.is_open

    def offer(self, batches: Sequence[Waiting], *, is_live: bool) -> None:
        self.live += batches


class Bench:
    """A keeper at work, its clocks in the test's hands."""

    def __init__(self, path: Path, clock: ManualClock, boot: str = "b1") -> None:
        self.clock, self.mono_ms, self.is_synced = clock, 10_000, True
        self.outbox = Outbox(
            path,
            device=BOX,
            budget_bytes=64 * 2**20,
            rng=random.Random(1),
            now_ms=0,
            probes=[ProbeId("a")],
        )
        self.timekeeper = Timekeeper(
            clock,
            is_simulated=False,
            is_trusted=False,
            boot=boot,
            mono_ms=lambda: self.mono_ms,
            is_synced=lambda: self.is_synced,
            has_battery=False,
        )
        self.ledger: list[Reading | Gap] = []
        self.keeper = Keeper(
            self.outbox,
            self.timekeeper,
            commit_every_s=0.05,
            on_confirmed=lambda readings, gaps: self.ledger.extend([*readings, *gaps]),
        )
        self.shelf = Shelf()
        self.keeper.outlet = self.shelf
        self.agent = Agent(BOX, self.timekeeper, self.keeper.take)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.keeper.run, args=(self._stop,))
        self._thread.start()

    def take(self, value: float) -> None:
        self.agent.take(ProbeId("a"), self.timekeeper.now(), {Channel.PH: value})

    def asked(self, act: Callable[[], object]) -> None:
        """Do something in the owner's thread, and wait."""
        done = threading.Event()

        def obey() -> None:
            act()
            done.set()

        self.keeper.ask(obey)
        assert done.wait(90)

    def answer(self, commands: Commands, command: Command) -> Reply | None:
        replies: list[Reply | None] = []
        self.asked(lambda: replies.append(commands.carry_out(command)))
        return replies[0]

    def kept(self) -> tuple[list[Reading], list[Gap]]:
        rows: list[tuple[bytes]] = []
        self.asked(
            lambda: rows.extend(
                self.outbox.file.db.execute("SELECT payload FROM pack ORDER BY place")
            )
        )
        found = [unpack(payload, BOX) for (payload,) in rows]
        return (
            [reading for readings, _ in found for reading in readings],
            [gap for _, gaps in found for gap in gaps],
        )

    def close(self) -> None:
        self._stop.set()
        self._thread.join(90)
        self.outbox.close()


def wait_until(what: str, is_so: Callable[[], bool], timeout_s: float = 90.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s, f"not in {timeout_s} s: {what}"
        time.sleep(0.005)


Benches = Callable[..., Bench]


@pytest.fixture
def benches(tmp_path: Path) -> Iterator[Benches]:
    opened: list[Bench] = []

    def bench(start: datetime, boot: str = "b1", path: Path | None = None) -> Bench:
        opened.append(Bench(path or tmp_path / "o.db", ManualClock(start), boot))
        return opened[-1]

    yield bench
    for one in opened:
        with contextlib.suppress(OSError):  # closed by the test
            one.close()


def test_what_was_handed_out_is_not_handed_out_again(benches: Benches) -> None:
    bench = benches(NOW)
    bench.shelf.is_open = False
    bench.take(7.0)
    wait_until("it is in the outbox", lambda: bench.keeper.figures.packs > 0)
    for _ in range(2):
        bench.keeper.want(5)
        for _ in range(2):  # the first may be heard before what is wanted
            bench.asked(lambda: None)
        assert len(bench.shelf.live) == 1


def test_a_reading_is_in_the_ledger_before_it_is_offered(benches: Benches) -> None:
    bench = benches(NOW)
    seen: list[int] = []
    offer = bench.shelf.offer

    def watched(batches: Sequence[Waiting], *, is_live: bool) -> None:
        seen.append(len(bench.ledger) if is_live else 0)
        offer(batches, is_live=is_live)

    bench.shelf.offer = watched  # type: ignore[method-assign]
    bench.take(7.0)
    wait_until("it is offered", lambda: bool(bench.shelf.live))
    assert seen == [1]


def test_confirmation_takes_less_than_a_second(benches: Benches) -> None:
    bench, took_s = benches(NOW), []
    for _ in range(5):
        before, began_s = len(bench.ledger), time.monotonic()
        bench.take(7.0)
        wait_until("it is confirmed", lambda before=before: len(bench.ledger) > before)  # type: ignore[misc]
        took_s.append(time.monotonic() - began_s)
        time.sleep(0.2)
    assert min(took_s) < 1.0, "a busy machine's disk may take longer now and then"


def test_what_is_taken_last_is_confirmed_before_the_end(benches: Benches) -> None:
    bench = benches(NOW)
    for n in range(10):
        bench.take(float(n))
    bench.close()
    assert len(bench.ledger) == 10


def test_a_clock_in_1970_is_timed_once_it_is_set(benches: Benches) -> None:
    bench = benches(YEAR_0)
    bench.is_synced = False
    assert bench.timekeeper.now().quality is ClockQuality.UNSYNCED
    for n in range(3):
        bench.take(float(n))
        bench.mono_ms += 60_000
    wait_until("they are kept", lambda: bench.keeper.untimed == 3)
    assert bench.ledger == []
    assert bench.shelf.live == []
    bench.clock.advance(NOW - YEAR_0)
    bench.is_synced = True
    wait_until("they are timed", lambda: len(bench.ledger) == 3)
    readings, gaps = bench.kept()
    end_ms = milliseconds(NOW)
    assert [r.taken_ms for r in readings] == [
        end_ms - 180_000, end_ms - 120_000, end_ms - 60_000,
    ]  # fmt: skip
    assert {r.clock for r in readings} == {ClockQuality.RETIMED}
    assert gaps == []
    assert bench.timekeeper.jumps.count == 1


def test_a_clock_a_year_ahead_takes_nothing_that_was_acknowledged_with_it(
    benches: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.keeper.FORGET_S", 0.0)
    monkeypatch.setattr("edge.keeper.HOUSEKEEPING_S", 0.01)
    bench = benches(NOW)
    bench.take(7.0)
    wait_until("it is sent", lambda: len(bench.shelf.live) == 1)
    bench.keeper.settle([bench.shelf.live[0].batch])
    wait_until("it is done", lambda: bench.keeper.figures.waiting == 0)
    bench.is_synced = False
    bench.clock.advance(timedelta(days=365))  # by hand, or a receiver's week counter
    wait_until("it is noticed", lambda: bench.timekeeper.jumps.count == 1)
    for _ in range(3):
        bench.asked(lambda: None)
        time.sleep(0.02)
    bench.clock.advance(timedelta(days=-365))
    bench.timekeeper.watch()  # asks anew whether a time server has set it
    bench.is_synced = True
    bench.asked(lambda: None)
    assert len(bench.kept()[0]) == 1


def test_readings_of_a_boot_that_never_knew_the_time_are_a_gap(
    benches: Benches, tmp_path: Path
) -> None:
    known = benches(NOW)
    known.take(7.0)
    wait_until("it is confirmed", lambda: len(known.ledger) == 1)
    known.close()
    lost = benches(YEAR_0, boot="b2")
    lost.is_synced = False
    lost.take(7.1)
    lost.take(7.2)
    wait_until("they are kept", lambda: lost.keeper.untimed == 2)
    lost.close()
    after = benches(NOW + timedelta(hours=5), boot="b3")
    wait_until("they are given up", lambda: after.keeper.untimed == 0)
    readings, (gap,) = after.kept()
    assert len(readings) == 1
    assert (gap.reason, gap.count) == ("clock", 2)
    assert (gap.start_ms, gap.end_ms) == (
        milliseconds(NOW),
        milliseconds(NOW + timedelta(hours=5)),
    )


def test_an_agent_that_restarts_within_a_boot_times_what_it_left(
    benches: Benches,
) -> None:
    first = benches(YEAR_0)
    first.is_synced = False
    first.take(7.0)
    wait_until("it is kept", lambda: first.keeper.untimed == 1)
    first.close()
    again = benches(NOW)
    again.mono_ms = 30_000
    wait_until("it is timed", lambda: len(again.ledger) == 1)
    (reading,), _ = again.kept()
    assert reading.taken_ms == milliseconds(NOW) - 20_000


def test_a_fix_tells_the_time_where_the_clock_does_not(benches: Benches) -> None:
    bench = benches(YEAR_0)
    bench.is_synced = False
    bench.take(7.0)
    wait_until("it is kept", lambda: bench.keeper.untimed == 1)
    bench.mono_ms += 5_000
    bench.timekeeper.met_fix(milliseconds(NOW))
    wait_until("it is timed", lambda: len(bench.ledger) == 1)
    assert bench.timekeeper.now() == (milliseconds(NOW), ClockQuality.GPS)
    (reading,), _ = bench.kept()
    assert reading.taken_ms == milliseconds(NOW) - 5_000


def test_a_full_disk_keeps_readings_in_memory_and_says_so(benches: Benches) -> None:
    bench = benches(NOW)
    bench.take(0.0)
    wait_until("it is confirmed", lambda: len(bench.ledger) == 1)
    db = bench.outbox.file.db
    bench.asked(lambda: db.execute("PRAGMA max_page_count = 1").fetchone())
    for n in range(1, 6_000):
        bench.clock.advance(timedelta(milliseconds=1))
        bench.take(float(n))
    wait_until("it says so", lambda: "full" in (bench.keeper.deeds.disk_error or ""))
    confirmed = len(bench.ledger)
    bench.asked(lambda: db.execute("PRAGMA max_page_count = 100000").fetchone())
    wait_until("all is confirmed", lambda: len(bench.ledger) == 6_000)
    assert confirmed < 6_000
    assert bench.keeper.deeds.disk_error is None
    readings, gaps = bench.kept()
    assert (len(readings), gaps) == (6_000, [])


def test_memory_is_bounded_while_the_disk_is_full_and_a_gap_says_what_went(
    benches: Benches,
) -> None:
    bench = benches(NOW)
    db = bench.outbox.file.db
    bench.asked(lambda: db.execute("PRAGMA max_page_count = 1").fetchone())
    count = MEMORY_READINGS + 20_000
    for n in range(count):
        bench.clock.advance(timedelta(milliseconds=1))
        bench.take(float(n))
    wait_until("it says so", lambda: bench.keeper.deeds.disk_error is not None)
    wait_until("it gave up some", lambda: bench.keeper.deeds.dropped > 0)
    bench.asked(lambda: db.execute("PRAGMA max_page_count = 1000000").fetchone())
    wait_until("it is confirmed", lambda: bench.keeper.deeds.disk_error is None, 30)
    wait_until("memory is empty", lambda: bench.keeper.deeds.in_memory == 0, 30)
    readings, gaps = bench.kept()
    assert len(readings) <= MEMORY_READINGS + 20_000 - bench.keeper.deeds.dropped
    assert len(readings) + sum(gap.count for gap in gaps) == count


def test_what_memory_gives_up_while_a_commit_takes_long_is_a_gap_too(
    benches: Benches,
) -> None:
    bench = benches(NOW)
    commit, has_begun, may_go_on = (
        bench.outbox.commit,
        threading.Event(),
        threading.Event(),
    )

    def slow(*args: Any, **more: Any) -> list[Waiting]:
        has_begun.set()
        assert may_go_on.wait(90)
        return commit(*args, **more)

    bench.outbox.commit = slow  # type: ignore[method-assign]
    bench.take(0.0)
    assert has_begun.wait(90)
    first_ms, count = milliseconds(NOW) + 1, MEMORY_READINGS + 1_000
    bench.keeper.take(
        [
            Reading(BOX, ProbeId("a"), Channel.PH, first_ms + at, 7.0)
            for at in range(count)
        ]
    )
    assert bench.keeper.deeds.dropped > 0
    may_go_on.set()
    wait_until("all is confirmed", lambda: bench.keeper.figures.waiting > 1)
    readings, gaps = bench.kept()
    assert len(readings) + sum(gap.count for gap in gaps) == 1 + count


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(argv, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.live
def test_a_disk_that_is_really_full_kills_nobody_and_loses_nothing_confirmed(
    benches: Benches, tmpfs: Path
) -> None:
    bench = benches(NOW, path=tmpfs / "o.db")
    bench.take(0.0)
    wait_until("it is confirmed", lambda: len(bench.ledger) == 1)
    fill(tmpfs / "filler")
    rng = random.Random(3)
    more = 60_000  # than the log's own room takes, and than memory does
    for _ in range(more):
        bench.clock.advance(timedelta(milliseconds=1))
        bench.take(rng.random())
    wait_until("it says so", lambda: bench.keeper.deeds.disk_error is not None)
    before = len(bench.ledger)
    assert sum(len(one) for one in bench.kept()) == before
    (tmpfs / "filler").unlink()
    bench.take(1.0)
    wait_until("it confirms again", lambda: bench.keeper.deeds.disk_error is None)
    wait_until("memory is empty", lambda: bench.keeper.deeds.in_memory == 0)
    wait_until(
        "all is confirmed",
        lambda: sum(len(one) for one in bench.kept()) == len(bench.ledger),
    )
    readings, gaps = bench.kept()
    assert len(readings) > before
    assert len(readings) + sum(gap.count for gap in gaps) == 1 + more + 1, (
        "kept, or told of"
    )


def test_a_command_is_remembered_and_its_change_outlives_a_restart(
    benches: Benches,
) -> None:
    bench = benches(NOW)
    late_ms = milliseconds(NOW) + 60_000
    order = Command("c-1", "set-interval", late_ms, {"seconds": 30, "probe": "a"})
    turns = {"a": Turns(1_000), "b": Turns(1_000)}
    commands = Commands(bench.agent, bench.outbox, Notes(bench.outbox), turns)
    reply = bench.answer(commands, order)
    assert reply is not None
    assert (reply.is_done, reply.message) == (True, "interval is 30 s for a")
    turns["a"].set_interval(5)
    assert bench.answer(commands, order) == reply
    assert turns["a"].interval_ms == 5, "carried out once"
    bench.close()
    again = benches(NOW)
    turns = {"a": Turns(1_000), "b": Turns(1_000)}
    commands = Commands(again.agent, again.outbox, Notes(again.outbox), turns)
    assert (turns["a"].interval_ms, turns["b"].interval_ms) == (30_000, 1_000)
    assert again.answer(commands, order) == reply


def test_an_order_finds_the_rule_by_its_name_or_by_the_probe_that_proves_it(
    benches: Benches,
) -> None:
    bench = benches(NOW)
    rule = Rule("night", "aerator", "do-1", Channel.PH, 4.0, feedback_probe="monitor")
    bench.agent.controllers["night"] = Controller(rule, 0)
    commands = Commands(bench.agent, bench.outbox, Notes(bench.outbox), {})

    def order(named: str, *, on: bool) -> str:
        late_ms = milliseconds(NOW) + 60_000
        order = Command(f"c-{named}", "switch", late_ms, {"rule": named, "on": on})
        reply = bench.answer(commands, order)
        assert reply is not None
        is_on, _ = bench.agent.controllers["night"].by_hand
        assert reply.is_done is (is_on is on)
        return reply.message

    assert order("night", on=True) == "night on for 3600 s"
    assert order("monitor", on=False) == "monitor off for 3600 s"
    assert order("do-1", on=True) == "no rule 'do-1'; there are: night"


def test_a_command_waits_while_the_time_is_not_known(benches: Benches) -> None:
    bench = benches(YEAR_0)
    bench.is_synced = False
    commands = Commands(bench.agent, bench.outbox, Notes(bench.outbox), {})
    assert bench.answer(commands, Command("c-1", "identify", 1, {})) is None


def test_a_thread_that_dies_takes_the_box_down(tmp_path: Path) -> None:
    settings = EdgeSettings(
        device="box-1", broker_url="mqtt://127.0.0.1:1", outbox=tmp_path / "o.db"
    )

    def dies(stop: threading.Event) -> None:
        raise RuntimeError("a bug")

    with open_box(settings, SystemClock(), random.Random(1)) as box:
        box.add_sampler("buggy", dies)
        with pytest.raises(RuntimeError, match="a bug"):
            box.run(threading.Event())


@pytest.mark.live
def test_a_box_starts_on_a_disk_that_is_really_full(tmpfs: Path) -> None:
    def opened() -> Outbox:
        return Outbox(
            tmpfs / "o.db", device=BOX, budget_bytes=2**20, rng=random.Random(1), now_ms=0
        )  # fmt: skip

    outbox = opened()
    outbox.commit([Reading(BOX, ProbeId("p"), Channel.PH, 1_000, 7.5)])
    outbox.close()
    fill(tmpfs / "filler")
    outbox = opened()  # with the ballast's room
    kept = [one.payload for one in outbox.backlog(10, frozenset())]
    assert len(kept) == 1
    outbox.close()
    fill(tmpfs / "more")  # what it left is taken too
    with pytest.raises(UnavailableError, match="full"):
        opened()
    (tmpfs / "filler").unlink()
    outbox = opened()
    outbox.close()
    fill(tmpfs / "filler")
    opened().close()  # it was taken again while there was room


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"\0" * 512):
            continue
