"""Coming in, staying in, being let in, and what is kept of it: people at the doors."""

import asyncio
import io
import re
import secrets
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from fastapi.testclient import TestClient
from starlette.types import Message
from typer.testing import CliRunner

from cli.demo.sign_in_links import sign_in_links
from cli.first_administrator import first_administrator
from cli.main import build
from greenwater.kernel.errors import ConflictError, InputError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry.audit import Noted
from greenwater.storage.registry.inspections import InspectorKey
from greenwater.storage.registry.links import LinkKind
from greenwater.storage.registry.people import OrganisationKind, Role
from tests.pages.reading_pages import Node, parse_page
from tests.pages.world import HOUR_MS, NOW, NOW_MS, World, open_empty
from traceability.told import book_device
from web.app import create_app
from web.door import hashing
from web.door.doors import COOKIE, HOST_COOKIE, csrf_of
from web.door.hashing import WeakSecretError
from web.door.throttle import FREE_TRIES_AN_ADDRESS, Throttle
from web.door.totp import STEP_MS, code_at, make_recovery_codes, step_of
from web.farm import alarms
from web.people import sign_in
from web.ports import House
from web.words import WORDS, Lang

PIN, OTHER_PIN, PASSWORD = "274913", "590384", "gió mùa đông bắc"
PHONES = {"hoa": "0905000001", "an": "0905000002", "minh": "0905000003"}
PHONES["quan"] = "0905000005"
TLS = "https://testserver"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""RFC 6238's ``12345678901234567890`` in base 32."""


TOLD: list[str] = []
LEFT: list[str] = []
"""What the broker could not be told, if anything."""


def permit() -> str:
    TOLD.append("told")
    return "".join(LEFT)


HOUSE = House(
    permit=permit,
    replay=lambda ids: [(one, "taken in") for one in ids],
    broker_url="mqtts://box.example",
)


