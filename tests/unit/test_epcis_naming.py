"""Our parties, places and goods: GDST's spelling out, one name for both in."""

from collections.abc import Iterator

import pytest

from greenwater.kernel.errors import ConfigError
from traceability.epcis.masterdata import attributes_of
from traceability.epcis.naming import (
    crop_class,
    goods_starts,
    goods_uri,
    name_of,
    name_under,
    outsider_uri,
    party_spellings,
    party_uri,
    place_spelt,
    place_uri,
    spellings,
)
from traceability.epcis.query import parse_query
from traceability.goods.steps import NewStep, Unpack, tidy

OURS = "urn:gdst:greenwater.example"
MARK = "5f1d0f6e-1c0e-5c4c-9a2b-6a1f2d0f9e55"
PAIRS = [
    (party_uri("hoa"), f"{OURS}:party:hoa", "organisation:hoa"),
    (party_uri("outsider.hoa"), f"{OURS}:party:outsider.hoa", "organisation:outsider.hoa"),
    (outsider_uri(MARK), f"{OURS}:party:outsider.{MARK}", f"outsider:{MARK}"),
    (place_uri("unit", "hoa.ao-1"), f"{OURS}:location:loc:unit.hoa.ao-1", "unit:hoa.ao-1"),
    (place_uri("organisation", "x"), f"{OURS}:location:loc:organisation.x", "organisation:x"),
    (place_uri("port", "CHR"), f"{OURS}:location:loc:port.CHR", "port:CHR"),
    (crop_class("vu-1"), f"{OURS}:product:lot:class:crop.vu-1", "crop:vu-1"),
    (goods_uri("urn:greenwater:package:t-1"), f"{OURS}:lpn:obj:package.t-1", "package:t-1"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "gdst", "old"), PAIRS)
def test_both_spellings_are_one_name(made: str, gdst: str, old: str) -> None:
    assert made == gdst
    assert name_of(gdst) == name_of(f"urn:greenwater:{old}") == f"urn:greenwater:{old}"


@pytest.mark.parametrize(
    "text",
    [
        "urn:gdst:example.org:party:hoa",
        "urn:gdst:greenwaterXexample:party:hoa",
        f"{OURS}:location:loc:pond.1",
        f"{OURS}:product:lot:class:hatchery.1u",
        f"x{OURS}:party:hoa",
        "geo:12,109",
    ],
)
def test_what_is_not_ours_stays_as_it_is(text: str) -> None:
    assert name_of(text) == place_spelt(text) == goods_uri(text) == text
    assert spellings(text) == (text,)


def test_out_again() -> None:
    assert place_spelt("urn:greenwater:unit:a:b") == place_uri("unit", "a:b")
    assert goods_uri("urn:greenwater:crop:vu-1") == crop_class("vu-1")
    assert party_spellings("hoa") == (
        "urn:greenwater:organisation:hoa",
        party_uri("hoa"),
    )
    assert name_of("urn:epc:id:pgln:4012345.00000").endswith("/417/4012345000009")


def test_questions_find_both_spellings() -> None:
    def texts(name: str, value: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        (term,) = parse_query([(name, value)], lambda _: (), most=9).query.terms
        return term.texts, term.starts

    parties = set(party_spellings("hoa"))
    for one in parties:
        assert set(texts("EQ_destination_owning_party", one)[0]) == parties
        assert set(texts("EQ_gdst:productOwner", one)[0]) == parties
    assert texts("EQ_readPoint", place_uri("unit", "a"))[0] == (
        "urn:greenwater:unit:a",
    )
    assert texts("WD_readPoint", place_uri("site", "a"))[0] == (
        "urn:greenwater:site:a",
    )
    assert texts("MATCH_anyEPCClass", crop_class("a"))[0] == ("urn:greenwater:crop:a",)
    for pattern, start in (
        (f"{crop_class('vu')}*", "urn:greenwater:crop:vu"),
        (f"{OURS}:product:lot:class:crop.*", "urn:greenwater:crop:"),
        (f"{OURS}:product:lot:class:*", "urn:greenwater:crop:"),
        ("urn:greenwater:crop:*", "urn:greenwater:crop:"),
    ):
        assert start in texts("MATCH_anyEPCClass", pattern)[1], pattern
    crops_only = texts("MATCH_anyEPCClass", f"{OURS}:product:lot:class:crop.*")
    assert crops_only[1] == ("urn:greenwater:crop:",)


def test_master_data_and_packages_are_known_by_the_one_name() -> None:
    yard = {"id": f"{OURS}:location:loc:site.hoa", "children": [place_uri("unit", "a")]}
    lists = [{"type": "Location", "vocabularyElementList": [yard]}]
    raw = {"epcisHeader": {"epcisMasterData": {"vocabularyList": lists}}}
    (child,) = attributes_of(raw)
    assert (child.element, child.text) == (
        "urn:greenwater:site:hoa", "urn:greenwater:unit:a",
    )  # fmt: skip
    for typed in ("t-1", f"{OURS}:lpn:obj:package.t-1", "urn:greenwater:package:t-1"):
        step = tidy(
            NewStep(
                id=MARK, organisation="hoa", at_ms=1_780_000_000_000, act=Unpack(typed)
            )
        )
        assert step.act == Unpack("urn:greenwater:package:t-1")


@pytest.fixture
def moved() -> Iterator[None]:
    """An operator whose domain was another one before, and the example's before that."""
    name_under(["ca.vn", "cu.vn"])
    yield
    name_under(())


@pytest.mark.usefixtures("moved")
def test_an_operators_names_are_his_and_those_given_before_are_still_found() -> None:
    assert party_uri("hoa") == "urn:gdst:ca.vn:party:hoa"
    assert place_spelt("urn:greenwater:unit:a") == "urn:gdst:ca.vn:location:loc:unit.a"
    assert goods_uri("urn:greenwater:crop:v") == (
        "urn:gdst:ca.vn:product:lot:class:crop.v"
    )
    for domain in ("ca.vn", "cu.vn", "greenwater.example"):
        party = f"urn:gdst:{domain}:party:hoa"
        assert name_of(party) == "urn:greenwater:organisation:hoa"
        assert party in party_spellings("hoa")
        assert goods_starts(f"urn:gdst:{domain}:lpn:") == ["urn:greenwater:package:"]
    assert name_of("urn:gdst:caxvn:party:hoa") == "urn:gdst:caxvn:party:hoa"


@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize(
    "text",
    ["https://ca.vn", "Ca.vn", "ca", "ca..vn", "-ca.vn", "ca.vn:8000", "1.2.3.4", ""],
)
def test_what_is_no_domain_is_refused_and_the_one_before_stays(text: str) -> None:
    with pytest.raises(ConfigError, match="GREENWATER_NAME_DOMAINS"):
        name_under([text])
    assert party_uri("hoa") == "urn:gdst:ca.vn:party:hoa"
