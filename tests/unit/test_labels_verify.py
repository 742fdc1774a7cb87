"""What a label is worth, and what it tells: no change to it leaves it valid."""

import json
import string
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from greenwater.kernel.errors import InputError
from tests.vectors.make_labels import (
    CAUGHT,
    FARMED,
    FILE,
    LOT,
    SERIAL,
    document,
    first_label,
    label,
    published,
    signer,
)
from traceability.gs1.digital_link import parse_link
from traceability.proof.keys import read_keys
from traceability.proof.labelfacts import Goods, label_facts, read_facts
from traceability.proof.links import parse_label, to_text
from traceability.proof.seals import is_sealed, parse_seal, seal
from traceability.proof.verify import (
    Code,
    StatusDocument,
    check,
    publish_status,
    read_status,
)

VECTORS: dict[str, Any] = json.loads(FILE.read_text())
KEYS, STATUS = published()
GOOD = label(signer())
LABELS = (
    GOOD,
    label(signer(), facts=CAUGHT),
    label(signer(), serial=None),
    label(signer(), facts={}),
    first_label(signer()),
)


def test_the_vectors_are_what_their_maker_makes() -> None:
    assert json.loads(json.dumps(document())) == VECTORS


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_label_is_worth_what_the_vectors_say(case: dict[str, str]) -> None:
    keys = read_keys(VECTORS["keys"])
    status = read_status(msgspec.convert(VECTORS["status"], StatusDocument), keys)
    found = check(case["text"], keys, status)
    assert found.code == case["code"]
    assert found.is_key_withdrawn is (case["name"] == "a key that was withdrawn")


NEARBY = st.one_of(
    st.sampled_from(string.printable), st.characters(exclude_categories=["Cs"])
)


SPOTS = st.sampled_from(LABELS).flatmap(
    lambda text: st.tuples(st.just(text), st.integers(0, len(text) - 1))
)
"""A place in a label of any kind: facts, none, a lot's, the first kind."""


@given(SPOTS, NEARBY)
def test_a_character_put_in_place_of_another_is_found_out(
    spot: tuple[str, int], other: str
) -> None:
    good, at = spot
    forged = good[:at] + other + good[at + 1 :]
    assume(forged.strip(" \t\r\n") != good)
    assert check(forged, KEYS, STATUS).code is not Code.VALID


@given(SPOTS, st.integers(0, 7))
def test_a_bit_turned_anywhere_is_found_out(spot: tuple[str, int], bit: int) -> None:
    good, at = spot
    raw = bytearray(good.encode())
    raw[at] ^= 1 << bit
    assert check(raw.decode("latin-1"), KEYS, STATUS).code is not Code.VALID


@given(SPOTS, st.text(NEARBY, min_size=1, max_size=3))
def test_characters_put_in_are_found_out(spot: tuple[str, int], more: str) -> None:
    good, at = spot
    forged = good[:at] + more + good[at:]
    assume(forged.strip(" \t\r\n") != good)
    assert check(forged, KEYS, STATUS).code is not Code.VALID


@given(SPOTS, st.integers(1, 40))
def test_characters_taken_out_or_exchanged_are_found_out(
    spot: tuple[str, int], many: int
) -> None:
    good, at = spot
    shorter = good[:at] + good[at + many :]
    assert check(shorter, KEYS, STATUS).code is not Code.VALID
    swapped = good[:at] + good[at : at + 2][::-1] + good[at + 2 :]
    assume(swapped != good)
    assert check(swapped, KEYS, STATUS).code is not Code.VALID


@given(SPOTS)
def test_another_case_is_found_out(spot: tuple[str, int]) -> None:
    good, at = spot
    forged = good[:at] + good[at].swapcase() + good[at + 1 :]
    assume(forged != good)
    assert check(forged, KEYS, STATUS).code is not Code.VALID


@given(st.sampled_from(LABELS), st.sampled_from(LABELS), st.integers(0, 300))
def test_two_labels_make_no_third(one: str, other: str, at: int) -> None:
    spliced = one[:at] + other[at:]
    assume(spliced not in LABELS)
    assert check(spliced, KEYS, STATUS).code is not Code.VALID


DAYS = st.dates(date(2000, 1, 1), date(2071, 12, 31))
GOODS = st.builds(
    Goods,
    species=st.none() | st.sampled_from(["PNV", "YFT"]),
    net_kg=st.none() | st.integers(1, 999_999).map(lambda grams: grams / 1000),
    harvested=st.none() | st.tuples(DAYS, DAYS).map(lambda two: (min(two), max(two))),
    method=st.none() | st.sampled_from(["01", "03"]),
    area=st.none() | st.sampled_from(["71", "27.7.D"]),
    gear=st.none() | st.sampled_from(["LLD", "09.32"]),
    use_by=st.none() | DAYS,
)


