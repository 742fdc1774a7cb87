"""The outbox against a plain dict: any history of calls, crashes included."""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from edge.opening import ALPHABET
from edge.outbox import Outbox, Waiting
from edge.outbox_file import SCHEMA_VERSION, STEPS
from edge.packs import unpack
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import OUTBOX_PATTERN, DeviceId, ProbeId
from greenwater.kernel.reading import ClockQuality, Gap, Reading

BOX = DeviceId("box-1")
PROBES = [ProbeId("a"), ProbeId("b")]
T0 = 1_764_000_000_000
DAY_MS = 24 * 3600 * 1000
ROOMY = 64 * 2**20

Key = tuple[str, str, int]


def opened(
    path: Path, budget_bytes: int = ROOMY, seed: int = 1, device: DeviceId = BOX
) -> Outbox:
    return Outbox(
        path,
        device=device,
        budget_bytes=budget_bytes,
        rng=random.Random(seed),
        now_ms=T0,
        probes=PROBES,
    )


def water(count: int, start: int = 0, probe: str = "a") -> list[Reading]:
    return [
        Reading(
            BOX,
            ProbeId(probe),
            Channel.DISSOLVED_OXYGEN,
            T0 + (start + n) * 1000,
            (start + n) % 997 / 100,
            ClockQuality.NTP,
        )
        for n in range(count)
    ]


def fix(start: int) -> list[Reading]:
    return [
        Reading(BOX, ProbeId("gps"), channel, T0 + start * 1000, 12.5, ClockQuality.GPS)
        for channel in (Channel.LATITUDE, Channel.LONGITUDE)
    ]


def contents(batches: list[Waiting]) -> tuple[list[Reading], list[Gap]]:
    readings: list[Reading] = []
    gaps: list[Gap] = []
    for one in batches:
        some, others = unpack(one.payload, BOX)
        readings += some
        gaps += others
    return readings, gaps


def key(reading: Reading) -> Key:
    return reading.probe, reading.channel, reading.taken_ms


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    box = opened(path)
    yield box
    box.close()


def test_an_id_is_made_once_and_kept(path: Path) -> None:
    first = opened(path)
    assert OUTBOX_PATTERN.fullmatch(first.id)
    assert set(first.id) <= set(ALPHABET)
    secret, outbox_id = first.secret, first.id
    assert len(secret) == 32
    first.close()
    again = opened(path, seed=2)
    assert (again.id, again.secret) == (outbox_id, secret)
    again.close()


def test_a_commit_waits_for_the_disk(outbox: Outbox) -> None:
    """What only a power cut would show: a transaction returns after its fsync."""
    db = outbox.file.db
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"


def test_a_commit_is_a_batch_with_its_readings(outbox: Outbox) -> None:
    (batch,) = outbox.commit(water(3) + fix(1))
    readings, _ = contents([batch])
    assert {key(r): r for r in readings} == {key(r): r for r in water(3) + fix(1)}


def test_numbers_strictly_increase(outbox: Outbox) -> None:
    numbers = [outbox.commit(water(2, n))[0].batch for n in range(20)]
    assert numbers == sorted(set(numbers))


def test_reading_the_backlog_keeps_everything(outbox: Outbox) -> None:
    outbox.commit(water(5))
    first = outbox.backlog(10, ())
    assert outbox.backlog(10, ()) == first


def test_what_is_handed_out_is_not_handed_out_again(outbox: Outbox) -> None:
    (batch,) = outbox.commit(water(5))
    assert outbox.backlog(10, {batch.batch}) == []


def test_the_backlog_comes_in_the_order_of_commits_whatever_the_clock(
    outbox: Outbox,
) -> None:
    for start in (5_000, 0, 9_000, 100):
        outbox.commit(water(600, start))
    found = [contents([one])[0][0].taken_ms for one in outbox.backlog(10, ())]
    assert found == [T0 + start * 1000 for start in (5_000, 0, 9_000, 100)]


