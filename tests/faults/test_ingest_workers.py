"""Workers' names are one process's at a time, so no intake row is ever overwritten."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenwater.kernel.errors import ConfigError
from greenwater.kernel.ids import WorkerId
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry
from ingest.workers import by_hand, held
from tests.live.system import a_farm, clean_environ
from tests.templates import empty_registry

ROOT = Path(__file__).resolve().parents[2]
DEVICES = [f"pen-{number}" for number in range(20)]
PER_DEVICE = 150


def a_file(path: Path, probe: str) -> Path:
    """Write a farmer's file with readings of every device."""
    lines = ["time,device,probe,channel,value,unit"]
    lines += [
        f"2026-05-01T{at // 60:02}:{at % 60:02}:00+07:00,{device},{probe},ph,7.5,pH"
        for device in DEVICES
        for at in range(PER_DEVICE)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def importing(home: Path, path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "import", "hand", str(path)],
        env={**clean_environ(), "GREENWATER_HOME": str(home)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )


def test_files_imported_at_once_leave_every_row_of_intake(tmp_path: Path) -> None:
    with open_registry(empty_registry(tmp_path / "registry.db")) as registry:
        a_farm(registry, DEVICES)
    telemetry = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
    files = [a_file(tmp_path / f"{n}.csv", f"meter-{n}") for n in range(3)]
    running = [importing(tmp_path, path) for path in files]
    said = [one.communicate(timeout=120)[0].decode() for one in running]
    count = len(DEVICES) * PER_DEVICE
    assert all(one.startswith(f"{count} read: {count} stored") for one in said), said
    rows = telemetry.intake_after({}, 1_000)
    told = {(row.worker, row.sequence) for row in rows}
    assert len(rows) == len(told) == len(DEVICES) * len(files)
    assert sum(row.stored for row in rows) == count * len(files)
    telemetry.close()


def test_a_name_is_given_again_once_it_is_free_and_never_to_two(tmp_path: Path) -> None:
    with by_hand(tmp_path) as first, by_hand(tmp_path) as second:
        assert first.id != second.id
    with by_hand(tmp_path) as again:
        assert again.id == first.id
    with by_hand(tmp_path / "other") as elsewhere:
        assert elsewhere.id.rsplit("-", 1)[0] != first.id.rsplit("-", 1)[0]


HOLDS = """
import sys
from pathlib import Path
from ingest.workers import by_hand, held
with held(Path(sys.argv[1]), "w1"), by_hand(Path(sys.argv[1])) as worker:
    print(worker.id, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def another_process(home: Path) -> Iterator[str]:
    """Hold w1 and a worker by hand in another process; SIGKILL it at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.kill()


def test_a_worker_that_runs_already_is_refused_by_its_name(tmp_path: Path) -> None:
    with another_process(tmp_path) as theirs:
        with (
            pytest.raises(ConfigError, match="worker w1 runs already"),
            held(tmp_path, WorkerId("w1"), patience_s=0.2),
        ):
            pass
        with held(tmp_path, WorkerId("w2")), by_hand(tmp_path) as ours:
            assert ours.id != theirs
    with held(tmp_path, WorkerId("w1")), by_hand(tmp_path) as ours:
        assert ours.id == theirs, "a killed process holds nothing"


def test_numbers_that_were_given_are_remembered_beside_the_store(
    tmp_path: Path,
) -> None:
    for worker in ("w1", "w2"):
        with held(tmp_path, WorkerId(worker)) as first:
            assert first.reached() == 0
            first.reach(41)
            first.reach(42)
    with held(tmp_path, WorkerId("w1")) as again:
        assert again.reached() == 42
    (tmp_path / "ingest-w1.lock").write_bytes(b"\x00torn")
    with held(tmp_path, WorkerId("w1")) as again:
        assert again.reached() == 0


def test_a_store_restored_from_a_backup_is_not_numbered_over_again(
    tmp_path: Path,
) -> None:
    path = a_file(tmp_path / "meter.csv", "pen")
    with open_registry(empty_registry(tmp_path / "registry.db")) as registry:
        a_farm(registry, DEVICES)

    def rows() -> list[int]:
        process = importing(tmp_path, path)
        process.communicate(timeout=120)
        assert process.returncode == 0
        telemetry = open_telemetry(f"sqlite:///{tmp_path}/telemetry.db")
        found = [row.sequence for row in telemetry.intake_after({}, 1_000)]
        telemetry.close()
        return found

    seen = rows()
    for file in tmp_path.glob("telemetry.db*"):  # back to a backup from before it
        file.unlink()
    assert min(rows()) > max(seen)