@given(GOODS)
def test_what_a_label_tells_is_read_back(goods: Goods) -> None:
    facts = label_facts(goods)
    text = label(signer(), facts=facts)
    link = parse_label(text)
    assert (link.facts, read_facts(link.facts)) == (facts, goods)
    assert list(link.facts) == sorted(link.facts, key=int)
    # GS1's own syntax takes it too, but for our parameter.
    assert {one.ai: one.value for one in parse_link(text).attributes} == facts


@pytest.mark.parametrize(
    ("goods", "sentence"),
    [
        (Goods(net_kg=0.0001), "no net weight"),
        (Goods(net_kg=1_000_000.0), "no net weight"),
        (Goods(net_kg=float("nan")), "no net weight"),
        (Goods(species="tôm"), r"\(7008\)"),
        (Goods(area="71/x"), r"\(7005\)"),
        (Goods(harvested=(date(2026, 6, 2), date(2026, 6, 1))), "before it began"),
        (Goods(use_by=date(1999, 1, 1)), "from 2000"),
    ],
)
def test_what_cannot_stand_on_a_label_is_refused(goods: Goods, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        label_facts(goods)


@pytest.mark.parametrize(
    ("kg", "fact"),
    [
        (0.5, ("3103", "000500")),
        (999.999, ("3103", "999999")),
        (2500.0, ("3102", "250000")),
        (60_000.0, ("3101", "600000")),
        (999_999.0, ("3100", "999999")),
    ],
)
def test_a_weight_has_as_many_decimals_as_fit(kg: float, fact: tuple[str, str]) -> None:
    assert list(label_facts(Goods(net_kg=kg)).items()) == [fact]


def test_a_seal_of_one_kind_is_none_of_another() -> None:
    domain, own = b"greenwater-card-1\n", KEYS.find(signer().kid)
    sealed = seal("a trip", signer(), domain)
    one = parse_seal(sealed)
    assert (one.text, one.key) == ("a trip", signer().kid)
    assert own is not None
    assert is_sealed(one, own, domain)
    assert not is_sealed(one, own, b"greenwater-label-1\n")
    assert not is_sealed(parse_seal(sealed.replace("trip", "trap")), own, domain)
    other = seal("a trip", signer(128), domain)
    assert not is_sealed(parse_seal(other), own, domain)
    for misspelt in (sealed[:-1], "words"):
        with pytest.raises(InputError):
            parse_seal(misspelt)


def test_a_phone_whose_clock_is_behind_goes_by_the_list() -> None:
    past = label(signer(), facts={"17": "260601", **FARMED})
    for now_ms in (None, 0, STATUS.at_ms):
        assert check(past, KEYS, STATUS, now_ms).code is Code.PAST_DATE
    good = label(signer(), facts={"17": "260602", **FARMED})
    last_ms = 1_780_419_600_000  # 2026-06-03 00:00 in Vietnam
    assert check(good, KEYS, STATUS, last_ms - 1).code is Code.VALID
    assert check(good, KEYS, STATUS, last_ms).code is Code.PAST_DATE
    assert check(good, KEYS, None).code is Code.VALID


def test_a_valid_label_is_said_to_be_what_it_is() -> None:
    verdict = check(GOOD, KEYS, STATUS)
    assert (verdict.code, verdict.lot, verdict.serial, verdict.at_ms) == (
        Code.VALID, LOT, SERIAL, STATUS.at_ms,
    )  # fmt: skip
    assert check(GOOD, KEYS, None).at_ms is None


def test_a_list_that_was_changed_is_no_list() -> None:
    listed = publish_status(STATUS, signer())
    assert read_status(listed, KEYS) == STATUS
    stranger = publish_status(STATUS, signer(128))
    forged = [
        replace(listed, payload=listed.payload.replace("0905", "0906")),
        replace(listed, s=listed.s[:-2] + "AA"),
        replace(listed, k="aaaaaaaa"),
        replace(stranger, k=listed.k),
        stranger,
    ]
    for one in forged:
        with pytest.raises(InputError, match="not signed by a key"):
            read_status(one, KEYS)
    for text in (b"", b"[]", b'{"payload": 1}'):
        with pytest.raises(InputError, match="no list of labels"):
            read_status(text, KEYS)


def test_a_labels_signature_signs_no_list_and_the_other_way_round() -> None:
    ours = signer()
    payload = msgspec.json.encode(STATUS).decode()
    as_label = ours.sign(b"greenwater-label-1\n" + payload.encode())
    with pytest.raises(InputError):
        read_status(StatusDocument(payload, ours.kid, to_text(as_label)), KEYS)
