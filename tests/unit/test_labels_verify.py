"""What a label is worth: no change to it, however small, leaves it genuine."""

import json
import string
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from greenwater.kernel.errors import InputError
from tests.vectors.make_labels import (
    FILE,
    LOT,
    SERIAL,
    document,
    label,
    published,
    signer,
)
from traceability.keys import read_keys
from traceability.links import to_text
from traceability.verify import (
    Code,
    StatusDocument,
    check,
    publish_status,
    read_status,
)

VECTORS: dict[str, Any] = json.loads(FILE.read_text())
KEYS, STATUS = published()
GOOD = label(signer())


def test_the_vectors_are_what_their_maker_makes() -> None:
    assert json.loads(json.dumps(document())) == VECTORS


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_label_is_worth_what_the_vectors_say(case: dict[str, str]) -> None:
    keys = read_keys(VECTORS["keys"])
    status = read_status(msgspec.convert(VECTORS["status"], StatusDocument), keys)
    assert check(case["text"], keys, status).code == case["code"]


NEARBY = st.one_of(
    st.sampled_from(string.printable), st.characters(exclude_categories=["Cs"])
)


@given(st.integers(0, len(GOOD) - 1), NEARBY)
def test_a_character_put_in_place_of_another_is_found_out(at: int, other: str) -> None:
    forged = GOOD[:at] + other + GOOD[at + 1 :]
    assume(forged.strip(" \t\r\n") != GOOD)
    assert check(forged, KEYS, STATUS).code is not Code.GENUINE


@given(st.integers(0, len(GOOD)), st.text(NEARBY, min_size=1, max_size=3))
def test_characters_put_in_are_found_out(at: int, more: str) -> None:
    forged = GOOD[:at] + more + GOOD[at:]
    assume(forged.strip(" \t\r\n") != GOOD)
    assert check(forged, KEYS, STATUS).code is not Code.GENUINE


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 40))
def test_characters_taken_out_or_exchanged_are_found_out(at: int, many: int) -> None:
    shorter = GOOD[:at] + GOOD[at + many :]
    assert check(shorter, KEYS, STATUS).code is not Code.GENUINE
    swapped = GOOD[:at] + GOOD[at : at + 2][::-1] + GOOD[at + 2 :]
    assume(swapped != GOOD)
    assert check(swapped, KEYS, STATUS).code is not Code.GENUINE


@given(st.integers(0, len(GOOD) - 1))
def test_another_case_is_found_out(at: int) -> None:
    forged = GOOD[:at] + GOOD[at].swapcase() + GOOD[at + 1 :]
    assume(forged != GOOD)
    assert check(forged, KEYS, STATUS).code is not Code.GENUINE


def test_a_genuine_label_is_said_to_be_what_it_is() -> None:
    verdict = check(GOOD, KEYS, STATUS)
    assert (verdict.code, verdict.lot, verdict.serial, verdict.at_ms) == (
        Code.GENUINE, LOT, SERIAL, STATUS.at_ms,
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
