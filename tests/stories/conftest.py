"""Each story on both backings: the embedded defaults, and servers.

On one of them (``SHORT_ON`` of its module) with ``make test``, on the other with ``make
long``: a story takes two minutes of a clock on the wall.
"""

import secrets
from collections.abc import Iterator

import pytest

from tests.chromium import chromium
from tests.stories.receiver import Receiver, receiving
from tests.stories.theatre import Backing, Distributed, Embedded


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a story on the backing that ``make test`` leaves out."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    backing = params.get("backing")
    if backing is not None and backing != item.module.SHORT_ON:  # type: ignore[attr-defined]
        item.add_marker(pytest.mark.long)


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
