"""A trip card in the browser is worth what it is worth in Python, with no network too."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import browsing, chromium
from tests.pages.serving import serving_scripts
from tests.vectors.make_cards import FILE

VECTORS: dict[str, Any] = json.loads(FILE.read_text())
ASK = """
async ([texts, keys, now, status]) => {
  const { checkCard } = await import("/card.js");
  const verdicts = [];
  for (const text of texts) verdicts.push(await checkCard(text, keys, now, status));
  return verdicts;
}
"""


@pytest.mark.live
def test_the_browser_judges_cards_as_python_does(tmp_path: Path) -> None:
    chromium()
    texts = [case["text"] for case in VECTORS["cases"]]
    with serving_scripts() as url, browsing(tmp_path) as context:
        page = context.new_page()
        page.goto(f"{url}/icon.svg")
        told = page.evaluate(
            ASK, [texts, VECTORS["keys"], VECTORS["now_ms"], VECTORS["status"]]
        )
    for case, verdict in zip(VECTORS["cases"], told, strict=True):
        ours = case["verdict"]
        assert verdict["code"] == ours["code"], case["name"]
        card, theirs = ours["card"], verdict.get("card")
        assert (theirs is None) == (card is None), case["name"]
        if card is None:
            continue
        assert theirs["vessel"] == card["vessel"]
        assert (theirs["from"], theirs["to"] or None) == (
            card["from_day"], card["to_day"],
        )  # fmt: skip
        assert dict(theirs["caught"]) == card["catch_kg"]
        assert [until or None for _, until in theirs["papers"]] == list(
            card["papers"].values()
        )
        assert theirs["made_ms"] == card["made_ms"]
