"""Every route of the real application refuses strangers, other farms and other roles.

The routes are those that the application answers by, so that a new one is tried at once.
It fails until it stands in a table here: in ``PUBLIC`` with the reason why anybody may,
or, if it writes, in ``REFUSES`` with somebody whose role it is not.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient

from greenwater.storage.registry.people import OrganisationKind, Role
from greenwater.storage.registry.tokens import SCOPES
from tests.pages.farms import PHONES, Farms, enter, pin_hash
from tests.pages.test_doors import ASKED, filled
from tests.pages.world import NOW_MS, open_empty
from web.app import create_app
from web.door.doors import COOKIE, csrf_of

PUBLIC = {
    "/sign-in": "nobody has a session yet",
    "/sign-in/code": "the second step of signing in; without the first there is none",
    "/demo": "a demo has no secrets", "/demo/label.svg": "a demo has no secrets",
    "/demo/{person}": "a demo has no secrets",
    "/demo/authority.crt": "a certificate is for everybody",
    "/a/{token}": "the token is the secret", "/join/{token}": "the token is the secret",
    "/once/{token}": "the token is the secret, and only in a demo",
    "/calls/ways/push/renewed": "the browser's own name, a cookie, is the secret",
    "/": "who has not signed in is led to the door",
    "/check": "anybody checks a label", "/report-label": "anybody reports a label",
    "/card/{vessel}/{span}/{catch}/{papers}/{made}": "a trip card carries its proof",
    "/passport/{gtin}": "what is sold, for who buys it",
    "/passport/{gtin}/picture.jpg": "how what is sold looks, for who buys it",
    "/passport/{gtin}/{lot}": "what is sold, for who buys it",
    "/api/v1/passports/{gtin}/{lot}": "the same, for programs",
    "/api/v1/labels/check": "anybody checks a label",
    "/api/v1/labels/keys.json": "public keys", "/.well-known/jwks.json": "public keys",
    "/api/v1/labels/status.json": "what is revoked or recalled, for phones at sea",
    "/api/v1/ledger/roots": "roots are published so that nobody can alter a ledger",
    "/api/v1/inspections": "each statement is signed by the inspector's own phone",
    "/api/v1/openapi.json": "how the API is used", "/healthz": "says ok, or not",
    "/sw.js": "a file", "/manifest.webmanifest": "a file", "/favicon.ico": "a file", "/no-network": "a file",
    "/.well-known/gs1resolver": "what GS1 asks of a resolver",
    "/{short:compressed}": "a Digital Link in few characters, or nothing",
}  # fmt: skip
"""Addresses that ask nobody who he is, and why; Digital Links are all such."""

DIGITAL_LINK = re.compile(r"/[0-9]{2,4}/\{rest:path\}")
ANYBODY = "anybody who is signed in"
REFUSES = {
    "/calls": ANYBODY, "/account": ANYBODY, "/account/tokens": "minh", "/sign-out": ANYBODY, "/epcis": "needs a token",
    "/admin": "hoa", "/alarms": "minh", "/crops": "minh", "/goods": "minh",
    "/lots": "minh", "/products": "minh", "/records": "minh", "/units": "minh",
    "/sites": "minh",
    "/vessels": "minh", "/vessel-records": "minh", "/trips": "minh", "/dossiers": "minh", "/certificates": "minh",
    "/inspections": "hoa", "/api/v1/inspections": "hoa",
    "/scans": "farmers and inspectors both work there; others' reports are not theirs",
    "/api/v1/records": "minh", "/api/v1/steps": "minh", "/api/v1/vessels": "minh",
}  # fmt: skip
"""Beginnings of addresses that are written to, and who is refused there: ``hoa`` keeps the
books of a farm, ``minh`` inspects. ``ANYBODY``: it is his own account."""

GONE = (401, 403, 404)


class Route(NamedTuple):
    """One method of one address; ``fields`` are those of its form."""

    method: str
    path: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_public(self) -> bool:
        return self.path in PUBLIC or bool(DIGITAL_LINK.fullmatch(self.path))

    @property
    def is_program(self) -> bool:
        return self.path.startswith("/epcis")


def every(routes: Any) -> Iterator[Route]:
    """Yield the routes that an application answers by, those it took over too."""
    for one in routes:
        inner = getattr(one, "original_router", None)
        if inner is not None:
            yield from every(inner.routes)
        elif getattr(one, "methods", None):
            body = getattr(getattr(one, "dependant", None), "body_params", ())
            fields = tuple(str(param.alias) for param in body)
            for method in sorted(set(one.methods) - {"HEAD", "OPTIONS"}):
                yield Route(method, one.path, fields)


@pytest.fixture(scope="module")
def farms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farms]:
    folder: Path = tmp_path_factory.mktemp("routes")
    with open_empty(folder) as world:
        yield Farms(world, folder)


@pytest.fixture(scope="module")
def app(farms: Farms) -> Any:
    return create_app(farms.services)


@pytest.fixture(scope="module")
def routes(app: Any) -> list[Route]:
    found = list(dict.fromkeys(every(app.routes)))
    assert len(found) > 150, "routes are kept otherwise now: see every()"
    return found


def come(app: Any, person: str | None = None) -> TestClient:
    client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    return client if person is None else enter(client, person)


def ask(client: TestClient, farms: Farms, route: Route, farm: str) -> Any:
    path = filled(farms, route.path, farm)
    if route.method == "GET":
        return client.get(path)
    if route.path.startswith(("/api/", "/epcis")):
        return client.request(route.method, path, json={})
    token = csrf_of(client.cookies[COOKIE]) if COOKIE in client.cookies else "0" * 32
    known = {
        "csrf": token, "crop": f"{farm}-vu", "unit": f"{farm}-ao",
        "harvest": farms.records[farm], "happened": "2026-11-22T10:00",
        "started": "2026-11-22T10:00", "count": "1", "on": "on", "sure": "on", "until": "morning",
    }  # fmt: skip
    data = {name: known.get(name, "1") for name in route.fields}
    return client.request(route.method, path, data={**data, "csrf": token})


def refused_of(path: str) -> str | None:
    heads = [one for one in REFUSES if path == one or path.startswith(f"{one}/")]
    return REFUSES[max(heads, key=len)] if heads else None


def test_every_route_stands_in_a_table(routes: list[Route]) -> None:
    unknown = [
        str(one)
        for one in routes
        if one.method != "GET" and not one.is_public and refused_of(one.path) is None
    ]
    assert not unknown, (
        f"{unknown}: say in REFUSES whose role it is not, or in PUBLIC why anybody may"
    )
    paths = {one.path for one in routes}
    assert not {one for one in PUBLIC if one not in paths}, "no such address any more"


def test_nobody_comes_in_without_a_name(
    farms: Farms, app: Any, routes: list[Route]
) -> None:
    client, wrong = come(app), []
    for route in routes:
        if route.is_public:
            continue
        answer = ask(client, farms, route, "hoa")
        is_door = answer.headers.get("location", "").startswith("/sign-in")
        if answer.status_code not in GONE and not is_door:
            wrong.append((str(route), answer.status_code, answer.text[:200]))
        assert "Ao của" not in answer.text, route
    assert not wrong, f"a stranger is let in: ask doors.known(request) first: {wrong}"


def test_another_farm_is_not_there(farms: Farms, app: Any, routes: list[Route]) -> None:
    client, wrong = come(app, "binh"), []
    for route in routes:
        own = refused_of(route.path) == ANYBODY and route.method != "GET"
        if route.is_public or route.is_program or own or route.path in OPEN_TO_FARMS:
            continue
        answer = ask(client, farms, route, "hoa")
        assert "access-control-allow-origin" not in answer.headers, str(route)
        assert answer.status_code != 500, f"{route} fails: words, or a name of the page"
        for words in ("Ao của hoa", "Tôm hoa", "Vụ hoa", "Trại giống hoa"):
            assert words not in answer.text, (str(route), words)
        is_ones = "{" in route.path + ASKED.get(route.path, "")
        if is_ones and answer.status_code not in GONE:
            wrong.append((str(route), answer.status_code, answer.text[:200]))
    assert not wrong, f"another farm's things are there: {wrong}"


ADMINISTERED = (
    "/admin/", "/sites/{site}/change", "/sites/{site}/rafts",
    "/units/{unit}/change", "/units/{unit}/close", "/units/{unit}/reopen",
    "/vessels/{vessel}/edit", "/vessels/{vessel}/service", "/vessels/{vessel}/number",
)  # fmt: skip
"""Beginnings of what the administrator does: what places are called, never their water."""

OPEN_TO_FARMS = {"/events": "it never ends; what it tells is tested in test_doors.py"}
"""Addresses that one farm may ask about another's things, or cannot be asked, and why."""


