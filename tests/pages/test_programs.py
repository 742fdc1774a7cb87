"""A household's programs: tokens on a page of one's own, and lots made with them."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.pages.farms import Farms, csrf, enter
from tests.pages.world import NOW_MS, open_empty
from web.app import create_app

AT = "2026-11-22T10:00:00+07:00"


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("programs")
    with open_empty(folder) as world:
        yield Farms(world, folder)


@pytest.fixture(scope="module")
def app(farms: Farms) -> Any:
    return create_app(farms.services)


class Program:
    """What somebody's program does with a token that he made on the page."""

    def __init__(self, app: Any, person: str, *scopes: str) -> None:
        self.browser = enter(TestClient(app, follow_redirects=False), person)
        form = {"csrf": csrf(self.browser), "name": "Kho", "days": "30"}
        self.made = self.browser.post("/account/tokens", data={**form, "scope": scopes})
        shown = re.search(r"data-secret>([^<]+)<", self.made.text)
        self.secret = shown[1] if shown else ""
        self.client = TestClient(app)
        self.client.headers["Authorization"] = f"Bearer {self.secret}"

    def step(self, act: dict[str, Any], id_: str | None = None, **more: Any) -> Any:
        sent = {"id": id_ or str(uuid.uuid4()), "at": AT, "act": act, **more}
        return self.client.post("/api/v1/steps", json=sent)


def split(lot: str, *kilograms: float) -> dict[str, Any]:
    return {
        "type": "split", "sources": [{"lot": lot, "kg": sum(kilograms)}],
        "made": [{"kg": kg} for kg in kilograms],
    }  # fmt: skip


def test_a_token_is_made_on_the_page_shown_once_and_ended(
    farms: Farms, app: Any
) -> None:
    program = Program(app, "hoa", "goods:read", "telemetry:read")
    assert program.made.status_code == 200
    assert program.made.headers["cache-control"] == "no-store"
    assert 'href="/account/tokens"' in program.browser.get("/account").text
    page = program.browser.get("/account/tokens").text
    assert program.secret
    assert program.secret not in page, "it is shown this once"
    assert "Chủ hoa" in page
    (token,) = re.findall(r'data-token="([^"]+)"', page)
    assert program.client.get("/api/v1/units").status_code == 200
    assert program.client.get("/api/v1/records").status_code == 403, "no such scope"
    other = enter(TestClient(app, follow_redirects=False), "binh")
    end = f"/account/tokens/{token}/end"
    assert other.post(end, data={"csrf": csrf(other)}).status_code == 404
    assert program.browser.post(end, data={"csrf": "0" * 32}).status_code == 403
    assert program.client.get("/api/v1/units").status_code == 200
    ended = program.browser.post(end, data={"csrf": csrf(program.browser)})
    assert ended.status_code == 303
    assert program.client.get("/api/v1/units").status_code == 401
    acts = [(one.act, one.person) for one in farms.registry.noted(limit=50)]
    assert {("token_add", "hoa"), ("token_end", "hoa")} <= {*acts}
    assert not Program(app, "hoa").secret, "a token that may do nothing is not made"
    inspector = enter(TestClient(app, follow_redirects=False), "minh")
    assert inspector.get("/account/tokens").status_code == 403


def test_a_program_makes_lots_and_reads_them_page_by_page(
    farms: Farms, app: Any
) -> None:
    ours = Program(app, "hoa", "goods:read", "goods:write")
    theirs = Program(app, "binh", "goods:read", "goods:write")
    lot, id_ = farms.lots["hoa"], str(uuid.uuid4())
    first = ours.step(split(lot, 120.5, 79.5), id_)
    assert first.status_code == 201, first.text
    assert first.headers["location"] == f"/api/v1/steps/{id_}"
    assert sorted(one["kg"] for one in first.json()["lots"]) == [79.5, 120.5]
    assert first.json()["entered_by"] == "hoa", "who made the token answers for it"
    again = ours.step(split(lot, 120.5, 79.5), id_)
    assert (again.status_code, again.json()) == (200, first.json())
    assert ours.step(split(lot, 1, 1), id_).status_code == 409, "another step's id"

    too_much = ours.step(split(lot, 400))
    assert too_much.status_code == 409
    problem = too_much.json()
    assert problem["type"] == "urn:greenwater:problem:conflict"
    assert [one["code"] for one in problem["refusals"]]
    assert theirs.step(split(lot, 1)).status_code in (404, 409)
    for wrong in ({"type": "split"}, {"type": "sell", "contents": []}):
        answer = ours.step(wrong)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    assert ours.step(split(lot, 1), at="2026-11-22").status_code == 422

    seen, address = [], "/api/v1/lots?limit=1"
    while address:
        answer = ours.client.get(address)
        seen += [one["id"] for one in answer.json()["lots"]]
        address = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert seen[0] == lot
    assert len(set(seen)) == len(seen) == 3
    assert ours.client.get(f"/api/v1/lots/{lot}").json()["held"] == [
        {"package": None, "kg": 300.0}
    ]
    steps = ours.client.get("/api/v1/steps").json()
    assert [one["id"] for one in steps["steps"]] == [id_]
    assert steps["next"] is None
    (made, *_) = first.json()["lots"]
    chain = ours.client.get(f"/api/v1/lots/{made['id']}/chain").json()
    assert chain["document"]["type"] == "EPCISQueryDocument"
    assert 0 < chain["gdst"]["completeness"] <= 1
    assert "broken" in chain
    browser = TestClient(app, follow_redirects=False)
    goods = enter(browser, "hoa").get(f"/goods/{made['id']}").text
    assert f'href="/api/v1/lots/{made["id"]}/chain"' in goods
    for path in (
        f"/api/v1/lots/{lot}",
        f"/api/v1/lots/{lot}/chain",
        f"/api/v1/steps/{id_}",
    ):
        assert theirs.client.get(path).status_code == 404
    assert ours.client.get("/api/v1/lots?after=x").status_code == 422
    farms.registry.add_api_token(
        "cli", "nobodys", organisation="hoa", name="x", now_ms=NOW_MS - 1000,
        scopes=frozenset({"goods:write"}), expires_ms=NOW_MS + 10**7,
    )  # fmt: skip
    ours.client.headers["Authorization"] = "Bearer nobodys"
    refused = ours.step(split(lot, 1))
    assert refused.status_code == 403
    assert "nobody" in refused.json()["detail"]


def test_a_wrong_credential_is_not_passed_over_for_a_good_one(app: Any) -> None:
    program = Program(app, "hoa", "telemetry:read")
    program.client.headers["X-API-Key"] = program.secret
    assert program.client.get("/api/v1/units").status_code == 200
    program.client.headers["Authorization"] = "Basic eDp5"
    assert program.client.get("/api/v1/units").status_code == 401
