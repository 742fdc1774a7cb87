"""What holds for the whole API: writes with a key, problems, its description, tokens."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import Reading
from tests.ledgers import trace_events
from tests.pages.farms import Farms
from tests.pages.test_epcis_api import Partner, event
from tests.pages.world import NOW_MS, World, open_empty
from web.api.readings import COLUMNS
from web.app import create_app

DAY = 86_400_000
SCOPES = frozenset({"epcis:capture", "epcis:query", "telemetry:read"})


@pytest.fixture
def partners(tmp_path: Path) -> Iterator[tuple[Partner, Partner, World]]:
    with open_empty(tmp_path) as world:
        for farm in ("hoa", "binh"):
            world.registry.add_organisation(farm, f"Hộ {farm}")
            world.registry.add_site(
                f"{farm}-trai", organisation=farm, name=f"Trại {farm}"
            )
            world.registry.add_api_token(
                f"t-{farm}", f"secret-{farm}", organisation=farm, name=farm,
                scopes=SCOPES, now_ms=NOW_MS - DAY, expires_ms=NOW_MS + DAY,
            )  # fmt: skip
        with TestClient(create_app(world.services)) as client:
            yield Partner(client, "secret-hoa"), Partner(client, "secret-binh"), world


Partners = tuple[Partner, Partner, World]


def key(text: str) -> dict[str, Any]:
    return {"Idempotency-Key": text}


def test_a_write_with_a_key_is_done_once_and_answered_alike(partners: Partners) -> None:
    ours, theirs, world = partners
    first = ours.post("/epcis/events", event(), **key("k1"))
    again = ours.post("/epcis/events", event(), **key("k1"))
    assert (first.status_code, again.status_code) == (201, 201), (
        "no 409 the second time"
    )
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(trace_events(world.registry)) == 1

    other = ours.post("/epcis/events", event("urn:a:2"), **key("k1"))
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]
    assert other.headers["content-type"] == "application/problem+json"
    assert len(trace_events(world.registry)) == 1
    # Another's key is another's, though it reads the same; a failure is kept too.
    assert theirs.post("/epcis/events", event(), **key("k1")).status_code == 201
    for _ in range(2):
        assert ours.post("/epcis/events", {}, **key("k2")).status_code == 400
    assert ours.post("/epcis/events", event(), **key("x" * 201)).status_code == 422


def test_a_key_is_nobodys_without_a_good_token(partners: Partners) -> None:
    ours, _, world = partners
    assert ours.post("/epcis/events", event(), **key("k")).status_code == 201
    world.registry.revoke_api_token("t-hoa", now_ms=NOW_MS)
    assert ours.post("/epcis/events", event(), **key("k")).status_code == 401
    answer = ours.client.post("/epcis/events", json=event(), headers=key("k"))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/api/v1/nothing", 404, "urn:greenwater:problem:not-found"),
        ("/api/v1/series", 422, "urn:greenwater:problem:invalid"),
        ("/epcis/events?X=1", 400, "epcisException:QueryParameterException"),
        ("/epcis/events/none", 404, "epcisException:NoSuchResourceException"),
        ("/.well-known/nothing", 404, "urn:greenwater:problem:not-found"),
    ],
)
def test_every_error_is_a_problem_of_a_known_type(
    partners: Partners, path: str, status: int, kind: str
) -> None:
    answer = partners[0].get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["status"]) == (kind, status)
    assert problem.keys() >= {"title", "detail"}


def test_the_description_is_openapi_3_1_with_names_that_last(
    partners: Partners,
) -> None:
    document = partners[0].client.get("/api/v1/openapi.json").json()
    none = partners[0].client.request("TRACE", "/api/v1/records")
    assert (none.status_code, none.headers["allow"]) == (405, "GET, POST")
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()
    operations = [
        (path, method, one)
        for path, item in document["paths"].items()
        for method, one in item.items()
    ]
    names = [one["operationId"] for _, _, one in operations]
    assert len(set(names)) == len(names)
    assert {"get_units", "get_series", "epcis_capture", "epcis_events"} <= {*names}
    assert all(re.fullmatch(r"\w+", name) for name in names), names
    tags = {one["name"] for one in document["tags"]}
    for path, method, one in operations:
        is_api = path.startswith(("/api/", "/epcis", "/healthz", "/.well-known/"))
        assert is_api or path.endswith(".json"), path
        assert set(one["tags"]) <= tags, path
        assert "default" in one["responses"], path
        named = {p["name"] for p in one.get("parameters", []) if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)", path)), path
        is_write = method in ("post", "put", "patch", "delete")
        keys = [p for p in one.get("parameters", []) if p["name"] == "Idempotency-Key"]
        assert bool(keys) is is_write, path


@pytest.fixture
def farms(tmp_path: Path) -> Iterator[tuple[Partner, Partner, Farms]]:
    with open_empty(tmp_path) as world:
        farms = Farms(world, tmp_path)
        for farm, scopes in (("hoa", SCOPES), ("binh", frozenset({"epcis:query"}))):
            world.registry.add_api_token(
                f"t-{farm}", f"secret-{farm}", organisation=farm, name=farm,
                scopes=scopes, now_ms=NOW_MS - DAY, expires_ms=NOW_MS + DAY,
            )  # fmt: skip
        with TestClient(create_app(farms.services)) as client:
            yield Partner(client, "secret-hoa"), Partner(client, "secret-binh"), farms


def test_a_program_reads_its_farms_water(farms: tuple[Partner, Partner, Farms]) -> None:
    ours, theirs, world = farms
    units = ours.get("/api/v1/units").json()["units"]
    assert [one["unit"] for one in units] == ["hoa-ao"]
    assert [one["site"] for one in ours.get("/api/v1/sites").json()["sites"]] == [
        "hoa-trai"
    ]
    assert theirs.get("/api/v1/units").status_code == 403, "no such scope"
    assert ours.client.get("/api/v1/units").status_code == 401
    asked = {"unit": "hoa-ao", "channel": "dissolved_oxygen", "limit": "100"}
    seen: list[dict[str, Any]] = []
    answer = ours.get("/api/v1/readings", **asked)
    for _ in range(20):
        seen += answer.json()["readings"]
        link = answer.headers.get("link")
        if link is None:
            break
        answer = ours.get(link.partition("<")[2].partition(">")[0])
    times = [one["time"] for one in seen]
    assert times == sorted(set(times)), "each once, in order"
    assert len(times) == 24 * 12, "a day, every five minutes"
    assert seen[0].keys() == {*COLUMNS}
    assert seen[0]["uom"] == "mg/L"

    for way in ({"params": asked | {"format": "csv"}},
                {"params": asked, "headers": {"Accept": "text/csv"}}):  # fmt: skip
        headers = {**ours.head, **way.get("headers", {})}
        told = ours.client.get(
            "/api/v1/readings", params=way["params"], headers=headers
        )
        assert told.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(told.text)))
        assert rows[0]["time"] == seen[0]["time"]
        assert float(rows[0]["value"]) == seen[0]["value"]
    told = ours.get("/api/v1/series", unit="hoa-ao", channel="dissolved_oxygen",
                    format="csv")  # fmt: skip
    assert told.text.startswith("time,label,min,mean,max,count,made\r\n")
    device, probe = DeviceId(seen[0]["device"]), ProbeId(seen[0]["probe"])
    world.world.telemetry.write(
        [Reading(device, probe, Channel.PH, NOW_MS - n, 8.0) for n in range(1, 1502)]
    )
    told = ours.get("/api/v1/readings", unit="hoa-ao", channel="ph", format="csv")
    assert "link" not in told.headers, "a spreadsheet would not see it"
    assert told.text.count("\r\n") == 1502
    told = ours.get("/api/v1/readings", unit="hoa-ao", channel="ph")
    assert len(told.json()["readings"]) == 1000
    assert "link" in told.headers
    assert ours.get("/api/v1/readings", unit="binh-ao").status_code == 404
    assert ours.get("/api/v1/readings", unit="hoa-ao", start="today").status_code == 422


def test_lists_are_paged_by_key(world: World, site: TestClient) -> None:
    every = [one["unit"] for one in site.get("/api/v1/units").json()["units"]]
    seen, address = [], "/api/v1/units?limit=2"
    while address:
        answer = site.get(address)
        seen += [one["unit"] for one in answer.json()["units"]]
        address = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert seen == every == sorted(every)
    assert len(every) > 2
