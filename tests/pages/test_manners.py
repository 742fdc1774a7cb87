"""What holds for the whole API: writes with a key, problems, its description, tokens."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.pages.test_epcis_api import Partner, event
from tests.pages.world import NOW_MS, World, open_empty
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
    assert len(world.registry.trace_events()) == 1

    other = ours.post("/epcis/events", event("urn:a:2"), **key("k1"))
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]
    assert other.headers["content-type"] == "application/problem+json"
    assert len(world.registry.trace_events()) == 1
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
    assert document["openapi"] == "3.1.0"
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
        assert path.startswith(("/api/", "/epcis", "/healthz")), path
        assert set(one["tags"]) <= tags, path
        assert "default" in one["responses"], path
        named = {p["name"] for p in one.get("parameters", []) if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)", path)), path
        is_write = method in ("post", "put", "patch", "delete")
        keys = [p for p in one.get("parameters", []) if p["name"] == "Idempotency-Key"]
        assert bool(keys) is is_write, path
