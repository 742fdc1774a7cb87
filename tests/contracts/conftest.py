"""Fixtures of the contract tests."""

import threading
from collections.abc import Iterator

import pytest

from greenwater.storage.registry import Registry, open_registry
from tests.contracts.registries import Databases


@pytest.fixture(
    scope="session",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live)],
)
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    """Registry databases of one kind."""
    folder = tmp_path_factory.mktemp("registries")
    return Databases(request.param, folder, lambda: request.getfixturevalue("postgres"))


@pytest.fixture
def registry(databases: Databases) -> Iterator[Registry]:
    """A registry of its own for each test."""
    with open_registry(databases.migrated()) as opened:
        yield opened
        # Scans are counted half a second later: a closed registry would be opened again.
        for one in threading.enumerate():
            if isinstance(one, threading.Timer):
                one.join()
