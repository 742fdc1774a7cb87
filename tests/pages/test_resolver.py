"""Digital Links at the site: every statement of GS1's conformant resolver, GDST's array, and
the signed label that shows its passport at once."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenwater.reference.identifiers import IDENTIFIERS
from tests.pages.farms import BASE, GTINS, Farms
from tests.pages.test_epcis_api import event
from tests.pages.world import NOW_MS, open_empty
from tests.unit.test_gs1_compression import bits
from traceability.epcis.capture import draft_of
from traceability.epcis.documents import read_event
from traceability.gs1.compression import ALPHABET
from traceability.gs1.digits import check_digit
from traceability.gs1.resolving import Level, Link, Wanted, array_of, choose
from web.app import create_app

GTIN = GTINS["hoa"]
VOC = "https://ref.gs1.org/voc/"
LINKSET = "application/linkset+json"
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SSCC, OTHER_SSCC = "952012345678912345", "952012345678912352"
GLN = "9520123456788"
RATIFIED = {
    "defaultLink", "defaultLinkMulti", "pip", "traceability", "epcis", "certificationInfo",
    "masterData", "dpp", "verificationService", "jws", "recallStatus", "safetyInfo",
    "locationInfo", "registryEntry", "handledBy",
}  # fmt: skip
"""Standards.md §5: GS1's link types that a platform like this needs."""


class Site:
    """A site that follows no redirect, and a farm's goods in it."""

    def __init__(self, farms: Farms, client: TestClient) -> None:
        self.client = client
        lot = farms.registry.get_lot(farms.lots["hoa"])
        label = farms.registry.find_label(farms.labels["hoa"])
        assert label is not None
        self.code, self.serial, self.uri = lot.code, label.id, label.uri
        self.product = f"/01/{GTIN}"
        self.lot = f"/01/{GTIN}/10/{self.code}"
        self.item = f"{self.lot}/21/{self.serial}"
        self.signed = self.uri.removeprefix(BASE)

    def get(self, path: str, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={"accept": "*/*", **named})

    def linkset(self, path: str) -> list[dict[str, Any]]:
        answer = self.get(path, accept=LINKSET)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["linkset"]
        return found


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("farms")
    with open_empty(folder) as world:
        farms = Farms(world, folder)
        for id_, more in (
            ("urn:uuid:00000000-0000-4000-8000-000000000001", {"epcList": [f"https://id.gs1.org/00/{SSCC}"]}),
            ("urn:uuid:00000000-0000-4000-8000-000000000002", {"readPoint": {"id": f"https://id.gs1.org/414/{GLN}"}}),
        ):  # fmt: skip
            document = read_event(event(id_, **more))
            draft = draft_of(document.events[0], document.context)
            farms.registry.capture("hoa", [draft], now_ms=NOW_MS, is_whole=True)
        yield farms


@pytest.fixture(scope="module")
def site(farms: Farms) -> Iterator[Site]:
    with TestClient(create_app(farms.services), follow_redirects=False) as client:
        yield Site(farms, client)


# -- The description file


def test_the_description_file_names_root_and_keys(site: Site) -> None:
    answer = site.get("/.well-known/gs1resolver")
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "application/json",
    )
    found = answer.json()
    assert found["resolverRoot"] == BASE
    keys = {ai for ai, one in IDENTIFIERS.items() if one.sequences is not None}
    assert set(found["supportedPrimaryKeys"]) == keys
    assert {"00", "01", "414", "417"} <= keys
    assert found["supportedLinkType"] == [{"namespace": VOC, "prefix": "gs1:"}]
    assert found["linkTypeDefaultCanBeLinkset"] is False


# -- Methods and CORS


@pytest.mark.parametrize("path", ["product", "lot", "item", "signed"])
def test_get_and_head_answer_alike_and_any_site_may_ask(site: Site, path: str) -> None:
    got = site.get(getattr(site, path))
    head = site.client.head(getattr(site, path), headers={"accept": "*/*"})
    assert head.status_code == got.status_code
    assert head.headers.get("location") == got.headers.get("location")
    assert head.content == b""
    assert got.headers["access-control-allow-origin"] == "*"
    for method in ("GET", "HEAD", "OPTIONS"):
        assert method in got.headers["access-control-allow-methods"]


