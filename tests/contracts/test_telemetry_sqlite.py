"""What the SQLite file promises beyond the port: processes, power, space, versions."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from greenwater.kernel.channels import Channel, Measurement
from greenwater.kernel.errors import ConfigError, UnavailableError
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Bucket, Series, Span
from greenwater.storage.telemetry.sqlite import SqliteTelemetry
from greenwater.storage.telemetry.sqlite_file import APPLICATION_ID, STEPS, SqliteFile

ROOT = Path(__file__).parents[2]
T0 = 1_764_000_000_000
HOUR = 3_600_000
POND = Series(DeviceId("box-1"), ProbeId("pond"))
ALWAYS = Span(POND, 0, 2**62)

WRITER = """
import sys
from pathlib import Path
from greenwater.kernel.channels import Channel
from greenwater.kernel.reading import Reading
from greenwater.storage.telemetry.ports import Intake
from greenwater.storage.telemetry.sqlite import SqliteTelemetry

path, name, batches = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
store = SqliteTelemetry(path)
for n in range(1, batches + 1):
    device = f"box-{n % 7}"
    at = [(1_764_000_000_000 + 10 * n + k) for k in range(10)]
    store.write([Reading(device, name, Channel.PH, ms, float(n)) for ms in at])
    store.record([Intake(name, n, device, "o" * 16, n, n, 10, 0, 0, 0, 0, 0, n)])
    print(n, flush=True)
