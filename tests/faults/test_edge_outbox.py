"""The outbox with the world failing on purpose: power cuts, torn files, a full disk."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.outbox import Outbox, Waiting
from edge.outbox_file import beside, read_mark
from edge.packs import unpack
from greenwater.kernel.channels import Channel
from greenwater.kernel.errors import InvariantError, UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import ClockQuality, Gap, Reading

BOX = DeviceId("box-1")
T0 = 1_764_000_000_000
SIZE_MS = 1000

Key = tuple[str, int]


def opened(path: Path, *, budget_bytes: int = 64 * 2**20, seed: int = 1) -> Outbox:
    return Outbox(
        path,
        device=BOX,
        budget_bytes=budget_bytes,
        rng=random.Random(seed),
        now_ms=T0,
        probes=[ProbeId("a")],
    )


def water(count: int, start: int) -> list[Reading]:
    return [
        Reading(
            BOX,
            ProbeId("a"),
            Channel.DISSOLVED_OXYGEN,
            T0 + (start + n) * SIZE_MS,
            (start + n) % 997 / 100,
            ClockQuality.NTP,
        )
        for n in range(count)
    ]


def waiting(outbox: Outbox) -> tuple[dict[int, Reading], list[Gap]]:
    """Return what waits, by time, and the gaps.

    A damaged file may give a reading back twice, in a batch of its own and in one that it
    was joined into: sent twice, it is the same reading.
    """
    rows = outbox.file.db.execute(
        "SELECT payload FROM pack WHERE acked_ms IS NULL"
    ).fetchall()
    found: dict[int, Reading] = {}
    gaps: list[Gap] = []
    for (payload,) in rows:
        readings, some = unpack(payload, BOX)
        for reading in readings:
            assert found.get(reading.taken_ms, reading) == reading
            found[reading.taken_ms] = reading
        gaps += some
    return found, gaps


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "box"
    folder.mkdir()
    return folder / "outbox.db"


def crashed(path: Path, target: Path) -> Path:
    """Return a copy of an open outbox's files, as a power cut would leave them."""
    shutil.copytree(path.parent, target)
    return target / path.name


class Cameras:
    """A connection that takes a picture of the disk before and after every statement."""

    def __init__(self, db: sqlite3.Connection, snap: Callable[[], None]) -> None:
        self._db, self._snap = db, snap

    def execute(self, *args: Any) -> sqlite3.Cursor:
        self._snap()
        cursor = self._db.execute(*args)
        self._snap()
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def test_no_power_cut_loses_a_confirmed_reading(path: Path, tmp_path: Path) -> None:
    """A cut before and after every statement of a day in the life of an outbox."""
    confirmed: set[int] = set()
    settled: set[int] = set()
    numbers: dict[tuple[str, int], bytes] = {}
    pictures: list[tuple[Path, set[int], set[int], dict[tuple[str, int], bytes]]] = []
    outbox = opened(path, budget_bytes=70_000)

    def snap() -> None:
        target = tmp_path / "cuts" / str(len(pictures))
        cut = crashed(path, target)
        pictures.append((cut, set(confirmed), set(settled), dict(numbers)))

    camera: Any = Cameras(outbox.file.db, snap)
    outbox.file.db = outbox._table._db = camera
    for start in range(0, 2_600, 200):
        readings = water(200, start)
        note(numbers, outbox, outbox.commit(readings))
        confirmed |= {r.taken_ms for r in readings}
        if start == 600:
            (batch, *_) = outbox.backlog(1, ())
            note(numbers, outbox, [batch])
            settled |= {r.taken_ms for r in unpack(batch.payload, BOX)[0]}
            outbox.settle([batch.batch], T0)
        if start % 800 == 0:
            outbox.tidy(())
    assert outbox.figures().thinned == 0
    outbox.close()
    for cut, was_confirmed, was_settled, seen in pictures:
        again = opened(cut, budget_bytes=70_000, seed=9)
        found, gaps = waiting(again)
        assert gaps == []
        lost = was_confirmed - found.keys() - was_settled
        assert not lost, f"{len(lost)} readings lost in {cut}"
        check_numbers(seen, again)
        again.close()
    assert len(pictures) > 200


def note(
    numbers: dict[tuple[str, int], bytes], outbox: Outbox, batches: list[Waiting]
) -> None:
    for one in batches:
        assert numbers.setdefault((outbox.id, one.batch), one.payload) == one.payload


def check_numbers(numbers: dict[tuple[str, int], bytes], outbox: Outbox) -> None:
    """After a cut, a number that may have been sent still names the same bytes."""
    fresh = outbox.commit(water(3, 10**6))
    for one in [*fresh, *outbox.backlog(1_000, ())]:
        before = numbers.get((outbox.id, one.batch))
        # A batch that no caller ever saw was never sent, and may be any bytes.
        assert before is None or before == one.payload


