"""The trip card: what it says, what it is worth, and that no letter of it can be changed."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.make_cards import CARD, FILE, NOW, cases, document
from tests.vectors.make_labels import BASE, published, signer
from traceability.sea.cards import Card, CardCode, card_of, check_card, make_card
from traceability.sea.vessel_papers import PaperStanding, PaperState

KEYS, _ = published()
DAY = 86_400_000


def test_the_vectors_are_those_of_the_program() -> None:
    assert json.loads(FILE.read_text()) == json.loads(json.dumps(document()))


def test_every_verdict_is_among_the_vectors() -> None:
    found = {case["verdict"]["code"] for case in document()["cases"]}
    assert found == {code.value for code in CardCode}


def test_a_card_says_what_it_was_made_of() -> None:
    verdict = check_card(make_card(CARD, BASE, signer()), KEYS, NOW)
    assert (verdict.code, verdict.card) == (CardCode.VALID, CARD)


def test_a_card_is_old_after_a_week() -> None:
    text = make_card(CARD, BASE, signer())
    assert check_card(text, KEYS, CARD.made_ms + 7 * DAY - 1).code is CardCode.VALID
    assert check_card(text, KEYS, CARD.made_ms + 7 * DAY).code is CardCode.EXPIRED


days = st.dates(
    min_value=dt.date(2000, 1, 1),
    max_value=dt.date(2098, 12, 31),
).map(lambda one: one.isoformat())


@given(
    vessel=st.sampled_from(["KH-95123-TS", "BĐ-9552-TS", "BTH-99630-TS"]),
    since=days,
    until=st.none() | days,
    caught=st.dictionaries(
        st.sampled_from(["YFT", "BET", "SWO", "DOL"]), st.integers(1, 9_999_999)
    ),
    papers=st.dictionaries(
        st.sampled_from(["registration", "licence", "vms"]), st.none() | days
    ),
    minutes=st.integers(27_000_000, 40_000_000),
)
def test_whatever_a_trip_was_its_card_can_be_read(
    vessel: str,
    since: str,
    until: str | None,
    caught: dict[str, int],
    papers: dict[str, str | None],
    minutes: int,
) -> None:
    card = Card(vessel, since, until, caught, papers, minutes * 60_000)
    verdict = check_card(make_card(card, BASE, signer()), KEYS, card.made_ms)
    assert (verdict.code, verdict.card) == (CardCode.VALID, card)


@given(
    at=st.integers(0, 300), letter=st.characters(min_codepoint=33, max_codepoint=126)
)
def test_no_letter_of_a_card_can_be_changed(at: int, letter: str) -> None:
    good = cases()["valid"]
    at %= len(good)
    forged = good[:at] + letter + good[at + 1 :]
    if forged != good:
        assert check_card(forged, KEYS, NOW).code is not CardCode.VALID


def test_what_is_missing_or_weighs_nothing_is_not_on_the_card() -> None:
    papers = [
        PaperState("licence", PaperStanding.VALID, "1", "2027-06-30"),
        PaperState("safety", PaperStanding.MISSING),
    ]
    many = {f"S{number:02}": 100.0 + number for number in range(20)} | {"YFT": 0.2}
    card = card_of("KH-95123-TS", (NOW, None), many, papers, NOW)
    assert dict(card.papers) == {"licence": "2027-06-30"}
    assert len(card.catch_kg) == 12
    assert "S19" in card.catch_kg
    assert card.to_day is None


@pytest.mark.parametrize(
    "text", ["", "x" * 5000, "https://x/card/", "https://x/card/1"]
)
def test_any_text_has_a_verdict(text: str) -> None:
    assert check_card(text, KEYS, NOW).code is not CardCode.VALID
