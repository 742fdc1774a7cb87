"""Element strings, and every rule for values; biip reads the same from what scanners send."""

import json
import re
from collections.abc import Callable
from importlib import resources

import pytest
from biip import ParseConfig
from biip.gs1_messages import GS1Message
from hypothesis import given
from hypothesis import strategies as st

from greenwater.kernel.errors import InputError
from greenwater.reference.identifiers import IDENTIFIERS
from traceability.gs1.digital_link import make_link, parse_link
from traceability.gs1.digits import CHARSET_82, check_digit, check_pair
from traceability.gs1.elements import (
    Element,
    make_element,
    parse_bracketed,
    parse_scanned,
    to_bracketed,
    to_scanned,
)
from traceability.gs1.values import RULES, check_value

GOOD: dict[str, list[str]] = {
    "00": ["952012345678912345"], "11": ["260600", "240229", "000229"],
    "20": ["00"], "242": ["1", "123456"], "253": ["1231231231232", "1231231231232A"],
    "255": ["1231231231232123"], "3910": ["704100"], "401": ["1234", "1234%/"],
    "402": ["12312312312312319"[:16] + str(check_digit("1231231231231231"))],
    "421": ["704700000"], "423": ["704", "704702", "704702703705840"],
    "4307": ["VN"], "4309": ["18000000003600000000"], "4300": ["A%20B", "AB"],
    "4321": ["0", "1"], "4324": ["2606012359", "2606002359"], "4326": ["260601"],
    "4330": ["012345", "012345-"], "7003": ["2606010000"], "7007": ["260601", "260601260602"],
    "7011": ["260601", "2606011200"], "7030": ["999X", "704AB"], "7040": ["1AB-"],
    "7041": ["1A", "ZZ"], "7230": ["EMX"], "7241": ["01", "80"], "7250": ["20000229"],
    "7252": ["9"], "7258": ["1/2", "9/9"], "8001": ["00010000100190"],
    "8003": ["01231231231232", "01231231231232X"], "8006": ["123123123123330102"],
    "8007": ["FR7630006000011234567890189", "BE71096123456769"],
    "8008": ["26060112", "260601125959"], "8010": ["0200", "0200#-/A"], "8011": ["0", "10"],
    "8013": ["1987654Ad4X4bL5ttr2310c2K", "12345_!\"%&'()*+,-./LC"],
    "8014": ["12345_ABCDEFGHIJKLMCP"], "8030": ["a-_Z", "ab==", "abc="],
    "8110": ["106141416543213150110120", "106141416543213500110000310123196000"],
    "8112": ["001234561234560123456", "061234567890121234569123456789012345"],
    "90": ["X" * 30], "99": [CHARSET_82[:40], "X" * 90], "235": ["X" * 28],
}  # fmt: skip


@pytest.mark.parametrize(
    ("ai", "value"), [(a, v) for a, vs in GOOD.items() for v in vs]
)
def test_values_that_can_be(ai: str, value: str) -> None:
    check_value(ai, value)