def test_no_power_cut_within_a_rescue_loses_what_can_be_read(
    path: Path, tmp_path: Path
) -> None:
    outbox = opened(path)
    outbox.commit(water(500, 0))
    outbox.close()
    beside(path, ".suspect").touch()
    pictures: list[Path] = []
    is_on = True

    def before_rename(event: str, args: tuple[object, ...]) -> None:
        if is_on and event == "os.rename" and str(path.parent) in str(args[0]):
            target = tmp_path / "cuts" / str(len(pictures))
            pictures.append(crashed(path, target))

    sys.addaudithook(before_rename)
    rescued = opened(path, seed=2)
    is_on = False
    assert len(waiting(rescued)[0]) == 500
    rescued.close()
    assert len(pictures) >= 3
    for cut in pictures:
        again = opened(cut, seed=3)
        found, gaps = waiting(again)
        assert (len(found), gaps) == (500, [])
        again.close()


@pytest.fixture(scope="module")
def torn_off() -> Iterator[Path]:
    """An outbox as a power cut left it: half of it in the log."""
    folder = Path(tempfile.mkdtemp())
    outbox = opened(folder / "open" / "outbox.db")
    for start in range(0, 6_000, 300):
        outbox.commit(water(300, start))
    outbox.file.db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    for start in range(6_000, 9_000, 300):
        outbox.commit(water(300, start))
    crashed(folder / "open" / "outbox.db", folder / "crashed")
    outbox.close()
    yield folder / "crashed"
    shutil.rmtree(folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_garbled_or_truncated_file_never_lies_and_never_stops_the_box(
    torn_off: Path, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["outbox.db", "outbox.db-wal"]))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "box"
        shutil.copytree(torn_off, folder)
        damage(folder / name, data)
        (folder / "outbox.db-shm").unlink()
        before = sqlite_free_id(torn_off)
        outbox = survived(folder / "outbox.db")
        try:
            found, gaps = waiting(outbox)
            for taken_ms, reading in found.items():
                assert reading == water(1, (taken_ms - T0) // SIZE_MS)[0]
            if len(found) < 9_000:
                assert outbox.id != before, "its numbers may have been sent"
                covered_by_gaps(found, gaps)
        finally:
            outbox.close()


def damage(target: Path, data: st.DataObject) -> None:
    size = target.stat().st_size
    at = data.draw(st.integers(0, size - 1), label="at")
    if data.draw(st.booleans(), label="truncated"):
        os.truncate(target, at)
        return
    rubbish = data.draw(st.binary(min_size=1, max_size=6_000), label="rubbish")
    with target.open("r+b") as file:
        file.seek(at)
        file.write(rubbish)


def sqlite_free_id(folder: Path) -> str:
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "box"
        shutil.copytree(folder, copy)
        outbox = opened(copy / "outbox.db")
        outbox.close()
        return outbox.id


def survived(path: Path) -> Outbox:
    """Open as the supervisor does: what is found out later is seen to at the next start."""
    for seed in range(2, 5):
        outbox = opened(path, seed=seed)
        try:
            while outbox.tidy(()):
                pass
            outbox.backlog(1_000, ())
            waiting(outbox)
        except (InvariantError, sqlite3.DatabaseError):
            outbox.close()
            beside(path, ".suspect").touch()
            continue
        return outbox
    raise AssertionError("the agent never comes to rest")


def covered_by_gaps(found: dict[int, Reading], gaps: list[Gap]) -> None:
    lost = {r.taken_ms for r in water(9_000, 0)} - found.keys()
    torn = [gap for gap in gaps if gap.reason == "torn"]
    for taken_ms in lost:
        assert any(gap.start_ms <= taken_ms < gap.end_ms for gap in torn)
    assert sum(gap.count for gap in torn) in (0, len(lost))


def test_a_torn_file_is_moved_aside_and_kept(path: Path) -> None:
    outbox = opened(path)
    outbox.commit(water(500, 0))
    outbox.close()
    raw = bytearray(path.read_bytes())
    raw[:100] = b"x" * 100
    path.write_bytes(raw)
    again = opened(path, seed=2)
    assert beside(path, ".torn-1").read_bytes() == bytes(raw)
    assert again.id != outbox.id
    _, gaps = waiting(again)
    assert [(gap.reason, gap.count) for gap in gaps] == [("torn", 500)]
    again.close()


def test_a_batch_whose_bytes_have_changed_is_never_sent(path: Path) -> None:
    outbox = opened(path)
    outbox.commit(water(500, 0))
    outbox.commit(water(500, 500))
    outbox.file.db.execute(
        "UPDATE pack SET payload = zeroblob(length(payload)) WHERE number = 1"
    )
    with pytest.raises(InvariantError, match="next start"):
        outbox.backlog(10, ())
    outbox.close()
    again = opened(path, seed=2)
    found, gaps = waiting(again)
    assert sorted(found) == [r.taken_ms for r in water(500, 500)]
    assert [gap.count for gap in gaps] == [500]
    again.close()


def test_commits_that_the_log_lost_are_told_by_the_mark(
    path: Path, tmp_path: Path
) -> None:
    outbox = opened(path)
    outbox.commit(water(10, 0))
    outbox.file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    outbox.commit(water(7, 10))
    cut = crashed(path, tmp_path / "cut")
    outbox.close()
    os.truncate(beside(cut, "-wal"), 0)
    again = opened(cut, seed=2)
    found, (gap,) = waiting(again)
    assert len(found) == 10
    assert (gap.reason, gap.count) == ("torn", 7)
    assert gap.start_ms <= T0 + 10_000 <= T0 + 16_000 < gap.end_ms
    assert again.id != outbox.id
    again.close()


def test_the_mark_follows_the_whole_transaction_never_a_part_of_it(path: Path) -> None:
    outbox = opened(path)
    outbox.commit(water(1, 0))
    before = read_mark(path)
    with outbox.together():
        outbox.commit(water(1, 1))
        assert read_mark(path) == before, "a power cut here leaves none of it"
    assert read_mark(path) != before
    outbox.close()


def test_without_the_mark_a_new_id_is_taken_to_be_safe(path: Path) -> None:
    outbox = opened(path)
    outbox.commit(water(10, 0))
    outbox.close()
    beside(path, ".mark").unlink()
    again = opened(path, seed=2)
    assert again.id != outbox.id
    assert len(waiting(again)[0]) == 10
    again.close()


def test_a_full_disk_confirms_nothing_and_loses_nothing_confirmed(path: Path) -> None:
    """SQLite's own limit yields the very error of a full disk (SQLITE_FULL)."""
    outbox = opened(path)
    outbox.commit(water(100, 0))
    (pages,) = outbox.file.db.execute("PRAGMA page_count").fetchone()
    outbox.file.db.execute(f"PRAGMA max_page_count = {pages + 2}")
    start = filled(outbox, 100)
    assert len(waiting(outbox)[0]) == outbox.figures().waiting == start
    assert outbox.figures().confirmed == start
    outbox.file.db.execute("PRAGMA max_page_count = 1000000")
    outbox.commit(water(1_000, start))
    assert len(waiting(outbox)[0]) == start + 1_000
    outbox.close()


def filled(outbox: Outbox, start: int) -> int:
    """Commit until the disk is full; return where."""
    while start < 50_000:
        try:
            outbox.commit(water(1_000, start))
        except UnavailableError as exc:
            return start if "full" in str(exc) else -1
        start += 1_000
    raise AssertionError("the disk was never full")


def test_on_a_full_disk_the_acknowledged_are_given_up_and_the_rest_can_be_sent(
    path: Path,
) -> None:
    outbox = opened(path)
    for start in range(0, 10_000, 1_000):
        (batch,) = outbox.commit(water(1_000, start))
        outbox.settle([batch.batch], T0)
    outbox.commit(water(1_000, 20_000))
    (pages,) = outbox.file.db.execute("PRAGMA page_count").fetchone()
    outbox.file.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UnavailableError):
        outbox.commit(water(4_000, 30_000))
    assert [one.readings for one in outbox.backlog(10, ())] == [1_000]
    outbox.make_room_on_disk()
    outbox.commit(water(4_000, 30_000))
    assert outbox.figures().waiting == 5_000
    outbox.close()