class Site:
    """A world whose registry is as it was before each test, and a site over it."""

    def __init__(self, world: World, file: Path) -> None:
        self.world, self._file = world, file
        self._cast = file.with_name("cast.db")
        services = replace(world.services, is_guarded=True, house=HOUSE)
        self._apps = {
            is_demo: create_app(replace(services, is_demo=is_demo))
            for is_demo in (False, True)
        }
        with (
            closing(sqlite3.connect(file)) as now,
            closing(sqlite3.connect(self._cast)) as kept,
        ):
            now.backup(kept)

    def again(self) -> None:
        """Have all be as it was."""
        with (
            closing(sqlite3.connect(self._cast)) as kept,
            closing(sqlite3.connect(self._file)) as now,
        ):
            kept.backup(now)
        self.world.clock.advance(NOW - self.world.clock.now())
        TOLD.clear()
        LEFT.clear()

    def client(self, *, is_demo: bool = False) -> TestClient:
        """Return a browser that nobody has signed in with."""
        return TestClient(self._apps[is_demo], follow_redirects=False)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A household (hoa, an), an authority (minh inspects), who administers (quan)."""
    folder = tmp_path_factory.mktemp("people")
    with open_empty(folder) as world:
        registry = world.registry
        registry.add_organisation("ho", "Hộ Hòa")
        registry.add_organisation("khac", "Hộ khác")
        for one, name in (("cc", "Chi cục"), ("qt", "Quản trị")):
            registry.add_organisation(one, name, kind=OrganisationKind.AUTHORITY)
        for person, where, role in (
            ("hoa", "ho", Role.FARMER),
            ("an", "khac", Role.FARMER),
            ("minh", "cc", Role.INSPECTOR),
            ("quan", "qt", Role.ADMIN),
        ):
            registry.add_person(person, f"Tên {person}", PHONES[person])
            registry.add_member(person, where, role)
            is_pin = role is Role.FARMER
            kept = hashing.hash_secret(PIN if is_pin else PASSWORD, is_pin=is_pin)
            registry.set_secret(person, kept, is_pin=is_pin)
        registry.add_site("trai", organisation="ho", name="Trại Hòa")
        yield Site(world, folder / "registry.db")


def test_a_guess_costs_what_the_rfc_recommends(cheap_hashes: PasswordHasher) -> None:
    kept = cheap_hashes.hash(PASSWORD)
    found = extract_parameters(kept)
    assert found.type is Type.ID  # RFC 9106 section 4, the second recommendation
    assert (found.time_cost, found.memory_cost) >= (3, 64 * 1024)
    assert hashing.is_secret(PASSWORD, kept)
    assert not hashing.is_secret(PASSWORD + "!", kept)


@pytest.fixture
def world(stage: Site) -> Iterator[World]:
    """The world of the module, as it was at the beginning."""
    SITES[stage.world] = stage
    yield stage.world
    stage.again()


SITES: dict[World, Site] = {}


def site(world: World, *, is_demo: bool = False) -> TestClient:
    return SITES[world].client(is_demo=is_demo)


def post(client: TestClient, path: str, **form: str) -> tuple[int, str]:
    """Post a form of this session; return the status, and where it leads."""
    token = csrf_of(client.cookies.get(COOKIE) or "")
    answer = client.post(path, data={"csrf": token, **form})
    return answer.status_code, answer.headers.get("location", "")


def enter(client: TestClient, person: str, secret: str = "") -> TestClient:
    secret = secret or (PIN if person in ("hoa", "an") else PASSWORD)
    answer = client.post("/sign-in", data={"phone": PHONES[person], "secret": secret})
    assert answer.status_code == 303, answer.text
    return client


def give_factor(world: World, person: str) -> None:
    world.registry.offer_second_factor(person, SECRET)
    world.registry.confirm_second_factor(person, -1, ["aaaa-bbbb"], NOW_MS)


def code_now(world: World, drift: int = 0) -> str:
    now_ms = int(world.clock.now().timestamp() * 1000)
    return code_at(SECRET, now_ms // STEP_MS + drift)


def administer(world: World) -> TestClient:
    give_factor(world, "quan")
    client = enter(site(world), "quan")
    assert post(client, "/sign-in/code", code=code_now(world)) == (303, "/")
    return client


def noted(world: World, act: str) -> list[Noted]:
    return list(world.registry.noted(act=act))


def page(client: TestClient, path: str) -> Node:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return parse_page(answer.text)


def shown_link(text: str) -> str:
    found = re.search(
        r"/(?:join|once)/[\w-]{20,}", parse_page(text).one(class_="long").text
    )
    assert found is not None
    return found[0]


# Sessions


def test_over_tls_only_the_cookie_no_other_host_can_set_counts(world: World) -> None:
    client = site(world)
    answer = client.post(f"{TLS}/sign-in", data={"phone": PHONES["hoa"], "secret": PIN})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{HOST_COOKIE}=")
    for needed in ("Path=/", "Secure", "HttpOnly", "SameSite=lax"):
        assert needed in cookie
    assert "domain" not in cookie.lower()
    token = cookie.partition("=")[2].partition(";")[0]
    client.cookies.clear()
    for name, status in ((COOKIE, 303), (HOST_COOKIE, 200)):
        told = client.get(f"{TLS}/account", headers={"cookie": f"{name}={token}"})
        assert told.status_code == status, name
        assert "max-age" in told.headers["strict-transport-security"]


def test_over_tls_a_repeated_write_is_answered_to_whoever_made_it(world: World) -> None:
    told = []
    for person in ("hoa", "an"):
        client = site(world)
        secret = {"phone": PHONES[person], "secret": PIN}
        client.post(f"{TLS}/sign-in", data=secret)
        token = client.cookies[HOST_COOKIE]
        headers = {
            "cookie": f"{HOST_COOKIE}={token}",
            "x-csrf-token": csrf_of(token),
            "idempotency-key": "1",
        }
        for _ in range(2):
            url = f"{TLS}/api/v1/records"
            answer = client.post(url, content=b"{}", headers=headers)
            assert answer.status_code == 422
            told.append("idempotency-replayed" in answer.headers)
    assert told == [False, True, False, True], "what hoa was told is not an's"


def test_nobody_chooses_my_session_and_the_one_before_is_over(world: World) -> None:
    client = enter(site(world), "hoa")
    before = client.cookies[COOKIE]
    enter(client, "hoa")
    assert client.cookies[COOKIE] != before
    client.cookies.clear()
    client.cookies.set(COOKIE, before)
    assert client.get("/account").status_code == 303


def test_on_duty_it_lasts_twelve_hours_and_on_a_shared_phone_too(world: World) -> None:
    officer, shared, own = administer(world), site(world), enter(site(world), "hoa")
    form = {"phone": PHONES["an"], "secret": PIN, "shared": "1"}
    answer = shared.post("/sign-in", data=form)
    assert "max-age" not in answer.headers["set-cookie"].lower(), (
        "gone with the browser"
    )
    people = (officer, shared, own)
    for minutes in (55,) * 12 + (50,):
        world.clock.advance(timedelta(minutes=minutes))
        assert [one.get("/account").status_code for one in people] == [200] * 3
    world.clock.advance(timedelta(minutes=20))
    assert [one.get("/account").status_code for one in people] == [303, 303, 200]


def test_on_duty_who_is_away_signs_in_again(world: World) -> None:
    give_factor(world, "minh")
    officer, inspector = administer(world), enter(site(world), "minh")
    farmer = enter(site(world), "hoa")
    assert post(inspector, "/sign-in/code", code=code_now(world, 1)) == (303, "/")
    people = (officer, inspector, farmer)
    for _ in range(2):  # what an open page asks by itself is nobody sitting there
        world.clock.advance(timedelta(minutes=31))
        assert officer.get("/live.json").status_code in (200, 303, 401)
    assert [one.get("/account").status_code for one in people] == [303, 200, 200]
    assert world.registry.list_sessions("quan", milliseconds(world.clock.now())) == []
    world.clock.advance(timedelta(hours=4, minutes=1))
    assert [one.get("/account").status_code for one in people] == [303, 303, 200]


def test_a_phones_worker_is_told_who_is_signed_in_and_nobody_else_is(
    world: World,
) -> None:
    client = enter(site(world), "hoa")
    answer = client.get("/api/v1/session")
    assert answer.json() == {"person": "hoa", "csrf": csrf_of(client.cookies[COOKIE])}
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers
    assert site(world).get("/api/v1/session").status_code == 401
    give_factor(world, "minh")
    owes = enter(site(world), "minh")
    assert owes.get("/api/v1/session").status_code == 401, "the code is owed still"


def test_sessions_are_listed_coarsely_and_ended_by_their_owner_alone(
    world: World,
) -> None:
    phone, laptop = enter(site(world), "hoa"), site(world)
    agent = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/5 Chrome/126.0.1 Safari/5"
    laptop.headers["user-agent"] = agent
    enter(laptop, "hoa")
    told = page(phone, "/account").text
    assert "Chrome, Windows" in told
    assert "126" not in told, "no version"
    listed = world.registry.list_sessions("hoa", NOW_MS)
    stranger = enter(site(world), "an")
    for one in listed:
        assert post(stranger, f"/account/sessions/{one.id}/end")[0] == 404
    (other,) = [one for one in listed if one.agent]
    assert post(phone, f"/account/sessions/{other.id}/end")[0] == 303
    assert laptop.get("/account").status_code == 303
    assert phone.get("/account").status_code == 200
    enter(laptop, "hoa")
    assert post(phone, "/account/sessions/end")[0] == 303
    assert [one.get("/account").status_code for one in (laptop, phone)] == [303, 200]


def test_a_new_pin_takes_the_old_one_and_ends_all_other_sessions(world: World) -> None:
    client, elsewhere = enter(site(world), "hoa"), enter(site(world), "hoa")
    new = {"secret": OTHER_PIN, "again": OTHER_PIN}
    assert post(client, "/account/secret", old="111222", **new)[0] == 422
    form = {"old": PIN, "secret": "190786", "again": "190786"}
    token = csrf_of(client.cookies[COOKIE])
    told = client.post("/account/secret", data={"csrf": token, **form})
    assert told.status_code == 422
    assert "giống ngày sinh" in parse_page(told.text).one(class_="warning").text
    assert (
        post(client, "/account/secret", old=PIN, secret=OTHER_PIN, again=PIN)[0] == 422
    )
    assert post(client, "/account/secret", old=PIN, **new)[0] == 303
    assert client.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    enter(site(world), "hoa", OTHER_PIN)


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, act: Callable[[], None]
) -> None:
    """Have something be done once, right after a question was answered."""
    real, waiting = getattr(where, name), [act]

    def answered(*args: Any, **words: Any) -> Any:
        found = real(*args, **words)
        while waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(where, name, answered)


def test_a_secret_that_is_replaced_while_it_is_checked_opens_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace_secrets() -> None:
        kept = hashing.hash_secret(OTHER_PIN, is_pin=True)
        world.registry.set_secret("hoa", kept, is_pin=True)
        kept = hashing.hash_secret(PASSWORD + "!", is_pin=False)
        world.registry.set_secret("minh", kept, is_pin=False)

    thief = site(world)
    meanwhile(monkeypatch, sign_in, "is_secret", replace_secrets)
    form = {"phone": PHONES["hoa"], "secret": PIN}
    assert thief.post("/sign-in", data=form).status_code == 422
    assert not thief.cookies
    assert not world.registry.list_sessions("hoa", NOW_MS)
    assert noted(world, "sign_in")[0].outcome == "failed"
    # The same of who only thinks up another, and of who owes a code.
    owner = enter(site(world), "hoa", OTHER_PIN)
    new = {"secret": "850461", "again": "850461"}
    meanwhile(monkeypatch, sign_in, "is_secret", replace_secrets)
    assert post(owner, "/account/secret", old=OTHER_PIN, **new)[0] == 409
    assert not world.registry.list_sessions("hoa", NOW_MS)
    give_factor(world, "minh")
    owing = enter(site(world), "minh", PASSWORD + "!")
    meanwhile(monkeypatch, sign_in, "step_of", replace_secrets)
    assert post(owing, "/sign-in/code", code=code_now(world))[0] == 409
    assert not world.registry.list_sessions("minh", NOW_MS)


@pytest.mark.parametrize(
    "password",
    ["short", "1111111111", "1234567890", "Password12", "nuocxanh-2026", "Nước Xanh 1",
     "greenwatergreenwater", "mat khau 123", "0905 123 456", "22061989 11", "P@ssw0rd!1",
     "1q2w3e4r5t6y", "poiuytrewq", "qazwsxedc12", "iloveyou12", "Administrator1"],
)  # fmt: skip
def test_what_is_guessed_first_is_no_password(password: str) -> None:
    with pytest.raises(InputError):
        hashing.hash_secret(password, is_pin=False)


@pytest.mark.parametrize(
    "password", [PASSWORD, "kiem-tra-2026", "ao cá 7 " * 12, "ao7…tôm…6h"]
)
def test_any_other_is_taken_as_it_is_typed(password: str) -> None:
    kept = hashing.hash_secret(
        password, is_pin=False, about=("Lê Minh", "+84905000003")
    )
    assert hashing.is_secret(password, kept)
    assert not hashing.is_secret(password[:-1], kept)
    assert not hashing.is_secret(password.swapcase(), kept)


@pytest.mark.parametrize(
    "password",
    ["sandpeople", "bulldogs1!", "Trustno1Trustno1", "Chicago1987!"],
)  # fmt: skip
def test_what_is_on_the_lists_or_made_of_them_is_no_password(password: str) -> None:
    with pytest.raises(WeakSecretError) as refused:
        hashing.hash_secret(password, is_pin=False)
    assert refused.value.key == "password_listed"


@pytest.mark.parametrize(
    ("pin", "word"),
    [("000000", "pin_plain"), ("123456", "pin_plain"), ("654321", "pin_plain"),
     ("777777", "pin_plain"), ("121212", "pin_plain"), ("190786", "pin_day"),
     ("860719", "pin_day"), ("290204", "pin_day"), ("071986", "pin_day"),
     ("198607", "pin_day"), ("12345", "pin_weak"), ("１２３４９５", "pin_weak"),
     ("905123", "pin_own"), ("090512", "pin_own"), ("874321", "pin_own")],
)  # fmt: skip
def test_what_is_guessed_first_is_no_pin(pin: str, word: str) -> None:
    about = ("Nguyễn Thị Hương", "+84905123478")
    with pytest.raises(WeakSecretError) as refused:
        hashing.hash_secret(pin, is_pin=True, about=about)
    assert refused.value.key == word
    assert all(WORDS[lang][f"refused_{word}"] for lang in Lang)


def test_few_pins_are_refused_so_that_most_may_be_chosen() -> None:
    """A rule that refuses much tells a guesser what is left."""
    refused = sum(
        hashing.is_day(pin) or hashing.is_plain_pin(pin)
        for pin in (f"{number:06}" for number in range(0, 10**6, 97))
    )
    assert 0.05 < refused / (10**6 / 97) < 0.08


def test_nobody_is_called_by_his_own_secret() -> None:
    about = ("Nguyễn Thị Thanh Hương", "+84905123478")
    for secret, is_pin in (("ThanhHương1989", False), ("123478", True)):
        with pytest.raises(InputError):
            hashing.hash_secret(secret, is_pin=is_pin, about=about)
        assert hashing.hash_secret(secret, is_pin=is_pin)
    for pin in ("123123", "112233", "123321", "876543", "１２３４９５"):
        with pytest.raises(InputError):
            hashing.hash_secret(pin, is_pin=True)


def test_nobody_is_added_to_an_organisation_that_there_is_not(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = world.registry._sessions.engine.url.database
    monkeypatch.setenv("GREENWATER_HOME", str(tmp_path))
    monkeypatch.setenv("GREENWATER_REGISTRY_URL", f"sqlite:///{file}")
    words = ["person", "add", "moi", "--name", "Mới", "--phone", "0905000099"]
    for where, is_there in (("khong-co", False), ("ho", True)):
        run = CliRunner().invoke(build(words), [*words, "--organisation", where])
        assert (run.exit_code == 0) is is_there, run.output
        known = {one.id for one in world.registry.list_people()}
        assert ("moi" in known) is is_there, "nothing is written before it is refused"


def test_names_are_asked_of_those_who_are_shown(world: World) -> None:
    assert world.registry.names(["hoa", None, "nobody"]) == {"hoa": "Tên hoa"}
    assert world.registry.names([None]) == {}


# The second factor


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"),
     (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)  # fmt: skip
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    assert code_at(SECRET, seconds // 30) == code
    for drift, is_it in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        found = step_of(SECRET, code, (seconds + 30 * drift) * 1000)
        assert (found == seconds // 30) is is_it, drift


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "１２３４５６", "0" * 40])
def test_what_is_no_code_is_refused_and_nothing_breaks(code: str) -> None:
    assert step_of(SECRET, code, 59_000) is None


def test_without_the_code_the_secret_opens_nothing(world: World) -> None:
    give_factor(world, "minh")
    client = enter(site(world), "minh")
    for path in ("/check", "/board", "/account", "/account/second-factor"):
        answer = client.get(path)
        assert answer.status_code == 303 or "Tên minh" not in answer.text, path
    assert post(client, "/sign-in/code", code="000000")[0] == 422
    owed = client.cookies[COOKIE]
    assert post(client, "/sign-in/code", code=code_now(world)) == (303, "/")
    assert client.cookies[COOKIE] != owed, "a session of its own"
    assert "Tên minh" in client.get("/check").text


def test_a_code_is_taken_once_by_anybody(world: World) -> None:
    give_factor(world, "minh")
    code = code_now(world)
    first, second = enter(site(world), "minh"), enter(site(world), "minh")
    assert post(first, "/sign-in/code", code=code)[0] == 303
    assert post(second, "/sign-in/code", code=code)[0] == 422, "replayed"
    assert post(second, "/sign-in/code", code=code_now(world, -1))[0] == 422, "older"
    assert post(second, "/sign-in/code", code=code_now(world, 1))[0] == 303


def test_guessing_codes_waits_as_guessing_pins_does(world: World) -> None:
    give_factor(world, "minh")
    client = enter(site(world), "minh")
    for _ in range(4):
        post(client, "/sign-in/code", code="000000")
    assert post(client, "/sign-in/code", code=code_now(world))[0] == 422, "too early"
    again = site(world).post(
        "/sign-in", data={"phone": PHONES["minh"], "secret": PASSWORD}
    )
    assert again.status_code == 422, "nor does a new sign-in forgive"
    world.clock.advance(timedelta(seconds=31))
    assert post(client, "/sign-in/code", code=code_now(world))[0] == 303


def test_the_code_that_ends_a_factor_cannot_be_guessed_without_waiting(
    world: World,
) -> None:
    give_factor(world, "hoa")
    client, end = enter(site(world), "hoa"), "/account/second-factor/end"
    assert post(client, "/sign-in/code", code=code_now(world)) == (303, "/")
    for _ in range(4):
        assert post(client, end, code="000000")[0] == 422
    assert post(client, end, code=code_now(world, 1))[0] == 422, "too early"
    world.clock.advance(timedelta(seconds=31))
    assert post(client, end, code=code_now(world))[0] == 303
    assert world.registry.find_second_factor("hoa") is None


def test_who_has_one_account_does_not_try_all_others_from_there() -> None:
    """Coming in makes up for a few wrong tries, once an hour: a village can mistype."""
    patience, tries = Throttle(FREE_TRIES_AN_ADDRESS), 0
    while patience.begin("one", NOW_MS).may:
        tries += 1
        patience.make_up("one", "hoa", NOW_MS)
    assert tries <= FREE_TRIES_AN_ADDRESS + 4
    for number in range(100):
        assert patience.begin("village", NOW_MS).may, "mistyped"
        assert patience.begin("village", NOW_MS).may, "right"
        patience.undo("village")
        patience.make_up("village", f"p{number}", NOW_MS)


def test_a_recovery_code_has_no_less_than_128_bits() -> None:
    codes = make_recovery_codes(secrets.token_bytes)
    assert len({*codes}) == 8
    assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){6}", one) for one in codes)
    for bit in range(17 * 8):  # each bit of chance shows
        raw = (1 << bit).to_bytes(17, "big")
        (code, *_) = make_recovery_codes(lambda _size, raw=raw: raw)  # type: ignore[misc]
        assert code != make_recovery_codes(lambda size: bytes(size))[0], bit


def test_a_recovery_code_stands_in_once(world: World) -> None:
    give_factor(world, "minh")
    assert post(enter(site(world), "minh"), "/sign-in/code", code="AAAA bbbb")[0] == 303
    assert post(enter(site(world), "minh"), "/sign-in/code", code="aaaabbbb")[0] == 422


def test_a_stream_ends_with_its_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a phone that was lost would go on to be told, as long as it stays on."""
    monkeypatch.setattr(alarms, "STILL_S", 0.0)
    monkeypatch.setattr(alarms, "PULSE_S", 0.02)
    client, told = enter(site(world), "hoa"), 0
    cookie = f"{COOKIE}={client.cookies[COOKIE]}".encode()

    async def listen() -> None:
        async def receive() -> Message:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal told
            told += b"data:" in message.get("body", b"")
            if told == 1:
                await asyncio.to_thread(post, client, "/sign-out")

        scope = {
            "type": "http", "method": "GET", "path": "/events", "query_string": b"",
            "headers": [(b"cookie", cookie)], "scheme": "http", "client": ("1.1.1.1", 1),
        }  # fmt: skip
        await asyncio.wait_for(client.app(scope, receive, send), 20)

    asyncio.run(listen())
    assert told == 1