BAD: dict[str, list[str]] = {
    "00": ["952012345678912346", "95201234567891234", "95201234567891234A", ""],
    "01": ["1231231231233３"], "11": ["261300", "260631", "230229", "26063a"],
    "242": ["1234567", "A"], "253": ["1231231231233", "123123123123", "A231231231232"],
    "255": ["1231231231232A"], "3910": ["000100", "704"], "401": ["123", "A234"],
    "422": ["000", "999", "70"], "423": ["70", "7047", "704000"], "4307": ["vn", "XX"],
    "4309": ["18000000010000000000", "00000000003600000001"], "4300": ["%", "%2", "%zz"],
    "4321": ["2"], "4324": ["2606012460", "2606312359"], "4326": ["260600"],
    "4330": ["012345+", "01234"], "7003": ["2606012400"], "7007": ["2606012606", "260600"],
    "7011": ["260601120"], "7030": ["000X", "704"], "7040": ["AABC", "1AB%"],
    "7041": ["99", "x"], "7241": ["00", "11"], "7250": ["19000229", "20261301"],
    "7252": ["3"], "7258": ["2/1", "0/1", "1-2"], "8001": ["00000000100190", "00010000100120"],
    "8003": ["11231231231232"], "8006": ["123123123123330201", "123123123123330001"],
    "8007": ["FR7630006000011234567890188", "XX361234567890", "BE7109612345"],
    "8008": ["26060124", "260601126000"], "8010": ["020", "0200a"], "8011": ["01"],
    "8013": ["1987654Ad4X4bL5ttr2310cXK", "22", "1"], "8014": ["12345678901234567890123AA"],
    "8030": ["ab+", "a===", "a=b"], "8110": ["1061414165432131501101201", "7061414165432", "1"],
    "8112": ["201234561234560123456", "0012345612345601234567", "00a"],
    "89": ["X"], "999": ["X"], "1": ["X"], "": ["X"], "gtin": ["X"], "３０": ["1"],
    "90": ["X" * 31], "99": ["a b", "á", "a^b", "a#b", "a\n", "\x1d"], "310": ["000001"],
}  # fmt: skip


@pytest.mark.parametrize(("ai", "value"), [(a, v) for a, vs in BAD.items() for v in vs])
def test_values_that_cannot_be(ai: str, value: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"({ai})")):
        check_value(ai, value)


def test_every_rule_of_the_table_is_known_and_tried() -> None:
    named = {
        rule
        for one in IDENTIFIERS.values()
        for part in one.parts
        for rule in part.rules
    }
    assert named == set(RULES)
    for ai in {**GOOD, "01": []}:
        named -= {rule for part in IDENTIFIERS[ai].parts for rule in part.rules}
    assert named == set()


def test_the_table_has_the_identifiers_that_biip_has_and_no_others() -> None:
    """biip's table is GS1's own list; ours knows more of each, and nothing else."""
    file = resources.files("biip.gs1_application_identifiers")
    theirs = json.loads((file / "_application_identifiers.json").read_text())
    assert {one["ai"] for one in theirs} == set(IDENTIFIERS)
    special = {"4330", "4331", "4332", "4333", "7258", "8003", "8010"}
    for one in theirs:
        ours, ai, pattern = IDENTIFIERS[one["ai"]], one["ai"], one["pattern"]
        assert ours.is_fixed is not one["separator_required"], ai
        for value in GOOD.get(ai, []):
            # Theirs has five characters at least in 8010, and no padding in 8030.
            if ai != "8010" and not value.endswith("="):
                assert re.fullmatch(pattern, ai + value), ai
        if ai in special:  # more than digits must be there
            continue
        assert re.fullmatch(pattern, ai + "1" * ours.longest), ai
        assert not re.fullmatch(pattern, ai + "1" * (ours.longest + 1)), ai
        if ours.shortest > 1:  # some of theirs allow nothing at all
            assert not re.fullmatch(pattern, ai + "1" * (ours.shortest - 1)), ai


def test_check_characters_are_those_of_the_general_specifications() -> None:
    assert check_pair("1987654Ad4X4bL5ttr2310c") == "2K"
    assert check_digit("629104150021") == 3


