"""A trip card is worth in the browser what it is worth in Python, and so is a position."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.chromium import browsing, chromium
from tests.pages.serving import serving_scripts
from tests.pages.test_formats import DEGREES, NO_DEGREES
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


TYPED = """
async (texts) => {
  const { typedDegrees } = await import("/numbers.js");
  return texts.map(typedDegrees);
}
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    chromium()
    folder = tmp_path_factory.mktemp("scripts")
    with serving_scripts() as url, browsing(folder) as context:
        page = context.new_page()
        page.goto(f"{url}/icon.svg")
        yield page


@pytest.mark.live
def test_the_browser_reads_positions_as_python_does(page: Page) -> None:
    told = page.evaluate(TYPED, [*DEGREES, *NO_DEGREES])
    assert [float(one) for one in told[: len(DEGREES)]] == list(DEGREES.values())
    assert told[len(DEGREES) :] == [one for one in NO_DEGREES]


@pytest.mark.live
def test_the_browser_judges_cards_as_python_does(page: Page) -> None:
    texts = [case["text"] for case in VECTORS["cases"]]
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
