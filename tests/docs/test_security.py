"""docs/security.md names tests: they are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 30
    text = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert not {one for one in named if f"def {one}(" not in text}


def test_no_weak_hash_is_used() -> None:
    packages = (
        "web",
        "traceability",
        "greenwater",
        "ingest",
        "edge",
        "cli",
        "analytics",
    )
    files = [path for one in packages for path in (ROOT / one).rglob("*.py")]
    weak = re.compile(r"\b(?:md5|sha1|SHA1|MD5)\b")
    used = {path.name for path in files if weak.search(path.read_text())}
    assert used == {"totp.py"}, "RFC 6238 has SHA-1, and nothing else may"


def test_no_requirement_stands_twice_and_each_says_something() -> None:
    rows = re.findall(r"^\| (\d+\.\d.*?) \| (.*?) \| (.*?) \|$", PAGE, re.M)
    assert len(rows) > 45
    numbers = [one for row in rows for one in re.findall(r"\d+\.\d+\.\d+", row[0])]
    assert len(numbers) == len(set(numbers))
    assert all(holds for _, holds, _ in rows)
