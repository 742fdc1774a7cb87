"""Digital Links, strictly: GS1's vectors, and what its text says beyond them."""

import json
from pathlib import Path
from typing import Any

import pytest

from greenwater.kernel.errors import InputError
from traceability.gs1.digital_link import CANONICAL, make_link, parse_link
from traceability.gs1.elements import make_element, parse_bracketed

ROOT = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "digital_link"
GTIN, SSCC = "09520123456788", "952012345678912345"


def vectors(name: str) -> list[Any]:
    file = ROOT / f"{name}.json"
    if not file.exists():
        reason = pytest.mark.skip(reason=f"{file} is absent")
        return [pytest.param(None, marks=reason)]
    return list(json.loads(file.read_text()))


@pytest.mark.parametrize("vector", vectors("parse"), ids=lambda one: str(one)[:90])
def test_gs1_vectors_are_parsed_or_refused(vector: dict[str, Any]) -> None:
    if vector["ok"]:
        assert parse_link(vector["uri"]).scanned == vector["bracketless"]
    else:
        with pytest.raises(InputError):
            parse_link(vector["uri"])


@pytest.mark.parametrize("vector", vectors("generate"), ids=lambda one: str(one)[:90])
def test_gs1_vectors_are_written_or_refused(vector: dict[str, Any]) -> None:
    stem = vector["stem"] or CANONICAL
    if vector["ok"]:
        assert make_link(parse_bracketed(vector["ai"]), stem) == vector["uri"]
    else:
        with pytest.raises(InputError):
            make_link(parse_bracketed(vector["ai"]), stem)


GOOD = {
    "https://a/00/faux/00/006141411234567890": "^00006141411234567890",
    "https://a/stem/401/12345678?99=ABC": "^40112345678^99ABC",
    f"https://a/00/{SSCC}?02={GTIN}&37=25&10=ABC": f"^00{SSCC}02{GTIN}3725^10ABC",
    "https://a/414/9520123456788/254/32a%2Fb": "^414952012345678825432a/b",
    "https://a/01/12312312312333/22/A+B?98=X%2f9": "^011231231231233322A+B^98X/9",
    "https://a/01/12312312312333/10/A%20B": "",
    "https://a/417/9520123456788/7040/1ABC": "^417952012345678870401ABC",
    "https://a/415/9520123456788/8020/A": "^41595201234567888020A",
    "https://a/8010/0200/8011/0": "^80100200^80110",
    "https://a/8006/095201234567880102/10/A": "^8006095201234567880102^10A",
    f"https://a/01/{GTIN}/10/L/21/S?7007=260601260602&7008=PNV&3103=002500": (
        f"^01{GTIN}10L^21S^7007260601260602^7008PNV^3103002500"
    ),
    f"http://a:/01/{GTIN}?": f"^01{GTIN}",
    f"https://a/01/{GTIN}?linkType=gs1:pip#01": f"^01{GTIN}",
}


@pytest.mark.parametrize("uri", GOOD)
def test_what_the_text_allows(uri: str) -> None:
    if GOOD[uri]:
        assert parse_link(uri).scanned == GOOD[uri]
    else:
        with pytest.raises(InputError):
            parse_link(uri)