def test_another_role_is_refused(farms: Farms, app: Any, routes: list[Route]) -> None:
    people = {name: come(app, name) for name in ("hoa", "minh")}
    wrong = []
    for route in routes:
        refused = refused_of(route.path)
        if route.method == "GET" or route.is_public or refused not in people:
            continue
        answer = ask(people[str(refused)], farms, route, "hoa")
        if answer.status_code not in GONE:
            wrong.append((str(route), refused, answer.status_code, answer.text[:200]))
    assert not wrong, f"not his role: {wrong}"


ADDRESSED = (
    "/dossiers/",
    "/api/v1/dossiers/",
    "/certificates/",
    "/crops/{crop}/readiness",
)
"""Beginnings of what a certification body sees of a farm that applied to it."""

BESIDES = ("an", "xa", "quan")
"""An auditor of a certification body, an officer of a commune, who administers the platform."""


@pytest.fixture(scope="module")
def besides(farms: Farms, app: Any) -> dict[str, TestClient]:
    """People of other roles than hoa's and minh's, signed in; none is of her household."""
    registry = farms.registry
    registry.add_organisation("xa", "Xã", kind=OrganisationKind.COMMUNE)
    registry.add_organisation("qt", "Quản trị", kind=OrganisationKind.AUTHORITY)
    for person, where, role in (
        ("xa", "xa", Role.OFFICER),
        ("quan", "qt", Role.ADMIN),
    ):
        PHONES[person] = {"xa": "0905000101", "quan": "0905000102"}[person]
        registry.add_person(person, f"Tên {person}", PHONES[person])
        registry.add_member(person, where, role)
        registry.set_secret(person, pin_hash(), is_pin=True)
    return {person: come(app, person) for person in BESIDES}


