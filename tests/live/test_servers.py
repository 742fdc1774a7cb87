"""The test servers are what they claim to be, and come back after a kill."""

import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.conftest import started
from tests.servers import Influx, Mosquitto, Nats, Postgres, Server, free_port, listens

pytestmark = pytest.mark.live


def asked(influx: Influx, statement: str) -> str:
    query = urllib.parse.urlencode({"db": "d", "q": statement}).encode()
    with urllib.request.urlopen(
        f"http://127.0.0.1:{influx.port}/query", query, timeout=10
    ) as answer:
        return str(answer.read(), "utf-8")


def connected(postgres: Postgres) -> psycopg.Connection:
    url = postgres.url().replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True, connect_timeout=10)


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path)
    started(server)
    yield server
    server.stop()


def test_influxdb_is_1_6(influx: Influx) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{influx.port}/ping") as answer:
        assert answer.headers["X-Influxdb-Version"].startswith("1.6.")


def test_postgresql_is_15_and_our_own(postgres: Postgres) -> None:
    with connected(postgres) as connection:
        row = connection.execute("SHOW server_version").fetchone()
        assert row is not None
        assert row[0].startswith("15")
    assert not psutil.Process(postgres.pid).exe().startswith("/usr/")


def test_brokers_listen(mosquitto: Mosquitto, nats: Nats) -> None:
    assert listens(mosquitto.port)
    assert listens(nats.port)


@pytest.mark.parametrize("kind", [Mosquitto, Nats, Influx])
def test_a_killed_server_comes_back_on_its_port(
    kind: type[Server], tmp_path: Path
) -> None:
    server = kind(tmp_path)
    started(server)
    first = server.pid
    server.kill()
    assert not listens(server.port)
    server.start()
    assert listens(server.port)
    assert server.pid != first
    server.stop()
    assert not listens(server.port)


def test_influxdb_keeps_what_it_answered_through_a_kill_but_not_a_wipe(
    tmp_path: Path,
) -> None:
    influx = Influx(tmp_path)
    started(influx)
    asked(influx, "CREATE DATABASE d")
    url = f"http://127.0.0.1:{influx.port}/write?db=d"
    with urllib.request.urlopen(url, b"m v=1 1000", timeout=10) as answer:
        assert answer.status == 204
    influx.restart()
    assert '"m"' in asked(influx, "SELECT v FROM m")
    influx.kill()
    influx.wipe()
    influx.start()
    assert '"m"' not in asked(influx, "SHOW MEASUREMENTS")
    influx.stop()


def test_postgresql_keeps_what_it_committed_through_a_kill(
    own_postgres: Postgres,
) -> None:
    with connected(own_postgres) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS one")
        own_postgres.kill()
    own_postgres.start()
    with connected(own_postgres) as connection:
        assert connection.execute("SELECT one FROM t").fetchone() == (1,)


def test_postgresql_stops_at_once_with_clients_connected(
    own_postgres: Postgres,
) -> None:
    connection = connected(own_postgres)
    backends = psutil.Process(own_postgres.pid).children(recursive=True)
    assert backends
    own_postgres.stop()
    assert not any(one.is_running() for one in backends)
    connection.close()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    config = tmp_path / "bad.conf"
    config.write_text("nonsense 1\n")
    with pytest.raises(RuntimeError, match=r"mosquitto ended .*nonsense"):
        started(Mosquitto(tmp_path, config=config))


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = {free_port() for _ in range(200)}
    assert len(ports) == 200
    assert max(ports) < low
