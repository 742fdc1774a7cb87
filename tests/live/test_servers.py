"""The test servers are what they claim to be, and come back after a kill."""

import urllib.request

import psycopg
import pytest

from tests.servers import Influx, Mosquitto, Nats, Postgres, listens

pytestmark = pytest.mark.live


def test_influxdb_is_1_6(influx: Influx) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{influx.port}/ping") as answer:
        assert answer.headers["X-Influxdb-Version"].startswith("1.6.")


def test_postgresql_answers(postgres: Postgres) -> None:
    url = postgres.url().replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW server_version").fetchone()
        assert row is not None
        assert row[0].startswith("15")


def test_brokers_listen(mosquitto: Mosquitto, nats: Nats) -> None:
    assert listens(mosquitto.port)
    assert listens(nats.port)


def test_a_killed_server_comes_back_on_its_port(mosquitto: Mosquitto) -> None:
    mosquitto.kill()
    assert not listens(mosquitto.port)
    mosquitto.start()
    assert listens(mosquitto.port)
