"""Runs all tests but the long ones, in four lots beside each other: most of them wait.

The live ones come when the unit tests are through: the stories alone take as long.

    python tools/run_tests.py PYTHON [ARGUMENTS OF PYTEST]

With arguments it is pytest with these, long tests too, and nothing beside it.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

LOTS = (
    ("tests/live/test_ledger.py", "tests/stories", "tests/faults"),
    ("tests/contracts",),
    ("tests/pages",),
)
"""What runs beside the rest; each lot starts its own servers. Tests that watch a clock
are one lot, so that no two of them take the processor from each other."""
LAST = "tests/live"
NOTHING_COLLECTED = 5


class Beside(NamedTuple):
    """A lot that runs, and what it says meanwhile."""

    paths: tuple[str, ...]
    process: subprocess.Popen[bytes]
    told: IO[bytes]


def main(python: str, arguments: list[str]) -> int:
    """Return a status that is 0 only if every lot's is."""
    # Hundreds of our own processes are started and killed: each compiled its modules anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    words = [python, "-m", "pytest", "-q", "-rfEs"]
    if arguments:
        return subprocess.call([*words, *arguments])
    words += ["-m", "not long"]
    lots = [_begun([*words, "--durations=6"], paths) for paths in LOTS]
    try:
        apart = [f"--ignore={path}" for paths in LOTS for path in paths]
        rest = [*words, "--durations=12", *apart]
        status = subprocess.call([*rest, f"--ignore={LAST}", "tests"])
        status = subprocess.call([*rest, LAST]) or status
        for lot in lots:
            beside = lot.process.wait()
            status = status or (0 if beside == NOTHING_COLLECTED else beside)
    finally:
        for lot in lots:
            lot.process.kill()
    for lot in lots:
        lot.told.seek(0)
        print(f"\n== {' '.join(lot.paths)} ==", flush=True)
        sys.stdout.buffer.write(lot.told.read())
        sys.stdout.flush()
        lot.told.close()
    return status


def _begun(words: list[str], paths: tuple[str, ...]) -> Beside:
    told = tempfile.TemporaryFile()  # noqa: SIM115  (closed when it was printed)
    process = subprocess.Popen([*words, *paths], stdout=told, stderr=subprocess.STDOUT)
    return Beside(paths, process, told)


if __name__ == "__main__":
    if not Path("tests").is_dir():
        sys.exit("run this from the project's root: make test")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