BAD = {
    "ftp://a/01/12312312312333": "no Digital Link",
    f"Https://a/01/{GTIN}": "no Digital Link",
    f"https:///01/{GTIN}": "no Digital Link",
    f"https://{GTIN}": "no Digital Link",
    "https://00/006141411234567890": "no key",
    f"https://user@a/01/{GTIN}": "no host",
    f"https://a:65536/01/{GTIN}": "no host",
    f"https://a_b/01/{GTIN}": "no host",
    f"https://[fe80::1%25lo]/01/{GTIN}": "no host",
    f"https://[[::1]]/01/{GTIN}": "no host",
    f"https://a/01/{GTIN[:-1]}9": r"\(01\) cannot be '09520123456789': its check digit would be 8, not 9",
    "https://a/01/9520123456788": r"it has 13 characters, not 14",
    "https://a/01/012345678905": r"it has 12 characters",
    f"https://a/gtin/{GTIN}/lot/A": "no key",
    f"https://a/01/{GTIN}/lot/A": "no key",
    f"https://a/01/{GTIN}/21/S/10/L": r"\(01\) cannot have \(21\)\(10\) behind it",
    f"https://a/01/{GTIN}/10/L/10/L": r"cannot have \(10\)\(10\)",
    f"https://a/01/{GTIN}/22/C/235/T": "cannot have",
    f"https://a/01/{GTIN}/21/S?10=L": r"\(10\) 'L' belongs in the path, behind \(01\)",
    f"https://a/01/{GTIN}?21=S": r"\(21\) 'S' cannot stand in the query",
    "https://a/414/9520123456788/254/X?7040=1ABC": "cannot stand in the query",
    f"https://a/01/{GTIN}?99=": r"\(99\) has no value",
    f"https://a/01/{GTIN}?99=A%00": "characters only",
    f"https://a/01/{GTIN}?99=A%2": "not allowed",
    f"https://a/01/{GTIN}?99=%C3%A1": "characters only",
    f"https://a/01/{GTIN}?99=á": "not allowed",
    f"https://a/01/{GTIN}?99=A%5EB": "characters only",
    f"https://a/01/{GTIN}?0=1": r"\(0\) is no application identifier",
    f"https://a/01/{GTIN}?37=5": r"\(01\) and \(37\) cannot stand together",
    f"https://a/01/{GTIN}?02={GTIN}": r"\(02\) needs",
    f"https://a/01/{GTIN}?3103=000001&3102=000001": "cannot stand together",
    f"https://a/00/{SSCC}?15=261301": r"\(15\) cannot be '261301': there is no month 13",
    f"https://a/00/{SSCC}?15=260101": r"\(15\) needs \(01\) or \(02\)",
    f"https://a/01/{GTIN}?423=7041": "this part has 1 characters",
    f"https://a/01/{GTIN}?422=000": "no country",
    f"https://a/01/{GTIN}?427=AB": r"\(427\) needs \(01\) and \(422\) or",
    f"https://a/01/{GTIN}/10/L?8030=abc": r"\(8030\) needs",
    "https://a/253/9526064000028?8030=abc": "needs a serial",
    "https://a/415/9520123456788": r"\(415\) needs \(8020\)",
    f"https://a/01/{GTIN}/10/{'L' * 21}": "it has 21 characters, not 1 to 20",
    f"https://a/01/{GTIN}\n": "not allowed",
    "https://a/" + "x" * 9000: "9010 characters",
}  # fmt: skip


@pytest.mark.parametrize("uri", BAD)
def test_what_the_text_refuses_with_one_sentence(uri: str) -> None:
    with pytest.raises(InputError, match=BAD[uri]) as caught:
        parse_link(uri)
    assert "\n" not in str(caught.value)


def test_a_link_taken_apart_has_stem_key_attributes_and_the_rest() -> None:
    link = parse_link(f"https://a:8000/x/01/{GTIN}/10/L?17=261231&k=g7&solo#part")
    assert link.stem == "https://a:8000/x"
    assert [one.ai for one in link.path] == ["01", "10"]
    assert link.get("17") == "261231"
    assert link.get("21") is None
    assert link.others == ("k=g7", "solo")


def test_links_of_the_same_elements_have_one_canonical_spelling() -> None:
    one = parse_link(f"http://a/x/01/{GTIN}/10/A%2d1?99=X&17=261231&k=1")
    other = parse_link(f"HTTPS://b/01/{GTIN}/10/A-1?17=261231&99=X#f")
    assert one.canonical == other.canonical
    assert one.canonical == f"https://id.gs1.org/01/{GTIN}/10/A-1?17=261231&99=X"


@pytest.mark.parametrize(
    "stem", ["ftp://a", "a", "", "https://a?x", "https://a#x", "https://a b", "//a"]
)
def test_a_stem_that_is_no_address_is_refused(stem: str) -> None:
    with pytest.raises(InputError):
        make_link([make_element("01", GTIN)], stem)


def test_without_a_key_there_is_no_link() -> None:
    with pytest.raises(InputError, match="none of 99 can be the key"):
        make_link([make_element("99", "X")])
    with pytest.raises(InputError):
        make_link([])
