"""The pages and exports are the same over both stores."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from greenwater.storage.export import Format, export
from greenwater.storage.telemetry.ports import Span
from tests.pages.world import NOW_MS, World, open_world
from tests.servers import Influx
from web.app import create_app

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def other(influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same province over InfluxDB."""
    home: Path = tmp_path_factory.mktemp("other")
    with open_world(home, influx.url("pages")) as world:
        yield world


@pytest.mark.parametrize(
    "path",
    [
        "/?lang=vi",
        "/units/ao-1?lang=vi",
        "/units/ao-3?hours=168&lang=vi",
        "/vessels/KH-95123-TS?lang=vi",
        "/live.json?lang=vi",
        "/api/v1/units",
        "/api/v1/series?unit=ao-1&channel=dissolved_oxygen&lang=vi",
    ],
)
def test_a_page_is_the_same_over_influxdb(
    site: TestClient, other: World, path: str
) -> None:
    with TestClient(create_app(other.services)) as its_site:
        assert its_site.get(path).text == site.get(path).text


@pytest.mark.parametrize("file_format", Format)
@pytest.mark.parametrize("wide", [False, True])
def test_an_export_is_the_same_over_influxdb(
    world: World, other: World, file_format: Format, wide: bool
) -> None:
    files = []
    for one in (world, other):
        spans = [Span(series, 0, NOW_MS * 2) for series in one.telemetry.series()]
        out = io.BytesIO()
        assert export(one.telemetry, spans, file_format, out, wide=wide) > 1000
        files.append(out.getvalue())
    assert files[0] == files[1]