def test_a_bracket_within_a_value_is_escaped() -> None:
    found = parse_bracketed(r"(01)12312312312333(10)A\(1)(99)X")
    assert [one.value for one in found] == ["12312312312333", "A(1)", "X"]
    assert to_bracketed(found) == r"(01)12312312312333(10)A\(1)(99)X"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "0 characters"),
        ("01)1", "does not begin"),
        ("(01", "does not begin"),
        ("(01)", "14"),
        ("(99)A(99)B", r"\(99\) stands twice, as 'A' and 'B'"),
        ("(10)A", r"\(10\) needs \(01\) or"),
        ("(99)X(", "no application identifier|does not begin"),
        ("(99)" + "X" * 9000, "characters"),
    ],
)
def test_brackets_that_are_refused(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse_bracketed(text)


@pytest.mark.parametrize(
    "text", ["", "^", "0112312312312333", "^01123", "^89X", "^0", "^^99A", "^99A^^99A"]
)
def test_what_no_scanner_sends_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_scanned(text)


def test_a_separator_at_the_end_is_only_superfluous() -> None:
    assert parse_scanned("^0112312312312333^99A^") == parse_scanned(
        "^011231231231233399A"
    )


def test_a_scan_is_read_with_its_symbology_and_separators() -> None:
    found = parse_scanned("]C10112312312312333\x1d10AB\x1d17261231")
    assert to_bracketed(found) == "(01)12312312312333(10)AB(17)261231"


LOTS = st.text(CHARSET_82, min_size=1, max_size=20)
GTINS = st.integers(0, 10**13 - 1).map(lambda n: f"{n:013}{check_digit(f'{n:013}')}")


@st.composite
def things(draw: st.DrawFn) -> list[Element]:
    """A trade item with whatever goes with it, in any order."""
    found = [("01", draw(GTINS))]
    if draw(st.booleans()):
        found.append(("10", draw(LOTS)))
    if draw(st.booleans()):
        found.append(("21", draw(LOTS)))
    more = st.sampled_from(
        [("17", "261231"), ("3103", "000250"), ("7008", "PNV"), ("7007", "260601")]
    )
    found += draw(st.lists(more, unique=True))
    if draw(st.booleans()):
        found.append(("99", draw(st.text(CHARSET_82, min_size=1, max_size=90))))
    return [make_element(ai, value) for ai, value in draw(st.permutations(found))]


@given(things())
def test_what_is_written_is_read_back(made: list[Element]) -> None:
    link = make_link(made, "https://a/x")
    parsed = parse_link(link)
    assert sorted(parsed.elements, key=str) == sorted(made, key=str)
    assert make_link(parsed.elements, "https://a/x") == link
    assert list(parse_bracketed(to_bracketed(made))) == made
    assert list(parse_scanned(to_scanned(made))) == made


@given(things())
def test_biip_reads_the_same_from_a_scan(made: list[Element]) -> None:
    text = to_scanned(made).replace("^", "\x1d").removeprefix("\x1d")
    message = GS1Message.parse(text, config=ParseConfig())
    read = [(one.ai.ai, one.value) for one in message.element_strings]
    assert read == [(one.ai, one.value) for one in made]


TEXTS = st.one_of(st.text(), st.text("/01?&=%^()0123456789ABCab:[]@#.", max_size=60))


def refusal(read: Callable[..., object], *args: str) -> str:
    """Return the sentence, or nothing if it was read; any other exception is a fault."""
    try:
        read(*args)
    except InputError as refused:
        return str(refused)
    return ""


@given(TEXTS)
def test_anything_else_is_refused_and_never_more_than_that(text: str) -> None:
    for read in (parse_link, parse_bracketed, parse_scanned):
        assert len(refusal(read, text)) < 500
    assert len(refusal(parse_link, f"https://a/01/09520123456788{text}")) < 500


@given(st.binary())
def test_any_bytes_of_an_address_are_read_or_refused(raw: bytes) -> None:
    escaped = "".join(f"%{one:02X}" for one in raw)
    sentence = refusal(parse_link, f"https://a/01/09520123456788/10/{escaped}")
    is_lot = 1 <= len(raw) <= 20 and all(chr(one) in CHARSET_82 for one in raw)
    assert (sentence == "") is is_lot


@given(st.sampled_from(sorted(IDENTIFIERS)), st.text(CHARSET_82, max_size=30))
def test_a_value_is_right_or_refused_for_every_identifier(ai: str, value: str) -> None:
    sentence = refusal(check_value, ai, value)
    assert sentence == "" or f"({ai})" in sentence