def test_small_commits_are_joined_under_a_new_number(outbox: Outbox) -> None:
    small = [outbox.commit(water(3, n * 3))[0].batch for n in range(50)]
    (joined,) = outbox.backlog(10, ())
    assert joined.readings == 150
    assert joined.batch > max(small)
    assert contents([joined])[0] == water(150)


def test_what_is_handed_out_is_never_joined(outbox: Outbox) -> None:
    handed = outbox.commit(water(3))[0]
    outbox.commit(water(3, 3))
    outbox.commit(water(3, 6))
    (joined,) = outbox.backlog(10, {handed.batch})
    assert joined.readings == 6
    assert handed in outbox.backlog(10, {joined.batch})


def test_settling_what_is_unknown_is_harmless(outbox: Outbox) -> None:
    (batch,) = outbox.commit(water(5))
    outbox.settle([batch.batch + 1, 10**18, 0], T0)
    assert outbox.backlog(10, ()) == [batch]


def test_resending_gives_the_same_numbers_and_the_same_bytes(outbox: Outbox) -> None:
    sent = [outbox.commit(water(4, n * 4))[0] for n in range(6)]
    outbox.settle([one.batch for one in sent[:2]], T0)
    outbox.settle([one.batch for one in sent[2:]], T0 + DAY_MS)
    assert outbox.backlog(10, ()) == []
    assert outbox.resend(T0 + DAY_MS) == 16
    while outbox.tidy(()):
        pass
    assert outbox.backlog(10, ()) == sent[2:]


def test_a_resend_finds_old_readings_that_were_acknowledged_since(
    outbox: Outbox,
) -> None:
    """A backup is taken while a backlog drains: what came after it is old, and lost."""
    backup_ms = T0 + 30 * DAY_MS
    (before,), (after,) = outbox.commit(water(4)), outbox.commit(water(4, 4))
    outbox.settle([before.batch], backup_ms - DAY_MS)
    outbox.settle([after.batch], backup_ms + 1)
    assert outbox.resend(backup_ms) == 4
    assert outbox.backlog(10, ()) == [after]


def test_a_box_whose_clock_is_minutes_behind_still_finds_what_to_send_again(
    outbox: Outbox,
) -> None:
    (batch,) = outbox.commit(water(4))
    backup_ms = T0 + DAY_MS
    outbox.settle([batch.batch], backup_ms - 5 * 60 * 1000)
    assert outbox.resend(backup_ms) == 4


def test_acknowledged_readings_are_kept_seven_days(outbox: Outbox) -> None:
    (batch,) = outbox.commit(water(5))
    outbox.settle([batch.batch], T0)
    outbox.forget(T0 + 7 * DAY_MS)
    assert outbox.resend(0) == 5
    outbox.settle([batch.batch], T0)
    outbox.forget(T0 + 7 * DAY_MS + 1)
    assert outbox.resend(0) == 0


def test_what_was_acknowledged_while_the_clock_was_wrong_is_kept_seven_days_too(
    outbox: Outbox,
) -> None:
    """A box that comes back after weeks sends before a time server has set its clock."""
    numbers = [outbox.commit(water(4, n * 4))[0].batch for n in range(2)]
    outbox.settle(numbers[:1], None)
    outbox.settle(numbers[1:], T0 + 365 * DAY_MS)  # a clock that runs a year ahead
    outbox.forget(None)
    assert outbox.resend(T0 + 30 * DAY_MS) == 8, "wherever a backup is, it may be lost"
    outbox.settle(numbers, None)
    outbox.forget(T0 + 30 * DAY_MS)  # now it is known
    outbox.forget(T0 + 37 * DAY_MS)
    assert outbox.resend(T0 + 30 * DAY_MS) == 8
    outbox.settle(numbers, T0 + 400 * DAY_MS)
    outbox.forget(T0 + 30 * DAY_MS)
    outbox.forget(T0 + 37 * DAY_MS + 1)
    assert outbox.resend(0) == 0