KILLED = """
import random, sys
from pathlib import Path
from tests.faults.test_edge_outbox import opened, water
outbox = opened(Path(sys.argv[1]), seed=int(sys.argv[2]))
start = int(sys.argv[3])
while True:
    outbox.commit(water(50, start))
    print(start + 50, flush=True)
    start += 50
    outbox.tidy(())
    if start % 400 == 0:
        for batch in outbox.backlog(1, ()):
            outbox.settle([batch.batch], 0)
"""


@pytest.mark.live
def test_kill_9_loses_nothing_confirmed(path: Path) -> None:
    confirmed, rng = 0, random.Random(4)
    for round_number in range(8):
        argv = [
            sys.executable,
            "-c",
            KILLED,
            str(path),
            str(round_number),
            str(confirmed),
        ]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(rng.randint(1, 60)):
                confirmed = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().split()
        confirmed = int(rest[-1]) if rest else confirmed
        outbox = opened(path)
        rows = outbox.file.db.execute("SELECT payload FROM pack").fetchall()
        kept = {r.taken_ms for row in rows for r in unpack(row[0], BOX)[0]}
        missing = {r.taken_ms for r in water(confirmed, 0)} - kept
        assert not missing, f"round {round_number}: {len(missing)} of {confirmed} lost"
        confirmed = (max(kept) - T0) // SIZE_MS + 1
        outbox.close()
