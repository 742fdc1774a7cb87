"""One province for all page tests: they only look."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from tests.pages.world import World, open_empty, open_world
from web.app import create_app
from web.door import hashing


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[PasswordHasher]:
    """Argon2 does a thousandth of its work on these pages; yields the one with all of it.

    What a guess costs is ``test_people_doors``'s, with the real one.
    """
    real, hashing._HASHER = hashing._HASHER, PasswordHasher(1, 8, 1)  # type: ignore[misc]
    hashing._nobody.cache_clear()
    yield real
    hashing._HASHER = real  # type: ignore[misc]
    hashing._nobody.cache_clear()


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(scope="package")
def site(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(world.services)) as client:
        yield client


@pytest.fixture
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An empty world that a test may change."""
    with open_empty(tmp_path_factory.mktemp("own")) as world:
        yield world
