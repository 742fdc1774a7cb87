"""Compressed Digital Links: what public writers of the standard made, read back.

The vectors are outputs of two of GS1's toolkits' descendants (Apache-2.0), as their own tests
state them; what those accept and our rules of elements refuse stands in ``REFUSED``.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.errors import InputError
from greenwater.reference.identifiers import IDENTIFIERS
from traceability.gs1.compression import ALPHABET, SHORTCUTS, expand, expand_path
from traceability.gs1.digital_link import parse_link

STEM = "https://id.gs1.org"
WHOLE = {
    "AN2yxDhfaiaw": "00/998440410914660971",
    "AQnYUc1gmg": "01/05412345000013",
    "AQnYUc1gmiCNV4JG": "01/05412345000013/10/ABC123",
    "AQnYUc1gmiCNV4JGQhcNT6K6cibQCWN9Pee9tT-PQ":
        "01/05412345000013/22/AJY3095721P49/10/ABC123/21/72292641703",
    "AQnYUc1gmkax7ipGrOHDPC5YNI8hMz": "01/05412345000013/235/8TFV883a904GH%263",
    "JTLIetaiHYA": "253/3060077601309", "JVUqG5hJ5wA": "255/5678409730535",
    "QBl2DVoxZM2jVm3ZOWEFoxTR5HDgzZg": "401/0541234537290A41%26GHpp33",
    "QCJZyW9mC6Z4": "402/21173492661712079", "QUSaVjC_dA": "414/5060917510004",
    "JUa0T-eifdtOO9UFEmlYwv3Q": "414/5060917510004/254/RP56J920471",
    "QXSaVjC_dHBAVlCrg": "417/5060917510004/7040/5KFX",
    "cEB2CqjAAkuwatGLJm0as27JywgtGKaPI4cGbM":
        "8004/0541234537290A41%26GHpp33/7040/7BVR",
    "gAMJCAXukTMA": "8003/04965031954585",
    "gBCVYNWjFkzaNWbdk5YQWjFHHkM2cAI0xdvpGo":
        "8010/0541234537290A41%23GH33/8011/6639047221",
    "gBN05060917511473062B98T": "8013/5060917511473062B98T",
    "gBe1ajAd9ATDmAGXPRfk": "8017/817019610850151481/8019/4003812",
}  # fmt: skip
BEHIND_A_KEY = {
    "01/05412345000013/EEarwSM": "01/05412345000013/10/ABC123",
    "01/05412345000013/EEarwSMhC4an0V05E2gEsb6e897an8eg":
        "01/05412345000013/22/AJY3095721P49/10/ABC123/21/72292641703",
    "414/5060917510004/cEBWUKu": "414/5060917510004/7040/5KFX",
    "8018/411369833821910265/gBlz0X5A": "8018/411369833821910265/8019/4003812",
}  # fmt: skip
REFUSED = {
    "I1j3FSNWcOGeFywaR5CZmSmWQ9a1EOwA": "needs",  # 235 without 01
    "gAYMBI_bNGwJk": "piece",  # the second of one
    "AQnYUc1g": "ends before", "AQnYUc1gmgAA": "ends before",
    "AQnYUc1gnA": "check digit", "BAAAAAAA": "no application identifier",
    "4AAAAAAA": "stands for no", "a b": "no compressed",
}  # fmt: skip


@pytest.mark.parametrize("text", [*WHOLE, *BEHIND_A_KEY])
def test_what_others_compressed_is_read(text: str) -> None:
    link, others = expand_path(text.split("/"), STEM)
    assert link == f"{STEM}/{({**WHOLE, **BEHIND_A_KEY})[text]}"
    assert others == ()


@pytest.mark.parametrize("text", REFUSED)
def test_what_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=REFUSED[text]):
        expand_path([text], STEM)


def bits(*pairs: tuple[int, int]) -> str:
    """Return numbers, each with its width, as a compressed step."""
    row = "".join(f"{value:0{width}b}" for value, width in pairs)
    row += "0" * (-len(row) % 6)
    return "".join(ALPHABET[int(row[at : at + 6], 2)] for at in range(0, len(row), 6))


def test_a_shortcut_keeps_noughts_in_front_and_dates_follow_the_key() -> None:
    text = bits(
        (0x1A, 8), (9521234543213, 47), (0, 3), (4, 5), (17, 14),
        (1, 3), (2, 5), (0xAB, 8), (270101, 20),
    )  # fmt: skip
    link, _ = expand_path([text], STEM)
    assert link == f"{STEM}/01/09521234543213/10/0017/21/ab?17=270101"


def test_what_is_no_identifier_is_passed_on() -> None:
    key = (0x01, 8), (9521234543213, 47)
    other = (0xF, 4), (0, 7), (ALPHABET.index("s"), 6), (3, 3), (2, 7)
    text = bits(*key, *other, (ALPHABET.index("o"), 6), (ALPHABET.index("k"), 6))
    assert expand_path([text], STEM)[1] == ("s=ok",)


@given(st.text(ALPHABET, min_size=3, max_size=60))
def test_whatever_is_read_is_a_link(text: str) -> None:
    try:
        link, _ = expand_path([text], STEM)
    except InputError:
        return
    assert parse_link(link).elements


def test_every_shortcut_is_of_identifiers_that_there_are() -> None:
    assert len(SHORTCUTS) == 52
    assert {ai for ais in SHORTCUTS.values() for ai in ais} <= IDENTIFIERS.keys()
    assert expand(bits((0x9D, 8), (5060917510004, 44), (0, 3), (1, 5), (7, 4)))
