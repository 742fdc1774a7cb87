"""EPCIS over HTTP: capture, query, jobs, tokens; each organisation its own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from tests.pages.world import NOW_MS, World, open_empty
from web.app import create_app

ROOT = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "epcis"
needs_files = pytest.mark.skipif(not ROOT.exists(), reason=f"{ROOT} is absent")
CONTEXT = [
    "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
    {"example": "https://example.com/"},
]
LOT = "urn:epc:class:lgtin:4012345.012345.998877"
NEVER = {"GS1-EPC-Format": "Never_Translates"}
DAY = 86_400_000


class Partner:
    """A program with a token."""

    def __init__(self, client: TestClient, secret: str) -> None:
        self.client, self.head = client, {"Authorization": f"Bearer {secret}"}

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.post(path, json=body, headers={**self.head, **headers})

    def get(self, path: str, headers: Any = None, **params: Any) -> Any:
        head = {**self.head, **(headers or {})}
        return self.client.get(path, params=params or None, headers=head)

    def ids(self, **params: Any) -> list[str]:
        answer = self.get("/epcis/events", **params)
        assert answer.status_code == 200, answer.text
        return [one["eventID"] for one in events_in(answer.json())]


def events_in(document: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["epcisBody"]["queryResults"]["resultsBody"][
        "eventList"
    ]
    return found


def event(id_: str | None = None, **fields: Any) -> dict[str, Any]:
    made = {
        "@context": CONTEXT,
        "type": "ObjectEvent",
        "eventTime": "2026-11-20T07:00:00.000+07:00",
        "eventTimeZoneOffset": "+07:00",
        "action": "OBSERVE",
        "bizStep": "shipping",
        "quantityList": [{"epcClass": LOT, "quantity": 12.5, "uom": "KGM"}],
        "readPoint": {"id": "urn:greenwater:unit:ao-1"},
    }
    return made | ({"eventID": id_} if id_ else {}) | fields


def document(*events: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-20T08:00:00Z",
        "epcisBody": {
            "eventList": [
                {key: value for key, value in one.items() if key != "@context"}
                for one in events
            ]
        },
    }


@pytest.fixture
def partners(tmp_path: Path) -> Iterator[tuple[Partner, Partner, World]]:
    with open_empty(tmp_path) as world:
        registry = world.registry
        registry.add_organisation("hoa", "Hộ Hoa")
        registry.add_organisation("khac", "Hộ khác")
        registry.add_site("hoa-farm", organisation="hoa", name="Trại", commune="22411")
        registry.add_unit("ao-1", site="hoa-farm", name="Ao 1")
        every = frozenset({"epcis:capture", "epcis:query"})
        for name, organisation, scopes in (
            ("a", "hoa", every), ("b", "khac", every),
            ("r", "hoa", frozenset({"epcis:query"})),
        ):  # fmt: skip
            registry.add_api_token(
                f"t-{name}", f"secret-{name}", organisation=organisation, name=name,
                scopes=scopes, now_ms=NOW_MS - DAY, expires_ms=NOW_MS + DAY,
            )  # fmt: skip
        with TestClient(create_app(world.services)) as client:
            yield Partner(client, "secret-a"), Partner(client, "secret-b"), world


Partners = tuple[Partner, Partner, World]


@needs_files
def test_every_valid_document_comes_back_as_it_was(partners: Partners) -> None:
    ours, _, _ = partners
    for path in sorted(ROOT.glob("valid/*.json")):
        raw = json.loads(path.read_bytes())
        answer = ours.post(
            "/epcis/capture", raw, **{"GS1-Capture-Error-Behaviour": "proceed"}
        )
        assert answer.status_code == 202, (path.name, answer.text)
        job = ours.get(answer.headers["location"]).json()
        assert all(one["status"] == 409 for one in job["errors"]), path.name
    for path in sorted(ROOT.glob("valid_bare_events/*.json")):
        raw = json.loads(path.read_bytes())
        answer = ours.post("/epcis/events", raw)
        if answer.status_code == 409:  # the same event stands in a document above
            assert answer.json()["existing"].startswith("/epcis/events/")
            continue
        assert answer.status_code == 201, (path.name, answer.text)
        kept = ours.get(answer.headers["location"], headers=NEVER).json()
        for added in {"recordTime", "eventID"}:
            kept.pop(added), raw.pop(added, None)
        assert kept == raw, path.name


@needs_files
@pytest.mark.parametrize("name", ["ObjectEvent", "TransformationEvent_all_possible_fields",
                                  "SensorData_with_combined_events"])  # fmt: skip
def test_a_document_alone_comes_back_equal(partners: Partners, name: str) -> None:
    ours, _, _ = partners
    raw = json.loads((ROOT / f"valid/{name}.json").read_bytes())
    assert ours.post("/epcis/capture", raw).json()["success"]
    answer = ours.get(
        "/epcis/events", headers=NEVER, perPage=100, orderBy="recordTime",
        orderDirection="ASC",
    )  # fmt: skip
    kept = events_in(answer.json())
    sent = raw["epcisBody"]["eventList"]
    for one, was in zip(kept, sent, strict=True):
        for added in {"recordTime", "eventID"} - (was.keys() - {"recordTime"}):
            one.pop(added)
        assert one == {k: v for k, v in was.items() if k != "recordTime"}


@needs_files
def test_every_invalid_document_is_refused_with_its_faults(partners: Partners) -> None:
    ours, _, _ = partners
    for path in sorted(ROOT.glob("invalid/*.json")):
        answer = ours.post("/epcis/capture", json.loads(path.read_bytes()))
        if answer.status_code == 202:
            job = ours.get(answer.headers["location"]).json()
            assert (job["success"], job["captured"]) == (False, 0)
            assert all(one["pointer"].startswith("/epcisBody") for one in job["errors"])
        else:
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["detail"] == "@context is missing"
    assert ours.ids() == []


GDST = ROOT.parent / "gdst"


@needs_files
def test_a_partner_may_have_events_held_to_gdst(partners: Partners) -> None:
    ours, _, _ = partners
    asked = "/epcis/capture?profile=gdst"
    for path in sorted(GDST.glob("invalid/*.jsonld")):
        job = ours.post(asked, json.loads(path.read_bytes())).json()
        assert (job["success"], job["captured"]) == (False, 0), path.name
        for one in job["errors"]:
            assert one["rule"], path.name
            assert one["detail"].split(": ")[1] == one["rule"]
            assert one["pointer"].startswith(f"/epcisBody/eventList/{one['event']}")
    assert ours.ids() == []
    chain = json.loads((GDST / "valid/gdst_data_withmasterdata.jsonld").read_bytes())
    chain["epcisBody"]["eventList"][5].pop("cbvmda:unloadingPort")
    job = ours.post(asked, chain, **{"GS1-Capture-Error-Behaviour": "proceed"}).json()
    (error,) = job["errors"]
    assert (error["event"], error["rule"], job["captured"]) == (5, "unloading_port", 16)
    bare = event(bizStep="receiving") | {"gdst:productOwner": "urn:x:y"}
    wrong = ours.post("/epcis/events?profil=gdst", bare)
    assert wrong.status_code == 400, "it is not taken unchecked"
    assert "Did you mean 'profile'?" in wrong.json()["detail"]
    answer = ours.post("/epcis/events?profile=gdst", bare)
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (
        400, "information_provider",
    )  # fmt: skip
    told = ours.post(
        "/epcis/events?profile=gdst", bare | {"cbvmda:informationProvider": "urn:x:y"}
    ).json()
    assert {one["rule"] for one in told["warnings"] if "rule" in one} == {
        "owning_party"
    }
    assert ours.post("/epcis/events?profile=xyz", bare).status_code == 400
    # What the standard itself only warns of is told too, whatever the profile.
    odd = ROOT / "valid/AggregationEvent_with_persistentDisposition.json"
    job = ours.post("/epcis/capture", json.loads(odd.read_bytes())).json()
    assert job["success"]
    assert job["warnings"][0]["pointer"].endswith("/persistentDisposition")


def test_the_same_event_twice_is_a_conflict_and_its_error_is_not(
    partners: Partners,
) -> None:
    ours, theirs, _ = partners
    first = ours.post("/epcis/events", event())
    assert first.status_code == 201
    id_ = first.json()["eventID"]
    assert id_.startswith("ni:///sha-256;")
    again = ours.post("/epcis/events", event())
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    assert again.json()["existing"] == first.headers["location"]
    wrong = event(errorDeclaration={"declarationTime": "2026-11-21T00:00:00Z",
                                    "reason": "did_not_occur"})  # fmt: skip
    declared = ours.post("/epcis/events", wrong)
    assert (declared.status_code, declared.json()["eventID"]) == (201, id_)
    assert ours.post("/epcis/events", wrong).status_code == 409
    assert ours.ids(EXISTS_errorDeclaration="true") == [id_]
    # Another organisation may have heard of the same event.
    assert theirs.post("/epcis/events", event()).status_code == 201
    assert ours.get(f"/epcis/events/{quote(id_, safe='')}").status_code == 200


def test_rollback_takes_nothing_and_proceed_what_is_good(partners: Partners) -> None:
    ours, _, _ = partners
    mixed = document(event("urn:a:1"), event("urn:a:2", bizStep="inventing"))
    job = ours.post("/epcis/capture", mixed).json()
    assert (job["success"], job["captured"]) == (False, 0)
    assert job["errors"][0]["pointer"] == "/epcisBody/eventList/1/bizStep"
    assert ours.ids() == []
    proceed = {"GS1-Capture-Error-Behaviour": "proceed"}
    job = ours.post("/epcis/capture", mixed, **proceed).json()
    assert (job["success"], job["captured"], ours.ids()) == (False, 1, ["urn:a:1"])
    twice = document(event("urn:a:3"), event("urn:a:1"))
    job = ours.post("/epcis/capture", twice).json()
    assert (job["captured"], job["errors"][0]["event"]) == (0, 1)
    assert ours.ids() == ["urn:a:1"]
    many = document(*(event(f"urn:m:{n}") for n in range(501)))
    answer = ours.post("/epcis/capture", many)
    assert answer.status_code == 413
    assert answer.headers["gs1-epcis-capture-limit"] == "500"


def test_who_has_no_token_or_another_ones_sees_nothing(partners: Partners) -> None:
    ours, theirs, world = partners
    assert ours.post("/epcis/events", event("urn:a:1")).status_code == 201
    assert theirs.ids() == []
    assert theirs.get("/epcis/events/urn:a:1").status_code == 404
    assert theirs.get("/epcis/epcs").json()["member"] == []
    reader = Partner(ours.client, "secret-r")
    assert reader.ids() == ["urn:a:1"]
    assert reader.post("/epcis/events", event("urn:a:2")).status_code == 403
    assert Partner(ours.client, "wrong").get("/epcis/events").status_code == 401
    assert ours.client.post("/epcis/events", json=event("urn:a:3")).status_code == 401
    world.registry.revoke_api_token("t-r", now_ms=NOW_MS)
    assert reader.get("/epcis/events").status_code == 401


ASKED = [
    ({"eventType": "ObjectEvent"}, True),
    ({"eventType": "AggregationEvent"}, False),
    ({"EQ_bizStep": "receiving,shipping"}, True),
    ({"EQ_bizStep": "https://ref.gs1.org/cbv/BizStep-shipping"}, True),
    ({"EQ_bizStep": "receiving"}, False),
    ({"EQ_action": "OBSERVE", "EQ_bizStep": "receiving"}, False),
    ({"GE_eventTime": "2026-11-20T00:00:00Z"}, True),
    ({"LT_eventTime": "2026-11-20T00:00:00Z"}, False),
    ({"GE_recordTime": "2026-11-22T20:12:00Z"}, True),
    ({"LT_recordTime": "2026-11-22T20:12:00Z"}, False),
    ({"MATCH_epcClass": LOT}, True),
    ({"MATCH_anyEPCClass": "https://id.gs1.org/01/04012345123456/10/998877"}, True),
    ({"MATCH_anyEPCClass": "https://id.gs1.org/01/04012345123456/10/99887"}, False),
    ({"MATCH_anyEPCClass": "urn:epc:idpat:sgtin:4012345.012345.*"}, True),
    ({"MATCH_inputEPCClass": LOT}, False),
    ({"GE_quantity_KGM": "12.5"}, True),
    ({"GT_quantity_GRM": "12500"}, False),
    ({"EQ_quantity_TNE": "0.0125"}, True),
    ({"GE_value_KEL": "301.15"}, True),
    ({"GT_value_KEL": "301.15"}, False),
    ({"LT_value_FAH": "83"}, True),
    ({"GE_value_M1": "1"}, False),
    ({"EQ_type": "gs1:Temperature"}, True),
    ({"EQ_ILMD_cbvmda:lotNumber": "L1"}, True),
    ({"EQ_ILMD_urn:epcglobal:cbv:mda#lotNumber": "L1"}, True),
    ({"EQ_ILMD_cbvmda:lotNumber": "L2"}, False),
    ({"EQ_INNER_ILMD_example:in": "5"}, True),
    ({"GT_INNER_ILMD_example:in": "4"}, True),
    ({"GT_INNER_ILMD_example:in": "5"}, False),
    ({"EXISTS_ILMD_example:deep": ""}, True),
    ({"EQ_example:own": "x y"}, True),
    ({"EXISTS_example:none": ""}, False),
    ({"WD_readPoint": "urn:greenwater:commune:22411"}, True),
    ({"WD_readPoint": "urn:greenwater:site:hoa-farm"}, True),
    ({"WD_readPoint": "urn:gdst:greenwater.example:location:loc:site.hoa-farm"}, True),
    ({"EQ_readPoint": "urn:gdst:greenwater.example:location:loc:unit.ao-1"}, True),
    ({"WD_readPoint": "urn:greenwater:commune:Bắc Cam Ranh"}, True),
    ({"WD_readPoint": "urn:greenwater:commune:22480"}, False),
    ({"WD_readPoint": "urn:greenwater:province:56"}, True),
    ({"WD_readPoint": "urn:greenwater:province:khanh-hoa"}, True),
    ({"WD_readPoint": "urn:greenwater:province:1"}, False),
    ({"HASATTR_readPoint": "gw:commune"}, False),
    ({"HASATTR_readPoint": "gw:name"}, True),
    ({"EQATTR_readPoint_gw:name": "Ao 1"}, True),
    ({"EQ_ATTR_readPoint_gw:name": "Ao 1"}, True),
    ({"WD_bizLocation": "urn:greenwater:site:hoa-farm"}, False),
    ({"EQ_source_owning_party": "urn:epc:id:pgln:4012345.00000"}, True),
    ({"EQ_bizTransaction_po": "urn:po:1"}, False),
]


def test_the_query_language(partners: Partners) -> None:
    ours, _, _ = partners
    full = event(
        "urn:a:1",
        action="ADD",
        ilmd={"cbvmda:lotNumber": "L1", "example:deep": {"example:in": 5}},
        sourceList=[
            {"type": "owning_party", "source": "https://id.gs1.org/417/4012345000009"}
        ],
        sensorElementList=[
            {"sensorReport": [{"type": "Temperature", "value": 28, "uom": "CEL"}]}
        ],
    ) | {"example:own": "x y"}
    assert ours.post("/epcis/events", full).status_code == 201
    for params, is_found in ASKED:
        if "EQ_action" in params:
            continue
        assert (ours.ids(**params) == ["urn:a:1"]) is is_found, params
    for params in (
        {"EQ_nothing": "x"}, {"eventType": "X"}, {"GE_eventTime": "today"},
        {"EQ_action": "ADD,null"},
        {"perPage": "0"}, {"orderBy": "name"}, {"GE_value_CEL": "warm"},
        {"nextPageToken": "abc"}, {"eventCountLimit": "1", "maxEventCount": "1"},
        {"EQ_bizStep": ""}, {"HASATTR_x": "y"}, {"EQATTR_readPoint": "y"},
    ):  # fmt: skip
        answer = ours.get("/epcis/events", **params)
        assert answer.status_code == 400, params
        assert answer.json()["type"].startswith("epcisException:Query")


def test_pages_follow_each_other_and_nothing_is_lost(partners: Partners) -> None:
    ours, _, _ = partners
    for day in range(1, 8):
        at = f"2026-11-{day:02}T00:00:00Z"
        ours.post("/epcis/events", event(f"urn:d:{day}", eventTime=at))
    seen, address = [], "/epcis/events?perPage=3&orderDirection=ASC"
    for _ in range(3):
        answer = ours.get(address)
        seen += [one["eventID"] for one in events_in(answer.json())]
        link = answer.headers.get("link", "")
        address = link.partition("<")[2].partition(">")[0]
        assert ('rel="next"' in link) is (len(seen) < 7)
    assert seen == [f"urn:d:{day}" for day in range(1, 8)]
    assert ours.ids(eventCountLimit=2) == ["urn:d:7", "urn:d:6"]
    assert ours.get("/epcis/events", maxEventCount=3).status_code == 413
    pond = "urn:gdst:greenwater.example:location:loc:unit.ao-1"
    assert ours.get("/epcis/readPoints").json()["member"] == [pond]
    for spelling in (pond, "urn:greenwater:unit:ao-1"):
        there = ours.get(f"/epcis/readPoints/{spelling}/events", eventCountLimit=1)
        assert [one["eventID"] for one in events_in(there.json())] == ["urn:d:7"]
    of = ours.get("/epcis/bizSteps/shipping/events", eventCountLimit=1).json()
    assert [one["eventID"] for one in events_in(of)] == ["urn:d:7"]


def test_formats_and_versions(partners: Partners) -> None:
    ours, _, _ = partners
    ours.post("/epcis/events", event("urn:a:1"))
    link = "https://id.gs1.org/01/04012345123456/10/998877"
    for spelling, expected in (
        (None, link), ("Always_GS1_Digital_Link", link), ("Always_EPC_URN", LOT),
        ("Never_Translates", LOT),
    ):  # fmt: skip
        headers = {} if spelling is None else {"GS1-EPC-Format": spelling}
        answer = ours.get("/epcis/events", headers=headers)
        (one,) = events_in(answer.json())
        assert one["quantityList"][0]["epcClass"] == expected
        assert answer.headers["gs1-epcis-version"] == "2.0.0"
    assert ours.get("/epcis/events", headers={"GS1-EPC-Format": "x"}).status_code == 400
    options = ours.client.options("/epcis/capture")
    assert (options.status_code, options.headers["allow"]) == (
        204,
        "GET, OPTIONS, POST",
    )


def test_master_data_that_came_along_is_asked_for(partners: Partners) -> None:
    ours, theirs, _ = partners
    sent = document(event("urn:a:1", bizLocation={"id": "urn:place:yard"}))
    place = {
        "id": "urn:place:yard",
        "attributes": [{"id": "cbvmda:countryCode", "attribute": "VN"},
                       {"id": "urn:gdst:kde#kind", "attribute": "yard"}],
    }  # fmt: skip
    town = {"id": "urn:place:town", "children": ["urn:place:yard"]}
    sent["epcisHeader"] = {
        "epcisMasterData": {
            "vocabularyList": [
                {
                    "type": "urn:epcglobal:epcis:vtype:BusinessLocation",
                    "vocabularyElementList": [place, town],
                }
            ]
        }
    }
    answer = ours.post("/epcis/capture", sent)
    assert answer.json()["success"], answer.text
    for params, is_found in (
        ({"HASATTR_bizLocation": "cbvmda:countryCode"}, True),
        ({"HASATTR_bizLocation": "urn:epcglobal:cbv:mda#countryCode"}, True),
        ({"HASATTR_bizLocation": "cbvmda:street"}, False),
        ({"HASATTR_readPoint": "cbvmda:countryCode"}, False),
        ({"EQATTR_bizLocation_cbvmda:countryCode": "VN"}, True),
        ({"EQATTR_bizLocation_cbvmda:countryCode": "TH,VN"}, True),
        ({"EQATTR_bizLocation_cbvmda:countryCode": "TH"}, False),
        ({"EQ_ATTR_bizLocation_urn:gdst:kde#kind": "yard"}, True),
        ({"WD_bizLocation": "urn:place:town"}, True),
        ({"WD_bizLocation": "urn:place:city"}, False),
    ):
        assert (ours.ids(**params) == ["urn:a:1"]) is is_found, params
    theirs.post("/epcis/events", event("urn:b:1", bizLocation={"id": "urn:place:yard"}))
    assert theirs.ids(HASATTR_bizLocation="cbvmda:countryCode") == [], "not theirs"


def test_a_query_with_a_name_is_asked_again(partners: Partners) -> None:
    ours, theirs, _ = partners
    for number in range(4):
        step = "shipping" if number else "receiving"
        ours.post("/epcis/events", event(f"urn:a:{number}", bizStep=step))
    query = {"EQ_bizStep": ["shipping", "packing"], "orderDirection": "ASC"}
    made = ours.post("/epcis/queries", {"name": "sent", "query": query})
    assert (made.status_code, made.headers["location"]) == (201, "/epcis/queries/sent")
    assert ours.get("/epcis/queries/sent").json() == {"name": "sent", "query": query}
    first = ours.get("/epcis/queries/sent/events?perPage=2")
    second = ours.get(first.headers["link"].partition("<")[2].partition(">")[0])
    found = [*events_in(first.json()), *events_in(second.json())]
    assert [one["eventID"] for one in found] == ["urn:a:1", "urn:a:2", "urn:a:3"]
    assert first.json()["epcisBody"]["queryResults"]["queryName"] == "sent"
    assert (
        len(events_in(ours.get("/epcis/queries/SimpleEventQuery/events").json())) == 4
    )
    token = second.request.url.params["nextPageToken"]
    assert ours.client.delete(f"/epcis/nextPageToken/{token}",
                              headers=ours.head).status_code == 204  # fmt: skip

    again = ours.post("/epcis/queries", {"name": "sent", "query": {}})
    assert again.status_code == 409
    refused: tuple[Any, ...] = (
        {"name": "x", "query": {"EQ_nothing": "1"}}, {"name": "x"}, {"query": {}}, [],
        {"name": "x", "query": {"EQ_bizStep": {}}}, {"name": "a/b", "query": {}},
    )  # fmt: skip
    for wrong in refused:
        assert ours.post("/epcis/queries", wrong).status_code == 400, wrong
    assert theirs.get("/epcis/queries").json() == []
    for path in ("/epcis/queries/sent", "/epcis/queries/sent/events"):
        assert theirs.get(path).status_code == 404
    gone = theirs.client.delete("/epcis/queries/sent", headers=theirs.head)
    assert gone.status_code == 404
    subscribed = ours.post("/epcis/queries/sent/subscriptions", {})
    assert subscribed.status_code == 501
    assert subscribed.json()["type"] == "epcisException:ImplementationException"
    assert ours.get("/epcis/queries/sent/events?stream=true").status_code == 501
    gone = ours.client.delete("/epcis/queries/sent", headers=ours.head)
    assert (gone.status_code, ours.get("/epcis/queries").json()) == (204, [])


def test_what_there_is_to_ask_is_listed(partners: Partners) -> None:
    ours, _, _ = partners
    ours.post("/epcis/events", event("urn:a:1"))
    assert "queries" in ours.get("/epcis/").json()["member"]
    for path in ("/epcis/eventTypes/ObjectEvent", "/epcis/bizSteps/shipping",
                 "/epcis/readPoints/urn:greenwater:unit:ao-1"):  # fmt: skip
        assert ours.get(path).json()["member"] == ["events"], path
    for path in ("/epcis/eventTypes/Event", "/epcis/bizSteps/packing"):
        assert ours.get(path).status_code == 404, path
    allowed = ours.client.options("/epcis/queries/x").headers["allow"]
    assert allowed == "DELETE, GET, OPTIONS"


def test_another_version_or_format_is_refused_as_the_standard_says(
    partners: Partners,
) -> None:
    ours, _, _ = partners
    for headers, status in (
        ({"GS1-EPCIS-Version": "2.0.0"}, 200), ({"GS1-EPCIS-Version": "1.2"}, 406),
        ({"GS1-CBV-Version": "2.1"}, 406), ({"GS1-EPCIS-Min": "2.1.0"}, 406),
        ({"GS1-EPCIS-Max": "1.2.0"}, 406), ({"Accept": "application/xml"}, 406),
        ({"Accept": "application/ld+json"}, 200),
    ):  # fmt: skip
        assert ours.get("/epcis/events", headers=headers).status_code == status, headers
    answer = ours.post("/epcis/events", event(), **{"Content-Type": "application/xml"})
    assert answer.status_code == 415
    long = ours.get("/epcis/events", EQ_bizStep="x" * 9000)
    assert (long.status_code, long.json()["type"]) == (
        414,
        "epcisException:URITooLongException",
    )
