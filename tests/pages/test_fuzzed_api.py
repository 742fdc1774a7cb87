"""schemathesis over the whole API, shortly: no question is ever our own fault.

All checks and many examples: ``make fuzz``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.pages.farms import Farms
from tests.pages.fuzz import HEADERS, app_of
from tests.pages.world import open_empty

EXAMPLES = 2


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    with open_empty(folder) as world:
        yield app_of(Farms(world, folder))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_question_is_our_own_fault(app: FastAPI, mode: GenerationMode) -> None:
    described = app.openapi()
    schema = schemathesis.openapi.from_dict(described)
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    client.headers.update(HEADERS)
    tried = 0
    every: Iterable[Any] = schema.get_all_operations()
    for found in every:
        operation = found.ok()
        tried += 1
        _try(client, operation, mode)
    assert tried > 40


def _try(client: TestClient, operation: Any, mode: GenerationMode) -> None:
    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        words = case.as_transport_kwargs(base_url="http://testserver")
        words["headers"] = {**dict(words.get("headers") or {}), **HEADERS}
        for unknown in ("cookies",):
            words.pop(unknown, None)
        data = words.pop("data", None)
        if isinstance(data, str | bytes):
            words["content"] = data
        elif data is not None:
            words["data"] = data
        answer = client.request(**words)
        told = (operation.label, words, answer.status_code, answer.text[:300])
        assert answer.status_code < 500 or answer.status_code == 501, told
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", told

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # everything is right there
