"""One province for all page tests: they only look."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.pages.world import World, open_empty, open_world
from web.app import create_app


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
