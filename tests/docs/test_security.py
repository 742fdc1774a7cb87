"""docs/security.md names tests: they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 30
    text = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    gone = sorted(one for one in named if f"def {one}(" not in text)
    assert not gone, f"docs/security.md rests on tests that are gone or renamed: {gone}"


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
    assert used == {"totp.py"}, f"{used}: RFC 6238 has SHA-1, and nothing else may"


FORBIDDEN = {
    r"\.(?:inner|outer)HTML\s*\+?=[^=]|insertAdjacentHTML|document\.write|\beval\(|new Function": (
        "web/static", "*.js", "pages are built of text, and nothing is run that came",
    ),
    r"\btext\(\s*(?:f|rf|fr)[\"']|\.execute\(\s*f[\"']|exec_driver_sql": (
        "greenwater/storage/registry", "*.py", "no statement is put together of texts",
    ),
    r"\bsubprocess\b|os\.(?:system|popen|exec)|\bpickle\b|\beval\(|yaml\.load": (
        "web", "*.py", "the site starts no program and unpacks no objects",
    ),
    r"Markup\(\s*(?:f|rf|fr)[\"']": (
        "web", "*.py", "what is drawn is filled in by format, which escapes",
    ),
    r"\|\s*safe\b|autoescape\s+false": (
        "web/templates", "*.html", "every word of a page is escaped",
    ),
}  # fmt: skip
"""What none of our files of a folder has in it, and why."""

CONSTANT = {"migrating.py", "session.py"}
"""Pragmas and locks, put together of our own numbers alone."""


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_what_would_let_a_visitors_words_be_more_than_words_is_not_there(
    pattern: str,
) -> None:
    folder, files, why = FORBIDDEN[pattern]
    found = [
        path.name
        for path in (ROOT / folder).rglob(files)
        if "vendor" not in path.parts
        and "migrations" not in path.parts
        and re.search(pattern, path.read_text(encoding="utf-8"))
    ]
    assert not set(found) - CONSTANT, f"{folder}: {found}: {why}"


def test_no_requirement_stands_twice_and_each_says_something() -> None:
    rows = re.findall(r"^\| (\d+\.\d.*?) \| (.*?) \| (.*?) \|$", PAGE, re.M)
    assert len(rows) > 45
    numbers = [one for row in rows for one in re.findall(r"\d+\.\d+\.\d+", row[0])]
    assert len(numbers) == len(set(numbers))
    assert all(holds for _, holds, _ in rows)
