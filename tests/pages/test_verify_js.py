"""The check in the browser is the check in Python, on the same labels."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.chromium import browsing, chromium
from tests.pages.serving import serving_scripts
from tests.vectors.make_labels import (
    CAUGHT,
    FILE,
    first_label,
    label,
    published,
    signer,
)
from traceability.proof.keys import read_keys
from traceability.proof.verify import check

VECTORS: dict[str, Any] = json.loads(FILE.read_text())
ASK = """
async ([texts, keys, status]) => {
  const { checkLabel } = await import("/verify.js");
  const verdicts = [];
  for (const text of texts) verdicts.push(await checkLabel(text, keys, status));
  return verdicts;
}
"""
FORGERIES = 400


def forged(number: int) -> list[str]:
    """Return labels with a few characters changed anywhere, and some left alone."""
    random, ours = Random(20), signer()
    kinds = (label(ours), label(ours, serial=None, facts=CAUGHT), first_label(ours))
    letters = "0123456789abcXYZ-_.~/?&=%# \t\n\u00e9\u0410\u200b\uff11"
    found = []
    for _ in range(number):
        text = list(random.choice(kinds))
        for _ in range(random.choice((0, 1, 1, 1, 2))):
            at = random.randrange(len(text))
            text[at : at + random.choice((0, 1, 1))] = random.choice(letters)
        found.append("".join(text))
    return found


@pytest.mark.live
def test_the_browser_judges_as_python_does(tmp_path: Path) -> None:
    chromium()
    texts = [case["text"] for case in VECTORS["cases"]] + forged(FORGERIES)
    keys, status = published()
    with serving_scripts() as url, browsing(tmp_path) as context:
        page = context.new_page()
        page.goto(f"{url}/icon.svg")
        verdicts = page.evaluate(ASK, [texts, VECTORS["keys"], VECTORS["status"]])
        unsigned = {**VECTORS["status"], "s": VECTORS["status"]["s"][:-2] + "AA"}
        (alone,) = page.evaluate(ASK, [texts[:1], VECTORS["keys"], unsigned])
    assert read_keys(VECTORS["keys"]) == keys
    for text, verdict in zip(texts, verdicts, strict=True):
        ours = check(text, keys, status)
        facts = ("code", "gtin", "lot", "serial", "reason", "phone")
        theirs = tuple(verdict.get(name) or "" for name in facts)
        assert bool(verdict.get("is_key_withdrawn")) is ours.is_key_withdrawn
        assert theirs == (
            ours.code, ours.gtin, ours.lot, ours.serial, ours.reason, ours.phone,
        ), text  # fmt: skip
        assert (verdict.get("facts") or {}) == ours.facts, text
    assert {one["code"] for one in verdicts} >= {"valid", "altered", "recalled"}
    assert (alone["code"], alone["at_ms"]) == ("valid", None), "no list is believed"
