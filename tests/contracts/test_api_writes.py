"""Writes with a key, at once, on each registry: one effect, and the same answer to all."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import ConflictError
from greenwater.kernel.reading import instant
from greenwater.storage.registry import Registry
from greenwater.storage.registry.writes import KEPT_MS, PATIENCE_MS, KeptAnswer
from tests.contracts.registries import NOW, a_farm
from web.api.idempotency import Once
from web.door.doors import Doors
from web.ports import Services

AT_ONCE = 4


class Site:
    """One address that counts what it does, slowly; its first answers may be failures."""

    def __init__(self, registry: Registry) -> None:
        a_farm(registry)
        registry.add_api_token(
            "t", "secret", organisation="hoa", name="x", now_ms=NOW,
            scopes=frozenset({"epcis:capture"}), expires_ms=NOW + 10**7,
        )  # fmt: skip
        clock = ManualClock(instant(NOW + 1000))
        services = Services(registry, cast(Any, None), clock)
        self.done, self.failures, self._lock = 0, 0, threading.Lock()
        self.app = FastAPI()
        self.app.middleware("http")(Once(services, Doors(services)))
        self.app.post("/api/v1/things")(self.write)

    def write(self) -> Response:
        threading.Event().wait(0.3)
        with self._lock:
            if self.failures:
                self.failures -= 1
                return Response("no", 503)
            self.done += 1
            return Response(f"done {self.done}", 201, {"Location": f"/{self.done}"})

    def at_once(self, key: str) -> list[Any]:
        """Send the same write several times at once; return the answers."""
        start = threading.Barrier(AT_ONCE)
        headers = {"X-API-Key": "secret", "Idempotency-Key": key}

        def send(_number: int) -> Any:
            client = TestClient(self.app)
            start.wait()
            return client.post("/api/v1/things", json={"a": 1}, headers=headers)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(send, range(AT_ONCE)))


@pytest.fixture
def site(registry: Registry) -> Site:
    return Site(registry)


def test_equal_writes_at_once_are_done_once_and_answered_alike(site: Site) -> None:
    answers = site.at_once("k")
    assert site.done == 1
    told = {(one.status_code, one.text, one.headers["location"]) for one in answers}
    assert told == {(201, "done 1", "/1")}
    first = [one for one in answers if "idempotency-replayed" not in one.headers]
    assert len(first) == 1, "the others were told that it is the same"


def test_a_failure_is_nobodys_answer_but_its_own(site: Site) -> None:
    site.failures = 1
    answers = site.at_once("k")
    assert site.done == 1, "one of the others did it then"
    assert sorted(one.status_code for one in answers) == [201] * (AT_ONCE - 1) + [503]


def test_an_answer_is_kept_for_two_days_and_no_longer(registry: Registry) -> None:
    answer = KeptAnswer(201, {}, b"x")
    for key in ("k", "other"):
        assert registry.begin_write(key, "d", now_ms=NOW) is None
        registry.finish_write(key, answer)
    assert registry.begin_write("k", "d", now_ms=NOW + KEPT_MS) == answer
    assert registry.begin_write("k", "d", now_ms=NOW + KEPT_MS + 1) is None
    assert registry.begin_write("other", "new", now_ms=NOW) is None, "it went too"


def test_who_takes_up_a_write_that_was_left_has_as_long_as_the_first(
    registry: Registry,
) -> None:
    assert registry.begin_write("k", "d", now_ms=NOW) is None
    taken_ms = NOW + PATIENCE_MS
    with pytest.raises(ConflictError, match="being worked on"):
        registry.begin_write("k", "d", now_ms=taken_ms - 1)
    assert registry.begin_write("k", "d", now_ms=taken_ms) is None
    with pytest.raises(ConflictError, match="being worked on"):
        registry.begin_write("k", "d", now_ms=taken_ms + PATIENCE_MS - 1)