def test_options_tell_what_may_be_sent(site: Site) -> None:
    answer = site.client.options(site.lot, headers={"origin": "https://a.example"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "X-API-Key" in answer.headers["access-control-allow-headers"]
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


# -- Syntax: 400, and never 200 with an error inside


BAD = [
    f"/01/{GTIN}/foo", f"/01/{GTIN[:-1]}9", "/01/9521234543213", f"/01/{GTIN}/21/S/10/L",
    f"/01/{GTIN}?10=L", f"/01/{GTIN}?89=X", f"/01/{GTIN}/10/", f"/01/{GTIN}/10/A%00",
    f"/01/{GTIN}/10/%C3%A1", f"/x/01/{GTIN}", "/00/952012345678912346", "/414/1",
    f"/00/{SSCC}/21/X", f"/01/{GTIN}/01/{GTIN}", f"/01/{GTIN}?17=261301", "/01/", f"/01/{GTIN}//",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD)
@pytest.mark.parametrize("accept", ["*/*", "text/html", LINKSET, "application/json"])
def test_wrong_syntax_is_400_and_never_200(site: Site, path: str, accept: str) -> None:
    answer = site.get(path, accept=accept)
    expected = 404 if path.startswith("/x/") else 400
    assert answer.status_code == expected, answer.text
    if expected == 400 and accept != "text/html":
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 400
        assert answer.headers["access-control-allow-origin"] == "*"


def test_a_key_that_is_no_link_here_is_not_taken_for_one(site: Site) -> None:
    """The key of the link is the last one; what stands before it is no stem of ours."""
    answer = site.get(f"/01/{GTIN}/00/{SSCC}")
    assert answer.status_code == 400
    assert "not where links begin" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/01/09521234543299", f"/00/{OTHER_SSCC}", "/417/9521234543213"])  # fmt: skip
def test_what_is_right_but_unknown_is_404(site: Site, path: str) -> None:
    gtin = f"0952999999999{check_digit('0952999999999')}"
    asked = path if not path.startswith("/01/") else f"/01/{gtin}"
    assert site.get(asked).status_code == 404
    page = site.get(asked, **BROWSER)
    assert (page.status_code, "Không có mã này" in page.text) == (404, True)


@pytest.mark.parametrize("path", ["product", "lot", "item"])
def test_a_slash_at_the_end_changes_nothing(site: Site, path: str) -> None:
    plain, slashed = (site.get(getattr(site, path) + end) for end in ("", "/"))
    assert (slashed.status_code, slashed.headers["location"]) == (
        plain.status_code,
        plain.headers["location"],
    )


# -- The default link, and walking up


def test_without_more_it_goes_to_the_default_link(site: Site) -> None:
    for path, place in (
        (site.product, f"/passport/{GTIN}"),
        (site.lot, f"/passport/{GTIN}/{site.code}"),
        (site.item, f"/passport/{GTIN}/{site.code}"),
        (f"/01/{GTIN}/21/{site.serial}", f"/passport/{GTIN}/{site.code}"),
    ):
        answer = site.get(path)
        assert (answer.status_code, answer.headers["location"]) == (307, BASE + place)
        assert site.get(place, **BROWSER).status_code == 200


def test_it_walks_up_past_what_it_does_not_know(site: Site) -> None:
    lot, product = f"{BASE}/passport/{GTIN}/{site.code}", f"{BASE}/passport/{GTIN}"
    assert site.get(f"{site.lot}/21/NEVERISSUED1").headers["location"] == lot
    assert site.get(f"/01/{GTIN}/10/NOSUCHLOT").headers["location"] == product
    assert site.get(f"/01/{GTIN}/22/V2").headers["location"] == product
    assert site.get(f"/01/{GTIN}/21/NEVERISSUED1").headers["location"] == product


def test_a_serial_of_other_goods_is_not_found_under_these(
    site: Site, farms: Farms
) -> None:
    foreign = farms.labels["binh"]
    answer = site.get(f"/01/{GTIN}/21/{foreign}")
    assert answer.headers["location"] == f"{BASE}/passport/{GTIN}"


def compressed(*elements: tuple[str, str]) -> str:
    """Return GTIN and lot as one compressed step, or the lot alone."""
    row: list[tuple[int, int]] = []
    for ai, value in elements:
        row += [(int(one), 4) for one in ai]
        if ai == "01":
            row.append((int(value), 47))
        else:
            row += [(3, 3), (len(value), 5)]
            row += [(ALPHABET.index(one), 6) for one in value]
    return bits(*row)


def test_a_compressed_link_is_answered_as_what_it_stands_for(site: Site) -> None:
    whole = "/" + compressed(("01", GTIN), ("10", site.code))
    for path in (whole, f"/01/{GTIN}/{compressed(('10', site.code))}"):
        plain, answer = site.get(site.lot), site.get(path)
        # Not redirected to the uncompressed link, but to where that one leads.
        assert answer.status_code == 307
        assert answer.headers["location"] == plain.headers["location"]
        assert f'<{BASE}{site.lot}>; rel="owl:sameAs' in answer.headers["link"]
        assert site.linkset(path) == site.linkset(site.lot)
        gone = site.get(f"{path}?linkType=gs1:recallStatus&x=1")
        assert "x=1" in gone.headers["location"]
    for path in ("/AAAAAAAAAAAAAAA", "/nothing-here", f"/01/{GTIN}/AAAA"):
        assert site.get(path).status_code == (400 if path.count("/") > 1 else 404)


def test_the_query_is_passed_on(site: Site) -> None:
    answer = site.get(f"{site.lot}?foo=bar&x=%2F&17=261231")
    assert answer.headers["location"].endswith("?foo=bar&x=%2F&17=261231")
    asked = site.get(f"{site.lot}?linkType=gs1:recallStatus&foo=bar")
    assert "foo=bar" in asked.headers["location"]


def test_the_linkset_is_shown_on_redirect_and_no_other_links(site: Site) -> None:
    shown = site.get(site.lot).headers["link"]
    assert shown == (
        f'<{BASE}{site.lot}?linkType=linkset>; rel="linkset"; type="{LINKSET}"'
    )


# -- The linkset


@pytest.mark.parametrize("by", ["accept", "linkType=linkset", "linkType=all"])
def test_all_links_come_as_rfc_9264_without_a_redirect(site: Site, by: str) -> None:
    answer = (
        site.get(site.lot, accept=LINKSET)
        if by == "accept"
        else site.get(f"{site.lot}?{by}")
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == LINKSET
    context = answer.headers["link"]
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in context
    assert 'type="application/ld+json"' in context
    assert "Accept" in answer.headers["vary"]
    assert list(answer.json()) == ["linkset"]


def test_a_linkset_has_every_level_up_to_the_key(site: Site) -> None:
    assert [one["anchor"] for one in site.linkset(site.product)] == [
        BASE + site.product
    ]
    for path in (site.lot, site.item):
        anchors = [one["anchor"] for one in site.linkset(path)]
        assert anchors[:2] == [BASE + site.product, BASE + site.lot]
    assert [one["itemDescription"] for one in site.linkset(site.lot)] == [
        f"Tôm hoa, (01) {GTIN}",
        f"Tôm hoa, (01) {GTIN} (10) {site.code}",
    ]


@pytest.mark.parametrize("path", ["product", "lot", "item", "sscc", "gln"])
def test_a_linkset_is_shaped_as_gs1s_schema_wants(site: Site, path: str) -> None:
    ours = {"sscc": f"/00/{SSCC}", "gln": f"/414/{GLN}"}
    levels = site.linkset(ours.get(path) or getattr(site, path))
    assert f"{VOC}defaultLink" in levels[0], "there is a default, here or higher up"
    for one in levels:
        assert re.match(r"https?://[a-zA-Z0-9./]+", one["anchor"])
        relations = {key for key in one if key not in ("anchor", "itemDescription")}
        assert {key.removeprefix(VOC) for key in relations} <= RATIFIED
        multi = one.get(f"{VOC}defaultLinkMulti")
        assert multi is None or len(multi) > 1
        described = relations - {f"{VOC}defaultLink"}
        targets = [target for key in described for target in one[key]]
        defaults = one.get(
            f"{VOC}defaultLink", [{"href": targets[0]["href"], "title": ""}]
        )
        assert [set(target) for target in defaults] == [{"href", "title"}]
        assert defaults[0]["href"] in [target["href"] for target in targets]
        for target in targets:
            assert {"href", "title", "type"} <= set(target)
            assert set(target) <= {"href", "title", "type", "hreflang", "fwqs"}
            assert target["title"].strip()
            assert urlsplit(target["href"]).netloc == urlsplit(BASE).netloc


def test_no_link_leads_to_nothing(site: Site) -> None:
    """Pages are there; what needs a token says so, and is no 404."""
    seen = set()
    for path in (site.item, f"/00/{SSCC}", f"/414/{GLN}"):
        for one in site.linkset(path):
            for key, targets in one.items():
                if key.startswith(VOC):
                    seen |= {
                        (target["href"], key.removeprefix(VOC)) for target in targets
                    }
    assert len(seen) > 8
    for href, relation in seen:
        place = href.removeprefix(BASE)
        is_open = "/epcis/" not in place
        kind = "text/html" if is_open else "application/json"
        status = site.get(place, accept=kind).status_code
        assert status == (200 if is_open else 401), (relation, href, status)


def test_each_type_of_link_is_gone_to(site: Site) -> None:
    """The most granular level that has it answers, whatever its prefix is called."""
    one_of: dict[str, list[str]] = {}
    for level in site.linkset(site.lot):
        for key, targets in level.items():
            if key.startswith(VOC):
                one_of[key.removeprefix(VOC)] = [target["href"] for target in targets]
    for relation, hrefs in one_of.items():
        if len(hrefs) > 1:
            continue
        for prefix in ("gs1:", VOC, "https://gs1.org/voc/", "http://www.gs1.org/voc/"):
            answer = site.get(f"{site.lot}?linkType={prefix}{relation}")
            assert answer.status_code == 307, (relation, prefix)
            place = answer.headers["location"].partition("?linkType=")[0]
            assert place.partition("&linkType=")[0] == hrefs[0]
    assert {
        "pip",
        "traceability",
        "epcis",
        "verificationService",
        "recallStatus",
    } <= set(one_of)


@pytest.mark.parametrize(
    "relation", ["gs1:nosuchlt", "gs1:certificationInfo", "dpp", ""]
)
def test_a_type_that_is_missing_is_404(site: Site, relation: str) -> None:
    answer = site.get(f"{site.lot}?linkType={relation}")
    assert answer.status_code == 404
    assert "no link of type" in answer.json()["detail"]


def test_equally_good_links_are_300_and_what_is_wanted_decides(site: Site) -> None:
    asked = f"{site.lot}?linkType=gs1:traceability"
    many = site.get(asked)
    assert (many.status_code, many.headers["content-type"]) == (300, LINKSET)
    (choices,) = many.json()["linkset"]
    targets = choices[f"{VOC}traceability"]
    assert {one["type"] for one in targets} == {"text/html", "application/json"}
    page, document = (one["href"] for one in sorted(targets, key=lambda one: -len(one)))
    assert site.get(asked, **BROWSER).headers["location"].startswith(page)
    chosen = site.get(f"{asked}&mediaType=application/json")
    assert chosen.headers["location"].startswith(document)
    assert site.get(asked, accept="image/png").status_code == 300


# -- GDST


def test_gdst_clients_get_an_array_with_the_query_interface(site: Site) -> None:
    for headers in ({"accept": "application/json"}, {"X-API-Key": "k"}):
        answer = site.get(f"{site.lot}?linkType=gs1:epcis", **headers)
        assert (answer.status_code, answer.headers["content-type"]) == (
            200,
            "application/json",
        )
        (one,) = answer.json()
        assert one["link"] == f"{BASE}/epcis"
        assert one["linkType"] == "gs1:epcis"
        assert one["authRequired"] is True
        assert one["title"]


def test_gdst_clients_get_all_links_or_404(site: Site) -> None:
    found = site.get(site.lot, accept="application/json, */*;q=0.1").json()
    assert {one["linkType"] for one in found} == {
        f"gs1:{one}"
        for one in (
            "traceability",
            "recallStatus",
            "epcis",
            "pip",
            "verificationService",
        )
    }
    missing = site.get(f"{site.lot}?linkType=gs1:dpp", accept="application/json")
    assert missing.status_code == 404


@pytest.mark.parametrize("path", [f"/00/{SSCC}", f"/414/{GLN}", f"/414/{GLN}/254/7"])
def test_what_partners_events_speak_of_leads_to_the_events(
    site: Site, path: str
) -> None:
    (one,) = site.get(f"{path}?linkType=gs1:epcis", accept="application/json").json()
    assert one["link"] == f"{BASE}/epcis"
    place = site.get(f"{path}?linkType=gs1:epcis&x=1").headers["location"]
    asked = parse_qs(urlsplit(place).query)
    assert list(asked) in (["MATCH_anyEPC"], ["EQ_readPoint"])
    assert asked[next(iter(asked))] == [
        f"https://id.gs1.org{path.partition('/254/')[0]}"
    ]


# -- Labels, and what anybody may see


def test_a_signed_label_shows_its_passport_at_once(site: Site) -> None:
    page = site.get(site.signed, **BROWSER)
    assert page.status_code == 200
    assert f"<{BASE}{site.item}?linkType=linkset>" in page.headers["link"]
    assert 'data-code="valid"' in page.text
    assert "Tôm hoa" in page.text
    forged = site.signed[:-1] + ("A" if site.signed[-1] != "A" else "B")
    assert 'data-code="altered"' in site.get(forged, **BROWSER).text
    document = site.get(site.signed, accept="application/json").json()
    assert document["verdict"]["code"] == "valid"
    assert [(one["kind"], one["box"]) for one in document["places"]] == [
        ("farm", [12.6, 109.2, 12.7, 109.3])
    ], "frozen into the lot no finer than a tenth of a degree"
    assert 'class="storymap"' in page.text
    assert "12.67" not in page.text
    linked = site.get(site.signed, accept="application/ld+json")
    assert linked.headers["content-type"] == "application/ld+json"
    told = linked.json()
    assert (told["@type"], told["gtin14"]) == ("Product", GTIN)
    assert told["gw:way"][0]["geo"]["box"] == "12.6 109.2 12.7 109.3"
    assert told["gw:passport"] == document | {"verdict": told["gw:passport"]["verdict"]}


def test_a_signed_label_is_a_digital_link_like_others(site: Site) -> None:
    assert site.get(site.signed, accept=LINKSET).status_code == 200
    asked = site.get(f"{site.signed}&linkType=gs1:pip")
    assert asked.headers["location"].startswith(f"{BASE}/passport/{GTIN}?7007=")
    assert "&s=" in asked.headers["location"]
    events = site.get(f"{site.signed}&linkType=gs1:epcis").headers["location"]
    assert "s" not in parse_qs(urlsplit(events).query)


def test_a_label_that_is_no_digital_link_is_red_and_400(site: Site) -> None:
    wrong = site.signed.replace(GTIN, GTIN[:-1] + "9")
    page = site.get(wrong, **BROWSER)
    assert page.status_code == 400
    assert 'class="verdict bad"' in page.text


def test_a_lot_page_says_that_no_label_was_checked(site: Site) -> None:
    page = site.get(f"/passport/{GTIN}/{site.code}", **BROWSER)
    assert "Chưa có tem nào được kiểm tra" in page.text
    assert "data-code" not in page.text
    assert "Tôm hoa" in page.text
    document = site.get(f"/api/v1/passports/{GTIN}/{site.code}").json()
    assert (document["verdict"], document["serial"]) == (None, None)
    assert document["lot"] == site.code


def test_goods_have_a_page_with_nothing_of_lots(site: Site) -> None:
    page = site.get(f"/passport/{GTIN}", **BROWSER)
    assert (page.status_code, site.code in page.text) == (200, False)
    assert "Hộ hoa" in page.text
    assert "0905" not in page.text
    english = site.get(f"/passport/{GTIN}?lang=en", **BROWSER)
    assert "No label was checked" not in english.text
    assert "This page is about the product" in english.text


def test_a_lot_without_labels_is_nobodys_business(farms: Farms, site: Site) -> None:
    hidden = "NOLABELS"
    assert site.get(f"/passport/{GTIN}/{hidden}").status_code == 404
    assert site.get(f"/api/v1/passports/{GTIN}/{hidden}").status_code == 404


# -- Choosing, by itself


def link(relation: str, media: str = "text/html", *languages: str) -> Link:
    return Link(
        relation, f"https://a/{relation}/{media}/{languages}", "t", media, languages
    )


LEVELS = [
    Level("https://a/01/1", "", (link("pip"), link("epcis")), link("pip")),
    Level("https://a/01/1/10/2", "", (link("traceability", "text/html", "vi"), link("traceability", "text/html", "en"), link("traceability", "application/pdf", "en")), None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(), 1),
        (Wanted("pip"), 1),
        (Wanted("PIP"), 1),
        (Wanted("dpp"), 0),
        (Wanted("traceability"), 3),
        (Wanted("traceability", "text/html"), 2),
        (Wanted("traceability", "text/*;q=0.5, application/pdf"), 1),
        (Wanted("traceability", "text/html", "en-GB, vi;q=0.5"), 1),
        (Wanted("traceability", "text/html", "fr"), 2),
        (Wanted("traceability", "text/html", "fr, vi;q=x"), 1),
        (Wanted("traceability", media="application/pdf"), 1),
    ],
)
def test_what_is_wanted_decides_between_links(wanted: Wanted, count: int) -> None:
    assert len(choose(LEVELS, wanted)) == count
    assert choose([], wanted) == []


def test_the_default_is_the_most_granular_that_there_is() -> None:
    assert choose(LEVELS, Wanted()) == [LEVELS[0].links[0]]
    assert choose(LEVELS, Wanted("defaultLink")) == [LEVELS[0].links[0]]
    deeper = Level("https://a/y", "", (link("epcis"),), link("epcis"))
    assert choose([*LEVELS, deeper], Wanted()) == [link("epcis")]


def test_the_same_link_of_two_levels_is_listed_once() -> None:
    twice = [LEVELS[0], Level("https://a/x", "", LEVELS[0].links, None)]
    assert len(array_of(twice, None)) == 2
    assert array_of(twice, "nothing") == []


def test_no_header_makes_it_fail(site: Site) -> None:
    for value in (";q=", "a;q=9;q", ",,,", "*", "application/json;q=nan", "/" * 3000):
        answer: httpx2.Response = site.get(
            site.lot, accept=value, accept_language=value
        )
        assert answer.status_code in (200, 300, 307), value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(["01/", f"01/{GTIN}/", f"01/{GTIN}?", "00/", "8004/", "253/"]),
    st.text("/01?&=%2^A10ksé.+#:", max_size=30),
    st.sampled_from(["*/*", "text/html", LINKSET, "application/json"]),
)
def test_whatever_is_asked_is_answered_or_refused(
    site: Site, start: str, rest: str, accept: str
) -> None:
    answer = site.get(f"/{start}{quote(rest, safe='/?&=%+:')}", accept=accept)
    assert answer.status_code in (200, 300, 307, 400, 404), answer.status_code