def test_on_duty_nobody_comes_in_without_one_but_in_a_demo(world: World) -> None:
    client = site(world)
    form = {"phone": PHONES["minh"], "secret": PASSWORD}
    answer = client.post("/sign-in", data=form)
    assert answer.headers["location"].startswith("/account/second-factor")
    assert client.get("/account").status_code == 303, "nothing else opens"
    shown = page(client, "/account/second-factor")
    assert shown.all("svg"), "a code to scan"
    spelt = "".join(shown.one("code").text.split())
    assert spelt == page(client, "/account/second-factor").one("code").text.replace(
        " ", ""
    ), "looking again makes no other secret"
    assert post(client, "/account/second-factor", code="000000")[0] == 422
    owed = client.cookies[COOKIE]
    token = csrf_of(owed)
    code = code_at(spelt, NOW_MS // STEP_MS)
    answer = client.post("/account/second-factor", data={"csrf": token, "code": code})
    codes = [one.text for one in parse_page(answer.text).all("code")]
    assert len(set(codes)) == 8
    assert client.cookies[COOKIE] != owed
    assert client.get("/account").status_code == 200
    assert all(code not in client.get("/account/second-factor").text for code in codes)
    assert post(enter(site(world), "minh"), "/sign-in/code", code=code)[0] == 422
    assert post(client, "/account/second-factor/end", code=codes[0])[0] == 403
    assert post(enter(site(world, is_demo=True), "quan"), "/sign-out") == (303, "/")


def test_a_phone_left_lying_is_not_made_its_finders(world: World) -> None:
    client = enter(site(world), "hoa")
    spelt = "".join(page(client, "/account/second-factor").one("code").text.split())
    code = code_at(spelt, NOW_MS // STEP_MS)
    for secret in ("", OTHER_PIN):
        assert (
            post(client, "/account/second-factor", code=code, secret=secret)[0] == 422
        )
    assert world.registry.find_second_factor("hoa").confirmed_ms is None  # type: ignore[union-attr]
    assert post(client, "/account/second-factor", code=code, secret=PIN)[0] == 200


def test_a_role_on_duty_ends_sessions_that_have_no_second_factor(world: World) -> None:
    client = enter(site(world), "hoa")
    world.registry.add_member("hoa", "cc", Role.OFFICER)
    assert client.get("/account").status_code == 303


# Links


def test_a_farmer_lets_family_in_and_nobody_comes_in_twice(world: World) -> None:
    farmer = enter(site(world), "hoa")
    token = csrf_of(farmer.cookies[COOKIE])
    made = farmer.post(
        "/account/invitations", data={"csrf": token, "role": "technician"}
    )
    assert parse_page(made.text).all("svg")
    link = shown_link(made.text)
    assert link not in farmer.get("/account/invitations").text, "shown once"
    dump = world.registry.open_links(NOW_MS)
    assert link.rpartition("/")[2] not in repr(dump)
    guest, form = site(world), {
        "name": "Út", "phone": "0905 111 222", "secret": OTHER_PIN, "again": OTHER_PIN,
        "agreed": "1",
    }  # fmt: skip
    assert guest.get(link).status_code == guest.get(link).status_code == 200
    for wrong in ({"agreed": ""}, {"secret": "1"}, {"phone": "x"}, {"name": ""},
                  {"phone": PHONES["an"]}):  # fmt: skip
        assert guest.post(link, data=form | wrong).status_code == 422, wrong
    assert guest.post(link, data=form).headers["location"] == "/"
    (roles,) = [
        one.memberships for one in world.registry.list_people() if one.name == "Út"
    ]
    assert roles == (("ho", Role.TECHNICIAN),)
    assert guest.get("/account").status_code == 200
    assert site(world).get(link).status_code == 404
    assert (
        site(world).post(link, data=form | {"phone": "0905333444"}).status_code == 404
    )


def test_who_has_an_account_accepts_with_it(world: World) -> None:
    link = world.registry.add_link(
        "l1", "t" * 30, kind=LinkKind.INVITATION, organisation="ho", role=Role.DELEGATE,
        made_by="hoa", now_ms=NOW_MS,
    )  # fmt: skip
    client = enter(site(world), "an")
    forged = client.post("/join/" + "t" * 30, data={"accept": "1", "csrf": "x"})
    assert forged.status_code == 403
    assert post(client, "/join/" + "t" * 30, accept="1")[0] == 303
    assert ("ho", Role.DELEGATE) in world.registry.get_person("an").memberships
    assert link.expires_ms == NOW_MS + 72 * HOUR_MS


@pytest.mark.parametrize("how", ["late", "withdrawn"])
def test_an_invitation_is_over_after_three_days_or_when_withdrawn(
    world: World, how: str
) -> None:
    client = enter(site(world), "hoa")
    token = csrf_of(client.cookies[COOKIE])
    made = client.post("/account/invitations", data={"csrf": token, "role": "farmer"})
    link = shown_link(made.text)
    if how == "late":
        world.clock.advance(timedelta(hours=72))
    else:
        (one,) = world.registry.open_links(NOW_MS)
        stranger = enter(site(world), "an")
        assert post(stranger, f"/account/invitations/{one.id}/end")[0] == 404
        assert post(client, f"/account/invitations/{one.id}/end")[0] == 303
    assert site(world).get(link).status_code == 404
    assert site(world).post(link, data={}).status_code == 404


@pytest.mark.parametrize("role", ["admin", "officer", "inspector", "auditor", "x", ""])
def test_a_farmer_makes_no_official(world: World, role: str) -> None:
    client = enter(site(world), "hoa")
    assert post(client, "/account/invitations", role=role)[0] == 422
    assert (
        post(client, "/account/invitations", role="farmer", organisation="cc")[0] == 404
    )
    assert world.registry.open_links(NOW_MS) == []


def test_the_demos_links_open_nothing_elsewhere(world: World) -> None:
    world.registry.add_link(
        "d", "d" * 30, kind=LinkKind.DEMO, person="hoa", now_ms=NOW_MS
    )
    link = "/once/" + "d" * 30
    for method in ("get", "post"):
        assert getattr(site(world), method)(link).status_code == 404
        assert (
            getattr(site(world), method)(link.replace("once", "join")).status_code
            == 404
        )
    demo = site(world, is_demo=True)
    assert demo.get(link).status_code == 200
    assert demo.post(link).headers["location"] == "/"
    assert demo.get("/account").status_code == 200
    again = site(world, is_demo=True)
    assert again.post(link).status_code == 404, "once"
    told = again.get(link).text
    assert "đã dùng rồi hoặc đã hết hạn" in told, "not that there is no such page"
    assert parse_page(told).one("a", class_="main").attrs["href"] == "/demo"
    told = again.get("/join/" + "x" * 30).text
    assert parse_page(told).one("a", class_="main").attrs["href"] == "/sign-in"
    assert "Không có trang này" in site(world).get(link).text, "nowhere but in a demo"


def test_the_first_start_makes_an_administrator_by_a_link_that_dies(
    world: World,
) -> None:
    registry, url = world.registry, "http://testserver"
    assert first_administrator(registry, url, NOW_MS) is None, "there is one"
    registry.drop_member("quan", "qt", Role.ADMIN)
    before = first_administrator(registry, url, NOW_MS) or ""
    again = first_administrator(registry, url, NOW_MS) or ""
    assert site(world).get(before).status_code == 404, "an earlier start's is withdrawn"
    form = {
        "name": "Quân", "phone": "0905123123", "secret": PASSWORD, "again": PASSWORD,
        "agreed": "1",
    }  # fmt: skip
    client = site(world)
    assert (
        client.post(again, data={**form, "secret": PIN, "again": PIN}).status_code
        == 422
    )
    answer = client.post(again, data=form)
    assert answer.headers["location"] == "/account/second-factor"
    assert client.get("/admin").status_code == 303, "not before the second factor"
    spelt = "".join(page(client, "/account/second-factor").one("code").text.split())
    code = code_at(spelt, NOW_MS // STEP_MS)
    assert post(client, "/account/second-factor", code=code)[0] == 200
    assert client.get("/admin").status_code == 200
    assert site(world).post(again, data=form).status_code == 404
    assert first_administrator(registry, url, NOW_MS) is None
    assert noted(world, "link_first_start")[0].person == registry.administrators()[0]


def test_the_demo_has_one_link_for_each_role_that_somebody_has(world: World) -> None:
    links = list(sign_in_links(world.registry, "http://demo", NOW_MS))
    roles = [role for role, _, _ in links]
    assert roles == [Role.FARMER, Role.INSPECTOR, Role.ADMIN]
    for role, name, address in links:
        demo, path = site(world, is_demo=True), address.removeprefix("http://demo")
        assert name in demo.get(path).text
        assert demo.post(path).status_code == 303
        held = {
            one for _, one in world.registry.get_person(_of(world, name)).memberships
        }
        assert role in held
        assert site(world).post(path).status_code == 404


def _of(world: World, name: str) -> str:
    return next(one.id for one in world.registry.list_people() if one.name == name)


# The audit log


def test_what_was_noted_is_never_changed(world: World) -> None:
    from sqlalchemy import text

    enter(site(world), "hoa")
    for statement in ("UPDATE audit SET act = 'x'", "DELETE FROM audit"):
        with (
            pytest.raises(ConflictError, match="never changed"),
            world.registry._sessions.writing() as session,
        ):
            session.execute(text(statement))


def test_sign_ins_are_noted_with_who_and_the_session_but_no_secret(
    world: World,
) -> None:
    client = site(world)
    client.post("/sign-in", data={"phone": PHONES["hoa"], "secret": "999999"})
    client.post("/sign-in", data={"phone": "274913", "secret": "0905000001"})
    enter(client, "hoa")
    right, stranger, wrong = noted(world, "sign_in")
    assert (right.person, right.outcome, len(right.session)) == ("hoa", "done", 8)
    assert (wrong.person, wrong.outcome) == ("hoa", "failed")
    assert (stranger.person, stranger.subject) == (None, ""), "it may be a secret"
    assert client.cookies[COOKIE] not in repr((right, wrong))


def test_every_post_of_somebody_signed_in_is_noted_with_what_it_was_on(
    world: World,
) -> None:
    client = enter(site(world), "hoa")
    post(client, "/lots/L1/recall", reason="x", phone="0905", sure="on")
    post(client, "/units/u/service", what="", reason="x")
    (recall,) = noted(world, "recall")
    assert (recall.person, recall.subject, recall.outcome) == (
        "hoa",
        "lot=L1",
        "refused",
    )
    assert noted(world, "out_of_service")[0].subject == "unit=u"
    post(client, "/products", gtin="09521234543213", name_vi="Tôm", species="PNV")
    assert noted(world, "other")[0].subject == "/products"
    client.post("/lots/L2/recall", data={"csrf": "forged", "reason": "x"})
    forged = noted(world, "recall")[0]
    assert (forged.subject, forged.outcome) == ("lot=L2", "refused")


def test_the_log_is_for_administrators_and_filters(world: World) -> None:
    enter(site(world), "hoa")
    admin = administer(world)
    told = page(admin, "/admin/audit?act=sign_in&person=hoa")
    assert len(told.all("li")) == 1
    assert "Tên hoa" in told.one("li").text
    assert noted(world, "audit_look")[0].person == "quan", "a look is noted too"
    for _ in range(60):
        world.registry.note("aerator", "x", at_ms=NOW_MS, person="hoa")
    first = page(admin, "/admin/audit?act=aerator")
    assert len(first.all("li")) == 50
    older = first.all("a", class_="button")[-1].attrs["href"]
    assert len(page(admin, older).all("li")) == 10


# The administrator


ADMIN_PAGES = (
    "/admin", "/admin/people", "/admin/people/hoa", "/admin/devices", "/admin/quarantine",
    "/admin/audit",
)  # fmt: skip


@pytest.mark.parametrize("person", ["", "hoa", "minh"])
def test_for_others_there_are_no_such_pages(world: World, person: str) -> None:
    client = site(world)
    if person == "minh":
        give_factor(world, "minh")
        enter(client, person)
        post(client, "/sign-in/code", code=code_now(world))
    elif person:
        enter(client, person)
    for path in ADMIN_PAGES:
        answer = client.get(path)
        assert answer.status_code == (404 if person else 303), path
        assert "Tên an" not in answer.text


def test_an_admin_of_a_household_is_none_of_the_platform(world: World) -> None:
    world.registry.add_member("an", "khac", Role.ADMIN)
    assert world.registry.administrators() == ["quan"]
    assert enter(site(world, is_demo=True), "an").get("/admin").status_code == 404


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_administrators_pages_are_whole(world: World, lang: str) -> None:
    admin = administer(world)
    assert admin.get("/").headers["location"] == "/admin"
    for path in ADMIN_PAGES:
        found = page(admin, f"{path}?lang={lang}")
        assert len(found.all("h1")) == 1, path
        named = {one.attrs.get("for") for one in found.all("label")}
        for field in (*found.all("input"), *found.all("select")):
            if field.attrs.get("type") not in ("hidden", "checkbox"):
                assert field.attrs["id"] in named, (path, field.attrs)


def test_health_tells_how_far_ingest_is_behind_and_of_the_last_backup(
    world: World,
) -> None:
    admin, beat = administer(world), world.registry.beat

    def told() -> str:
        found = [one.text for one in page(admin, "/admin").all(class_="value")]
        return "\n".join(found)

    assert "▲ chưa có" in told()
    beat("ingest", NOW_MS - 5_000, {"queue": 12, "lag_s": 2, "stored": 9})
    beat("backup", NOW_MS - 3 * HOUR_MS, {"bytes": 7_000_000})
    assert "hàng đợi 12, chậm 2 giây" in told()
    assert "6 MB" in told()
    assert "▲" not in told()
    beat("ingest", NOW_MS - 5_000, {"queue": 900, "lag_s": 45, "stored": 9})
    assert "▲" in told()
    beat("ingest", NOW_MS - 120_000, {"queue": 0, "lag_s": 0, "stored": 9})
    assert "▲" in told(), "it says nothing any more"
    beat("ingest", NOW_MS, {"queue": 0, "lag_s": 0, "stored": 9})
    beat("backup", NOW_MS - 8 * 24 * HOUR_MS, {"bytes": 7_000_000})
    assert "▲" in told(), "boxes keep seven days"


def test_a_box_at_sea_without_a_network_is_no_trouble_of_the_platform(
    world: World,
) -> None:
    registry, admin = world.registry, administer(world)

    def told() -> str:
        facts = page(admin, "/admin").all(class_="value")
        return next(one.text for one in facts if "Thiết bị có tín hiệu" in one.text)

    before = told()
    boat = registry.add_vessel("KH-91077-TS", organisation="ho", name="Tàu Hòa")
    registry.add_device("hop-tau", vessel=boat, now_ms=NOW_MS)
    assert told() != before, "it is counted"
    assert "▲" not in told()
    aboard = told()
    registry.add_device(book_device("trai"), site="trai", now_ms=NOW_MS)
    assert told() == aboard, "a farm's book is no box: nobody listens to it"
    assert "Trại" in page(admin, "/admin/devices").one("main").text
    assert str(book_device("trai")) not in admin.get("/admin/devices").text
    registry.add_device("hop-bo", site="trai", now_ms=NOW_MS)
    assert "▲" in told()


def test_a_box_is_added_with_a_code_renewed_and_shut_out(world: World) -> None:
    admin = administer(world)
    token = csrf_of(admin.cookies[COOKIE])
    form = {"csrf": token, "device": "hop-1", "place": "site/trai", "name": "Hộp 1"}
    made = admin.post("/admin/devices", data=form)
    shown = parse_page(made.text).one("pre").text
    password = re.search(r"password: ([a-z2-7]{32})", shown)
    assert password is not None
    assert "mqtts://box.example" in shown
    assert password[1] not in admin.get("/admin/devices").text, "shown once"
    assert password[1] not in repr(world.registry.noted())
    assert admin.post("/admin/devices", data=form).status_code == 422, "there already"
    before = world.registry.get_device("hop-1").bcrypt_hash
    admin.post("/admin/devices/hop-1/renew", data={"csrf": token})
    assert world.registry.get_device("hop-1").bcrypt_hash != before
    assert post(admin, "/admin/devices/hop-1/revoke")[0] == 422, "not by one slip"
    assert post(admin, "/admin/devices/hop-1/revoke", sure="1")[0] == 303
    assert world.registry.get_device("hop-1").state == "revoked"
    assert TOLD == ["told"] * 3, "the broker knows at once"
    LEFT.append("Mosquitto does not know yet")
    answer = admin.post("/admin/devices", data=form | {"device": "hop-2"})
    assert answer.status_code == 200
    assert "greenwater broker-files" in answer.text
    answer = admin.post(
        "/admin/devices/hop-2/revoke", data={"csrf": token, "sure": "1"}
    )
    assert answer.status_code == 200
    assert "greenwater broker-files" in answer.text, "the broker still lets it in"
    acts = [one.act for one in world.registry.noted() if "hop-1" in one.subject]
    assert acts[0] == "device_revoke"
    assert {"device_add", "device_renew"} < set(acts)


def test_people_are_invited_ended_and_let_in_again(world: World) -> None:
    admin, farmer = administer(world), enter(site(world), "hoa")
    token = csrf_of(admin.cookies[COOKIE])
    assert (
        post(admin, "/admin/organisations", id="xa", name="Xã", kind="commune")[0]
        == 303
    )
    form = {"csrf": token, "organisation": "xa", "role": "officer"}
    link = shown_link(admin.post("/admin/invitations", data=form).text)
    officer = site(world)
    data = {"name": "Hải", "phone": "0905777888", "secret": PASSWORD, "again": PASSWORD,
            "agreed": "1"}  # fmt: skip
    assert (
        officer.post(link, data={**data, "secret": PIN, "again": PIN}).status_code
        == 422
    )
    answer = officer.post(link, data=data)
    assert answer.headers["location"] == "/account/second-factor"
    asked = {"organisation": "ho", "role": "farmer"}
    assert post(admin, "/admin/people/hoa/roles/end", **asked)[0] == 303
    assert farmer.get("/account").status_code == 303, "signed out with it"
    assert world.registry.get_person("hoa").memberships == ()
    answer = admin.post("/admin/people/hoa/link", data={"csrf": token})
    again = site(world)
    link = shown_link(answer.text)
    assert (
        again.post(link, data={"secret": OTHER_PIN, "again": OTHER_PIN}).status_code
        == 303
    )
    enter(site(world), "hoa", OTHER_PIN)
    asked = {"organisation": "qt", "role": "admin"}
    assert post(admin, "/admin/people/quan/roles/end", **asked)[0] == 409, (
        "the last one"
    )


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
def test_an_administrator_says_where_alarms_reach_a_person(world: World) -> None:
    at = "/admin/people/hoa/contacts"
    form = {"organisation": "ho", "place": "2", "hours": "18:00-06:00"}
    url = "json://192.0.2.1/secret"
    demo = site(world, is_demo=True)
    demo.post("/demo/quan")
    assert post(demo, at, **form, address=url)[0] == 422, "nothing leaves a demo"
    admin, farmer = administer(world), enter(site(world), "hoa")
    for wrong in ({"address": "0905 000 001"}, {"address": url, "hours": "tối"}):
        answer = admin.post(
            at, data={**form, **wrong, "csrf": csrf_of(admin.cookies[COOKIE])}
        )
        assert answer.status_code == 422
        assert "secret" not in answer.text
        assert (
            parse_page(answer.text).one("select", id="place").one(selected="").text
            == "2"
        )
    assert post(admin, at, **form, address=url)[0] == 303
    (contact,) = world.registry.contacts()
    assert (contact.person, contact.url, contact.place, contact.hours) == (
        "hoa", url, 1, (1080, 360)
    )  # fmt: skip
    assert "18:00–06:00" in farmer.get("/calls").text
    page = admin.get("/admin/people/hoa").text
    assert "secret" not in page
    (name,) = re.findall(r'name="contact" value="(\w+)"', page)
    assert post(admin, f"{at}/end", contact="another")[0] == 303
    assert world.registry.contacts()
    assert post(admin, f"{at}/end", contact=name)[0] == 422, "the household's last"
    assert world.registry.contacts()
    assert post(admin, f"{at}/end", contact=name, sure="on")[0] == 303
    assert not world.registry.contacts()


def test_a_last_role_that_takes_calls_with_it_is_asked_about(world: World) -> None:
    registry, admin = world.registry, administer(world)
    registry.add_contact("ho", "hoa", "json://192.0.2.1/secret")
    registry.add_member("hoa", "ho", Role.TECHNICIAN)
    at, ho = "/admin/people/hoa/roles/end", {"organisation": "ho"}
    assert post(admin, at, **ho, role="technician")[0] == 303, "he is a farmer still"
    form = {**ho, "role": "farmer", "csrf": csrf_of(admin.cookies[COOKIE])}

    alone = admin.post(at, data=form)
    assert alone.status_code == 422
    assert "không còn ai được báo" in alone.text
    registry.add_member("an", "ho", Role.FARMER)
    registry.add_contact("ho", "an", "json://192.0.2.1/other")
    others = admin.post(at, data=form).text
    assert "người khác vẫn được báo" in others
    assert "secret" not in others
    assert registry.get_person("hoa").memberships == (("ho", Role.FARMER),)
    assert len(registry.contacts()) == 2

    assert post(admin, at, **ho, role="farmer", sure="on")[0] == 303
    assert registry.get_person("hoa").memberships == ()
    assert [one.person for one in registry.contacts()] == ["an"]


def test_quarantine_is_looked_at_and_replayed(world: World) -> None:
    from greenwater.kernel.quarantine import Quarantined

    raw = b"[{<script>"
    entry = Quarantined("hop-x", "gw/1/hop-x/up", "batch", raw, "not JSON", NOW_MS)
    world.registry.quarantine([entry])
    admin = administer(world)
    (one,) = world.registry.newest_quarantine()
    assert "not JSON" in page(admin, "/admin/quarantine").text
    assert "<script>" not in admin.get(f"/admin/quarantine/{one.id}").text
    token = csrf_of(admin.cookies[COOKIE])
    path = f"/admin/quarantine/{one.id}/replay"
    assert "taken in" in admin.post(path, data={"csrf": token}).text
    assert admin.get("/admin/quarantine/999").status_code == 404


# One's own data


def test_who_sees_is_what_the_one_rule_says(world: World) -> None:
    told = page(enter(site(world), "hoa"), "/account/who-sees").text
    assert "Tên hoa" in told
    assert "Tên minh" in told, "an inspector of the authority sees all"
    assert "Tên an" not in told
    assert "Tên quan" not in told, "an administrator sees no books"
    for person in ("hoa", "an", "minh", "quan"):
        seen = world.registry.reach_of(person)
        listed = person in {one for one, _, _ in world.registry.who_sees("ho")}
        assert listed == (seen is None or "ho" in seen), person


def test_consent_is_kept_and_its_withdrawal_has_its_effect(world: World) -> None:
    client, registry = enter(site(world), "hoa"), world.registry
    registry.add_contact("ho", "hoa", "json://localhost")
    assert post(client, "/account/consents/messages", given="1")[0] == 303
    assert registry.contacts()
    assert post(client, "/account/consents/messages", sure="1")[0] == 303
    assert registry.contacts() == []
    assert [one.is_given for one in registry.consents("hoa")] == [False, True]
    assert post(client, "/account/consents/account")[0] == 422, "not by one slip"
    registry.add_api_token(
        "may-tinh", "mã của máy", organisation="ho", name="Máy tính", made_by="hoa",
        scopes=frozenset({"records:read"}), now_ms=NOW_MS, expires_ms=NOW_MS + 10**9,
    )  # fmt: skip
    assert registry.find_api_token("mã của máy", NOW_MS)
    assert post(client, "/account/consents/account", sure="1") == (303, "/")
    assert client.get("/account").status_code == 303
    answer = site(world).post("/sign-in", data={"phone": PHONES["hoa"], "secret": PIN})
    assert answer.status_code == 422
    assert registry.get_person("hoa").phone is None
    assert registry.get_person("hoa").memberships == (), "nobody who may see is named"
    assert registry.find_api_token("mã của máy", NOW_MS) is None
    assert registry.names()["hoa"] == "Tên hoa", "books keep their writer's name"


def test_all_that_is_mine_and_nothing_else_goes_with_me(world: World) -> None:
    from greenwater.kernel.channels import Channel

    registry = world.registry
    registry.add_site("trai-an", organisation="khac", name="Trại của an")
    for farm, where in (("hoa", "trai"), ("an", "trai-an")):
        registry.add_unit(f"ao-{farm}", site=where, name=f"Ao của {farm}")
        world.add_device(f"hop-{farm}", site=where)
        world.hang(f"hop-{farm}", "do", unit=f"ao-{farm}")
        world.feed(f"hop-{farm}", "do", Channel.DISSOLVED_OXYGEN)
    answer = enter(site(world), "hoa").get("/account/data.zip")
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    names = set(archive.namelist())
    assert {"account.json", "acts.csv", "ho/records.json", "ho/readings.csv"} <= names
    told = {name: archive.read(name).decode() for name in names}
    assert not any("của an" in text or "hop-an" in text for text in told.values())
    assert "+84905000001" in told["account.json"]
    assert len(told["ho/readings.csv"].splitlines()) > 100
    assert "argon2" not in told["account.json"]
    assert noted(world, "data_export")[0].person == "hoa"


def test_on_duty_one_carries_off_no_farms_data(world: World) -> None:
    give_factor(world, "minh")
    client = enter(site(world), "minh")
    post(client, "/sign-in/code", code=code_now(world))
    archive = zipfile.ZipFile(io.BytesIO(client.get("/account/data.zip").content))
    assert not any(
        "Trại Hòa" in archive.read(one).decode() for one in archive.namelist()
    )


def test_no_page_of_accounts_is_kept_by_the_browser(world: World) -> None:
    client = enter(site(world), "hoa")
    for path in ("/account", "/account/who-sees", "/account/data.zip"):
        assert "no-store" in client.get(path).headers["cache-control"], path


def test_an_administrator_says_that_an_inspectors_phone_is_lost(world: World) -> None:
    """He may have no other phone to say so from; nobody else's key is ended by the way."""
    for person, key in (("minh", "k" * 8), ("hoa", "h" * 8)):
        world.registry.add_inspector_key(
            InspectorKey(key, person, f"public-{key}", f"Máy {person}", NOW_MS)
        )
    admin = administer(world)
    assert "Máy minh" in page(admin, "/admin/people/minh").one("main").text
    assert post(admin, f"/admin/people/minh/keys/{'h' * 8}/end")[0] == 404
    assert post(admin, f"/admin/people/minh/keys/{'k' * 8}/end")[0] == 303
    lost = {one.id: one.is_lost for one in world.registry.inspector_keys()}
    assert lost == {"k" * 8: True, "h" * 8: False}
    assert "đã báo mất" in page(admin, "/admin/people/minh").one("main").text