def test_acknowledged_readings_are_the_first_to_go(path: Path) -> None:
    outbox = opened(path, budget_bytes=200_000)
    for start in range(0, 8_000, 1_000):
        (batch,) = outbox.commit(water(1_000, start))
        outbox.settle([batch.batch], T0)
    for start in range(8_000, 32_000, 1_000):
        outbox.commit(water(1_000, start))
    figures = outbox.figures()
    assert figures.used_bytes <= 200_000
    assert figures.waiting == 24_000
    assert outbox.resend(0) < 8_000, "some of the acknowledged had to go"
    assert figures.thinned == 0
    outbox.close()


def test_the_oldest_half_fades_and_the_newest_is_whole(path: Path) -> None:
    outbox = opened(path, budget_bytes=400_000)
    for start in range(0, 200_000, 100):
        outbox.commit(water(100, start))
        while outbox.tidy(()):
            pass
    figures = outbox.figures()
    readings, gaps = contents(outbox.backlog(10_000, ()))
    assert figures.used_bytes <= 400_000
    assert 0 < len(readings) == figures.waiting < 200_000
    assert sum(gap.count for gap in gaps) == 200_000 - len(readings) == figures.thinned
    taken = sorted((r.taken_ms - T0) // 1000 for r in readings)
    newest = taken[len(taken) * 2 // 3 :]
    assert newest == list(range(newest[0], 200_000))
    first_fifth = sum(second < 40_000 for second in taken)
    last_fifth = sum(second >= 160_000 for second in taken)
    assert 0 < first_fifth < last_fifth / 2
    outbox.close()


def test_positions_and_alarms_go_last(path: Path) -> None:
    outbox = opened(path, budget_bytes=150_000)
    for start in range(0, 60_000, 60):
        outbox.commit(water(60, start) + fix(start))
    readings, _ = contents(outbox.backlog(10_000, ()))
    positions = [r for r in readings if r.probe == "gps"]
    assert len(positions) == 2 * 1000
    assert outbox.figures().thinned > 0
    outbox.close()


def test_what_is_on_its_way_is_not_thinned(path: Path) -> None:
    outbox = opened(path, budget_bytes=150_000)
    handed = outbox.commit(water(400))[0]
    for start in range(400, 60_000, 400):
        outbox.commit(water(400, start), handed={handed.batch})
    assert outbox.figures().thinned > 0
    others = {one.batch for one in outbox.backlog(10_000, {handed.batch})}
    assert handed in outbox.backlog(10_000, others)
    outbox.close()


def test_a_newer_file_is_refused_and_not_touched(path: Path) -> None:
    opened(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="newer agent"):
        opened(path)
    assert path.read_bytes() == before


def test_an_older_file_is_brought_up_to_date_and_keeps_its_readings(path: Path) -> None:
    outbox = opened(path)
    (batch,) = outbox.commit(water(5))
    outbox.close()
    with sqlite3.connect(path) as db:
        for table in ("untimed", "command", "overlay"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 1")
    db.close()
    assert len(STEPS) == SCHEMA_VERSION == 2
    again = opened(path)
    assert again.backlog(10, ()) == [batch]
    assert again.file.db.execute("SELECT count(*) FROM untimed").fetchone() == (0,)
    again.close()


def test_another_devices_outbox_is_refused_and_keeps_what_it_has(path: Path) -> None:
    outbox = opened(path)
    (batch,) = outbox.commit(water(5))
    outbox.close()
    with pytest.raises(ConfigError, match="is box-1's, and this is box-2"):
        opened(path, device=DeviceId("box-2"))
    again = opened(path)
    assert again.backlog(10, ()) == [batch]
    again.close()


def test_a_second_agent_is_kept_out(outbox: Outbox, path: Path) -> None:
    with pytest.raises(ConfigError, match="another agent"):
        opened(path)


class OutboxAgreesWithDict(RuleBasedStateMachine):
    """Every confirmed reading waits, is done, or is covered by a gap; numbers are for ever.

    A crash leaves the files as they are: the copy that is opened next was taken while
    the outbox was open, its log not emptied.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.generation = 0
        self.confirmed: dict[Key, Reading] = {}
        self.done: set[Key] = set()
        self.payloads: dict[tuple[str, int], bytes] = {}
        self.handed: dict[int, Waiting] = {}
        self.acked: dict[int, Waiting] = {}
        self.start = 0

    @initialize(budget_bytes=st.sampled_from([60_000, 90_000, ROOMY]))
    def open(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.outbox = self._opened()

    def _path(self) -> Path:
        return self.folder / str(self.generation) / "outbox.db"

    def _opened(self) -> Outbox:
        return opened(self._path(), self.budget_bytes, seed=self.generation)

    def _saw(self, batches: list[Waiting]) -> None:
        for one in batches:
            before = self.payloads.setdefault((self.outbox.id, one.batch), one.payload)
            assert before == one.payload, "a number names the same bytes for ever"

    @rule(count=st.integers(1, 120), has_fix=st.booleans(), is_live=st.booleans())
    def commit(self, count: int, has_fix: bool, is_live: bool) -> None:
        readings = water(count, self.start, "ab"[self.start % 2])
        readings += fix(self.start) if has_fix else []
        self.start += count
        batches = self.outbox.commit(readings, handed=self.handed)
        self.confirmed |= {key(r): r for r in readings}
        self._saw(batches)
        if is_live:
            self.handed |= {one.batch: one for one in batches}

    @rule(limit=st.integers(1, 5))
    def hand_out(self, limit: int) -> None:
        batches = self.outbox.backlog(limit, self.handed)
        assert not self.handed.keys() & {one.batch for one in batches}
        self._saw(batches)
        self.handed |= {one.batch: one for one in batches}

    @precondition(lambda self: self.handed)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.handed)))
        self.outbox.settle([number], T0)
        batch = self.handed.pop(number)
        self.acked[number] = batch
        self.done |= {key(r) for r in contents([batch])[0]}

    @rule()
    def tidy(self) -> None:
        self.outbox.tidy(self.handed)

    @rule()
    def resend(self) -> None:
        self.outbox.resend(0)

    @rule()
    def crash(self) -> None:
        self.generation += 1
        before = self.folder / str(self.generation - 1)
        shutil.copytree(before, self.folder / str(self.generation))
        self.outbox.close()
        self.handed = {}
        outbox_id = self.outbox.id
        self.outbox = self._opened()
        assert self.outbox.id == outbox_id

    @rule()
    def restart(self) -> None:
        self.outbox.close()
        self.handed = {}
        self.outbox = self._opened()

    def _waiting(self) -> list[Waiting]:
        rows = self.outbox.file.db.execute(
            "SELECT number, readings, payload FROM pack WHERE acked_ms IS NULL"
        ).fetchall()
        return [Waiting(*row) for row in rows]

    @invariant()
    def nothing_confirmed_is_lost(self) -> None:
        if not hasattr(self, "outbox"):
            return
        waiting = self._waiting()
        self._saw(waiting)
        readings, gaps = contents(waiting)
        kept = {key(r): r for r in readings}
        assert len(kept) == len(readings), "nothing waits twice"
        gone_by_probe: dict[str, int] = {}
        for one, reading in self.confirmed.items():
            if one in kept:
                assert kept[one] == reading
            elif one not in self.done:
                gone_by_probe[reading.probe] = gone_by_probe.get(reading.probe, 0) + 1
                assert any(
                    gap.probe == reading.probe
                    and gap.start_ms <= reading.taken_ms < gap.end_ms
                    for gap in [*gaps, *self._gaps_that_arrived()]
                ), f"{reading} is nowhere, and no gap speaks of it"

    def _gaps_that_arrived(self) -> list[Gap]:
        return contents(list(self.acked.values()))[1]

    @invariant()
    def the_tally_is_right(self) -> None:
        if not hasattr(self, "outbox"):
            return
        waiting = self._waiting()
        figures = self.outbox.figures()
        assert figures.packs == len(waiting)
        assert figures.waiting == sum(one.readings for one in waiting)
        assert figures.confirmed == len(self.confirmed)

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.outbox.close()
        shutil.rmtree(self.folder)


TestOutboxAgreesWithDict = OutboxAgreesWithDict.TestCase
TestOutboxAgreesWithDict.settings = settings(stateful_step_count=30, deadline=None)
