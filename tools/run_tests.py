"""Runs all tests: the stories beside all others, since they mostly wait.

    python tools/run_tests.py PYTHON [ARGUMENTS OF PYTEST]

With arguments it is pytest with these, and nothing beside it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

STORIES = "tests/stories"
NOTHING_COLLECTED = 5


def main(python: str, arguments: list[str]) -> int:
    """Return pytest's status, the stories' where only they went wrong."""
    words = [python, "-m", "pytest", "-q", "-rfEs"]
    if arguments:
        return subprocess.call([*words, *arguments])
    with tempfile.TemporaryFile() as told:
        stories = subprocess.Popen(
            [*words, "--durations=4", STORIES], stdout=told, stderr=subprocess.STDOUT
        )
        try:
            status = subprocess.call(
                [*words, "--durations=12", "--ignore", STORIES, "tests"]
            )
            beside = stories.wait()
        finally:
            stories.kill()
        told.seek(0)
        print(f"\n== {STORIES} ==", flush=True)
        sys.stdout.buffer.write(told.read())
        sys.stdout.flush()
    return status or (0 if beside == NOTHING_COLLECTED else beside)


if __name__ == "__main__":
    if not Path("tests").is_dir():
        sys.exit("run this from the project's root: make test")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
