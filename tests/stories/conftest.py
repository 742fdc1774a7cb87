"""Each story on both backings: the embedded defaults, and servers."""

import secrets
from collections.abc import Iterator

import pytest

from tests.chromium import chromium
from tests.stories.receiver import Receiver, receiving
from tests.stories.theatre import Backing, Distributed, Embedded


@pytest.fixture(params=[Embedded.name, Distributed.name])
def backing(request: pytest.FixtureRequest) -> Backing:
    """Return where a story's platform keeps things; it is skipped without a browser."""
    chromium()
    if request.param == Embedded.name:
        request.getfixturevalue("nats")
        return Embedded()
    request.getfixturevalue("mosquitto")
    influx = request.getfixturevalue("influx")
    postgres = request.getfixturevalue("postgres")
    return Distributed(influx, postgres, f"story{secrets.token_hex(4)}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a listener that messages are sent to."""
    with receiving() as one:
        yield one
