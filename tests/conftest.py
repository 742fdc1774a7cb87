"""Shared fixtures: real servers, once a session, skipped by name where they are not."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from tests.servers import Influx, Mosquitto, Nats, NoServerError, Postgres, Server

# What is tried at every change is the same every time: news of a search is not the fault of
# whoever changed something else. The search is `make search`.
settings.register_profile("fixed", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "fixed")

_configure = structlog.configure


def _configure_for_one_test(**options: Any) -> None:
    _configure(**{**options, "cache_logger_on_first_use": False})


structlog.configure = _configure_for_one_test  # type: ignore[assignment]


def pytest_collection_finish() -> None:
    """Leave thousands of tests and modules, which live to the end, out of each collection.

    It is a tenth of the processor's time of all tests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure() -> None:
    """Let what was left out be collected at the end, as its libraries expect."""
    gc.unfreeze()


def pytest_runtest_teardown() -> None:
    """A command logs to its own test's output, which is closed for every test after it."""
    structlog.reset_defaults()


SHARED = Path(__file__).resolve().parents[2] / "shared"


def started(server: Server) -> Server:
    """Start a server, or skip the test by the server's name (fail with REQUIRE_LIVE)."""
    try:
        server.start()
    except NoServerError as exc:
        if os.environ.get("REQUIRE_LIVE"):
            pytest.fail(str(exc))
        pytest.skip(str(exc))
    return server


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """One InfluxDB for the session; isolate by database."""
    server = Influx(tmp_path_factory.mktemp("influx"))
    started(server)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One Mosquitto for the session that lets anybody in; isolate by device."""
    server = Mosquitto(
        tmp_path_factory.mktemp("mosquitto"),
        lines=["allow_anonymous true", "max_queued_messages 100000",
               "max_inflight_messages 2000"],
    )  # fmt: skip
    started(server)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """One nats-server for the session that lets anybody in."""
    server = Nats(tmp_path_factory.mktemp("nats"))
    started(server)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One PostgreSQL for the session; isolate by database."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    started(server)
    yield server
    server.stop()


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """Return what finds a file of the shared folder, or skips the test by its name."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"shared/{name} is not here")
        return path

    return find