"""


def writer(path: Path, name: str, batches: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(batches)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "telemetry.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteTelemetry]:
    opened = SqliteTelemetry(path)
    yield opened
    opened.close()


def reading(taken_ms: int, value: float | None = 1.0) -> Reading:
    return Reading(*POND, Channel.PH, taken_ms, value)


@pytest.mark.live
def test_of_several_processes_writing_at_once_into_a_new_file_nothing_is_lost(
    path: Path,
) -> None:
    batches, names = 60, ["a", "b", "c", "d"]
    processes = [writer(path, name, batches) for name in names]
    for process in processes:
        start(process)
    for process in processes:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert out.split() == [str(n) for n in range(1, batches + 1)]
    store = SqliteTelemetry(path)
    assert len(store.series()) == 7 * len(names)
    for name in names:
        assert store.last_sequence(WorkerId(name)) == batches
    count = sum(
        1 for one in store.series() for _ in store.read(ALWAYS._replace(series=one))
    )
    assert count == batches * 10 * len(names)
    assert len(store.intake_after({}, 1_000)) == batches * len(names)
    store.close()


@pytest.mark.live
def test_what_a_killed_process_said_it_stored_is_there(path: Path) -> None:
    process = writer(path, "a", 100_000)
    start(process)
    assert process.stdout is not None
    for _ in range(40):
        last = int(process.stdout.readline())
    process.kill()
    rest, _ = process.communicate(timeout=90)
    last = max([last, *(int(line) for line in rest.split("\n")[:-1] if line)])
    store = SqliteTelemetry(path)
    assert store.last_sequence(WorkerId("a")) >= last
    for n in range(1, last + 1):
        at = T0 + 10 * n
        span = Span(Series(DeviceId(f"box-{n % 7}"), ProbeId("a")), at, at + 10)
        assert [r.value for r in store.read(span)] == [float(n)] * 10
    store.close()


def test_threads_share_one_store(store: SqliteTelemetry) -> None:
    def work(n: int) -> int:
        for k in range(20):
            store.write([reading(T0 + 100 * n + k, float(n))])
            assert store.newest([POND])[POND] >= T0 + 100 * n + k
        return sum(1 for _ in store.read(Span(POND, T0 + 100 * n, T0 + 100 * n + 100)))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(12))) == [20] * 12


def test_a_reader_left_open_holds_nothing_back(
    path: Path, store: SqliteTelemetry
) -> None:
    store.write([reading(T0 + n) for n in range(12_000)])
    reader = store.read(ALWAYS)
    next(reader)
    store.write([reading(T0 + n, 2.0) for n in range(12_000)])
    with sqlite3.connect(path) as other:
        busy, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    other.close()
    assert busy == 0
    assert Path(f"{path}-wal").stat().st_size == 0


def test_writing_the_same_again_writes_nothing(
    path: Path, store: SqliteTelemetry
) -> None:
    readings = [reading(T0 + n, None if n % 9 == 0 else n / 7) for n in range(1_000)]
    store.write(readings)
    before = Path(f"{path}-wal").stat()
    store.write(readings)
    after = Path(f"{path}-wal").stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_flags_beside_a_value_outlive_every_raw_write(
    path: Path, store: SqliteTelemetry
) -> None:
    store.write([reading(T0, 1.0)])
    with sqlite3.connect(path) as analytics:
        analytics.execute("UPDATE reading SET flag = 4, tests = 1423")
    for value in (1.0, None, 2.0):
        store.write([reading(T0, value)])
        assert analytics.execute(
            "SELECT value, flag, tests FROM reading"
        ).fetchall() == [(value, 4, 1423)]
    analytics.close()


def test_a_full_disk_is_unavailable_and_leaves_the_store_as_it_was(
    store: SqliteTelemetry,
) -> None:
    store.write([reading(T0)])
    connection = store._file._writer
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [reading(T0 + n, n / 7) for n in range(20_000)]
    with pytest.raises(UnavailableError, match="full"):
        store.write(many)
    assert list(store.read(ALWAYS)) == [reading(T0)]
    connection.execute("PRAGMA max_page_count = 1000000")
    store.write(many)
    assert sum(1 for _ in store.read(ALWAYS)) == 20_000


def test_a_file_that_stays_locked_is_unavailable(
    path: Path, store: SqliteTelemetry
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store._file._writer.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(UnavailableError, match="locked"):
        store.write([reading(T0)])
    other.execute("ROLLBACK")
    other.close()
    store.write([reading(T0)])


def test_a_transaction_has_the_lock_before_it_reads(path: Path) -> None:
    file = SqliteFile(path)
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with file.change(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()
    file.close()


def test_a_file_that_is_locked_or_full_can_still_be_opened_and_read(
    path: Path, store: SqliteTelemetry
) -> None:
    store.write([reading(T0)])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    reader = SqliteTelemetry(path)
    assert list(reader.read(ALWAYS)) == [reading(T0)]
    reader.close()
    other.close()


def test_a_writer_that_waits_its_turn_gets_it(
    path: Path, store: SqliteTelemetry
) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    timer.start()
    store.write([reading(T0)])
    timer.join()
    other.close()
    assert list(store.read(ALWAYS)) == [reading(T0)]


def test_a_series_made_in_a_write_that_failed_is_made_again(
    store: SqliteTelemetry,
) -> None:
    beyond = Reading(*POND, Channel.PH, 2**70, 1.0)
    with pytest.raises(OverflowError):
        store.write([reading(T0), beyond])
    store.write([reading(T0)])
    assert list(store.read(ALWAYS)) == [reading(T0)]
    assert [r.value for r in store.latest(POND.device)] == [1.0]


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    SqliteTelemetry(path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(ConfigError, match="version 99, made by a newer Greenwater"):
        SqliteTelemetry(path)


def test_a_file_of_the_first_version_is_brought_up_to_date_with_all_that_is_in_it(
    path: Path,
) -> None:
    path.parent.mkdir(exist_ok=True)
    with sqlite3.connect(path) as old:
        old.executescript(STEPS[0])
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.execute("PRAGMA user_version = 1")
        old.execute("INSERT INTO channel VALUES (7, 'ph')")
        old.execute("INSERT INTO series VALUES (1, ?, ?)", POND)
        old.execute(f"INSERT INTO reading VALUES (1, {T0}, 7, 1.0, NULL, NULL, NULL)")
    old.close()
    store = SqliteTelemetry(path)
    assert list(store.read(ALWAYS)) == [reading(T0)]
    assert store.findings.forecasts(ALWAYS) == []
    store.close()


def test_a_file_that_is_not_ours_is_refused_and_left_alone(tmp_path: Path) -> None:
    stranger = tmp_path / "registry.db"
    with sqlite3.connect(stranger) as other:
        other.execute("CREATE TABLE person (name TEXT)")
    other.close()
    before = stranger.read_bytes()
    with pytest.raises(ConfigError, match="not telemetry"):
        SqliteTelemetry(stranger)
    assert stranger.read_bytes() == before
    rubbish = tmp_path / "notes.txt"
    rubbish.write_text("not a database, " * 100)
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        SqliteTelemetry(rubbish)
    assert rubbish.read_text() == "not a database, " * 100
    with pytest.raises(ConfigError, match="cannot"):
        SqliteTelemetry(tmp_path)
    with pytest.raises(ConfigError, match="cannot"):
        SqliteTelemetry(rubbish / "t.db")


def test_a_damaged_file_is_unavailable_not_the_readings_fault(path: Path) -> None:
    store = SqliteTelemetry(path)
    store.write([reading(T0 + n) for n in range(20_000)])
    store.close()
    with path.open("r+b") as file:
        for page in range(8, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    store = SqliteTelemetry(path)
    with pytest.raises(UnavailableError, match="malformed"):
        list(store.read(ALWAYS))
    with pytest.raises(UnavailableError, match="malformed"):
        store.write([reading(T0 + n, 2.0) for n in range(20_000)])
    store.close()
    with pytest.raises(UnavailableError, match="closed"):
        store.write([reading(T0)])


@pytest.mark.parametrize("dies_after", range(12))
def test_retention_interrupted_anywhere_loses_and_doubles_nothing(
    path: Path, dies_after: int
) -> None:
    store = SqliteTelemetry(path)
    month = 31 * 24 * HOUR
    store.write([reading(T0 + n * HOUR // 2, n / 8) for n in range(2 * 24 * 31)])
    before = store.downsample(ALWAYS, Channel.PH, 24 * HOUR)
    begun = 0

    def count(statement: str) -> None:
        nonlocal begun
        begun += statement.lstrip().startswith(("INSERT", "DELETE", "COMMIT"))

    # Three fortnights of roll-up, delete, note and commit: twelve statements, each of
    # which the file is torn away from in the middle.
    store._file._writer.set_trace_callback(count)
    store._file._writer.set_progress_handler(lambda: begun > dies_after, 1)
    with pytest.raises(UnavailableError, match="interrupted"):
        store.retain(Measurement.WATER, T0 + month)
    store.close()
    store = SqliteTelemetry(path)
    assert_same(store.downsample(ALWAYS, Channel.PH, 24 * HOUR), before)
    store.retain(Measurement.WATER, T0 + month)
    assert list(store.read(ALWAYS)) == []
    assert_same(store.downsample(ALWAYS, Channel.PH, 24 * HOUR), before)
    store.close()


def assert_same(found: Sequence[Bucket], wanted: Sequence[Bucket]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other)