def test_no_other_role_sees_or_changes_a_farms_things(
    farms: Farms, besides: dict[str, TestClient], routes: list[Route]
) -> None:
    wrong = []
    for route in routes:
        is_ones = "{" in route.path + ASKED.get(route.path, "")
        if route.is_public or route.is_program or not is_ones:
            continue
        for person, client in besides.items():
            is_his = person == "an" and route.path.startswith(ADDRESSED)
            is_his |= person == "quan" and route.path.startswith(ADMINISTERED)
            if is_his or route.path in OPEN_TO_FARMS:
                continue
            answer = ask(client, farms, route, "hoa")
            if answer.status_code not in GONE:
                wrong.append((person, str(route), answer.status_code, answer.text[:99]))
    assert not wrong, (
        "open to a role that has no business there: ask doors.mine(request) or "
        "doors.administrator(request) first; what is meant stands in ADDRESSED or "
        "ADMINISTERED here:\n" + "\n".join(map(str, wrong))
    )


def test_a_token_opens_what_it_is_good_for_and_no_more(
    farms: Farms, app: Any, routes: list[Route]
) -> None:
    farms.registry.add_api_token(
        "other", "other", organisation="binh", name="x", now_ms=NOW_MS - 1000,
        scopes=frozenset({"telemetry:read"}), expires_ms=NOW_MS + 10**7,
    )  # fmt: skip
    client = come(app)
    client.headers["X-API-Key"] = "other"
    for route in routes:
        if route.is_public or route.path in OPEN_TO_FARMS:
            continue
        answer = ask(client, farms, route, "hoa")
        assert answer.status_code < 400 or answer.status_code in (*GONE, 422), route
        if route.is_program:
            assert answer.status_code == 403, (str(route), answer.status_code)
        assert "Ao của hoa" not in answer.text, route


def test_the_description_says_where_a_token_is_taken(farms: Farms, app: Any) -> None:
    farms.registry.add_api_token(
        "all", "all", organisation="binh", name="x", now_ms=NOW_MS - 1000,
        scopes=SCOPES, expires_ms=NOW_MS + 10**7,
    )  # fmt: skip
    client = come(app)
    client.headers["X-API-Key"] = "all"
    wrong = []
    for path, item in client.get("/api/v1/openapi.json").json()["paths"].items():
        if not path.startswith(("/api/", "/epcis")) or "{" in path:
            continue
        said = item.get("get", {}).get("security")
        if said:
            is_said = {"token": []} in said
            status = client.get(path).status_code
            if is_said == (status in (401, 403)):
                wrong.append((path, said, status))
    assert not wrong, f"web/openapi.py, _security: {wrong}"
